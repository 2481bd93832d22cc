# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text import ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route, parse_ip_route

GOLDEN = Path(__file__).parent / "golden"


def one(text: str) -> Route:
    """The only route of a text that is understood as a whole."""
    parsed = parse_ip_route(text)
    assert parsed.unparsed == []
    (route,) = parsed.routes
    assert route.raw == text.removesuffix("\n")
    return route


def unparsed(text: str) -> list[tuple[int, str]]:
    parsed = parse_ip_route(text)
    assert parsed.routes == []
    return [(line.line, line.text) for line in parsed.unparsed]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("route*.txt")), ids=lambda path: path.stem)
def test_a_golden_table_gives_the_records_written_down_for_it(path: Path) -> None:
    text = path.read_bytes().decode()
    parsed = parse_ip_route(text)
    plain = json.loads(json.dumps(parsed.as_dict()))
    raw = [route.pop("raw") for route in plain["routes"]]
    assert plain == json.loads(path.with_suffix(".json").read_text())
    if not path.stem.endswith(("json", "json_detail")):
        lines = [line for part in raw for line in part.split("\n")] + [line["text"] for line in plain["unparsed"]]
        assert lines == [line for line in text.split("\n") if line.strip()]


class TestDestinations:
    def test_a_host_gets_its_mask(self) -> None:
        assert one("192.168.157.134 dev cali98fd8882b62 scope link \n").dst == "192.168.157.134/32"
        assert one("fd00::6 dev cali98fd8882b62 metric 1024 pref medium\n").dst == "fd00::6/128"

    def test_an_ipv6_destination_is_made_canonical(self) -> None:
        assert one("FD00:0:0::/64 dev eth0 metric 256 \n").dst == "fd00::/64"

    def test_default_is_spelt_out_by_family(self) -> None:
        assert one("default via 172.18.0.1 dev eth0 \n").dst == "0.0.0.0/0"
        assert one("default via fe80::1 dev eth0 metric 1024 pref medium\n").dst == "::/0"
        assert one("0.0.0.0/0 via 172.18.0.1 dev eth0 \n").dst == "0.0.0.0/0"

    @pytest.mark.parametrize(
        "text",
        [
            "10.0.0.1/8 dev eth0 \n",  # the kernel never holds host bits: cut or edited
            "10.0.0.0/33 dev eth0 \n",
            "10.0.0.0/ dev eth0 \n",
            "10.0.0.0/+8 dev eth0 \n",
            "010.0.0.0/8 dev eth0 \n",
            "10.0.0/8 dev eth0 \n",
            "fd00::/129 dev eth0 metric 1 \n",
            "102 via inet6 fe80::1 dev swp2  proto zebra \n",  # an MPLS label
            "node1 via 172.18.0.1 dev eth0 \n",  # ip -r
        ],
    )
    def test_what_is_no_network_is_no_route(self, text: str) -> None:
        assert unparsed(text) == [(1, text.removesuffix("\n"))]

    def test_a_lone_destination_needs_the_blank_that_ip_prints_behind_it(self) -> None:
        assert one("10.2.0.0/16 \n").dst == "10.2.0.0/16"  # busybox, of a multipath route
        assert unparsed("192.168.157.13") == [(1, "192.168.157.13")]  # cut off in the middle
        assert unparsed("10.0.0.1\n10.0.0.2\n") == [(1, "10.0.0.1"), (2, "10.0.0.2")]  # another command

    @pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit", "throw"])
    def test_a_route_that_rejects_needs_no_device(self, kind: str) -> None:
        assert one(f"{kind} 192.168.157.128/26")[:4] == (f"{kind} 192.168.157.128/26", "192.168.157.128/26", kind, None)

    @pytest.mark.parametrize("kind", ["local", "broadcast", "anycast", "multicast", "unicast"])
    def test_the_type_stands_before_the_destination(self, kind: str) -> None:
        route = one(f"{kind} 10.1.2.3 dev lo table local scope host ")
        assert (route.type, route.dst, route.table, route.scope) == (kind, "10.1.2.3/32", "local", "host")

    def test_a_numeric_type_is_given_its_name(self) -> None:
        assert one("6 192.168.157.128/26 proto 80 ").type == "blackhole"
        assert one("2 default dev lo table 2004 scope 254 ").type == "local"


