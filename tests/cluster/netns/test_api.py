# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API over HTTPS, beside recorded answers of a real API server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Cluster

RECORDED = Path(__file__).parents[3] / "tests" / "unit" / "netns_cluster" / "api" / "samples"
PODS = "/api/v1/namespaces/default/pods"
CONTAINER = {"name": "a", "image": "busybox"}
MERGE = "application/merge-patch+json"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "method", "path", "body"),
    [
        ("400_bad_json", "POST", PODS, b"{nope"),
        (
            "404_namespace",
            "POST",
            "/api/v1/namespaces/nope/pods",
            {"metadata": {"name": "x"}, "spec": {"containers": [CONTAINER]}},
        ),
        ("422_bad_name", "POST", PODS, {"metadata": {"name": "Bad_Name"}, "spec": {"containers": [CONTAINER]}}),
        ("422_no_containers", "POST", PODS, {"metadata": {"name": "x"}, "spec": {"containers": []}}),
    ],
)
def test_a_wrong_request_gets_the_answer_of_a_real_api_server(
    demo: Cluster, name: str, method: str, path: str, body: Any
) -> None:
    answer = demo.request(method, path, body)
    assert answer.body == recorded(name)
    assert answer.status == answer.body["code"]


def test_a_patch_of_another_media_type_gets_the_answer_of_a_real_api_server(demo: Cluster) -> None:
    answer = demo.request("PATCH", "/api/v1/nodes/demo-worker", b"x", Content_Type="text/plain")
    assert (answer.status, answer.body) == (415, recorded("415_patch_type"))


@pytest.mark.parametrize("token", [None, "wrong", "Ünïcode".encode().decode("latin-1")])
@pytest.mark.parametrize("path", ["/api/v1/nodes", "/version", "/healthz", "/nosuch"])
def test_nothing_is_told_without_the_token(demo: Cluster, token: str | None, path: str) -> None:
    answer = demo.request("GET", path, token=token)
    assert (answer.status, answer.body) == (401, recorded("401"))


def test_the_server_says_what_it_is(demo: Cluster) -> None:
    version = demo.get("/version")
    assert version["gitVersion"] == "v1.34.0+netns"
    assert demo.request("GET", "/readyz").body == "ok"


@pytest.mark.parametrize(
    "path", ["/api/v1/configmaps", "/apis/apps/v1/deployments", "/apis/nosuch/v1", "/nosuch", f"{PODS}/x/attach"]
)
def test_a_path_that_is_not_served_is_not_found(demo: Cluster, path: str) -> None:
    answer = demo.request("GET", path)
    assert (answer.status, answer.body["reason"]) == (404, "NotFound")
    assert f"does not serve {path}" in answer.body["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/nodes"),
        ("DELETE", "/api/v1/nodes/demo-worker"),
        ("POST", "/api/v1/pods"),
        ("PUT", PODS),
        ("POST", "/api/v1/namespaces/default/services"),
        ("DELETE", f"{PODS}/x/log"),
        ("POST", "/version"),
        ("OPTIONS", PODS),
    ],
)
def test_a_method_that_a_path_does_not_have_is_not_allowed(demo: Cluster, method: str, path: str) -> None:
    answer = demo.request(method, path)
    assert (answer.status, answer.body["reason"]) == (405, "MethodNotAllowed")


def test_bodies_of_other_media_types_and_server_side_apply_are_refused(demo: Cluster) -> None:
    assert demo.request("POST", PODS, b"a: b", Content_Type="application/yaml").status == 415
    answer = demo.request("PATCH", f"{PODS}/x?fieldManager=me", b"{}", Content_Type="application/apply-patch+yaml")
    assert answer.status == 415
    assert "no server-side apply" in answer.body["message"]
    assert demo.request("GET", PODS, Accept="application/vnd.kubernetes.protobuf").status == 406


def test_a_body_that_is_too_large_is_refused(demo: Cluster) -> None:
    assert demo.request("POST", PODS, b" " * (4 * 1024**2)).status == 413


def test_unknown_fields_are_an_error_a_warning_or_nothing(cluster: Cluster) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"containers": [CONTAINER], "nodeSelctor": {"a": "b"}}}
    query = f"{PODS}?dryRun=All&fieldValidation="
    strict = cluster.request("POST", f"{query}Strict", body)
    assert (strict.status, 'unknown field "spec.nodeSelctor"' in strict.body["message"]) == (400, True)
    warned = cluster.request("POST", f"{query}Warn", body)
    assert (warned.status, warned.headers["Warning"]) == (201, '299 - "unknown field \\"spec.nodeSelctor\\""')
    assert cluster.request("POST", f"{query}Ignore", body).headers["Warning"] is None


