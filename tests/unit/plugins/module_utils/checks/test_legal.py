# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is legal though it looks odd: none of it is a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Cluster,
    Node,
    NodeSnapshot,
    Pod,
    Policy,
    ProbeLookup,
    Snapshot,
)

from tests.unit.plugins.module_utils.checks.lab import MAIN4, MAIN6, OUTSIDE, Lab

WORKER, WORKER2, CONTROL = "demo-worker", "demo-worker2", "demo-control-plane"
BLOCK, BLOCK2 = "192.168.157.128/26", "192.168.121.64/26"
BB1 = "192.168.157.134"

LEGAL: dict[str, Callable[[Lab], object]] = {}


def legal(change: Callable[[Lab], object]) -> Callable[[Lab], object]:
    LEGAL[change.__name__] = change
    return change


@legal
def a_borrowed_address(lab: Lab) -> None:
    lab.add_pod("default", "borrower", WORKER, "192.168.121.100", 100)
    lab.print_node(lab.worker)
    lab.add_route(WORKER2, "192.168.121.100 via 172.18.0.4 dev eth0 proto 80 onlink")


@legal
def a_borrowed_address_that_all_nodes_have_a_route_for(lab: Lab) -> None:
    a_borrowed_address(lab)
    lab.add_route(CONTROL, "192.168.121.100 via 172.18.0.4 dev eth0 proto 80 onlink")


@legal
def several_blocks_on_a_node(lab: Lab) -> None:
    lab.add_pod("default", "other", WORKER, "192.168.9.3", 100)
    lab.print_node(lab.worker)
    lab.add_route(WORKER, "blackhole 192.168.9.0/26 proto 80")
    for node in (WORKER2, CONTROL):
        lab.add_route(node, "192.168.9.0/26 via 172.18.0.4 dev eth0 proto 80 onlink")


@legal
def other_bridges(lab: Lab) -> None:
    lab.add_route(WORKER, "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown")
    lab.add_route(WORKER, "172.20.0.0/16 dev br-1f2e3d proto kernel scope link src 172.20.0.1")
    lab.add_route(WORKER2, "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1")


@legal
def routes_of_an_admin(lab: Lab) -> None:
    lab.add_route(WORKER, "10.20.0.0/16 via 172.18.0.1 dev eth0")
    lab.add_route(WORKER, "203.0.113.7 via 172.18.0.1 dev eth0")
    lab.add_route(WORKER, "10.8.0.0/24 dev tun0 proto kernel scope link src 10.8.0.1")
    lab.add_route(WORKER, "blackhole 198.51.100.0/24")


@legal
def metrics(lab: Lab) -> None:
    for node in lab.nodes.values():
        node.printed[MAIN4] = node.printed[MAIN4].replace("scope link \n", "scope link metric 1024 \n")
        node.printed[MAIN4] = node.printed[MAIN4].replace("proto 80 onlink \n", "proto 80 metric 1024 onlink \n")


@legal
def several_next_hops_which_busybox_does_not_print(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2}  metric 20")


@legal
def a_row_with_a_larger_metric_is_wrong(lab: Lab) -> None:
    lab.add_route(WORKER, f"{BLOCK2} via 172.18.0.3 dev eth0 metric 512")


@legal
def routes_of_a_link_that_is_down(lab: Lab) -> None:
    lab.add_route(WORKER, f"{BLOCK2} via 172.19.0.3 dev eth1 dead linkdown")
    lab.add_route(WORKER, "10.85.0.0/16 dev cni0 proto kernel scope link src 10.85.0.1 linkdown")
    lab.add_route(WORKER2, "10.85.0.0/16 dev cni0 proto kernel scope link src 10.85.0.1 linkdown")


@legal
def another_table_that_no_rule_asks(lab: Lab) -> None:
    lab.add_route(WORKER, f"{BLOCK2} via 172.18.0.1 dev eth0 table 77")


@legal
def rules_of_a_vpn(lab: Lab) -> None:
    """Tailscale's rules and table, as it adds them."""
    for line in (
        "5210:\tfrom all fwmark 0x80000/0xff0000 lookup main",
        "5250:\tfrom all fwmark 0x80000/0xff0000 unreachable",
        "5270:\tfrom all lookup 52",
    ):
        lab.edit(WORKER, "ip rule", "32766:", f"{line}\n32766:")
    lab.add_route(WORKER, "100.100.100.100 dev tailscale0 table 52")


