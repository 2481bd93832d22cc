# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single pairs explained: where each step leads, where packets are lost and why, and what could not be measured."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import ExplainedPair, ExplainedWay, Step
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.places import Pair
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Policy,
    ProbePing,
    ProbeTraceroute,
    Snapshot,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import place

from tests.unit.plugins.module_utils.checks.lab import MAIN4, MAIN6, OUTSIDE, Lab
from tests.unit.plugins.module_utils.checks.test_cnis import CNIS, cluster
from tests.unit.plugins.module_utils.checks.test_faults import in_tunnels

BB1, BB2 = "192.168.157.134", "192.168.121.73"
BLOCK, BLOCK2 = "192.168.157.128/26", "192.168.121.64/26"
WORKER, WORKER2, CONTROL = "demo-worker", "demo-worker2", "demo-control-plane"


def pair(source: str, target: str) -> Pair:
    return Pair(place(source, "default"), place(target, "default"))


def explain(lab: Lab | Snapshot, source: str = "bb1", target: str = "bb2") -> ExplainedPair:
    snapshot = lab.snapshot() if isinstance(lab, Lab) else lab
    (explained,) = judge(snapshot, [pair(source, target)]).pairs
    return explained


def stops(way: ExplainedWay) -> list[str]:
    """Where the packet is, step by step, with a cross where it is lost."""
    return [f"{step.node or step.pod}{' x' if step.lost else ''}" for step in way.steps]


def asked() -> Lab:
    """The lab in which bb1 and bb2 were looked into, and pinged each other."""
    lab = Lab()
    lab.ask("default/bb1", "default/bb2")
    return lab


def lose_to_worker2(lab: Lab) -> None:
    lab.lose_between({*lab.addresses_on(WORKER), lab.worker.address}, lab.addresses_on(WORKER2))


def test_a_pair_that_works_is_explained_step_by_step_there_and_back() -> None:
    explained = explain(asked())
    assert (explained.source, explained.target) == ("default/bb1", "default/bb2")
    assert (explained.arrives, explained.reason) == (True, "packets get there and back")
    there, back = explained.ways
    assert (there.direction, there.family, there.source, there.target) == ("there", "IPv4", BB1, BB2)
    assert (back.direction, back.family, back.source, back.target) == ("back", "IPv4", BB2, BB1)
    assert there.outcome == back.outcome == "delivered"
    assert there.steps == (
        Step(
            None,
            "default/bb1",
            None,
            "default via 169.254.1.1 dev eth0",
            "169.254.1.1",
            "eth0",
            WORKER,
            "pod default/bb1 sends the packet to its node demo-worker",
        ),
        Step(
            WORKER,
            None,
            None,
            f"{BLOCK2} via 172.18.0.2 dev eth0 proto 80 onlink",
            "172.18.0.2",
            "eth0",
            WORKER2,
            "node demo-worker sends the packet on to node demo-worker2",
        ),
        Step(
            WORKER2,
            None,
            None,
            f"{BB2} dev cali9270933bb0b scope link",
            None,
            "cali9270933bb0b",
            "default/bb2",
            "node demo-worker2 hands the packet to pod default/bb2 at cali9270933bb0b",
        ),
        Step(None, "default/bb2", None, None, None, None, None, f"pod default/bb2 has the address {BB2}"),
    )
    assert stops(back) == ["default/bb2", WORKER2, WORKER, "default/bb1"]
    assert (
        f"ping from pod default/bb1 to pod default/bb2 ({BB2}): 2 of 2 packets came back, ttl 62" in explained.measured
    )


def test_pairs_stand_in_the_order_asked_for() -> None:
    pairs = [pair("bb2", "bb1"), pair("node/demo-worker", "bb2"), pair("bb1", "bb2")]
    found = judge(Lab().snapshot(), pairs).pairs
    assert [(item.source, item.target) for item in found] == [
        ("default/bb2", "default/bb1"),
        ("node/demo-worker", "default/bb2"),
        ("default/bb1", "default/bb2"),
    ]


def test_pods_of_one_node_meet_there() -> None:
    lab = Lab()
    lab.add_pod("default", "bb3", WORKER, "192.168.157.140", 12)
    lab.print_node(lab.worker)
    lab.ask("default/bb1", "default/bb3")
    there, back = explain(lab, "bb1", "bb3").ways
    assert stops(there) == ["default/bb1", WORKER, "default/bb3"]
    assert stops(back) == ["default/bb3", WORKER, "default/bb1"]


