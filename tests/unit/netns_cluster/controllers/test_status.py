# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Phases and conditions, beside what a real kubelet wrote."""

from __future__ import annotations

from typing import Any

import pytest

from netns_cluster.controllers.status import ContainerStatus, Failure, phase_of, pod_status

Object = dict[str, Any]

WAITING: Object = {"waiting": {"reason": "ContainerCreating"}}
RUNNING: Object = {"running": {"startedAt": "2026-11-23T07:28:56Z"}}
DONE: Object = {"terminated": {"exitCode": 0, "reason": "Completed"}}
FAILED: Object = {"terminated": {"exitCode": 3, "reason": "Error"}}


def container(state: Object, last: Object | None = None, name: str = "bb1") -> ContainerStatus:
    return ContainerStatus(name, "busybox", state=state, last_state=last or {})


@pytest.mark.parametrize(
    ("states", "policy", "phase"),
    [
        ([WAITING], "Always", "Pending"),
        ([RUNNING], "Always", "Running"),
        ([RUNNING, WAITING], "Always", "Pending"),
        ([DONE], "Always", "Running"),
        ([DONE], "OnFailure", "Succeeded"),
        ([FAILED], "OnFailure", "Running"),
        ([DONE], "Never", "Succeeded"),
        ([FAILED], "Never", "Failed"),
        ([DONE, FAILED], "Never", "Failed"),
        ([DONE, RUNNING], "Never", "Running"),
    ],
)
def test_the_phase_follows_from_the_containers_and_the_restart_policy(
    states: list[Object], policy: str, phase: str
) -> None:
    assert phase_of([container(state) for state in states], policy) == phase


def test_a_container_between_two_runs_leaves_the_pod_running() -> None:
    assert phase_of([container(WAITING, last=FAILED)], "Always") == "Running"


def status_of(
    *containers: ContainerStatus, policy: str = "Always", previous: Object | None = None, **more: Any
) -> Object:
    pod = {
        "metadata": {"generation": 1},
        "spec": {"restartPolicy": policy},
        "status": previous or {"qosClass": "BestEffort"},
    }
    return pod_status(pod, containers, ["172.18.0.4"], ["192.168.157.129"], **more)


def conditions(status: Object) -> dict[str, tuple[str, str | None]]:
    return {one["type"]: (one["status"], one.get("reason")) for one in status["conditions"]}


def test_a_running_pod_has_the_status_of_the_labs_first_pod() -> None:
    status = status_of(container(RUNNING))
    assert (status["phase"], status["hostIP"], status["podIP"]) == ("Running", "172.18.0.4", "192.168.157.129")
    assert status["podIPs"] == [{"ip": "192.168.157.129"}]
    assert conditions(status) == {
        "PodReadyToStartContainers": ("True", None),
        "Initialized": ("True", None),
        "Ready": ("True", None),
        "ContainersReady": ("True", None),
        "PodScheduled": ("True", None),
    }


def test_a_container_that_is_not_ready_is_named() -> None:
    status = status_of(container(FAILED, name="crash"))
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    assert (ready["reason"], ready["message"]) == ("ContainersNotReady", "containers with unready status: [crash]")


def test_a_completed_pod_keeps_its_addresses_and_is_not_ready() -> None:
    status = status_of(container(DONE), policy="Never", network_ready=False)
    assert (status["phase"], status["podIP"]) == ("Succeeded", "192.168.157.129")
    assert conditions(status)["Ready"] == ("False", "PodCompleted")
    assert conditions(status)["PodReadyToStartContainers"] == ("False", None)


def test_a_pod_that_is_ended_for_good_has_failed_although_it_would_be_started_again() -> None:
    assert status_of(container(FAILED), network_ready=True)["phase"] == "Running"
    assert status_of(container(FAILED), network_ready=False)["phase"] == "Failed"
    assert status_of(container(WAITING), network_ready=False)["phase"] == "Pending"


def test_a_pod_that_failed_as_a_whole_says_why() -> None:
    status = status_of(container(FAILED), failure=Failure("DeadlineExceeded", "too long"))
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "too long")


def test_a_condition_keeps_its_time_until_it_changes() -> None:
    old = status_of(container(RUNNING))
    for one in old["conditions"]:
        one["lastTransitionTime"] = "2000-01-01T00:00:00Z"
    times = {one["type"]: one["lastTransitionTime"] for one in status_of(container(FAILED), previous=old)["conditions"]}
    assert times["PodScheduled"] == "2000-01-01T00:00:00Z"
    assert times["Ready"] > "2026"
