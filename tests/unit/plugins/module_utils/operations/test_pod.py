from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods as pods_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod import OPERATION

from tests.support.api_server import ApiServer, breaking_off, never_answering, refusing, status
from tests.support.objects import MANAGED_BY, Object, event, namespace, pod, recorded, recorded_item, with_status_of
from tests.support.running import Result, fail, run, succeed

PODS = "/api/v1/namespaces/default/pods"
BB1 = {"name": "bb1", "command": ["sleep", "3600"]}
BB2 = {"name": "bb2", "command": ["sleep", "3600"]}


def there(server: ApiServer, name: str = "bb1", namespace: str = "default") -> Object | None:
    wanted = (namespace, name)
    return next((p for p in server.all("Pod") if (p["metadata"]["namespace"], p["metadata"]["name"]) == wanted), None)


def deploy(server: ApiServer, *pods: dict[str, Any], **more: Any) -> Result:
    return succeed(OPERATION, server, pods=list(pods), **more)


def remove(server: ApiServer, *names: str, **more: Any) -> Result:
    return succeed(OPERATION, server, pods=[{"name": name} for name in names], state="absent", **more)


# --- create, change, replace, delete: each twice, each also in check mode ----------------------------------------------


@pytest.mark.parametrize(
    ("before", "wanted", "state", "action", "sent"),
    [
        pytest.param(None, BB1, "present", "create", [f"POST {PODS}"], id="create"),
        pytest.param(BB1, {**BB1, "labels": {"tier": "lab"}}, "present", "update", [f"PATCH {PODS}/bb1"], id="change"),
        pytest.param(
            BB1,
            {**BB1, "image": "busybox:1.35"},
            "present",
            "replace",
            [f"DELETE {PODS}/bb1", f"POST {PODS}"],
            id="replace",
        ),
        pytest.param(BB1, {"name": "bb1"}, "absent", "delete", [f"DELETE {PODS}/bb1"], id="delete"),
    ],
)
def test_check_mode_foresees_what_is_done_once_and_not_again(
    server: ApiServer,
    before: dict[str, Any] | None,
    wanted: dict[str, Any],
    state: str,
    action: str,
    sent: list[str],
) -> None:
    if before:
        deploy(server, before)
    as_it_was = there(server)
    server.requests.clear()

    def task(check_mode: bool) -> Result:
        return succeed(OPERATION, server, check_mode=check_mode, pods=[wanted], state=state)

    foreseen = task(check_mode=True)
    assert server.changes() == []
    assert there(server) == as_it_was
    done = task(check_mode=False)
    assert server.changes() == sent
    for result in (foreseen, done):
        assert result["changed"]
        assert (result["pods"][0]["action"], result["pods"][0]["changed"]) == (action, True)
    assert foreseen["diff"] == done["diff"]
    for check_mode in (True, False):
        again = task(check_mode)
        assert not again["changed"]
        assert (again["pods"][0]["action"], again["pods"][0]["changed"]) == ("none", False)
        assert again["diff"] == {"before": {}, "after": {}}
    assert server.changes() == sent


def test_a_pod_is_what_kubectl_run_makes_but_for_its_short_grace(server: ApiServer) -> None:
    (result,) = deploy(server, {**BB1, "node_selector": {"alias": "firstWorker"}})["pods"]
    made = there(server)
    assert made
    assert made["metadata"]["labels"] == {"run": "bb1", **MANAGED_BY}
    container = {"name": "bb1", "image": "busybox", "imagePullPolicy": "IfNotPresent", "args": ["sleep", "3600"]}
    assert made["spec"] == {
        "containers": [container],
        "nodeSelector": {"alias": "firstWorker"},
        "terminationGracePeriodSeconds": 1,
        "nodeName": "demo-worker",
    }
    assert result == {
        "action": "create",
        "changed": True,
        "namespace": "default",
        "name": "bb1",
        "node": "demo-worker",
        "ip": made["status"]["podIP"],
        "ips": [made["status"]["podIP"]],
        "host_ip": "172.18.0.4",
        "host_network": False,
        "phase": "Running",
        "ready": True,
        "labels": {"run": "bb1", **MANAGED_BY},
        "images": ["busybox"],
    }


