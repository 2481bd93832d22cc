from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_info import OPERATION

from tests.support.api_server import ApiServer, refusing, status
from tests.support.objects import namespace, pod, recorded
from tests.support.running import fail, run, succeed

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def lab(server: ApiServer) -> ApiServer:
    """bb1 on demo-worker, bb2 on demo-worker2, one in another namespace."""
    server.put(
        namespace("other"),
        pod("bb1", "192.168.157.134", node="demo-worker", labels={"run": "bb1"}),
        pod("bb2", "192.168.121.73", "fd00::73", node="demo-worker2", labels={"run": "bb2"}),
        pod("far", "192.168.121.80", node="demo-worker2", namespace="other", labels={"run": "far"}),
        pod("waiting"),
    )
    return server


def names(result: dict[str, Any]) -> list[str]:
    return [f"{item['namespace']}/{item['name']}" for item in result["pods"]]


def test_a_pod_is_told_in_plain_fields(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, names=["bb2"])
    assert not result["changed"]
    assert result["pods"] == [
        {
            "namespace": "default",
            "name": "bb2",
            "node": "demo-worker2",
            "ip": "192.168.121.73",
            "ips": ["192.168.121.73", "fd00::73"],
            "host_ip": "172.18.0.4",
            "host_network": False,
            "phase": "Running",
            "ready": True,
            "labels": {"run": "bb2"},
            "images": ["busybox"],
        }
    ]


def test_a_pod_without_node_and_address_has_null_there(lab: ApiServer) -> None:
    (waiting,) = succeed(OPERATION, lab, names=["waiting"])["pods"]
    assert (waiting["node"], waiting["ip"], waiting["ips"], waiting["host_ip"]) == (None, None, [], None)
    assert (waiting["phase"], waiting["ready"]) == ("Pending", False)


@pytest.mark.parametrize("name", [item["metadata"]["name"] for item in recorded("pods")["items"]])
def test_every_recorded_pod_can_be_told(server: ApiServer, name: str) -> None:
    server.put(*({"kind": "Pod", **item} for item in recorded("pods")["items"]))
    assert names(succeed(OPERATION, server, names=[name])) == [f"default/{name}"]


def test_pods_stand_in_the_order_asked_for(lab: ApiServer) -> None:
    assert names(succeed(OPERATION, lab, names=["bb2", "bb1", "bb2"])) == ["default/bb2", "default/bb1", "default/bb2"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["default/bb1", "default/bb2", "default/waiting"]),
        ({"namespace": "other"}, ["other/far"]),
        ({"all_namespaces": True}, ["default/bb1", "default/bb2", "default/waiting", "other/far"]),
        ({"label_selector": "run=bb1"}, ["default/bb1"]),
        ({"label_selector": "run in (bb1,bb2)"}, ["default/bb1", "default/bb2"]),
        ({"field_selector": "spec.nodeName=demo-worker2", "all_namespaces": True}, ["default/bb2", "other/far"]),
        ({"namespace": "empty"}, []),
    ],
)
def test_pods_are_found_by_namespace_and_selectors(lab: ApiServer, arguments: dict[str, Any], found: list[str]) -> None:
    assert names(succeed(OPERATION, lab, **arguments)) == found


def test_a_selector_reaches_the_server_as_it_is(lab: ApiServer) -> None:
    succeed(OPERATION, lab, label_selector="a=b,c!=d, e notin (f)")
    assert lab.requests[-1].query["labelSelector"] == ["a=b,c!=d, e notin (f)"]
    assert "fieldSelector" not in lab.requests[-1].query


def test_more_pods_than_a_page_holds_are_all_read(lab: ApiServer) -> None:
    lab.put(*(pod(f"p{number}", namespace="other") for number in range(1100)))
    assert len(succeed(OPERATION, lab, namespace="other")["pods"]) == 1101


def test_a_query_is_put_to_the_objects_of_the_api(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, names=["bb1", "bb2"], query="[].status.podIP")
    assert result["query_result"] == ["192.168.157.134", "192.168.121.73"]


def test_without_a_query_there_is_no_result_of_one(lab: ApiServer) -> None:
    assert "query_result" not in succeed(OPERATION, lab, names=["bb1"])


def test_a_query_without_a_match_gives_null(lab: ApiServer) -> None:
    assert succeed(OPERATION, lab, names=["bb1"], query="nothing.there")["query_result"] is None


@pytest.mark.parametrize("query", ["[", "[?", "a.b.", "`", "foo(", ""])
def test_a_query_that_is_no_jmespath_is_refused_before_anything_is_read(lab: ApiServer, query: str) -> None:
    code, message = fail(OPERATION, lab, names=["bb1"], query=query)
    assert code == "invalid-input"
    assert message.startswith("query is no JMESPath expression: ")
    assert "\n" not in message
    assert lab.requests == []


def test_a_query_that_does_not_fit_the_pods_is_explained(lab: ApiServer) -> None:
    code, message = fail(OPERATION, lab, names=["bb1"], query="[].abs(metadata.name)")
    assert code == "invalid-input"
    assert message.startswith("query cannot be applied to the pods: ")


def test_a_pod_that_is_not_there_is_named_and_the_others_are_told(lab: ApiServer) -> None:
    result = run(OPERATION, lab, names=["bb1", "bb3"])
    assert result["msg"] == (
        f"1 of 2 pods failed: pod default/bb3: pod default/bb3 is not in the cluster {lab.url}; create it first, or name its "
        "namespace"
    )
    assert result["pods"][0]["ip"] == "192.168.157.134"
    assert result["pods"][1]["error"] == "not-found"


def test_a_selector_that_the_server_does_not_understand_is_told_in_its_words(lab: ApiServer) -> None:
    message = "unable to parse requirement: found '=', expected: ',' or 'end of string'"
    lab.misbehave("GET", PODS, refusing(400, status(400, "BadRequest", message)))
    assert fail(OPERATION, lab, label_selector="a==b=c") == ("rejected", message)


@pytest.mark.parametrize(
    "arguments",
    [
        {"names": ["bb1"], "all_namespaces": True},
        {"names": ["bb1"], "label_selector": "a=b"},
        {"names": ["bb1"], "field_selector": "a=b"},
    ],
)
def test_options_that_would_be_overlooked_are_refused(lab: ApiServer, arguments: dict[str, Any]) -> None:
    code, message = fail(OPERATION, lab, **arguments)
    assert code == "invalid-input"
    assert message.startswith("names says which pods are read: leave ")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_a_name_that_would_lead_elsewhere_reaches_no_server(lab: ApiServer, name: str) -> None:
    assert run(OPERATION, lab, names=[name])["pods"][0]["error"] == "invalid-input"
    assert fail(OPERATION, lab, namespace=name)[0] == "invalid-input"
    assert lab.requests == []