def test_pods_on_one_bridge_need_no_row_of_their_node() -> None:
    lab = Lab()
    lab.add_pod("default", "bb3", WORKER, "192.168.157.140", 12)
    lab.print_node(lab.worker)
    lab.ask("default/bb1", "default/bb3")
    for key in ("default/bb1", "default/bb3"):
        pod = lab.pod(key)
        assert pod.inside is not None
        pod.inside["ip -4 route"] += f"{BLOCK} dev eth0 scope link  src {pod.ip} \n"
    assert stops(explain(lab, "bb1", "bb3").ways[0]) == ["default/bb1", "default/bb3"]


def test_a_node_is_an_end_as_well_and_so_is_a_pod_on_its_network() -> None:
    for name in ("node/demo-worker", "kube-system/kube-proxy-4"):
        there, back = explain(Lab(), name, "bb2").ways
        assert stops(there) == [WORKER, WORKER2, "default/bb2"]
        assert stops(back) == ["default/bb2", WORKER2, WORKER]
        assert back.steps[-1].text == "node demo-worker has the address 172.18.0.4 itself"


def test_an_address_is_that_of_whoever_has_it() -> None:
    lab = asked()
    by_address, by_name = explain(lab, "bb1", BB2), explain(lab, "bb1", "bb2")
    assert by_address.target == BB2
    assert by_address.ways == by_name.ways


def test_an_address_outside_is_followed_out_of_the_cluster_and_has_no_way_back() -> None:
    explained = explain(Lab(), "node/demo-worker", OUTSIDE)
    (there,) = explained.ways
    assert (explained.arrives, there.outcome) == (True, "delivered")
    assert stops(there) == [WORKER]
    assert there.steps[0].to == OUTSIDE
    assert there.steps[0].row == "default via 172.18.0.1 dev eth0"


def test_without_a_packet_the_world_outside_stays_unknown() -> None:
    (there,) = explain(asked(), "bb1", OUTSIDE).ways
    assert there.outcome == "unsure"
    assert "no table shows its way from there" in there.reason


def test_a_services_address_says_what_it_is_and_a_lost_ping_to_it_says_nothing() -> None:
    snapshot = asked().snapshot()
    lost = ProbePing("10.96.0.1", "10.96.0.1", 2, 0, retried=True)
    nodes = tuple(
        replace(node, insides=tuple(replace(inside, pings=(lost,)) for inside in node.insides))
        for node in snapshot.nodes
    )
    explained = explain(Snapshot(snapshot.cluster, nodes), "bb1", "10.96.0.1")
    assert explained.arrives is None
    assert "a Service's" in explained.reason
    assert "ping from pod default/bb1 to 10.96.0.1: 0 of 2 packets came back" in explained.measured


def test_an_address_that_no_pod_has_is_dropped_by_the_block_that_it_is_from() -> None:
    explained = explain(asked(), "bb1", "192.168.121.99")
    assert explained.arrives is False
    (there,) = explained.ways
    assert stops(there) == ["default/bb1", WORKER, f"{WORKER2} x"]
    assert there.steps[-1].row == f"blackhole {BLOCK2} proto 80"


# Where packets are lost.


def test_a_missing_route_is_where_packets_are_lost_and_the_finding_is_named() -> None:
    lab = asked()
    lab.delete_route(WORKER, BLOCK2)
    lose_to_worker2(lab)
    explained = explain(lab)
    assert explained.arrives is False
    assert explained.findings == ("missing-block-route",)
    assert explained.reason.startswith("the way there is lost at node demo-worker (missing-block-route): ")
    there, back = explained.ways
    assert there.outcome == "lost"
    assert stops(there) == ["default/bb1", f"{WORKER} x"]
    assert there.steps[-1].row == "default via 172.18.0.1 dev eth0"
    assert back.outcome == "delivered"


def test_a_loss_on_the_way_back_is_told_from_one_on_the_way_there() -> None:
    lab = asked()
    lab.delete_route(WORKER, BLOCK2)
    lose_to_worker2(lab)
    there, back = explain(lab, "bb2", "bb1").ways
    assert (there.outcome, back.outcome) == ("delivered", "lost")
    assert stops(back) == ["default/bb1", f"{WORKER} x"]


