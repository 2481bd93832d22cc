"""What single rows are said to be for, above all where a rash reader would be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.explain import ExplainedRoute, explain_routes
from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import pod_interface_name
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Node, Pod
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

WORKER = Node("demo-worker", ("172.18.0.4", "fc00::4"), ("10.244.1.0/24", "fd00:10:244:1::/64"))
WORKER2 = Node("demo-worker2", ("172.18.0.2", "fc00::2"), ("10.244.2.0/24", "fd00:10:244:2::/64"))
CONTROL = Node("demo-control-plane", ("172.18.0.3", "fc00::3"), ("10.244.0.0/24",))
NODES = (WORKER, WORKER2, CONTROL)
BB1 = Pod("default", "bb1", "demo-worker", ("192.168.157.134",))
BB2 = Pod("default", "bb2", "demo-worker2", ("192.168.121.73",))
PODS = (BB1, BB2)

BLOCK = "blackhole 192.168.157.128/26 proto 80\n192.168.157.129 dev cali0cf1c4ecf1f scope link\n"


def table(text: str, pods: Sequence[Pod] = PODS, nodes: Sequence[Node] = NODES) -> list[ExplainedRoute]:
    parsed = parse_ip_route(text)
    assert not parsed.unparsed
    return explain_routes(parsed.routes, WORKER, AddressBook(nodes, pods))


def last(text: str, pods: Sequence[Pod] = PODS, nodes: Sequence[Node] = NODES) -> ExplainedRoute:
    return table(text, pods, nodes)[-1]


def test_the_lab_table_is_explained_as_the_lab_explains_it() -> None:
    text = """\
