# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routing tables of all nodes in little memory: each is kept as its difference to another one. Private to the collection.

The nodes of a cluster hold the same rows but for their own pods, their own block and their own addresses. What is the same
is kept, parsed and judged once, as a *base*: the first table of its kind. Two tables are of a kind when they share half of
their rows, which those of nodes do whose uplink has the same name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..text.ip_route import ParsedRoutes, Route, parse_ip_route
from ..text.lines import Unparsed, clean
from .table import RouteTable, table_of

_CHUNK = 16  # records that are compared in one step
_MOST_BASES = 8
# Ends a record: a line that begins with a blank, or with nexthop, goes on with the one before.
_RECORD_END = re.compile(r"\n(?!\s|nexthop\b)")
_LAST = (9, 0)  # behind all ranks of RouteTable.candidates


Predicate = Callable[[Route], bool]


class Base:
    """A table that others are compared with, cut into chunks of records."""

    def __init__(self, text: str) -> None:
        self.parsed = parse_ip_route(text)
        records = _split(text)
        self.chunks = [records[start : start + _CHUNK] for start in range(0, len(records), _CHUNK)]
        self.chunk_texts = ["\n".join(chunk) + "\n" for chunk in self.chunks]
        self._selected: dict[Predicate, list[Route]] = {}

    @cached_property
    def table(self) -> RouteTable:
        return RouteTable(self.parsed.routes)

    @cached_property
    def by_record(self) -> dict[str, Route]:
        return {route.raw: route for route in self.parsed.routes}

    @cached_property
    def is_simple(self) -> bool:
        return _is_simple(self.parsed)

    def is_alone(self, route: Route) -> bool:
        """Whether the base has no other row for the same destination in the same table."""
        return self._rows_for[table_of(route), route.dst] == 1

    @cached_property
    def _rows_for(self) -> Counter[tuple[str, str]]:
        return Counter((table_of(route), route.dst) for route in self.parsed.routes)

    def where(self, predicate: Predicate) -> list[Route]:
        """The rows of which the predicate, a function of a module, holds."""
        if predicate not in self._selected:
            self._selected[predicate] = list(filter(predicate, self.parsed.routes))
        return self._selected[predicate]

    def patches(self, text: str) -> list[tuple[int, int, str]]:
        """What makes the base the text: (first chunk, the one behind the last, what stands in their place), in order."""
        patches = []
        position = index = 0
        while index < len(self.chunks):
            if text.startswith(self.chunk_texts[index], position):
                position += len(self.chunk_texts[index])
                index += 1
                continue
            end, found = self._resume(text, position, index + 1)
            patches.append((index, found, text[position:end]))
            position, index = end, found
        if position < len(text):
            patches.append((index, index, text[position:]))
        return patches

    def _resume(self, text: str, position: int, index: int) -> tuple[int, int]:
        """Where in the text a later chunk stands, and which: the end of the text and of the chunks when none does."""
        for later in range(index, len(self.chunks)):
            start = text.find(self.chunk_texts[later], position)
            while start > 0 and text[start - 1] != "\n":  # in the middle of a line
                start = text.find(self.chunk_texts[later], start + 1)
            if start >= 0:
                return start, later
        return len(text), len(self.chunks)


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A node's table while nobody looks at it. ``patches`` are those of :meth:`Base.patches`."""

    base: Base
    patches: list[tuple[int, int, str]]

    def open(self) -> NodeTable:
        return NodeTable(self)

    @property
    def text(self) -> str:
        """The text as it was printed."""
        parts = []
        index = 0
        for first, last, text in self.patches:
            parts += [*self.base.chunk_texts[index:first], text]
            index = last
        return "".join(parts + self.base.chunk_texts[index:])


class NodeTable:
    """One node's routing tables, of one family.

    ``missing`` are the records of the base that this node has not, ``extra`` is what it has and the base has not.
    """

    def __init__(self, kept: KeptTable) -> None:
        self._kept = kept
        self.base = kept.base
        replaced = {
            record for first, last, _text in kept.patches for chunk in self.base.chunks[first:last] for record in chunk
        }
        replacing = dict.fromkeys(record for _first, _last, text in kept.patches for record in _split(text))
        self.missing = replaced - replacing.keys()
        self.extra = parse_ip_route("\n".join(record for record in replacing if record not in replaced))

    @property
    def parsed(self) -> ParsedRoutes:
        """All of it, in the order printed."""
        return parse_ip_route(self._kept.text)

    @property
    def unparsed(self) -> list[Unparsed]:
        """What was not understood; the lines of the base bear their numbers there."""
        shared = [line for line in self.base.parsed.unparsed if line.text not in self.missing]
        return shared + self.extra.unparsed

    @property
    def missing_routes(self) -> list[Route]:
        """The rows of the base that this node has not."""
        by_record = self.base.by_record
        return [by_record[record] for record in self.missing if record in by_record]

    def where(self, predicate: Predicate) -> list[Route]:
        """The rows of which the predicate, a function of a module, holds; those of the base come first."""
        shared = self.base.where(predicate)
        if self.missing:
            shared = [route for route in shared if route.raw not in self.missing]
        return shared + list(filter(predicate, self.extra.routes))

    def find(self, bits: int, number: int) -> Route | None:
        """The row that decides on a packet to an address, as :class:`RouteTable` finds it."""
        if not self._is_simple:
            return self._whole.find(bits, number)
        own_rank, own = next(self._extra_table.candidates(bits, number), (_LAST, None))
        for rank, shared in self.base.table.candidates(bits, number):
            if own_rank < rank:
                break
            if shared.raw not in self.missing:
                # Of rows for one destination the order in the table may decide, which is not known of these two.
                return self._whole.find(bits, number) if own_rank == rank else shared
            if not self.base.is_alone(shared):
                return self._whole.find(bits, number)
        return own

    @cached_property
    def _is_simple(self) -> bool:
        return self.base.is_simple and _is_simple(self.extra)

    @cached_property
    def _extra_table(self) -> RouteTable:
        return RouteTable(self.extra.routes)

    @cached_property
    def _whole(self) -> RouteTable:
        return RouteTable(self.parsed.routes)


class TableStore:
    """Keeps the tables of many nodes."""

    def __init__(self) -> None:
        self._bases: list[Base] = []
        self._nothing = Base("")

    def keep(self, text: str) -> KeptTable:
        """What ``ip route show table all`` printed; the text itself need not be kept after that."""
        text = clean(text)
        for base in self._bases:
            patches = base.patches(text)
            if 2 * sum(last - first for first, last, _text in patches) < len(base.chunks):
                return KeptTable(base, patches)
        if len(self._bases) < _MOST_BASES:
            self._bases.append(Base(text))
            return KeptTable(self._bases[-1], [])
        return KeptTable(self._nothing, self._nothing.patches(text))


def _split(text: str) -> list[str]:
    return [record for record in _RECORD_END.split(text) if record.strip()]


def _is_simple(parsed: ParsedRoutes) -> bool:
    """Whether each row speaks for itself: none ends a table without an answer, or is for some sources only."""
    return all(route.type != "throw" and not route.from_ for route in parsed.routes)
