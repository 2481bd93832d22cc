from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.node_label import OPERATION

from tests.support.api_server import ApiServer, never_answering, refusing
from tests.support.objects import node, recorded
from tests.support.running import Result, fail, run, succeed

WORKERS = [
    {"name": "demo-worker", "labels": {"alias": "firstWorker"}},
    {"name": "demo-worker2", "labels": {"alias": "secondWorker"}},
]


def labels(server: ApiServer, name: str = "demo-worker") -> dict[str, str]:
    found: dict[str, str] = next(item for item in server.all("Node") if item["metadata"]["name"] == name)["metadata"][
        "labels"
    ]
    return found


def label(name: str = "demo-worker", **values: Any) -> dict[str, Any]:
    return {"nodes": [{"name": name, "labels": values}]}


# --- create, change, delete: each twice, each also in check mode -------------------------------------------------------

MATRIX = [
    ("create", {"alias": "firstWorker"}, "present", {}, {"alias": "firstWorker"}),
    ("change", {"alias": "other"}, "present", {"alias": "firstWorker"}, {"alias": "other"}),
    ("delete", {"alias": "anything"}, "absent", {"alias": "other"}, {}),
]


@pytest.mark.parametrize(
    ("wanted", "state", "before", "after"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX]
)
def test_check_mode_foresees_what_is_done_once_and_not_again(
    server: ApiServer, wanted: dict[str, str], state: str, before: dict[str, str], after: dict[str, str]
) -> None:
    server.put(node("demo-worker", labels={"kept": "as-it-is", **before}))

    def task(check_mode: bool) -> Result:
        return succeed(
            OPERATION, server, check_mode=check_mode, nodes=[{"name": "demo-worker", "labels": wanted}], state=state
        )

    foreseen = task(check_mode=True)
    assert labels(server) == {"kept": "as-it-is", **before}
    done = task(check_mode=False)
    assert labels(server) == {"kept": "as-it-is", **after}
    assert foreseen == done
    assert done == {
        "changed": True,
        "nodes": [{"name": "demo-worker", "changed": True, "labels": after}],
        "diff": {"before": {"demo-worker": before}, "after": {"demo-worker": after}},
    }
    sent = server.changes()
    for check_mode in (True, False):
        again = task(check_mode)
        assert not again["changed"]
        assert again["nodes"] == [{"name": "demo-worker", "changed": False, "labels": after}]
        assert again["diff"] == {"before": {}, "after": {}}
    assert server.changes() == sent == ["PATCH /api/v1/nodes/demo-worker"]


def test_all_nodes_are_labelled_and_answered_in_the_order_asked_for(server: ApiServer) -> None:
    result = succeed(OPERATION, server, nodes=list(reversed(WORKERS)))
    assert [item["name"] for item in result["nodes"]] == ["demo-worker2", "demo-worker"]
    assert labels(server, "demo-worker") == {"alias": "firstWorker"}
    assert labels(server, "demo-worker2") == {"alias": "secondWorker"}


def test_only_labels_that_differ_are_sent(server: ApiServer) -> None:
    server.put(node("demo-worker", labels={"alias": "firstWorker", "zone": "a"}))
    succeed(OPERATION, server, **label(alias="firstWorker", zone="b"))
    assert server.requests[-1].body == {"metadata": {"labels": {"zone": "b"}}}


def test_a_node_without_any_label_can_get_its_first(server: ApiServer) -> None:
    bare = node("demo-worker")
    del bare["metadata"]["labels"]
    server.put(bare)
    succeed(OPERATION, server, **label(alias="firstWorker"))
    assert labels(server) == {"alias": "firstWorker"}


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("", ""), ("True", "True")]
)
def test_values_are_what_yaml_shows_of_them(server: ApiServer, value: object, text: str) -> None:
    succeed(OPERATION, server, **label(gpu=value))
    assert labels(server) == {"gpu": text}


@pytest.mark.parametrize("value", [None, [], {"a": "b"}])
def test_what_cannot_be_a_value_is_refused_before_anything_is_changed(server: ApiServer, value: object) -> None:
    code, message = fail(OPERATION, server, **label(alias="firstWorker", gpu=value))
    assert code == "items-failed"
    assert message.startswith("label gpu of node demo-worker ")
    assert server.changes() == []


