# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where each node's tables lead for each pod and each block: right, wrong, or not to be told. Private to the collection.

What is right follows from what the other nodes do. Where nodes of one network name each other as next hops, one that sends
packets for another's pods to the default gateway has lost a row. Where none does, because a cloud's network knows the pods,
the tables tell nothing of the way between nodes, and only packets can.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from ..network.cni import gateways, holds, is_default, is_host
from ..network.forwarding import Forwarding, Move
from ..network.interface_names import recognise_interface
from ..network.path import follow
from ..network.snapshot import Pod
from ..network.table import address_number, prefix_number, table_of
from ..network.table_store import Base, NodeTable
from ..text.ip_route import Route
from .facts import Facts
from .node_facts import Block
from .packets import Ways
from .routers import Routers
from .targets import SharedView, Target, Targets

RIGHT = "right"
UNSURE = "unsure"

_LACKING = ("missing-block-route", "missing-pod-route")

# The moves of which what is told depends on the row and the block alone.
_ALIKE = ("network", "no_route", "stranger", "datapath")


class Judged(NamedTuple):
    """What a node does with packets to a target, where that is wrong: ``verdict`` is the code of a finding."""

    verdict: str
    node: str
    target: Target
    move: Move


class RouteJudge:
    """Judges the tables of the nodes, of one family. ``nodes`` are those whose tables are known, ``ways`` what was measured."""

    def __init__(self, facts: Facts, ways: Ways, bits: int) -> None:
        self.facts = facts
        self.bits = bits
        self.targets = Targets(facts, bits)
        self.nodes = [name for name, node in facts.nodes.items() if bits in node.tables]
        self._named = self._find_named()
        self._routers = Routers(facts, ways, self.targets, self.nodes)
        self._gives_rows = any(self._has_local_row(pod) for pod in facts.settled_pods)
        self._views: dict[Base, SharedView] = {}

    def judged(self, name: str) -> tuple[list[Judged], int]:
        """The targets whose packets a node leads astray, and the number of pods that it leads to, as far as its tables tell."""
        node = self.facts.forwarding[name]
        table, view = node.table(self.bits), self._view(node)
        places = set(view.changed_for(table, lambda row: self._is_dull(node, row))) | view.open
        places.update(self.targets.of_node.get(name, ()))
        right = view.clear_pods - sum(place in view.clear and self._is_pod(place) for place in places)
        targets = (self.targets.all[place] for place in sorted(places))
        rows = ((table.find(self.bits, target.number), target) for target in targets)
        wrong: list[Judged] = []
        unsure = set()
        for row, target in chain(rows, self._parts(table, name)):
            owner = target.at.node
            if owner != name and self.facts.only_owner(row) == owner:
                right += isinstance(target.at, Pod)
                continue
            # Where routers know the pods, a row tells as little of one pod of a block as of another.
            block = self.block(target)
            case = row and row.raw, owner, block and block.prefix
            if case in unsure:
                continue
            move = node.move(row)
            verdict = self.verdict(name, target, move)
            if verdict == RIGHT:
                right += isinstance(target.at, Pod)
            elif verdict != UNSURE:
                wrong.append(Judged(verdict, name, target, move))
            elif move.kind in _ALIKE and not table.unread:
                unsure.add(case)
        return wrong, right

    def _parts(self, table: NodeTable, name: str) -> Iterator[tuple[Route, Target]]:
        """A node's rows for parts of other nodes' blocks, if only for pods that are still to come."""
        for row in table.where(self._is_inside_block):
            number = prefix_number(row.dst)[1]
            block = self.facts.block_at(self.bits, number)
            if block is not None and block.node != name:
                yield row, Target(self.bits, number, block)

    def _is_inside_block(self, route: Route) -> bool:
        """Whether a row is for a part of a block that is more than one address."""
        if is_host(route.dst) or is_default(route):
            return False
        bits, number, length = prefix_number(route.dst)
        block = self.facts.block_at(bits, number)
        return block is not None and length > prefix_number(block.prefix)[2]

    def samples(self, node: Forwarding) -> set[int]:
        """The places of other nodes' pods, one for each way in which their addresses are dealt with."""
        view = self._view(node)
        own = set(self.targets.of_node.get(node.node, ()))
        others = ((place for place in places if place not in own and self._is_pod(place)) for places in view.kinds)
        return {place for places in others if (place := min(places, default=None)) is not None}

    def _is_pod(self, place: int) -> bool:
        return isinstance(self.targets.all[place].at, Pod)

    def _view(self, node: Forwarding) -> SharedView:
        base = node.table(self.bits).base
        if base not in self._views:
            self._views[base] = SharedView(base, self.targets, self.facts, lambda row: self._is_dull(node, row))
        return self._views[base]

    def _is_dull(self, node: Forwarding, row: Route | None) -> bool:
        """Whether a row shows no way that could be right or wrong."""
        kind = node.move(row).kind
        is_routers = row is not None and kind == "stranger" and not _leads_into_cni(row) and self._routers.trusts(row)
        return kind == "datapath" or (not self._named and (is_routers or kind in ("network", "no_route")))

    # What is right in this cluster.

    def _find_named(self) -> set[bool]:
        """Whether nodes name each other as next hops: for True those that are in one network, for False those that are not."""
        named: set[bool] = set()
        for name, hop in self.facts.next_hops():
            behind = self.facts.node_behind(name, hop) if address_number(hop.gateway)[0] == self.bits else None
            if behind is not None:
                named.add(self._is_near(name, behind))
                if len(named) == 2:
                    break
        return named

    def _is_near(self, name: str, other: str) -> bool:
        """Whether two nodes are in one network, so that they reach each other without a router."""
        addresses = self.facts.nodes[other].node.addresses
        return any(holds(route.dst, address) for route in self.facts.nodes[name].networks for address in addresses)

    def _has_local_row(self, pod: Pod) -> bool:
        """Whether the table of the pod's node leads to an interface for it."""
        node = self.facts.forwarding.get(pod.node or "")
        for bits, number in map(address_number, pod.ips):
            if bits == self.bits and node is not None and bits in node.tables:
                return node.move(node.table(bits).find(bits, number)).kind == "interface"
        return False

    # One node and one target.

    def verdict(self, name: str, target: Target, move: Move) -> str:
        """RIGHT, UNSURE or the code of a finding."""
        verdict = self._verdict(name, target, move)
        if verdict in (RIGHT, UNSURE):
            return verdict
        # For a node that is not ready, others may have no rows, but none that lead astray.
        is_lacking = verdict in _LACKING or (verdict == "blackholed-block" and self.block(target) is None)
        is_excused = is_lacking and target.at.node != name and not self.facts.nodes[target.at.node or ""].is_settled
        return UNSURE if is_excused or self._may_be_another_row(name, target, move.row) else verdict

    def _may_be_another_row(self, name: str, target: Target, row: Route | None) -> bool:
        """Whether a row of the node that was not understood may decide in the place of this one, or where none was found."""
        unread = self.facts.forwarding[name].table(target.bits).unread_for(target.bits, target.number)
        return unread is not None and (row is None or prefix_number(unread)[2] >= prefix_number(row.dst)[2])

    def _verdict(self, name: str, target: Target, move: Move) -> str:
        if target.at.node == name:
            return self._verdict_at_home(name, target, target.at, move) if isinstance(target.at, Pod) else RIGHT
        match move.kind:
            case "node":
                return self._verdict_on_next_hop(name, target, move)
            case "stranger":
                return self._verdict_on_stranger(name, target, move)
            case "network" | "no_route":
                return self._verdict_on_nothing(name, target, move)
            case "datapath":
                return UNSURE
            case "interface":
                return self._verdict_on_interface(name, target, move)
            case "own":
                return self._astray("wrong-next-hop", name, target, move)
        return self._verdict_on_drop(name, target, move)

    def _verdict_at_home(self, name: str, target: Target, pod: Pod, move: Move) -> str:
        row = move.row
        is_own_row = row is not None and is_host(row.dst)
        if move.kind == "interface":
            return RIGHT if self.facts.leads_to_pod(pod, row) else "wrong-pod-interface"
        if move.kind == "dropped":
            return "blackholed-pod" if is_own_row else "missing-pod-route"
        if move.kind == "node":
            path = follow(self.facts.forwarding, name, target.address, name)
            if path.end == "loop":
                # The row to the node that the address is borrowed from is right, and so may be one for a wider network.
                is_for_own = is_own_row or (row is not None and (row.dst, name) in self.facts.claims)
                return "routing-loop" if is_for_own else "missing-pod-route"
            if is_own_row and path.end == "lost" and path.hops[-1].move and path.hops[-1].move.kind == "interface":
                return "pod-on-wrong-node"
        if is_own_row or move.kind == "own":
            return UNSURE if move.kind == "datapath" else "wrong-pod-interface"
        return "missing-pod-route" if self._gives_rows and move.kind != "datapath" else UNSURE

    def _verdict_on_next_hop(self, name: str, target: Target, move: Move) -> str:
        owner = target.at.node
        block = self.facts.block_at(target.bits, target.number)
        # An address that is borrowed from another node's block goes there first.
        if move.nodes == {owner} or (block is not None and move.nodes == {block.node}):
            return RIGHT
        # Of a block that several claim and no pod is in, nobody knows whose it is.
        if isinstance(target.at, Block) and all((target.at.prefix, node) in self.facts.claims for node in move.nodes):
            return UNSURE
        path = follow(self.facts.forwarding, name, target.address, owner or "")
        if path.end == "loop" and path.hops[-1].node == name:
            return "routing-loop"
        # Out of reach of each other, nodes may well pass packets on to one between them.
        if not self._is_near(name, owner or "") and path.end in ("delivered", "unsure"):
            return RIGHT
        return self._astray("wrong-next-hop", name, target, move)

    def _verdict_on_stranger(self, name: str, target: Target, move: Move) -> str:
        owner, row = target.at.node or "", move.row
        verdict = self._astray("next-hop-not-a-node", name, target, move)
        if row is None or verdict == "missing-block-route":
            return verdict
        may_be_router = True not in self._named and self._routers.may_be(name, owner, row)
        is_wrong = _leads_into_cni(row) or (self._is_near(name, owner) and not may_be_router)
        return verdict if is_wrong and not self._may_be_unknown(name, row) else UNSURE

    def _may_be_unknown(self, name: str, row: Route) -> bool:
        """Whether a next hop may be an address of a node that could not be read, in another network than its known ones."""
        networks = [route.dst for route in self.facts.nodes[name].networks]
        strange = [gateway for gateway in gateways(row) if self.facts.owner(*address_number(gateway)) is None]
        around = [[prefix for prefix in networks if holds(prefix, gateway)] for gateway in strange]
        unread = [node.node.addresses for node in self.facts.nodes.values() if not node.links]
        return any(
            not any(holds(prefix, address) for prefix in prefixes for address in addresses)
            for prefixes in around
            for addresses in unread
        )

    def _verdict_on_nothing(self, name: str, target: Target, move: Move) -> str:
        owner = target.at.node or ""
        if self._is_near(name, owner) not in self._named:
            return UNSURE
        block = self.facts.block_at(target.bits, target.number)
        if block is not None and block.node == name:
            return "missing-pod-route"  # lent to a pod of another node
        if move.row is None or block is None or prefix_number(move.row.dst)[2] < prefix_number(block.prefix)[2]:
            return "missing-block-route"
        return self._astray("wrong-next-hop", name, target, move)

    def _verdict_on_interface(self, name: str, target: Target, move: Move) -> str:
        if move.row is not None and is_host(move.row.dst) and isinstance(target.at, Pod):
            return "pod-on-wrong-node"
        if move.row is not None and name in self.facts.book.nodes_with_pods_in(move.row.dst):
            return UNSURE  # a bridge for all pods may well join the nodes
        return self._astray("wrong-next-hop", name, target, move)

    def _verdict_on_drop(self, name: str, target: Target, move: Move) -> str:
        row = move.row
        if row is None or (is_host(row.dst) and isinstance(target.at, Pod)):
            return "blackholed-pod"
        if any(block.row == row for block in self.facts.blocks_of(name)):
            is_twice = any(holds(block.prefix, target.address) for block in self.facts.blocks_of(target.at.node or ""))
            return "duplicate-block" if is_twice else "missing-pod-route"
        return self._astray("blackholed-block", name, target, move)

    def _astray(self, code: str, name: str, target: Target, move: Move) -> str:
        """The code, unless the row is for a part of the block only, or for more, where others have a row for the block."""
        block, row = self.block(target), move.row
        if row is None:
            return code
        if block is None:
            return "shadowed-block" if is_host(row.dst) else code
        length, length_of_block = prefix_number(row.dst)[2], prefix_number(block.prefix)[2]
        if length > length_of_block:
            return "shadowed-block"
        # What the table local holds is asked for first, whatever its length.
        is_lost = length < length_of_block and table_of(row) != "local" and block.prefix in self.facts.routed
        return "missing-block-route" if is_lost and self._is_near(name, target.at.node or "") in self._named else code

    def block(self, target: Target) -> Block | None:
        """The block that the address is from, which may be another node's: a pod can have a borrowed address."""
        return target.at if isinstance(target.at, Block) else self.facts.block_at(target.bits, target.number)


def _leads_into_cni(row: Route) -> bool:
    """Whether a row with a next hop leads into a device of a CNI's, such as a tunnel, where no router is."""
    return row.dev is not None and recognise_interface(row.dev) is not None
