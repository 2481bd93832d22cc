# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ip route`` printed, as records: iproute2's text, busybox's text and ``ip -j route``. Private to the collection.

The records use the names of ``ip -j route``. What is absent is None or (): ``protocol`` None means that nothing was
printed, which is boot for iproute2 and anything for busybox, whose ``ip route`` prints no protocol at all. Source of the
grammar: print_route() in iproute2's ip/iproute.c and in busybox's networking/libiproute/iproute.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from .ip_route_json import is_json, json_routes
from .lines import Unparsed, clean, read_address, read_name, read_number, read_prefix


def _set_fields(record: Any) -> dict[str, Any]:
    defaults = record._field_defaults
    return {
        name.rstrip("_"): list(value) if isinstance(value, tuple) else value
        for name, value in record._asdict().items()
        if value != defaults.get(name)
    }


# Named tuples, not frozen dataclasses: a table has thousands of lines, and creating one costs a fifth of that.
class NextHop(NamedTuple):
    """One way of a multipath route. ``weight`` counts from 1, ``encap`` and ``realms`` are as in :class:`Route`."""

    gateway: str | None = None
    dev: str | None = None
    weight: int | None = None
    flags: tuple[str, ...] = ()
    encap: str | None = None
    realms: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: the fields that are set."""
        return _set_fields(self)


class Route(NamedTuple):
    """One route as ``ip route`` prints it.

    ``dst`` is a canonical CIDR (``0.0.0.0/0`` or ``::/0`` for the default route, /32 or /128 for a host), ``from_`` the
    source prefix of ``default from PREFIX`` in the same form (key ``from``). ``type`` is a name even where ``ip -N``
    printed a number; ``protocol``, ``scope``, ``table``, ``tos`` and ``realms`` are names or numbers as printed.
    ``gateway`` may be of the other family (``via inet6``). ``metrics`` holds the other RTAX_ values in the order printed,
    as (name, value) with times in milliseconds, and ``locks`` the names of those the kernel may not change. ``encap`` is
    what follows the word ``encap``, single-spaced. ``expires`` and ``age`` are seconds. ``cache`` holds the flags of a
    cached route and is None for one that is not cached. ``deleted`` marks a line of ``ip monitor`` that reports the end of
    a route. ``raw`` is the line or lines as printed.
    """

    raw: str
    dst: str
    type: str = "unicast"
    gateway: str | None = None
    dev: str | None = None
    protocol: str | None = None
    scope: str | None = None
    prefsrc: str | None = None
    metric: int | None = None
    table: str | None = None
    flags: tuple[str, ...] = ()
    mtu: int | None = None
    nexthops: tuple[NextHop, ...] = ()
    nhid: int | None = None
    from_: str | None = None
    tos: str | None = None
    encap: str | None = None
    pref: str | None = None
    expires: int | None = None
    error: int | None = None
    metrics: tuple[tuple[str, int | str], ...] = ()
    locks: tuple[str, ...] = ()
    realms: str | None = None
    mark: int | None = None
    iif: str | None = None
    uid: int | None = None
    cache: tuple[str, ...] | None = None
    users: int | None = None
    used: int | None = None
    age: int | None = None
    deleted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: ``type``, ``dst`` and ``raw`` always, of the rest the fields that are set."""
        plain = {"type": self.type} | _set_fields(self)
        if self.nexthops:
            plain["nexthops"] = [hop.as_dict() for hop in self.nexthops]
        if self.metrics:
            plain["metrics"] = dict(self.metrics)
        return plain


class ParsedRoutes(NamedTuple):
    """The records of a text in the order printed, and what was not understood of it."""

    routes: list[Route]
    unparsed: list[Unparsed]

    def as_dict(self) -> dict[str, Any]:
        return {
            "routes": [route.as_dict() for route in self.routes],
            "unparsed": [line.as_dict() for line in self.unparsed],
        }


