"""Judging the snapshot of a large Calico cluster from its file: seconds of the processor, and megabytes.

PYTHONPATH=build python tests/benchmarks/bench_judging.py             both sizes, with memory
PYTHONPATH=build python tests/benchmarks/bench_judging.py 500 30      nodes, and pods on each
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import pod_interface_name
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    Probe,
    ProbeConnection,
    ProbePing,
    Snapshot,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import write_snapshot

SIZES = ((500, 30, 1.0, 100), (5_000, 30, 5.0, 150))
"""Nodes, pods on each, and the seconds and megabytes that judging them should take at most."""

POOL, NODES = int(IPv4Address("10.0.0.0")), int(IPv4Address("172.16.0.10"))
# Each probe measures to so many others: in a large cluster not every probe talks to every other one.
NEIGHBOURS = 8

# Run in a process of its own, so that nothing else is in its memory. Prints one line of JSON.
JUDGE = """
import json, resource, sys, time
from pathlib import Path
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import read_snapshot
start = time.process_time()
verdict = judge(read_snapshot(Path(sys.argv[1])))
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak, "verdict": verdict.verdict, "findings": len(verdict.findings),
                  "pairs": verdict.coverage.pairs, "pairs_by_routes": verdict.coverage.pairs_by_routes}))
"""


def snapshot(nodes: int, pods: int) -> Snapshot:
    """A healthy cluster; its nodes are made while they are iterated over."""
    remote = [
        f"{IPv4Address(POOL + 64 * n)}/26 via {IPv4Address(NODES + n)} dev eth0 proto 80 onlink \n"
        for n in range(nodes)
    ]
    cluster = Cluster("bench", "2026-11-23T12:00:00Z", pod_ranges=("10.0.0.0/9",), service_ranges=("10.200.0.0/16",))
    return Snapshot(cluster, _Nodes(remote, pods))


class _Nodes:
    def __init__(self, remote: list[str], pods: int) -> None:
        self._remote = remote
        self._pods = pods

    def __iter__(self) -> Iterator[NodeSnapshot]:
        for number in range(len(self._remote)):
            yield node(number, self._remote, self._pods)


def pod_address(number: int, pod: int) -> str:
    return str(IPv4Address(POOL + 64 * number + 1 + pod))


def node(number: int, remote: list[str], pods: int) -> NodeSnapshot:
    name, address = f"node-{number:04}.example.internal", str(IPv4Address(NODES + number))
    records = [
        Pod(
            *("team-" + str(pod % 7), f"app-{pod}-{number:08x}", name, (pod_address(number, pod),)),
            age=86_400,
            labels={"app": f"app-{pod}", "pod-template-hash": f"{number:09x}"},
        )
        for pod in range(pods)
    ]
    interfaces = [pod_interface_name("cali", pod.namespace, pod.name) for pod in records]
    own = [f"blackhole {IPv4Address(POOL + 64 * number)}/26 proto 80 \n"]
    own += [f"{pod.ips[0]} dev {interface} scope link \n" for pod, interface in zip(records, interfaces, strict=True)]
    table = [
        *("default via 172.16.0.1 dev eth0 proto dhcp metric 100 \n", *remote[:number], *own, *remote[number + 1 :]),
        f"172.16.0.0/12 dev eth0 proto kernel scope link src {address} \n",
        "local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 \n",
        f"local {address} dev eth0 table local proto kernel scope host src {address} \n",
    ]
    return NodeSnapshot(
        node=Node(name, (address,), age=864_000),
        pods=tuple(records),
        access="agent_pod",
        printed={
            "ip -4 route show table all": "".join(table),
            "ip -6 route show table all": "fe80::/64 dev eth0 proto kernel metric 256 pref medium\n",
            "ip rule": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
            "ip -6 rule": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n",
            "ip addr": "".join(_links(address, number, interfaces)),
            "ip neigh": "172.16.0.1 dev eth0 lladdr 02:00:00:00:ff:ff REACHABLE \n",
        },
        sysctls={
            "net.ipv4.ip_forward": 1,
            "net.ipv4.conf.all.rp_filter": 0,
            **{f"net.ipv4.conf.{interface}.proxy_arp": 1 for interface in interfaces},
            **{f"net.ipv4.conf.{interface}.forwarding": 1 for interface in interfaces},
        },
        probe=_probe(records[0], number, len(remote), on_host=False),
        host_probe=_probe(records[0], number, len(remote), on_host=True),
    )


def _links(address: str, number: int, interfaces: list[str]) -> Iterator[str]:
    lasting = "       valid_lft forever preferred_lft forever\n"
    yield (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0 minmtu 0 maxmtu 0 numtxqueues 1 \n"
        f"    inet 127.0.0.1/8 scope host lo\n{lasting}"
        "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n"
        f"    link/ether 02:00:00:00:{number >> 8:02x}:{number & 255:02x} brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 \n"
        f"    inet {address}/12 brd 172.31.255.255 scope global eth0\n{lasting}"
    )
    for index, interface in enumerate(interfaces, 10):
        yield (
            f"{index}: {interface}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default \n"
            "    link/ether ee:ee:ee:ee:ee:ee brd ff:ff:ff:ff:ff:ff link-netnsid 1 promiscuity 0 minmtu 68 maxmtu 65535 \n"
            "    veth numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 \n"
            f"    inet6 fe80::ecee:eeff:feee:eeee/64 scope link \n{lasting}"
        )


def _probe(pod: Pod, number: int, nodes: int, *, on_host: bool) -> Probe:
    own = str(IPv4Address(NODES + number)) if on_host else pod.ips[0]
    others = [(number + step) % nodes for step in range(0 if on_host else 1, NEIGHBOURS)]
    return Probe(
        pod=f"kube-system/host-{number}" if on_host else pod.key,
        pings=tuple(
            ProbePing("-", pod_address(other, 0), 1, 1, ttl=64 - (2 if other != number else 1) + on_host)
            for other in others
        ),
        connections=tuple(
            ProbeConnection("-", pod_address(other, 0), 8080, True, answered_by=f"team-0/app-0-{other:08x}", seen=own)
            for other in others
        ),
    )


def measure(nodes: int, pods: int, folder: Path) -> dict[str, float]:
    """Seconds and megabytes of one run in a process of its own, and what it found."""
    file = folder / f"{nodes}.jsonl"
    if not file.exists():
        write_snapshot(snapshot(nodes, pods), file)
    command = [sys.executable, "-c", JUDGE, str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result: dict[str, float] = json.loads(printed)
    if result["findings"] or result["pairs"] != result["pairs_by_routes"] or result["pairs"] != nodes * nodes * pods:
        raise AssertionError(f"a healthy cluster was not judged healthy for all pairs: {printed}")
    return result


def results() -> Iterator[tuple[str, float, float]]:
    with tempfile.TemporaryDirectory(dir=Path(__file__).parents[2] / "build") as folder:
        for nodes, pods, seconds, megabytes in SIZES:
            runs = [measure(nodes, pods, Path(folder)) for _run in range(3 if nodes < 1000 else 1)]
            size = f"a snapshot of {nodes:,} nodes and {nodes * pods:,} pods, every pair"
            yield f"judging {size}", min(run["seconds"] for run in runs), seconds
            yield f"the same, memory in hundreds of MB: {size}", runs[0]["megabytes"] / 100, megabytes / 100


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most they should be)."""
    return [(what, value, most) for what, value, most in results() if what.startswith("judging")]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path(__file__).parents[2] / "build") as made:
        sizes = [tuple(map(int, sys.argv[1:3]))] if sys.argv[1:] else [size[:2] for size in SIZES]
        for nodes_wanted, pods_wanted in sizes:
            print(measure(nodes_wanted, pods_wanted, Path(made)))