# --- overwrite: false --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_overwrite_another_value_is_a_conflict_that_is_named(server: ApiServer, check_mode: bool) -> None:
    server.put(node("demo-worker", labels={"alias": "firstWorker"}))
    result = run(OPERATION, server, check_mode=check_mode, **label(alias="other"), overwrite=False)
    assert result["msg"] == (
        "node demo-worker already has the label alias=firstWorker, which is to become other, and overwrite is false; set it to "
        "true, or choose another key"
    )
    assert result["nodes"] == [{"name": "demo-worker", "changed": False, "msg": result["msg"], "error": "conflict"}]
    assert server.changes() == []


def test_without_overwrite_the_same_value_and_new_keys_are_fine(server: ApiServer) -> None:
    server.put(node("demo-worker", labels={"alias": "firstWorker"}))
    result = succeed(OPERATION, server, **label(alias="firstWorker", zone="a"), overwrite=False)
    assert result["nodes"][0]["labels"] == {"alias": "firstWorker", "zone": "a"}


def test_a_node_named_twice_is_refused(server: ApiServer) -> None:
    assert fail(OPERATION, server, nodes=[*WORKERS, WORKERS[0]]) == (
        "invalid-input",
        "node demo-worker stands twice in nodes; name it once",
    )
    assert server.requests == []


def test_keys_may_be_numbers(server: ApiServer) -> None:
    for changed in (True, False):
        assert succeed(OPERATION, server, nodes=[{"name": "demo-worker", "labels": {1: "a"}}])["changed"] is changed
    assert labels(server) == {"1": "a"}
    succeed(OPERATION, server, nodes=[{"name": "demo-worker", "labels": {1: "a"}}], state="absent")
    assert labels(server) == {}


def test_a_conflict_keeps_all_labels_of_that_node_as_they_were(server: ApiServer) -> None:
    server.put(node("demo-worker", labels={"alias": "firstWorker"}))
    fail(OPERATION, server, **label(zone="a", alias="other"), overwrite=False)
    assert labels(server) == {"alias": "firstWorker"}


# --- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_node_that_is_not_there_is_answered_with_those_that_are(server: ApiServer) -> None:
    result = run(OPERATION, server, nodes=[*WORKERS, {"name": "demo-wroker", "labels": {"a": "b"}}])
    assert (result["failed"], result["error"], result["changed"]) == (True, "items-failed", True)
    assert result["msg"] == (
        f"1 of 3 nodes failed: node demo-wroker: node demo-wroker is not in the cluster {server.url} (nodes: "
        "demo-control-plane, demo-worker, demo-worker2)"
    )
    assert [item.get("error") for item in result["nodes"]] == [None, None, "not-found"]
    assert labels(server) == {"alias": "firstWorker"}


def test_where_nodes_may_not_be_listed_the_message_does_without(server: ApiServer) -> None:
    server.misbehave("GET", "/api/v1/nodes", refusing(403, recorded("403")))
    _code, message = fail(OPERATION, server, **label("demo-wroker", a="b"))
    assert message == f"node demo-wroker is not in the cluster {server.url} (its nodes cannot be listed)"


def test_a_value_that_the_server_does_not_take_is_told_in_its_words(server: ApiServer) -> None:
    answer = recorded("422_bad_label")
    server.misbehave("PATCH", "/api/v1/nodes/demo-worker", refusing(422, answer))
    result = run(OPERATION, server, **label(alias="no spaces allowed"))
    assert result["msg"] == answer["message"]
    assert result["nodes"][0]["error"] == "rejected"
    assert not result["changed"]


@pytest.mark.parametrize("name", ["", ".", "..", "../pods", "a/b", "%2e"])
def test_a_name_that_would_lead_elsewhere_reaches_no_server(server: ApiServer, name: str) -> None:
    result = run(OPERATION, server, **label(name, a="b"))
    assert result["nodes"][0]["error"] == "invalid-input"
    assert server.requests == []


@pytest.mark.usefixtures("short_seconds")
def test_a_server_that_never_answers_ends_with_the_timeout(server: ApiServer) -> None:
    server.misbehave("GET", ".*", never_answering)
    result = run(OPERATION, server, nodes=WORKERS, timeout=1)
    assert [item["error"] for item in result["nodes"]] == ["deadline-exceeded"] * 2
    assert "did not end within 0.2 seconds" in result["nodes"][0]["msg"]


@pytest.mark.parametrize(
    "arguments", [{}, {"nodes": [{"name": "a"}]}, {"nodes": [{"labels": {}}]}, {"nodes": 7}, {"node": []}]
)
def test_arguments_that_do_not_fit_are_named(server: ApiServer, arguments: dict[str, Any]) -> None:
    code, message = fail(OPERATION, server, **arguments)
    assert code == "invalid-input"
    assert message
    assert server.requests == []
