"""The tables that were returned, beside those that the kernel prints now."""

from __future__ import annotations

import json
import re
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from facts import NODES, PROVIDER, WORKERS, evidence, kubectl, node_host

WAYS = ["auto", "agent_pod", "probe_pod", *(["container"] if PROVIDER == "kind" else [])]


@pytest.fixture(scope="module")
def tables(ephemeral: Path) -> dict[str, Any]:
    """For each way of access: what node_route_info returned, by node."""
    kept = json.loads((ephemeral / "tables.json").read_text())
    return {way: {node["name"]: node for node in nodes} for way, nodes in kept.items()}


def rows(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "probe_pod"])
def test_the_table_is_the_one_that_the_kernel_has(tables: dict[str, Any], way: str, node: str) -> None:
    assert rows(tables[way][node]["printed"]["ipv4"]) == rows(evidence(node_host(node), "ip route"))


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("way", WAYS)
def test_each_line_is_a_record(tables: dict[str, Any], way: str, node: str) -> None:
    found = tables[way][node]
    assert found["unparsed"] == []
    assert [route["raw"].strip() for route in found["routes"] if ":" not in route["dst"]] == rows(
        found["printed"]["ipv4"]
    )


@pytest.mark.parametrize("node", NODES)
def test_a_probe_pod_sees_the_same_destinations(tables: dict[str, Any], node: str) -> None:
    def destinations(way: str) -> set[str]:
        # busybox, which the probe pod has, also lists routes that the kernel has only cached.
        return {route["dst"] for route in tables[way][node]["routes"] if ":" not in route["dst"]}

    assert destinations("agent_pod") <= destinations("probe_pod")


@pytest.mark.parametrize("node", NODES)
def test_the_auto_way_is_the_first_that_is_open(tables: dict[str, Any], node: str) -> None:
    assert tables["auto"][node]["access"] == ("container" if PROVIDER == "kind" else "agent_pod")


@pytest.mark.parametrize(("pod", "node"), [("bb1", WORKERS[0]), ("bb2", WORKERS[1])])
def test_the_row_of_a_pod_is_explained_by_its_name(tables: dict[str, Any], pod: str, node: str) -> None:
    address = kubectl("get", "pod", pod)["status"]["podIP"]
    (row,) = (route for route in tables["auto"][node]["routes"] if route["dst"] == f"{address}/32")
    assert (row["purpose"], row["pod"], row["computed_interface"]) == ("local_pod", f"default/{pod}", True)
    assert row["dev"] == "cali" + sha1(f"default.{pod}".encode(), usedforsecurity=False).hexdigest()[:11]


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_its_own_block_and_a_row_for_that_of_each_other(tables: dict[str, Any], node: str) -> None:
    purposes = [(route["purpose"], route["node"]) for route in tables["auto"][node]["routes"]]
    print(purposes)
    assert purposes.count(("own_block", node)) == 1
    assert {name for purpose, name in purposes if purpose == "remote_block"} == {*NODES} - {node}


@pytest.mark.parametrize("node", NODES)
def test_the_table_reads_as_the_labs_does(node: str) -> None:
    block = r"192\.168\.\d+\.\d+/26"
    shapes = [
        r"default via 172\.\d+\.\d+\.1 dev eth0",
        r"172\.\d+\.0\.0/16 dev eth0 proto kernel scope link src 172\.\d+\.\d+\.\d+",
        rf"{block} via 172\.\d+\.\d+\.\d+ dev eth0 proto 80 onlink",
        rf"blackhole {block} proto 80",
        r"192\.168\.\d+\.\d+ dev cali[0-9a-f]{11} scope link",
    ]
    for row in rows(evidence(node_host(node), "ip route")):
        assert any(re.fullmatch(shape, row) for shape in shapes), row
    assert "podnet-probe" not in json.dumps(kubectl("get", "pods", "-A")), "a probe pod was left"