def test_a_wrong_row_is_where_packets_are_lost_even_when_nothing_was_measured() -> None:
    lab = Lab()
    lab.delete_route(WORKER, BLOCK2)
    explained = explain(lab)
    assert explained.arrives is False
    assert stops(explained.ways[0]) == ["default/bb1", f"{WORKER} x"]


def test_what_all_nodes_lack_is_lost_at_the_one_that_lacks_it_on_this_way() -> None:
    lab = asked()
    lab.delete_route(WORKER, BLOCK2)
    lab.delete_route(CONTROL, BLOCK2)
    lose_to_worker2(lab)
    explained = explain(lab)
    assert stops(explained.ways[0]) == ["default/bb1", f"{WORKER} x"]


def test_a_drop_shows_its_row() -> None:
    lab = asked()
    lab.add_route(WORKER, f"blackhole {BB2}")
    lab.lose(lambda source, target: BB2 in (source, target) and (BB1 in (source, target)))
    explained = explain(lab)
    assert explained.ways[0].outcome == "lost"
    assert explained.ways[0].steps[-1].row == f"blackhole {BB2}"
    assert "(blackholed-pod)" in explained.reason


def test_a_rule_that_decides_stands_beside_its_row() -> None:
    lab = asked()
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom all to {BLOCK2} lookup 100\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.99 dev eth0 table 100")
    lose_to_worker2(lab)
    step = explain(lab).ways[0].steps[-1]
    assert step.rule == f"100:\tfrom all to {BLOCK2} lookup 100"
    assert step.row == "default via 172.18.0.99 dev eth0 table 100"


@pytest.mark.parametrize(("source", "is_lost"), [(f"{BB1}/32", True), ("192.168.157.99/32", False)])
def test_a_rule_for_some_senders_decides_for_those_alone(source: str, is_lost: bool) -> None:
    lab = asked()
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom {source} prohibit\n32766:")
    if is_lost:
        lab.lose_between({BB1}, {BB2})
    there = explain(lab).ways[0]
    assert stops(there)[:2] == ["default/bb1", f"{WORKER} x" if is_lost else WORKER]
    assert len(there.steps) == (2 if is_lost else 4)


def test_what_rules_do_with_other_packets_is_told() -> None:
    lab = asked()
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom all ipproto tcp lookup 100\n32766:")
    lab.add_route(WORKER, f"{BLOCK2} via 172.18.0.3 dev eth0 table 100")
    assert "(but for packets of the rule 100:\tfrom all ipproto tcp lookup 100)" in explain(lab).ways[0].steps[1].text


def test_a_rule_whose_packets_an_earlier_one_has_taken_is_not_told() -> None:
    lab = asked()
    rules = "100:\tfrom all ipproto tcp lookup main\n101:\tfrom all ipproto tcp lookup 100\n"
    lab.edit(WORKER, "ip rule", "32766:", f"{rules}32766:")
    lab.add_route(WORKER, f"{BLOCK2} via 172.18.0.3 dev eth0 table 100")
    assert "but for packets" not in explain(lab).ways[0].steps[1].text


def test_packets_that_go_in_a_circle_end_where_they_came_by() -> None:
    lab = asked()
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.3 dev eth0 proto 80 onlink")
    lab.replace_route(CONTROL, BLOCK2, f"{BLOCK2} via 172.18.0.4 dev eth0 proto 80 onlink")
    lab.lose_between({BB1}, {BB2})
    there = explain(lab).ways[0]
    assert there.outcome == "loop"
    assert stops(there) == ["default/bb1", WORKER, CONTROL, f"{WORKER} x"]
    assert there.reason.startswith("caught in a circle at node demo-worker (routing-loop): ")


def test_a_pod_without_a_default_route_loses_its_own_packets() -> None:
    lab = asked()
    pod = lab.pod("default/bb1")
    assert pod.inside is not None
    pod.inside["ip -4 route"] = "169.254.1.1 dev eth0 scope link \n"
    lab.lose(lambda source, target: BB1 in (source, target))
    explained = explain(lab)
    assert stops(explained.ways[0]) == ["default/bb1 x"]
    assert explained.reason == (
        f"the way there is lost at pod default/bb1 (pod-no-default-route): pod default/bb1 has no route to {BB2}"
    )


