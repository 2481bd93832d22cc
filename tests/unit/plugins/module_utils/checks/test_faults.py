# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each fault of the catalogue, put into the healthy lab as a command would: found once, blamed on the right element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.catalogue import CATALOGUE
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import Finding, Verdict

from tests.unit.plugins.module_utils.checks.lab import MAIN4, MAIN6, OUTSIDE, Lab

WORKER, WORKER2, CONTROL = "demo-worker", "demo-worker2", "demo-control-plane"
BLOCK, BLOCK2, BLOCK0 = "192.168.157.128/26", "192.168.121.64/26", "192.168.210.0/26"
BB1, BB2 = "192.168.157.134", "192.168.121.73"
BORROWED = "192.168.121.100"

Break = Callable[[Lab], object]


def told(verdict: Verdict) -> list[str]:
    return [f"{finding.code} {finding.node} {finding.pod}: {finding.message}" for finding in verdict.findings]


def the_finding(lab: Lab) -> Finding:
    verdict = judge(lab.snapshot())
    assert len(verdict.findings) == 1, told(verdict)
    assert verdict.verdict == "fail"
    return verdict.findings[0]


# What a fault does to packets.


def lose_pod(lab: Lab, key: str) -> None:
    address = lab.pod(key).ip
    lab.lose(lambda source, target: address in (source, target))


def flush(lab: Lab, key: str) -> None:
    """What the kernel does to the routes of an interface that goes down."""
    pod = lab.pod(key)
    lab.delete_route(pod.node.name, pod.ip)
    if pod.ip6:
        lab.delete_route(pod.node.name, pod.ip6, MAIN6)


def borrow(lab: Lab) -> None:
    """A pod of the worker gets an address from the other worker's block."""
    lab.add_pod("default", "borrower", WORKER, BORROWED, 100)
    lab.print_node(lab.worker)
    lab.add_route(WORKER2, f"{BORROWED} via 172.18.0.4 dev eth0 proto 80 onlink")


def lose_to_worker2(lab: Lab) -> None:
    """The worker does not get packets to the other worker's pods."""
    lab.lose_between({*lab.addresses_on(WORKER), lab.worker.address}, lab.addresses_on(WORKER2))


def lose_forwarded(lab: Lab) -> None:
    """The worker forwards nothing: only its own packets get through."""
    others = {lab.worker2.address, lab.nodes[CONTROL].address, *lab.addresses_on(WORKER2, CONTROL)}
    lab.lose_between(lab.addresses_on(WORKER), others)


def behind_routers(lab: Lab) -> None:
    """A router knows the pods of all nodes, and is the next hop of all rows for them."""
    for node in lab.nodes.values():
        for other in lab.nodes.values():
            if other is not node:
                lab.replace_route(node.name, f"{other.block} via", f"{other.block} via 172.18.0.1 dev eth0 proto bird")


def lose_outside(lab: Lab, *sources: str) -> None:
    lab.lose(lambda source, target: target == OUTSIDE and source in sources)


# Name -> what is done -> (code, node, pod).

BROKEN: dict[str, tuple[Break, tuple[str, str | None, str | None]]] = {}


def broken(code: str, node: str | None, pod: str | None = None) -> Callable[[Break], Break]:
    def register(break_it: Break) -> Break:
        BROKEN[break_it.__name__] = break_it, (code, node, pod)
        return break_it

    return register


@broken("missing-block-route", WORKER)
def a_block_route_is_deleted(lab: Lab) -> None:
    lab.delete_route(WORKER, BLOCK2)
    lose_to_worker2(lab)


@broken("missing-block-route", WORKER)
def a_block_route_is_deleted_and_nothing_measured(lab: Lab) -> None:
    lab.delete_route(WORKER, BLOCK2)


@broken("next-hop-not-a-node", WORKER)
def a_block_of_a_node_that_is_not_ready_goes_to_an_address_that_nobody_has(lab: Lab) -> None:
    lab.worker2.ready = False
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.99 dev eth0")
    lose_to_worker2(lab)


@broken("wrong-next-hop", WORKER)
def a_row_for_the_blocks_of_a_node_together_leads_to_another_node(lab: Lab) -> None:
    for name in (WORKER, CONTROL):
        lab.delete_route(name, BLOCK2)
        lab.add_route(
            name, f"192.168.121.0/25 via {lab.nodes[WORKER2 if name == CONTROL else CONTROL].address} dev eth0"
        )


@broken("ip-forward-disabled", WORKER)
def packets_of_pods_are_not_forwarded_where_only_those_of_other_nodes_are(lab: Lab) -> None:
    lab.worker.stop_forwarding()
    lab.worker.sysctls["net.ipv4.conf.eth0.forwarding"] = 1
    lose_forwarded(lab)


@broken("ip-forward-disabled", WORKER2)
def a_node_behind_routers_does_not_forward(lab: Lab) -> None:
    behind_routers(lab)
    lab.worker2.stop_forwarding()
    lab.lose_between(
        {*lab.addresses_on(WORKER, CONTROL), lab.worker.address, lab.nodes[CONTROL].address}, lab.addresses_on(WORKER2)
    )


@broken("missing-block-route", CONTROL)
def the_route_to_a_block_without_pods_is_deleted_and_no_range_is_declared(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=())
    lab.add_route(WORKER, "blackhole 192.168.9.0/26 proto 80")
    lab.add_route(WORKER2, "192.168.9.0/26 via 172.18.0.4 dev eth0 proto 80 onlink")


@broken("missing-block-route", WORKER)
def a_block_route_is_deleted_and_a_wider_row_leads_to_a_router(lab: Lab) -> None:
    for name in lab.nodes:
        lab.add_route(name, "192.168.0.0/16 via 172.18.0.1 dev eth0 proto static")
    a_block_route_is_deleted(lab)


@broken("missing-block-route", WORKER)
def a_block_route_is_deleted_and_the_default_gateway_is_a_node(lab: Lab) -> None:
    for name in (WORKER, WORKER2):
        lab.replace_route(name, "default", f"default via {lab.nodes[CONTROL].address} dev eth0")
    lab.delete_route(WORKER, BLOCK2)


@broken("missing-block-route", WORKER)
def the_route_to_a_block_without_pods_is_deleted(lab: Lab) -> None:
    node = lab.nodes[CONTROL]
    lab.delete_route(WORKER, BLOCK0)
    lab.delete_route(CONTROL, node.probe.ip)
    node.probe.status["phase"] = "Succeeded"


@broken("missing-block-route", WORKER)
def a_node_loses_its_routes_to_all_other_nodes(lab: Lab) -> None:
    lab.delete_route(WORKER, BLOCK2)
    lab.delete_route(WORKER, BLOCK0)


