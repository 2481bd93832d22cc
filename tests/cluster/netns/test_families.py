# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules and the lab on clusters with both families and with IPv6 alone, and one family of both broken by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import (
    network_validate,
    node_route_info,
    pod_ping,
    pod_traceroute,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

from tests.cluster.conftest import run
from tests.cluster.netns.conftest import ROOT, Cluster, Command, Object


@dataclass(frozen=True)
class Families:
    """A cluster of the families ``dual`` or ``ipv6``, its workers, and the pod on each of these."""

    families: str
    cluster: Cluster
    workers: tuple[str, str]

    def run(self, operation: Operation, **arguments: object) -> Object:
        """The result of a task, which must not fail."""
        result = run(operation, kubeconfig=self.cluster.kubeconfig, **arguments)
        assert not result.get("failed"), result["msg"]
        return result

    def addresses(self, pod: str) -> list[str]:
        return [item["ip"] for item in self.cluster.pod(pod)["status"]["podIPs"]]


def made(command: Command, families: str) -> Iterator[Families]:
    cluster = Cluster(command.answer("up", "--name", families, "--ip-families", families)["cluster"])
    workers = (f"{families}-worker", f"{families}-worker2")
    for name, node in zip(("bb1", "bb2"), workers, strict=True):
        cluster.run_pod(name, node=node)
    yield Families(families, cluster, workers)
    command.run("down", "--name", families)


@pytest.fixture(scope="module")
def dual(command: Command) -> Iterator[Families]:
    yield from made(command, "dual")


@pytest.fixture(scope="module")
def ipv6(command: Command) -> Iterator[Families]:
    yield from made(command, "ipv6")


@pytest.fixture(params=["dual", "ipv6"])
def either(request: pytest.FixtureRequest) -> Families:
    found: Families = request.getfixturevalue(request.param)
    return found


def judged(on: Families) -> Object:
    verdict = on.run(network_validate.OPERATION)
    print(json.dumps(verdict, indent=2))
    return verdict


def assert_healthy(verdict: Object) -> None:
    assert (verdict["verdict"], verdict["findings"], verdict["not_proved"]) == ("pass", [], [])
    assert {promise["state"] for promise in verdict["promises"].values()} == {"proved"}


def test_every_promise_is_proved_in_each_family(either: Families) -> None:
    verdict = judged(either)
    assert_healthy(verdict)
    by = {"dual": "by IPv4 and IPv6", "ipv6": "by IPv6"}[either.families]
    for name in ("P1", "P2"):
        assert f"probe pods {by}, which saw the sender's own address" in verdict["promises"][name]["rests_on"]
    count = len(either.addresses("bb1"))
    assert verdict["coverage"]["pairs_by_routes"] == verdict["coverage"]["pairs"] == 3 * 5 * count
    # Each of three probes in a pod to two others, and each of three on a node to three; each other pod from two places.
    assert verdict["coverage"]["pairs_by_packets"] == (3 * 2 + 3 * 3 + 2 * 2) * count


def judged_broken(on: Families, breaks: list[str], repair: str, family: int) -> Object:
    """What is found while the first worker is broken, one finding; all that is lost is of that family, and comes back."""
    try:
        for line in breaks:
            on.cluster.on_node(on.workers[0], *line.split())
        verdict = judged(on)
    finally:
        on.cluster.on_node(on.workers[0], *repair.split())
    assert_healthy(judged(on))
    (finding,) = verdict["findings"]
    lost = [line for line in finding["evidence"] if " came back" in line or "not connected" in line]
    assert {":" in line.partition("(")[2].partition(")")[0] for line in lost} == {family == 6}
    return finding


@pytest.mark.parametrize("family", [4, 6])
def test_a_block_route_missing_in_one_family_is_named_with_it(dual: Families, family: int) -> None:
    first, second = dual.workers
    # The last worker has the first address.
    gateway = {4: "172.18.0.2", 6: "fc00:f853:ccd:e793::2"}[family]
    rows = dual.cluster.on_node(first, "ip", f"-{family}", "route").splitlines()
    (row,) = (row.partition(" onlink")[0] for row in rows if f" via {gateway} " in row)
    finding = judged_broken(dual, [f"ip route del {row}"], f"ip route add {row} onlink", family)
    assert (finding["code"], finding["node"]) == ("missing-block-route", first)
    assert finding["message"] == f"{first} has no route to the pods of {second} ({row.split()[0]})"


