# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routing tables of all nodes in little memory: each is kept as its difference to another one. Private to the collection.

The nodes of a cluster hold the same rows but for their own pods, their own block and their own addresses. What is the same
is kept, parsed and judged once, as a *base*: the first table of its kind, without the rows for single pods. Two tables are of
a kind when they share half of their rows, which those of nodes do whose uplink has the same name.

A table is a list of records, each of which is read by itself. Which row serves a destination is up to the rows for that
destination alone, and to their order, so a node's rows and the base's agree on all destinations that no difference is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import TypeVar

from ..text.ip_route import Route, read_destination, read_record, split_records
from ..text.lines import clean
from .cni import leads_to_host
from .table import (
    Destination,
    PrefixMap,
    RouteTable,
    address_number,
    destination_of,
    preferred_routes,
    serves_any_packet,
    table_of,
)

_CHUNK = 16  # records that are compared in one step
_MOST_BASES = 8
# Open, a table takes several times the memory: those of more than some 500 nodes do not all stay open.
_MOST_OPEN = 1024
_DEFAULTS = {32: "0.0.0.0/0", 128: "::/0"}

Item = TypeVar("Item")
Predicate = Callable[[Route], bool]


@dataclass(frozen=True, slots=True)
class Patch:
    """``text`` stands in the place of the records of a base from ``start`` to the one before ``end``."""

    start: int
    end: int
    text: str


class Base:
    """A table that others are compared with: its records, and the row that each prints, None where it prints none.

    A place is an index in both lists. Rows like those for single pods are left out: they are each node's own.
    """

    def __init__(self, text: str, bits: int) -> None:
        self.default = _DEFAULTS[bits]
        read = [(record, read_record(record, self.default)) for record in split_records(text)]
        shared = [(record, row) for record, row in read if row is None or not _is_like_a_pods(row)]
        self.records = [record for record, _row in shared]
        self.rows = [row for _record, row in shared]
        self.routes = [row for row in self.rows if row is not None]
        self.prefixes = {row.dst for row in self.routes}
        self._chunks = ["".join(self.records[start : start + _CHUNK]) for start in range(0, len(self.records), _CHUNK)]
        self._selected: dict[Predicate, list[tuple[int, Route]]] = {}

    @cached_property
    def table(self) -> RouteTable:
        return RouteTable(self.routes)

    @cached_property
    def serving(self) -> dict[Destination, Route]:
        """The row that serves each destination."""
        return preferred_routes(self.routes)

    @cached_property
    def rows_for(self) -> dict[Destination, list[tuple[int, Route]]]:
        """The rows with their places, by destination."""
        found: dict[Destination, list[tuple[int, Route]]] = {}
        for place, row in enumerate(self.rows):
            if row is not None:
                found.setdefault(destination_of(row), []).append((place, row))
        return found

    @cached_property
    def unparsed(self) -> list[tuple[int, str]]:
        """The records that were not understood, with their places."""
        return [(place, record) for place, record in enumerate(self.records) if self.rows[place] is None]

    def where(self, predicate: Predicate) -> list[tuple[int, Route]]:
        """The rows of which the predicate holds, with their places; it is asked once."""
        if predicate not in self._selected:
            rows = enumerate(self.rows)
            self._selected[predicate] = [(place, row) for place, row in rows if row is not None and predicate(row)]
        return self._selected[predicate]

    def patches(self, text: str) -> Iterator[Patch]:
        """What makes the base the text, in order."""
        position = index = 0
        while index < len(self._chunks):
            if text.startswith(self._chunks[index], position):
                position += len(self._chunks[index])
                index += 1
                continue
            end, found = self._resume(text, position, index + 1)
            yield self._patch(index, found, text[position:end])
            position, index = end, found
        if position < len(text):
            yield self._patch(index, index, text[position:])

    def _resume(self, text: str, position: int, index: int) -> tuple[int, int]:
        """Where in the text a later chunk stands, and which: the end of the text and of the chunks when none does."""
        for later in range(index, len(self._chunks)):
            start = text.find(self._chunks[later], position)
            while start > 0 and text[start - 1] != "\n":  # in the middle of a line
                start = text.find(self._chunks[later], start + 1)
            if start >= 0:
                return start, later
        return len(text), len(self._chunks)

    def _patch(self, index: int, found: int, text: str) -> Patch:
        """The difference between a text and the chunks, from one to the one before another, that it stands in the place of."""
        # From the record before on: it may go on in the text.
        here = min(index * _CHUNK, len(self.records))
        start = max(here - 1, 0)
        text = "".join(self.records[start:here]) + text
        replaced, replacing = self.records[start : found * _CHUNK], split_records(text)
        head = _common(replaced, replacing)
        replaced, replacing = replaced[head:], replacing[head:]
        tail = _common(replaced[::-1], replacing[::-1])
        start += head
        return Patch(start, start + len(replaced) - tail, "".join(replacing[: len(replacing) - tail]))


@dataclass(frozen=True, slots=True, eq=False)
class KeptTable:
    """A node's table while nobody looks at it. ``patches`` make the base the table, in order."""

    base: Base
    patches: tuple[Patch, ...]
    opener: Callable[[KeptTable], NodeTable]

    def open(self) -> NodeTable:
        """The table to look at; the same one as before, where that was not long ago."""
        return self.opener(self)


