# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables as kubectl prints them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from netns_cluster.api import tables
from netns_cluster.api.resources import RESOURCES
from netns_cluster.api.store import timestamp

Object = dict[str, Any]
PODS = RESOURCES["", "pods"]


def pod_with(*states: Object, phase: str = "Running", restarts: int = 0, **metadata: Any) -> Object:
    """A pod with one container per state."""
    statuses = [
        {"name": f"c{place}", "state": state, "lastState": {}, "ready": "running" in state, "restartCount": restarts}
        for place, state in enumerate(states)
    ]
    return {
        "metadata": {"name": "bb1", "namespace": "default", "creationTimestamp": timestamp(), **metadata},
        "spec": {"containers": [{}] * len(states), "nodeName": "demo-worker"},
        "status": {"phase": phase, "podIP": "192.168.157.129", "containerStatuses": statuses},
    }


RUNNING: Object = {"running": {}}
DONE: Object = {"terminated": {"exitCode": 0, "reason": "Completed"}}


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (pod_with(RUNNING), "Running"),
        (pod_with({"waiting": {"reason": "ContainerCreating"}}, phase="Pending"), "ContainerCreating"),
        (pod_with({"waiting": {"reason": "CrashLoopBackOff"}}), "CrashLoopBackOff"),
        (pod_with(DONE, phase="Succeeded"), "Completed"),
        (pod_with({"terminated": {"exitCode": 3}}), "ExitCode:3"),
        (pod_with(DONE, RUNNING), "NotReady"),
        (pod_with(RUNNING, deletionTimestamp="2026-11-23T07:31:28Z"), "Terminating"),
        (pod_with(DONE, phase="Succeeded", deletionTimestamp="2026-11-23T07:31:28Z"), "Completed"),
    ],
)
def test_the_status_of_a_pod_is_the_word_that_kubectl_shows(pod: Object, word: str) -> None:
    assert tables.pod_status(pod) == word


def test_the_reason_of_a_failed_pod_is_shown() -> None:
    pod = pod_with({"terminated": {"exitCode": 137, "reason": "Error"}}, phase="Failed")
    pod["status"] |= {"reason": "DeadlineExceeded", "containerStatuses": []}
    assert tables.pod_status(pod) == "DeadlineExceeded"


def test_the_columns_are_those_of_a_real_api_server(sample: Callable[[str], Any]) -> None:
    recorded = sample("table")
    mine = tables.table(PODS, [], {}, "None")

    def shape(columns: list[Object]) -> list[tuple[str, str, str, int]]:
        return [(column["name"], column["type"], column["format"], column["priority"]) for column in columns]

    assert shape(mine["columnDefinitions"]) == shape(recorded["columnDefinitions"])
    assert (mine["kind"], mine["apiVersion"]) == (recorded["kind"], recorded["apiVersion"])


def test_the_cells_are_those_of_a_real_api_server(sample: Callable[[str], Any]) -> None:
    recorded = sample("table")["rows"][1]
    (mine,) = tables.table(PODS, [pod_with(RUNNING)], {}, "Metadata")["rows"]
    age = 4
    assert mine["cells"][:age] + mine["cells"][age + 1 :] == recorded["cells"][:age] + recorded["cells"][age + 1 :]
    assert mine["object"].keys() == recorded["object"].keys()


def test_restarts_tell_when_the_last_one_was() -> None:
    pod = pod_with(RUNNING, restarts=2)
    ended = timestamp(datetime.now(UTC) - timedelta(seconds=24, milliseconds=500))
    pod["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"finishedAt": ended}}
    restarts = tables.table(PODS, [pod], {}, "None")["rows"][0]["cells"][3]
    assert restarts in ("2 (24s ago)", "2 (25s ago)")


def test_rows_carry_as_much_of_the_object_as_asked_for() -> None:
    pod = pod_with(RUNNING)
    rows = {include: tables.table(PODS, [pod], {}, include)["rows"][0] for include in ("None", "Metadata", "Object")}
    assert "object" not in rows["None"]
    assert rows["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert rows["Object"]["object"] == pod


# From the documented steps of HumanDuration in k8s.io/apimachinery.
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (181, "3m1s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 24 * 3600, "8d"),
        (729 * 24 * 3600, "729d"),
        (730 * 24 * 3600, "2y"),
        (731 * 24 * 3600, "2y1d"),
        (8 * 365 * 24 * 3600, "8y"),
    ],
)
def test_durations_are_written_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert tables.human_duration(seconds) == text
