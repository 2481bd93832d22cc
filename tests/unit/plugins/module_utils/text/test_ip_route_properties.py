# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for any text, and for any route that a kernel may hold."""

from __future__ import annotations

from collections import Counter
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from random import Random
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route, parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route_json import is_json
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import clean
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.module_utils.text.route_printer import print_busybox_route, print_route

pytestmark = pytest.mark.slow

WORDS = """
default 10.0.0.0/8 10.1.2.3 fd00::/64 fe80::1 0.0.0.0/0 ::/0 6 unicast blackhole local via inet inet6 dev eth0 proto
80 kernel scope link src metric 20 -1 table main onlink dead nhid 5 tos mtu lock 1400 advmss expires 5sec pref medium
encap ip id dst ttl mpls seg6 segs [ ] error -101 from realm realms 3/4 nexthop nh_info cache <local> weight 1 uid
mark rto_min 200ms features ecn tcp_usec_ts 0x1c Deleted [ROUTE] Timestamp: \\ [{ }] , { } "dst":"10.0.0.0/8" "dst":
"flags":[] "dev":"eth0" "nexthops":[]
"""
route_like = st.lists(
    st.sampled_from([*WORDS.split(), "\\\n", "\t", " ", "\n", "\n\t", "\r\n", "\x1b[0m"]), max_size=40
).flatmap(lambda words: st.sampled_from([" ".join(words), "".join(words)]))
texts = st.text() | route_like | st.lists(route_like, max_size=4).map("\n".join)


@given(texts)
def test_any_text_is_accounted_for_line_by_line(text: str) -> None:
    parsed = parse_ip_route(text)
    text = clean(text)
    lines = text.split("\n")
    for line in parsed.unparsed:
        assert line.text in lines[line.line - 1]
    if is_json(text):
        # Brackets and commas between objects belong to nobody.
        printed = "".join([*(route.raw for route in parsed.routes), *(line.text for line in parsed.unparsed)])
        assert Counter("".join(text.split())) - Counter("".join(printed.split())) <= Counter(
            {c: len(text) for c in "[],"}
        )
    else:
        printed = [line for route in parsed.routes for line in route.raw.split("\n")]
        printed += [line.text for line in parsed.unparsed]
        assert Counter(line for line in printed if line.strip()) == Counter(line for line in lines if line.strip())


@given(texts)
def test_records_of_any_text_are_well_formed_and_plain(text: str) -> None:
    for route in parse_ip_route(text).routes:
        assert str(ip_network(route.dst)) or route.dst
        assert ip_network(route.dst).version == (6 if ":" in route.dst else 4)
        assert {"type", "dst", "raw"} <= route.as_dict().keys()


names = st.from_regex(r"[a-z][a-z0-9.@_-]{0,14}", fullmatch=True)
numbers = st.integers(0, 2**32 - 1)
words = st.sampled_from(["kernel", "boot", "static", "80", "bird", "188"])


def printed(address: IPv4Address | IPv6Address) -> str:
    """As iproute2 writes it; str() writes an IPv6 address that holds an IPv4 one differently from one Python to the next."""
    return inet_ntop(AF_INET if address.version == 4 else AF_INET6, address.packed)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


metrics_and_locks = st.tuples(
    st.dictionaries(st.sampled_from(["window", "rtt", "advmss", "rto_min", "hoplimit"]), st.integers(0, 9999)),
    maybe(st.sampled_from(["ecn", "ecn tcp_usec_ts", "tcp_usec_ts 0x1c", "0x2"])),
    st.sets(st.integers(0, 5)),
)


def with_metrics(fields: dict[str, Any]) -> Route:
    """The route with the fields; ``metrics`` are numbers, the word for features, and the places of those that are locked."""
    numbers, features, locked = fields.pop("metrics", ({}, None, ()))
    metrics = numbers | ({"features": features} if features else {})
    locks = tuple(name for place, name in enumerate(metrics) if place in locked)
    return Route(**fields, metrics=tuple(metrics.items()), locks=locks)


