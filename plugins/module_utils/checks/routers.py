# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Routers that know the way to pods: next hops that are no node's, and no fault. Private to the collection.

Tables alone do not tell a router from an address that nobody has; what other nodes do, and packets, do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

from ..network.cni import gateways, holds
from ..network.table import address_number, prefix_number
from ..text.ip_route import Route
from .facts import Facts
from .packets import Way, Ways
from .targets import Targets


class Routers:
    """Tells whether a next hop that is no node may be a router, in one family.

    ``nodes`` are those whose tables are known, ``ways`` what was measured.
    """

    def __init__(self, facts: Facts, ways: Ways, targets: Targets, nodes: Sequence[str]) -> None:
        self._facts = facts
        self._measured = ways
        self._targets = targets
        self._nodes = nodes

    @cached_property
    def are_used(self) -> bool:
        """Whether most nodes have no row for another node's pods that leads to a node or into a tunnel: others know the way."""
        bits = self._targets.bits
        kinds = []
        for number, name in enumerate(self._nodes):
            node = self._facts.forwarding[name]
            for place in self._targets.of_node.get(self._nodes[number - 1], ())[:1]:
                kinds.append(node.move(node.table(bits).find(bits, self._targets.all[place].number)).kind)
        return 2 * sum(kind in ("network", "no_route", "stranger") for kind in kinds) > len(kinds)

    def trusts(self, row: Route) -> bool:
        """Whether any next hop of a row may be one, since no packet that the row may have led was lost."""
        bits, first, length = prefix_number(row.dst)
        place = bisect_left(self._lost, first)
        return self.are_used and not (
            place < len(self._lost) and self._lost[place] >> bits - length == first >> bits - length
        )

    @cached_property
    def _lost(self) -> list[int]:
        """The addresses to which packets were lost, as numbers."""
        found = (address_number(way.target.address) for way in self._measured.lost)
        return sorted(number for bits, number in found if bits == self._targets.bits)

    def may_be(self, name: str, owner: str, row: Route) -> bool:
        """Whether the next hop of a node's row may be one on the way to another node: packets tell, where any were measured."""
        if not self.are_used:
            return False
        arrived = [way.arrived for way in self._ways.get((name, owner), ()) if holds(row.dst, way.target.address)]
        return not arrived or any(arrived) or self._seen.issuperset(gateways(row))

    @cached_property
    def _ways(self) -> dict[tuple[str, str], list[Way]]:
        """What was measured, by the nodes that it is from and to."""
        found: dict[tuple[str, str], list[Way]] = {}
        for way in (*self._measured.arrived, *self._measured.lost):
            found.setdefault((way.source.node, way.target.node), []).append(way)
        return found

    @cached_property
    def _seen(self) -> set[str]:
        """The next hops of rows by which packets were seen to get to other nodes."""
        found: set[str] = set()
        for way in self._measured.arrived:
            bits, number = address_number(way.target.address)
            node = self._facts.forwarding[way.source.node]
            if way.source.node != way.target.node and bits in node.tables:
                row = node.table(bits).find(bits, number)
                found.update(gateways(row) if row is not None else ())
        return found