def test_forwarding_switched_off_for_ipv6_alone_is_named_so(dual: Families) -> None:
    forwarding = "sysctl -w net.ipv6.conf.all.forwarding"
    finding = judged_broken(dual, [f"{forwarding}=0"], f"{forwarding}=1", 6)
    assert (finding["code"], finding["node"]) == ("ip-forward-disabled", dual.workers[0])
    assert finding["message"] == f"{dual.workers[0]} does not forward IPv6 packets"


def test_a_firewall_against_ipv6_alone_is_named_so(dual: Families) -> None:
    rules = [
        "nft add table ip6 fault",
        "nft add chain ip6 fault through { type filter hook forward priority 0 ; }",
        "nft add rule ip6 fault through drop",
    ]
    finding = judged_broken(dual, rules, "nft delete table ip6 fault", 6)
    assert (finding["code"], finding["node"]) == ("packets-dropped", dual.workers[0])
    assert finding["message"].startswith(f"IPv6 packets to or from pods of {dual.workers[0]} are lost")


def test_the_rows_of_both_families_are_explained(either: Families) -> None:
    first, second = either.workers
    (table,) = either.run(node_route_info.OPERATION, nodes=[first], families=["ipv4", "ipv6"])["nodes"]
    assert table["unparsed"] == []
    for address in either.addresses("bb1"):
        (own,) = (row for row in table["routes"] if row["dst"].partition("/")[0] == address)
        assert (own["purpose"], own["pod"], own["computed_interface"]) == ("local_pod", "default/bb1", True)
        of_family = [row for row in table["routes"] if (":" in row["dst"]) == (":" in address)]
        assert [row["node"] for row in of_family if row["purpose"] == "own_block"] == [first]
        assert second in [row["node"] for row in of_family if row["purpose"] == "remote_block"]
        assert len([row for row in of_family if row["purpose"] == "default"]) == 1


def test_addresses_of_each_family_are_pinged_and_traced(either: Families) -> None:
    first, second = either.workers
    for address in either.addresses("bb2"):
        probes = [{"from": "bb1", "to": address}, {"from": f"node/{first}", "to": address}]
        pings = either.run(pod_ping.OPERATION, probes=probes, count=1)["probes"]
        assert [(ping["received"], ping["ttl"]) for ping in pings] == [(1, 62), (1, 63)]
        (trace,) = either.run(pod_traceroute.OPERATION, probes=probes[:1])["probes"]
        # The trace knows the pods that its probes name; this one names an address.
        assert trace["path"] == [f"node {first}", f"node {second}", address]


def test_a_pod_that_is_named_is_reached_at_an_address_of_a_family_that_both_have(ipv6: Families) -> None:
    first, second = ipv6.workers
    (address,) = ipv6.addresses("bb2")
    (ping,) = ipv6.run(pod_ping.OPERATION, probes=[{"from": "bb1", "to": "bb2"}], count=1)["probes"]
    assert (ping["address"], ping["received"]) == (address, 1)
    (trace,) = ipv6.run(pod_traceroute.OPERATION, probes=[{"from": "bb1", "to": "bb2"}])["probes"]
    assert trace["path"] == [f"node {first}", f"node {second}", "pod default/bb2"]


def test_the_lab_shows_both_families(dual: Families) -> None:
    first, second = dual.workers
    variables = {
        "podnet_kubeconfig": dual.cluster.kubeconfig,
        "pods_nodes": [first, second],
        "pods_list": [
            {"name": name, "command": ["sleep", "3600"], "node": node}
            for name, node in (("lab1", first), ("lab2", second))
        ],
        "routes_families": ["ipv4", "ipv6"],
        "connectivity_pings": [{"from": "lab1", "to": outside} for outside in ("8.8.8.8", "2001:4860:4860::8888")],
        "connectivity_paths": [{"from": "lab2", "to": "lab1"}],
        "connectivity_count": 1,
    }
    playbook = str(Path(sys.executable).parent / "ansible-playbook")
    done = subprocess.run(
        [playbook, "lab.yml", "-e", json.dumps(variables)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    shown = " ".join(done.stdout.split())  # ansible-core 2.19 breaks long lines
    assert shown.count("1 of 1 answered") == 2
    assert f"default/lab2 -> node {second} -> node {first} -> pod default/lab1" in shown
    assert shown.count("pod default/lab1 is reached through its interface") == 2
