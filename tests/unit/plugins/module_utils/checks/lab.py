# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A healthy cluster, as its commands print it, to be broken in one place by a test: the lab of lab.md with probes.

``Lab().snapshot()`` is what the gathering would have collected. A test changes what a node printed as the command that
breaks it would (``add_route``, ``delete_route``, ``replace_route``), and says which packets got lost by that (``lose``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import pod_interface_name
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

MAIN4 = "ip -4 route show table all"
MAIN6 = "ip -6 route show table all"
OUTSIDE = "8.8.8.8"
PORT = 8080


@dataclass
class LabPod:
    namespace: str
    name: str
    node: LabNode
    ip: str
    ip6: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    inside: dict[str, str] | None = None
    status: dict[str, object] = field(default_factory=dict)
    no_address: bool = False

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def ips(self) -> tuple[str, ...]:
        return (self.ip, self.ip6) if self.ip6 else (self.ip,)

    @property
    def interface(self) -> str:
        return pod_interface_name("cali", self.namespace, self.name)

    @property
    def index(self) -> int:
        """The index of the pod's interface on its node."""
        return 10 + self.node.pods.index(self)

    @property
    def mac(self) -> str:
        return f"46:44:00:00:{self.node.number:02x}:{self.index:02x}"


@dataclass
class LabNode:
    name: str
    number: int
    block: str
    block6: str
    pods: list[LabPod] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    sysctls: dict[str, int] = field(default_factory=dict)
    ready: bool = True
    pod_cidrs: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return f"172.18.0.{self.number}"

    @property
    def address6(self) -> str:
        return f"fc00:f853:ccd:e793::{self.number:x}"

    @property
    def mac(self) -> str:
        return f"02:42:ac:12:00:{self.number:02x}"

    def stop_forwarding(self) -> None:
        """As ``sysctl -w net.ipv4.ip_forward=0``, which the kernel writes to each device."""
        devices = [name for name in self.sysctls if name.startswith("net.ipv4.conf.") and name.endswith(".forwarding")]
        self.sysctls.update(dict.fromkeys(["net.ipv4.ip_forward", *devices], 0))

    @property
    def probe(self) -> LabPod:
        return next(pod for pod in self.pods if pod.namespace == "probes")


Lost = Callable[[str, str], bool]


class Lab:
    """Three nodes with Calico and no encapsulation, as in lab.md; ``ipv6`` makes it dual-stack."""

    def __init__(self, *, ipv6: bool = False) -> None:
        self.ipv6 = ipv6
        self.cluster = Cluster(
            name="demo",
            checked_at="2026-11-23T12:00:00Z",
            versions={"kubernetes": "v1.34.4"},
            pod_ranges=("192.168.0.0/16", "fd00:10:244::/56") if ipv6 else ("192.168.0.0/16",),
            service_ranges=("10.96.0.0/16",),
            dns_address="10.96.0.10",
            dns_name="kubernetes.default.svc.cluster.local",
            outside_address=OUTSIDE,
        )
        self.nodes = {
            node.name: node
            for node in (
                LabNode("demo-control-plane", 3, "192.168.210.0/26", "fd00:10:244:d200::/122"),
                LabNode("demo-worker", 4, "192.168.157.128/26", "fd00:10:244:9d80::/122"),
                LabNode("demo-worker2", 2, "192.168.121.64/26", "fd00:10:244:7940::/122"),
            )
        }
        self.lost: list[Lost] = []
        self.masqueraded: dict[str, str] = {}
        self.redirected: dict[str, str] = {}
        self.ttls: dict[tuple[str, str], int] = {}
        self.no_dns: set[str] = set()
        self.large_lost: list[tuple[set[str], str]] = []
        self.traces: dict[tuple[str, str], str] = {}
        self.pairs: list[tuple[str, str]] = []
        self.add_pod("default", "bb1", "demo-worker", "192.168.157.134", 6)
        self.add_pod("default", "bb2", "demo-worker2", "192.168.121.73", 9)
        self.add_pod("kube-system", "coredns-1", "demo-worker", "192.168.157.129", 1, {"k8s-app": "kube-dns"})
        self.add_pod("kube-system", "coredns-2", "demo-worker", "192.168.157.130", 2, {"k8s-app": "kube-dns"})
        self.add_pod("probes", "probe-a", "demo-control-plane", "192.168.210.5", 5)
        self.add_pod("probes", "probe-b", "demo-worker", "192.168.157.135", 7)
        self.add_pod("probes", "probe-c", "demo-worker2", "192.168.121.74", 10)
        for node in self.nodes.values():
            self.print_node(node)

    # What is there.

    def add_pod(
        self, namespace: str, name: str, node: str, ip: str, number: int, labels: dict[str, str] | None = None
    ) -> LabPod:
        at = self.nodes[node]
        ip6 = f"{at.block6.partition('/')[0]}{number:x}" if self.ipv6 else None
        pod = LabPod(namespace, name, at, ip, ip6, labels or {})
        at.pods.append(pod)
        return pod

    def ask(self, source: str, target: str) -> None:
        """Two pods are looked into, and ping each other."""
        for pod in map(self.pod, (source, target)):
            pod.inside = _inside(pod)
        self.pairs += [(source, target), (target, source)]

    def add_node(self, name: str, number: int, block: str) -> LabNode:
        """A node with a probe; all nodes are printed anew."""
        self.nodes[name] = LabNode(name, number, block, "fd00:10:244:4d00::/122")
        self.add_pod("probes", f"probe-{name}", name, f"{block.rpartition('.')[0]}.9", 9)
        for node in self.nodes.values():
            self.print_node(node)
        return self.nodes[name]

    def pod(self, key: str) -> LabPod:
        return next(pod for node in self.nodes.values() for pod in node.pods if pod.key == key)

    @property
    def worker(self) -> LabNode:
        return self.nodes["demo-worker"]

    @property
    def worker2(self) -> LabNode:
        return self.nodes["demo-worker2"]

    # What its commands print.

    def print_node(self, node: LabNode) -> None:
        """Print all that a node's commands show, from what is there."""
        node.printed = {
            MAIN4: "".join(f"{row}\n" for row in self._rows4(node)),
            MAIN6: "".join(f"{row}\n" for row in self._rows6(node)),
            "ip rule": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
            "ip -6 rule": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n",
            "ip addr": "".join(_links_of(node)),
            "ip neigh": "".join(
                f"{other.address} dev eth0 lladdr {other.mac} REACHABLE \n"
                for other in self.nodes.values()
                if other is not node
            ),
        }
        node.sysctls = {
            "net.ipv4.ip_forward": 1,
            "net.ipv6.conf.all.forwarding": 1,
            "net.ipv4.conf.all.rp_filter": 0,
            "net.ipv4.conf.eth0.rp_filter": 0,
            "net.ipv4.conf.eth0.forwarding": 1,
            **{f"net.ipv4.conf.{pod.interface}.proxy_arp": 1 for pod in node.pods},
            **{f"net.ipv4.conf.{pod.interface}.forwarding": 1 for pod in node.pods},
        }
        for pod in node.pods:
            pod.inside = _inside(pod) if pod.namespace == "probes" else None

    def _rows4(self, node: LabNode) -> Iterator[str]:
        yield "default via 172.18.0.1 dev eth0 "
        yield f"172.18.0.0/16 dev eth0 proto kernel scope link src {node.address} "
        for other in sorted(self.nodes.values(), key=lambda other: other.block):
            if other is not node:
                yield f"{other.block} via {other.address} dev eth0 proto 80 onlink "
                continue
            yield f"blackhole {node.block} proto 80 "
            for pod in sorted(node.pods, key=lambda pod: pod.ip):
                yield f"{pod.ip} dev {pod.interface} scope link "
        yield "local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 "
        yield f"local {node.address} dev eth0 table local proto kernel scope host src {node.address} "
        yield f"broadcast 172.18.255.255 dev eth0 table local proto kernel scope link src {node.address} "

    def _rows6(self, node: LabNode) -> Iterator[str]:
        yield "fc00:f853:ccd:e793::/64 dev eth0 proto kernel metric 256 pref medium"
        if self.ipv6:
            for other in self.nodes.values():
                if other is not node:
                    yield f"{other.block6} via {other.address6} dev eth0 proto 80 metric 1024 onlink pref medium"
            for pod in node.pods:
                yield f"{pod.ip6} dev {pod.interface} metric 1024 pref medium"
            yield f"blackhole {node.block6} dev lo proto 80 metric 1024 pref medium"
        yield "fe80::/64 dev eth0 proto kernel metric 256 pref medium"
        yield "default via fc00:f853:ccd:e793::1 dev eth0 metric 1024 pref medium"
        yield f"local {node.address6} dev eth0 table local proto kernel metric 0 pref medium"
        yield "multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium"

    # What breaks it.

    def add_route(self, node: str, row: str, command: str = MAIN4) -> None:
        """As ``ip route add``: the row is printed among the others of its table, before those of the table local."""
        lines = self.nodes[node].printed[command].splitlines(keepends=True)
        place = next((n for n, line in enumerate(lines) if line.startswith("local ")), len(lines))
        self.nodes[node].printed[command] = "".join([*lines[:place], f"{row} \n", *lines[place:]])

    def delete_route(self, node: str, start: str, command: str = MAIN4) -> str:
        """As ``ip route del``: the one row that begins so is gone; it is given back."""
        lines = self.nodes[node].printed[command].splitlines(keepends=True)
        (gone,) = [line for line in lines if line.startswith(start)]
        self.nodes[node].printed[command] = "".join(line for line in lines if line is not gone)
        return gone

    def replace_route(self, node: str, start: str, row: str, command: str = MAIN4) -> None:
        """As ``ip route replace``."""
        printed = self.nodes[node].printed
        gone = self.delete_route(node, start, command)
        self.add_route(node, row, command)
        assert gone not in printed[command]

    def edit(self, node: str, command: str, old: str, new: str) -> None:
        text = self.nodes[node].printed[command]
        assert old in text
        self.nodes[node].printed[command] = text.replace(old, new, 1)

    def lose(self, lost: Lost) -> None:
        """Packets from an address to another one are lost, or their replies."""
        self.lost.append(lost)

    def lose_between(self, first: set[str], second: set[str]) -> None:
        """Packets between addresses of two sets are lost, in both directions."""
        self.lose(
            lambda source, target: (source in first and target in second) or (source in second and target in first)
        )

    def lose_large(self, sources: set[str], target: str) -> None:
        """Packets as large as a pod sends them are lost between pods of nodes and those of another one."""
        self.large_lost.append((sources, target))

    def addresses_on(self, *names: str) -> set[str]:
        """The addresses of the pods on these nodes."""
        return {ip for name in names for pod in self.nodes[name].pods for ip in pod.ips}

    # What is collected.

    def snapshot(self) -> Snapshot:
        return Snapshot(self.cluster, tuple(self._node(node) for node in self.nodes.values()))

    def _node(self, node: LabNode) -> NodeSnapshot:
        pods = [
            Pod(
                pod.namespace,
                pod.name,
                node.name,
                () if pod.no_address else pod.ips,
                **{"age": 600, "labels": pod.labels, **pod.status},  # type: ignore[arg-type]
            )
            for pod in node.pods
        ]
        pods.append(Pod("kube-system", f"kube-proxy-{node.number}", node.name, (node.address,), host_network=True))
        return NodeSnapshot(
            node=Node(node.name, (node.address, node.address6), node.pod_cidrs, ready=node.ready, age=3600),
            pods=tuple(pods),
            access="container",
            printed=dict(node.printed),
            sysctls=dict(node.sysctls),
            insides=tuple(
                PodInside(
                    pod.key, pod.inside, pings=tuple(self._own_pings(pod)), traceroutes=self._traceroutes(pod.key)
                )
                for pod in node.pods
                if pod.inside and pod is not node.probe
            ),
            probe=self._probe(node, on_host=False),
            host_probe=self._probe(node, on_host=True),
        )

    def _probe(self, node: LabNode, *, on_host: bool) -> Probe:
        probe = node.probe
        own = (node.address, node.address6) if on_host else probe.ips
        key = f"probes/host-{probe.name}" if on_host else probe.key
        lookup = ProbeLookup(self.cluster.dns_name or "", ("10.96.0.1",))
        if node.name in self.no_dns:
            lookup = ProbeLookup(self.cluster.dns_name or "", error="connection timed out; no servers could be reached")
        return Probe(
            pod=key,
            printed={} if on_host else dict(probe.inside or {}),
            pings=tuple(self._pings(node, own, probe, on_host=on_host)),
            connections=tuple(self._connections(own)),
            traceroutes=self._traceroutes(key),
            lookups=() if on_host else (lookup,),
        )

    def _traceroutes(self, key: str) -> tuple[ProbeTraceroute, ...]:
        return tuple(
            ProbeTraceroute(target, self.pod(target).ip, printed)
            for (source, target), printed in self.traces.items()
            if source == key
        )

    def _own_pings(self, pod: LabPod) -> Iterator[ProbePing]:
        for source, target in self.pairs:
            if source == pod.key:
                for own, address in zip(pod.ips, self.pod(target).ips, strict=True):
                    lost = self._is_lost(own, address)
                    yield ProbePing(target, address, 2, 0 if lost else 2, None if lost else 62, retried=lost)

    def _is_lost(self, source: str, target: str) -> bool:
        return any(lost(source, target) for lost in self.lost)

    def _pings(self, node: LabNode, own: tuple[str, ...], probe: LabPod, *, on_host: bool) -> Iterator[ProbePing]:
        targets = [(pod.key, ip, pod.node, 0) for other in self.nodes.values() for pod in other.pods for ip in pod.ips]
        targets += [(other.name, other.address, other, 1) for other in self.nodes.values()]
        for target, address, home, ends_on_node in targets:
            if address in own:
                continue
            source = next((ip for ip in own if (":" in ip) == (":" in address)), None)
            if source is None:
                continue
            hops = len({node.name, home.name}) - ends_on_node - on_host
            ttl = 64 - max(hops, 0)
            if not on_host and not ends_on_node:
                ttl = self.ttls.get((node.name, home.name), ttl)
            lost = self._is_lost(source, address)
            yield ProbePing(target, address, 2, 0 if lost else 2, None if lost else ttl, retried=lost)
        for other in self.nodes.values():
            if not on_host and other is not node and self.large_lost:
                is_lost = any(
                    {node.name, other.name} <= {*sources, target} and target in (node.name, other.name)
                    for sources, target in self.large_lost
                )
                yield ProbePing(other.probe.key, other.probe.ip, 1, 0 if is_lost else 1, None, size=1450)
        lost = self._is_lost(own[0], OUTSIDE)
        yield ProbePing(OUTSIDE, OUTSIDE, 2, 0 if lost else 2, None if lost else 42, retried=lost)

    def _connections(self, own: tuple[str, ...]) -> Iterator[ProbeConnection]:
        for other in self.nodes.values():
            for ip in other.probe.ips:
                source = next((ip4 for ip4 in own if (":" in ip4) == (":" in ip)), None)
                if source is None or ip in own:
                    continue
                if self._is_lost(source, ip):
                    yield ProbeConnection(other.probe.key, ip, PORT, ok=False, error="timed out")
                    continue
                answered_by = self.redirected.get(f"{source} {ip}") or other.probe.key
                seen = self.masqueraded.get(source) or self.masqueraded.get(f"{source} {ip}") or source
                yield ProbeConnection(other.probe.key, ip, PORT, ok=True, answered_by=answered_by, seen=seen)

    def forbid(self, policy: Policy) -> None:
        self.cluster = replace(self.cluster, policies=(*self.cluster.policies, policy))


def _links_of(node: LabNode) -> Iterator[str]:
    yield (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0 \n"
        "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
    )
    yield (
        "2: eth0@if48: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \n"
        f"    link/ether {node.mac} brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 \n"
        "    veth numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 \n"
        f"    inet {node.address}/16 brd 172.18.255.255 scope global eth0\n       valid_lft forever preferred_lft forever\n"
        f"    inet6 {node.address6}/64 scope global nodad \n       valid_lft forever preferred_lft forever\n"
    )
    for pod in node.pods:
        yield (
            f"{pod.index}: {pod.interface}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group"
            " default qlen 1000\n"
            "    link/ether ee:ee:ee:ee:ee:ee brd ff:ff:ff:ff:ff:ff link-netnsid 1 promiscuity 0  allmulti 0 minmtu 68 \n"
            "    veth numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 \n"
        )


def _inside(pod: LabPod) -> dict[str, str]:
    """What busybox prints in a pod."""
    ip6 = f"    inet6 {pod.ip6}/128 scope global \n       valid_lft forever preferred_lft forever\n" if pod.ip6 else ""
    return {
        "ip addr": (
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n"
            "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
            "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
            f"2: eth0@if{pod.index}: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1450 qdisc noqueue qlen 1000\n"
            f"    link/ether {pod.mac} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet {pod.ip}/32 scope global eth0\n       valid_lft forever preferred_lft forever\n" + ip6
        ),
        "ip -4 route": "default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n",
        "ip -6 route": "default via fe80::ecee:eeff:feee:eeee dev eth0  metric 1024 \n" if pod.ip6 else "",
        "ip neigh": "169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee used 0/0/0 probes 1 REACHABLE\n",
        "resolv.conf": "nameserver 10.96.0.10\n",
    }
