"""Connectivity as the pods themselves measure it, beside what the modules returned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from facts import PROVIDER, WORKERS, evidence, kubectl, pod_host


@pytest.fixture(scope="module")
def measured(ephemeral: Path) -> dict[str, Any]:
    """What pod_ping and pod_traceroute returned."""
    found: dict[str, Any] = json.loads((ephemeral / "measured.json").read_text())
    return found


def address(pod: str) -> str:
    found: str = kubectl("get", "pod", pod)["status"]["podIP"]
    return found


@pytest.mark.parametrize(("source", "target"), [("bb1", "bb2"), ("bb2", "bb1")])
def test_a_pod_reaches_the_other_through_two_routers(source: str, target: str) -> None:
    printed = evidence(pod_host(source), f"ping -c 1 -W 2 {address(target)}")
    assert " ttl=62 " in printed


def test_a_pod_reaches_the_outside() -> None:
    outside = "203.0.113.8" if PROVIDER == "kind" else "8.8.8.8"
    assert " 0% packet loss" in evidence(pod_host("bb1"), f"ping -c 1 -W 2 {outside}")


def test_the_replies_came_with_the_ttl_of_their_distance(measured: dict[str, Any]) -> None:
    ttl = {(ping["from"], ping["to"]): ping["ttl"] for ping in measured["pings"]}
    first, second = (f"node/{name}" for name in WORKERS)
    print(ttl)
    assert ttl["default/bb2", "default/bb1"] == 62
    assert ttl[first, "default/bb1"] == 64
    assert ttl[first, "default/bb2"] == 63
    assert ttl["default/bb1", second] == 63
    assert ttl[first, second] == 64


def test_an_address_that_nobody_has_does_not_answer(measured: dict[str, Any]) -> None:
    assert [ping["received"] for ping in measured["pings"] if ping["expect"] == "unreachable"] == [0]


def test_the_path_is_named_after_the_nodes_and_the_pod(measured: dict[str, Any]) -> None:
    paths = {(path["from"], path["to"]): path["path"] for path in measured["paths"]}
    first, second = (f"node {name}" for name in WORKERS)
    assert paths["default/bb2", "default/bb1"] == [second, first, "pod default/bb1"]
    assert paths["default/bb1", "default/bb2"] == [first, second, "pod default/bb2"]
    assert paths[f"node/{WORKERS[1]}", "default/bb1"] == [first, "pod default/bb1"]