# Ends a route: a newline, unless the next line goes on with the same route.
_ROUTE_END = re.compile(r"\n(?!\s*(?:nexthop|nh_info|cache)\b)")
# Ends a part of a route that is printed as several lines, or as one with backslashes (``ip -o``).
_PART_END = re.compile(r"[\n\\]")
# Indentation, and what ``ip monitor`` puts before a route.
_BEFORE_ROUTE = re.compile(r"\A\s*(?:\[(?:nsid \w+|ROUTE|[\dT:.-]+)\]\s*|Deleted\s+)*")
# RTN_* of linux/rtnetlink.h; ``ip -N`` prints the numbers.
_TYPE_NAMES = ("unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw")
_TYPES = {name: name for name in _TYPE_NAMES} | {str(number): name for number, name in enumerate(_TYPE_NAMES, 1)}
_FLAGS = frozenset(
    (
        *("dead", "onlink", "pervasive", "offload", "trap", "notify", "linkdown", "unresolved"),
        *("rt_offload", "rt_trap", "rt_offload_failed"),
    )
)
_ENCAP = re.compile(
    r"(?<!\S)encap ((?:ip|ip6)(?: (?:id|src|dst|ttl|hoplimit|tos|tc) \S+){1,5}(?: (?:key|csum|seq))*"
    r"|mpls [\d/]+(?: ttl \d+)?"
    r"|seg6 mode \S+ segs \d+ \[ [^]]* \](?: hmac \S+)?"
    r"|seg6local action \S+(?: (?:nh4|nh6|table|vrftable|iif|oif|flavors|lblen|nflen) \S+)*"
    r"|bpf(?: (?:in|out|xmit) \S+)+(?: \d+)?)(?!\S)"
)
# What stands behind "features" (print_rta_features): those that have no name are printed as one number.
_FEATURE = re.compile(r"ecn|tcp_usec_ts|0x[0-9a-f]+")
_REJECTING = ("blackhole", "unreachable", "prohibit", "throw")
_IPV4_DEFAULT, _IPV6_DEFAULT = "0.0.0.0/0", "::/0"


def parse_ip_route(text: str) -> ParsedRoutes:
    """Read what ``ip route``, ``ip route get`` or ``ip monitor route`` printed; the text itself shows the dialect.

    Never raises: each line that is not blank is part of a record, or stands in ``unparsed``. So does a default route of
    which neither its line nor the others tell whether it is IPv4 or IPv6, and a lone destination that lacks the blank
    with which ``ip`` ends each word: it was cut off, or comes from another command.
    """
    text = clean(text)
    if is_json(text):
        return _settle((line, raw, _read_object(raw, printed)) for line, raw, printed in json_routes(text))
    # Most texts hold plain lines alone. Looking for continued ones first would cost more than reading the others twice.
    read = _read_records(text.split("\n"))
    routes = [route for route in read if route and not isinstance(route, _UndecidedRoute)]
    if len(routes) == len(read):
        return ParsedRoutes(routes, [])
    records = _ROUTE_END.split(text)
    lines = accumulate((record.count("\n") + 1 for record in records), initial=1)
    return _settle(zip(lines, records, _read_records(records), strict=False))


def split_records(text: str) -> list[str]:
    """The text, no JSON, cut behind each of its records; put together again, they are the text."""
    *records, rest = _ROUTE_END.split(text)
    return [f"{record}\n" for record in records] + ([rest] if rest else [])


def read_record(record: str, default: str) -> Route | None:
    """The route that one record of :func:`split_records` prints, None when it is not understood.

    ``default`` is what a default route is for whose line does not tell its family: ``0.0.0.0/0`` or ``::/0``.
    """
    return _decided(_read_record(record.removesuffix("\n")), default)


def read_destination(record: str, default: str) -> str | None:
    """What a record is for that :func:`read_record` does not understand as a whole, None when that is not understood either."""
    words = record.split(None, 2)
    word = next((word for word in words[:2] if word not in _TYPES), "")
    try:
        return default if word == "default" else read_prefix(word)
    except _NOT_UNDERSTOOD:
        return None


