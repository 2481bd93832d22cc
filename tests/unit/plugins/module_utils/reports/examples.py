"""Snapshots of the lab's cluster and verdicts on them, written by hand: what the tests of the reports show."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import (
    Coverage,
    ExplainedPair,
    ExplainedWay,
    Finding,
    NotProved,
    Promise,
    Step,
    Verdict,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import pod_interface_name
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    Probe,
    ProbePing,
    Snapshot,
)

CHECKED_AT = "2026-03-02T09:30:00Z"
VERSIONS = {"kubernetes": "v1.34.0", "cni": "calico v3.30.3", "kubelab.podnet": "0.1.0"}
V4 = "ip -4 route show table all"

# name, address, block, (namespace, name, address) of its pods
LAB = (
    (
        "demo-control-plane",
        "172.18.0.3",
        "192.168.210.0/26",
        (
            ("kube-system", "coredns-668d6bf9bc-4xk2p", "192.168.210.1"),
            ("kube-system", "coredns-668d6bf9bc-zt7qh", "192.168.210.2"),
            ("podnet-probes", "probe-demo-control-plane", "192.168.210.5"),
        ),
    ),
    (
        "demo-worker",
        "172.18.0.4",
        "192.168.157.128/26",
        (
            ("default", "bb1", "192.168.157.134"),
            ("podnet-probes", "probe-demo-worker", "192.168.157.135"),
        ),
    ),
    (
        "demo-worker2",
        "172.18.0.2",
        "192.168.121.64/26",
        (
            ("default", "bb2", "192.168.121.73"),
            ("podnet-probes", "probe-demo-worker2", "192.168.121.74"),
        ),
    ),
)


def lab_snapshot(lab=LAB, *, without_rows=(), with_rows=(), lost=(), emulated=False) -> Snapshot:
    """The cluster, with printed rows removed from or added to nodes, and pings lost between probes.

    ``without_rows`` and ``with_rows`` are (node, row), ``lost`` are (source node, target node).
    """
    nodes = []
    for name, address, block, pods in lab:
        removed = {row for node, row in without_rows if node == name}
        added = [row for node, row in with_rows if node == name]
        rows = [row for row in _rows(address, block, pods, lab) if row not in removed]
        printed = "".join(f"{row} \n" for row in (*rows, *added))
        nodes.append(
            NodeSnapshot(
                Node(name, (address,), age=86400),
                tuple(Pod(namespace, pod, name, (ip,)) for namespace, pod, ip in pods),
                access="container",
                printed={V4: printed, "ip rule": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n"},
                sysctls={"net.ipv4.ip_forward": 1},
                probe=Probe(f"podnet-probes/probe-{name}", pings=tuple(_pings(name, lab, lost, own=True))),
                host_probe=Probe(f"podnet-probes/host-{name}", pings=tuple(_pings(name, lab, (), own=False))),
            )
        )
    cluster = Cluster("demo", CHECKED_AT, emulated, VERSIONS, outside_address="8.8.8.8")
    return Snapshot(cluster, tuple(nodes))


def _rows(address, block, pods, lab) -> list[str]:
    remote = [(other, via) for _name, via, other, _pods in lab if other != block]
    return [
        "default via 172.18.0.1 dev eth0",
        f"172.18.0.0/16 dev eth0 proto kernel scope link src {address}",
        *(f"{other} via {via} dev eth0 proto 80 onlink" for other, via in remote),
        f"blackhole {block} proto 80",
        *(f"{ip} dev {pod_interface_name('cali', namespace, pod)} scope link" for namespace, pod, ip in pods),
        "local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1",
        f"local {address} dev eth0 table local proto kernel scope host src {address}",
        "broadcast 172.18.255.255 dev eth0 table local proto kernel scope link src " + address,
    ]


def _pings(name, lab, lost, *, own):
    for other, _address, _block, pods in lab:
        if not pods or (own and other == name):
            continue
        received = 0 if (name, other) in lost else 2
        yield ProbePing(f"podnet-probes/probe-{other}", pods[-1][2], 2, received, 62 if received else None)
    if own:
        yield ProbePing("8.8.8.8", "8.8.8.8", 2, 2, 61)
        for namespace, pod, ip in (pod for node in lab for pod in node[3][:-1]):
            yield ProbePing(f"{namespace}/{pod}", ip, 2, 0 if (name, pod) in lost else 2, 62)


def _promises(**states) -> dict[str, Promise]:
    rests_on = {
        "P1": "the receiving probe's own view of 6 TCP connections between 3 probes, in both directions, and on the tables",
        "P2": "the receiving probe's own view of 6 TCP connections from 3 nodes to 3 probes, in both directions",
        "P3": "the addresses inside 3 probe pods, against those that the API reports; proved for probe pods only",
    }
    return {name: Promise(*states.get(name, ("proved", None)), rests_on=rests) for name, rests in rests_on.items()}


PASSING = Verdict(
    "pass",
    "demo",
    CHECKED_AT,
    False,
    VERSIONS,
    _promises(),
    (),
    (),
    Coverage(3, 3, 7, 7, 6, 21, 21, 15),
)

ROW = "192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink"
BLACKHOLE = "blackhole 192.168.210.1"

GATEWAY = "default via 169.254.1.1 dev eth0"


def step(at, to, row, text, **more) -> Step:
    """A step at a node, or at a pod, with the next hop and the device that its row names."""
    words = (row or "").split()
    hop, device = (words[words.index(word) + 1] if word in words else None for word in ("via", "dev"))
    is_pod = "/" in at
    where = f"{'pod' if is_pod else 'node'} {at}"
    return Step(None if is_pod else at, at if is_pod else None, None, row, hop, device, to, f"{where} {text}", **more)


LOST_THERE = ExplainedWay(
    "there",
    "IPv4",
    "192.168.157.134",
    "192.168.121.73",
    "lost",
    "lost at node demo-worker (missing-block-route): demo-worker has no route to the pods of demo-worker2 (192.168.121.64/26)",
    (
        step("default/bb1", "demo-worker", GATEWAY, "sends the packet to its node demo-worker"),
        step(
            "demo-worker",
            None,
            "default via 172.18.0.1 dev eth0",
            "sends the packet to 172.18.0.1 at eth0 by its default route; no table shows its way from there",
            measured="hop 1 of the traceroute",
            lost=True,
        ),
    ),
)
BACK = ExplainedWay(
    "back",
    "IPv4",
    "192.168.121.73",
    "192.168.157.134",
    "delivered",
    "the tables lead to pod default/bb1",
    (
        step("default/bb2", "demo-worker2", GATEWAY, "sends the packet to its node demo-worker2"),
        step(
            "demo-worker2",
            "demo-worker",
            "192.168.157.128/26 via 172.18.0.4 dev eth0 proto 80 onlink",
            "sends the packet on to node demo-worker",
            measured="hop 1 of the traceroute",
        ),
        step(
            "demo-worker",
            "default/bb1",
            "192.168.157.134 dev cali98fd8882b62 scope link",
            "hands the packet to pod default/bb1 at cali98fd8882b62",
        ),
        step("default/bb1", None, None, "has the address 192.168.157.134"),
    ),
)
DELIVERED = ExplainedWay(
    "there",
    "IPv4",
    "172.18.0.3",
    "192.168.121.73",
    "delivered",
    "packets arrive, and the tables lead there",
    (
        step("demo-control-plane", "demo-worker2", ROW, "sends the packet on to node demo-worker2"),
        step(
            "demo-worker2",
            "default/bb2",
            "192.168.121.73 dev cali13c4ab2bd36 scope link",
            "hands the packet to pod default/bb2 at cali13c4ab2bd36",
        ),
        step("default/bb2", None, None, "has the address 192.168.121.73"),
    ),
)

FAILING = replace(
    PASSING,
    verdict="fail",
    promises=_promises(
        P1=("refuted", "packets from demo-worker to the pods of demo-worker2 are lost"),
        P2=("refuted", "node demo-worker does not reach the pods of demo-worker2"),
    ),
    not_proved=(NotProved("the path MTU between probes", "the probe image has no ping that can forbid fragmentation"),),
    findings=(
        Finding(
            "missing-block-route",
            "error",
            "demo",
            "demo-worker",
            None,
            "demo-worker has no route to 192.168.121.64/26, the block of demo-worker2: its packets leave by the default route",
            (
                "default via 172.18.0.1 dev eth0",
                "expected: 192.168.121.64/26 via 172.18.0.2",
                "ping podnet-probes/probe-demo-worker -> 192.168.121.74: 0 of 2 answered",
            ),
            "Restart the pod network's agent on demo-worker (calico-node) so that it programs the route again, and look in its "
            "log for why it was lost",
        ),
        Finding(
            "blackholed-pod",
            "error",
            "demo",
            "demo-worker2",
            "kube-system/coredns-668d6bf9bc-4xk2p",
            "demo-worker2 drops packets for pod kube-system/coredns-668d6bf9bc-4xk2p",
            (BLACKHOLE,),
            "Remove the row on demo-worker2: ip route del blackhole 192.168.210.1",
        ),
        Finding(
            "strict-rp-filter",
            "warning",
            "demo",
            "demo-control-plane",
            None,
            "demo-control-plane checks the source of packets strictly on eth0, which drops replies that come back another way",
            ("net.ipv4.conf.eth0.rp_filter = 1",),
            "Set it to 2 (loose): sysctl -w net.ipv4.conf.eth0.rp_filter=2, and in /etc/sysctl.d to keep it",
        ),
    ),
    coverage=Coverage(3, 3, 7, 5, 6, 21, 18, 10),
    pairs=(
        ExplainedPair(
            "default/bb1",
            "default/bb2",
            False,
            f"the way there is {LOST_THERE.reason}",
            (LOST_THERE, BACK),
            ("missing-block-route",),
            (
                "ping from pod default/bb1 to pod default/bb2 (192.168.121.73): 0 of 1 packets came back",
                "traceroute from pod default/bb1 to pod default/bb2 (192.168.121.73): 1 node demo-worker (172.18.0.4); nobody"
                " further answers",
                "TCP from pod default/bb1 to pod default/bb2 (192.168.121.73): not measured: only probes listen to each other",
            ),
        ),
        ExplainedPair(
            "node/demo-control-plane",
            "default/bb2",
            True,
            "packets get there and back",
            (DELIVERED,),
            (),
            (
                "ping from node demo-control-plane to pod default/bb2 (192.168.121.73): 1 of 1 packets came back, ttl 63",
            ),
        ),
    ),
)
FAILING_SNAPSHOT = lab_snapshot(
    without_rows=[("demo-worker", ROW)],
    with_rows=[("demo-worker2", BLACKHOLE)],
    lost=[("demo-worker", "demo-worker2"), ("demo-worker2", "coredns-668d6bf9bc-4xk2p"), ("demo-worker", "bb2")],
)

INCOMPLETE = replace(
    PASSING,
    verdict="incomplete",
    emulated=True,
    promises=_promises(
        P1=("not_proved", "the namespace podnet-probes admits no pod that may send ping"),
        P3=("not_proved", "no probe pod could be made on demo-worker2: exceeded quota: pods"),
    ),
    not_proved=(
        NotProved(
            "where demo-worker2 sends packets to the pods of the cluster",
            "no way to run a command on this node: no agent pod runs there",
            "demo-worker2",
        ),
        NotProved(
            "what the rule 512 of demo-worker decides", "the rule looks at a mark that packets bear", "demo-worker"
        ),
        NotProved(
            "that pod shop/checkout answers",
            "policy: NetworkPolicy shop/default-deny selects it",
            "demo-worker",
            "shop/checkout",
        ),
    ),
    coverage=Coverage(3, 2, 7, 2, 4, 21, 14, 4),
)


def large_lab(count: int):
    """A cluster of many nodes, as LAB."""
    return tuple(
        (
            f"ip-10-0-{number // 250}-{number % 250}.eu-west-1.compute.internal",
            f"172.18.{number // 250 + 1}.{number % 250 + 1}",
            f"10.{64 + number // 1024}.{number % 1024 // 4}.{number % 4 * 64}/26",
            tuple(
                (
                    "shop",
                    f"web-{number}-{pod}",
                    f"10.{64 + number // 1024}.{number % 1024 // 4}.{number % 4 * 64 + pod + 1}",
                )
                for pod in range(3)
            ),
        )
        for number in range(count)
    )
