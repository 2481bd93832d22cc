# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rules decide, one point each. test_policy_rules_against_the_kernel.py compares with the kernel."""

from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.policy_rules import (
    are_usual,
    covers,
    decisions,
    not_followed,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable, address_number
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_rule import parse_ip_rule

POD = "10.244.1.5"
TABLES = """\
default via 172.18.0.1 dev eth0
10.244.1.0/24 via 172.18.0.3 dev eth0
default via 172.18.0.1 dev eth1 table 100
local 172.18.0.2 dev eth0 table local
"""
LAST = ("32766: from all lookup main",)

MAIN, TABLE_100 = "10.244.1.0/24 via 172.18.0.3 dev eth0", "default via 172.18.0.1 dev eth1 table 100"
REFUSED = "refused"


def decided(*rules: str, address: str = POD, source: str | None = None) -> list[str | None]:
    """What decides: rows as printed, REFUSED for a rule that decides by itself, None where nothing is found."""
    parsed = parse_ip_rule("\n".join(rules))
    assert parsed.unparsed == ()
    table = RouteTable(parse_ip_route(TABLES).routes)

    def find(name: str) -> Route | None:
        return table.find_in(name, *address_number(address))

    found = decisions(parsed.rules, address, find, source)
    return [row.raw.strip() if row else REFUSED if rule else None for row, rule in found]


def test_the_first_table_with_a_row_decides() -> None:
    usual = ("0: from all lookup local", *LAST, "32767: from all lookup default")
    assert decided(*usual) == [MAIN]
    assert decided(*usual, address="172.18.0.2") == ["local 172.18.0.2 dev eth0 table local"]


def test_a_table_is_asked_before_main_where_its_rule_comes_first() -> None:
    assert decided("1000: from all lookup 100", *LAST) == [TABLE_100]


def test_a_table_without_a_row_hands_packets_on() -> None:
    assert decided("1000: from all lookup 200", *LAST) == [MAIN]


def test_where_no_rule_leads_to_a_row_nothing_decides() -> None:
    assert decided("1000: from all lookup 200") == [None]
    assert decided() == [None]


@pytest.mark.parametrize("action", ["blackhole", "unreachable", "prohibit"])
def test_a_rule_that_refuses_ends_the_search(action: str) -> None:
    assert decided(f"1000: from all to 10.244.0.0/16 {action}", *LAST) == [REFUSED]


def test_a_rule_for_other_destinations_is_passed_over() -> None:
    assert decided("1000: from all to 10.96.0.0/16 lookup 100", *LAST) == [MAIN]
    assert decided("1000: from all to 10.96.0.0/16 blackhole", *LAST) == [MAIN]


@pytest.mark.parametrize(
    "selector",
    [
        "from 10.244.0.5",
        "from all iif cali1",
        "from all tos 0x10",
        "from all dscp 46",
        "from all flowlabel 0x1/0xff",
        "from all ipproto tcp",
        "from all sport 80",
        "from all dport 80",
        "from all uidrange 0-99",
        "from all tun_id 5",
        "from all to 10.244.0.0/16 iif cali1",
    ],
)
def test_a_rule_for_some_packets_decides_on_these_and_the_next_one_on_all_others(selector: str) -> None:
    assert decided(f"1000: {selector} lookup 100", *LAST) == [TABLE_100, MAIN]
    assert decided(f"1000: {selector} prohibit", *LAST) == [REFUSED, MAIN]


def test_a_known_source_tells_whether_a_rule_is_for_the_packet() -> None:
    rules = ("1000: from 10.244.0.0/24 lookup 100", *LAST)
    assert decided(*rules, source="10.244.0.5") == [TABLE_100]
    assert decided(*rules, source="10.244.7.5") == [MAIN]


def test_a_known_source_does_not_tell_the_device_that_a_packet_comes_in_at() -> None:
    assert decided("1000: from 10.244.0.0/24 iif cali1 lookup 100", *LAST, source="10.244.0.5") == [TABLE_100, MAIN]


def test_packets_to_pods_bear_no_mark() -> None:
    assert decided("1000: from all fwmark 0x200/0xf00 lookup 100", *LAST) == [MAIN]
    assert decided("1000: from all fwmark 0/0xff lookup 100", *LAST) == [TABLE_100]


def test_a_rule_for_sockets_that_are_bound_to_a_device_is_for_no_forwarded_packet() -> None:
    assert decided("1000: from all oif eth1 lookup 100", *LAST) == [MAIN]
    assert decided("1000: not from all oif eth1 lookup 100", *LAST) == [TABLE_100]


def test_a_rule_for_a_device_that_is_not_there_is_for_no_packet() -> None:
    assert decided("1000: from all iif cali1 [detached] lookup 100", *LAST) == [MAIN]
    assert decided("1000: not from all iif cali1 [detached] lookup 100", *LAST) == [TABLE_100]


def test_a_rule_for_devices_in_a_vrf_is_passed_over() -> None:
    assert decided("1000: from all lookup [l3mdev-table]", *LAST) == [MAIN]


def test_not_turns_all_of_a_rules_selectors_round() -> None:
    assert decided("1000: not from all to 10.96.0.0/16 lookup 100", *LAST) == [TABLE_100]
    assert decided("1000: not from all to 10.244.0.0/16 lookup 100", *LAST) == [MAIN]
    assert decided("1000: not from all fwmark 0xca6c lookup 100", *LAST) == [TABLE_100]
    assert decided("1000: not from all to 10.96.0.0/16 iif cali1 lookup 100", *LAST) == [TABLE_100]
    assert decided("1000: not from 10.244.0.5 lookup 100", *LAST) == [TABLE_100, MAIN]


def test_goto_goes_on_at_the_rule_of_that_priority() -> None:
    assert decided("1000: from all goto 3000", "2000: from all lookup 100", "3000: from all lookup main") == [MAIN]


def test_goto_for_other_destinations_goes_nowhere() -> None:
    rules = ("1000: from all to 10.96.0.0/16 goto 3000", "2000: from all lookup 100", "3000: from all lookup main")
    assert decided(*rules) == [TABLE_100]


def test_goto_a_rule_that_is_not_there_goes_nowhere() -> None:
    assert decided("1000: from all goto 3000 [unresolved]", "2000: from all lookup 100", *LAST) == [TABLE_100]


def test_goto_may_lead_to_a_rule_that_does_nothing() -> None:
    assert decided("1000: from all goto 2000", "1500: from all blackhole", "2000: from all nop", *LAST) == [MAIN]


def test_a_suppressed_length_leaves_default_routes_out() -> None:
    suppressed = "1000: from all lookup {} suppress_prefixlength 0"
    assert decided(suppressed.format("main"), "2000: from all lookup 100") == [MAIN]
    assert decided(suppressed.format("100"), *LAST) == [MAIN]
    assert decided("1000: from all lookup main suppress_prefixlength 24", "2000: from all lookup 100") == [TABLE_100]


def test_a_throw_in_a_table_hands_packets_on_to_the_next_rule() -> None:
    table = RouteTable(parse_ip_route(f"throw 10.244.0.0/16 table 100\n{TABLES}").routes)
    rules = parse_ip_rule("\n".join(["1000: from all lookup 100", *LAST])).rules
    ((row, _rule),) = decisions(rules, POD, lambda name: table.find_in(name, *address_number(POD)))
    assert row is not None
    assert row.raw == MAIN


def test_several_rules_for_some_packets_come_in_their_order() -> None:
    rules = ("1000: from 10.244.0.5 lookup 100", "1001: from all iif cali1 unreachable", *LAST)
    assert decided(*rules) == [TABLE_100, REFUSED, MAIN]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("from 10.244.0.0/16 to 10.244.0.0/16", "from 10.244.0.0/16"),
        ("from 10.0.0.0/8", "from 10.244.0.0/16"),
        ("from 10.0.0.0/8", "from 10.0.0.0/16"),
        ("from 10.244.0.5", "from 10.244.0.5 dport 80"),
        ("from all iif cali1", "from 10.244.0.5 iif cali1 ipproto tcp"),
        ("from 10.244.0.0/16 fwmark 0/0xff", "from 10.244.0.0/16"),
        ("from fd00:10:244::/48", "from fd00:10:244::/64"),
    ],
)
def test_a_rule_that_asks_for_no_more_than_a_later_one_takes_all_its_packets(earlier: str, later: str) -> None:
    assert covers(*parse_ip_rule(f"100: {earlier} lookup main\n101: {later} lookup 100").rules)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("from 10.244.0.0/16", "from 10.0.0.0/8"),
        ("from 10.0.0.0/16", "from 10.0.0.0/8"),
        ("from 10.244.0.0/16", "from 10.245.0.0/16"),
        ("from 10.244.0.0/16", "from all iif cali1"),
        ("from 10.244.0.0/16 iif lo", "from 10.244.0.0/16"),
        ("from 10.244.0.0/16 iif cali1", "from 10.244.0.0/16 iif cali2"),
        ("from 10.244.0.0/16 tos 0x10", "from 10.244.0.0/16"),
        ("from 10.244.0.0/16 dscp 46", "from 10.244.0.0/16"),
        ("from fd00:10:244::/48 flowlabel 0x1", "from fd00:10:244::/48"),
        ("from 10.244.0.0/16 dport 80", "from 10.244.0.0/16 dport 443"),
        ("not from 10.244.0.0/16", "from 10.244.0.0/16"),
        ("from 10.244.0.0/16", "not from 10.244.0.0/16"),
    ],
)
def test_a_rule_that_asks_for_more_than_a_later_one_leaves_packets_to_it(earlier: str, later: str) -> None:
    assert not covers(*parse_ip_rule(f"100: {earlier} lookup main\n101: {later} lookup 100").rules)


