from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import client, pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConnectionFailedError,
    DeadlineError,
    ForbiddenError,
)

from tests.support.api_server import ApiServer, Handler, breaking_off, never_answering, refusing, saying, status
from tests.support.fixtures import PATIENCE
from tests.support.objects import MANAGED_BY, Object, event, node, pod, ready, recorded, recorded_item

NODES = recorded("nodes")["items"]
PODS = "/api/v1/namespaces/default/pods"


def events_of(recorded_pod: Object) -> list[Object]:
    uid = recorded_pod["metadata"]["uid"]
    return [item for item in recorded("events")["items"] if item["involvedObject"].get("uid") == uid]


def explained(name: str, log: str = "") -> str:
    found = recorded_item("pods", name)
    return pods.explain(found, events_of(found), NODES, log)


# --- what a pod's status says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_ready", "is_finished", "is_hopeless"),
    [
        ("bb1", True, False, False),
        ("nosched", False, False, False),
        ("badimage", False, False, True),
        ("crash", False, False, False),
        ("done1", False, True, True),
    ],
)
def test_recorded_pods_are_told_apart(name: str, is_ready: bool, is_finished: bool, is_hopeless: bool) -> None:
    found = recorded_item("pods", name)
    assert (pods.is_ready(found), pods.is_finished(found), pods.is_hopeless(found)) == (
        is_ready,
        is_finished,
        is_hopeless,
    )


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    leaving = recorded_item("pods", "bb1")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T07:31:28Z"
    assert not pods.is_ready(leaving)


def test_a_ready_pod_without_an_address_is_not_ready_for_us() -> None:
    found = recorded_item("pods", "bb1")
    del found["status"]["podIP"]
    assert not pods.is_ready(found)


def test_only_the_whole_label_makes_a_pod_ours() -> None:
    assert pods.is_ours(pod("bb1", labels=MANAGED_BY))
    assert not pods.is_ours(pod("bb1", labels={"app.kubernetes.io/managed-by": "Helm"}))
    assert not pods.is_ours(pod("bb1"))
    assert not pods.is_ours({"metadata": {"labels": None}})


# --- why a pod is not ready --------------------------------------------------------------------------------------------


def test_a_selector_that_fits_no_node_is_named_with_the_nodes_there_are() -> None:
    assert explained("nosched") == (
        "pod default/nosched is not scheduled: no node has the label alias=nowhere (nodes: demo-control-plane, demo-worker, "
        "demo-worker2); label one, or change the pod's node_selector"
    )


def test_a_pod_that_is_not_scheduled_for_another_reason_repeats_the_scheduler() -> None:
    found = recorded_item("pods", "nosched")
    found["spec"]["nodeSelector"] = {"kubernetes.io/os": "linux"}
    assert pods.explain(found, [], NODES) == (
        "pod default/nosched is not scheduled: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't "
        "match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is "
        "not helpful for scheduling."
    )


def test_a_pod_that_no_scheduler_looked_at_points_there() -> None:
    assert pods.explain(pod("bb1"), [], NODES) == (
        "pod default/bb1 is not scheduled: the scheduler has not said why; is it running? See kubectl -n kube-system get pods"
    )


def test_an_image_that_cannot_be_pulled_is_named_with_the_runtimes_words() -> None:
    assert explained("badimage") == (
        "pod default/badimage on demo-worker is not ready: its image nosuch.invalid/none:1 cannot be pulled: "
        'Failed to pull image "nosuch.invalid/none:1": rpc error: code = NotFound desc = failed to pull and unpack image '
        '"nosuch.invalid/none:1": failed to resolve reference "nosuch.invalid/none:1": nosuch.invalid/none:1: not found; '
        "check the name, or load the image into the nodes"
    )


def test_a_pod_that_crashes_says_its_exit_code_and_last_words() -> None:
    assert explained("crash", "cannot open /etc/app.conf\ngiving up\n") == (
        "pod default/crash on demo-worker2 is not ready: its container crash ended with exit code 3 (Error): cannot open "
        "/etc/app.conf | giving up; give it a command that runs on"
    )


