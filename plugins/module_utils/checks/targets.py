# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every address that every node must have a way to, and which of them a node's own rows make a difference for.

Of 5,000 tables nearly all rows are the same, and so is where they lead. That is looked up once for each base (see
network/table_store.py); for a node it remains to look up the addresses that its own rows, or rows that it lacks, cover.
The kernel's answer for an address depends on no other rows, so nothing is missed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..network.cni import gateways, is_default, is_host
from ..network.forwarding import Forwarding
from ..network.snapshot import Pod
from ..network.table import address_number, prefix_number
from ..network.table_store import Base
from ..text.ip_route import Route
from .facts import Block, Facts


class Target(NamedTuple):
    """An address, and what is there: a pod, or a node's block by an address in it that no pod has."""

    number: int
    at: Pod | Block


class Targets:
    """The targets of one family, ``all`` in the order of their addresses; a place is an index there.

    ``of_node`` are the places of the targets on a node, ``pods`` is the number of those that are pods.
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
        self.all = [Target(number, found[number]) for number in sorted(found)]
        self._numbers = [target.number for target in self.all]
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
    All three are places; ``clear_pods`` is how many of those that are clear are pods. ``inside_blocks`` are the rows for a
    part of a block.
    """

    def __init__(self, base: Base, targets: Targets, facts: Facts, is_dull: Callable[[Route | None], bool]) -> None:
        self.targets = targets
        self.clear: set[int] = set()
        self.dull: set[int] = set()
        self.open: set[int] = set()
        self.kinds = self.clear, self.dull, self.open
        self.inside_blocks = [route for route in base.parsed.routes if is_inside_block(facts, route)]
        self.clear_pods = 0
        self._is_dull = is_dull
        by_length: dict[tuple[bool, int], list[int]] = {}
        leads_to: dict[str, tuple[bool, str | None]] = {}
        for place, target in enumerate(targets.all):
            row = base.table.find(targets.bits, target.number)
            line = "" if row is None else row.raw
            if line not in leads_to:
                leads_to[line] = is_dull(row), _only_owner(facts, row)
            row_is_dull, owner = leads_to[line]
            kind = self.dull if row_is_dull else self.clear if owner and owner == target.at.node else self.open
            kind.add(place)
            self.clear_pods += kind is self.clear and isinstance(target.at, Pod)
            by_length.setdefault((row_is_dull, _length(row)), []).append(place)
        self._groups = {
            group: (places, [targets.all[place].number for place in places]) for group, places in by_length.items()
        }

    def changed_for(self, node: Forwarding) -> Iterator[int]:
        """The places of the targets for which a node's own table may decide otherwise."""
        table = node.table(self.targets.bits)
        dull = {route.dst for route in table.extra.routes if self._is_dull(route)}
        telling = {route.dst for route in table.extra.routes if not self._is_dull(route)}
        for route in table.missing_routes:
            if route.dst not in dull or not self._is_dull(route):
                telling.add(route.dst)
        for dst in dull | telling:
            bits, first, length = prefix_number(dst)
            end = first + (1 << bits - length)
            for (group_is_dull, group_length), (places, numbers) in self._groups.items():
                # Instead of one row that shows no way there is another: that changes nothing.
                if group_length <= length and not (group_is_dull and dst not in telling):
                    yield from places[bisect_left(numbers, first) : bisect_left(numbers, end)]


def is_inside_block(facts: Facts, route: Route) -> bool:
    """Whether a row is for a part of a block that is more than one address."""
    if is_host(route.dst) or is_default(route):
        return False
    block = facts.block_of(route.dst.partition("/")[0])
    return block is not None and prefix_number(route.dst)[2] > prefix_number(block.prefix)[2]


def _free_address(block: Block, bits: int, facts: Facts) -> int | None:
    """An address of the block that no pod has, nor another node: the first, where it is free."""
    family, first, length = prefix_number(block.prefix)
    if family != bits:
        return None
    for number in range(first, first + min(1 << bits - length, 1024)):
        if not facts.book.pods_at_number(bits, number) and facts.owner(bits, number) in (None, block.node):
            return number
    return None


def _only_owner(facts: Facts, row: Route | None) -> str | None:
    """The node that all next hops of a row belong to."""
    owners = {facts.owner(*address_number(next_hop)) for next_hop in gateways(row)} if row else set()
    return owners.pop() if len(owners) == 1 else None


def _length(row: Route | None) -> int:
    return -1 if row is None else prefix_number(row.dst)[2]