def test_the_kernels_own_rules_are_usual() -> None:
    own = ("0: from all lookup local", "32766: from all lookup main")
    assert are_usual(parse_ip_rule("\n".join([*own, "32767: from all lookup default"])).rules)
    assert are_usual(parse_ip_rule("\n".join(own)).rules)


@pytest.mark.parametrize(
    "rules",
    [
        ("0: from all lookup local",),
        ("0: from all lookup local", "1000: from all lookup 100", *LAST),
        ("0: from all lookup local", "32766: from all fwmark 0x1 lookup main"),
        ("0: from all lookup local", "32766: from 10.0.0.0/8 lookup main"),
        ("0: from all lookup main", "32766: from all lookup local"),
    ],
)
def test_other_rules_are_not_usual(rules: tuple[str, ...]) -> None:
    assert not are_usual(parse_ip_rule("\n".join(rules)).rules)


def test_rules_whose_effect_is_not_known_are_told() -> None:
    group = "1000: from all lookup main suppress_ifgroup 5"
    some = "1001: from 10.244.0.5 goto 32766"
    known = ("1002: from all goto 32766", "1003: from all fwmark 0x1 goto 32766")
    rules = parse_ip_rule("\n".join([group, some, *known, *LAST])).rules
    assert [rule.raw for rule in not_followed(rules)] == [group, some]