def test_a_command_that_ends_is_told_that_it_must_run_on() -> None:
    assert explained("done1") == (
        "pod default/done1 on demo-worker is not ready: its container done1 ended with exit code 0 (Completed); give it a "
        "command that runs on"
    )


def with_init_container(state: dict[str, Any], last: dict[str, Any]) -> Object:
    waiting = pod("bb1", node="demo-worker")
    waiting["status"] = {
        "phase": "Pending",
        "initContainerStatuses": [
            {
                "name": "prepare",
                "image": "busybox",
                "ready": False,
                "restartCount": 2,
                "state": state,
                "lastState": last,
            }
        ],
        "containerStatuses": [
            {"name": "bb1", "image": "busybox", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}
        ],
    }
    return waiting


def test_an_init_container_that_crashes_is_the_one_that_is_named() -> None:
    waiting = with_init_container(
        {"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": {"exitCode": 1, "reason": "Error"}}
    )
    assert pods.is_hopeless(waiting)
    assert pods.explain(waiting, [], NODES) == (
        "pod default/bb1 on demo-worker is not ready: its container prepare ended with exit code 1 (Error); give it a command "
        "that runs on"
    )


def test_a_container_that_cannot_be_made_repeats_the_kubelet() -> None:
    waiting = pod("bb1", node="demo-worker")
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}}
    waiting["status"]["containerStatuses"] = [{"name": "bb1", "image": "busybox", "ready": False, "state": state}]
    assert pods.explain(waiting, [], NODES) == (
        'pod default/bb1 on demo-worker is not ready: its container bb1 cannot be made: configmap "settings" not found'
    )


def test_a_pod_network_that_fails_is_told_from_the_last_warning() -> None:
    waiting = pod("bb1", node="demo-worker")
    warnings = [
        event(waiting, "FailedMount", "MountVolume.SetUp failed"),
        event(waiting, "FailedCreatePodSandBox", 'plugin type="calico" failed (add): error getting ClusterInformation'),
    ]
    assert pods.explain(waiting, warnings, NODES) == (
        'pod default/bb1 on demo-worker is not ready: FailedCreatePodSandBox: plugin type="calico" failed (add): error getting '
        "ClusterInformation"
    )


def test_a_warning_without_a_message_is_a_reason_too() -> None:
    waiting = pod("bb1", node="demo-worker")
    assert pods.explain(waiting, [event(waiting, "NetworkNotReady", None)], NODES) == (
        "pod default/bb1 on demo-worker is not ready: NetworkNotReady"
    )


def test_a_node_that_is_not_ready_is_the_reason() -> None:
    broken = node("demo-worker")
    broken["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    assert pods.explain(pod("bb1", node="demo-worker"), [], [broken]) == (
        "pod default/bb1 on demo-worker is not ready: its node is not ready; see kubectl describe node demo-worker"
    )


def test_a_node_that_is_not_there_is_the_reason() -> None:
    assert pods.explain(pod("bb1", node="demo-wroker"), [], NODES) == (
        "pod default/bb1 on demo-wroker is not ready: there is no such node (nodes: demo-control-plane, demo-worker, "
        "demo-worker2); name one of them"
    )


def test_a_pod_that_is_being_deleted_is_told_so() -> None:
    leaving = pod("bb1", node="demo-worker")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T07:31:28Z"
    assert pods.explain(leaving, [], NODES) == (
        "pod default/bb1 on demo-worker is being deleted; try again when it is gone"
    )


def test_an_evicted_pod_has_ended_for_the_reason_that_its_status_names() -> None:
    evicted = pod("bb1", node="demo-worker")
    evicted["status"] = {"phase": "Failed", "reason": "Evicted"}
    assert pods.explain(evicted, [], NODES) == (
        "pod default/bb1 on demo-worker has ended (Evicted); a pod that is to be used must run on"
    )


def test_a_pod_that_only_takes_its_time_is_given_more() -> None:
    waiting = pod("bb1", node="demo-worker")
    state = {"waiting": {"reason": "ContainerCreating"}}
    waiting["status"]["containerStatuses"] = [{"name": "bb1", "image": "busybox", "ready": False, "state": state}]
    assert pods.explain(waiting, [], NODES) == (
        "pod default/bb1 on demo-worker is not ready (ContainerCreating); give it more time, or see kubectl describe pod"
    )


