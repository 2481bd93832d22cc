# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables kept as their difference to a base, one point each. test_table_store_properties.py tries any difference."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import address_number
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table_store import NodeTable, TableStore
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route

SHARED = "".join(f"10.9.{n}.0/24 via 172.18.0.2 dev eth0 \n" for n in range(40))


def kept(*texts: str, bits: int = 32) -> list[NodeTable]:
    """The tables, each kept after those before it."""
    store = TableStore()
    return [store.keep(text, bits).open() for text in texts]


def found(table: NodeTable, address: str) -> str | None:
    row = table.find(*address_number(address))
    return None if row is None else row.raw.strip()


def is_blackhole(route: Route) -> bool:
    return route.type == "blackhole"


def test_tables_that_share_half_of_their_rows_share_a_base() -> None:
    first, second = kept(SHARED, "10.1.0.0/26 dev cni0 \n" + SHARED)
    assert second.base is first.base
    assert [route.dst for route in second.extra] == ["10.1.0.0/26"]


def test_rows_of_pods_are_of_no_base() -> None:
    first, second = kept("10.1.0.1 dev cali1 \n" + SHARED, SHARED)
    assert [route.dst for route in first.hosts.values()] == ["10.1.0.1/32"]
    assert found(first, "10.1.0.1") == "10.1.0.1 dev cali1"
    assert (second.hosts, second.changes) == ({}, {})


def test_the_table_local_is_asked_before_the_row_of_a_pod() -> None:
    (table,) = kept("10.1.0.1 dev cali1 \nlocal 10.1.0.0/24 dev lo table local \n" + SHARED)
    assert found(table, "10.1.0.1") == "local 10.1.0.0/24 dev lo table local"
    row = table.find_in("main", *address_number("10.1.0.1"))
    assert row is not None
    assert row.raw == "10.1.0.1 dev cali1 "


def test_of_two_rows_for_the_address_of_a_pod_the_one_of_the_smaller_metric_decides() -> None:
    by_pod, by_node = "10.1.0.1 dev cali1 metric 50 \n", "10.1.0.1 via 172.18.0.2 dev eth0 metric 5 \n"
    first, second, third = kept(SHARED, by_pod + by_node + SHARED, by_pod + SHARED)
    assert found(first, "10.1.0.1") is None
    assert found(second, "10.1.0.1") == by_node.strip()
    assert found(third, "10.1.0.1") == by_pod.strip()


def test_a_row_of_a_pod_is_held_against_the_one_of_the_base_for_the_same_address() -> None:
    by_pod, by_node = "10.1.0.1 dev cali1 metric 50 \n", "10.1.0.1 via 172.18.0.2 dev eth0 metric 5 \n"
    _first, second = kept(by_node + SHARED, by_pod + by_node + SHARED)
    assert found(second, "10.1.0.1") == by_node.strip()


def test_a_row_of_a_pod_in_another_table_decides_there_only() -> None:
    row = "10.1.0.1 dev vlan1 table 101 \n"
    (table,) = kept(row + SHARED)
    assert found(table, "10.1.0.1") is None
    assert table.find_in("main", *address_number("10.1.0.1")) is None
    answer = table.find_in("101", *address_number("10.1.0.1"))
    assert answer is not None
    assert answer.raw == row.strip("\n")


def test_a_dead_row_of_a_pod_decides_nothing() -> None:
    (table,) = kept("10.1.0.1 dev cali1 dead \n10.1.0.0/24 dev cni0 \n" + SHARED)
    assert found(table, "10.1.0.1") == "10.1.0.0/24 dev cni0"


def test_a_table_of_another_kind_is_a_base_of_its_own() -> None:
    first, second = kept(SHARED, SHARED.replace("eth0", "ens5"))
    assert second.base is not first.base
    assert second.extra == []


def test_families_share_no_base() -> None:
    store = TableStore()
    assert store.keep(SHARED, 32).base is not store.keep(SHARED, 128).base