def _read_records(records: list[str]) -> list[Route | None]:
    if not records[-1]:
        records.pop()
    return list(map(_read_record, records))


def _settle(rows: Iterable[tuple[int, str, Route | None]]) -> ParsedRoutes:
    """Sort out (line, raw, route or None): what was not read, and default routes that only the other routes explain."""
    rows = list(rows)
    default = _default_among([route for *_ahead, route in rows if route and not isinstance(route, _UndecidedRoute)])
    routes: list[Route] = []
    unparsed: list[Unparsed] = []
    for line, raw, route in rows:
        route = _decided(route, default)
        if route:
            routes.append(route)
        else:
            unparsed += [Unparsed(line + i, part) for i, part in enumerate(raw.split("\n")) if part.strip()]
    return ParsedRoutes(routes, unparsed)


def _default_among(routes: list[Route]) -> str | None:
    """What ``default`` means among these routes, on a line that does not say so itself."""
    families = {":" in route.dst for route in routes}
    # Where iproute2 prints the router preference it does so on every IPv6 route.
    if families == {False} or any(route.pref for route in routes):
        return _IPV4_DEFAULT
    return _IPV6_DEFAULT if families == {True} else None


class _UndecidedRoute(Route):
    """A default route whose line does not tell its family: ``dst`` is ``default``."""


def _decided(route: Route | None, default: str | None) -> Route | None:
    """The route with what ``default`` means where its line does not say so, None where nobody knows that."""
    if isinstance(route, _UndecidedRoute):
        return Route(*route)._replace(dst=default) if default else None
    return route


# Nodes of one cluster hold the same routes but for a few, so most lines of a table were read before. A record is immutable
# and depends on its own text alone, continuation lines included, so remembering cannot give a wrong one. The bound holds a
# node of the largest cluster (5,000 remote blocks) and the own lines of a hundred nodes.
@lru_cache(maxsize=16384)
def _read_record(record: str) -> Route | None:
    """The route that a line, with the lines that continue it, prints; None when it is not understood."""
    type_ = "unicast"
    gateway = dev = None
    # Behind the gateway of a remote block and the interface of a pod, rows are alike: worth the memo of _read_options.
    parts = record.split(" ", 3)
    keyword = parts[1] if len(parts) == 4 else None
    try:
        if keyword == "via" and parts[2] not in ("inet", "inet6"):
            destination, _unused, gateway, words = parts
            gateway = read_address(gateway)
        elif keyword == "dev":
            destination, _unused, dev, words = parts
            dev = read_name(dev)
        else:
            destination, blank, words = record.partition(" ")
            if destination in _TYPES:
                type_ = _TYPES[destination]
                destination, _unused, words = words.partition(" ")
            elif not blank:
                return None
        dst = destination if destination == "default" else read_prefix(destination)
        later_gateway, later_dev, others, has_address = _read_options(words)
        if (gateway and later_gateway) or (dev and later_dev):
            return None
        gateway = gateway or later_gateway
        # As Route._make() does, which takes a quarter longer.
        route = tuple.__new__(Route, (record, dst, type_, gateway, dev or later_dev) + others)  # noqa: RUF005
        if dst == "default" or has_address or (gateway and (":" in gateway) != (":" in dst)):
            return _settle_family(route)
        return route
    except _NOT_UNDERSTOOD:
        return _read_decorated(record)


# What readers raise: an unknown word, a missing one, no number, no address.
_NOT_UNDERSTOOD = (LookupError, StopIteration, ValueError, OSError)