class TestFamilyOfADefaultRoute:
    @pytest.mark.parametrize(
        ("text", "dst"),
        [
            ("default dev wlan0 scope link metric 600 ", "0.0.0.0/0"),
            ("local default dev lo scope host", "0.0.0.0/0"),
            ("default dev tun0 ", "0.0.0.0/0"),  # every IPv6 route has a metric
            ("unreachable default metric 4278198272", "0.0.0.0/0"),  # every IPv6 one that rejects has dev lo
            ("default dev eth0 src 10.0.0.2 metric 100 ", "0.0.0.0/0"),
            ("default via inet6 fe80::1 dev eth0 metric 100 ", "0.0.0.0/0"),
            ("default dev eth0 metric 1024 pref medium", "::/0"),
            ("unreachable default dev lo metric -1 error -101", "::/0"),
            ("default from 2001:db8::/56 dev eth1 metric 5 ", "::/0"),
        ],
    )
    def test_its_line_may_tell(self, text: str, dst: str) -> None:
        assert one(text).dst == dst

    def test_next_hops_tell(self) -> None:
        text = "default metric 1024 pref medium\n\tnexthop via fe80::1 dev eth0 weight 1 "
        assert one(text).dst == "::/0"
        assert one("default metric 20 \n\tnexthop via 10.0.0.1 dev eth0 weight 1 ").dst == "0.0.0.0/0"

    def test_else_the_other_routes_tell(self) -> None:
        text = "default dev eth0  metric 1024 \n"
        assert parse_ip_route(f"fe80::/64 dev eth0  metric 256 \n{text}").routes[1].dst == "::/0"
        assert parse_ip_route(f"{text}10.0.0.0/8 dev eth0 \n").routes[0].dst == "0.0.0.0/0"

    def test_where_ipv6_routes_show_a_preference_one_without_is_ipv4(self) -> None:
        text = "default dev wg0 metric 50 \ndefault via fe80::1 dev eth0 metric 1024 pref medium\n"
        assert [route.dst for route in parse_ip_route(text).routes] == ["0.0.0.0/0", "::/0"]

    def test_what_nothing_tells_is_not_guessed(self) -> None:
        assert unparsed("default dev eth0  metric 1024 \n") == [(1, "default dev eth0  metric 1024 ")]
        text = "10.0.0.0/8 dev eth0 \nfe80::/64 dev eth0  metric 256 \ndefault dev eth0  metric 1024 \n"
        assert [line.line for line in parse_ip_route(text).unparsed] == [3]

    def test_json_without_a_preference_is_ipv4(self) -> None:
        (route,) = parse_ip_route('[{"dst":"default","dev":"wg0","metric":50,"flags":[]}]').routes
        assert route.dst == "0.0.0.0/0"