# Made once: hypothesis takes longer to make a strategy than to draw from it.
@cache
def routes_of(version: int, *, details: bool) -> st.SearchStrategy[Route]:
    addresses = st.ip_addresses(v=version).map(printed)
    bits = 32 if version == 4 else 128
    prefixes = st.builds(
        lambda address, length: f"{printed(ip_network(f'{address}/{length}', strict=False)[0])}/{length}",
        addresses,
        st.integers(0, bits),
    )
    gateways = maybe(addresses | st.ip_addresses(v=6).map(printed) if details else addresses)
    flags = st.lists(st.sampled_from(["dead", "onlink", "pervasive", "notify"]), unique=True).map(tuple)
    fields = {
        "raw": st.just(""),
        "dst": prefixes,
        "type": st.sampled_from(["unicast", "unicast", "local", "blackhole", "unreachable", "throw"]),
        "gateway": gateways,
        "dev": names,
        "scope": maybe(st.sampled_from(["link", "host", "253"])) if version == 4 else st.none(),
        "prefsrc": maybe(addresses),
        "metric": numbers if version == 6 else maybe(numbers),
        "flags": flags,
    }
    if details:
        hops = st.builds(NextHop, gateways, names, st.integers(1, 256), flags, st.none(), maybe(st.just("7")))
        fields |= {
            "protocol": maybe(words),
            "table": maybe(st.sampled_from(["local", "100", "4000000000"])),
            "mtu": maybe(st.integers(68, 65535)),
            "nexthops": st.lists(hops, max_size=3).map(tuple),
            "nhid": maybe(numbers),
            "from_": maybe(prefixes.filter(lambda prefix: not prefix.endswith("/0"))),
            "tos": maybe(st.just("0x10")),
            "encap": maybe(st.sampled_from(["ip id 5 src 0.0.0.0 dst 10.9.9.9 ttl 0 tos 4 key", "mpls 100/200 ttl 3"])),
            "pref": st.sampled_from(["low", "medium", "high"]) if version == 6 else st.none(),
            "expires": maybe(numbers),
            "error": maybe(st.integers(-133, -1)) if version == 6 else st.none(),
            "metrics": metrics_and_locks,
            "realms": maybe(st.sampled_from(["4", "3/4"])),
            "uid": maybe(numbers),
            "cache": maybe(st.lists(st.sampled_from(["local", "mc", "redirected"]), unique=True).map(tuple)),
        }
    return st.fixed_dictionaries(fields).map(with_metrics)


def routes(*, details: bool = True) -> st.SearchStrategy[Route]:
    """Routes as a kernel may hold them: families are not mixed but for gateways, IPv6 has a metric and a preference."""
    return routes_of(4, details=details) | routes_of(6, details=details)


# A preference tells what a default route is that does not tell itself.
CONTEXT = "fe80::/64 dev lo metric 256 pref medium\n"


@given(st.lists(routes(), max_size=5))
def test_printed_routes_read_as_they_were(table: list[Route]) -> None:
    printed = [print_route(route) for route in table]
    parsed = parse_ip_route(CONTEXT + "\n".join(printed))
    assert parsed.unparsed == []
    assert parsed.routes[1:] == [route._replace(raw=raw) for route, raw in zip(table, printed, strict=True)]


@given(routes())
def test_one_line_output_reads_as_several_lines_do(route: Route) -> None:
    printed = print_route(route).replace("\n", "\\")
    assert parse_ip_route(f"{CONTEXT}{printed}\n").routes[1:] == [route._replace(raw=printed)]


@given(routes(details=False))
def test_routes_printed_by_busybox_read_as_they_were(route: Route) -> None:
    printed = print_busybox_route(route)
    family = "fe80::/64 dev eth0  metric 256 " if ":" in route.dst else "127.0.0.0/8 dev lo "
    parsed = parse_ip_route(f"{printed}\n{family}\n")
    assert parsed.routes[0] == route._replace(raw=printed)


@given(st.lists(routes(), min_size=1, max_size=4), st.data())
def test_a_cut_spoils_no_line_but_the_last(table: list[Route], data: st.DataObject) -> None:
    text = "".join(print_route(route) + "\n" for route in table)
    end = data.draw(st.integers(0, len(text)))
    cut = parse_ip_route(CONTEXT + text[:end]).routes
    assert cut[:-1] == parse_ip_route(CONTEXT + text).routes[: len(cut) - 1]


@given(st.lists(routes(), max_size=6), st.randoms())
def test_what_was_read_before_does_not_matter(table: list[Route], random: Random) -> None:
    printed = [print_route(route) for route in table]
    before = {line: parse_ip_route(CONTEXT + line).routes[1] for line in printed}
    random.shuffle(printed)
    assert parse_ip_route(CONTEXT + "\n".join(printed)).routes[1:] == [before[line] for line in printed]