def test_a_pod_that_does_not_have_its_address_gets_nothing() -> None:
    lab = asked()
    pod = lab.pod("default/bb2")
    assert pod.inside is not None
    pod.inside["ip addr"] = pod.inside["ip addr"].replace(BB2, "192.168.121.200")
    lab.lose(lambda source, target: BB2 in (source, target))
    explained = explain(lab)
    assert stops(explained.ways[0]) == ["default/bb1", WORKER, WORKER2, "default/bb2 x"]
    assert "(pod-address-mismatch)" in explained.reason


def test_a_setting_that_loses_packets_is_blamed_at_its_node() -> None:
    lab = asked()
    lab.worker2.stop_forwarding()
    lab.lose_between(lab.addresses_on(WORKER2), {*lab.addresses_on(WORKER, CONTROL), *lab.addresses_on(CONTROL)})
    explained = explain(lab)
    assert stops(explained.ways[0]) == ["default/bb1", WORKER, f"{WORKER2} x"]
    assert explained.findings == ("ip-forward-disabled",)


def test_a_node_that_does_not_stand_in_for_its_pods_gateway_does_not_hear_them_itself() -> None:
    lab = asked()
    lab.worker.stop_forwarding()
    lab.lose(lambda source, target: target == BB1)
    assert explain(lab, "node/demo-worker", "bb1").findings == ("ip-forward-disabled",)


def test_what_is_lost_though_all_is_right_is_a_finding_of_its_own() -> None:
    lab = asked()
    lab.lose_between({BB1}, {BB2})
    verdict = judge(lab.snapshot(), [pair("bb1", "bb2")])
    assert [finding.code for finding in verdict.findings] == ["packets-dropped"]
    (explained,) = verdict.pairs
    assert explained.arrives is False
    assert explained.findings == ("packets-dropped",)


def trace(target: str, *hops: str) -> str:
    """A traceroute that nobody answers after these hops."""
    lines = [f" {ttl}  {hop}  0.013 ms\n" for ttl, hop in enumerate(hops, 1)]
    return f"traceroute to {target} ({target}), 8 hops max, 46 byte packets\n{''.join(lines)} {len(hops) + 1}  *\n"


def test_a_firewall_is_where_the_traceroute_that_ends_early_ends() -> None:
    lab = asked()
    lab.lose_between({BB1}, {BB2})
    lab.traces["default/bb1", "default/bb2"] = trace(BB2, "172.18.0.4", "172.18.0.2")
    lab.traces["default/bb2", "default/bb1"] = trace(BB1, "172.18.0.2")
    there, back = explain(lab).ways
    assert (there.outcome, back.outcome) == ("delivered", "lost")
    assert stops(back) == ["default/bb2", f"{WORKER2} x"]


def test_a_loss_that_a_policy_may_want_is_no_fault() -> None:
    lab = asked()
    lab.lose_between({BB1}, {BB2})
    lab.forbid(Policy("NetworkPolicy", "default-deny", "default", {}, ("Ingress",)))
    verdict = judge(lab.snapshot(), [pair("bb1", "bb2")])
    assert verdict.findings == ()
    (explained,) = verdict.pairs
    assert explained.arrives is False
    assert {way.outcome for way in explained.ways} == {"unsure"}
    assert "NetworkPolicy default/default-deny may want" in explained.reason


def test_packets_that_arrive_against_the_tables_are_believed_before_these() -> None:
    lab = asked()
    lab.add_route(WORKER, f"blackhole {BB2}")
    explained = explain(lab)
    assert explained.arrives is True
    assert explained.ways[0].outcome == "unsure"
    assert "though by the tables they should not" in explained.reason
    assert not any(step.lost for step in explained.ways[0].steps)


# What was measured, and what was not.


def test_a_traceroute_is_held_against_the_steps() -> None:
    lab = asked()
    lab.traces["default/bb1", "default/bb2"] = (
        f"traceroute to {BB2} ({BB2}), 8 hops max, 46 byte packets\n"
        f" 1  172.18.0.4  0.013 ms\n 2  *\n 3  {BB2}  0.011 ms\n"
    )
    explained = explain(lab)
    assert [step.measured for step in explained.ways[0].steps] == [
        None,
        "hop 1 of the traceroute",
        None,
        "hop 3 of the traceroute",
    ]
    line = "1 node demo-worker (172.18.0.4), 2 *, 3 pod default/bb2 (192.168.121.73)"
    assert f"traceroute from pod default/bb1 to pod default/bb2 ({BB2}): {line}" in explained.measured


