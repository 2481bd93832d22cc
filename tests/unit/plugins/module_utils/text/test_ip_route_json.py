# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route, parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route_json import is_json

BLACKHOLE = '{"type":"blackhole","dst":"192.168.157.128/26","protocol":"80","flags":[]}'
REMOTE = '{"dst":"192.168.121.64/26","gateway":"172.18.0.2","dev":"eth0","protocol":"80","flags":["onlink"]}'


def one(printed: str) -> Route:
    """The only route of an array that holds this object."""
    parsed = parse_ip_route(f"[{printed}]\n")
    assert parsed.unparsed == []
    (route,) = parsed.routes
    assert route.raw == printed
    return route


def test_an_object_reads_like_its_line() -> None:
    line = "192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink \nblackhole 192.168.157.128/26 proto 80 \n"
    from_text = [route._replace(raw="") for route in parse_ip_route(line).routes]
    from_json = [route._replace(raw="") for route in parse_ip_route(f"[{REMOTE},{BLACKHOLE}]").routes]
    assert from_json == from_text


def test_the_destination_is_the_first_of_two() -> None:
    """Encapsulation repeats the key ``dst``, so that json.loads gives the end of the tunnel."""
    printed = (
        '{"dst":"10.61.0.0/16","encap":"ip","id":100,"src":"0.0.0.0","dst":"172.18.0.2","ttl":0,"tos":0,"key":true,'
        '"tos":"0x10","gateway":"172.18.0.3","dev":"eth0","flags":[]}'
    )
    assert json.loads(printed)["dst"] == "172.18.0.2"
    route = one(printed)
    assert (route.dst, route.gateway, route.tos) == ("10.61.0.0/16", "172.18.0.3", "0x10")
    assert route.encap == "ip id 100 src 0.0.0.0 dst 172.18.0.2 ttl 0 tos 0 key"


def test_a_destination_that_a_tool_in_between_lost_is_not_made_up() -> None:
    printed = '{"dst":"172.18.0.2","encap":"ip","id":100,"src":"0.0.0.0","ttl":0,"tos":0,"dev":"eth0","flags":[]}'
    assert parse_ip_route(f"[{printed}]").routes == []


def test_the_order_of_keys_does_not_matter_else() -> None:
    pairs = dict(sorted(json.loads(BLACKHOLE).items()))
    assert one(json.dumps(pairs))[1:] == one(BLACKHOLE)[1:]


def test_a_gateway_of_the_other_family_is_the_gateway() -> None:
    assert (
        one('{"dst":"10.5.0.0/16","via":{"family":"inet6","host":"fc00::2"},"dev":"eth0","flags":[]}').gateway
        == "fc00::2"
    )


def test_next_hops_details_and_realms_are_read() -> None:
    route = one(
        '{"dst":"10.60.0.0/16","nhid":90,"metric":20,"flags":[],"flow":{"from":"3","to":"4"},'
        '"nh_info":{"id":90,"group":[{"id":84},{"id":85,"weight":2}]},'
        '"nexthops":[{"gateway":"172.18.0.2","dev":"eth0","weight":1,"flags":[]},'
        '{"via":{"family":"inet6","host":"fc00::3"},"dev":"eth0","weight":2,"flags":["dead"]}]}'
    )
    assert (route.nhid, route.realms) == (90, "3/4")
    assert route.nexthops == (NextHop("172.18.0.2", "eth0", 1), NextHop("fc00::3", "eth0", 2, ("dead",)))


def test_metrics_are_those_of_the_text() -> None:
    route = one(
        '{"dst":"10.6.0.0/16","dev":"eth0","flags":[],"metrics":[{"mtu":1400,"hoplimit":7,"ecn":null,"rto_min":1000,'
        '"congestion":"cubic"}]}'
    )
    assert route.mtu == 1400
    assert route.metrics == (("hoplimit", 7), ("features", "ecn"), ("rto_min", 1000), ("congctl", "cubic"))


def test_features_are_one_value_as_in_the_text() -> None:
    route = one('{"dst":"10.6.0.0/16","dev":"eth0","flags":[],"metrics":[{"ecn":null,"tcp_usec_ts":null,"rto_min":5}]}')
    assert route.metrics == (("features", "ecn tcp_usec_ts"), ("rto_min", 5))


