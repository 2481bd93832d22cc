"""What holds for every module: see the section on contracts in the documentation of each."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

from tests.support.api_server import ApiServer, Printed, breaking_off, never_answering, refusing, saying
from tests.support.objects import MANAGED_BY, pod, recorded
from tests.support.operations import OPERATIONS
from tests.support.running import fail, run

PING = "PING x (192.168.1.2): 56 data bytes\n5 packets transmitted, 5 packets received, 0% packet loss\n"
TRACE = "traceroute to 192.168.1.2 (192.168.1.2), 15 hops max, 46 byte packets\n 1  192.168.1.2  0.003 ms\n"
PROBES = [
    {"from": "ours", "to": "other"},
    {"from": "node/demo-worker", "to": "ours"},
    {"from": "ours", "to": "not-yet"},
]

TASKS: dict[str, list[dict[str, Any]]] = {
    "node_label": [
        {"nodes": [{"name": "demo-worker", "labels": {"new": "label"}}]},
        {"nodes": [{"name": "demo-worker", "labels": {"old": "label"}}], "state": "absent"},
    ],
    "pod": [
        {"pods": [{"name": "new"}, {"name": "ours", "image": "alpine"}, {"name": "finished"}]},
        {"pods": [{"name": "ours"}, {"name": "gone"}], "state": "absent"},
        {"pods": [{"name": "ours", "labels": {"tier": "lab"}}], "wait": False},
    ],
    "pod_info": [{}, {"names": ["ours"], "query": "[].metadata.name"}],
    "node_route_info": [{}, {"access": "probe_pod"}],
    "pod_ping": [{"probes": PROBES}, {"probes": PROBES, "access": "probe_pod"}],
    "pod_traceroute": [{"probes": PROBES}, {"probes": PROBES, "access": "probe_pod"}],
    "network_validate": [{}],
}
WITHOUT_A_CLUSTER_OF_THEIR_OWN = {"cluster", "report"}  # one makes clusters, one reads a result: no API server is asked

EVERY_TASK = [
    pytest.param(OPERATIONS[name], task, id=f"{name}-{number}")
    for name in TASKS
    for number, task in enumerate(TASKS[name])
]
ONE_TASK_OF_EACH = [pytest.param(OPERATIONS[name], tasks[0], id=name) for name, tasks in TASKS.items()]


@pytest.fixture
def lab(server: ApiServer) -> ApiServer:
    finished = pod("finished", labels=MANAGED_BY)
    finished["status"] = {"phase": "Succeeded"}
    agent = pod(
        "agent", "172.18.0.3", node="demo-worker", namespace="kube-system", labels={"app": "kindnet"}, host_network=True
    )
    server.put(
        pod("ours", "192.168.1.1", node="demo-worker", labels=MANAGED_BY),
        pod("other", "192.168.1.2", node="demo-worker2"),
        finished,
        agent,
    )
    server.programs.update(
        ip=lambda command, pod: Printed("default via 172.18.0.1 dev eth0\n"),
        ping=lambda command, pod: Printed(PING),
        traceroute=lambda command, pod: Printed(TRACE),
    )
    return server


def test_every_module_that_asks_a_cluster_is_tried_here() -> None:
    assert set(OPERATIONS) - WITHOUT_A_CLUSTER_OF_THEIR_OWN == set(TASKS)


@pytest.mark.parametrize(("operation", "task"), EVERY_TASK)
def test_check_mode_sends_nothing_but_reads_and_measuring_commands(
    lab: ApiServer, operation: Operation, task: dict[str, Any]
) -> None:
    before = (lab.all("Node"), lab.all("Pod"))
    run(operation, lab, check_mode=True, **task)
    assert {request.method for request in lab.requests} <= {"GET", "EXEC"}
    assert {command[0] for command in lab.commands()} <= {
        "ip",
        "ping",
        "traceroute",
        "grep",
    }  # grep prints kernel settings
    assert (lab.all("Node"), lab.all("Pod")) == before


@pytest.mark.parametrize(("operation", "task"), EVERY_TASK)
def test_check_mode_foresees_whether_anything_changes(
    lab: ApiServer, operation: Operation, task: dict[str, Any]
) -> None:
    foreseen = run(operation, lab, check_mode=True, **task)
    done = run(operation, lab, **task)
    assert foreseen["changed"] == done["changed"]


@pytest.mark.parametrize(("operation", "task"), EVERY_TASK)
def test_a_second_run_changes_nothing(lab: ApiServer, operation: Operation, task: dict[str, Any]) -> None:
    run(operation, lab, **task)
    assert not run(operation, lab, **task)["changed"]


@pytest.mark.parametrize(("operation", "task"), EVERY_TASK)
def test_pods_of_others_are_left_alone(lab: ApiServer, operation: Operation, task: dict[str, Any]) -> None:
    def others() -> list[Any]:
        return [
            item
            for item in lab.all("Pod")
            if item["metadata"]["labels"] != MANAGED_BY and item["metadata"]["name"] in ("other", "agent")
        ]

    before = others()
    run(operation, lab, **task)
    assert others() == before


@pytest.mark.usefixtures("short_seconds")
@pytest.mark.parametrize(
    ("trouble", "timeout", "code"),
    [
        pytest.param(refusing(401, recorded("401")), 60, "unauthorized", id="401"),
        pytest.param(refusing(403, recorded("403")), 60, "forbidden", id="403"),
        pytest.param(refusing(500, "<html>oops</html>"), 60, "api-error", id="500"),
        pytest.param(breaking_off, 60, "connection-failed", id="cut"),
        pytest.param(never_answering, 1, "deadline-exceeded", id="silence"),
        pytest.param(saying("<html>Welcome</html>"), 60, "connection-failed", id="HTML"),
        pytest.param(saying("{}"), 60, "connection-failed", id="another API"),
    ],
)
@pytest.mark.parametrize(("operation", "task"), ONE_TASK_OF_EACH)
def test_a_server_in_trouble_ends_in_an_explained_error(
    lab: ApiServer, operation: Operation, task: dict[str, Any], trouble: Any, timeout: int, code: str
) -> None:
    lab.misbehave("GET", ".*", trouble)
    result = run(operation, lab, **task, timeout=timeout)
    assert result["failed"]
    codes = {item["error"] for kind in ("nodes", "pods", "probes") for item in result.get(kind, ()) if "error" in item}
    assert codes | {result["error"]} <= {code, "items-failed"}
    assert "\n" not in result["msg"]
    assert lab.changes() == []


@pytest.mark.parametrize(("operation", "task"), ONE_TASK_OF_EACH)
def test_an_option_that_is_not_there_is_refused(lab: ApiServer, operation: Operation, task: dict[str, Any]) -> None:
    code, message = fail(operation, lab, **task, tiemout=5)
    assert code == "invalid-input"
    assert "tiemout" in message
    assert lab.requests == []