def test_the_shorthand_covers_node_labels_image_and_host_network(server: ApiServer) -> None:
    deploy(
        server,
        {"name": "h", "image": "alpine", "node": "demo-worker2", "host_network": True, "labels": {"a": True, "b": 7}},
    )
    made = there(server, "h")
    assert made
    assert made["metadata"]["labels"] == {"run": "h", "a": "true", "b": "7", **MANAGED_BY}
    assert (made["spec"]["nodeName"], made["spec"]["hostNetwork"]) == ("demo-worker2", True)
    assert made["spec"]["containers"][0] == {"name": "h", "image": "alpine", "imagePullPolicy": "IfNotPresent"}


def test_the_diff_of_a_new_pod_is_all_of_it(server: ApiServer) -> None:
    diff = succeed(OPERATION, server, check_mode=True, pods=[BB1])["diff"]
    assert diff["before"] == {"default/bb1": {}}
    assert diff["after"]["default/bb1"]["spec"]["containers"][0]["args"] == ["sleep", "3600"]


def test_the_diff_of_a_changed_pod_shows_what_changes_and_nothing_that_the_server_added(server: ApiServer) -> None:
    deploy(server, BB1)
    diff = succeed(OPERATION, server, check_mode=True, pods=[{**BB1, "command": ["sleep", "60"]}])["diff"]
    before, after = deepcopy(diff["before"]["default/bb1"]), deepcopy(diff["after"]["default/bb1"])
    assert before["spec"]["containers"][0].pop("args") == ["sleep", "3600"]
    assert after["spec"]["containers"][0].pop("args") == ["sleep", "60"]
    for side in (before, after):
        del side["metadata"]["annotations"]["kubelab.podnet/definition"]
    assert before == after


def test_the_diff_of_a_deleted_pod_shows_what_it_was(server: ApiServer) -> None:
    deploy(server, BB1)
    diff = succeed(OPERATION, server, check_mode=True, pods=[{"name": "bb1"}], state="absent")["diff"]
    assert diff["before"]["default/bb1"]["images"] == ["busybox"]
    assert diff["after"] == {"default/bb1": {}}


def test_a_pod_in_check_mode_is_shown_as_it_is_or_with_its_name(server: ApiServer) -> None:
    deploy(server, BB1)
    first, second = succeed(OPERATION, server, check_mode=True, pods=[BB1, BB2])["pods"]
    assert (first["action"], first["ready"]) == ("none", True)
    assert second == {"namespace": "default", "name": "bb2", "action": "create", "changed": True}


def test_labels_that_others_added_are_left_alone(server: ApiServer) -> None:
    deploy(server, BB1)
    made = there(server)
    assert made
    made["metadata"]["labels"]["added"] = "by-somebody"
    server.put(made)
    assert not deploy(server, BB1)["changed"]