def test_tables_of_many_kinds_still_answer_when_no_more_bases_are_kept() -> None:
    tables = kept(*(SHARED.replace("eth0", f"eth{n}") for n in range(12)))
    assert found(tables[11], "10.9.3.1") == "10.9.3.0/24 via 172.18.0.2 dev eth11"


def test_a_node_that_prints_the_same_has_no_changes() -> None:
    _first, second = kept(SHARED, SHARED)
    assert (second.extra, second.changes) == ([], {})


def test_a_change_tells_what_serves_a_destination_now() -> None:
    own = "blackhole 10.9.5.0/24 proto 80 \n"
    _first, second = kept(SHARED, SHARED.replace("10.9.5.0/24 via 172.18.0.2 dev eth0 \n", own))
    ((destination, row),) = second.changes.items()
    assert destination == ("main", "10.9.5.0/24")
    assert row is not None
    assert row.type == "blackhole"


def test_a_row_that_is_gone_leaves_its_packets_to_a_shorter_prefix() -> None:
    default = "default via 172.18.0.1 dev eth0 \n"
    first, second = kept(default + SHARED, default + SHARED.replace("10.9.5.0/24 via 172.18.0.2 dev eth0 \n", ""))
    assert found(first, "10.9.5.1") == "10.9.5.0/24 via 172.18.0.2 dev eth0"
    assert found(second, "10.9.5.1") == "default via 172.18.0.1 dev eth0"
    assert second.changes == {("main", "10.9.5.0/24"): None}


def test_of_equal_rows_the_one_that_the_node_prints_first_answers() -> None:
    one, other = "10.1.0.0/16 via 172.18.0.2 dev eth0 \n", "10.1.0.0/16 via 172.18.0.3 dev eth0 \n"
    first, second = kept(one + other + SHARED, other + one + SHARED)
    assert found(first, "10.1.0.1") == one.strip()
    assert found(second, "10.1.0.1") == other.strip()


def test_one_of_two_equal_lines_may_be_gone() -> None:
    line, other = "fe80::/64 dev eth0 metric 256 pref medium\n", "fe80::/64 dev eth1 metric 256 pref medium\n"
    shared = "".join(f"fd09::{n:x} via fc00::2 dev eth0 metric 1024 pref medium\n" for n in range(40))
    first, second = kept(line + other + shared + line, other + shared + line, bits=128)
    assert found(first, "fe80::1") == line.strip()
    assert found(second, "fe80::1") == other.strip()


def test_a_row_of_a_smaller_metric_elsewhere_in_the_table_decides_still() -> None:
    better, worse = "10.1.0.0/16 dev eth1 metric 5 \n", "10.1.0.0/16 dev eth0 metric 50 \n"
    _first, second = kept(SHARED + better, worse + SHARED + better)
    assert found(second, "10.1.0.1") == better.strip()
    assert second.changes == {}


def test_a_row_that_goes_on_in_further_lines_is_another_row() -> None:
    row = "10.9.15.0/24 proto bird \n"
    hops = "\tnexthop via 172.18.0.2 dev eth0 weight 1 \n\tnexthop via 172.18.0.3 dev eth0 weight 1 \n"
    # The row is the last one of those that are compared in one step.
    lines = SHARED.splitlines(keepends=True)
    first, second = kept("".join([*lines[:15], row, *lines[16:]]), "".join([*lines[:15], row, hops, *lines[16:]]))
    assert found(first, "10.9.15.1") == row.strip()
    assert found(second, "10.9.15.1") == (row + hops).strip()
    assert second.unparsed == []


def test_a_last_line_without_an_end_is_a_row_too() -> None:
    _first, second = kept(SHARED + "10.1.0.1 dev cali1 ", SHARED + "10.1.0.1 dev cali1 metric 5 \n10.1.0.2 dev cali2 ")
    assert found(second, "10.1.0.1") == "10.1.0.1 dev cali1 metric 5"
    assert found(second, "10.1.0.2") == "10.1.0.2 dev cali2"