class TestOptions:
    def test_a_gateway_of_the_other_family_is_the_gateway(self) -> None:
        route = one("10.5.0.0/16 via inet6 fc00::2 dev eth0 ")
        assert (route.dst, route.gateway) == ("10.5.0.0/16", "fc00::2")

    def test_families_do_not_mix_unless_the_line_says_so(self) -> None:
        for text in (
            "10.5.0.0/16 via fc00::2 dev eth0 ",
            "fc00::/64 via 10.0.0.1 dev eth0 metric 1 ",
            "10.5.0.0/16 dev eth0 src fc00::2 ",
            "10.5.0.0/16 \n\tnexthop via fc00::2 dev eth0 weight 1 ",
        ):
            assert parse_ip_route(text).routes == []

    def test_old_double_blanks_and_the_order_of_old_versions_are_read(self) -> None:
        route = one("192.168.8.0/24 dev eth0  proto kernel  scope link  src 192.168.8.3  metric 100 ")
        assert route[3:9] == (None, "eth0", "kernel", "link", "192.168.8.3", 100)

    def test_a_metric_behind_the_scope_is_read(self) -> None:
        assert one("192.168.157.134 dev cali98fd8882b62 scope link metric 1024 ").metric == 1024

    def test_the_lock_of_an_mtu_is_kept(self) -> None:
        route = one("10.51.0.0/16 via 172.18.0.2 dev eth0 mtu lock 1400 ")
        assert (route.mtu, route.locks) == (1400, ("mtu",))

    def test_metrics_keep_their_order_and_have_times_in_milliseconds(self) -> None:
        route = one(
            "10.0.0.0/8 dev eth0 mtu 1450 rtt 300ms rttvar 2s hoplimit 64 features ecn rto_min lock 1.5s congctl bbr"
        )
        assert route.mtu == 1450
        assert route.metrics == (
            ("rtt", 300),
            ("rttvar", 2000),
            ("hoplimit", 64),
            ("features", "ecn"),
            ("rto_min", 1500),
            ("congctl", "bbr"),
        )
        assert route.locks == ("rto_min",)

    @pytest.mark.parametrize("features", ["ecn", "tcp_usec_ts", "ecn tcp_usec_ts", "ecn 0x1d", "0x8"])
    def test_features_may_be_several_words(self, features: str) -> None:
        route = one(f"10.0.0.0/8 dev eth0 features {features} rto_min lock 5ms ")
        assert route.metrics == (("features", features), ("rto_min", 5))
        assert route.locks == ("rto_min",)

    def test_the_name_of_a_feature_is_one_behind_that_word_alone(self) -> None:
        assert parse_ip_route("10.0.0.0/8 dev eth0 tcp_usec_ts \n").routes == []

    def test_router_advertisements_have_expiry_hop_limit_and_preference(self) -> None:
        route = one("default via fe80::1 dev eth0 proto ra metric 1024 expires 1796sec hoplimit 255 pref medium")
        assert (route.expires, route.metrics, route.pref) == (1796, (("hoplimit", 255),), "medium")

    @pytest.mark.parametrize("printed", ["-101", "4294967195"])
    def test_an_error_is_a_negative_errno_however_it_is_printed(self, printed: str) -> None:
        assert (
            one(f"unreachable default dev lo proto kernel metric 4294967295 error {printed} pref medium").error == -101
        )

    def test_numbers_that_busybox_prints_as_negative_are_unsigned(self) -> None:
        route = one("10.18.0.0/16 dev eth0 table -294967296  metric -1 ")
        assert (route.table, route.metric) == ("4000000000", 2**32 - 1)

    def test_a_source_prefix_is_a_cidr(self) -> None:
        route = one("default from 2001:db8:100a:500::/56 via fe80::ac:ff:fe00:1 dev eth1")
        assert (route.dst, route.from_) == ("::/0", "2001:db8:100a:500::/56")
        assert route.as_dict()["from"] == "2001:db8:100a:500::/56"

    @pytest.mark.parametrize(
        "encap",
        [
            "ip id 100 src 0.0.0.0 dst 172.18.0.2 ttl 0 tos 0",
            "ip id 100 src 172.18.0.4 dst 172.18.0.2 ttl 3 tos 4 key",
            "mpls 100/200 ttl 5",
            "bpf in lwt.o:[in] xmit lwt.o:[xmit] 14",
        ],
    )
    def test_an_encapsulation_does_not_pass_for_the_route_itself(self, encap: str) -> None:
        route = one(f"10.61.0.0/16  encap {encap} tos 0x10 via 172.18.0.3 dev eth0 src 172.18.0.9 ")
        assert (route.dst, route.encap, route.tos) == ("10.61.0.0/16", encap, "0x10")
        assert (route.gateway, route.prefsrc) == ("172.18.0.3", "172.18.0.9")

    def test_segments_of_an_encapsulation_are_kept(self) -> None:
        route = one(
            "2001:db8:1::/48  encap seg6 mode encap segs 2 [ fc00::2 fc00::3 ] dev eth0 metric 1024 pref medium"
        )
        assert route.encap == "seg6 mode encap segs 2 [ fc00::2 fc00::3 ]"
        route = one(
            "2001:db8:3::/48  encap seg6local action End.DT6 table 254 dev eth0 table 7 metric 1024 pref medium"
        )
        assert (route.encap, route.table) == ("seg6local action End.DT6 table 254", "7")

    @pytest.mark.parametrize("flavors", ["psp", "psp,usd", "next-csid lblen 48 nflen 16"])
    def test_flavors_of_a_segments_end_are_part_of_the_encapsulation(self, flavors: str) -> None:
        route = one(f"2001:db8:4::/48  encap seg6local action End flavors {flavors} dev eth0 metric 1024 pref medium")
        assert (route.encap, route.dev) == (f"seg6local action End flavors {flavors}", "eth0")

    def test_an_encapsulation_that_is_not_known_is_not_read(self) -> None:
        assert unparsed("10.0.0.0/8  encap ila 1:2:3:4 csum-mode no-action via 10.1.1.1 dev eth0 ") != []

    def test_flags_keep_their_order(self) -> None:
        assert one("10.63.0.0/16 via 203.0.113.1 dev wan0 dead onlink linkdown ").flags == (
            "dead",
            "onlink",
            "linkdown",
        )

    def test_an_interface_may_be_called_like_a_keyword(self) -> None:
        route = one("10.0.0.0/8 via 10.1.1.1 dev via metric 7 ")
        assert (route.dev, route.metric) == ("via", 7)

    @pytest.mark.parametrize(
        "rest",
        [
            "dev eth0 onlink6",
            "dev eth0 scope link  <------- Pod's IP",
            "dev eth0 # hairpin route",
            "dev",
            "dev eth0 metric",
            "dev eth0 metric x",
            "dev eth0 metric ٣",
            "dev eth0 dev eth1",
            "dev eth0 metric 5 metric 6",
            "via 10.0.0.1 dev eth0 via 10.0.0.2",
            "via 10.0.0.256 dev eth0",
            "dev a-name-beyond-15-characters",
            "dev eth0/1",
            "mtu 1400 mtu 1500",
            "dev eth0 weight 3",
            "proto\n\tnexthop via 10.0.0.1 dev eth0",
            "dev eth0 \\\twhat",
        ],
    )
    def test_a_word_too_many_or_too_few_makes_the_line_unreadable(self, rest: str) -> None:
        assert parse_ip_route(f"10.0.0.0/8 {rest}\n").routes == []