def test_defaults_that_the_server_fills_in_make_no_new_pod(server: ApiServer) -> None:
    deploy(server, BB1)
    made = there(server)
    assert made
    made["spec"]["restartPolicy"] = "Always"
    made["spec"]["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    server.put(made)
    assert not deploy(server, BB1)["changed"]


# --- what is ours, and what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_pod_of_somebody_else_is_an_error_and_left_alone(server: ApiServer, state: str, check_mode: bool) -> None:
    server.put(pod("bb1", "192.168.1.1"))
    result = run(OPERATION, server, check_mode=check_mode, pods=[{"name": "bb1"}, BB2], state=state)
    assert result["msg"].endswith(
        "pod default/bb1 is there already and was made by somebody else (it has no label "
        "app.kubernetes.io/managed-by=kubelab.podnet); choose another name, or delete it with kubectl"
    )
    assert result["pods"][0]["error"] == "not-ours"
    assert not result["pods"][0]["changed"]
    assert there(server)
    assert "error" not in result["pods"][1]


@pytest.mark.parametrize("name", ["done1", "crash"])
def test_a_pod_of_ours_that_has_ended_is_made_anew(server: ApiServer, name: str) -> None:
    deploy(server, BB1)
    made = there(server)
    assert made
    made["status"] = {"phase": "Succeeded" if name == "done1" else "Failed"}
    server.put(made)
    (result,) = deploy(server, BB1)["pods"]
    assert (result["action"], result["ready"]) == ("replace", True)
    after = there(server)
    assert after
    assert after["metadata"]["uid"] != made["metadata"]["uid"]


def test_a_pod_of_ours_on_its_way_out_is_made_anew_when_it_is_gone(server: ApiServer) -> None:
    deploy(server, BB1)
    leaving = there(server)
    assert leaving
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T07:31:28Z"
    server.put(leaving)
    assert deploy(server, BB1)["pods"][0]["action"] == "replace"


def test_a_pod_that_goes_between_our_look_and_our_delete_is_gone_all_the_same(server: ApiServer) -> None:
    deploy(server, BB1)

    async def gone(request: web.Request) -> web.StreamResponse:
        server.drop("Pod", "bb1")
        return web.json_response(status(404, "NotFound", 'pods "bb1" not found'), status=404)

    server.misbehave("DELETE", f"{PODS}/bb1", gone)
    assert "error" not in remove(server, "bb1")["pods"][0]


def test_a_pod_that_somebody_creates_in_between_is_told_of(server: ApiServer) -> None:
    server.misbehave("POST", PODS, refusing(409, recorded("409_pod_exists")))
    result = run(OPERATION, server, pods=[BB1])
    assert result["msg"] == "pod default/bb1 was created by somebody else in this moment; run the task again"
    assert (result["pods"][0]["error"], result["pods"][0]["changed"], result["changed"]) == ("conflict", False, False)


# --- many pods, several namespaces -------------------------------------------------------------------------------------


def test_pods_of_two_namespaces_are_made_and_waited_for_in_one_task(server: ApiServer) -> None:
    server.put(namespace("other"))
    result = deploy(server, BB1, {**BB2, "namespace": "other"}, {"name": "bb1", "namespace": "other"})
    assert [(item["namespace"], item["name"], item["ready"]) for item in result["pods"]] == [
        ("default", "bb1", True),
        ("other", "bb2", True),
        ("other", "bb1", True),
    ]
    gone = succeed(OPERATION, server, pods=[{"name": "bb1"}, {"name": "bb2", "namespace": "other"}], state="absent")
    assert gone["changed"]
    assert [(p["metadata"]["namespace"], p["metadata"]["name"]) for p in server.all("Pod")] == [("other", "bb1")]


def test_the_tasks_namespace_is_that_of_pods_that_name_none(server: ApiServer) -> None:
    server.put(namespace("other"))
    deploy(server, BB1, {**BB2, "namespace": "default"}, namespace="other")
    assert there(server, "bb1", "other")
    assert there(server, "bb2", "default")


@pytest.mark.slow
def test_two_hundred_pods_come_and_go_with_one_watch_each(server: ApiServer) -> None:
    names = [f"p{number}" for number in range(200)]
    result = deploy(server, *({"name": name} for name in names))
    assert [item["name"] for item in result["pods"]] == names
    assert all(item["ready"] for item in result["pods"])
    remove(server, *names)
    assert server.all("Pod") == []
    assert len([request for request in server.requests if request.method == "WATCH"]) <= 2


def test_a_pod_named_twice_is_refused_before_anything_is_done(server: ApiServer) -> None:
    assert fail(OPERATION, server, pods=[BB1, {"definition": {"metadata": {"name": "bb1"}}}]) == (
        "invalid-input",
        "pod default/bb1 stands twice in pods; name it once",
    )
    assert server.requests == []


def test_no_pods_are_nothing_to_do(server: ApiServer) -> None:
    assert succeed(OPERATION, server, pods=[]) == {"pods": [], "changed": False, "diff": {"before": {}, "after": {}}}


# --- definitions -------------------------------------------------------------------------------------------------------

DEFINITION: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "two", "labels": {"app": "two"}, "annotations": {"note": "mine"}},
    "spec": {"containers": [{"name": "a", "image": "busybox"}, {"name": "b", "image": "busybox"}]},
}


def test_a_definition_is_made_as_it_stands_and_marked_as_ours(server: ApiServer) -> None:
    given = deepcopy(DEFINITION)
    (result,) = deploy(server, {"definition": given})["pods"]
    assert given == DEFINITION
    assert (result["name"], result["images"]) == ("two", ["busybox", "busybox"])
    made = there(server, "two")
    assert made
    assert made["metadata"]["labels"] == {"app": "two", **MANAGED_BY}
    assert made["metadata"]["annotations"].items() >= {"note": "mine"}.items()
    assert made["spec"]["containers"] == DEFINITION["spec"]["containers"]
    assert not deploy(server, {"definition": DEFINITION})["changed"]


def test_a_definition_may_leave_kind_and_name_to_the_item(server: ApiServer) -> None:
    deploy(server, {"name": "bb1", "definition": {"spec": DEFINITION["spec"]}})
    made = there(server)
    assert made
    assert (made["apiVersion"], made["kind"]) == ("v1", "Pod")


def test_a_definitions_own_namespace_is_used(server: ApiServer) -> None:
    server.put(namespace("other"))
    deploy(server, {"definition": {**DEFINITION, "metadata": {"name": "two", "namespace": "other"}}})
    assert there(server, "two", "other")