def _read_decorated(record: str) -> Route | None:
    """The route of an indented line, of a line of ``ip monitor``, or of several lines."""
    text = _BEFORE_ROUTE.sub("", record)
    line, *more = _PART_END.split(text)
    if line == record:
        return None
    route = _read_record(f"{line} " if any("nexthop" in part for part in more) else line)
    if not route:
        return None
    try:
        route = _with_parts(route, more)._replace(raw=record, deleted="Deleted" in record.removesuffix(text))
        return _settle_family(route)
    except _NOT_UNDERSTOOD:
        return None


def _with_parts(route: Route, parts: list[str]) -> Route:
    """The route with what its further lines print."""
    hops: list[NextHop] = []
    for part in parts:
        first, _unused, words = part.lstrip().partition(" ")
        if first == "nexthop":
            fields = _read_words(words, NextHop)
            if "dev" not in fields:
                raise ValueError(part)
            hops.append(NextHop(**fields))
        elif first == "cache":
            flags = re.match(r"\s*<([^>\s]*)>", words)
            fields = _read_words(words[flags.end() :] if flags else words, Route)
            if route.cache is not None or any(getattr(route, field) for field in fields):
                raise ValueError(part)
            route = route._replace(cache=tuple(flags[1].split(",")) if flags else (), **fields)
        elif first != "nh_info" and part.strip():  # which repeats what the nexthop object behind nhid holds
            raise ValueError(part)
    return Route(*route)._replace(nexthops=tuple(hops))


def _read_object(raw: str, printed: str | None) -> Route | None:
    """The route of a JSON object, by the line that iproute2 prints for it without ``-j``."""
    # The versions of iproute2 that print JSON print the router preference of every IPv6 route.
    route = _decided(_read_record(printed), _IPV4_DEFAULT) if printed else None
    return route and route._replace(raw=raw)


@lru_cache(maxsize=4096)
def _read_options(text: str) -> tuple[str | None, str | None, tuple[Any, ...], bool]:
    """The gateway, the device and the fields behind it that these words give, and whether an address is among them."""
    if "\n" in text or "\\" in text:
        raise ValueError(text)
    route = Route("", "", **_read_words(text, Route))
    return route.gateway, route.dev, route[5:], bool(_addresses(route))


def _read_words(text: str, kind: type[Route] | type[NextHop]) -> dict[str, Any]:
    """The fields of a record that the words behind a destination, ``nexthop`` or ``cache`` give."""
    fields: dict[str, Any] = {}
    if "encap" in text:
        text = " ".join(text.split())
        encap = _ENCAP.search(text)
        if encap:
            fields["encap"] = encap[1]
            text = text[: encap.start()] + text[encap.end() :]
    flags: list[str] = []
    metrics: dict[str, int | str] = {}
    locks: list[str] = []
    words = iter(text.split())
    for word in words:
        if word in _FLAGS:
            flags.append(word)
        elif word in _METRICS:
            value = next(words)
            if value == "lock":
                locks.append(word)
                value = next(words)
            if word in metrics:
                raise ValueError(text)
            metrics[word] = _METRICS[word](value)
        elif "features" in metrics and _FEATURE.fullmatch(word):
            metrics["features"] = f"{metrics['features']} {word}"
        else:
            field, read = _OPTIONS[word]
            if field in fields:
                raise ValueError(text)
            fields[field] = read(words)
    mtu = metrics.pop("mtu", None)
    found = {"flags": tuple(flags), "mtu": mtu, "metrics": tuple(metrics.items()), "locks": tuple(locks)}
    fields |= {field: value for field, value in found.items() if value}
    if not fields.keys() <= set(kind._fields):
        raise ValueError(text)
    return fields


def _addresses(route: Route) -> list[str]:
    """The addresses that are of the route's own family, but for a gateway behind ``via inet`` or ``via inet6``."""
    addresses = (route.gateway, route.prefsrc, route.from_, *(hop.gateway for hop in route.nexthops))
    return [address for address in addresses if address]


