# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pairs of generated tables, as two nodes of a cluster print them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import prefix_number
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route, parse_ip_route
from hypothesis import strategies as st

from tests.unit.plugins.module_utils.text.route_printer import print_route

UNIVERSES = {32: int(IPv4Address("10.0.0.0")), 128: int(IPv6Address("fd00::"))}
FILLING = 70

Generated = tuple[int, tuple[str, str]]
"""The bits of the family, and both tables."""


def printed(bits: int, number: int) -> str:
    return str(IPv4Address(number) if bits == 32 else IPv6Address(number))


@st.composite
def destinations(draw: st.DrawFn, bits: int) -> str:
    """Among few addresses, of any length: many are parts of each other."""
    left = draw(st.integers(0, 8))
    network = f"{printed(bits, UNIVERSES[bits] + draw(st.integers(0, 15)))}/{bits - left}"
    usual = ["0.0.0.0/0", "169.254.0.0/16"] if bits == 32 else ["::/0", "fe80::/64"]
    return draw(st.sampled_from([*usual, *[str(ip_network(network, strict=False))] * 3]))


@st.composite
def rows(draw: st.DrawFn, bits: int, dst: str, types: list[str], sources: list[str | None]) -> str:
    """A row as iproute2 prints it."""
    gateway = st.integers(2, 4).map(lambda last: f"172.18.0.{last}" if bits == 32 else f"fc00::{last}")
    device = st.sampled_from(["eth0", "eth1"])
    flags = st.sampled_from([(), (), (), ("linkdown",), ("dead", "linkdown")])
    return print_route(
        Route(
            raw="",
            dst=dst,
            type=draw(st.sampled_from(types)),
            gateway=draw(st.none() | gateway),
            dev=draw(device),
            table=draw(st.sampled_from([None, None, None, "local", "default", "100"])),
            metric=draw(st.sampled_from([256, 1024] if bits == 128 else [None, None, 20])),
            flags=draw(flags),
            nhid=draw(st.sampled_from([None, None, 5, 6])),
            nexthops=draw(
                st.just(()) | st.lists(st.builds(NextHop, gateway, device, flags=flags), max_size=2).map(tuple)
            ),
            from_=draw(st.sampled_from(sources)) if bits == 128 else None,
            tos=draw(st.sampled_from([None] * 6 + ["0x10"])) if bits == 32 else None,
            pref=draw(st.sampled_from(["low", "medium", "medium", "high"])) if bits == 128 else None,
        )
    )


def filling(bits: int) -> list[str]:
    """Rows that all nodes have, so that one table is kept as its difference to the other."""
    if bits == 32:
        return [f"10.9.{n}.0/24 via 172.18.0.2 dev eth0 " for n in range(FILLING)]
    return [f"fd09::{n:x} via fc00::2 dev eth0 metric 1024 pref medium" for n in range(FILLING)]


@st.composite
def tables(draw: st.DrawFn, bits: int) -> tuple[str, str]:
    """Two tables of which the second has what the first has, but for a few rows, and in another order here and there.

    Few destinations have many rows: which of them decides is up to their order, too.
    """
    dst = st.sampled_from(draw(st.lists(destinations(bits), min_size=1, max_size=4)))
    types = ["unicast"] * 3 + draw(st.sampled_from([[], ["local", "blackhole", "unreachable"], ["throw"]]))
    sources = [None, None, *draw(st.sampled_from([[], ["2001:db8::/56"]]))]
    row = dst.flatmap(lambda dst: rows(bits, dst, types, sources)) | st.just("what is this?")
    first = filling(bits)
    for inserted in draw(st.lists(row, max_size=20)):
        first.insert(draw(st.integers(0, len(first))), inserted)
    second = list(first)
    special = [row for row in first if row not in filling(bits)] or first
    changes = ["add", "drop", "go on", "move", "repeat", "replace"]
    for change in draw(st.lists(st.sampled_from(changes), max_size=8)):
        place = draw(st.integers(0, len(second)) | st.just(len(second)))
        chosen = draw(st.sampled_from(special))
        match change:
            case "add":
                second.insert(place, draw(row))
            case "go on":
                more = "mtu 1400 " if bits == 32 else "\n\tnexthop via fc00::7 dev eth0 weight 1 "
                second[place - 1] += draw(st.sampled_from([more, "\n\tnexthop dev eth1 weight 1 "]))
            case "repeat":
                second.insert(place, chosen)
            case _ if chosen in second:
                del second[second.index(chosen)]
                if change != "drop":
                    second.insert(place, chosen if change == "move" else draw(row))
    ends = st.sampled_from(["\n", "", "\n\n"])
    return "\n".join(first) + draw(ends), "\n".join(second) + draw(ends)


pairs_of_tables = st.sampled_from([32, 128]).flatmap(lambda bits: st.tuples(st.just(bits), tables(bits)))


def interesting(bits: int, *tables: str) -> set[int]:
    """The addresses at both ends of each network, and those beside it."""
    numbers = set()
    for text in tables:
        for route in parse_ip_route(text).routes:
            _bits, first, length = prefix_number(route.dst)
            last = first + (1 << bits - length) - 1
            numbers |= {max(first - 1, 0), first, last, min(last + 1, (1 << bits) - 1)}
    return numbers