class NodeTable:
    """One node's routing tables, of one family.

    ``hosts`` are rows like those for single pods, by the address as ``address_number`` gives it; no other row is for the same
    address alone. ``extra`` are the other rows that the node has and the base has not.
    """

    def __init__(self, kept: KeptTable) -> None:
        self.base = kept.base
        self._patches = kept.patches
        self._replaced = {place for patch in kept.patches for place in range(patch.start, patch.end)}
        records = [(patch.start, record) for patch in kept.patches for record in split_records(patch.text)]
        self._own = [(place, record, read_record(record, self.base.default)) for place, record in records]
        rows = [(place, row) for place, _record, row in self._own if row is not None]
        times = Counter(row.dst for _place, row in rows)
        self.hosts: dict[tuple[int, int], Route] = {}
        self._placed: list[tuple[int, Route]] = []
        for place, row in rows:
            if times[row.dst] == 1 and row.dst not in self.base.prefixes and _is_like_a_pods(row):
                self.hosts[address_number(row.dst.partition("/")[0])] = row
            else:
                self._placed.append((place, row))
        self.extra = [row for _place, row in self._placed]

    @property
    def unparsed(self) -> list[str]:
        """The lines that were not understood; those that the base has, too, come first."""
        return [line for record in self._unread() for line in record.split("\n") if line.strip()]

    @cached_property
    def unread(self) -> list[str]:
        """The destinations of the rows that were not understood, as far as these are."""
        found = (read_destination(record, self.base.default) for record in self._unread())
        return [dst for dst in found if dst is not None]

    def unread_for(self, bits: int, number: int) -> str | None:
        """The longest of these destinations that holds an address, None when none does."""
        return self._unread_map.match(bits, number)

    @cached_property
    def _unread_map(self) -> PrefixMap[str]:
        return PrefixMap((dst, dst) for dst in self.unread)

    def _unread(self) -> list[str]:
        return self._shared(self.base.unparsed) + [record for _place, record, row in self._own if row is None]

    def where(self, predicate: Predicate) -> list[Route]:
        """The rows, but for ``hosts``, of which the predicate holds; of those that the base has, too, it is asked once."""
        return self._shared(self.base.where(predicate)) + list(filter(predicate, self.extra))

    def find(self, bits: int, number: int) -> Route | None:
        """The row that decides on a packet to an address, as :class:`RouteTable` finds it."""
        if (bits, number) in self.hosts:
            return self._table.find_in("local", bits, number) or self.hosts[bits, number]
        return self._table.find(bits, number)

    def find_in(self, table: str, bits: int, number: int) -> Route | None:
        """What one of the tables answers."""
        if table == "main" and (bits, number) in self.hosts:
            return self.hosts[bits, number]
        return self._table.find_in(table, bits, number)

    @cached_property
    def _table(self) -> RouteTable:
        return self.base.table.changed(self.changes)

    @cached_property
    def changes(self) -> dict[Destination, Route | None]:
        """The row that serves a destination, None where none does: for all where that is another one than in the base.

        Without those of ``hosts``.
        """
        missing = [row for patch in self._patches for row in self.base.rows[patch.start : patch.end]]
        destinations = {destination_of(row) for row in (*self.extra, *missing) if row is not None}
        rows = self._placed + [
            (place, row)
            for destination in destinations & self.base.rows_for.keys()
            for place, row in self.base.rows_for[destination]
            if place not in self._replaced
        ]
        # What a patch adds comes before the record that stays behind it.
        serving = preferred_routes(row for _place, row in sorted(rows, key=itemgetter(0)))
        before = self.base.serving
        return {key: row for key in destinations if (row := serving.get(key)) != before.get(key)}

    def _shared(self, placed: Iterable[tuple[int, Item]]) -> list[Item]:
        """What the base has, without what is at places that the node has not."""
        return [item for place, item in placed if place not in self._replaced]


class TableStore:
    """Keeps the tables of many nodes."""

    def __init__(self) -> None:
        self._bases: dict[int, list[Base]] = {bits: [] for bits in _DEFAULTS}
        self._nothing = {bits: Base("", bits) for bits in _DEFAULTS}
        self._open = lru_cache(maxsize=_MOST_OPEN)(NodeTable)

    def keep(self, text: str, bits: int) -> KeptTable:
        """What ``ip -4`` or ``ip -6 route show table all`` printed, by the bits of the family."""
        text = clean(text)
        bases = self._bases[bits]
        for base in bases:
            patches = tuple(base.patches(text))
            if 2 * sum(patch.end - patch.start for patch in patches) < len(base.records):
                return KeptTable(base, patches, self._open)
        base = self._nothing[bits]
        if len(bases) < _MOST_BASES:
            base = Base(text, bits)
            bases.append(base)
        return KeptTable(base, tuple(base.patches(text)), self._open)


def _is_like_a_pods(row: Route) -> bool:
    """Whether the row decides on packets to one address, unless the table local does, and sends them straight to it."""
    return leads_to_host(row) and table_of(row) == "main" and serves_any_packet(row)


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """With how many equal records both begin."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(first), len(second)))
