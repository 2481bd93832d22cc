# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Healthy clusters of all CNIs, by their tables: no false alarm, and what the tables hide is not proved, never right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import Verdict
from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import pod_interface_name
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    Snapshot,
)

from tests.unit.plugins.module_utils.checks.lab import MAIN4

COUNT = 4
DEFAULT_RULES = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"


@dataclass(frozen=True)
class At:
    """A node by its number, from 1."""

    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def address(self) -> str:
        return f"172.18.0.{10 + self.number}"

    def pods(self, form: str) -> list[Pod]:
        return [
            Pod("default", f"pod{self.number}-{k}", self.name, (form.format(n=self.number, k=k),)) for k in (5, 6, 7)
        ]


ALL = [At(number) for number in range(1, COUNT + 1)]


@dataclass(frozen=True)
class Cni:
    """``pods`` is the form of a pod's address, ``rows`` what the CNI adds to a node's table, ``links`` its interfaces."""

    pods: str
    rows: Callable[[At, list[Pod]], Iterator[str]]
    links: tuple[str, ...] = ()
    cidr: str | None = None
    rules: Callable[[At, list[Pod]], str] = lambda node, pods: DEFAULT_RULES
    network: str = "172.18.0.0/16"
    names_nodes: bool = True


def others(node: At) -> list[At]:
    return [other for other in ALL if other != node]


def veth(pod: Pod) -> str:
    return pod_interface_name("veth", pod.namespace, pod.name)[:12]


