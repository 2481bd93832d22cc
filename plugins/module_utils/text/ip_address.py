# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ip addr`` printed, as records: iproute2's text, with and without ``-d``, and busybox's. Private to the collection.

busybox prints no state and no kind of link. Source of the grammar: print_linkinfo() and print_addrinfo() in iproute2's
ip/ipaddress.c and in busybox's networking/libiproute/ipaddress.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .lines import Unparsed, clean, plain, read_address, read_number


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of an interface with the length of its prefix; ``peer`` is set where the other end has its own address."""

    address: str
    prefix_length: int
    scope: str
    peer: str | None = None


# Not frozen, though nothing changes it: a cluster has thousands, and a frozen one takes five times as long to make.
@dataclass(slots=True)
class Link:
    """A network interface.

    ``flags`` are those in angle brackets (``UP``, ``LOWER_UP``, ``NO-CARRIER``). ``state`` is ``UP``, ``DOWN``,
    ``LOWERLAYERDOWN``, ``UNKNOWN`` (of devices that have no notion of a carrier, such as ``lo`` and tunnels), None for busybox.
    ``peer`` is what follows the ``@`` of the name: a device, or ``ifN`` for the device of index N in another namespace.
    ``kind`` (``veth``, ``bridge``, ``vxlan``) and ``underlay``, the device that a tunnel's packets leave through, are printed
    with ``-d`` only; physical devices have no kind. ``raw`` is the first line as printed.
    """

    raw: str
    index: int
    name: str
    peer: str | None
    flags: tuple[str, ...]
    mtu: int
    state: str | None = None
    master: str | None = None
    mac: str | None = None
    kind: str | None = None
    underlay: str | None = None
    addresses: tuple[InterfaceAddress, ...] = ()

    @property
    def is_up(self) -> bool:
        """Whether it is switched on and the other end of it, if it is known, is too."""
        return "UP" in self.flags and "NO-CARRIER" not in self.flags


@dataclass(frozen=True, slots=True)
class ParsedLinks:
    """The interfaces in the order printed, and the lines that were not understood."""

    links: tuple[Link, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON with all fields."""
        record: dict[str, Any] = plain(self)
        return record


def parse_ip_address(text: str) -> ParsedLinks:
    """Read what ``ip addr`` or ``ip -d addr`` printed. Never raises: a line that is not understood stands in ``unparsed``."""
    links: list[Link] = []
    unparsed: list[Unparsed] = []
    number = 1
    for block in _LINK_END.split(clean(text)):
        match = _NAME.match(block)
        rest = _read_rest(block[match.end() :]) if match else None
        if match and rest:
            index, name, peer = match.groups()
            links.append(Link(block.partition("\n")[0], int(index), name, peer, **rest.fields))
            unparsed += [Unparsed(number + below, line) for below, line in rest.unparsed]
        else:
            unparsed += [Unparsed(number + i, line) for i, line in enumerate(block.split("\n")) if line.strip()]
        number += block.count("\n") + 1
    return ParsedLinks(tuple(links), tuple(unparsed))


# A line that begins with a digit is the first one of an interface.
_LINK_END = re.compile(r"\n(?=\d)")
_NAME = re.compile(r"(\d+): ([^\s@]+)(?:@(\S+))?: (?=<)", re.ASCII)
_STATE = re.compile(r"<([^<>]*)> mtu (\d+)\b(.*)", re.ASCII)
_OPTION = re.compile(r" (state|master) (\S+)")
_MAC = re.compile(r"(?:[0-9a-f]{2}:)+[0-9a-f]{2}")
_UNDERLAY = re.compile(r" dev (\S+)")
# Lines below an interface that say nothing of what is read here: life times, statistics, virtual functions, XDP programs,
# priorities of a VLAN.
_ASIDES = frozenset(
    (
        "valid_lft",
        "RX:",
        "TX:",
        "RX",
        "TX",
        "alias",
        "altname",
        "vf",
        "prog/xdp",
        "parentbus",
        "link-netnsid",
        "link-netns",
        "ingress-qos-map",
        "egress-qos-map",
    )
)
# What a kind of link is called, such as veth, ip6tnl or ipvlan_l3.
_KIND = re.compile(r"[a-z][a-z0-9_-]*")


class _Rest(NamedTuple):
    """The fields of a link that are behind its name, and what is not understood, after how many lines it is below that."""

    fields: dict[str, Any]
    unparsed: list[tuple[int, str]]


# The interfaces of pods differ in their names only.
@lru_cache(maxsize=1024)
def _read_rest(text: str) -> _Rest | None:
    """What is printed of an interface behind its name; None when that is none."""
    first, *lines = text.split("\n")
    match = _STATE.fullmatch(first)
    if match is None:
        return None
    flags, mtu, options = match.groups()
    fields: dict[str, Any] = {"flags": tuple(flags.split(",")), "mtu": int(mtu), **dict(_OPTION.findall(options))}
    addresses: list[InterfaceAddress] = []
    unparsed: list[tuple[int, str]] = []
    for below, line in enumerate(lines, 1):
        detail = _read_detail(line)
        if isinstance(detail, InterfaceAddress):
            addresses.append(detail)
        elif detail is not None and not detail.keys() & fields.keys():
            fields |= detail
        else:
            unparsed.append((below, line))
    return _Rest({**fields, "addresses": tuple(addresses)}, unparsed)


def _read_detail(line: str) -> InterfaceAddress | dict[str, str | None] | None:
    """What a line says: an address, or fields; None when it is not understood."""
    word, _blank, rest = line.lstrip().partition(" ")
    if not word:
        return {}
    if not line.startswith("    "):
        return None
    if word in ("inet", "inet6"):
        try:
            return _read_address(rest)
        except (ValueError, OSError, IndexError):
            return None
    if word.startswith("link/"):
        mac = rest.partition(" ")[0]
        return {"mac": mac if _MAC.fullmatch(mac) else None}
    if word in _ASIDES or word.endswith("_slave") or word.isdecimal():
        return {}
    if _KIND.fullmatch(word):
        underlay = _UNDERLAY.search(rest)
        return {"kind": word, "underlay": underlay[1] if underlay else None}
    return None


def _read_address(text: str) -> InterfaceAddress:
    words = text.split()
    address, _slash, length = words[0].partition("/")
    peer = None
    if "peer" in words:
        peer, _slash, length = words[words.index("peer") + 1].partition("/")
        peer = read_address(peer)
    scope = words.index("scope")
    return InterfaceAddress(read_address(address), read_number(length), words[scope + 1], peer)