default via 172.18.0.1 dev eth0
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4
192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink
blackhole 192.168.157.128/26 proto 80
192.168.157.129 dev cali0cf1c4ecf1f scope link
192.168.157.130 dev cali8613303cd04 scope link
192.168.157.134 dev cali98fd8882b62 scope link
192.168.210.0/26 via 172.18.0.3 dev eth0 proto 80 onlink
"""
    by_dst = {row.route.dst: row for row in table(text)}
    pod = by_dst["192.168.157.134/32"]
    assert (pod.purpose, pod.pod, pod.computed_interface) == ("local_pod", "default/bb1", True)
    assert pod.text == "pod default/bb1 is reached through its interface cali98fd8882b62"
    block = by_dst["192.168.157.128/26"]
    assert (block.purpose, block.node) == ("own_block", "demo-worker")
    assert "is this node's own block of pod addresses" in block.text
    assert [(by_dst[dst].purpose, by_dst[dst].node) for dst in ("192.168.210.0/26", "192.168.121.64/26")] == [
        ("remote_block", "demo-control-plane"),
        ("remote_block", "demo-worker2"),
    ]
    assert by_dst["192.168.121.64/26"].text == (
        "pods of demo-worker2 (192.168.121.64/26) are reached through that node, 172.18.0.2"
    )


# Pods of this node.


def test_a_metric_changes_nothing_for_a_pod_row() -> None:
    row = last("192.168.157.134 dev cali98fd8882b62 scope link metric 1024")
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", "default/bb1", True)


def test_an_interface_with_another_name_than_the_computed_one_is_told() -> None:
    row = last("192.168.157.134 dev cali00000000000 scope link")
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", "default/bb1", False)
    assert "cali00000000000" in row.text
    assert "cali98fd8882b62" in row.text


def test_where_no_name_is_computed_the_row_itself_ties_pod_and_interface() -> None:
    row = last("192.168.157.134 dev veth87514986 scope host")
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", "default/bb1", None)


def test_pods_on_one_shared_device_have_no_interface_of_their_own() -> None:
    row = last("192.168.157.134 dev antrea-gw0 scope link")
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", "default/bb1", None)
    assert row.text.endswith("through antrea-gw0, which this node's pods share")


def test_a_pod_interface_that_no_known_pod_has_is_said_to_be_just_that() -> None:
    row = last("192.168.157.129 dev cali0cf1c4ecf1f scope link")
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", None, None)
    assert row.text == "192.168.157.129 leads to the pod interface cali0cf1c4ecf1f; no known pod holds this address"


def test_an_address_that_a_pod_does_not_report_yet_is_tied_to_it_by_its_interface() -> None:
    starting = Pod("default", "bb1", "demo-worker")
    row = last("192.168.157.134 dev cali98fd8882b62 scope link", [starting])
    assert (row.purpose, row.pod, row.computed_interface) == ("local_pod", "default/bb1", True)
    assert "does not report this address" in row.text


def test_a_local_interface_for_a_pod_that_runs_elsewhere_is_no_local_pod() -> None:
    row = last("192.168.121.73 dev cali0cf1c4ecf1f scope link")
    assert (row.purpose, row.pod, row.node) == ("other", "default/bb2", "demo-worker2")
    assert (
        row.text
        == "pod default/bb2, 192.168.121.73, runs on demo-worker2, yet its packets go out through cali0cf1c4ecf1f"
    )


@pytest.mark.parametrize(
    "way",
    [
        "via 172.18.0.2 dev eth1",
        "dev eth0 scope link",
        "via 172.18.0.2 dev tunl0 onlink",
        "dev tunl0 scope link",
        "\n\tnexthop via 172.18.0.2 dev eth1 weight 1 dead\n\tnexthop via 172.18.0.3 dev eth1 weight 1 dead",
    ],
)
def test_a_pod_of_this_node_that_is_sent_away_is_no_local_pod(way: str) -> None:
    row = last(f"default via 172.18.0.1 dev eth0\n192.168.157.134 {way}")
    assert (row.purpose, row.pod) == ("other", "default/bb1")
    assert "runs on this node, yet its packets go" in row.text


def test_a_pod_of_this_node_that_is_sent_out_at_a_further_uplink_is_no_local_pod() -> None:
    row = last("default via 172.19.0.1 dev eth1 table 2\n192.168.157.134 dev eth1 scope link")
    assert (row.purpose, row.pod) == ("other", "default/bb1")


def test_of_two_pods_that_report_an_address_the_interface_names_the_right_one() -> None:
    pods = [Pod("default", "old", "demo-worker", BB1.ips), BB1]
    assert last("192.168.157.134 dev cali98fd8882b62 scope link", pods).pod == "default/bb1"


def test_two_pods_that_report_one_address_and_nothing_to_choose_by_are_both_named() -> None:
    row = last("192.168.157.134 dev veth1 scope link", [Pod("default", "old", "demo-worker", BB1.ips), BB1])
    assert (row.purpose, row.pod) == ("other", None)
    assert "default/bb1, default/old" in row.text


def test_pods_that_have_ended_hold_no_address() -> None:
    row = last(
        "192.168.157.134 dev cali00000000000 scope link",
        [Pod("default", "job", "demo-worker", BB1.ips, phase="Succeeded")],
    )
    assert row.pod is None


@pytest.mark.parametrize(
    "way", ["via 172.18.0.2 dev eth0", "via 172.18.0.1 dev eth0", "dev cali98fd8882b62 scope link"]
)
def test_a_pod_with_an_address_and_no_node_is_not_placed_anywhere(way: str) -> None:
    row = last(f"192.168.157.134 {way}", [Pod("default", "bb1", None, BB1.ips)])
    assert (row.purpose, row.pod, row.node) == ("other", "default/bb1", None)
    assert "is on no node yet" in row.text


def test_an_address_of_a_block_on_a_device_that_is_no_pod_interface_is_no_pod_and_not_lent() -> None:
    assert last(f"{BLOCK}192.168.157.150 dev eth1 scope link").purpose == "other"


def test_a_pod_on_the_host_network_does_not_own_its_nodes_address() -> None:
    agent = Pod("kube-system", "calico-node", "demo-worker2", ("172.18.0.2",), host_network=True)
    row = last("172.18.0.2 dev eth0 scope link", [agent])
    assert (row.purpose, row.pod, row.node) == ("node_network", None, "demo-worker2")


def test_ipv6_pods_and_blocks_are_explained_like_those_of_ipv4() -> None:
    pods = [Pod("default", "bb1", "demo-worker", ("192.168.157.134", "fd00:10:244:9d80:0::6"))]
    rows = table(
        "fd00:10:244:9d80::6 dev cali98fd8882b62 metric 1024 pref medium\n"
        "blackhole fd00:10:244:9d80::/122 dev lo proto 80 metric 1024 pref medium\n"
        "fd00:10:244:7940::/122 via fc00::2 dev eth0 proto 80 metric 1024 onlink pref medium\n",
        pods,
    )
    assert [(row.purpose, row.pod, row.node) for row in rows] == [
        ("local_pod", "default/bb1", "demo-worker"),
        ("own_block", None, "demo-worker"),
        ("remote_block", None, "demo-worker2"),
    ]


# Blocks of this node.


def test_a_node_may_have_several_blocks() -> None:
    rows = table("blackhole 192.168.157.128/26 proto 80\nblackhole 192.168.200.0/26 proto 80")
    assert [row.purpose for row in rows] == ["own_block", "own_block"]


def test_a_blackhole_that_busybox_prints_without_a_protocol_is_a_block_when_pod_rows_lie_in_it() -> None:
    row = table("blackhole 192.168.157.128/26\n192.168.157.129 dev cali0cf1c4ecf1f scope link")[0]
    assert row.purpose == "own_block"


def test_a_blackhole_with_nothing_to_show_for_it_is_no_block() -> None:
    row = last("blackhole 192.168.210.0/26", [])
    assert row.purpose == "other"
    assert row.text == "packets for 192.168.210.0/26 are dropped unless a longer prefix matches"


def test_a_blackhole_around_blocks_is_no_block_itself() -> None:
    row = table("blackhole 192.168.0.0/16\n192.168.157.129 dev cali0cf1c4ecf1f scope link", [])[0]
    assert row.purpose == "other"


def test_a_blackhole_of_another_size_without_calicos_protocol_is_no_block() -> None:
    row = table("blackhole 192.168.144.0/20\n192.168.157.129 dev cali0cf1c4ecf1f scope link", [])[0]
    assert row.purpose == "other"


def test_rows_that_were_removed_prove_nothing_about_others() -> None:
    row = table("blackhole 192.168.157.128/26\nDeleted 192.168.157.129 dev cali0cf1c4ecf1f scope link", [])[0]
    assert row.purpose == "other"


def test_an_unreachable_network_with_pod_rows_in_it_is_no_block() -> None:
    row = table("unreachable 192.168.157.128/26\n192.168.157.129 dev cali0cf1c4ecf1f scope link")[0]
    assert (
        row.text
        == "packets for 192.168.157.128/26 are refused as unreachable, though pods of demo-worker have addresses in it"
    )


def test_a_blackhole_over_the_service_network_is_no_block() -> None:
    assert last("blackhole 10.96.0.0/12 proto bird").purpose == "other"


def test_a_block_blackholed_here_whose_pods_run_elsewhere_is_not_this_nodes() -> None:
    row = last("blackhole 192.168.121.64/26 proto 80")
    assert (row.purpose, row.node) == ("other", None)
    assert row.text == "packets for 192.168.121.64/26 are dropped, though pods of demo-worker2 have addresses in it"


def test_a_block_that_lends_an_address_stays_this_nodes() -> None:
    borrower = Pod("default", "borrower", "demo-worker2", ("192.168.157.150",))
    row = table(BLOCK, [*PODS, borrower])[0]
    assert (row.purpose, row.node) == ("own_block", "demo-worker")


def test_a_bridges_network_with_pods_of_another_node_is_not_this_nodes_block() -> None:
    row = last(
        "10.244.2.0/24 dev cni0 proto kernel scope link src 10.244.2.1",
        [Pod("default", "bb2", "demo-worker2", ("10.244.2.7",))],
    )
    assert row.purpose == "other"
    assert "pods of demo-worker2 have addresses in it" in row.text


def test_a_connected_network_that_is_the_nodes_pod_cidr_is_its_block_whatever_the_bridge_is_called() -> None:
    row = last("10.244.1.0/24 dev mybridge proto kernel scope link src 10.244.1.1")
    assert (row.purpose, row.node) == ("own_block", "demo-worker")


def test_cilium_hosts_network_with_pods_of_another_node_is_not_this_nodes_block() -> None:
    row = last(
        "10.0.1.0/24 via 10.0.1.238 dev cilium_host proto kernel src 10.0.1.238",
        [Pod("default", "web", "demo-worker2", ("10.0.1.7",))],
    )
    assert row.purpose == "other"


# Pods of other nodes.


def test_a_pod_elsewhere_behind_a_tunnel_is_reached_through_it() -> None:
    row = last("192.168.121.73 via 192.168.121.64 dev vxlan.calico onlink")
    assert (row.purpose, row.pod, row.node) == ("remote_block", "default/bb2", "demo-worker2")
    assert row.text == "pod default/bb2 of demo-worker2 (192.168.121.73) is reached through the tunnel vxlan.calico"


def test_an_address_lent_to_a_pod_elsewhere_is_called_borrowed() -> None:
    borrower = Pod("default", "borrower", "demo-worker2", ("192.168.157.150",))
    row = last(f"{BLOCK}192.168.157.150 via 172.18.0.2 dev eth0 proto 80 onlink", [borrower])
    assert (row.purpose, row.pod, row.node) == ("remote_block", "default/borrower", "demo-worker2")
    assert row.text == (
        "pod default/borrower of demo-worker2 (192.168.157.150, borrowed from this node's own block 192.168.157.128/26)"
        " is reached through that node, 172.18.0.2"
    )


def test_an_address_lent_to_an_unknown_pod_is_called_lent() -> None:
    row = last(f"{BLOCK}192.168.157.150 via 172.18.0.2 dev tunl0 proto bird onlink", [])
    assert (row.purpose, row.pod, row.node) == ("remote_block", None, "demo-worker2")
    assert "is lent out" in row.text


def test_an_address_borrowed_from_another_nodes_block_leaves_that_block_the_others() -> None:
    here = Pod("default", "borrower", "demo-worker", ("192.168.121.80",))
    rows = table(
        "192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink\n"
        f"192.168.121.80 dev {pod_interface_name('cali', 'default', 'borrower')} scope link",
        [BB2, here],
    )
    assert [(row.purpose, row.node) for row in rows] == [("remote_block", "demo-worker2"), ("local_pod", "demo-worker")]


def test_a_block_sent_to_a_node_that_has_none_of_its_pods_is_no_block_of_that_node() -> None:
    row = last("192.168.121.64/26 via 172.18.0.3 dev eth0 proto 80 onlink")
    assert (row.purpose, row.node) == ("other", None)
    assert row.text == (
        "packets for 192.168.121.64/26 go to 172.18.0.3 (node demo-control-plane) through eth0;"
        " pods of demo-worker2 have addresses in it"
    )


def test_a_pod_sent_to_a_node_where_it_does_not_run_is_no_remote_block() -> None:
    row = last("192.168.121.73 via 172.18.0.3 dev eth0 proto 80 onlink")
    assert (row.purpose, row.pod, row.node) == ("other", "default/bb2", "demo-worker2")
    assert "runs on demo-worker2, yet its packets go to 172.18.0.3 (node demo-control-plane)" in row.text


def test_a_pod_behind_a_router_is_not_called_wrong() -> None:
    row = last("192.168.121.73 via 172.18.0.1 dev eth0 proto bird")
    assert (row.purpose, row.pod) == ("other", "default/bb2")
    assert "and its packets go to 172.18.0.1 through eth0" in row.text


def test_a_network_sent_to_a_node_is_not_its_pods_just_because_it_is_sent_there() -> None:
    row = last("10.200.0.0/16 via 172.18.0.2 dev eth0")
    assert (row.purpose, row.node) == ("other", None)
    assert row.text == "packets for 10.200.0.0/16 go to 172.18.0.2 (node demo-worker2) through eth0"


def test_a_wide_network_sent_to_a_node_is_not_its_block_though_a_pod_of_it_lies_inside() -> None:
    assert last("192.168.0.0/16 via 172.18.0.2 dev eth0", [BB2]).purpose == "other"


def test_a_block_sent_to_this_nodes_own_address_is_no_remote_block() -> None:
    assert last("10.244.1.0/24 via 172.18.0.4 dev eth1").purpose == "other"


def test_ciliums_rows_to_nodes_without_a_tunnel_are_their_blocks() -> None:
    row = last("10.0.1.0/24 via 172.18.0.2 dev eth0 proto kernel")
    assert (row.purpose, row.node) == ("remote_block", "demo-worker2")


def test_rows_for_other_nodes_never_name_this_one() -> None:
    own_cidr = last("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink")
    own_pods = last(
        "10.0.2.0/24 via 10.0.1.238 dev cilium_host proto kernel", [Pod("default", "bb1", "demo-worker", ("10.0.2.7",))]
    )
    assert [(row.purpose, row.node) for row in (own_cidr, own_pods)] == [("remote_block", None)] * 2


def test_a_nodes_pod_cidr_sent_to_it_is_its_block() -> None:
    rows = table("10.244.2.0/24 via 172.18.0.2 dev eth0\nfd00:10:244:2::/64 via fc00::2 dev eth0 metric 1024")
    assert [(row.purpose, row.node) for row in rows] == [("remote_block", "demo-worker2")] * 2


def test_a_pod_cidr_sent_to_another_node_than_its_own_is_no_block_of_either() -> None:
    assert last("10.244.2.0/24 via 172.18.0.3 dev eth0").purpose == "other"


def test_behind_flannels_tunnel_the_pod_cidr_tells_the_node() -> None:
    row = last("10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink")
    assert (row.purpose, row.node) == ("remote_block", "demo-worker2")
    assert row.text == "pods of demo-worker2 (10.244.2.0/24) are reached through the tunnel flannel.1"


def test_behind_cilium_a_pod_cidr_tells_nothing_since_cilium_hands_out_its_own() -> None:
    row = last("10.244.2.0/24 via 10.244.7.9 dev cilium_host proto kernel src 10.244.7.9 mtu 1450")
    assert (row.purpose, row.node) == ("remote_block", None)
    assert row.text == "pods of other nodes (10.244.2.0/24) are reached through cilium_host"


def test_behind_cilium_the_pods_tell_the_node() -> None:
    pods = [Pod("default", "web", "demo-control-plane", ("10.244.2.7",))]
    row = last("10.244.2.0/24 via 10.244.7.9 dev cilium_host proto kernel src 10.244.7.9 mtu 1450", pods)
    assert (row.purpose, row.node) == ("remote_block", "demo-control-plane")


def test_a_row_for_the_whole_pod_network_names_no_node_even_when_one_alone_is_known_in_it() -> None:
    row = last("10.132.0.0/14 via 10.132.2.1 dev ovn-k8s-mp0", [Pod("default", "web", "demo-worker2", ("10.133.0.7",))])
    assert (row.purpose, row.node) == ("remote_block", None)


def test_a_tunnel_to_a_known_node_is_told() -> None:
    row = last("192.168.121.64/26 via 172.18.0.2 dev tunl0 proto bird onlink")
    assert (
        row.text
        == "pods of demo-worker2 (192.168.121.64/26) are reached through that node, 172.18.0.2, by the tunnel tunl0"
    )


def test_several_next_hops_that_are_one_nodes_addresses_are_that_node() -> None:
    nodes = [WORKER, Node("demo-worker2", ("172.18.0.2", "172.19.0.2"))]
    row = last(
        "192.168.121.64/26 proto bird\n\tnexthop via 172.18.0.2 dev eth0 weight 1\n\tnexthop via 172.19.0.2 dev eth1 weight 1",
        nodes=nodes,
    )
    assert (row.purpose, row.node) == ("remote_block", "demo-worker2")


def test_next_hops_of_different_nodes_belong_to_neither() -> None:
    row = last(
        "10.50.0.0/16 proto 80\n\tnexthop via 172.18.0.2 dev eth0 weight 1\n\tnexthop via 172.18.0.3 dev eth0 weight 3"
    )
    assert (row.purpose, row.node) == ("other", None)
    assert "demo-worker2) through eth0 or to 172.18.0.3 (node demo-control-plane)" in row.text


def test_a_next_hop_whose_device_is_down_is_not_among_those_that_packets_go_to() -> None:
    row = last(
        "default\n\tnexthop via 172.18.0.1 dev eth0 weight 1\n\tnexthop via 172.19.0.1 dev eth1 weight 1 dead linkdown"
    )
    assert row.text == "packets for all other addresses go to 172.18.0.1 through eth0"


def test_of_a_row_whose_next_hops_are_all_down_all_are_named() -> None:
    row = last(
        "10.0.0.0/8\n\tnexthop via 172.18.0.1 dev eth0 weight 1 dead\n\tnexthop via 172.19.0.1 dev eth1 weight 1 dead"
    )
    assert row.text == (
        "packets for 10.0.0.0/8 go to 172.18.0.1 through eth0 or to 172.19.0.1 through eth1"
        " (not used now: its device is down)"
    )


# Networks that a BIRD of somebody else's announces.

FOREIGN_BIRD = "blackhole 203.0.113.0/24 proto bird\n192.168.50.0/24 via 172.18.0.2 dev eth0 proto bird\n"
OTHER_CNI = "10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1\n"
OTHER_POD = Pod("default", "web", "demo-worker", ("10.244.1.7",))


def test_where_pods_are_another_cnis_no_network_is_a_block_by_birds_protocol_alone() -> None:
    dropped, sent, _own = table(f"{FOREIGN_BIRD}{OTHER_CNI}", [OTHER_POD])
    assert (dropped.purpose, dropped.node) == ("other", None)
    assert dropped.text == "packets for 203.0.113.0/24 are dropped unless a longer prefix matches"
    assert (sent.purpose, sent.node) == ("other", None)
    assert sent.text == "packets for 192.168.50.0/24 go to 172.18.0.2 (node demo-worker2) through eth0"


def test_what_bird_announces_is_a_block_with_any_cni_where_pods_or_pod_cidrs_say_so() -> None:
    pods = [OTHER_POD, Pod("default", "far", "demo-control-plane", ("10.32.5.7",))]
    by_cidr, by_pod, _own = table(
        "10.244.2.0/24 via 172.18.0.2 dev eth0 proto bird\n"
        f"10.32.5.0/24 via 172.18.0.3 dev eth0 proto bird\n{OTHER_CNI}",
        pods,
    )
    assert [(row.purpose, row.node) for row in (by_cidr, by_pod)] == [
        ("remote_block", "demo-worker2"),
        ("remote_block", "demo-control-plane"),
    ]


@pytest.mark.parametrize("pods", [[], [BB2], [BB1, BB2], [Pod("default", "starting", "demo-worker")]])
def test_blocks_that_calicos_bird_announces_need_no_pods_in_them(pods: list[Pod]) -> None:
    dropped, sent, _pod = table(
        "blackhole 192.168.200.0/26 proto bird\n192.168.210.0/26 via 172.18.0.3 dev eth0 proto bird\n"
        "192.168.157.134 dev cali98fd8882b62 scope link",
        pods,
    )
    assert [row.purpose for row in (dropped, sent)] == ["own_block", "remote_block"]


def test_a_node_without_pods_yet_has_the_blocks_that_bird_announces() -> None:
    rows = table("blackhole 192.168.200.0/26 proto bird\n192.168.210.0/26 via 172.18.0.3 dev eth0 proto bird", [BB2])
    assert [row.purpose for row in rows] == ["own_block", "remote_block"]


def test_pods_of_one_family_say_nothing_of_what_bird_announces_in_the_other() -> None:
    pods = [Pod("default", "six", "demo-worker", ("fd00:10:244:1::7",))]
    assert last("blackhole 192.168.200.0/26 proto bird", pods).purpose == "own_block"


# Everything else on a node.


@pytest.mark.parametrize(
    "text",
    [
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown",
        "172.19.0.0/16 dev br-63f0de4915e3 proto kernel scope link src 172.19.0.1",
        "10.8.0.0/24 dev tun0 proto kernel scope link src 10.8.0.6",
        "10.8.0.0/24 via 10.8.0.5 dev tun0",
        "0.0.0.0/1 via 10.8.0.1 dev tun0",
        "100.64.0.0/10 dev tailscale0",
        "192.168.0.0/16 dev wg0 scope link",
        "169.254.169.254 via 172.18.0.1 dev eth0 proto dhcp",
        "10.96.0.1 via 172.18.0.1 dev eth0",
        "192.168.210.7 dev vetha0a7a2cb scope link",
        "fe80::/64 dev cali98fd8882b62 proto kernel metric 256 pref medium",
        "224.0.0.0/4 dev eth0 scope link",
        "local 0.0.0.0/0 dev lo scope host",
    ],
)
def test_what_is_nobodys_business_here_is_other(text: str) -> None:
    row = last(f"default via 172.18.0.1 dev eth0\n{text}")
    assert (row.purpose, row.pod, row.node) == ("other", None, None)
    assert row.text


def test_a_network_with_the_nodes_own_address_is_the_node_network() -> None:
    assert last("172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4").purpose == "node_network"
    assert last("fc00::/64 dev eth0 proto kernel metric 256 pref medium").purpose == "node_network"


def test_a_network_that_only_uses_the_nodes_address_as_source_is_not_its_network() -> None:
    assert last("10.2.0.0/24 dev tun-172052116 proto 17 src 172.18.0.4").purpose == "remote_block"
    assert last("10.3.0.0/24 dev eth1 src 172.18.0.4").purpose == "other"


def test_a_wide_network_of_another_device_is_not_the_node_network_though_the_nodes_address_lies_in_it() -> None:
    assert last("172.16.0.0/12 dev docker0 proto kernel scope link src 172.17.0.1").purpose == "other"


def test_a_gateway_behind_a_gateway_is_not_called_reached_directly() -> None:
    row = last("169.254.0.253 via 169.254.0.253 dev antrea-gw0 onlink")
    assert row.text == "packets for 169.254.0.253 go to 169.254.0.253 through antrea-gw0"


def test_the_default_gateways_own_row_is_part_of_the_node_network() -> None:
    row = last("default via 10.0.0.1 dev eth0\n10.0.0.1 dev eth0 proto dhcp scope link src 10.0.0.10")
    assert (row.purpose, row.text) == ("node_network", "the gateway 10.0.0.1 is reached directly through eth0")


def test_the_gateway_of_a_default_route_that_only_a_rule_leads_to_is_not_the_nodes_gateway() -> None:
    rows = table(
        "default via 10.0.1.25 dev cilium_host table 2005 proto kernel\n"
        "10.0.1.25 dev cilium_host table 2005 proto kernel scope link\n"
        "default via 172.18.0.1 dev eth0\n"
        "172.18.0.1 dev eth0 scope link\n"
        "10.0.1.25 dev cilium_host proto kernel scope link\n"
    )
    assert [row.purpose for row in rows] == ["default", "other", "default", "node_network", "other"]


def test_a_gateway_behind_next_hops_that_are_down_is_not_called_reached_directly() -> None:
    row = last(
        "default via 10.0.0.1 dev eth0\n"
        "10.0.0.1\n\tnexthop via 172.18.0.2 dev eth1 weight 1 dead\n\tnexthop via 172.18.0.3 dev eth1 weight 1 dead"
    )
    assert row.text.startswith("packets for 10.0.0.1 go to 172.18.0.2")


def test_a_refusal_of_all_other_addresses_is_the_default() -> None:
    row = last("unreachable default dev lo metric 4294967295 error -101")
    assert (row.purpose, row.text) == ("default", "packets for all other addresses are refused as unreachable")


def test_services_are_told_where_the_row_tells_them() -> None:
    assert (
        last("local 10.96.0.10 dev kube-ipvs0 table local proto kernel scope host src 10.96.0.10").purpose == "service"
    )
    assert last("172.30.0.0/16 via 169.254.0.4 dev br-ex src 169.254.0.2 mtu 1400").purpose == "service"


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("10.0.0.0/8 via 172.18.0.1 dev eth0 table 100", "in table 100"),
        ("10.0.0.0/8 tos 0x10 via 172.18.0.1 dev eth0", "only packets with type of service 0x10"),
        ("default from fd00::/64 via fc00::1 dev eth0", "only packets from fd00::/64"),
        ("10.0.0.0/8 via 172.18.0.1 dev eth0 dead linkdown", "not used now: its device is down"),
        (
            "10.0.0.0/8\n\tnexthop via 172.18.0.1 dev eth0 weight 1 dead\n\tnexthop via 172.18.0.9 dev eth0 weight 1 dead",
            "not used now: its device is down",
        ),
        ("10.0.0.0/8 via 172.18.0.1 dev eth0 linkdown", "its device has no link"),
        ("Deleted 10.0.0.0/8 via 172.18.0.1 dev eth0", "this row was removed"),
        ("10.0.0.0/8 encap mpls 100 via 172.18.0.1 dev eth0", "encapsulated, mpls 100"),
    ],
)
def test_what_limits_a_row_is_noted_behind_its_sentence(row: str, note: str) -> None:
    assert last(row).text.endswith(f"({note})")


def test_a_row_that_another_one_outdoes_is_noted() -> None:
    rows = table("10.0.0.0/8 via 172.18.0.1 dev eth0 metric 50\n10.0.0.0/8 via 172.18.0.9 dev eth0 metric 5")
    assert "not used while another row for the same destination is preferred" in rows[0].text
    assert "(" not in rows[1].text


def test_an_explained_route_is_the_route_and_its_explanation_in_plain_types() -> None:
    assert last("192.168.157.134 dev cali98fd8882b62 scope link").as_dict() == {
        "type": "unicast",
        "dst": "192.168.157.134/32",
        "dev": "cali98fd8882b62",
        "scope": "link",
        "raw": "192.168.157.134 dev cali98fd8882b62 scope link",
        "purpose": "local_pod",
        "text": "pod default/bb1 is reached through its interface cali98fd8882b62",
        "pod": "default/bb1",
        "node": "demo-worker",
        "computed_interface": True,
    }