def test_a_definition_changed_in_its_spec_is_a_new_pod_and_in_its_labels_is_not(server: ApiServer) -> None:
    deploy(server, {"definition": DEFINITION})
    relabelled = {**DEFINITION, "metadata": {"name": "two", "labels": {"app": "three"}}}
    assert deploy(server, {"definition": relabelled})["pods"][0]["action"] == "update"
    respecified = {**relabelled, "spec": {"containers": [{"name": "a", "image": "alpine"}]}}
    assert deploy(server, {"definition": respecified})["pods"][0]["action"] == "replace"


def test_a_pod_given_by_its_definition_is_deleted_by_it(server: ApiServer) -> None:
    deploy(server, {"definition": DEFINITION})
    assert succeed(OPERATION, server, pods=[{"definition": DEFINITION}], state="absent")["changed"]
    assert server.all("Pod") == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"definition": DEFINITION, "image": "x"}, "definition says all of a pod: leave image out"),
        ({"definition": DEFINITION, "host_network": False}, "definition says all of a pod: leave host_network out"),
        ({"definition": {}}, "each item of pods needs a name"),
        ({"definition": {"metadata": {"generateName": "x-"}}}, "each item of pods needs a name"),
        ({"image": "busybox"}, "each item of pods needs a name"),
        ({"definition": {"metadata": "bb1"}}, "metadata of a definition"),
        ({"definition": {"metadata": {"name": "x", "labels": ["a"]}}}, "labels of a definition"),
        ({"definition": {"metadata": {"name": "x", "annotations": "a"}}}, "annotations of a definition"),
        ({"definition": {"metadata": {"name": 7}}}, "name of a definition"),
        ({"name": "x", "labels": {"a": None}}, "label a of pod default/x cannot be null"),
        ({"name": "x", "node_selector": {"a": ["b"]}}, "label a of the node_selector of pod default/x cannot be"),
    ],
)
def test_an_item_that_makes_no_pod_is_refused_before_anything_is_done(
    server: ApiServer, item: dict[str, Any], said: str
) -> None:
    code, message = fail(OPERATION, server, pods=[BB1, item])
    assert code == "invalid-input"
    assert said in message
    assert server.requests == []


@pytest.mark.parametrize("name", [".", "..", "../nodes", "a/b", "%2e"])
def test_a_name_that_would_lead_elsewhere_reaches_no_server(server: ApiServer, name: str) -> None:
    for item in ({"name": name}, {"name": "bb1", "namespace": name}):
        for state in ("present", "absent"):
            result = run(OPERATION, server, pods=[item], state=state)
            assert result["pods"][0]["error"] == "invalid-input"
    assert server.requests == []


# --- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_namespace_that_is_not_there_is_told_with_the_next_step(server: ApiServer) -> None:
    result = run(OPERATION, server, pods=[{**BB1, "namespace": "nope"}, BB2])
    assert result["pods"][0]["msg"] == (
        "pod nope/bb1 cannot be created: namespace nope does not exist; create it first (kubectl create namespace nope)"
    )
    assert (result["pods"][0]["error"], result["pods"][0]["changed"]) == ("not-found", False)
    assert (result["pods"][1]["ready"], result["pods"][1]["changed"]) == (True, True)
    assert result["changed"]
    assert result["msg"].startswith("1 of 2 pods failed: pod nope/bb1: ")


def test_a_pod_that_the_server_does_not_take_is_told_in_its_words(server: ApiServer) -> None:
    answer = recorded("422_bad_name")
    server.misbehave("POST", PODS, refusing(422, answer))
    result = run(OPERATION, server, pods=[{"name": "Bad_Name"}])
    assert result["msg"] == answer["message"]
    assert result["pods"][0]["error"] == "rejected"


def test_a_right_that_is_missing_is_named(server: ApiServer) -> None:
    message = 'pods is forbidden: User "me" cannot create resource "pods" in API group "" in the namespace "default"'
    server.misbehave("POST", PODS, refusing(403, status(403, "Forbidden", message)))
    result = run(OPERATION, server, pods=[BB1])
    assert result["pods"][0]["error"] == "forbidden"
    assert result["msg"].startswith(message + "; grant that right")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("badimage", "pod default/bb1 on demo-worker is not ready: its image nosuch.invalid/none:1 cannot be pulled: "),
        (
            "done1",
            "pod default/bb1 on demo-worker is not ready: its container done1 ended with exit code 0 (Completed)",
        ),
    ],
)
def test_a_pod_without_hope_is_explained_at_once(server: ApiServer, name: str, said: str) -> None:
    hopeless = recorded_item("pods", name)
    server.kubelet = lambda pod: [with_status_of(hopeless, pod)]
    result = run(OPERATION, server, pods=[BB1])
    assert result["msg"].startswith(said)
    assert (result["pods"][0]["error"], result["pods"][0]["changed"], result["changed"]) == (
        "pod-not-ready",
        True,
        True,
    )