def _settle_family(route: Route) -> Route:
    """The route with the family of a default in ``dst``, where it shows. Raises ValueError where families are mixed."""
    if route.dst == "default":
        is_ipv6 = _is_ipv6_default(route)
        if is_ipv6 is None:
            return _UndecidedRoute(*route)
        route = route._replace(dst=_IPV6_DEFAULT if is_ipv6 else _IPV4_DEFAULT)
    is_ipv6 = ":" in route.dst
    if "via inet" not in route.raw and any((":" in address) != is_ipv6 for address in _addresses(route)):
        raise ValueError(route.raw)
    return route


def _is_ipv6_default(route: Route) -> bool | None:
    addresses = _addresses(route)
    if "via inet" in route.raw:
        return "via inet6 " not in route.raw
    if addresses:
        return ":" in addresses[0]
    if route.pref or route.error:
        return True
    # The kernel gives every IPv6 route a metric and the scope global, and the device lo to those that reject.
    if route.metric is None or route.scope not in (None, "global", "0") or (route.type in _REJECTING and not route.dev):
        return False
    return None


def _read_via(words: Iterator[str]) -> str:
    word = next(words)
    return read_address(next(words) if word in ("inet", "inet6") else word)


def _read_u32(word: str) -> int:
    """An unsigned number; busybox prints those from 2^31 on as negative."""
    return read_number(word[1:]) * -1 % 2**32 if word.startswith("-") else read_number(word)


def _read_error(word: str) -> int:
    """A negative errno, which some versions print as unsigned."""
    number = _read_u32(word)
    return number - 2**32 if number >= 2**31 else number


def _read_table(word: str) -> str:
    return str(_read_u32(word)) if word.startswith("-") else word


def _read_seconds(word: str) -> int:
    return read_number(word.removesuffix("sec"))


def _read_milliseconds(word: str) -> int:
    if word.endswith("ms"):
        return read_number(word[:-2])
    seconds, _unused, decimals = word.removesuffix("s").partition(".")
    return read_number(seconds) * 1000 + read_number(decimals.ljust(3, "0"))


def _one(read: Callable[[str], Any]) -> Callable[[Iterator[str]], Any]:
    return lambda words: read(next(words))


# Keyword -> the field it fills and how what follows is read.
_OPTIONS: dict[str, tuple[str, Callable[[Iterator[str]], Any]]] = {
    "via": ("gateway", _read_via),
    "dev": ("dev", _one(read_name)),
    "proto": ("protocol", next),
    "scope": ("scope", next),
    "src": ("prefsrc", _one(read_address)),
    "metric": ("metric", _one(_read_u32)),
    "table": ("table", _one(_read_table)),
    "nhid": ("nhid", _one(read_number)),
    "from": ("from_", _one(read_prefix)),
    "tos": ("tos", next),
    "pref": ("pref", next),
    "expires": ("expires", _one(_read_seconds)),
    "error": ("error", _one(_read_error)),
    "realm": ("realms", next),
    "realms": ("realms", next),
    "mark": ("mark", _one(lambda word: int(word, 0))),
    "iif": ("iif", _one(read_name)),
    "uid": ("uid", _one(read_number)),
    "users": ("users", _one(read_number)),
    "used": ("used", _one(read_number)),
    "age": ("age", _one(_read_seconds)),
    "weight": ("weight", _one(read_number)),
}
# RTAX_* of linux/rtnetlink.h. The word "lock" may stand before the value.
_METRICS: dict[str, Callable[[str], int | str]] = {
    "mtu": read_number,
    "window": read_number,
    "rtt": _read_milliseconds,
    "rttvar": _read_milliseconds,
    "ssthresh": read_number,
    "cwnd": read_number,
    "advmss": read_number,
    "reordering": read_number,
    "hoplimit": read_number,
    "initcwnd": read_number,
    "features": str,
    "rto_min": _read_milliseconds,
    "initrwnd": read_number,
    "quickack": read_number,
    "congctl": str,
    "fastopen_no_cookie": read_number,
}
