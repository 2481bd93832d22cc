# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ip neigh`` printed, as records: iproute2's text and busybox's. Private to the collection.

Source of the grammar: print_neigh() in iproute2's ip/ipneigh.c and in busybox's networking/libiproute/ipneigh.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .lines import Unparsed, clean, plain, read_address, read_name


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the ARP or neighbour table.

    ``lladdr`` is the link-layer address, None while or because nobody answered (``INCOMPLETE``, ``FAILED``). ``state`` is the
    kernel's name (``REACHABLE``, ``STALE``, ``PERMANENT``), None for a proxy entry. ``raw`` is the line as printed.
    """

    raw: str
    address: str
    dev: str
    lladdr: str | None = None
    state: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedNeighbours:
    """The entries in the order printed, and the lines that were not understood."""

    neighbours: tuple[Neighbour, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON with all fields."""
        record: dict[str, Any] = plain(self)
        return record


def parse_ip_neighbour(text: str) -> ParsedNeighbours:
    """Read what ``ip neigh`` printed. Never raises: a line that is not understood stands in ``unparsed``."""
    neighbours: list[Neighbour] = []
    unparsed: list[Unparsed] = []
    for number, line in enumerate(clean(text).split("\n"), 1):
        neighbour = _read_neighbour(line)
        if neighbour is not None:
            neighbours.append(neighbour)
        elif line.strip():
            unparsed.append(Unparsed(number, line))
    return ParsedNeighbours(tuple(neighbours), tuple(unparsed))


# NUD_* of linux/neighbour.h.
_STATES = frozenset(("INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT", "NONE"))
_FLAGS = frozenset(("router", "proxy", "extern_learn", "offload", "managed", "extern_valid"))
# Who made the entry, and with -s: reference count, times since it was used, and probes sent. Each word has one value behind
# it, which says nothing of whether and where the neighbour is.
_ASIDES = frozenset(("proto", "ref", "used", "probes"))


# Most nodes have the same neighbours.
@lru_cache(maxsize=16384)
def _read_neighbour(line: str) -> Neighbour | None:
    # iproute2 prints no blank between "used 0/60/0" and "probes".
    words = iter(line.replace("probes", " probes ").split())
    fields: dict[str, Any] = {}
    flags = []
    try:
        fields["address"] = read_address(next(words))
        for word in words:
            if word == "dev":
                fields["dev"] = read_name(next(words))
            elif word == "lladdr":
                fields["lladdr"] = next(words)
            elif word in _STATES:
                fields["state"] = word
            elif word in _FLAGS:
                flags.append(word)
            elif word in _ASIDES:
                next(words)
            else:
                return None
        return Neighbour(line, flags=tuple(flags), **fields)
    except (StopIteration, ValueError, OSError, TypeError):  # a missing word, a bad value, no device
        return None
