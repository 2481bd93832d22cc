# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a packet through a cluster of three nodes, a, b and c, whose tables are written for one point each."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.network.forwarding import Forwarding
from ansible_collections.kubelab.podnet.plugins.module_utils.network.path import Path, follow
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import address_number
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table_store import TableStore
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_rule import parse_ip_rule

POD = "10.244.2.5"  # on b
LOCAL = f"{POD} dev cali98fd8882b62 scope link"
TO_B = "10.244.2.0/24 via 172.18.0.2 dev eth0"
TO_C = "10.244.2.0/24 via 172.18.0.3 dev eth0"
NODES = {"a": "172.18.0.1", "b": "172.18.0.2", "c": "172.18.0.3"}
OWNERS = {address_number(address): name for name, address in NODES.items()}


def cluster(rules: str = "", **tables: str) -> dict[str, Forwarding]:
    """The nodes whose tables are given; ``rules`` are those of all."""
    store = TableStore()
    return {
        name: Forwarding(
            node=name,
            tables={32: store.keep(table, 32)},
            rules={32: parse_ip_rule(rules).rules},
            links={},
            uplinks={"eth0"},
            owner=lambda bits, number: OWNERS.get((bits, number)),
        )
        for name, table in tables.items()
    }


def told(path: Path) -> tuple[list[str], str]:
    return path.nodes, path.end


def test_a_packet_to_a_pod_of_the_node_itself_is_delivered_there() -> None:
    assert told(follow(cluster(b=LOCAL), "b", POD, "b")) == (["b"], "delivered")


def test_a_packet_to_a_pod_of_another_node_is_delivered_by_that_node() -> None:
    assert told(follow(cluster(a=TO_B, b=LOCAL), "a", POD, "b")) == (["a", "b"], "delivered")


def test_a_node_in_between_is_passed() -> None:
    assert told(follow(cluster(a=TO_C, b=LOCAL, c=TO_B), "a", POD, "b")) == (["a", "c", "b"], "delivered")


def test_each_hop_tells_the_row_that_decides() -> None:
    rows = [
        hop.move.row.raw for hop in follow(cluster(a=TO_B, b=LOCAL), "a", POD, "b").hops if hop.move and hop.move.row
    ]
    assert rows == [TO_B, LOCAL]


def test_packets_that_come_back_to_a_node_go_in_a_circle() -> None:
    in_a_circle = cluster(a=TO_C, c="10.244.2.0/24 via 172.18.0.1 dev eth0", b=LOCAL)
    assert told(follow(in_a_circle, "a", POD, "b")) == (["a", "c", "a"], "loop")


def test_a_circle_may_begin_behind_the_first_node() -> None:
    in_a_circle = cluster(a=TO_B, b=TO_C, c=TO_B)
    assert told(follow(in_a_circle, "a", POD, "b")) == (["a", "b", "c", "b"], "loop")


def test_a_packet_that_a_node_drops_is_lost_there() -> None:
    nodes = cluster(a=TO_C, b=LOCAL, c="blackhole 10.244.2.0/24")
    assert told(follow(nodes, "a", POD, "b")) == (["a", "c"], "lost")


def test_a_packet_is_lost_where_no_row_is_for_it() -> None:
    assert told(follow(cluster(a="10.244.9.0/24 dev eth0", b=LOCAL), "a", POD, "b")) == (["a"], "lost")
    assert told(follow(cluster(a=TO_B, b=TO_C.replace("10.244.2", "10.244.9")), "a", POD, "b")) == (["a", "b"], "lost")


def test_a_packet_that_another_node_takes_for_its_own_pods_is_lost() -> None:
    nodes = cluster(a=TO_C, b=LOCAL, c=LOCAL)
    assert told(follow(nodes, "a", POD, "b")) == (["a", "c"], "lost")


def test_a_packet_that_another_node_takes_for_its_own_address_is_lost() -> None:
    nodes = cluster(a=f"local {POD} dev lo table local", b=LOCAL)
    assert told(follow(nodes, "a", POD, "b")) == (["a"], "lost")


def test_of_several_next_hops_the_one_that_is_home_is_taken() -> None:
    multipath = (
        "10.244.2.0/24 \n\tnexthop via 172.18.0.3 dev eth0 weight 1 \n\tnexthop via 172.18.0.2 dev eth0 weight 1 "
    )
    assert told(follow(cluster(a=multipath, b=LOCAL, c=TO_B), "a", POD, "b")) == (["a", "b"], "delivered")