class TestSeveralLines:
    HOPS = (NextHop("172.18.0.2", "eth0", 1), NextHop("172.18.0.3", "eth0", 3, ("onlink",)))

    @pytest.mark.parametrize(
        "text",
        [
            "10.50.0.0/16 proto static metric 20 \n"
            "\tnexthop via 172.18.0.2 dev eth0 weight 1 \n\tnexthop via 172.18.0.3 dev eth0 weight 3 onlink ",
            "10.50.0.0/16 proto static metric 20\n"
            "      nexthop via  172.18.0.2 dev eth0 weight 1\n      nexthop via 172.18.0.3  dev eth0 weight 3 onlink",
            "10.50.0.0/16 proto static metric 20 "
            "\\\tnexthop via 172.18.0.2 dev eth0 weight 1 \\\tnexthop via 172.18.0.3 dev eth0 weight 3 onlink ",
        ],
        ids=["with a tabulator", "with blanks", "in one line"],
    )
    def test_next_hops_belong_to_the_route_above(self, text: str) -> None:
        route = one(text)
        assert route[1:] == Route("", "10.50.0.0/16", protocol="static", metric=20, nexthops=self.HOPS)[1:]

    def test_a_bare_destination_is_complete_with_next_hops(self) -> None:
        assert one("10.2.0.0/16\n\tnexthop dev eth0 weight 1").nexthops == (NextHop(None, "eth0", 1),)

    def test_next_hops_have_encapsulations_and_gateways_of_the_other_family(self) -> None:
        route = one(
            "10.11.0.0/16 \n\tnexthop  encap ip id 5 src 0.0.0.0 dst 1.2.3.4 ttl 0 tos 0 via 172.18.0.2 dev eth0 weight 1 \n"
            "\tnexthop via inet6 fc00::3 dev eth0 weight 1 onlink "
        )
        assert [(hop.gateway, hop.encap) for hop in route.nexthops] == [
            ("172.18.0.2", "ip id 5 src 0.0.0.0 dst 1.2.3.4 ttl 0 tos 0"),
            ("fc00::3", None),
        ]

    def test_details_of_next_hop_objects_are_passed_over(self) -> None:
        route = one(
            "unicast 10.60.0.0/16 nhid 90 proto zebra scope global metric 20 \n\tnh_info id 90 group 84/85,2 scope global \n"
            "\tnexthop via 172.18.0.2 dev eth0 weight 1 "
        )
        assert (route.nhid, len(route.nexthops)) == (90, 1)

    @pytest.mark.parametrize("separator", ["\n    ", "\\    "])
    def test_the_cache_line_belongs_to_the_route_that_was_asked_for(self, separator: str) -> None:
        route = one(
            f"local 127.0.0.1 dev lo table local src 127.0.0.1 uid 0 {separator}cache <local,brd> expires 5sec iif lo "
        )
        assert (route.cache, route.expires, route.iif, route.uid) == (("local", "brd"), 5, "lo", 0)
        assert one("10.0.0.1 dev eth0 uid 0 \n    cache ").cache == ()

    @pytest.mark.parametrize(
        "line",
        ["\tnexthop", "\tnexthop dev eth0 metric 5", "\tcache weight 5", "    cache\n    cache", "    cache dev eth1"],
    )
    def test_a_further_line_holds_what_belongs_there(self, line: str) -> None:
        assert parse_ip_route(f"10.0.0.1 dev eth0 \n{line}\n").routes == []

    def test_a_next_hop_that_is_not_understood_takes_the_whole_route_along(self) -> None:
        text = "10.0.0.0/8 proto static \n\tnexthop via 10.1.1.1 dev eth0 weight 1 \n\tnexthop as to 105 dev swp2\n"
        assert unparsed(text) == list(enumerate(text.split("\n")[:3], 1))

    def test_next_hops_under_a_line_that_is_not_understood_are_nobodys(self) -> None:
        text = "10.9.0.0/16 dev eth0 \n105  proto zebra \n\tnexthop via 10.1.1.1 dev eth0 weight 1 \n10.8.0.0/16 dev eth0 \n"
        parsed = parse_ip_route(text)
        assert [route.dst for route in parsed.routes] == ["10.9.0.0/16", "10.8.0.0/16"]
        assert [line.line for line in parsed.unparsed] == [2, 3]

    def test_a_line_read_alone_before_does_not_lose_its_next_hops_later(self) -> None:
        head, hop = "10.77.0.0/16 proto static metric 20 ", "\tnexthop via 172.18.0.2 dev eth0 weight 1 "
        assert one(head).nexthops == ()
        assert len(one(f"{head}\n{hop}").nexthops) == 1
        assert one(head).nexthops == ()


