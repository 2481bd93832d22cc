"""What a report takes from a snapshot."""

from __future__ import annotations

from dataclasses import replace

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
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.view import MOST_NODES, view_of

from tests.unit.plugins.module_utils.reports.examples import V4, lab_snapshot, large_lab


def cluster(*nodes: NodeSnapshot) -> Snapshot:
    return Snapshot(Cluster("demo", "2026-03-02T09:30:00Z", outside_address="8.8.8.8"), nodes)


def probing(name: str, probe: Probe | None = None, host_probe: Probe | None = None) -> NodeSnapshot:
    return NodeSnapshot(Node(name), probe=probe, host_probe=host_probe)


def test_probes_are_named_by_their_nodes() -> None:
    reach = view_of(lab_snapshot(), ()).reach
    assert reach.labels["podnet-probes/probe-demo-worker"] == "pod on demo-worker"
    assert reach.labels["demo-worker"] == "node demo-worker"
    assert reach.labels["8.8.8.8"] == "outside (8.8.8.8)"


def test_a_probe_on_the_host_network_is_known_by_its_pod_or_by_its_node() -> None:
    one = Probe("p/one", pings=(ProbePing("b", "10.0.0.2", 2, 2), ProbePing("p/host-b", "10.0.0.2", 2, 2)))
    reach = view_of(cluster(probing("a", one), probing("b", host_probe=Probe("p/host-b"))), ()).reach
    assert reach.outcomes == {("p/one", "b"): "reached"}


def test_what_is_lost_in_one_family_only_is_reached_in_part() -> None:
    pings = (ProbePing("p/b", "10.0.0.2", 2, 2), ProbePing("p/b", "fd00::2", 2, 0))
    reach = view_of(cluster(probing("a", Probe("p/a", pings=pings)), probing("b", Probe("p/b"))), ()).reach
    assert reach.outcomes == {("p/a", "p/b"): "partly"}


def test_some_replies_of_a_ping_are_reached_in_part() -> None:
    pings = (ProbePing("p/b", "10.0.0.2", 3, 1),)
    reach = view_of(cluster(probing("a", Probe("p/a", pings=pings)), probing("b", Probe("p/b"))), ()).reach
    assert reach.outcomes == {("p/a", "p/b"): "partly"}


def test_without_ping_a_connection_tells() -> None:
    connections = (ProbeConnection("p/b", "10.0.0.2", 80, ok=False),)
    reach = view_of(cluster(probing("a", Probe("p/a", connections=connections)), probing("b", Probe("p/b"))), ()).reach
    assert reach.outcomes == {("p/a", "p/b"): "lost"}


def test_a_ping_that_measures_the_mtu_says_nothing_of_reach() -> None:
    pings = (ProbePing("p/b", "10.0.0.2", 1, 1), ProbePing("p/b", "10.0.0.2", 1, 0, size=9000))
    reach = view_of(cluster(probing("a", Probe("p/a", pings=pings)), probing("b", Probe("p/b"))), ()).reach
    assert reach.outcomes == {("p/a", "p/b"): "reached"}


def test_pods_that_are_no_probes_are_counted_and_named_when_lost() -> None:
    reach = view_of(
        lab_snapshot(lost=[("demo-worker", "bb2"), ("demo-worker2", "bb2"), ("demo-control-plane", "bb2")]), ()
    ).reach
    assert reach.others_answered == 3
    assert reach.others_lost == ("default/bb2",)


def test_a_line_that_is_not_understood_stands_among_what_was_not_read() -> None:
    snapshot = lab_snapshot()
    first = replace(snapshot.nodes[0], printed={V4: "gibberish and more\n"}, unread={"ip addr": "refused"})
    (view,) = view_of(replace(snapshot, nodes=(first,)), ()).nodes
    assert view.unread["ip addr"] == "refused"
    assert view.unread["gibberish and more"] == f"a line of {V4} that is not understood"


def test_a_node_without_own_rows_has_the_blocks_of_its_spec() -> None:
    record = NodeSnapshot(Node("a", pod_cidrs=("10.244.1.0/24",)), (Pod("default", "x", "a", ("10.244.1.2",)),))
    (view,) = view_of(cluster(record), ()).nodes
    assert view.blocks == ["10.244.1.0/24"]


def uplink(table: str) -> str | None:
    (view,) = view_of(cluster(NodeSnapshot(Node("a", ("10.0.104.183",)), printed={V4: table})), ()).nodes
    return view.uplink


def test_the_uplink_is_told_by_the_default_route_in_use_and_not_by_one_that_a_rule_leads_to() -> None:
    numbered = (
        "default via 10.0.96.1 dev eth1 table 2\n"
        "default via 10.0.1.25 dev cilium_host table 2005 proto kernel\n"
        "default via 10.0.112.1 dev eth2 table default\n"
    )
    assert uplink(f"{numbered}default via 10.0.96.1 dev eth0\n") == "eth0"
    assert uplink(f"default via 10.0.96.1 dev eth3 dead linkdown\n{numbered}") == "eth2"


def test_without_a_default_route_in_use_no_uplink_is_told() -> None:
    assert uplink("default via 10.0.96.1 dev eth1 table 2\n10.0.96.0/19 dev eth0 scope link\n") is None


def test_of_several_next_hops_the_first_that_is_not_down_is_told_as_uplink() -> None:
    hops = "\tnexthop via 10.0.96.1 dev eth0 weight 1 dead linkdown\n\tnexthop via 10.0.128.1 dev eth1 weight 1\n"
    assert uplink(f"default\n{hops}") == "eth1"


def test_pods_on_the_host_network_are_no_pods_of_the_pod_network() -> None:
    pods = (Pod("kube-system", "proxy", "a", ("10.0.0.1",), host_network=True), Pod("default", "waits", "a"))
    (view,) = view_of(cluster(NodeSnapshot(Node("a", ("10.0.0.1",)), pods)), ()).nodes
    assert view.networked_pods == []


def test_of_more_nodes_than_can_be_shown_the_most_important_are() -> None:
    lab = large_lab(MOST_NODES + 40)
    names = [node[0] for node in lab]
    shown = {node.name for node in view_of(lab_snapshot(lab), [names[-1], *names]).nodes}
    assert shown == {names[-1], *names[: MOST_NODES - 1]}