def test_of_several_next_hops_away_from_home_the_first_by_name_is_taken() -> None:
    multipath = (
        "10.244.2.0/24 \n\tnexthop via 172.18.0.3 dev eth0 weight 1 \n\tnexthop via 172.18.0.1 dev eth0 weight 1 "
    )
    nodes = cluster(a=TO_B, b=LOCAL, c=TO_B, d=multipath)
    assert told(follow(nodes, "d", POD, "b")) == (["d", "a", "b"], "delivered")


def test_behind_a_tunnel_a_packet_is_taken_to_get_home() -> None:
    nodes = cluster(a="10.244.2.0/24 via 10.244.2.0 dev vxlan.calico onlink", b=LOCAL)
    assert told(follow(nodes, "a", POD, "b")) == (["a", "b"], "unsure")


def test_behind_a_router_a_packet_is_taken_to_get_home() -> None:
    nodes = cluster(a="default via 172.18.0.254 dev eth0", b=LOCAL)
    assert told(follow(nodes, "a", POD, "b")) == (["a", "b"], "unsure")


def test_what_is_lost_behind_a_tunnel_is_lost_for_sure() -> None:
    nodes = cluster(a="10.244.2.0/24 via 10.244.2.0 dev vxlan.calico onlink", b="unreachable 10.244.2.0/24")
    assert told(follow(nodes, "a", POD, "b")) == (["a", "b"], "lost")


def test_where_no_table_is_known_the_way_is_unsure() -> None:
    assert told(follow(cluster(b=LOCAL), "a", POD, "b")) == (["a", "b"], "unsure")
    assert told(follow(cluster(a=TO_B), "a", POD, "b")) == (["a", "b"], "unsure")


def test_at_home_a_device_that_hides_its_pods_leaves_the_end_unsure() -> None:
    nodes = cluster(a=TO_B, b="10.244.2.0/24 dev cilium_host")
    assert told(follow(nodes, "a", POD, "b")) == (["a", "b"], "unsure")


def test_a_node_in_the_same_network_is_reached_without_a_next_hop() -> None:
    network = "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.1"
    own = "local 172.18.0.2 dev eth0 table local proto kernel scope host src 172.18.0.2"
    assert told(follow(cluster(a=network, b=own), "a", "172.18.0.2", "b")) == (["a", "b"], "delivered")


def test_a_node_behind_the_default_route_is_reached_by_what_tables_do_not_show() -> None:
    own = "local 172.18.0.2 dev eth0 table local"
    nodes = cluster(a="default dev eth0 scope link", b=own)
    assert told(follow(nodes, "a", "172.18.0.2", "b")) == (["a", "b"], "unsure")


def test_a_pod_in_the_nodes_own_network_is_not_known_to_be_next_door() -> None:
    nodes = cluster(a="10.244.0.0/16 dev eth0 proto kernel scope link src 10.244.1.1", b=LOCAL)
    assert told(follow(nodes, "a", POD, "b")) == (["a", "b"], "unsure")


def test_the_way_to_an_address_that_nobody_has_ends_where_it_leaves_the_nodes() -> None:
    default = "default via 172.18.0.254 dev eth0"
    assert told(follow(cluster(a=default), "a", "8.8.8.8", None)) == (["a"], "unsure")
    via_c = cluster(a="default via 172.18.0.3 dev eth0", c=default)
    assert told(follow(via_c, "a", "8.8.8.8", None)) == (["a", "c"], "unsure")


def test_a_rule_for_the_packets_source_sends_it_another_way() -> None:
    rules = "1000: from 10.244.1.0/24 lookup 100\n32766: from all lookup main"
    nodes = cluster(rules, a=f"{TO_B}\n{TO_C} table 100", b=LOCAL, c=TO_B)
    assert told(follow(nodes, "a", POD, "b", source="10.244.1.5")) == (["a", "c", "b"], "delivered")
    assert told(follow(nodes, "a", POD, "b", source="172.18.0.1")) == (["a", "b"], "delivered")


def test_where_a_rule_is_for_some_packets_the_way_of_all_others_is_followed() -> None:
    rules = "1000: from 10.244.1.0/24 blackhole\n32766: from all lookup main"
    assert told(follow(cluster(rules, a=TO_B, b=LOCAL), "a", POD, "b")) == (["a", "b"], "delivered")