def test_patches_of_all_three_kinds_change_a_node(demo: Cluster) -> None:
    path = "/api/v1/nodes/demo-worker"
    operations = [{"op": "add", "path": "/metadata/labels/one", "value": "1"}]
    demo.request("PATCH", path, operations, Content_Type="application/json-patch+json")
    demo.request("PATCH", path, {"metadata": {"labels": {"two": "2"}}}, Content_Type=MERGE)
    taints = {"spec": {"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}}
    node = demo.request("PATCH", path, taints, Content_Type="application/strategic-merge-patch+json").body
    assert (node["metadata"]["labels"]["one"], node["metadata"]["labels"]["two"]) == ("1", "2")
    assert node["spec"]["taints"] == taints["spec"]["taints"]
    undo = {"metadata": {"labels": {"one": None, "two": None}}, "spec": {"taints": None}}
    node = demo.request("PATCH", path, undo, Content_Type=MERGE).body
    assert "one" not in node["metadata"]["labels"]


def test_a_table_has_the_columns_of_a_real_api_server(cluster: Cluster) -> None:
    cluster.run_pod("t")
    table = cluster.request("GET", f"{PODS}?limit=2", Accept="application/json;as=Table;v=v1;g=meta.k8s.io").body
    mine = [(column["name"], column["priority"]) for column in table["columnDefinitions"]]
    assert mine == [(column["name"], column["priority"]) for column in recorded("table")["columnDefinitions"]]
    assert table["rows"][0]["cells"][:3] == ["t", "1/1", "Running"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def read_watch(cluster: Cluster, query: str, seconds: int = 1) -> list[Any]:
    answer = cluster.request("GET", f"{PODS}?watch=1&timeoutSeconds={seconds}&{query}")
    return [json.loads(line) for line in answer.body.splitlines()] if isinstance(answer.body, str) else [answer.body]


def test_a_streaming_list_ends_with_its_bookmark(cluster: Cluster) -> None:
    cluster.run_pod("w")
    events = read_watch(cluster, "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan")
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    bookmark = events[1]["object"]
    assert (bookmark["kind"], bookmark["metadata"]["annotations"]) == ("Pod", {"k8s.io/initial-events-end": "true"})


def test_a_watch_ends_when_its_time_is_over(demo: Cluster) -> None:
    begin = time.monotonic()
    read_watch(demo, "resourceVersion=1")
    assert time.monotonic() - begin >= 1


def test_a_watch_from_a_version_that_never_was_is_refused(demo: Cluster) -> None:
    answer = demo.request("GET", f"{PODS}?watch=1&resourceVersion=999999")
    assert (answer.status, answer.body["reason"]) == (504, "Timeout")


def test_lists_of_what_a_cni_check_asks_for_are_empty_not_missing(demo: Cluster) -> None:
    assert demo.get("/apis/networking.k8s.io/v1/networkpolicies")["items"] == []
    assert demo.get("/apis/apps/v1/daemonsets")["items"] == []
    accounts = demo.get("/api/v1/serviceaccounts")["items"]
    assert {account["metadata"]["namespace"] for account in accounts} >= {"default", "kube-system"}


def test_the_services_tell_the_service_range(demo: Cluster) -> None:
    services = {one["metadata"]["name"]: one["spec"]["clusterIP"] for one in demo.get("/api/v1/services")["items"]}
    assert services == {"kubernetes": "10.96.0.1", "kube-dns": "10.96.0.10"}


def test_many_pods_are_listed_in_pages(cluster: Cluster) -> None:
    for number in range(5):
        cluster.create_pod(f"p{number}", nodeSelector={"no": "where"})
    first = cluster.get(f"{PODS}?limit=2")
    second = cluster.get(f"{PODS}?limit=10&continue={first['metadata']['continue']}")
    names = [item["metadata"]["name"] for item in (*first["items"], *second["items"])]
    assert names == [f"p{number}" for number in range(5)]


def test_a_collection_of_pods_is_deleted_by_selector(cluster: Cluster) -> None:
    for name in "ab":
        cluster.create_pod(name, nodeSelector={"no": "where"})
    cluster.request("DELETE", f"{PODS}?fieldSelector=metadata.name%3Da")
    assert [item["metadata"]["name"] for item in cluster.get(PODS)["items"]] == ["b"]


def test_the_api_listens_on_loopback_only(demo: Cluster) -> None:
    assert demo.description["server"].startswith("https://127.0.0.1:")
    port = int(demo.description["server"].rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listening = [
        line.split()[1]
        for line in table.splitlines()
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]