@legal
def rules_that_send_all_but_what_main_knows_to_a_vpn(lab: Lab) -> None:
    """WireGuard's wg-quick: everything goes to the tunnel that the main table has no row for but the default one."""
    lab.edit(
        WORKER,
        "ip rule",
        "32766:",
        "32764:\tfrom all lookup main suppress_prefixlength 0\n32765:\tnot from all fwmark 0xca6c lookup 51820\n32766:",
    )
    lab.add_route(WORKER, "default dev wg0 table 51820 scope link")


@legal
def rules_for_clients_of_a_vpn(lab: Lab) -> None:
    lab.edit(
        WORKER, "ip rule", "32766:", "100:\tfrom 10.8.0.0/24 lookup 100\n101:\tfrom all iif tun0 lookup 100\n32766:"
    )
    lab.edit(WORKER, "ip addr", "10: cali", "9: tun0: <POINTOPOINT,UP> mtu 1400 qdisc fq state UNKNOWN\n10: cali")
    lab.add_route(WORKER, "default via 172.18.0.1 dev eth0 table 100")


@legal
def rules_for_what_comes_in_at_a_second_uplink(lab: Lab) -> None:
    for node in lab.nodes.values():
        address = f"10.9.0.{node.number}"
        node.printed["ip addr"] += (
            f"60: eth1: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n    inet {address}/24 scope global eth1\n"
        )
        rules = f"100:\tfrom {address} lookup 200\n101:\tfrom all iif eth1 lookup 200"
        lab.edit(node.name, "ip rule", "32766:", f"{rules}\n32766:")
        lab.add_route(node.name, f"10.9.0.0/24 dev eth1 proto kernel scope link src {address}")
        lab.add_route(node.name, "default via 10.9.0.254 dev eth1 table 200")


