# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a routing table sends a packet: longest-prefix match as the Linux kernel does it. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Generic, TypeVar

from ..text.ip_route import Route

Value = TypeVar("Value")

# The tables that the kernel's own rules ask, in their order (net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c).
_DEFAULT_TABLES = {32: ("local", "main", "default"), 128: ("local", "main")}
_TABLE_NAMES = {None: "main", "253": "default", "254": "main", "255": "local"}

# RFC 4191: among IPv6 routes of one metric the router preference decides.
_PREF_RANK = {"high": -1, "low": 1}


def address_number(address: str) -> tuple[int, int]:
    """The address as (32 or 128 bits, number). Raises ValueError when it is no IPv4 or IPv6 address."""
    try:
        if ":" in address:
            return 128, int.from_bytes(inet_pton(AF_INET6, address), "big")
        return 32, int.from_bytes(inet_pton(AF_INET, address), "big")
    except (OSError, ValueError):
        raise ValueError(f"{address!r} is not an IPv4 or IPv6 address") from None


def number_address(bits: int, number: int) -> str:
    """The address of that number in its canonical form: the reverse of :func:`address_number`."""
    return inet_ntop(AF_INET if bits == 32 else AF_INET6, number.to_bytes(bits // 8, "big"))


def prefix_number(prefix: str) -> tuple[int, int, int]:
    """The prefix as (32 or 128 bits, number of its first address, length). Raises ValueError when it is no CIDR."""
    address, _unused, length = prefix.partition("/")
    try:
        bits, number = address_number(address)
        if length.isdecimal() and int(length) <= bits and not number & ((1 << bits - int(length)) - 1):
            return bits, number, int(length)
    except ValueError:
        pass
    raise ValueError(f"{prefix!r} is not a network in CIDR form, such as 10.0.0.0/24 or fd00::/64")


class PrefixMap(Generic[Value]):
    """Values found by the longest prefix that holds an address; one dict per prefix length.

    ``items`` are (CIDR, value); of two for the same CIDR the last one stays. Raises ValueError for what is no CIDR.
    """

    def __init__(self, items: Iterable[tuple[str, Value]]) -> None:
        families: dict[int, dict[int, dict[int, Value]]] = {32: {}, 128: {}}
        for prefix, value in items:
            bits, number, length = prefix_number(prefix)
            shift = bits - length
            families[bits].setdefault(shift, {})[number >> shift] = value
        self._families = {bits: sorted(by_shift.items()) for bits, by_shift in families.items()}

    def match(self, bits: int, number: int) -> Value | None:
        """The value of the longest prefix that holds the address, None when there is none."""
        for shift, values in self._families[bits]:
            value = values.get(number >> shift)
            if value is not None:
                return value
        return None

    def matches(self, bits: int, number: int) -> Iterator[tuple[int, Value]]:
        """The values of all prefixes that hold the address, the longest first, after the bits that these leave open."""
        for shift, values in self._families[bits]:
            value = values.get(number >> shift)
            if value is not None:
                yield shift, value


def preferred_routes(routes: Iterable[Route]) -> dict[tuple[str, str], Route]:
    """The row that serves each (table, dst): usable now for any packet, with the lowest metric, the first of equals.

    Rows that only packets of one type of service or source use, and dead or deleted rows, serve nothing here.
    A destination that no row serves for every packet is not among the keys.
    """
    best: dict[tuple[str, str], Route] = {}
    with_source = set()
    for route in routes:
        if route.from_ and not route.deleted:
            with_source.add((table_of(route), route.dst))
        if not serves_any_packet(route):
            continue
        key = table_of(route), route.dst
        other = best.get(key)
        if other is None or _preference(route) < _preference(other):
            best[key] = route
    # Where a prefix also has rows for some sources, the kernel goes on to shorter prefixes for all other sources and
    # never sees the prefix's common rows; only the default route is exempt (fib6_node_lookup_1, its goto backtrack).
    return {key: route for key, route in best.items() if key not in with_source or key[1] == "::/0"}


def table_of(route: Route) -> str:
    """The name of the route's table; ``ip route`` names none for main, nor for a table that was asked for by name."""
    return _TABLE_NAMES.get(route.table) or str(route.table)


def serves_any_packet(route: Route) -> bool:
    """Whether the row is there, alive, and for packets of every type of service and source."""
    return not (route.tos or route.from_ or route.deleted or is_dead(route))


def is_dead(route: Route) -> bool:
    """Whether the kernel passes the row over because the devices of all its next hops are down."""
    if route.nexthops:
        return all("dead" in hop.flags for hop in route.nexthops)
    return "dead" in route.flags


class RouteTable:
    """The tables of a node or a pod, asked as the kernel asks them.

    ``tables`` are asked in that order until one answers: by default those of the kernel's own rules. A table of other
    ``ip rule``\\ s, such as those of the AWS VPC CNI, is asked by naming it. Raises ValueError for a route whose dst is
    no CIDR.

    As the kernel does (fib_table_lookup in net/ipv4/fib_trie.c, fib6_table_lookup in net/ipv6/route.c): the longest
    prefix wins, then the lowest metric; a row whose next hops are all dead is passed over, one whose link is down is
    not (net.ipv4.conf.*.ignore_routes_with_linkdown is 0 by default); blackhole, unreachable and prohibit are answers;
    throw ends its table without one. IPv4's local and main are kept apart, which the kernel does from the first
    ``ip rule`` on that anybody adds; before that a longer prefix in main beats a network in local.
    Of link-local destinations, which are there once for each device, the first row answers.
    """

    def __init__(self, routes: Iterable[Route], tables: Sequence[str] = ()) -> None:
        by_table: dict[str, list[tuple[str, Route]]] = {}
        for (table, dst), route in preferred_routes(routes).items():
            by_table.setdefault(table, []).append((dst, route))
        maps = {table: PrefixMap(rows) for table, rows in by_table.items()}
        self._tables = {
            bits: [(rank, maps[table]) for rank, table in enumerate(tables or default) if table in maps]
            for bits, default in _DEFAULT_TABLES.items()
        }

    def lookup(self, address: str) -> Route | None:
        """The row that decides on a packet to the address, None where the kernel says "Network is unreachable".

        Raises ValueError when the address is none.
        """
        return self.find(*address_number(address))

    def find(self, bits: int, number: int) -> Route | None:
        """:meth:`lookup` for an address as :func:`address_number` gives it."""
        for _rank, table in self._tables[bits]:
            route = table.match(bits, number)
            if route is not None and route.type != "throw":
                return route
        return None

    def candidates(self, bits: int, number: int) -> Iterator[tuple[tuple[int, int], Route]]:
        """The rows that hold the address, as they would decide if those before them were not there, each after its rank.

        Ranks can be compared with those of another table: the smaller decides.
        """
        for rank, table in self._tables[bits]:
            for shift, route in table.matches(bits, number):
                yield (rank, shift), route


def _preference(route: Route) -> tuple[int, int]:
    return route.metric or 0, _PREF_RANK.get(route.pref or "", 0)
