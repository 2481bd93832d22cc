# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way that a packet takes from node to node, as the tables of the nodes tell. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .forwarding import Forwarding, Move

# unsure: the packet enters something that tables do not show, such as a tunnel's device or the cloud's own router.
End = Literal["delivered", "lost", "loop", "unsure"]


@dataclass(frozen=True, slots=True)
class Hop:
    """A node that the packet passes, and where that sends it; None where the node's table is not known.

    ``is_shown`` tells whether tables show that the packet gets there.
    """

    node: str
    move: Move | None
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Path:
    hops: tuple[Hop, ...]
    end: End

    @property
    def nodes(self) -> list[str]:
        return [hop.node for hop in self.hops]


def follow(
    nodes: Mapping[str, Forwarding], start: str, address: str, home: str | None, source: str | None = None
) -> Path:
    """Follow a packet to the address from a node on. ``home`` is the node that has the address, or on which its pod runs.

    Where tables show no further way, the packet is taken to get home, and the path to be unsure. It ends there where ``home``
    is None: nobody in the cluster has the address. ``source`` is where the packet is from, which an ``ip rule`` may ask for.
    """
    hops: list[Hop] = []
    node = start
    while True:
        move = next(reversed(nodes[node].moves(address, source)), None) if node in nodes else None
        seen = any(hop.node == node for hop in hops)
        hops.append(Hop(node, move, move is not None and _is_shown(nodes[node], move, address, home)))
        if seen:
            return Path(tuple(hops), "loop")
        if move is not None and (move.kind in ("dropped", "no_route") or (_stays(move) and home not in (None, node))):
            return Path(tuple(hops), "lost")
        if node == home and (move is None or not move.nodes):
            is_sure = move is not None and _stays(move) and all(hop.is_shown for hop in hops)
            return Path(tuple(hops), "delivered" if is_sure else "unsure")
        if move is not None and move.kind == "node":
            node = home if home in move.nodes else min(move.nodes)
        elif home is None:
            return Path(tuple(hops), "unsure")
        else:
            node = home


def _is_shown(node: Forwarding, move: Move, address: str, home: str | None) -> bool:
    return move.kind == "node" or _stays(move) or (home is not None and _is_next_door(node, move, address, home))


def _stays(move: Move) -> bool:
    return move.kind in ("interface", "own")


def _is_next_door(node: Forwarding, move: Move, address: str, home: str) -> bool:
    """Whether the address is that of a node in a network that this node is in, too."""
    if move.kind != "network" or move.row is None or move.row.dst.endswith("/0"):
        return False
    return node.owner_of(address) == home