class TestDecoration:
    def test_indented_lines_are_routes(self) -> None:
        assert one("        10.0.0.0/8 dev eth0 scope link").dst == "10.0.0.0/8"

    def test_colours_and_carriage_returns_are_taken_away(self) -> None:
        text = "\x1b[35m10.0.0.0/8 \x1b[0mvia \x1b[35m10.1.1.1 \x1b[0mdev \x1b[36meth0 \x1b[0m\r\n"
        (route,) = parse_ip_route(text).routes
        assert route[:5] == ("10.0.0.0/8 via 10.1.1.1 dev eth0 ", "10.0.0.0/8", "unicast", "10.1.1.1", "eth0")

    @pytest.mark.parametrize(
        ("before", "deleted"),
        [
            ("Deleted ", True),
            ("[ROUTE]", False),
            ("[nsid current]Deleted ", True),
            ("[2026-11-23T17:01:14.560379] [nsid 0][ROUTE]", False),
        ],
    )
    def test_a_line_of_ip_monitor_says_whether_the_route_ended(self, before: str, deleted: bool) -> None:
        route = one(f"{before}10.1.0.0/16 via 172.18.0.2 dev eth0 proto 80 onlink ")
        assert (route.dst, route.gateway, route.deleted) == ("10.1.0.0/16", "172.18.0.2", deleted)

    def test_time_stamps_on_their_own_line_are_reported(self) -> None:
        parsed = parse_ip_route("Timestamp: Thu Jun 28 11:37:36 2018 770451 us\nDeleted 10.1.0.0/16 dev eth0 \n")
        assert ([line.line for line in parsed.unparsed], len(parsed.routes)) == ([1], 1)

    def test_endless_decoration_does_no_harm(self) -> None:
        for text in ("Deleted " * 50_000, "[ROUTE]\t" * 50_000, "\\" * 50_000, "10.0.0.0/8 " + "\\\tnexthop" * 50_000):
            assert unparsed(text) == [(1, text)]

    def test_messages_are_reported_with_their_line(self) -> None:
        parsed = parse_ip_route("default via 10.0.0.1 dev eth0 \n\nDump terminated\n")
        assert [line.as_dict() for line in parsed.unparsed] == [{"line": 3, "text": "Dump terminated"}]

    def test_neighbours_and_rules_are_no_routes(self) -> None:
        for text in (
            "10.0.0.1 dev eth0 lladdr 02:42:ac:12:00:04 REACHABLE",
            "10.0.0.1 dev eth0 FAILED",
            "0: from all lookup local",
        ):
            assert unparsed(text) == [(1, text)]


def test_plain_json_has_the_fields_that_are_set() -> None:
    text = "10.50.0.0/16 metric 0 mtu 1400 advmss 1300 \n\tnexthop via 172.18.0.2 dev eth0 weight 1 onlink \n"
    assert parse_ip_route(text + "?").as_dict() == {
        "routes": [
            {
                "type": "unicast",
                "dst": "10.50.0.0/16",
                "metric": 0,
                "mtu": 1400,
                "metrics": {"advmss": 1300},
                "nexthops": [{"gateway": "172.18.0.2", "dev": "eth0", "weight": 1, "flags": ["onlink"]}],
                "raw": text.removesuffix("\n"),
            }
        ],
        "unparsed": [{"line": 3, "text": "?"}],
    }


def test_an_empty_text_has_no_routes() -> None:
    assert parse_ip_route("") == parse_ip_route("\n \n") == ([], [])


def test_what_is_remembered_is_bounded() -> None:
    assert 5111 < (ip_route._read_record.cache_info().maxsize or 0) < 10**5