def test_a_source_that_a_row_asks_for_in_one_table_only_matters_there() -> None:
    common, some = (
        "fd01::/64 dev eth0 metric 5 pref medium\n",
        "fd01::/64 from fd02::/64 dev eth1 metric 9 pref medium\n",
    )
    shared = "".join(f"fd09::{n:x} via fc00::2 dev eth0 metric 1024 pref medium\n" for n in range(40))
    first, second = kept(common + shared, common + some + shared, bits=128)
    assert found(first, "fd01::1") == common.strip()
    assert found(second, "fd01::1") is None


def test_throw_hands_packets_on_to_the_next_table() -> None:
    last = "10.1.0.0/24 dev eth1 table default \n"
    first, second = kept("10.1.0.0/16 dev eth0 \n" + SHARED + last, "throw 10.1.0.0/16 \n" + SHARED + last)
    assert found(first, "10.1.0.1") == "10.1.0.0/16 dev eth0"
    assert found(second, "10.1.0.1") == last.strip()


def test_each_table_can_be_asked_by_its_name() -> None:
    eni = "default via 172.18.0.1 dev eth1 table 2 \n"
    _first, second = kept(SHARED, SHARED + eni)
    row = second.find_in("2", *address_number("10.9.1.1"))
    assert row is not None
    assert row.raw == eni.strip("\n")
    assert found(second, "10.9.1.1") == "10.9.1.0/24 via 172.18.0.2 dev eth0"


def test_a_default_route_that_does_not_tell_its_family_is_of_the_one_asked_for() -> None:
    row = "default dev wg0 metric 5 "
    (four,), (six,) = kept(row), kept(row, bits=128)
    assert found(four, "8.8.8.8") == found(six, "2001:db8::1") == row.strip()
    assert found(four, "2001:db8::1") is found(six, "8.8.8.8") is None


def test_rows_are_selected_from_those_of_the_base_and_from_the_nodes_own() -> None:
    gone, stays, own = (f"blackhole 10.1.{n}.0/24 \n" for n in range(3))
    _first, second = kept(gone + SHARED + stays, own + SHARED + stays)
    assert [route.dst for route in second.where(is_blackhole)] == ["10.1.1.0/24", "10.1.2.0/24"]


def test_rows_of_a_base_are_judged_once() -> None:
    asked: list[str] = []

    def has_asked(route: Route) -> bool:
        asked.append(route.dst)
        return False

    for table in kept(SHARED, SHARED, SHARED + "10.1.0.0/26 dev cni0 \n"):
        table.where(has_asked)
    assert len(asked) == 41


def test_lines_that_are_not_understood_are_told_of_each_node_that_has_them() -> None:
    first, second, third = kept("what?\n" + SHARED, "what?\n" + SHARED + "how?\n", SHARED)
    assert (first.unparsed, second.unparsed, third.unparsed) == (["what?"], ["what?", "how?"], [])


def test_what_a_line_that_is_not_understood_is_for_is_known_still() -> None:
    lines = "10.1.0.0/16 colour red\n10.1.2.0/24 colour red\nblackhole 10.2.0.1 colour red\ndefault colour red\nwhat?\n"
    first, second = kept(SHARED, lines + SHARED)
    assert first.unread == []
    assert second.unread == ["10.1.0.0/16", "10.1.2.0/24", "10.2.0.1/32", "0.0.0.0/0"]
    for address, dst in (("10.1.2.3", "10.1.2.0/24"), ("10.2.0.1", "10.2.0.1/32"), ("10.9.0.1", "0.0.0.0/0")):
        assert second.unread_for(*address_number(address)) == dst
    assert first.unread_for(*address_number("10.1.2.3")) is None


def test_colours_and_carriage_returns_make_no_difference() -> None:
    _first, second = kept(SHARED, SHARED.replace("10.9.5.0/24", "\x1b[35m10.9.5.0/24\x1b[0m").replace("\n", "\r\n"))
    assert (second.extra, second.unparsed) == ([], [])


def test_no_text_is_no_row() -> None:
    (table,) = kept("")
    assert found(table, "10.0.0.1") is None
    assert table.unparsed == []
