# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots go to a file and back, and a file that is none says where and why."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    PodInside,
    Policy,
    Probe,
    ProbeConnection,
    ProbeLookup,
    ProbePing,
    ProbeTraceroute,
    Snapshot,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import read_snapshot, write_snapshot

PROBE = Probe(
    pod="probes/probe-w1",
    printed={"ip addr": "1: lo: <LOOPBACK,UP>\n", "resolv.conf": "nameserver 10.96.0.10\n"},
    pings=(
        ProbePing("default/bb2", "10.244.2.9", 2, 2, ttl=62),
        ProbePing("w2", "172.18.0.3", 2, 0, retried=True, errors=("sendto: Invalid argument",), size=1450),
    ),
    connections=(
        ProbeConnection("probes/b", "10.244.2.8", 8080, True, "probes/b", "10.244.1.5"),
        ProbeConnection("probes/c", "10.244.3.8", 8080, False, error="Connection refused"),
    ),
    traceroutes=(ProbeTraceroute("default/bb2", "10.244.2.9", "traceroute to ...\n"),),
    lookups=(ProbeLookup("kubernetes.default.svc.cluster.local", ("10.96.0.1",)),),
    unread={"ip neigh": "the image has no ip"},
)
SNAPSHOT = Snapshot(
    Cluster(
        name="demo \N{LATIN SMALL LETTER E WITH ACUTE}",
        checked_at="2026-11-23T12:00:00Z",
        emulated=True,
        versions={"kubernetes": "v1.34.4"},
        pod_ranges=("10.244.0.0/16",),
        service_ranges=("10.96.0.0/16",),
        dns_address="10.96.0.10",
        dns_name="kubernetes.default.svc.cluster.local",
        policies=(
            Policy("NetworkPolicy", "deny", "default", {"matchLabels": {"app": "db"}}, ("Ingress",)),
            Policy("GlobalNetworkPolicy", "quarantine"),
        ),
        outside_address="8.8.8.8",
        unread={"policies": "forbidden"},
    ),
    (
        NodeSnapshot(
            Node("w1", ("172.18.0.2",), ("10.244.1.0/24",), schedulable=False, age=3600),
            pods=(
                Pod("default", "bb1", "w1", ("10.244.1.5",), labels={"app": "bb"}, age=7),
                Pod("default", "late", "w1", phase="Pending", ready=False, deleting=True),
            ),
            access="container",
            printed={"ip rule": "0:\tfrom all lookup local\n"},
            sysctls={"net.ipv4.ip_forward": 1},
            insides=(PodInside("default/bb1", {"ip -4 route": "default via 169.254.1.1 dev eth0 \n"}),),
            probe=PROBE,
            host_probe=dataclasses.replace(PROBE, pod="probes/host-probe-w1"),
            unread={"ip addr": "timed out"},
        ),
        NodeSnapshot(Node("w2")),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.jsonl"
    write_snapshot(SNAPSHOT, path)
    return path


def test_a_snapshot_comes_back_as_it_was_written(path: Path) -> None:
    snapshot = read_snapshot(path)
    assert snapshot.cluster == SNAPSHOT.cluster
    assert tuple(snapshot.nodes) == SNAPSHOT.nodes


def test_a_file_has_one_line_for_the_cluster_and_one_for_each_node(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line.get("name") or line["node"]["name"] for line in lines] == [SNAPSHOT.cluster.name, "w1", "w2"]


def test_the_nodes_can_be_iterated_over_again(path: Path) -> None:
    nodes = read_snapshot(path).nodes
    assert tuple(nodes) == tuple(nodes)


def test_what_has_its_default_is_left_out(path: Path) -> None:
    assert path.read_bytes().splitlines()[2] == b'{"node": {"name": "w2"}}'


def _set(name: str, value: object) -> Callable[[dict[str, object]], None]:
    return lambda line: line.update({name: value})


@pytest.mark.parametrize(
    ("line", "edit", "said"),
    [
        (1, _set("snapshot", 2), 'line 1: it does not say "snapshot": 1, the version of the format that is read here'),
        (1, lambda line: line.pop("checked_at"), "line 1: it has no checked_at"),
        (1, _set("emulated", 1), "line 1: in emulated: it is a number, a boolean is needed"),
        (1, _set("versions", {"kubernetes": 1}), "line 1: in versions: it is a number, a string is needed"),
        (1, _set("policies", [{"kind": "NetworkPolicy"}]), "line 1: in policies: it has no name"),
        (2, _set("node", None), "line 2: in node: it is null, an object is needed"),
        (2, _set("pods", {}), "line 2: in pods: it is an object, a list is needed"),
        (2, _set("pods", ["bb1"]), "line 2: in pods: it is a string, an object is needed"),
        (2, _set("sysctls", {"net.ipv4.ip_forward": True}), "line 2: in sysctls: it is a boolean, a number is needed"),
        (2, _set("probe", {"pod": "p", "pings": [{"target": 1}]}), "line 2: in probe: in pings: it has no address"),
        (2, _set("token", "x"), "line 2: 'token' is nothing that is known here"),
        (3, _set("node", {"name": "w1"}), "line 3: node w1 is on line 2 already"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_the_reason(
    path: Path, line: int, edit: Callable[[dict[str, object]], None], said: str
) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    plain = json.loads(lines[line - 1])
    edit(plain)
    lines[line - 1] = json.dumps(plain)
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{re.escape(said)}$"):
        list(read_snapshot(path).nodes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: no JSON in UTF-8"),
        (b"\xff\xfe", "line 1: no JSON in UTF-8"),
        (b"[]\n", "line 1: a list, an object is needed"),
        (b'{"snapshot": 1, "name": "demo", "checked_at": "now"}\n{"node": {"na', "line 2: no JSON in UTF-8"),
    ],
)
def test_a_file_that_is_no_snapshot_is_named_by_its_first_bad_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "snapshot.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        list(read_snapshot(path).nodes)
