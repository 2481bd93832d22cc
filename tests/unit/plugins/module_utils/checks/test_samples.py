# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables of real nodes, read in place: none is a false alarm. Each is judged as a cluster that it would be right in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.network.cni import (
    gateways,
    holds,
    is_default,
    is_host,
    is_link_local_or_multicast,
    sign_of,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    Snapshot,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import number_address, prefix_number
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route

SAMPLES = Path(__file__).parents[6] / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the samples are not beside the repository ({SAMPLES})")

# Sample -> what is wrong on that node, as whoever posted it says.
WRONG = {
    "route_mixed_01_calico_to_antrea_conflict": {"two-cnis"},
    # A /24 goes to another node, and this node's own /26 lies in it: a pod there with an address of the /26 is cut off.
    "route_calico_13_issue2612_overlap_24_over_26": {"missing-pod-route"},
}
NO_NODES = (
    "_inpod",
    "_pod_",
    "_err_",
    "_generic_",
    "_odd_",
    "_get_",
    "_frr_",
    "_procnet",
    "_empty",
    "_route_n",
    "ip_monitor",
)


def node_tables() -> list[Path]:
    paths = sorted(SAMPLES.glob("route_*.txt"))
    return [path for path in paths if not any(word in path.name for word in NO_NODES) and "json" not in path.name]


def cluster_of(text: str) -> Snapshot:
    """The node with the pods that its own rows lead to, and other nodes with one pod behind each row that leads there."""
    routes = [route for route in parse_ip_route(text).routes if not is_link_local_or_multicast(route.dst)]
    uplinks = {route.dev for route in routes if is_default(route)}
    default_gateways = {gateway for route in routes if is_default(route) for gateway in gateways(route)}
    connected = [
        route for route in routes if route.type == "unicast" and not gateways(route) and not is_host(route.dst)
    ]
    own = {route.prefsrc for route in connected if route.prefsrc and (route.dev in uplinks or not uplinks)}
    pods = [
        Pod("default", f"own-{number}", "this", (route.dst.partition("/")[0],))
        for number, route in enumerate(routes)
        if (sign := sign_of(route)) is not None and sign.meaning == "local_pod"
    ]
    behind: dict[tuple[str, str], Pod] = {}
    for number, route in enumerate(routes):
        if len(gateways(route)) == 1 and route.type == "unicast" and not is_default(route) and route.table is None:
            (gateway,) = gateways(route)
            is_near = any(holds(network.dst, gateway) for network in connected) or "onlink" in route.flags
            is_in_network = any(holds(network.dst, address_in(route)) for network in connected)
            if gateway not in default_gateways and gateway not in own and is_near and not is_in_network:
                behind[gateway, address_in(route)] = Pod("default", f"other-{number}", gateway, (address_in(route),))
    nodes = [NodeSnapshot(Node("this", tuple(sorted(own))), tuple(pods), printed={"ip -4 route show table all": text})]
    for other in {pod.node: pod for pod in behind.values()}:
        address = str(other)
        nodes.append(
            NodeSnapshot(Node(address, (address,)), tuple(pod for pod in behind.values() if pod.node == other))
        )
    return Snapshot(Cluster("sample", "2026-11-23T12:00:00Z"), tuple(nodes))


def address_in(route: Route) -> str:
    bits, first, length = prefix_number(route.dst)
    return number_address(bits, first + min(5, (1 << bits - length) - 1))


@pytest.mark.parametrize("path", node_tables(), ids=lambda path: path.stem)
def test_a_table_gives_no_false_alarm(path: Path) -> None:
    verdict = judge(cluster_of(path.read_text(encoding="utf-8")))
    # What people post is often the part that they talk about.
    findings = [finding for finding in verdict.findings if finding.code != "no-default-route"]
    assert {finding.code for finding in findings} == WRONG.get(path.stem, set()), [item.message for item in findings]


def read(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_text(encoding="utf-8")


def node_of(name: str, address: str, table: str, *pods: str, cidr: str | None = None) -> NodeSnapshot:
    """A node of a real cluster; ``ip route show table all`` was run without a family there."""
    lines = table.splitlines(keepends=True)
    return NodeSnapshot(
        Node(name, (address,), (cidr,) if cidr else ()),
        tuple(Pod("default", f"{name}-{pod}", name, (pod,)) for pod in pods),
        printed={
            "ip -4 route show table all": "".join(line for line in lines if ":" not in line),
            "ip -6 route show table all": "".join(line for line in lines if ":" in line),
            "ip rule": read("rule_local_kind_worker"),
        },
    )


def kind() -> list[NodeSnapshot]:
    return [
        node_of("demo-control-plane", "172.18.0.4", read("route_local_kind_controlplane_tableall")),
        node_of(
            "demo-worker",
            "172.18.0.3",
            read("route_local_kind_worker_tableall"),
            *("192.168.157.132", "192.168.157.133", "192.168.157.134"),
        ),
        node_of("demo-worker2", "172.18.0.2", read("route_local_kind_worker2_iproute2"), "192.168.121.66"),
    ]


def flannel() -> list[NodeSnapshot]:
    return [
        node_of(
            *("control", "172.18.0.4", read("route_local_flannel_controlplane_tableall"), "10.244.0.2"),
            cidr="10.244.0.0/24",
        ),
        node_of(
            *("worker", "172.18.0.2", read("route_local_flannel_worker_tableall"), "10.244.1.3"), cidr="10.244.1.0/24"
        ),
    ]


@pytest.mark.parametrize("nodes", [kind, flannel])
def test_a_real_cluster_is_right_for_all_pairs(nodes: Callable[[], list[NodeSnapshot]]) -> None:
    verdict = judge(Snapshot(Cluster("demo", "2026-11-23T12:00:00Z"), tuple(nodes())))
    assert [finding.message for finding in verdict.findings] == []
    assert verdict.coverage.pairs_by_routes == verdict.coverage.pairs > 0


def test_the_busybox_table_of_a_node_is_right_too() -> None:
    """It prints no protocol, and rows that the kernel only caches."""
    worker = node_of(
        *("demo-worker", "172.18.0.3", read("route_local_kind_worker_busybox")),
        *("192.168.157.132", "192.168.157.133", "192.168.157.134", "192.168.157.135"),
    )
    control, _worker, worker2 = kind()
    verdict = judge(Snapshot(Cluster("demo", "2026-11-23T12:00:00Z"), (control, worker, worker2)))
    assert [finding.message for finding in verdict.findings] == []
    assert verdict.coverage.pairs_by_routes == verdict.coverage.pairs