@pytest.mark.slow
def test_a_selector_that_fits_no_node_is_explained_when_the_time_is_over(server: ApiServer) -> None:
    server.kubelet = lambda pod: []
    result = run(OPERATION, server, pods=[{**BB1, "node_selector": {"alias": "nowhere"}}], timeout=1)
    assert result["msg"] == (
        "pod default/bb1 is not scheduled: no node has the label alias=nowhere (nodes: demo-control-plane, demo-worker, "
        "demo-worker2); label one, or change the pod's node_selector"
    )


@pytest.mark.slow
def test_events_are_part_of_the_explanation(server: ApiServer) -> None:
    def stuck(made: Object) -> list[Object]:
        pending = pod("bb1", node="demo-worker", labels=made["metadata"]["labels"])
        pending["metadata"] = made["metadata"]
        return [event(pending, "FailedCreatePodSandBox", "no addresses are left"), pending]

    server.kubelet = stuck
    result = run(OPERATION, server, pods=[BB1], timeout=1)
    assert result["msg"] == (
        "pod default/bb1 on demo-worker is not ready: FailedCreatePodSandBox: no addresses are left"
    )


def test_without_wait_a_pod_is_not_waited_for(server: ApiServer) -> None:
    server.kubelet = lambda pod: []
    (result,) = deploy(server, BB1, wait=False)["pods"]
    assert (result["ready"], result["phase"], result["ip"]) == (False, "Pending", None)
    assert [request.method for request in server.requests] == ["GET", "POST"]


def test_without_wait_a_deleted_pod_may_still_be_on_its_way_out(server: ApiServer) -> None:
    deploy(server, BB1)
    server.finalizers = True
    assert remove(server, "bb1", wait=False)["changed"]
    assert there(server)


@pytest.mark.slow
def test_a_pod_that_stays_although_it_is_deleted_is_explained(server: ApiServer) -> None:
    deploy(server, BB1)
    held = there(server)
    assert held
    held["metadata"]["finalizers"] = ["example.com/hold"]
    server.put(held)
    server.finalizers = True
    result = run(OPERATION, server, pods=[{"name": "bb1"}], state="absent", timeout=1)
    assert result["msg"] == (
        "pod default/bb1 was still there after 1 seconds (example.com/hold); give the task a longer timeout, or "
        "look at its node"
    )
    assert result["pods"][0]["error"] == "deadline-exceeded"


@pytest.mark.slow
def test_a_pod_that_does_not_go_is_not_made_a_second_time(server: ApiServer) -> None:
    deploy(server, BB1)
    server.finalizers = True
    server.requests.clear()
    run(OPERATION, server, pods=[{**BB1, "image": "alpine"}], timeout=1)
    assert server.changes() == [f"DELETE {PODS}/bb1"]


def test_a_pod_that_is_deleted_while_it_is_waited_for_is_told_of(server: ApiServer) -> None:
    server.kubelet = lambda pod: server.drop("Pod", "bb1") or []
    result = run(OPERATION, server, pods=[BB1])
    assert result["msg"] == "pod default/bb1 was deleted while it was waited for; run the task again"


def test_a_server_that_breaks_off_while_pods_are_waited_for_fails_each_of_them(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods_module.time, "sleep", lambda _unused: None)
    server.kubelet = lambda pod: []
    server.misbehave("GET", PODS, breaking_off)
    result = run(OPERATION, server, pods=[BB1, BB2])
    assert [item["error"] for item in result["pods"]] == ["connection-failed"] * 2
    assert [item["changed"] for item in result["pods"]] == [True, True]
    assert result["changed"]


@pytest.mark.usefixtures("short_seconds")
def test_a_server_that_never_answers_ends_with_the_timeout(server: ApiServer) -> None:
    server.misbehave("GET", ".*", never_answering)
    result = run(OPERATION, server, pods=[BB1, BB2], timeout=1)
    assert [item["error"] for item in result["pods"]] == ["deadline-exceeded"] * 2
    assert server.changes() == []
