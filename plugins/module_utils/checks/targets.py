# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every address that every node must have a way to, and which of them a node's own rows make a difference for.

Of 5,000 tables nearly all rows are the same, and so is where they lead. That is looked up once for each base (see
network/table_store.py); for a node it remains to look up the addresses that its own rows, or rows that it lacks, cover.
The kernel's answer for an address depends on no other rows, so nothing is missed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..network.snapshot import Pod
from ..network.table import Rank, address_number, number_address, prefix_number, rank_of, table_of
from ..network.table_store import Base, NodeTable
from ..text.ip_route import Route
from .facts import Facts
from .node_facts import Block


class Target(NamedTuple):
    """An address, and what is there: a pod, or a node's block by an address in it that no pod has."""

    bits: int
    number: int
    at: Pod | Block

    @property
    def address(self) -> str:
        """The address as text."""
        return number_address(self.bits, self.number)


class Targets:
    """The targets of one family, ``all`` in the order of their addresses; a place is an index there.

    ``places`` are by the number of the address, ``of_node`` those of the targets on a node; ``pods`` is the number of targets
    that are pods.
    """

    def __init__(self, facts: Facts, bits: int) -> None:
        self.bits = bits
        found: dict[int, Pod | Block] = {}
        for pod in facts.settled_pods:
            for family, number in map(address_number, pod.ips):
                if family == bits:
                    found[number] = pod
        self.pods = len(found)
        for block in facts.blocks:
            free = _free_address(block, bits, facts)
            if free is not None:
                found[free] = block
        self.all = [Target(bits, number, found[number]) for number in sorted(found)]
        self._numbers = [target.number for target in self.all]
        self.places = {number: place for place, number in enumerate(self._numbers)}
        self.of_node: dict[str | None, list[int]] = {}
        for place, target in enumerate(self.all):
            self.of_node.setdefault(target.at.node, []).append(place)

    def within(self, prefix: str) -> range:
        """The places of the targets in a network."""
        bits, first, length = prefix_number(prefix)
        if bits != self.bits:
            return range(0)
        return range(bisect_left(self._numbers, first), bisect_left(self._numbers, first + (1 << bits - length)))


class SharedView:
    """Where the rows of a base lead for each target.

    They lead some to the target's own node (``clear``). For others they show no way that could be right or wrong (``dull``),
    which ``is_dull`` tells of a row, or of there being none. What the rest is depends on the node that asks (``open``).
    All three are places; ``clear_pods`` is how many of those that are clear are pods.
    """

    def __init__(self, base: Base, targets: Targets, facts: Facts, is_dull: Callable[[Route | None], bool]) -> None:
        self.targets = targets
        self.clear: set[int] = set()
        self.dull: set[int] = set()
        self.open: set[int] = set()
        self.kinds = self.clear, self.dull, self.open
        self.clear_pods = 0
        groups: dict[tuple[bool, Rank | None], list[int]] = {}
        leads_to: dict[str, tuple[bool, Rank | None, str | None]] = {}
        for place, target in enumerate(targets.all):
            row = base.table.find(targets.bits, target.number)
            line = "" if row is None else row.raw
            if line not in leads_to:
                leads_to[line] = is_dull(row), row and _rank(row), facts.only_owner(row)
            row_is_dull, rank, owner = leads_to[line]
            kind = self.dull if row_is_dull else self.clear if owner and owner == target.at.node else self.open
            kind.add(place)
            self.clear_pods += kind is self.clear and isinstance(target.at, Pod)
            groups.setdefault((row_is_dull, rank), []).append(place)
        self._groups = [
            (row_is_dull, rank, places, [targets.all[place].number for place in places])
            for (row_is_dull, rank), places in groups.items()
        ]

    def changed_for(self, table: NodeTable, is_dull: Callable[[Route], bool]) -> Iterator[int]:
        """The places of the targets for which a node's table may decide otherwise; ``is_dull`` is what that node says."""
        yield from (self.targets.places[number] for _bits, number in table.hosts if number in self.targets.places)
        for (name, dst), row in table.changes.items():
            bits, first, length = prefix_number(dst)
            changed = rank_of(name, bits, length)
            if changed is None:
                continue  # no usual rule asks the table
            last = first + (1 << bits - length) - 1
            for was_dull, decided, places, numbers in self._groups:
                if decided is not None and decided < changed:
                    continue
                start = bisect_left(numbers, first)
                end = bisect_right(numbers, last, start)
                # Instead of one row that shows no way there is another: that changes nothing.
                if start < end and not (was_dull and row is not None and is_dull(row)):
                    yield from places[start:end]


def _rank(row: Route) -> Rank | None:
    bits, _first, length = prefix_number(row.dst)
    return rank_of(table_of(row), bits, length)


def _free_address(block: Block, bits: int, facts: Facts) -> int | None:
    """An address of the block that no pod has, nor another node: the first, where it is free."""
    family, first, length = prefix_number(block.prefix)
    if family != bits:
        return None
    for number in range(first, first + min(1 << bits - length, 1024)):
        if not facts.book.pods_at_number(bits, number) and facts.owner(bits, number) in (None, block.node):
            return number
    return None