def flannel_vxlan(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.244.{node.number}.0/24 dev cni0 proto kernel scope link src 10.244.{node.number}.1"
    for other in others(node):
        yield f"10.244.{other.number}.0/24 via 10.244.{other.number}.0 dev flannel.1 onlink"


def flannel_host_gw(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.244.{node.number}.0/24 dev cni0 proto kernel scope link src 10.244.{node.number}.1"
    for other in others(node):
        yield f"10.244.{other.number}.0/24 via {other.address} dev eth0"


def flannel_old(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.244.0.0/16 dev flannel0 proto kernel scope link src 10.244.{node.number}.0"
    yield f"10.244.{node.number}.0/24 dev docker0 proto kernel scope link src 10.244.{node.number}.1"


def kindnet(node: At, pods: list[Pod]) -> Iterator[str]:
    for pod in pods:
        yield f"{pod.ips[0]} dev {veth(pod)} scope host"
    for other in others(node):
        yield f"10.244.{other.number}.0/24 via {other.address} dev eth0"


def calico(via: str) -> Callable[[At, list[Pod]], Iterator[str]]:
    def rows(node: At, pods: list[Pod]) -> Iterator[str]:
        yield f"blackhole 192.168.{node.number}.64/26 proto 80"
        for pod in pods:
            yield f"{pod.ips[0]} dev {pod_interface_name('cali', pod.namespace, pod.name)} scope link"
        for other in others(node):
            yield f"192.168.{other.number}.64/26 " + via.format(other=other, n=other.number)

    return rows


def cilium_tunnel(node: At, pods: list[Pod]) -> Iterator[str]:
    own = f"10.0.{node.number}.238"
    yield f"{own} dev cilium_host proto kernel scope link"
    for other in ALL:
        mtu = "" if other == node else " mtu 1450"
        yield f"10.0.{other.number}.0/24 via {own} dev cilium_host proto kernel src {own}{mtu}"


def cilium_native(node: At, pods: list[Pod]) -> Iterator[str]:
    own = f"10.0.{node.number}.238"
    yield f"10.0.{node.number}.0/24 via {own} dev cilium_host proto kernel src {own}"
    yield f"{own} dev cilium_host proto kernel scope link"
    for other in others(node):
        yield f"10.0.{other.number}.0/24 via {other.address} dev eth0 proto kernel"


def cilium_endpoint_routes(node: At, pods: list[Pod]) -> Iterator[str]:
    for number, pod in enumerate(pods):
        yield f"{pod.ips[0]} dev lxc{number:012x} proto kernel scope link"
    yield f"10.0.{node.number}.9 dev lxc_health proto kernel scope link"


def host_rows(prefix: str, tail: str = "scope link") -> Callable[[At, list[Pod]], Iterator[str]]:
    def rows(node: At, pods: list[Pod]) -> Iterator[str]:
        for pod in pods:
            yield f"{pod.ips[0]} dev {pod_interface_name(prefix, pod.namespace, pod.name)} {tail}"

    return rows


def aws(node: At, pods: list[Pod]) -> Iterator[str]:
    yield from host_rows("eni")(node, pods)
    yield "default via 172.18.0.1 dev eth1 table 2"
    yield "172.18.0.1 dev eth1 scope link table 2"


def aws_rules(node: At, pods: list[Pod]) -> str:
    return (
        "0:\tfrom all lookup local\n"
        + "".join(f"512:\tfrom all to {pod.ips[0]} lookup main\n" for pod in pods)
        + "1024:\tfrom all fwmark 0x80/0x80 lookup main\n"
        + f"1536:\tfrom {pods[0].ips[0]} lookup 2\n1536:\tfrom {pods[1].ips[0]} to 172.18.0.0/16 lookup 2\n"
        + DEFAULT_RULES.partition("\n")[2]
    )


def ovn_kubernetes(node: At, pods: list[Pod]) -> Iterator[str]:
    gateway = f"10.128.{2 * node.number}.1"
    yield f"10.128.0.0/14 via {gateway} dev ovn-k8s-mp0"
    yield f"10.128.{2 * node.number}.0/23 dev ovn-k8s-mp0 proto kernel scope link src 10.128.{2 * node.number}.2"
    yield f"169.254.169.3 via {gateway} dev ovn-k8s-mp0"
    yield "172.30.0.0/16 via 169.254.169.4 dev br-ex mtu 1400"


def antrea(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.222.{node.number}.0/24 dev antrea-gw0 proto kernel scope link src 10.222.{node.number}.1"
    for other in others(node):
        yield f"10.222.{other.number}.0/24 via 10.222.{other.number}.1 dev antrea-gw0 onlink"


def antrea_wireguard(node: At, pods: list[Pod]) -> Iterator[str]:
    own = f"10.222.{node.number}.1"
    yield f"10.222.{node.number}.0/24 dev antrea-gw0 proto kernel scope link src {own}"
    for other in others(node):
        yield f"10.222.{other.number}.0/24 dev antrea-wg0 scope link src {own}"


def antrea_policy_only(node: At, pods: list[Pod]) -> Iterator[str]:
    for pod in pods:
        yield f"{pod.ips[0]} dev antrea-gw0 scope link"


def weave(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.32.0.0/12 dev weave proto kernel scope link src 10.{32 + node.number}.0.0"


def kube_ovn(node: At, pods: list[Pod]) -> Iterator[str]:
    yield "10.16.0.0/16 via 100.64.0.1 dev ovn0"
    yield f"100.64.0.0/16 dev ovn0 proto kernel scope link src 100.64.0.2{node.number}"


def kube_router(node: At, pods: list[Pod]) -> Iterator[str]:
    yield f"10.244.{node.number}.0/24 dev kube-bridge proto kernel scope link src 10.244.{node.number}.1"
    for other in others(node):
        yield f"10.244.{other.number}.0/24 via {other.address} dev eth0 proto 17"


def canal(node: At, pods: list[Pod]) -> Iterator[str]:
    yield from host_rows("cali")(node, pods)
    for other in others(node):
        yield f"10.244.{other.number}.0/24 via 10.244.{other.number}.0 dev flannel.1 onlink"


def one_bridge(node: At, pods: list[Pod]) -> Iterator[str]:
    """An unknown network that joins all pods in one."""
    yield f"10.50.0.0/16 dev podnet0 proto kernel scope link src 10.50.{node.number}.1"


def a_bridge_each(node: At, pods: list[Pod]) -> Iterator[str]:
    """An unknown network with a bridge on each node."""
    yield f"10.50.{node.number}.0/24 dev podnet0 proto kernel scope link src 10.50.{node.number}.1"
    for other in others(node):
        yield f"10.50.{other.number}.0/24 via {other.address} dev eth0 proto static"


CIDR = "10.244.{n}.0/24"
POD = "10.244.{n}.{k}"
IN_SUBNET = "172.18.{n}.{k}"
CNIS = {
    "flannel, vxlan": Cni(POD, flannel_vxlan, ("cni0 bridge 10.244.{n}.1/24", "flannel.1 vxlan 10.244.{n}.0/32"), CIDR),
    "flannel, host-gw": Cni(POD, flannel_host_gw, ("cni0 bridge 10.244.{n}.1/24",), CIDR),
    "flannel, udp": Cni(POD, flannel_old, ("flannel0 tun 10.244.{n}.0/16",), CIDR, names_nodes=False),
    "kindnet": Cni(POD, kindnet, (), CIDR),
    "calico, none": Cni("192.168.{n}.7{k}", calico("via {other.address} dev eth0 proto 80 onlink")),
    "calico, ipip": Cni(
        "192.168.{n}.7{k}", calico("via {other.address} dev tunl0 proto bird onlink"), ("tunl0 ipip 192.168.{n}.64/32",)
    ),
    "calico, vxlan": Cni(
        "192.168.{n}.7{k}",
        calico("via 192.168.{n}.64 dev vxlan.calico onlink"),
        ("vxlan.calico vxlan 192.168.{n}.64/32",),
    ),
    "calico, wireguard": Cni(
        "192.168.{n}.7{k}", calico("dev wireguard.cali proto 80 scope link"), (), names_nodes=False
    ),
    "cilium, tunnel": Cni(
        "10.0.{n}.{k}", cilium_tunnel, ("cilium_host veth 10.0.{n}.238/32",), "10.0.{n}.0/24", names_nodes=False
    ),
    "cilium, native": Cni("10.0.{n}.{k}", cilium_native, ("cilium_host veth 10.0.{n}.238/32",)),
    "cilium, endpoint routes": Cni("10.0.{n}.{k}", cilium_endpoint_routes, (), names_nodes=False),
    "aws": Cni(IN_SUBNET, aws, ("eth1 link/ether 172.18.9.{n}/16",), rules=aws_rules, names_nodes=False),
    "azure, transparent": Cni(IN_SUBNET, host_rows("azv", "proto static"), (), names_nodes=False),
    "azure, bridge": Cni(IN_SUBNET, lambda node, pods: iter(()), ("azure0 bridge",), names_nodes=False),
    "gke": Cni("10.28.{n}.{k}", host_rows("gke"), (), "10.28.{n}.0/24", names_nodes=False),
    "ovn-kubernetes": Cni("10.128.{n}.{k}", ovn_kubernetes, ("ovn-k8s-mp0 openvswitch",), names_nodes=False),
    "antrea, encap": Cni("10.222.{n}.{k}", antrea, ("antrea-gw0 openvswitch 10.222.{n}.1/24",), "10.222.{n}.0/24"),
    "antrea, wireguard": Cni(
        "10.222.{n}.{k}",
        antrea_wireguard,
        ("antrea-gw0 openvswitch 10.222.{n}.1/24", "antrea-wg0 wireguard 10.222.{n}.1/32"),
        "10.222.{n}.0/24",
        names_nodes=False,
    ),
    "antrea, policy only": Cni(IN_SUBNET, antrea_policy_only, (), names_nodes=False),
    "weave": Cni("10.32.{n}.{k}", weave, ("weave bridge 10.3{n}.0.0/12",), names_nodes=False),
    "kube-ovn": Cni("10.16.{n}.{k}", kube_ovn, ("ovn0 openvswitch 100.64.0.2{n}/16",), names_nodes=False),
    "kube-router": Cni(POD, kube_router, ("kube-bridge bridge 10.244.{n}.1/24",), CIDR),
    "canal": Cni(POD, canal, ("flannel.1 vxlan 10.244.{n}.0/32",), CIDR),
    "unknown, one bridge": Cni("10.50.{n}.{k}", one_bridge, ("podnet0 bridge 10.50.{n}.1/16",), names_nodes=False),
    "unknown, a bridge each": Cni("10.50.{n}.{k}", a_bridge_each, ("podnet0 bridge 10.50.{n}.1/24",)),
}


def links_of(cni: Cni, node: At, pods: list[Pod]) -> str:
    text = (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n    inet 127.0.0.1/8 scope host lo\n"
        "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n"
        f"    link/ether 02:00:00:00:00:{node.number:02x} brd ff:ff:ff:ff:ff:ff\n    inet {node.address}/16 scope global eth0\n"
    )
    for index, form in enumerate(cni.links, 3):
        name, kind, *address = form.format(n=node.number).split()
        text += f"{index}: {name}: <BROADCAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN\n    {kind} \n"
        text += "".join(f"    inet {cidr} scope global {name}\n" for cidr in address)
    for index, row in enumerate(cni.rows(node, pods), 20):
        words = row.split()
        if any(words[0] == pod.ips[0] for pod in pods) and words[2] not in text:
            text += f"{index}: {words[2]}@if2: <BROADCAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP\n    veth \n"
    return text


def cluster(cni: Cni) -> Snapshot:
    nodes = []
    for node in ALL:
        pods = node.pods(cni.pods)
        rows = [
            "default via 172.18.0.1 dev eth0",
            f"{cni.network} dev eth0 proto kernel scope link src {node.address}",
            *cni.rows(node, pods),
            f"local {node.address} dev eth0 table local proto kernel scope host src {node.address}",
        ]
        cidrs = (cni.cidr.format(n=node.number),) if cni.cidr else ()
        printed = {
            MAIN4: "".join(f"{row} \n" for row in rows),
            "ip rule": cni.rules(node, pods),
            "ip addr": links_of(cni, node, pods),
        }
        nodes.append(NodeSnapshot(Node(node.name, (node.address,), cidrs), tuple(pods), printed=printed))
    return Snapshot(Cluster("demo", "2026-11-23T12:00:00Z"), tuple(nodes))


def edited(snapshot: Snapshot, name: str, edit: Callable[[str], str]) -> Snapshot:
    nodes = []
    for node in snapshot.nodes:
        if node.node.name == name:
            node = replace(node, printed={**node.printed, MAIN4: edit(node.printed[MAIN4])})
        nodes.append(node)
    return replace(snapshot, nodes=tuple(nodes))


def told(verdict: Verdict) -> list[tuple[str, str | None, str]]:
    return [(finding.code, finding.node, finding.message) for finding in verdict.findings]


@pytest.mark.parametrize("name", CNIS)
def test_a_healthy_cluster_gives_no_finding(name: str) -> None:
    verdict = judge(cluster(CNIS[name]))
    assert told(verdict) == []
    assert verdict.verdict == "incomplete"
    assert verdict.promises["P1"].reason == "no probe pod ran: that packets arrive, only packets prove"


@pytest.mark.parametrize("name", CNIS)
def test_pairs_are_proved_where_the_tables_name_the_nodes(name: str) -> None:
    coverage = judge(cluster(CNIS[name])).coverage
    assert coverage.pairs == COUNT * COUNT * 3
    if name in ("cilium, native", "antrea, encap"):  # eBPF or Open vSwitch takes packets to a node's own pods
        assert coverage.pairs_by_routes == coverage.pairs - COUNT * 3
    elif CNIS[name].names_nodes:
        assert coverage.pairs_by_routes == coverage.pairs
    else:
        assert coverage.pairs_by_routes <= COUNT * 3


@pytest.mark.parametrize("name", [name for name, cni in CNIS.items() if cni.names_nodes])
def test_a_row_that_only_one_node_lacks_is_missed(name: str) -> None:
    pods = At(2).pods(CNIS[name].pods)
    block = pods[0].ips[0].rpartition(".")[0]

    def without(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{block}."))

    (finding,) = judge(edited(cluster(CNIS[name]), "node1", without)).findings
    assert (finding.code, finding.node) == ("missing-block-route", "node1")


@pytest.mark.parametrize("name", ["cilium, tunnel", "ovn-kubernetes", "weave"])
def test_an_address_that_is_no_nodes_is_no_router_where_other_nodes_send_into_a_tunnel(name: str) -> None:
    block = At(2).pods(CNIS[name].pods)[0].ips[0].rpartition(".")[0]
    snapshot = edited(cluster(CNIS[name]), "node1", lambda text: f"{block}.0/24 via 172.18.0.99 dev eth0 \n{text}")
    found = {(finding.code, finding.node) for finding in judge(snapshot).findings}
    assert found & {("next-hop-not-a-node", "node1"), ("shadowed-block", "node1")}


@pytest.mark.parametrize("name", [name for name, cni in CNIS.items() if cni.names_nodes])
def test_a_row_to_the_wrong_node_is_found(name: str) -> None:
    block = At(2).pods(CNIS[name].pods)[0].ips[0].rpartition(".")[0]

    def misled(text: str) -> str:
        lines = text.splitlines(keepends=True)
        (row,) = [line for line in lines if line.startswith(f"{block}.")]
        gateway = row.split()[2]
        other = gateway.replace(".12", ".13") if gateway == At(2).address else gateway.replace(".2.", ".3.")
        return text.replace(
            row,
            row.replace(gateway, other, 1) if gateway not in row[:12] else row[:12] + row[12:].replace(gateway, other),
        )

    (finding,) = judge(edited(cluster(CNIS[name]), "node1", misled)).findings
    assert (finding.code, finding.node) == ("wrong-next-hop", "node1")


@pytest.mark.parametrize("name", [name for name in CNIS if CNIS[name].rows(ALL[0], ALL[0].pods(CNIS[name].pods))])
def test_a_pod_that_only_a_wrong_row_leads_to_is_found(name: str) -> None:
    (pod, *_rest) = At(1).pods(CNIS[name].pods)

    def misled(text: str) -> str:
        kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{pod.ips[0]} "))
        return f"{pod.ips[0]} dev eth0 scope link \n{kept}"

    (finding,) = judge(edited(cluster(CNIS[name]), "node1", misled)).findings
    assert (finding.code, finding.node, finding.pod) == ("wrong-pod-interface", "node1", pod.key)


# The devices of a node at which packets of pods come in that the kernel forwards, those of single pods aside.
ARRIVALS = {
    "flannel, vxlan": {"cni0", "flannel.1"},
    "flannel, host-gw": {"cni0", "eth0"},
    "kindnet": {"eth0"},
    "calico, none": {"eth0"},
    "calico, vxlan": {"vxlan.calico"},
    "aws": {"eth0", "eth1"},
    "calico, ipip": {"tunl0"},
    "gke": {"eth0"},
    "ovn-kubernetes": {"ovn-k8s-mp0"},
    "antrea, encap": {"antrea-gw0"},
    "weave": {"weave"},
}


def forwarding(cni: str, of_all: int, open_devices: set[str]) -> Verdict:
    """The verdict where the second node forwards what comes in at some devices alone."""
    snapshot, settings = cluster(CNIS[cni]), {"net.ipv4.ip_forward": of_all}
    for device in ("lo", "eth0", "docker0", *ARRIVALS[cni]):
        settings[f"net.ipv4.conf.{device.replace('.', '/')}.forwarding"] = int(device in open_devices)
    first, second, *rest = snapshot.nodes
    return judge(replace(snapshot, nodes=(first, replace(second, sysctls=settings), *rest)))


@pytest.mark.parametrize("name", ARRIVALS)
def test_a_node_may_forward_only_what_comes_in_at_the_devices_of_pods(name: str) -> None:
    """As OpenShift's nodes do by default, whose ip_forward is 0."""
    assert told(forwarding(name, 0, ARRIVALS[name])) == []


@pytest.mark.parametrize(
    ("name", "shut"), [(name, device) for name, found in ARRIVALS.items() for device in sorted(found)]
)
def test_a_device_of_pods_at_which_a_node_forwards_nothing_is_found_whatever_the_setting_for_all(
    name: str, shut: str
) -> None:
    for of_all in (0, 1) if len(ARRIVALS[name]) > 1 else (1,):
        (finding,) = forwarding(name, of_all, ARRIVALS[name] - {shut}).findings
        assert (finding.code, finding.node) == ("ip-forward-disabled", "node2")
        assert finding.message == f"node2 does not forward IPv4 packets that come in at {shut}"
        assert finding.evidence == (f"net.ipv4.conf.{shut.replace('.', '/')}.forwarding = 0",)


@pytest.mark.parametrize("name", ARRIVALS)
def test_a_node_that_forwards_nothing_is_told_of_by_the_setting_for_all(name: str) -> None:
    (finding,) = forwarding(name, 0, set()).findings
    assert (finding.node, finding.evidence) == ("node2", ("net.ipv4.ip_forward = 0",))


def test_a_second_uplink_need_not_forward() -> None:
    snapshot, settings = cluster(CNIS["ovn-kubernetes"]), {"net.ipv4.ip_forward": 0}
    settings |= {f"net.ipv4.conf.{device}.forwarding": 1 for device in ("eth0", "ovn-k8s-mp0")}
    settings["net.ipv4.conf.eth1.forwarding"] = 0
    link = "80: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n    inet 10.9.0.4/24 scope global eth1\n"
    nodes = []
    for node in snapshot.nodes:
        table = f"default via 10.9.0.1 dev eth1 metric 500 \n{node.printed[MAIN4]}"
        printed = {**node.printed, MAIN4: table, "ip addr": node.printed["ip addr"] + link}
        nodes.append(replace(node, printed=printed, sysctls=settings))
    assert told(judge(replace(snapshot, nodes=tuple(nodes)))) == []


def with_row(cni: str, row: str, *ranges: str) -> Snapshot:
    """The cluster with a row more on its first node, and with declared pod ranges."""
    snapshot = edited(cluster(CNIS[cni]), "node1", lambda text: f"{row} \n{text}")
    return replace(snapshot, cluster=replace(snapshot.cluster, pod_ranges=ranges))


@pytest.mark.parametrize(
    ("cni", "row", "ranges"),
    [
        ("calico, ipip", "192.168.1.99 dev cali00000000001 scope link", ()),
        ("kindnet", "10.244.1.99 dev veth00000001 scope host", ()),
        ("aws", "172.18.1.99 dev eni00000000001 scope link", ()),
        ("cilium, endpoint routes", "10.0.1.99 dev lxc00000000000f proto kernel scope link", ()),
        ("cilium, endpoint routes", "10.0.1.99 dev lxc00000000000f proto kernel scope link", ("10.0.0.0/16",)),
    ],
)
def test_a_row_to_a_pod_that_is_gone_is_found(cni: str, row: str, ranges: tuple[str, ...]) -> None:
    (finding,) = judge(with_row(cni, row, *ranges)).findings
    assert (finding.code, finding.node, finding.evidence) == ("stale-pod-route", "node1", (row,))


@pytest.mark.parametrize(
    ("cni", "row", "ranges"),
    [
        ("kindnet", "10.99.0.5 dev veth00000001 scope host", ()),
        ("flannel, vxlan", "10.99.0.5 dev veth00000001 scope host", ("10.0.0.0/8",)),
        ("cilium, endpoint routes", "10.99.0.5 dev veth00000001 scope host", ("10.0.0.0/16",)),
        ("aws", "10.99.0.5 dev tun5 scope link", ()),
    ],
)
def test_a_row_for_an_address_that_no_pod_gets_is_not_taken_for_one_to_a_pod_that_is_gone(
    cni: str, row: str, ranges: tuple[str, ...]
) -> None:
    assert told(judge(with_row(cni, row, *ranges))) == []


@pytest.mark.parametrize(
    ("network", "ranges", "codes"),
    [
        ("203.0.113.0/24", (), []),
        ("203.0.113.0/24", ("10.244.0.0/16",), []),
        ("10.244.112.0/20", ("10.244.112.0/24",), []),
        ("10.244.1.64/26", ("10.244.0.0/16",), ["two-cnis"]),
    ],
)
def test_a_network_that_a_node_announces_is_another_cnis_block_only_where_pods_get_addresses(
    network: str, ranges: tuple[str, ...], codes: list[str]
) -> None:
    verdict = judge(with_row("flannel, vxlan", f"blackhole {network} proto bird", *ranges))
    assert [finding.code for finding in verdict.findings] == codes


def test_a_node_that_announces_a_network_still_gives_its_pod_cidr_to_pods() -> None:
    """It has no pod yet, and another node has no row for its pod CIDR."""

    def without(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("10.244.2."))

    snapshot = edited(cluster(CNIS["kindnet"]), "node1", without)
    snapshot = edited(snapshot, "node2", lambda text: f"blackhole 203.0.113.0/24 proto bird \n{without(text)}")
    nodes = tuple(replace(node, pods=() if node.node.name == "node2" else node.pods) for node in snapshot.nodes)
    (finding,) = judge(replace(snapshot, nodes=nodes)).findings
    assert (finding.code, finding.node) == ("missing-block-route", "node1")