def test_a_cached_route_has_its_flags() -> None:
    route = one(
        '{"type":"local","dst":"127.0.0.1","dev":"lo","flags":[],"uid":0,"cache":["local"],"expires":7,"iif":"lo"}'
    )
    assert (route.cache, route.expires, route.iif) == (("local",), 7, "lo")
    assert one('{"dst":"10.0.0.1","dev":"eth0","flags":[],"uid":0,"cache":[]}').cache == ()


def test_a_deleted_route_is_marked() -> None:
    assert one('{"deleted":true,"dst":"10.0.0.0/8","dev":"eth0","flags":[]}').deleted


def test_segments_and_labels_are_read() -> None:
    assert one('{"dst":"10.0.0.0/8","encap":"mpls","dst":"100/200","ttl":5,"dev":"eth0","flags":[]}').encap == (
        "mpls 100/200 ttl 5"
    )
    assert one(
        '{"dst":"2001:db8::/48","encap":"seg6","mode":"encap","segs":["fc00::2","fc00::3"],"dev":"eth0"}'
    ).encap == ("seg6 mode encap segs 2 [ fc00::2 fc00::3 ]")


@pytest.mark.parametrize(
    "printed",
    [
        '{"dev":"eth0","flags":[]}',
        '{"dst":"10.0.0.0/8","dev":"eth0","unheard-of":1}',
        '{"dst":"10.0.0.0/8","dev":"eth0 metric 5"}',
        '{"dst":"10.0.0.0/8","dev":"eth0","metric":true}',
        '{"dst":"10.0.0.0/8","dev":null}',
        '{"dst":"10.0.0.0/8","dev":true}',
        '{"dst":"10.0.0.0/8","nexthops":[{"gateway":"10.1.1.1","unheard-of":1}]}',
        '{"dst":"10.0.0.0/8","nexthops":7}',
        '{"dst":"10.0.0.0/8","flags":["onlink","unheard-of"]}',
        '{"dst":["10.0.0.0/8"],"dev":"eth0"}',
        '{"dst":"10.0.0.1/8","dev":"eth0"}',
        '{"dst":"10.0.0.0/8\\\\nexthop via 10.1.1.1 dev eth0"}',
        '{"ifindex":1,"ifname":"lo"}',
        "{}",
    ],
)
def test_an_object_that_is_not_understood_is_reported_as_printed(printed: str) -> None:
    parsed = parse_ip_route(f"[{BLACKHOLE},\n{printed}]")
    assert len(parsed.routes) == 1
    assert [(line.line, line.text) for line in parsed.unparsed] == [(2, printed)]


def test_pretty_printed_objects_are_reported_line_by_line() -> None:
    parsed = parse_ip_route('[ {\n        "dst": "10.0.0.0/8"\n    },{\n        "x": 1\n    } ]\n')
    assert [(line.line, line.text) for line in parsed.unparsed] == [(3, "{"), (4, '        "x": 1'), (5, "    }")]


def test_what_comes_before_a_cut_is_read() -> None:
    parsed = parse_ip_route(f"[{BLACKHOLE},{REMOTE[:40]}")
    assert [route.type for route in parsed.routes] == ["blackhole"]
    assert [line.text for line in parsed.unparsed] == [REMOTE[:40]]


def test_several_arrays_and_messages_between_them_are_read() -> None:
    parsed = parse_ip_route(f"[]\nDump terminated\n[{BLACKHOLE}]\n[ ]\n[{REMOTE}] ]\n")
    assert [route.type for route in parsed.routes] == ["blackhole", "unicast"]
    assert [(line.line, line.text) for line in parsed.unparsed] == [(2, "Dump terminated")]


def test_labels_of_ip_monitor_are_not_json() -> None:
    assert not is_json("[ROUTE]10.0.0.0/8 dev eth0 \n[nsid current]10.1.0.0/16 dev eth0 \n")
    assert is_json("[]")
    assert is_json('[ {\n "dst": "default"\n} ]')
    assert is_json("Defaulted container\n[{}]")


def test_deeply_nested_arrays_do_no_harm() -> None:
    parsed = parse_ip_route('[{"dst":' + "[" * 100_000)
    assert len(parsed.unparsed) == 1