@pytest.mark.parametrize("name", [item["metadata"]["name"] for item in recorded("pods")["items"]])
def test_every_recorded_pod_is_explained_in_one_line(name: str) -> None:
    assert "\n" not in explained(name, "line\nline\n")


def test_the_reason_is_read_from_events_nodes_and_the_log(server: ApiServer, cluster: Cluster) -> None:
    crash = recorded_item("pods", "crash")
    server.put(crash, *({"kind": "Event", **item} for item in events_of(crash)))
    server.log = "giving up\n"
    assert pods.why_not_ready(cluster, crash).endswith(
        "its container crash ended with exit code 3 (Error): giving up; give it a command that runs on"
    )
    log = next(request for request in server.requests if request.path.endswith("/log"))
    assert log.query["container"] == ["crash"]
    events = next(request for request in server.requests if request.path.endswith("/events"))
    assert events.query["fieldSelector"] == [f"involvedObject.kind=Pod,involvedObject.uid={crash['metadata']['uid']}"]


def test_an_init_container_that_did_its_work_is_not_asked_for_its_log(server: ApiServer, cluster: Cluster) -> None:
    crash = recorded_item("pods", "crash")
    done = {"name": "prepare", "image": "busybox", "ready": True, "state": {"terminated": {"exitCode": 0}}}
    crash["status"]["initContainerStatuses"] = [done]
    server.put(crash)
    assert "its container crash ended with exit code 3" in pods.why_not_ready(cluster, crash)
    assert [request.query["container"] for request in server.requests if request.path.endswith("/log")] == [["crash"]]


def test_a_reason_is_given_even_where_nothing_else_may_be_read(server: ApiServer, cluster: Cluster) -> None:
    badimage = recorded_item("pods", "badimage")
    server.misbehave("GET", ".*", refusing(403, recorded("403")))
    assert pods.why_not_ready(cluster, badimage).startswith(
        "pod default/badimage on demo-worker is not ready: its image nosuch.invalid/none:1 cannot be pulled: "
    )


# --- waiting -----------------------------------------------------------------------------------------------------------


def wait(cluster: Cluster, *names: str, seconds: float = PATIENCE) -> dict[str, Object | None]:
    return pods.wait(cluster, "default", names, pods.is_settled, Deadline(seconds))