def test_a_traceroute_that_ends_on_the_way_says_so() -> None:
    lab = asked()
    lab.traces["default/bb1", "default/bb2"] = trace(BB2, "172.18.0.4")
    (line,) = [line for line in explain(lab).measured if line.startswith("traceroute from pod default/bb1 ")]
    assert line.endswith(": 1 node demo-worker (172.18.0.4); nobody further answers")


def test_a_snapshot_without_the_pair_says_so_and_explains_by_tables() -> None:
    explained = explain(Lab())
    assert explained.arrives is None
    assert explained.measured == (
        f"nothing measured from pod default/bb1 to pod default/bb2 ({BB2}): the snapshot was taken without this pair",
        f"nothing measured from pod default/bb2 to pod default/bb1 ({BB1}): the snapshot was taken without this pair",
    )
    assert "its own table is not known: the pod was not looked into" in explained.reason


def test_a_pod_that_cannot_ping_says_why_and_what_the_other_one_measured_counts() -> None:
    lab = asked()
    lab.pairs.pop(0)
    snapshot = lab.snapshot()
    why = "the image has no program ping"
    nodes = tuple(
        replace(
            node,
            insides=tuple(
                replace(inside, unread={"pings": why}) if not inside.pings else inside for inside in node.insides
            ),
        )
        for node in snapshot.nodes
    )
    explained = explain(Snapshot(snapshot.cluster, nodes))
    assert f"ping from pod default/bb1 to pod default/bb2 ({BB2}): not measured: {why}" in explained.measured
    assert explained.arrives is True
    assert {way.outcome for way in explained.ways} == {"delivered"}


def test_where_there_was_no_probe_the_reason_is_told() -> None:
    snapshot = Lab().snapshot()
    nodes = tuple(
        replace(node, probe=None, host_probe=None, unread={"host_probe": "the node is cordoned"})
        for node in snapshot.nodes
    )
    explained = explain(Snapshot(snapshot.cluster, nodes), "node/demo-worker", "node/demo-worker2")
    assert explained.arrives is None
    assert explained.reason == "the tables lead there and back; nothing was measured"
    assert explained.measured[0].endswith(": the node is cordoned")


def test_a_node_whose_table_is_not_known_leaves_the_way_unknown() -> None:
    lab = asked()
    lab.pairs.clear()
    del lab.worker2.printed[MAIN4]
    there = explain(lab).ways[0]
    assert there.outcome == "unsure"
    assert there.reason == "what node demo-worker2 does is not known: it was not read"


# Families.


def test_each_family_has_its_own_ways_and_one_that_is_broken_is_named() -> None:
    lab = Lab(ipv6=True)
    lab.ask("default/bb1", "default/bb2")
    lab.delete_route(WORKER, lab.worker2.block6, MAIN6)
    ends = {lab.pod("default/bb1").ip6, lab.pod("default/bb2").ip6}
    lab.lose(lambda source, target: {source, target} == ends)
    explained = explain(lab)
    assert [(way.direction, way.family) for way in explained.ways] == [
        ("there", "IPv4"),
        ("back", "IPv4"),
        ("there", "IPv6"),
        ("back", "IPv6"),
    ]
    assert [way.outcome for way in explained.ways[:2]] == ["delivered", "delivered"]
    assert explained.arrives is False
    assert explained.reason.startswith("the way there by IPv6 is lost at node demo-worker (missing-block-route)")


def test_ends_without_a_family_in_common_have_no_way() -> None:
    explained = explain(Lab(), "bb1", "fd00:10:244:7940::9")
    assert explained.ways == ()
    assert explained.reason == "pod default/bb1 and fd00:10:244:7940::9 have no address family in common"


