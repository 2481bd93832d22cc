# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logs and commands, as far as they need no process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from netns_cluster.api import streams
from netns_cluster.api.errors import ApiError
from netns_cluster.logbuffer import Line
from netns_cluster.runtime.messages import StartError

Object = dict[str, Any]


def pod_of(*names: str) -> Object:
    return {"metadata": {"name": "bb1"}, "spec": {"containers": [{"name": name} for name in names]}}


def refusal(action: Callable[[], object]) -> Object:
    with pytest.raises(ApiError) as caught:
        action()
    return caught.value.status()


def test_a_container_that_is_not_there_is_refused_in_the_words_of_a_real_api_server(
    sample: Callable[[str], Any],
) -> None:
    assert refusal(lambda: streams.container_name(pod_of("bb1"), "nope")) == sample("exec_missing_container")


def test_with_several_containers_one_must_be_named() -> None:
    message = refusal(lambda: streams.container_name(pod_of("a", "b"), None))["message"]
    assert message == "a container name must be specified for pod bb1, choose one of: [a b]"
    assert streams.container_name(pod_of("a", "b"), "b") == "b"
    assert streams.container_name(pod_of("a"), None) == "a"


def test_a_container_without_a_log_is_said_to_wait_as_a_kubelet_says_it() -> None:
    assert streams.waiting_reason("ErrImagePull") == "image can't be pulled"
    assert streams.waiting_reason("ImagePullBackOff") == "trying and failing to pull image"
    assert streams.waiting_reason("ContainerCreating") == "ContainerCreating"


def lines(count: int) -> list[Line]:
    """Lines of one a minute, the last one now."""
    now = datetime.now(UTC)
    return [Line(now - timedelta(minutes=count - 1 - place), f"{place}\n".encode()) for place in range(count)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, [0, 1, 2, 3]),
        ({"tailLines": "2"}, [2, 3]),
        ({"tailLines": "0"}, []),
        ({"tailLines": "9"}, [0, 1, 2, 3]),
        ({"sinceSeconds": "90"}, [2, 3]),
    ],
)
def test_a_log_is_cut_to_what_is_asked_for(query: dict[str, str], wanted: list[int]) -> None:
    selected, limit = streams.select_lines(lines(4), query)
    assert [int(line.text) for line in selected] == wanted
    assert limit is None


@pytest.mark.parametrize("query", [{"tailLines": "x"}, {"sinceTime": "yesterday"}, {"limitBytes": "many"}])
def test_senseless_log_options_are_a_bad_request(query: dict[str, str]) -> None:
    assert refusal(lambda: streams.select_lines(lines(1), query))["code"] == 400


@pytest.mark.parametrize(
    ("program", "reason", "text"),
    [
        ("nosuchprogram", "No such file or directory", 'exec: "nosuchprogram": executable file not found in $PATH'),
        ("/no/such", "No such file or directory", 'exec: "/no/such": stat /no/such: no such file or directory'),
        ("/tmp", "Permission denied", 'exec: "/tmp": permission denied'),  # noqa: S108 - a path in a pod
    ],
)
def test_a_command_that_does_not_start_is_told_as_a_real_node_tells_it(program: str, reason: str, text: str) -> None:
    message = streams.start_failure(program, StartError("exec", reason))
    assert message.endswith(f"unable to start container process: {text}: unknown")
