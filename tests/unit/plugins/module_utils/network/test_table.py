"""Longest-prefix match, on tables written for one point each. test_table_against_the_kernel.py compares with the kernel."""

from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable, address_number
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route, parse_ip_route

WORKER = """\
default via 172.18.0.1 dev eth0
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4
192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink
blackhole 192.168.157.128/26 proto 80
192.168.157.134 dev cali98fd8882b62 scope link
192.168.210.0/26 via 172.18.0.3 dev eth0 proto 80 onlink
"""


def route(dst: str, **fields: object) -> Route:
    return Route(raw="", dst=dst, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "raw"),
    [
        ("192.168.157.134", "192.168.157.134 dev cali98fd8882b62 scope link"),
        ("192.168.157.140", "blackhole 192.168.157.128/26 proto 80"),
        ("192.168.121.73", "192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink"),
        ("172.18.0.9", "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4"),
        ("8.8.8.8", "default via 172.18.0.1 dev eth0"),
    ],
)
def test_the_lab_table_sends_each_address_where_the_lab_says(address: str, raw: str) -> None:
    found = RouteTable(parse_ip_route(WORKER).routes).lookup(address)
    assert found is not None
    assert found.raw.strip() == raw


def test_a_longer_prefix_wins_over_a_smaller_metric() -> None:
    wide, narrow = route("10.0.0.0/8", metric=1), route("10.1.0.0/16", metric=4000)
    assert RouteTable([wide, narrow]).lookup("10.1.2.3") is narrow


def test_of_one_prefix_the_smallest_metric_wins_and_none_is_zero() -> None:
    rows = [route("10.0.0.0/8", metric=20), route("10.0.0.0/8"), route("10.0.0.0/8", metric=10)]
    assert RouteTable(rows).lookup("10.0.0.1") is rows[1]


def test_of_equal_rows_the_first_one_answers() -> None:
    first, second = route("10.0.0.0/8", gateway="172.18.0.2"), route("10.0.0.0/8", gateway="172.18.0.3")
    assert RouteTable([first, second]).lookup("10.0.0.1") is first


def test_router_preference_decides_between_ipv6_rows_of_one_metric() -> None:
    rows = [route("fd00::/64", metric=5, pref=pref) for pref in ("low", "medium", "high")]
    assert RouteTable(rows).lookup("fd00::1") is rows[2]


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
def test_a_refusal_is_an_answer(kind: str) -> None:
    refusal = route("10.1.0.0/16", type=kind)
    assert RouteTable([route("0.0.0.0/0"), refusal]).lookup("10.1.0.1") is refusal


def test_throw_ends_its_table_without_an_answer() -> None:
    rows = [route("0.0.0.0/0"), route("10.1.0.0/16", type="throw")]
    assert RouteTable(rows).lookup("10.1.0.1") is None


def test_throw_in_one_table_lets_the_next_one_answer() -> None:
    last = route("10.1.0.0/24", table="default")
    assert RouteTable([route("10.1.0.0/16", type="throw"), last]).lookup("10.1.0.1") is last


def test_a_throw_with_the_larger_metric_is_not_reached() -> None:
    way = route("10.1.0.0/16", metric=1)
    assert RouteTable([route("10.1.0.0/16", type="throw", metric=2), way]).lookup("10.1.0.1") is way


def test_the_local_table_is_asked_before_main() -> None:
    own = route("172.18.0.4/32", type="local", table="local")
    assert RouteTable([route("172.18.0.4/32"), own]).lookup("172.18.0.4") is own


def test_tables_without_a_rule_are_not_asked() -> None:
    assert RouteTable([route("10.0.0.0/8", table="100")]).lookup("10.0.0.1") is None


def test_a_table_asked_for_by_name_answers_alone() -> None:
    eni = route("0.0.0.0/0", table="2")
    assert RouteTable([route("10.0.0.0/8"), eni]).find_in("2", *address_number("10.0.0.1")) is eni


def test_numbered_tables_are_the_named_ones() -> None:
    own = route("172.18.0.4/32", type="local", table="255")
    assert RouteTable([route("172.18.0.0/16", table="254"), own]).lookup("172.18.0.4") is own


def test_dead_rows_are_passed_over() -> None:
    rows = [route("10.1.0.0/16", flags=("dead", "linkdown")), route("10.0.0.0/8")]
    assert RouteTable(rows).lookup("10.1.0.1") is rows[1]


def test_rows_whose_link_is_down_still_answer() -> None:
    rows = [route("10.1.0.0/16", flags=("linkdown",)), route("10.0.0.0/8")]
    assert RouteTable(rows).lookup("10.1.0.1") is rows[0]


def test_a_multipath_row_answers_while_one_next_hop_lives() -> None:
    dead, alive = NextHop(gateway="172.18.0.2", flags=("dead",)), NextHop(gateway="172.18.0.3")
    half, none = route("10.1.0.0/16", nexthops=(dead, alive)), route("10.2.0.0/16", nexthops=(dead, dead))
    table = RouteTable([half, none])
    assert table.lookup("10.1.0.1") is half
    assert table.lookup("10.2.0.1") is None


def test_rows_for_a_type_of_service_or_a_source_serve_only_their_packets() -> None:
    rows = [
        route("10.1.0.0/16", tos="0x10"),
        route("10.0.0.0/8"),
        route("::/0", from_="2001:db8::/56"),
        route("::/0", metric=1024),
    ]
    table = RouteTable(rows)
    assert table.lookup("10.1.0.1") is rows[1]
    assert table.lookup("2001:db8:1::1") is rows[3]


def test_a_prefix_with_rows_for_some_sources_is_passed_over_for_all_others() -> None:
    rows = [route("2001:db8::/48"), route("2001:db8::/48", from_="2001:db8:1::/56"), route("2001:db8::/32")]
    assert RouteTable(rows).lookup("2001:db8::1") is rows[2]


def test_rows_that_ip_monitor_reports_as_deleted_are_gone() -> None:
    assert RouteTable([route("10.0.0.0/8", deleted=True)]).lookup("10.0.0.1") is None


def test_the_families_do_not_mix() -> None:
    assert RouteTable([route("0.0.0.0/0")]).lookup("::1") is None
    assert RouteTable([route("::/0")]).lookup("127.0.0.1") is None


def test_an_empty_table_has_no_answer() -> None:
    assert RouteTable([]).lookup("10.0.0.1") is None


@pytest.mark.parametrize("address", ["", "demo-worker", "10.0.0", "10.0.0.256", "10.0.0.0/8", "fe80::1%eth0", "1\0"])
def test_what_is_no_address_is_refused_in_a_sentence(address: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv4 or IPv6 address"):
        RouteTable([]).lookup(address)


@pytest.mark.parametrize("dst", ["default", "10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "fd00::/129", "10.0.0.0/", "x/8"])
def test_a_route_to_no_network_is_refused_in_a_sentence(dst: str) -> None:
    with pytest.raises(ValueError, match="is not a network in CIDR form"):
        RouteTable([route(dst)])