# What is not there.


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("bb1", "bb9", "pod default/bb9 is not in the cluster demo; pods in default: bb1, bb2"),
        (
            "shop/web",
            "bb1",
            "pod shop/web is not in the cluster demo; namespaces with pods: default, kube-system, probes",
        ),
        (
            "bb1",
            "node/demo-worker3",
            "node demo-worker3 is not in the cluster demo; its nodes: demo-control-plane, demo-worker,",
        ),
        ("bb1", "bb1", "pod default/bb1 and pod default/bb1 are the same"),
        ("bb1", BB1, "are the same"),
    ],
)
def test_an_end_that_is_not_there_is_an_error_that_says_what_is(source: str, target: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        explain(Lab(), source, target)


def test_a_pod_without_an_address_is_an_error_that_says_how_it_stands() -> None:
    lab = Lab()
    lab.pod("default/bb2").no_address = True
    lab.pod("default/bb2").status = {"phase": "Pending"}
    with pytest.raises(InputError, match="pod default/bb2 has no address, it is Pending"):
        explain(lab)


# What a packet is sent from, and where it leaves.


def test_replies_to_a_node_come_back_to_the_address_that_it_sends_into_a_tunnel_from() -> None:
    lab = in_tunnels()
    there, back = explain(lab, f"node/{WORKER}", "bb2").ways
    end = BLOCK.partition("/")[0]
    assert (there.source, back.target) == (end, end)
    assert [step.row for step in back.steps if step.node == WORKER2] == [f"{BLOCK} via {end} dev vxlan.calico onlink"]
    lab.delete_route(WORKER2, BLOCK)
    lab.lose_between({lab.worker.address}, lab.addresses_on(WORKER2))
    explained = explain(lab, f"node/{WORKER}", "bb2")
    assert explained.reason.startswith(f"the way back is lost at node {WORKER2} (missing-block-route): ")


def test_a_node_is_not_told_of_rules_for_packets_of_its_pods() -> None:
    lab = Lab()
    lab.edit(WORKER, "ip rule", "32766:", f"1536:\tfrom {BB1} lookup 2\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.1 dev eth0 table 2")
    assert not any("but for" in step.text for step in explain(lab, f"node/{WORKER}", "bb2").ways[0].steps)
    lab.edit(WORKER, "ip rule", f"from {BB1}", f"from {lab.worker.address}")
    assert any("but for" in step.text for step in explain(lab, f"node/{WORKER}", "bb2").ways[0].steps)


def test_a_pod_that_sends_into_another_network_is_not_followed_into_that_of_its_node() -> None:
    lab = asked()
    inside = lab.pod("default/bb1").inside
    assert inside is not None
    inside["ip addr"] += (
        "3: net1@if40: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet 10.99.0.5/24 scope global net1\n"
    )
    inside["ip -4 route"] = (
        f"default via 169.254.1.1 dev eth0 \n{BLOCK2} via 10.99.0.1 dev net1 \n169.254.1.1 dev eth0 scope link \n"
    )
    lab.lose(lambda source, target: BB1 in (source, target) and BB2 in (source, target))
    there = explain(lab).ways[0]
    assert stops(there) == ["default/bb1"]
    assert (
        there.steps[0].text
        == "pod default/bb1 sends the packet out of net1, into another network than that of its address, at eth0"
    )


def test_a_row_to_another_pods_interface_is_where_the_packet_is_lost() -> None:
    lab = asked()
    lab.replace_route(WORKER2, BB2, f"{BB2} dev {lab.pod('probes/probe-c').interface} scope link")
    lab.lose(lambda source, target: BB2 in (source, target))
    there = explain(lab).ways[0]
    assert stops(there)[-1] == f"{WORKER2} x"
    assert there.steps[-1].text == (
        f"node {WORKER2} hands the packet out at {lab.pod('probes/probe-c').interface}, which is not the interface of"
        " pod default/bb2"
    )


def test_a_bridge_that_nodes_share_may_well_lead_to_another_nodes_pod() -> None:
    explained = explain(cluster(CNIS["unknown, one bridge"]), "pod1-5", "pod2-6")
    assert (explained.arrives, explained.findings) == (None, ())
    assert {way.outcome for way in explained.ways} == {"unsure"}


def test_a_pair_whose_loss_nothing_explains_tells_who_was_the_last_to_answer() -> None:
    snapshot = asked().snapshot()
    lost = (ProbePing(OUTSIDE, OUTSIDE, 2, 0, retried=True),)
    traced = (ProbeTraceroute(OUTSIDE, OUTSIDE, trace(OUTSIDE, "172.18.0.4", "172.18.0.1")),)
    nodes = tuple(
        replace(node, insides=tuple(replace(inside, pings=lost, traceroutes=traced) for inside in node.insides))
        for node in snapshot.nodes
    )
    explained = explain(replace(snapshot, nodes=nodes), "bb1", OUTSIDE)
    assert explained.arrives is False
    assert explained.reason.endswith("explains it; 172.18.0.1 is the last to answer a traceroute")