@legal
def rules_for_clients_of_a_vpn_that_come_in_at_the_uplink(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom 10.8.0.0/24 iif eth0 blackhole\n32766:")


@legal
def rules_that_send_pods_packets_to_another_gateway_but_those_for_pods(lab: Lab) -> None:
    for node in lab.nodes.values():
        for source in ("192.168.0.0/16", node.address):
            rules = f"101:\tfrom {source} to 192.168.0.0/16 lookup main\n102:\tfrom {source} lookup 250\n"
            lab.edit(node.name, "ip rule", "32766:", f"{rules}32766:")
        lab.add_route(node.name, "default via 172.18.0.254 dev eth0 table 250")


@legal
def rules_of_a_host_in_a_vrf(lab: Lab) -> None:
    lab.edit(WORKER, "ip rule", "32766:", "1000:\tfrom all lookup [l3mdev-table]\n32766:")


@legal
def rules_that_ask_local_later(lab: Lab) -> None:
    """Cilium moves the rule for the table local and adds rules for its proxy."""
    lab.edit(
        WORKER,
        "ip rule",
        "0:\tfrom all lookup local",
        "9:\tfrom all fwmark 0x200/0xf00 lookup 2004\n100:\tfrom all lookup local",
    )
    lab.add_route(WORKER, "local default dev lo table 2004 proto kernel scope host")


@legal
def a_completed_pod(lab: Lab) -> None:
    """The API keeps the address of a pod that ended; another one may have it by now, or nobody."""
    lab.add_pod("default", "job", WORKER, BB1, 100).status["phase"] = "Succeeded"
    lab.add_pod("default", "job2", WORKER, "192.168.157.170", 101).status["phase"] = "Failed"


@legal
def a_pod_that_ends(lab: Lab) -> None:
    pod = lab.add_pod("default", "ending", WORKER, "192.168.157.170", 100)
    pod.status.update(deleting=True, ready=False)
    lab.lose(lambda source, target: target == pod.ip)


@legal
def the_route_of_a_pod_that_ends(lab: Lab) -> None:
    lab.add_pod("default", "ending", WORKER, "192.168.157.170", 100).status["deleting"] = True
    lab.print_node(lab.worker)


@legal
def the_route_of_a_pod_that_has_just_ended(lab: Lab) -> None:
    lab.add_pod("default", "done", WORKER, "192.168.157.170", 100).status["phase"] = "Succeeded"
    lab.print_node(lab.worker)


@legal
def a_pod_that_starts(lab: Lab) -> None:
    pod = lab.add_pod("default", "starting", WORKER, "192.168.157.170", 100)
    pod.status.update(ready=False, age=3)
    lab.lose(lambda source, target: target == pod.ip)


@legal
def the_route_of_a_pod_whose_address_the_api_does_not_know_yet(lab: Lab) -> None:
    lab.add_pod("default", "starting", WORKER, "192.168.157.170", 100).status.update(ready=False, phase="Pending")
    lab.print_node(lab.worker)
    lab.pod("default/starting").no_address = True


@legal
def a_node_that_joins(lab: Lab) -> None:
    """It has a block of its own already, of which the others have not heard."""
    joined = lab.add_node("demo-worker3", 5, "192.168.77.0/26")
    joined.ready = False
    for node in (WORKER, WORKER2, CONTROL):
        lab.delete_route(node, "192.168.77.0/26")


@legal
def a_nic_of_another_name(lab: Lab) -> None:
    for command in (MAIN4, "ip addr", "ip neigh"):
        lab.worker2.printed[command] = lab.worker2.printed[command].replace("eth0", "ens192")


@legal
def stars_in_a_traceroute(lab: Lab) -> None:
    lab.traces["probes/probe-b", "default/bb2"] = (
        "traceroute to 192.168.121.73 (192.168.121.73), 30 hops max, 46 byte packets\n"
        " 1  172.18.0.4  0.005 ms\n 2  *\n 3  192.168.121.73  0.005 ms\n"
    )


@legal
def a_router_that_answers_for_all_nodes(lab: Lab) -> None:
    for node in lab.nodes.values():
        lines = node.printed["ip neigh"].splitlines()
        node.printed["ip neigh"] = "".join(
            f"{' '.join(line.split()[:4])} 42:01:0a:80:00:01 REACHABLE \n" for line in lines
        )


@legal
def strict_filters_where_both_ways_use_one_device(lab: Lab) -> None:
    for node in lab.nodes.values():
        node.sysctls["net.ipv4.conf.all.rp_filter"] = 1


@legal
def forwarding_for_the_devices_of_pods_alone(lab: Lab) -> None:
    for node in lab.nodes.values():
        node.sysctls["net.ipv4.ip_forward"] = 0
        node.sysctls["net.ipv4.conf.docker0.forwarding"] = 0


@legal
def no_forwarding_at_the_port_of_a_bridge(lab: Lab) -> None:
    port = f"{lab.worker.probe.interface}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue "
    lab.edit(WORKER, "ip addr", port, f"{port}master podnet0 ")
    lab.worker.sysctls[f"net.ipv4.conf.{lab.worker.probe.interface}.forwarding"] = 0


@legal
def no_forwarding_where_programs_of_cilium_take_packets_on(lab: Lab) -> None:
    lab.edit(WORKER, "ip addr", f"{lab.worker.probe.interface}@", "lxc0123456789ab@")
    lab.replace_route(WORKER, lab.worker.probe.ip, f"{lab.worker.probe.ip} dev lxc0123456789ab scope link")
    lab.worker.sysctls["net.ipv4.conf.lxc0123456789ab.forwarding"] = 0


@legal
def no_way_out_for_anybody(lab: Lab) -> None:
    lab.lose(lambda source, target: target == OUTSIDE)


@legal
def pods_with_a_larger_mtu_than_a_container_engines(lab: Lab) -> None:
    veth = "90: veth9@if89: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue master docker0 state UP group default \n"
    lab.worker.printed["ip addr"] += veth


@legal
def an_address_more_in_a_pod(lab: Lab) -> None:
    inside = lab.worker.probe.inside
    assert inside is not None
    inside["ip addr"] += "    inet 10.77.0.5/24 scope global net1\n"


@legal
def a_tunnel_in_a_pod_that_is_down(lab: Lab) -> None:
    inside = lab.worker.probe.inside
    assert inside is not None
    inside["ip addr"] += "3: tunl0@NONE: <NOARP> mtu 1480 qdisc noop qlen 1000\n    link/ipip 0.0.0.0 brd 0.0.0.0\n"


@legal
def the_default_route_is_in_the_last_table(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 table default")


@legal
def the_default_route_is_in_a_table_that_a_rule_asks(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 table 100")
    lab.edit(WORKER, "ip rule", "32767:", "32766:\tfrom all lookup 100\n32767:")


@legal
def two_halves_stand_for_the_default_route(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "0.0.0.0/1 via 172.18.0.1 dev eth0")
    lab.add_route(WORKER, "128.0.0.0/1 via 172.18.0.1 dev eth0")


@legal
def a_default_route_that_drops_packets_when_there_is_no_other_one(lab: Lab) -> None:
    lab.add_route(WORKER, "unreachable default metric 4278198272")


@legal
def the_row_for_a_block_is_not_understood(lab: Lab) -> None:
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.2 dev eth0 proto 80 onlink colour red")


@legal
def a_row_for_several_blocks_is_not_understood(lab: Lab) -> None:
    lab.replace_route(
        WORKER, BLOCK2, "192.168.121.0/24 proto 80 colour red\n\tnexthop via 172.18.0.2 dev eth0 weight 1"
    )


@legal
def the_row_for_a_part_of_a_block_is_not_understood(lab: Lab) -> None:
    lab.add_route(WORKER, "blackhole 192.168.0.0/16")
    lab.replace_route(WORKER, BLOCK2, f"unicast {BLOCK2} via 172.18.0.2 dev eth0 proto 80 onlink colour red")


@legal
def the_row_for_a_pod_is_not_understood(lab: Lab) -> None:
    lab.replace_route(WORKER, BB1, f"{BB1} dev {lab.pod('default/bb1').interface} scope link colour red")


@legal
def the_default_row_is_not_understood(lab: Lab) -> None:
    lab.replace_route(WORKER, "default", "default via 172.18.0.1 dev eth0 colour red")


@legal
def a_table_of_its_own_for_wireguard(lab: Lab) -> None:
    """As Calico has it, beside its usual rows."""
    for node in lab.nodes.values():
        lab.edit(node.name, "ip rule", "32766:", "99:\tnot from all fwmark 0x200000/0x200000 lookup 1\n32766:")
        lab.add_route(node.name, f"throw {node.block} table 1 proto 80")
        for other in lab.nodes.values():
            if other is not node:
                lab.add_route(node.name, f"{other.block} dev wireguard.cali table 1 proto 80 scope link")


@legal
def one_mac_for_the_gateways_of_all_nodes(lab: Lab) -> None:
    """As Antrea writes it, whose switch knows where to."""
    for node in lab.nodes.values():
        lab.nodes[node.name].printed["ip addr"] += (
            "60: antrea-gw0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN\n"
            f"    link/ether 4e:00:00:00:00:{node.number:02x} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet 10.11.{node.number}.1/24 scope global antrea-gw0\n"
        )
        for other in lab.nodes.values():
            if other is not node:
                node.printed["ip neigh"] += (
                    f"10.11.{other.number}.1 dev antrea-gw0 lladdr aa:bb:cc:dd:ee:ff PERMANENT \n"
                )


@legal
def another_interface_of_a_node_answers_for_its_address(lab: Lab) -> None:
    lab.worker2.printed["ip addr"] += (
        "40: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n"
        "    link/ether 02:42:ac:12:00:f2 brd ff:ff:ff:ff:ff:ff\n    inet 172.18.1.2/16 scope global eth1\n"
    )
    lab.edit(WORKER, "ip neigh", f"lladdr {lab.worker2.mac}", "lladdr 02:42:ac:12:00:f2")


@legal
def another_interface_of_a_node_that_is_a_container(lab: Lab) -> None:
    lab.worker.printed["ip addr"] += (
        "77: eth1@if78: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue state UP group default \n"
        "    link/ether 02:42:ac:13:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0 minmtu 68 maxmtu 65535 \n"
    )


@legal
def a_narrow_vpn_of_an_admin_between_two_nodes(lab: Lab) -> None:
    for name, address in ((WORKER, "10.8.0.1"), (WORKER2, "10.8.0.2")):
        lab.nodes[name].printed["ip addr"] += (
            "70: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\n"
            f"    link/none \n    wireguard \n    inet {address}/24 scope global wg0\n"
        )
        lab.add_route(name, f"10.8.0.0/24 dev wg0 proto kernel scope link src {address}")
    lab.add_route(WORKER, "10.9.0.0/24 via 10.8.0.2 dev wg0")


@legal
def all_nodes_have_one_address_in_networks_of_their_own(lab: Lab) -> None:
    """As the first NIC of VirtualBox's machines: a node sends to its own pods from it, whose interfaces have no address."""
    for node in lab.nodes.values():
        node.printed["ip addr"] += (
            "80: nat0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n"
            "    link/ether 08:00:27:8d:c0:4d brd ff:ff:ff:ff:ff:ff\n    inet 10.0.2.15/24 scope global nat0\n"
        )
        lab.replace_route(node.name, "default", "default via 10.0.2.2 dev nat0")
        lab.add_route(node.name, "10.0.2.0/24 dev nat0 proto kernel scope link src 10.0.2.15")
        lab.masqueraded[f"{node.address} {node.probe.ip}"] = "10.0.2.15"


@legal
def routers_that_know_the_pods_of_all_nodes(lab: Lab) -> None:
    """As the switches of a rack do that announce themselves as the next hops of all that they know."""
    for node in lab.nodes.values():
        for other in lab.nodes.values():
            if other is not node:
                router = f"172.18.0.{251 + other.number % 2}"
                lab.replace_route(node.name, f"{other.block} via", f"{other.block} via {router} dev eth0 proto bird")


@legal
def a_wide_row_to_the_router_that_knows_the_pods(lab: Lab) -> None:
    for node in lab.nodes.values():
        for other in lab.nodes.values():
            if other is not node and node.name != CONTROL:
                lab.delete_route(node.name, f"{other.block} via")
        lab.add_route(node.name, "192.168.0.0/16 via 172.18.0.1 dev eth0 proto static")
    for block in (BLOCK, BLOCK2):
        lab.replace_route(CONTROL, f"{block} via", f"{block} via 172.18.0.1 dev eth0")


@legal
def nodes_have_their_addresses_on_lo_and_a_dummy_too_and_filter_strictly(lab: Lab) -> None:
    for node in lab.nodes.values():
        node.sysctls |= {"net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.eth0.rp_filter": 1}
        lab.edit(
            node.name, "ip addr", "scope host lo\n", f"scope host lo\n    inet {node.address}/32 scope global lo\n"
        )
        node.printed["ip addr"] += (
            "80: dummy0: <BROADCAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state UNKNOWN\n"
            "    link/ether 02:00:00:00:77:01 brd ff:ff:ff:ff:ff:ff\n    dummy \n"
            f"    inet {node.address}/32 scope global dummy0\n"
        )


@legal
def a_next_hop_whose_device_is_down_beside_a_right_one(lab: Lab) -> None:
    hops = "\tnexthop via 172.18.0.2 dev eth0 weight 1 \n\tnexthop via 172.18.0.3 dev eth1 weight 1 dead linkdown"
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} proto bird \n{hops}")


@legal
def floating_addresses_of_a_pod(lab: Lab) -> None:
    """As Calico writes them; to be told to the outside they must be in a pool, often one of their own."""
    lab.cluster = replace(lab.cluster, pod_ranges=(*lab.cluster.pod_ranges, "198.51.100.0/24"))
    for address in ("198.51.100.7", "203.0.113.7"):
        lab.add_route(WORKER, f"{address} dev {lab.pod('default/bb1').interface} scope link")


@legal
def a_second_network_of_a_pod(lab: Lab) -> None:
    """As the plugin ptp makes it for Multus."""
    lab.add_route(WORKER, "10.99.0.5 dev veth1a2b3c4d scope host")
    lab.worker.printed["ip addr"] += (
        "77: veth1a2b3c4d@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \n"
        "    veth \n    inet 10.99.0.1/32 scope global veth1a2b3c4d\n"
    )


@legal
def a_network_that_all_nodes_announce_by_bgp(lab: Lab) -> None:
    for node in lab.nodes:
        lab.add_route(node, "blackhole 203.0.113.0/24 proto bird")


@legal
def a_network_that_all_nodes_announce_and_no_range_is_declared(lab: Lab) -> None:
    a_network_that_all_nodes_announce_by_bgp(lab)
    lab.cluster = replace(lab.cluster, pod_ranges=())


@pytest.mark.parametrize("name", LEGAL)
def test_it_is_no_finding(name: str) -> None:
    lab = Lab()
    LEGAL[name](lab)
    verdict = judge(lab.snapshot())
    assert [(finding.code, finding.message) for finding in verdict.findings] == []


@pytest.mark.parametrize("name", LEGAL)
def test_it_hides_no_fault_elsewhere(name: str) -> None:
    lab = Lab()
    LEGAL[name](lab)
    lab.replace_route(CONTROL, f"{BLOCK} via", f"{BLOCK} via 172.18.0.2 dev eth0")
    assert [(finding.code, finding.node) for finding in judge(lab.snapshot()).findings] == [("wrong-next-hop", CONTROL)]


def test_a_cordoned_node_is_as_good_as_any() -> None:
    snapshot = Lab().snapshot()
    nodes = tuple(replace(node, node=replace(node.node, schedulable=False)) for node in snapshot.nodes)
    assert judge(replace(snapshot, nodes=nodes)).verdict == "pass"


def test_a_node_that_is_gone_needs_no_routes_and_leaves_the_promises_open() -> None:
    lab = Lab()
    gone = NodeSnapshot(
        Node("gone", ("172.18.0.9",), ready=False),
        (Pod("default", "lost", "gone", ("192.168.33.4",)),),
        unread={"ip addr": "no way to it"},
    )
    snapshot = lab.snapshot()
    verdict = judge(replace(snapshot, nodes=(*snapshot.nodes, gone)))
    assert verdict.findings == ()
    assert verdict.verdict == "incomplete"
    assert verdict.promises["P1"].reason == "there is no probe on gone"


def test_what_tables_still_have_for_pods_of_a_node_that_is_gone_is_no_finding() -> None:
    for address in ("192.168.157.180", "192.168.33.4"):  # from the worker's block, and from a block that nobody has now
        lab = Lab()
        for name in lab.nodes:
            lab.add_route(name, "unreachable 192.168.0.0/16 proto static")
        pod = Pod("default", "lost", "gone", (address,), ready=False)
        gone = NodeSnapshot(Node("gone", ("172.18.0.9",), ready=False), (pod,), unread={"ip addr": "no way to it"})
        snapshot = lab.snapshot()
        assert judge(replace(snapshot, nodes=(*snapshot.nodes, gone))).findings == ()


@pytest.mark.parametrize(("next_hop", "codes"), [("10.56.0.2", []), ("172.18.0.99", ["next-hop-not-a-node"])])
def test_a_next_hop_in_another_network_may_be_an_address_of_a_node_that_could_not_be_read(
    next_hop: str, codes: list[str]
) -> None:
    lab = Lab()
    lab.worker.printed["ip addr"] += (
        "80: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n    inet 10.56.0.4/24 scope global eth1\n"
    )
    lab.add_route(WORKER, "10.56.0.0/24 dev eth1 proto kernel scope link src 10.56.0.4")
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via {next_hop} dev eth1")
    snapshot = lab.snapshot()
    nodes = tuple(
        replace(node, printed={}, unread={"ip addr": "no way to it"}) if node.node.name == WORKER2 else node
        for node in snapshot.nodes
    )
    assert [finding.code for finding in judge(replace(snapshot, nodes=nodes)).findings] == codes


def test_one_reply_from_outside_shows_that_pods_get_there_though_another_is_lost() -> None:
    for received, codes in ((1, []), (0, ["missing-egress-snat"])):
        snapshot = Lab().snapshot()
        for node in snapshot.nodes:
            for ping in node.probe.pings if node.probe else ():
                if ping.address == OUTSIDE:
                    ping.received, ping.retried = received, True
        assert [finding.code for finding in judge(snapshot).findings] == codes


def test_a_row_that_is_not_understood_is_told_and_refutes_nothing() -> None:
    lab = Lab()
    the_row_for_a_block_is_not_understood(lab)
    verdict = judge(lab.snapshot())
    assert {promise.state for promise in verdict.promises.values()} == {"proved"}  # by packets
    assert (f"{MAIN4} of node {WORKER}", WORKER) in [(item.what, item.node) for item in verdict.not_proved]
    assert "for 2 pairs of them" in " ".join(item.what for item in verdict.not_proved)


def test_a_row_that_is_not_understood_does_not_excuse_one_that_wins_over_it() -> None:
    lab = Lab()
    lab.replace_route(WORKER, BLOCK2, f"{BLOCK2} via 172.18.0.3 dev eth0")
    lab.add_route(WORKER, "192.168.0.0/16 via 172.18.0.2 dev eth0 colour red")
    assert [finding.code for finding in judge(lab.snapshot()).findings] == ["wrong-next-hop"]


def test_nodes_without_ipv4_need_no_default_route_for_it_before_any_pod_runs() -> None:
    printed = {
        MAIN4: "local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 \n",
        MAIN6: "default via fc00::ff dev eth0 metric 1024 pref medium\n",
    }
    for addresses, codes in ((("fc00::1",), []), (("fc00::1", "172.18.0.4"), ["no-default-route"])):
        node = NodeSnapshot(Node("one", addresses), printed=printed)
        verdict = judge(Snapshot(Cluster("demo", "2026-11-23T12:00:00Z"), (node,)))
        assert [finding.code for finding in verdict.findings] == codes


def test_a_pod_without_ipv4_needs_no_forwarding_of_it() -> None:
    for ips, codes in ((("fd00::5",), []), (("fd00::5", "10.0.0.5"), ["ip-forward-disabled"])):
        node = NodeSnapshot(
            Node("one", ("fc00::1",)),
            (Pod("default", "web", "one", ips),),
            printed={
                MAIN6: "default via fc00::ff dev eth0 metric 1024 pref medium\nfd00::5 dev veth5 metric 1024 pref medium\n",
                "ip addr": "5: veth5@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\n",
            },
            sysctls={"net.ipv4.conf.veth5.forwarding": 0},
        )
        verdict = judge(Snapshot(Cluster("demo", "2026-11-23T12:00:00Z"), (node,)))
        assert [finding.code for finding in verdict.findings] == codes


# Policies.


def deny(**selector: object) -> Policy:
    return Policy("NetworkPolicy", "deny", "default", selector, ("Ingress",))


def test_what_a_policy_may_forbid_is_not_proved() -> None:
    lab = Lab()
    lab.forbid(deny())
    lab.lose(lambda source, target: target == BB1)
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    assert [(item.what, item.reason) for item in verdict.not_proved] == [
        ("6 ways between pods", "policy: NetworkPolicy default/deny may forbid them")
    ]


@pytest.mark.parametrize(
    "policy",
    [
        deny(matchLabels={"app": "other"}),
        replace(deny(), namespace="elsewhere"),
        replace(deny(), types=("Egress",)),
    ],
)
def test_a_policy_for_other_pods_excuses_nothing(policy: Policy) -> None:
    lab = Lab()
    lab.forbid(policy)
    lab.lose(lambda source, target: target == BB1)
    assert [finding.code for finding in judge(lab.snapshot()).findings] == ["packets-dropped"]


def test_a_policy_of_a_kind_that_is_not_read_may_be_for_any_pod() -> None:
    lab = Lab()
    lab.forbid(Policy("GlobalNetworkPolicy", "quarantine"))
    lab.lose(lambda source, target: target == BB1)
    assert judge(lab.snapshot()).findings == ()


def test_a_policy_does_not_excuse_a_missing_route() -> None:
    lab = Lab()
    lab.forbid(deny())
    lab.delete_route(WORKER, BB1)
    lab.lose(lambda source, target: target == BB1)
    assert [finding.code for finding in judge(lab.snapshot()).findings] == ["missing-pod-route"]


def test_egress_that_a_policy_may_forbid_is_not_proved() -> None:
    lab = Lab()
    lab.forbid(Policy("NetworkPolicy", "no-egress", "probes", {}, ("Egress",)))
    lab.lose(lambda source, target: target == OUTSIDE and source.startswith("192."))
    lab.no_dns.add(WORKER)
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    assert {item.what for item in verdict.not_proved} == {
        "the cluster's DNS on demo-worker",
        *(f"the way of pods on {node} to {OUTSIDE}, outside the cluster" for node in lab.nodes),
    }


def test_a_policy_of_the_pods_that_answer_for_dns_leaves_it_open() -> None:
    lab = Lab()
    lab.no_dns.update(lab.nodes)
    lab.forbid(replace(deny(matchLabels={"k8s-app": "kube-dns"}), namespace="kube-system"))
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    assert "the cluster's DNS on demo-worker" in {item.what for item in verdict.not_proved}


def test_dns_that_does_not_know_the_name_answers() -> None:
    snapshot = Lab().snapshot()
    unknown = ProbeLookup("kubernetes.default", error="** server can't find kubernetes.default: NXDOMAIN")
    nodes = [replace(node, probe=node.probe and replace(node.probe, lookups=(unknown,))) for node in snapshot.nodes]
    verdict = judge(replace(snapshot, nodes=tuple(nodes)))
    assert verdict.findings == ()
    assert {item.reason for item in verdict.not_proved} == {
        "it answers, but does not know kubernetes.default: say in dns_name what it knows"
    }


# What could not be read.


def test_a_rule_for_a_device_of_a_node_whose_links_could_not_be_read_need_not_be_for_a_pods() -> None:
    lab = Lab()
    del lab.worker.printed["ip addr"]
    lab.edit(WORKER, "ip rule", "32766:", "100:\tfrom all iif tun0 blackhole\n32766:")
    assert judge(lab.snapshot()).findings == ()


def test_a_node_that_cannot_be_read_may_send_from_an_address_that_nobody_else_has() -> None:
    lab = Lab()
    lab.worker.printed.clear()
    lab.masqueraded[lab.worker.address] = BLOCK.partition("/")[0]
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    assert (verdict.promises["P1"].state, verdict.promises["P2"].state) == ("proved", "not_proved")


def test_a_table_of_a_pod_that_is_not_understood_is_not_one_without_a_default_route() -> None:
    lab = Lab()
    inside = lab.worker.probe.inside
    assert inside is not None
    inside["ip -4 route"] = "default via 169.254.1.1 dev eth0 colour red \n169.254.1.1 dev eth0 scope link \n"
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    assert [(item.what, item.reason) for item in verdict.not_proved] == [
        ("the table of pod probes/probe-b", "not understood: default via 169.254.1.1 dev eth0 colour red")
    ]


@pytest.mark.parametrize("line", ["100:\tfrom all to 10.8.0.0/24 colour red\n32766:", None])
def test_the_tables_of_a_node_whose_rules_are_not_all_known_prove_nothing(line: str | None) -> None:
    lab = Lab()
    if line is None:
        lab.worker.printed.pop("ip rule")
    else:
        lab.edit(WORKER, "ip rule", "32766:", line)
    verdict = judge(lab.snapshot())
    assert verdict.findings == ()
    coverage = verdict.coverage
    assert coverage.pairs_by_routes == coverage.pairs * (coverage.nodes - 1) // coverage.nodes
    assert any("a rule that is not known" in item.reason for item in verdict.not_proved)


def test_a_way_through_a_site_that_tables_do_not_show_is_not_compared_with_the_way_back() -> None:
    def at(name: str, address: str, *rows: str) -> NodeSnapshot:
        net = address.rpartition(".")[0]
        rows = (f"default via {net}.254 dev eth0", f"{net}.0/24 dev eth0 proto kernel scope link src {address}", *rows)
        own = f"local {address} dev eth0 table local proto kernel scope host src {address}"
        link = f"2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc fq state UP\n    inet {address}/24 scope global eth0\n"
        printed = {MAIN4: "".join(f"{row} \n" for row in (*rows, own)), "ip addr": link}
        return NodeSnapshot(Node(name, (address,)), printed=printed)

    nodes = (
        at("a1", "10.1.0.1", "10.2.0.0/24 via 10.1.0.2 dev eth0"),
        at("a2", "10.1.0.2", "10.2.0.0/24 dev wg0 scope link"),
        at("b1", "10.2.0.1"),
    )
    assert judge(Snapshot(Cluster("sites", "2026-11-23T12:00:00Z"), nodes)).findings == ()


def test_nodes_that_reach_each_other_by_a_router_may_have_two_halves_for_a_default_route() -> None:
    def at(name: str, addresses: tuple[str, ...], *rows: str) -> NodeSnapshot:
        router = f"{addresses[0].rpartition('.')[0]}.254"
        lines = [f"0.0.0.0/1 via {router} dev eth0", f"128.0.0.0/1 via {router} dev eth0", *rows]
        links = ""
        for number, address in enumerate(addresses):
            dev = f"eth{number}"
            lines.append(f"{address.rpartition('.')[0]}.0/24 dev {dev} proto kernel scope link src {address}")
            lines.append(f"local {address} dev {dev} table local proto kernel scope host src {address}")
            links += f"{number + 2}: {dev}: <UP,LOWER_UP> mtu 1500 state UP\n    inet {address}/24 scope global {dev}\n"
        printed = {MAIN4: "".join(f"{line} \n" for line in lines), "ip addr": links}
        return NodeSnapshot(Node(name, addresses[:1]), printed=printed)

    nodes = (
        at("a1", ("10.1.0.1",), "10.2.0.0/24 via 10.1.0.2 dev eth0"),
        at("a2", ("10.1.0.2", "10.2.0.2")),
        at("b1", ("10.2.0.1",)),
    )
    assert judge(Snapshot(Cluster("sites", "2026-11-23T12:00:00Z"), nodes)).findings == ()


@pytest.mark.parametrize("selector", [{"matchLabels": ["a"]}, {"matchExpressions": ["a"]}])
def test_a_selector_that_is_not_understood_may_be_for_any_pod(selector: dict[str, object]) -> None:
    lab = Lab()
    lab.forbid(deny(**selector))
    lab.lose(lambda source, target: target == BB1)
    assert judge(lab.snapshot()).findings == ()


def test_a_pod_that_stands_twice_in_an_edited_snapshot_is_told_of_as_two_with_one_address() -> None:
    snapshot = Lab().snapshot()
    twice = [replace(node, pods=(*node.pods, *node.pods)) for node in snapshot.nodes]
    codes = {finding.code for finding in judge(replace(snapshot, nodes=tuple(twice))).findings}
    assert codes == {"duplicate-pod-ip"}
