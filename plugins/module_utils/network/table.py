# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a routing table sends a packet: longest-prefix match as the Linux kernel does it. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from operator import itemgetter
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Generic, TypeVar

from ..text.ip_route import Route

Value = TypeVar("Value")

Destination = tuple[str, str]
"""The name of a table, and a CIDR in it."""

Rank = tuple[int, int]

USUAL_TABLES = ("local", "main", "default")
"""The tables that the kernel's own rules ask, in their order (net/ipv4/fib_rules.c)."""

# IPv6 has no table default (net/ipv6/fib6_rules.c).
_DEFAULT_TABLES = {32: USUAL_TABLES, 128: ("local", "main")}
_TABLE_NAMES = {None: "main", "253": "default", "254": "main", "255": "local"}

# RFC 4191: among IPv6 routes of one metric the router preference decides.
_PREF_RANK = {"high": -1, "low": 1}


# The same address comes up for each row, probe and check that it is in.
@lru_cache(maxsize=16384)
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


# A network comes up wherever a row for it is looked at.
@lru_cache(maxsize=4096)
def prefix_number(prefix: str) -> tuple[int, int, int]:
    """The prefix as (32 or 128 bits, number of its first address, length). Raises ValueError when it is no CIDR."""
    address, _unused, length = prefix.partition("/")
    try:
        bits, number = address_number(address)
        size = int(length) if length.isdecimal() else -1
        if 0 <= size <= bits and not number & ((1 << bits - size) - 1):
            return bits, number, size
    except ValueError:
        pass
    raise ValueError(f"{prefix!r} is not a network in CIDR form, such as 10.0.0.0/24 or fd00::/64")


Finders = list[tuple[int, Callable[[int], "Value | None"]]]
"""What gives the value of a prefix by its first bits, with the number of bits behind these; the longest prefix first."""


class PrefixMap(Generic[Value]):
    """Values found by the longest prefix that holds an address; one dict per prefix length.

    ``items`` are (CIDR, value); of two for the same CIDR the last one stays. A CIDR that is not among them has what it has
    in ``under``; a value of None says that it has none. Raises ValueError for what is no CIDR.
    """

    def __init__(self, items: Iterable[tuple[str, Value | None]], under: PrefixMap[Value] | None = None) -> None:
        families: dict[int, dict[int, dict[int, Value | None]]] = {32: {}, 128: {}}
        for prefix, value in items:
            bits, number, length = prefix_number(prefix)
            shift = bits - length
            families[bits].setdefault(shift, {})[number >> shift] = value
        self.finders: dict[int, Finders[Value]] = {}
        for bits, by_shift in families.items():
            finders: dict[int, Callable[[int], Value | None]] = dict(under.finders[bits]) if under else {}
            for shift, values in by_shift.items():
                finders[shift] = _finder(values, finders[shift]) if shift in finders else values.get
            self.finders[bits] = sorted(finders.items(), key=itemgetter(0))

    def match(self, bits: int, number: int) -> Value | None:
        """The value of the longest prefix that holds the address, None when there is none."""
        for shift, find in self.finders[bits]:
            value = find(number >> shift)
            if value is not None:
                return value
        return None


def _finder(values: Mapping[int, Value | None], under: Callable[[int], Value | None]) -> Callable[[int], Value | None]:
    return lambda key: values[key] if key in values else under(key)


def preferred_routes(routes: Iterable[Route]) -> dict[Destination, Route]:
    """The row that serves each destination: usable now for any packet, with the lowest metric, the first of equals.

    Rows that only packets of one type of service or source use, and dead or deleted rows, serve nothing here.
    A destination that no row serves for every packet is not among the keys.
    """
    best: dict[Destination, Route] = {}
    with_source = set()
    for route in routes:
        if route.from_ and not route.deleted:
            with_source.add(destination_of(route))
        if not serves_any_packet(route):
            continue
        key = destination_of(route)
        other = best.get(key)
        if other is None or _preference(route) < _preference(other):
            best[key] = route
    # Where a prefix also has rows for some sources, the kernel goes on to shorter prefixes for all other sources and
    # never sees the prefix's common rows; only the default route is exempt (fib6_node_lookup_1, its goto backtrack).
    return {key: route for key, route in best.items() if key not in with_source or key[1] == "::/0"}


def destination_of(route: Route) -> Destination:
    """What the row is for."""
    return table_of(route), route.dst


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
    """The tables of a node or a pod, asked as the kernel asks them. Raises ValueError for a route whose dst is no CIDR.

    As the kernel does (fib_table_lookup in net/ipv4/fib_trie.c, fib6_table_lookup in net/ipv6/route.c): the longest
    prefix wins, then the lowest metric; a row whose next hops are all dead is passed over, one whose link is down is
    not (net.ipv4.conf.*.ignore_routes_with_linkdown is 0 by default); blackhole, unreachable and prohibit are answers;
    throw ends its table without one. IPv4's local and main are kept apart, which the kernel does from the first
    ``ip rule`` on that anybody adds; before that a longer prefix in main beats a network in local.
    Of link-local destinations, which are there once for each device, the first row answers.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._maps = _maps(preferred_routes(routes), {})

    def changed(self, serving: Mapping[Destination, Route | None]) -> RouteTable:
        """The same tables, but that other rows, or none, serve some destinations. They are not copied."""
        table = RouteTable(())
        table._maps = self._maps | _maps(serving, self._maps)
        return table

    def lookup(self, address: str) -> Route | None:
        """The row that decides on a packet to the address, None where the kernel says "Network is unreachable".

        The tables of the kernel's own rules are asked, in their order, until one answers. Raises ValueError when the
        address is none.
        """
        return self.find(*address_number(address))

    def find(self, bits: int, number: int) -> Route | None:
        """:meth:`lookup` for an address as :func:`address_number` gives it."""
        for finders in self._usual_finders[bits]:
            for shift, find in finders:
                route = find(number >> shift)
                if route is not None:
                    if route.type != "throw":
                        return route
                    break
        return None

    @cached_property
    def _usual_finders(self) -> dict[int, list[Finders[Route]]]:
        """Those of the tables that the kernel's own rules ask."""
        return {
            bits: [self._maps[table].finders[bits] for table in tables if table in self._maps]
            for bits, tables in _DEFAULT_TABLES.items()
        }

    def find_in(self, table: str, bits: int, number: int) -> Route | None:
        """What one table answers, such as one that an ``ip rule`` of the AWS VPC CNI asks."""
        found = self._maps.get(table)
        route = found.match(bits, number) if found is not None else None
        return None if route is None or route.type == "throw" else route


def _maps(
    serving: Mapping[Destination, Route | None], under: Mapping[str, PrefixMap[Route]]
) -> dict[str, PrefixMap[Route]]:
    by_table: dict[str, list[tuple[str, Route | None]]] = {}
    for (table, dst), route in serving.items():
        by_table.setdefault(table, []).append((dst, route))
    return {table: PrefixMap(rows, under.get(table)) for table, rows in by_table.items()}


def rank_of(table: str, bits: int, length: int) -> Rank | None:
    """The rank of a row for a prefix of that length: of all rows that hold an address, the one of the smallest decides.

    None where the kernel's own rules do not ask the table.
    """
    asked = _DEFAULT_TABLES[bits]
    return (asked.index(table), bits - length) if table in asked else None


def _preference(route: Route) -> tuple[int, int]:
    return route.metric or 0, _PREF_RANK.get(route.pref or "", 0)