@broken("missing-block-route", WORKER2)
def all_nodes_lose_their_route_to_one(lab: Lab) -> None:
    lab.delete_route(WORKER, BLOCK2)
    lab.delete_route(CONTROL, BLOCK2)


@broken("missing-block-route", WORKER)
def a_blackhole_for_the_whole_pod_range_is_what_remains(lab: Lab) -> None:
    lab.add_route(WORKER, "blackhole 192.168.0.0/16")
    lab.delete_route(WORKER, BLOCK2)


@broken("wrong-next-hop", WORKER)
def a_block_goes_to_another_node(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.3 dev eth0")
    lab.ttls[WORKER2, WORKER] = 61


@broken("wrong-next-hop", WORKER)
def a_block_leaves_without_a_next_hop(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} dev eth0 scope link")
    lose_to_worker2(lab)


@broken("wrong-next-hop", WORKER)
def one_of_two_next_hops_is_wrong(lab: Lab) -> None:
    hops = "\n\tnexthop via 172.18.0.2 dev eth0 weight 1 \n\tnexthop via 172.18.0.3 dev eth0 weight 1"
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} proto bird {hops}")


@broken("next-hop-not-a-node", WORKER)
def a_block_goes_to_an_address_that_nobody_has(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.99 dev eth0 onlink")
    lose_to_worker2(lab)


@broken("next-hop-not-a-node", WORKER)
def a_block_goes_to_the_default_gateway(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.1 dev eth0")
    lose_to_worker2(lab)


@broken("next-hop-not-a-node", WORKER2)
def all_nodes_use_the_former_address_of_one(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.77 dev eth0 proto 80 onlink")
    lab.replace_route(CONTROL, BLOCK2, f"{BLOCK2} via 172.18.0.77 dev eth0 proto 80 onlink")


@broken("next-hop-not-a-node", WORKER)
def a_half_goes_to_an_address_that_nobody_has_where_a_cloud_knows_the_pods(lab: Lab) -> None:
    for node in lab.nodes.values():
        lines = node.printed[MAIN4].splitlines(keepends=True)
        node.printed[MAIN4] = "".join(line for line in lines if " via " not in line or line.startswith("default"))
    lab.add_route(WORKER, "128.0.0.0/1 via 172.18.0.99 dev eth0")
    lab.lose_between({*lab.addresses_on(WORKER), lab.worker.address}, lab.addresses_on(WORKER2, CONTROL))


@broken("missing-pod-route", WORKER, "default/bb1")
def a_pod_route_is_deleted(lab: Lab) -> None:
    lab.delete_route(WORKER, BB1)
    lose_pod(lab, "default/bb1")


@broken("missing-pod-route", WORKER, "probes/probe-b")
def the_route_of_a_probe_is_deleted(lab: Lab) -> None:
    lab.delete_route(WORKER, lab.worker.probe.ip)
    lose_pod(lab, "probes/probe-b")


@broken("missing-pod-route", WORKER)
def all_pod_routes_of_a_node_are_deleted(lab: Lab) -> None:
    for pod in lab.worker.pods:
        lab.delete_route(WORKER, pod.ip)


@broken("missing-pod-route", WORKER)
def all_pod_routes_of_the_only_node_are_deleted(lab: Lab) -> None:
    for name in (WORKER2, CONTROL):
        del lab.nodes[name]
    lab.print_node(lab.worker)
    for pod in lab.worker.pods:
        lab.delete_route(WORKER, pod.ip)
    lab.lose(lambda source, target: target in lab.addresses_on(WORKER))


@broken("missing-pod-route", WORKER2, "default/borrower")
def the_route_for_a_borrowed_address_is_deleted(lab: Lab) -> None:
    borrow(lab)
    lab.delete_route(WORKER2, BORROWED)


@broken("missing-pod-route", WORKER, "default/borrower")
def the_pods_own_node_loses_the_route_for_a_borrowed_address(lab: Lab) -> None:
    borrow(lab)
    lab.delete_route(WORKER, BORROWED)


@broken("missing-pod-route", WORKER2, "default/borrower")
def the_route_for_an_address_that_is_borrowed_from_a_pod_cidr_is_deleted(lab: Lab) -> None:
    borrow(lab)
    lab.worker2.pod_cidrs = (BLOCK2,)
    lab.delete_route(WORKER2, BORROWED)
    lab.delete_route(WORKER2, f"blackhole {BLOCK2}")


@broken("missing-block-route", CONTROL)
def a_block_route_is_deleted_that_also_leads_to_a_borrowed_address(lab: Lab) -> None:
    borrow(lab)
    lab.delete_route(CONTROL, BLOCK2)


@broken("missing-block-route", CONTROL)
def a_block_route_is_deleted_that_leads_to_a_borrowed_address_in_a_larger_cluster(lab: Lab) -> None:
    lab.add_node("demo-worker3", 5, "192.168.77.0/26")
    a_block_route_is_deleted_that_also_leads_to_a_borrowed_address(lab)


@broken("missing-block-route", WORKER2)
def all_nodes_lose_their_route_to_one_that_lends_an_address(lab: Lab) -> None:
    borrow(lab)
    all_nodes_lose_their_route_to_one(lab)


@broken("next-hop-not-a-node", CONTROL)
def a_block_that_a_borrowed_address_is_from_goes_to_an_address_that_nobody_has(lab: Lab) -> None:
    borrow(lab)
    lab.replace_route(CONTROL, BLOCK2, f"{BLOCK2} via 172.18.0.99 dev eth0 onlink")


@broken("wrong-pod-interface", WORKER, "default/bb1")
def a_pod_route_leaves_through_the_uplink(lab: Lab) -> None:
    lab.replace_route(WORKER, BB1, f"{BB1} dev eth0 scope link")
    lose_pod(lab, "default/bb1")


@broken("wrong-pod-interface", WORKER, "default/bb1")
def a_pod_route_leads_to_another_pod(lab: Lab) -> None:
    lab.replace_route(WORKER, BB1, f"{BB1} dev {lab.pod('kube-system/coredns-1').interface} scope link")
    lose_pod(lab, "default/bb1")


@broken("wrong-pod-interface", WORKER, "probes/probe-b")
def a_pod_route_leads_to_an_interface_without_a_telling_name(lab: Lab) -> None:
    lab.replace_route(WORKER, lab.worker.probe.ip, f"{lab.worker.probe.ip} dev veth1a2b3c4d scope link")


@broken("stale-pod-route", WORKER)
def a_route_leads_to_a_pod_that_is_gone(lab: Lab) -> None:
    lab.add_route(WORKER, "192.168.157.160 dev cali00000000001 scope link")


@broken("stale-pod-route", WORKER)
def a_route_of_the_other_family_leads_to_a_pod_that_is_gone(lab: Lab) -> None:
    lab.add_route(WORKER, "fd00:10:244:9d80::30 dev cali00000000001 metric 1024 pref medium", MAIN6)


@broken("blackholed-pod", CONTROL, "default/bb1")
def another_node_drops_packets_for_a_pod(lab: Lab) -> None:
    lab.add_route(CONTROL, f"blackhole {BB1}")
    lab.lose_between({*lab.addresses_on(CONTROL), lab.nodes[CONTROL].address}, {BB1})


@broken("blackholed-pod", WORKER, "default/bb1")
def a_node_refuses_packets_for_its_own_pod(lab: Lab) -> None:
    lab.replace_route(WORKER, BB1, f"prohibit {BB1}")
    lose_pod(lab, "default/bb1")


@broken("blackholed-pod", WORKER, "default/bb2")
def a_node_refuses_packets_for_another_nodes_pod(lab: Lab) -> None:
    lab.add_route(WORKER, f"blackhole {BB2}")
    lab.lose_between({*lab.addresses_on(WORKER), lab.worker.address}, {BB2})


@broken("blackholed-block", WORKER)
def a_block_is_dropped(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"blackhole {BLOCK2}")
    lose_to_worker2(lab)


@broken("blackholed-block", WORKER)
def a_block_is_unreachable(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"unreachable {BLOCK2}")


@broken("duplicate-block", WORKER)
def two_nodes_claim_a_block_without_pods_and_no_range_is_declared(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=())
    node = lab.nodes[CONTROL]
    lab.delete_route(CONTROL, node.probe.ip)
    node.probe.status["phase"] = "Succeeded"
    lab.replace_route(WORKER, BLOCK0, f"blackhole {BLOCK0} proto 80")


@broken("shadowed-block", WORKER)
def a_longer_prefix_leads_to_another_node(lab: Lab) -> None:
    lab.add_route(WORKER, "192.168.121.72/29 via 172.18.0.3 dev eth0")


@broken("shadowed-block", WORKER)
def a_longer_prefix_leads_astray_where_no_pod_is_yet(lab: Lab) -> None:
    lab.add_route(WORKER, "192.168.121.112/28 dev eth0 scope link")


@broken("shadowed-block", WORKER, "default/bb2")
def a_host_route_leads_astray(lab: Lab) -> None:
    lab.add_route(WORKER, f"{BB2} via 172.18.0.1 dev eth0")


@broken("duplicate-block", WORKER)
def two_nodes_claim_a_block(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"blackhole {BLOCK2} proto 80")
    lose_to_worker2(lab)


@broken("duplicate-block", None)
def all_nodes_claim_a_block(lab: Lab) -> None:
    for node in (WORKER, CONTROL):
        lab.replace_route(node, BLOCK2, f"blackhole {BLOCK2} proto 80")
    lose_to_worker2(lab)
    lab.lose_between({*lab.addresses_on(CONTROL), lab.nodes[CONTROL].address}, lab.addresses_on(WORKER2))


@broken("duplicate-block", WORKER)
def a_node_claims_the_blocks_of_all_others(lab: Lab) -> None:
    lab.add_node("demo-worker3", 5, "192.168.112.0/26")
    lab.add_route(WORKER, "blackhole 192.168.112.0/20 proto 80")
    for node in (WORKER2, CONTROL, "demo-worker3"):
        lab.add_route(node, "192.168.112.0/20 via 172.18.0.4 dev eth0 proto 80 onlink")


@broken("duplicate-block", WORKER)
def two_nodes_claim_a_block_that_no_pod_is_in_yet(lab: Lab) -> None:
    lab.add_route(WORKER2, "blackhole 192.168.9.0/26 proto 80")
    lab.add_route(CONTROL, "192.168.9.0/26 via 172.18.0.2 dev eth0 proto 80 onlink")
    lab.add_route(WORKER, "blackhole 192.168.9.0/26 proto 80")


@broken("duplicate-block", WORKER)
def two_nodes_claim_a_block_and_no_range_is_declared(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=())
    two_nodes_claim_a_block(lab)


@broken("overlapping-ranges", WORKER)
def a_bridge_is_in_the_pod_range(lab: Lab) -> None:
    lab.add_route(WORKER, "192.168.121.72/29 dev br-4f1e proto kernel scope link src 192.168.121.73")
    lose_to_worker2(lab)


@broken("overlapping-ranges", WORKER)
def a_bridge_has_another_nodes_block_inside_and_no_range_is_declared(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=())
    lab.add_route(WORKER, "192.168.121.0/24 dev br-4f1e proto kernel scope link src 192.168.121.193")


@broken("overlapping-ranges", WORKER)
def a_bridge_that_none_of_the_nodes_pods_is_behind_has_their_addresses_in_its_network(lab: Lab) -> None:
    lab.worker.printed["ip addr"] += (
        "99: br-4f1e: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \n"
        "    link/ether 02:42:4f:1e:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535 \n"
        "    bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 0 \n"
    )
    lab.add_route(WORKER, "192.168.128.0/17 dev br-4f1e proto kernel scope link src 192.168.255.193")


@broken("overlapping-ranges", WORKER)
def a_bridge_is_in_the_range_of_pods_and_that_of_services(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=("192.168.0.0/17",), service_ranges=("192.168.128.0/17",))
    lab.add_route(WORKER, "192.168.0.0/16 dev br-4f1e proto kernel scope link src 192.168.0.1")


@broken("overlapping-ranges", WORKER)
def a_bridge_is_in_the_service_range(lab: Lab) -> None:
    lab.add_route(WORKER, "10.96.0.0/24 dev br-4f1e proto kernel scope link src 10.96.0.1")


@broken("overlapping-ranges", None)
def the_nodes_network_is_in_the_pod_range(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, pod_ranges=("172.16.0.0/12",))


@broken("overlapping-ranges", None)
def pods_and_services_share_addresses(lab: Lab) -> None:
    lab.cluster = replace(lab.cluster, service_ranges=("192.168.0.0/20",))


@broken("no-default-route", WORKER)
def a_default_route_is_deleted(lab: Lab) -> None:
    lab.delete_route(WORKER, "default")
    lose_outside(lab, lab.worker.address, lab.worker.probe.ip)


@broken("no-default-route", WORKER)
def a_node_without_a_default_route_does_not_stand_in_for_its_pods_gateway(lab: Lab) -> None:
    lab.delete_route(WORKER, "default")
    lose_outside(lab, lab.worker.address)
    lose_pod(lab, "probes/probe-b")


@broken("no-default-route", WORKER)
def the_link_of_the_default_route_is_down(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 dead linkdown")


@broken("no-default-route", WORKER)
def a_default_route_that_drops_packets_has_a_lower_metric(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 proto dhcp metric 100")
    lab.add_route(WORKER, "blackhole default")


@broken("no-default-route", WORKER)
def one_half_of_the_default_route_is_not_there(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "128.0.0.0/1 via 172.18.0.1 dev eth0")


@broken("no-default-route", WORKER)
def the_default_route_is_in_a_table_that_no_rule_asks_for_all_packets(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 table 100")
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom 10.8.0.0/24 lookup 100\n32766:")


@broken("pod-no-default-route", WORKER, "probes/probe-b")
def the_default_route_in_a_probe_is_deleted(lab: Lab) -> None:
    assert lab.worker.probe.inside is not None
    lab.worker.probe.inside["ip -4 route"] = "169.254.1.1 dev eth0 scope link \n"
    lose_pod(lab, "probes/probe-b")


@broken("pod-no-default-route", WORKER, "default/bb1")
def the_default_route_in_any_pod_is_deleted(lab: Lab) -> None:
    lab.pod("default/bb1").inside = {"ip -4 route": "169.254.1.1 dev eth0 scope link \n"}
    lose_pod(lab, "default/bb1")


@broken("pod-address-mismatch", WORKER, "probes/probe-b")
def the_address_in_a_pod_is_changed(lab: Lab) -> None:
    inside = lab.worker.probe.inside
    assert inside is not None
    inside["ip addr"] = inside["ip addr"].replace(lab.worker.probe.ip, "192.168.157.180")
    lose_pod(lab, "probes/probe-b")


@broken("duplicate-pod-ip", None, "default/twin")
def two_pods_have_one_address(lab: Lab) -> None:
    lab.add_pod("default", "twin", WORKER2, BB1, 11)
    lab.print_node(lab.worker2)


@broken("pod-on-wrong-node", WORKER, "default/bb2")
def a_node_has_a_local_route_for_another_nodes_pod(lab: Lab) -> None:
    lab.add_route(WORKER, f"{BB2} dev cali00000000001 scope link")
    lab.lose_between(lab.addresses_on(WORKER), {BB2})


@broken("pod-on-wrong-node", CONTROL, "default/bb1")
def another_node_takes_the_pod_for_its_own(lab: Lab) -> None:
    lab.add_route(CONTROL, f"{BB1} dev cali00000000001 scope link")
    lab.lose_between(lab.addresses_on(CONTROL), {BB1})


@broken("ip-rule-override", WORKER)
def a_rule_sends_a_block_to_another_table(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom all to {BLOCK2} lookup 100\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.1 dev eth0 table 100")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_rule_sends_everything_to_another_table(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom all lookup 100\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.1 dev eth0 table 100")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_rule_drops_a_block(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom all to {BLOCK2} blackhole\n32766:")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_rule_refuses_a_block(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom all to 192.168.0.0/16 lookup 100\n32766:")
    lab.add_route(WORKER, f"unreachable {BLOCK2} table 100")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_rule_for_pods_of_the_node_drops_their_packets(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom {BLOCK} to {BLOCK2} prohibit\n32766:")


@broken("ip-rule-override", WORKER)
def a_rule_for_pods_packets_leaves_out_those_for_another_nodes_pods_alone(lab: Lab) -> None:
    rules = f"101:\tfrom {BLOCK} to 192.168.82.0/26 lookup main\n102:\tfrom {BLOCK} lookup 250"
    lab.edit(WORKER, "ip rule", "32766:", f"{rules}\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.254 dev eth0 table 250")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_table_that_is_asked_first_leaves_packets_to_the_next_rule(lab: Lab) -> None:
    rules = f"101:\tfrom {BLOCK} lookup main suppress_prefixlength 31\n102:\tfrom {BLOCK} lookup 250"
    lab.edit(WORKER, "ip rule", "32766:", f"{rules}\n32766:")
    lab.add_route(WORKER, "default via 172.18.0.254 dev eth0 table 250")
    lose_to_worker2(lab)


@broken("ip-rule-override", WORKER)
def a_rule_for_all_but_clients_of_a_vpn_drops_a_block(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", "100:\tnot from 10.8.0.0/24 iif tun0 blackhole\n32766:")
    lab.edit(WORKER, "ip addr", "10: cali", "9: tun0: <POINTOPOINT,UP> mtu 1400 qdisc fq state UNKNOWN\n10: cali")
    lose_forwarded(lab)


@broken("two-cnis", WORKER)
def another_cni_was_left_behind(lab: Lab) -> None:
    lab.add_route(WORKER, "10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1")
    lab.add_route(WORKER, "10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink")


@broken("ip-forward-disabled", WORKER)
def forwarding_is_switched_off(lab: Lab) -> None:
    lab.worker.stop_forwarding()
    lose_forwarded(lab)


@broken("ip-forward-disabled", WORKER)
def a_node_that_does_not_forward_does_not_stand_in_for_its_pods_gateway(lab: Lab) -> None:
    lab.worker.stop_forwarding()
    lose_forwarded(lab)
    lose_pod(lab, "probes/probe-b")
    lab.no_dns.add(WORKER)


@broken("ip-forward-disabled", WORKER)
def packets_of_other_nodes_are_not_forwarded(lab: Lab) -> None:
    lab.worker.sysctls["net.ipv4.conf.eth0.forwarding"] = 0
    lose_forwarded(lab)


@broken("ip-forward-disabled", WORKER, "default/bb1")
def packets_of_a_pod_are_not_forwarded(lab: Lab) -> None:
    lab.worker.sysctls[f"net.ipv4.conf.{lab.pod('default/bb1').interface}.forwarding"] = 0
    lose_pod(lab, "default/bb1")


@broken("ip-forward-disabled", WORKER)
def packets_of_the_pods_of_a_node_are_not_forwarded(lab: Lab) -> None:
    for pod in lab.worker.pods:
        lab.worker.sysctls[f"net.ipv4.conf.{pod.interface}.forwarding"] = 0
    lose_forwarded(lab)


@broken("strict-rp-filter", WORKER)
def packets_come_in_where_none_leave(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.2 dev tunl0 onlink")
    lab.worker.sysctls["net.ipv4.conf.eth0.rp_filter"] = 1
    lose_to_worker2(lab)


@broken("proxy-arp-disabled", WORKER, "default/bb1")
def proxy_arp_is_switched_off_for_a_pod(lab: Lab) -> None:
    lab.worker.sysctls[f"net.ipv4.conf.{lab.pod('default/bb1').interface}.proxy_arp"] = 0
    lose_pod(lab, "default/bb1")


@broken("proxy-arp-disabled", WORKER)
def proxy_arp_is_switched_off_for_all_pods_of_a_node(lab: Lab) -> None:
    for pod in lab.worker.pods:
        lab.worker.sysctls[f"net.ipv4.conf.{pod.interface}.proxy_arp"] = 0


@broken("pod-interface-down", WORKER, "default/bb1")
def the_nodes_end_of_a_pods_cable_is_switched_off(lab: Lab) -> None:
    name = lab.pod("default/bb1").interface
    lab.edit(WORKER, "ip addr", f"{name}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP>", f"{name}@if2: <BROADCAST,MULTICAST>")
    flush(lab, "default/bb1")
    lose_pod(lab, "default/bb1")


@broken("pod-interface-down", WORKER, "default/bb1")
def the_interface_of_a_pod_is_deleted(lab: Lab) -> None:
    lines = lab.worker.printed["ip addr"].splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if lab.pod("default/bb1").interface in line)
    lab.worker.printed["ip addr"] = "".join(lines[:start] + lines[start + 3 :])
    flush(lab, "default/bb1")
    lose_pod(lab, "default/bb1")


@broken("pod-interface-down", WORKER, "probes/probe-b")
def the_pods_own_end_is_switched_off(lab: Lab) -> None:
    probe, name = lab.worker.probe, lab.worker.probe.interface
    assert probe.inside is not None
    old = f"{name}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP>"
    lab.edit(WORKER, "ip addr", old, f"{name}@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP>")
    probe.inside["ip addr"] = probe.inside["ip addr"].replace("MULTICAST,UP,LOWER_UP,M-DOWN", "MULTICAST")
    probe.inside["ip -4 route"] = ""
    lose_pod(lab, "probes/probe-b")


@broken("wrong-neighbour", WORKER)
def a_next_hop_has_a_fixed_wrong_neighbour_entry(lab: Lab) -> None:
    lab.edit(WORKER, "ip neigh", "lladdr 02:42:ac:12:00:02 REACHABLE", "lladdr 02:00:00:00:00:99 PERMANENT")
    lose_to_worker2(lab)


@broken("wrong-neighbour", WORKER, "probes/probe-b")
def a_pod_has_a_fixed_wrong_neighbour_entry(lab: Lab) -> None:
    probe = lab.worker.probe
    lab.worker.printed["ip neigh"] += f"{probe.ip} dev {probe.interface} lladdr 02:00:00:00:00:99 PERMANENT \n"
    lose_pod(lab, "probes/probe-b")


@broken("wrong-neighbour", WORKER, "probes/probe-b")
def a_pods_gateway_has_a_fixed_wrong_neighbour_entry(lab: Lab) -> None:
    assert lab.worker.probe.inside is not None
    lab.worker.probe.inside["ip neigh"] = "169.254.1.1 dev eth0 lladdr 02:00:00:00:00:99 PERMANENT\n"
    lose_pod(lab, "probes/probe-b")


@broken("mtu-too-small", WORKER)
def the_uplink_takes_less_than_pods_send(lab: Lab) -> None:
    lab.edit(WORKER, "ip addr", "mtu 1500", "mtu 1400")


@broken("mtu-too-small", WORKER, "probes/probe-b")
def the_nodes_end_takes_less_than_the_pod_sends(lab: Lab) -> None:
    name = lab.worker.probe.interface
    up = "<BROADCAST,MULTICAST,UP,LOWER_UP>"
    lab.edit(WORKER, "ip addr", f"{name}@if2: {up} mtu 1450", f"{name}@if2: {up} mtu 1300")


@broken("mtu-too-small", WORKER2, "probes/probe-c")
def large_packets_get_lost_on_the_way(lab: Lab) -> None:
    lab.lose_large({WORKER, CONTROL}, WORKER2)


@broken("unexpected-snat", WORKER)
def a_node_puts_its_own_address_in_the_place_of_its_pods(lab: Lab) -> None:
    lab.masqueraded[lab.worker.probe.ip] = lab.worker.address


@broken("unexpected-snat", None)
def all_nodes_do(lab: Lab) -> None:
    for node in lab.nodes.values():
        lab.masqueraded[node.probe.ip] = node.address


@broken("unexpected-snat", WORKER2)
def a_node_puts_its_address_in_the_place_of_whoever_talks_to_its_pods(lab: Lab) -> None:
    for node in (lab.worker, lab.nodes[CONTROL]):
        lab.masqueraded[f"{node.probe.ip} {lab.worker2.probe.ip}"] = lab.worker2.address


@broken("unexpected-dnat", WORKER)
def connections_to_a_pod_end_at_another(lab: Lab) -> None:
    lab.redirected[f"{lab.worker.probe.ip} {lab.worker2.probe.ip}"] = "probes/probe-a"


@broken("unexpected-dnat", WORKER)
def connections_to_all_other_pods_end_at_the_node_itself(lab: Lab) -> None:
    for node in (lab.worker2, lab.nodes[CONTROL]):
        lab.redirected[f"{lab.worker.probe.ip} {node.probe.ip}"] = "probes/host-probe-b"


@broken("unexpected-dnat", WORKER2)
def all_connections_to_a_pod_end_at_its_node(lab: Lab) -> None:
    for node in (lab.worker, lab.nodes[CONTROL]):
        lab.redirected[f"{node.probe.ip} {lab.worker2.probe.ip}"] = "probes/host-probe-c"


@broken("missing-egress-snat", WORKER)
def the_pods_of_a_node_do_not_get_outside(lab: Lab) -> None:
    lose_outside(lab, lab.worker.probe.ip)


@broken("missing-egress-snat", None)
def no_pod_gets_outside(lab: Lab) -> None:
    lose_outside(lab, *(node.probe.ip for node in lab.nodes.values()))


@broken("packets-dropped", WORKER, "default/bb1")
def a_pod_does_not_answer(lab: Lab) -> None:
    lose_pod(lab, "default/bb1")


@broken("packets-dropped", WORKER2, "default/bb2")
def another_pod_does_not_answer(lab: Lab) -> None:
    lose_pod(lab, "default/bb2")


@broken("packets-dropped", WORKER)
def a_firewall_drops_what_a_node_forwards(lab: Lab) -> None:
    lose_forwarded(lab)


@broken("packets-dropped", WORKER2)
def two_nodes_do_not_reach_each_other(lab: Lab) -> None:
    lab.lose_between({*lab.addresses_on(WORKER), lab.worker.address}, {*lab.addresses_on(WORKER2), lab.worker2.address})


@broken("routing-loop", WORKER, "default/bb1")
def a_node_sends_packets_for_its_own_pod_away(lab: Lab) -> None:
    lab.replace_route(WORKER, BB1, f"{BB1} via 172.18.0.2 dev eth0")
    lose_pod(lab, "default/bb1")


@broken("routing-loop", WORKER)
def a_node_sends_packets_for_its_own_block_away(lab: Lab) -> None:
    lab.worker.pod_cidrs = (BLOCK,)
    lab.replace_route(WORKER, f"blackhole {BLOCK}", f"{BLOCK} via 172.18.0.2 dev eth0")
    for pod in lab.worker.pods:
        lab.delete_route(WORKER, pod.ip)


@broken("routing-loop", CONTROL)
def two_nodes_take_each_other_for_the_way(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.3 dev eth0")
    lab.replace_route(CONTROL, BLOCK2, f"{BLOCK2} via 172.18.0.4 dev eth0")


@broken("routing-loop", WORKER)
def a_traceroute_goes_in_a_circle(lab: Lab) -> None:
    lab.traces["probes/probe-b", "default/bb2"] = (
        f"traceroute to {BB2} ({BB2}), 30 hops max, 46 byte packets\n"
        " 1  172.18.0.4  0.005 ms\n 2  172.18.0.3  0.005 ms\n 3  172.18.0.4  0.005 ms\n 4  172.18.0.3  0.005 ms\n"
    )


@broken("asymmetric-path", WORKER)
def a_node_reaches_another_one_through_a_third(lab: Lab) -> None:
    lab.add_route(WORKER, "172.18.0.2 via 172.18.0.3 dev eth0")


@broken("asymmetric-path", WORKER2)
def replies_pass_more_nodes_than_the_tables_say(lab: Lab) -> None:
    lab.ttls[WORKER, WORKER2] = 61


@broken("dns-broken", None)
def dns_answers_nobody(lab: Lab) -> None:
    lab.no_dns.update(lab.nodes)


@broken("dns-broken", WORKER)
def dns_does_not_answer_one_node(lab: Lab) -> None:
    lab.no_dns.add(WORKER)


@pytest.mark.parametrize("name", BROKEN)
def test_one_cause_is_one_finding_on_the_right_element(name: str) -> None:
    break_it, (code, node, pod) = BROKEN[name]
    lab = Lab()
    break_it(lab)
    finding = the_finding(lab)
    assert (finding.code, finding.node, finding.pod) == (code, node, pod), finding.message
    assert finding.evidence
    assert "{" not in finding.remedy


def test_every_code_of_the_catalogue_is_tried() -> None:
    assert {code for _break, (code, _node, _pod) in BROKEN.values()} == CATALOGUE.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_is_found_in_one_family_of_two(name: str) -> None:
    break_it, (code, node, pod) = BROKEN[name]
    lab = Lab(ipv6=True)
    break_it(lab)
    verdict = judge(lab.snapshot())
    assert (code, node, pod) in [(finding.code, finding.node, finding.pod) for finding in verdict.findings], told(
        verdict
    )


# What is said.


SECOND = "60: eth1: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n"


@pytest.mark.parametrize(
    ("device", "link", "row"),
    [
        ("lo", "", ""),
        ("eth0", "", ""),
        ("tunl0", "60: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue state UNKNOWN\n", ""),
        ("veth1234", "", ""),  # not among the links: a pod's
        ("eth1", f"{SECOND}    inet 10.9.0.4/24 scope global eth1\n", f"{BLOCK} via 10.9.0.4 dev eth1"),
        ("eth1", f"{SECOND}    inet 172.18.9.4/16 scope global eth1\n", ""),
        ("eth1", f"{SECOND}    inet 192.168.0.7/16 scope global eth1\n", ""),  # a secondary ENI of AWS
        ("eth1", SECOND, "default via 172.18.0.1 dev eth1"),
        ("eth1", SECOND, "default via 172.18.0.1 dev eth1 table default"),
    ],
)
def test_a_rule_for_a_device_at_which_packets_of_pods_or_nodes_come_in_is_a_fault(
    device: str, link: str, row: str
) -> None:
    lab = Lab()
    lab.worker.printed["ip addr"] += link
    if row.startswith("default"):
        lab.delete_route(WORKER, "default")
        lab.add_route(WORKER, row)
    elif row:
        lab.replace_route(WORKER2, BLOCK, row)
    lab.edit(WORKER, "ip rule", "32766:", f"100:\tfrom all to {BLOCK2} iif {device} blackhole\n32766:")
    codes = {finding.code for finding in judge(lab.snapshot()).findings}
    assert codes == {"ip-rule-override"}


def test_a_missing_route_is_shown_beside_that_of_another_node() -> None:
    lab = Lab()
    a_block_route_is_deleted(lab)
    finding = the_finding(lab)
    assert finding.message == f"{WORKER} has no route to the pods of {WORKER2} ({BLOCK2})"
    assert finding.evidence[:2] == (
        "default via 172.18.0.1 dev eth0",
        f"on {CONTROL}: {BLOCK2} via 172.18.0.2 dev eth0 proto 80 onlink",
    )
    assert WORKER in finding.remedy


@pytest.mark.parametrize(
    ("name", "node", "does"),
    [
        (
            "a_block_route_is_deleted_that_also_leads_to_a_borrowed_address",
            CONTROL,
            "has no route to the pods of {} ({})",
        ),
        (
            "a_block_route_is_deleted_that_leads_to_a_borrowed_address_in_a_larger_cluster",
            CONTROL,
            "has no route to the pods of {} ({})",
        ),
        (
            "a_block_that_a_borrowed_address_is_from_goes_to_an_address_that_nobody_has",
            CONTROL,
            "sends packets for the pods of {} ({}) to 172.18.0.99, which is no node's address",
        ),
        (
            "all_nodes_lose_their_route_to_one_that_lends_an_address",
            "no other node",
            "has a route to the pods of {} ({})",
        ),
    ],
)
def test_a_row_to_a_block_is_told_of_the_node_that_the_block_belongs_to(name: str, node: str, does: str) -> None:
    lab = Lab()
    BROKEN[name][0](lab)
    assert the_finding(lab).message == f"{node} {does.format(WORKER2, BLOCK2)}"


def test_lost_packets_are_evidence_of_the_route_that_lost_them() -> None:
    lab = Lab()
    a_pod_route_is_deleted(lab)
    assert (
        f"ping from pod probes/probe-a to pod default/bb1 ({BB1}): 0 of 2 packets came back"
        in the_finding(lab).evidence
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            f"{BLOCK2} via 172.18.0.3 dev eth0",
            f"{WORKER} sends packets for the pods of {WORKER2} ({BLOCK2}) to {CONTROL}",
        ),
        (
            f"{BLOCK2} via 172.18.0.99 dev eth0",
            f"{WORKER} sends packets for the pods of {WORKER2} ({BLOCK2}) to 172.18.0.99, which is no node's address",
        ),
        (f"unreachable {BLOCK2}", f"{WORKER} drops packets for the pods of {WORKER2} ({BLOCK2})"),
    ],
)
def test_the_message_says_where_packets_go(row: str, message: str) -> None:
    lab = Lab()
    lab.replace_route(WORKER, BLOCK2, row)
    assert the_finding(lab).message == message


@pytest.mark.parametrize(
    ("name", "message", "evidence"),
    [
        (
            "two_nodes_claim_a_block",
            f"{WORKER} claims {BLOCK2} for its own pods, and so does {WORKER2}",
            [f"on {WORKER}: blackhole {BLOCK2} proto 80", f"on {WORKER2}: blackhole {BLOCK2} proto 80"],
        ),
        (
            "all_nodes_claim_a_block",
            f"{CONTROL}, {WORKER} claim {BLOCK2} for their own pods, and so does {WORKER2}",
            [f"on {node}: blackhole {BLOCK2} proto 80" for node in (CONTROL, WORKER, WORKER2)],
        ),
        (
            "a_node_claims_the_blocks_of_all_others",
            f"{WORKER} claims 192.168.112.0/20, which overlaps with 192.168.112.0/26, {BLOCK2}, for its own pods, and so do"
            f" {WORKER2}, demo-worker3",
            [
                f"on {WORKER}: blackhole 192.168.112.0/20 proto 80",
                "on demo-worker3: blackhole 192.168.112.0/26 proto 80",
                f"on {WORKER2}: blackhole {BLOCK2} proto 80",
            ],
        ),
    ],
)
def test_all_who_claim_a_block_are_named(name: str, message: str, evidence: list[str]) -> None:
    lab = Lab()
    BROKEN[name][0](lab)
    finding = the_finding(lab)
    assert finding.message == message
    assert list(finding.evidence[: len(evidence)]) == evidence


def test_a_circle_is_told_of_the_block_that_goes_round() -> None:
    lab = Lab()
    two_nodes_take_each_other_for_the_way(lab)
    assert the_finding(lab).message == f"packets for {BLOCK2} go in a circle: {CONTROL} -> {WORKER} -> {CONTROL}"


def test_default_routes_that_are_of_no_use_are_shown() -> None:
    lab = Lab()
    a_default_route_that_drops_packets_has_a_lower_metric(lab)
    finding = the_finding(lab)
    assert finding.message == f"{WORKER} has no IPv4 default route that its packets leave by"
    assert finding.evidence == ("default via 172.18.0.1 dev eth0 proto dhcp metric 100", "blackhole default")


def test_ipv6_broken_alone_is_named_so() -> None:
    lab = Lab(ipv6=True)
    lab.delete_route(WORKER, "fd00:10:244:7940::/122", MAIN6)
    lab.lose_between(
        {ip for ip in lab.addresses_on(WORKER) if ":" in ip}, {ip for ip in lab.addresses_on(WORKER2) if ":" in ip}
    )
    finding = the_finding(lab)
    assert (finding.code, finding.node) == ("missing-block-route", WORKER)
    assert finding.message == f"{WORKER} has no route to the pods of {WORKER2} (fd00:10:244:7940::/122)"


def test_packets_of_one_family_lost_alone_are_named_so() -> None:
    lab = Lab(ipv6=True)
    lab.lose_between(
        {ip for ip in lab.addresses_on(WORKER) if ":" in ip}, {ip for ip in lab.addresses_on(WORKER2) if ":" in ip}
    )
    finding = the_finding(lab)
    assert finding.code == "packets-dropped"
    assert finding.message.startswith(f"IPv6 packets between {WORKER} and {WORKER2} are lost")


def test_promises_are_proved_by_packets_of_each_family() -> None:
    verdict = judge(Lab(ipv6=True).snapshot())
    assert {promise.state for promise in verdict.promises.values()} == {"proved"}
    for name in ("P1", "P2"):
        assert "probe pods by IPv4 and IPv6" in verdict.promises[name].rests_on
    assert judge(Lab().snapshot()).promises["P1"].rests_on.startswith("6 connections to 3 probe pods by IPv4, which")


def test_forwarding_that_is_off_for_all_is_told_by_the_setting_for_all_and_otherwise_by_those_of_devices() -> None:
    whole, part, pods = Lab(), Lab(), Lab()
    whole.worker.stop_forwarding()
    packets_of_other_nodes_are_not_forwarded(part)
    packets_of_the_pods_of_a_node_are_not_forwarded(pods)
    for lab, end, shown in (
        (whole, "", ["net.ipv4.ip_forward = 0"]),
        (part, " that come in at eth0", ["net.ipv4.conf.eth0.forwarding = 0"]),
    ):
        finding = the_finding(lab)
        assert finding.message == f"{WORKER} does not forward IPv4 packets{end}"
        assert [line for line in finding.evidence if " = " in line] == shown
    finding = the_finding(pods)
    assert finding.message.startswith(f"{WORKER} does not forward packets of 4 of its pods, which come in at cali")
    assert [line for line in finding.evidence if " = " in line] == [
        f"net.ipv4.conf.{pod.interface}.forwarding = 0" for pod in pods.worker.pods
    ]


def test_the_setting_for_all_counts_for_devices_whose_own_is_not_known() -> None:
    lab = Lab()
    del lab.worker.sysctls["net.ipv4.conf.eth0.forwarding"]
    assert judge(lab.snapshot()).findings == ()
    lab.worker.sysctls["net.ipv4.ip_forward"] = 0
    assert the_finding(lab).evidence[0] == "net.ipv4.ip_forward = 0"


def test_forwarding_that_is_off_for_some_pods_explains_only_what_these_lose_by_ipv4() -> None:
    lab = Lab(ipv6=True)
    for name in ("coredns-1", "coredns-2"):
        pod = lab.pod(f"kube-system/{name}")
        lab.worker.sysctls[f"net.ipv4.conf.{pod.interface}.forwarding"] = 0
        lose_pod(lab, pod.key)
    assert [finding.code for finding in judge(lab.snapshot()).findings] == ["ip-forward-disabled"]
    lose_pod(lab, "default/bb1")
    lab.lose(lambda source, target: lab.pod("kube-system/coredns-1").ip6 in (source, target))
    assert [(finding.code, finding.pod) for finding in judge(lab.snapshot()).findings] == [
        ("ip-forward-disabled", None),
        ("packets-dropped", "default/bb1"),
        ("packets-dropped", "kube-system/coredns-1"),
    ]


def test_forwarding_of_ipv6_is_looked_at_where_pods_have_it() -> None:
    for ipv6, codes in ((True, ["ip-forward-disabled"]), (False, [])):
        lab = Lab(ipv6=ipv6)
        lab.worker.sysctls["net.ipv6.conf.all.forwarding"] = 0
        assert [finding.code for finding in judge(lab.snapshot()).findings] == codes


# Several at once.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a_block_route_is_deleted", "a_pod_route_is_deleted"),
        ("a_block_route_is_deleted", "a_node_refuses_packets_for_its_own_pod"),
        ("a_block_goes_to_another_node", "a_longer_prefix_leads_to_another_node"),
        ("a_pod_route_is_deleted", "forwarding_is_switched_off"),
        ("two_nodes_claim_a_block", "proxy_arp_is_switched_off_for_a_pod"),
        ("a_bridge_is_in_the_service_range", "another_cni_was_left_behind"),
        ("the_nodes_end_of_a_pods_cable_is_switched_off", "a_default_route_is_deleted"),
        ("a_block_route_is_deleted", "a_node_puts_its_own_address_in_the_place_of_its_pods"),
        ("a_pod_route_is_deleted", "dns_answers_nobody"),
        ("packets_come_in_where_none_leave", "a_route_leads_to_a_pod_that_is_gone"),
        ("a_pod_does_not_answer", "no_pod_gets_outside"),
        ("a_block_route_is_deleted", "the_default_route_in_any_pod_is_deleted"),
        ("a_rule_refuses_a_block", "the_pods_of_a_node_do_not_get_outside"),
        ("a_bridge_has_another_nodes_block_inside_and_no_range_is_declared", "two_nodes_do_not_reach_each_other"),
        ("packets_come_in_where_none_leave", "dns_does_not_answer_one_node"),
        ("two_nodes_take_each_other_for_the_way", "a_node_refuses_packets_for_another_nodes_pod"),
        ("a_node_without_a_default_route_does_not_stand_in_for_its_pods_gateway", "another_pod_does_not_answer"),
        ("a_node_that_does_not_forward_does_not_stand_in_for_its_pods_gateway", "another_pod_does_not_answer"),
        ("connections_to_all_other_pods_end_at_the_node_itself", "a_node_reaches_another_one_through_a_third"),
    ],
)
def test_two_faults_at_once_are_both_named(first: str, second: str) -> None:
    lab = Lab()
    wanted = []
    for name in (first, second):
        break_it, element = BROKEN[name]
        break_it(lab)
        wanted.append(element)
    verdict = judge(lab.snapshot())
    assert sorted((finding.code, finding.node, finding.pod) for finding in verdict.findings) == sorted(wanted), told(
        verdict
    )


def test_a_third_node_that_takes_an_address_of_two_pods_for_its_own_does_so_by_itself() -> None:
    lab = Lab()
    two_pods_have_one_address(lab)
    another_node_takes_the_pod_for_its_own(lab)
    found = [(finding.code, finding.node) for finding in judge(lab.snapshot()).findings]
    assert found == [("duplicate-pod-ip", None), ("pod-on-wrong-node", CONTROL)]


# Tunnels, in which a node has another address than the one it is known by.


def in_tunnels() -> Lab:
    """The lab as Calico writes its tables for VXLAN: the first address of a block is the node's own end of the tunnel."""
    lab = Lab()
    ends = {node.name: node.block.partition("/")[0] for node in lab.nodes.values()}
    for node in lab.nodes.values():
        for other in lab.nodes.values():
            if other is not node:
                lab.replace_route(
                    node.name, other.block, f"{other.block} via {ends[other.name]} dev vxlan.calico onlink"
                )
        lab.add_route(
            node.name,
            f"local {ends[node.name]} dev vxlan.calico table local proto kernel scope host src {ends[node.name]}",
        )
        node.printed["ip addr"] += (
            "90: vxlan.calico: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default \n"
            f"    link/ether 66:00:00:00:00:{node.number:02x} brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535 \n"
            f"    vxlan id 4096 local {node.address} dev eth0 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300 \n"
            f"    inet {ends[node.name]}/32 scope global vxlan.calico\n       valid_lft forever preferred_lft forever\n"
        )
    return lab


def test_tunnels_are_healthy() -> None:
    assert judge(in_tunnels().snapshot()).verdict == "pass"


def test_a_row_that_a_node_lacks_also_loses_replies_to_the_other_ends_of_tunnels() -> None:
    lab = in_tunnels()
    lab.delete_route(WORKER, BLOCK2)
    lose_to_worker2(lab)
    lab.lose_between({lab.worker2.address}, lab.addresses_on(WORKER))  # which sends from its end of the tunnel
    finding = the_finding(lab)
    assert (finding.code, finding.node) == ("missing-block-route", WORKER)
    assert any(line.startswith(f"ping from node {WORKER2} to pod default/bb1") for line in finding.evidence)


def test_an_address_that_is_translated_on_a_detour_is_a_symptom_of_the_row_that_leads_there() -> None:
    lab = Lab()
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via {lab.nodes[CONTROL].address} dev eth0 proto 80 onlink")
    lab.masqueraded[f"{lab.worker.probe.ip} {lab.worker2.probe.ip}"] = lab.nodes[CONTROL].address
    verdict = judge(lab.snapshot())
    assert [finding.code for finding in verdict.findings] == ["wrong-next-hop"]
    assert verdict.promises["P1"].state == "refuted"
    assert any(f"saw {lab.nodes[CONTROL].address}" in line for line in verdict.findings[0].evidence)


def test_a_node_that_translates_its_own_connections_too_is_told_of_beside_the_row_that_leads_there() -> None:
    lab = Lab()
    control = lab.nodes[CONTROL]
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via {control.address} dev eth0 proto 80 onlink")
    for source in (lab.worker.probe.ip, control.probe.ip):
        lab.masqueraded[f"{source} {lab.worker2.probe.ip}"] = control.address
    assert {finding.code for finding in judge(lab.snapshot()).findings} == {"wrong-next-hop", "unexpected-snat"}