def while_watched(server: ApiServer, work: Callable[[], None], times: int = 1) -> threading.Thread:
    """Do something once the server is watched."""

    def wait_and_work() -> None:
        server.wait_for(f"WATCH {PODS}", times)
        work()

    thread = threading.Thread(target=wait_and_work)
    thread.start()
    return thread


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of which passes for real."""
    pauses: list[float] = []
    monkeypatch.setattr(pods.time, "sleep", pauses.append)
    return pauses


def test_pods_that_are_ready_are_not_waited_for(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1", "192.168.1.1"))
    (seen,) = wait(cluster, "bb1").values()
    assert seen
    assert pods.is_ready(seen)
    assert [request.method for request in server.requests] == ["GET"]


def test_one_list_and_one_watch_serve_all_pods(server: ApiServer, cluster: Cluster) -> None:
    names = [f"p{number}" for number in range(200)]
    server.put(*(pod(name) for name in names), pod("somebody-elses"))
    thread = while_watched(server, lambda: server.put(*(ready(pod(name)) for name in reversed(names))))
    seen = wait(cluster, *names)
    thread.join()
    assert list(seen) == names
    assert all(found and pods.is_ready(found) for found in seen.values())
    assert [request.method for request in server.requests] == ["GET", "WATCH"]


def test_a_pod_that_is_deleted_meanwhile_is_seen_as_gone(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1"))
    thread = while_watched(server, lambda: server.remove("Pod", "bb1"))
    assert wait(cluster, "bb1") == {"bb1": None}
    thread.join()


def test_a_pod_without_hope_is_not_waited_for(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("badimage"))
    thread = while_watched(server, lambda: server.put(recorded_item("pods", "badimage")))
    (seen,) = wait(cluster, "badimage").values()
    thread.join()
    assert seen
    assert pods.is_hopeless(seen)


def test_a_pod_that_loses_its_readiness_again_is_waited_for_further(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1", "192.168.1.1"), pod("bb2"))

    def flap() -> None:
        server.put(pod("bb1"))
        server.put(pod("bb2", "192.168.1.2"))
        server.put(pod("bb1", "192.168.1.9"))

    thread = while_watched(server, flap)
    seen = wait(cluster, "bb1", "bb2")["bb1"]
    thread.join()
    assert seen
    assert seen["status"]["podIP"] == "192.168.1.9"


def test_after_the_deadline_pods_are_returned_as_they_were_last_seen(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1"), pod("bb2"))
    thread = while_watched(server, lambda: server.put(pod("bb1", "192.168.1.1")))
    seen = wait(cluster, "bb1", "bb2", seconds=0.5)
    thread.join()
    assert seen["bb1"]
    assert pods.is_ready(seen["bb1"])
    assert seen["bb2"]
    assert not pods.is_ready(seen["bb2"])


def ending(*events: Object) -> Handler:
    """A watch that tells of these events and ends."""
    return saying("".join(json.dumps(item) + "\n" for item in events))


def cut(events: str) -> Handler:
    """A watch that breaks off in the middle of a line."""

    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(events.encode())
        assert request.transport
        request.transport.abort()
        return response

    return break_off


GONE = status(410, "Expired", "too old resource version: 1000 (2000)")


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(ending(), id="that ends"),
        pytest.param(
            ending({"type": "ERROR", "object": GONE}), id="whose version the server has forgotten, said in an event"
        ),
        pytest.param(refusing(410, GONE), id="whose version the server has forgotten, said at once"),
        pytest.param(breaking_off, id="that breaks off"),
        pytest.param(cut('{"type": "MODI'), id="that breaks off in the middle of a line"),
        pytest.param(ending({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}), id="of bookmarks"),
    ],
)
def test_a_watch_in_trouble_is_begun_anew(
    server: ApiServer, cluster: Cluster, pauses: list[float], trouble: Handler
) -> None:
    server.put(pod("bb1"))
    server.misbehave("WATCH", PODS, trouble, times=2)
    thread = while_watched(server, lambda: server.put(pod("bb1", "192.168.1.1")), times=3)
    (seen,) = wait(cluster, "bb1").values()
    thread.join()
    assert seen
    assert pods.is_ready(seen)
    assert [request.method for request in server.requests] == ["GET", "WATCH"] * 3
    assert pauses == [1.0, 1.0]


def test_a_watch_that_is_in_trouble_for_ever_ends_with_the_deadline(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(pods.time, "sleep", pause)
    server.put(pod("bb1"))
    server.misbehave("WATCH", PODS, refusing(410, GONE))
    with Cluster(endpoint({"host": server.url}), Deadline(PATIENCE)) as cluster:
        seen = pods.wait(cluster, "default", ["bb1"], pods.is_settled, Deadline(300, lambda: now))
    assert seen["bb1"]
    assert now == 300


def test_a_right_to_watch_that_is_missing_is_told_at_once(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1"))
    server.misbehave("WATCH", PODS, refusing(403, recorded("403")))
    with pytest.raises(ForbiddenError):
        wait(cluster, "bb1")


def test_a_list_that_is_never_answered_is_not_taken_for_pods_that_are_gone(
    server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_LATE_SECONDS", 0.3)
    server.put(pod("bb1", "192.168.1.1"))
    server.misbehave("GET", PODS, never_answering)
    with pytest.raises(DeadlineError):
        wait(cluster, "bb1")


def test_pods_are_looked_at_once_although_the_time_is_over(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1", "192.168.1.1"), pod("bb2"))
    seen = wait(cluster, "bb1", "bb2", seconds=0)
    assert seen["bb1"]
    assert pods.is_ready(seen["bb1"])
    assert seen["bb2"]


def test_a_server_that_goes_away_meanwhile_is_told_so(server: ApiServer, cluster: Cluster, pauses: list[float]) -> None:
    server.put(pod("bb1"))
    server.misbehave("WATCH", PODS, breaking_off)
    thread = while_watched(server, lambda: server.misbehave("GET", PODS, breaking_off))
    with pytest.raises(ConnectionFailedError):
        wait(cluster, "bb1")
    thread.join()
