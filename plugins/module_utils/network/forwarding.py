# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a node sends packets, as far as its tables tell. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..text.ip_address import Link
from ..text.ip_route import Route
from ..text.ip_rule import Rule
from .cni import devices, gateways, is_direct
from .interface_names import recognise_interface
from .policy_rules import covers, decisions
from .table import address_number
from .table_store import KeptTable, NodeTable

# node: to a node, by an address of its own.
# stranger: to a next hop that is no known node's.
# network: out of an uplink with no node named: the default route, or a network that the node itself is in.
# datapath: into a device behind which tables do not show the way: a tunnel, eBPF, Open vSwitch; or into one not shown.
# interface: out of a device that leads to nothing but pods of this node.
# own: the address is taken as the node's own.
Kind = Literal["node", "stranger", "network", "datapath", "interface", "own", "dropped", "no_route"]

_DATAPATH_ROLES = ("tunnel", "gateway", "cluster", "health", "services")
# Kinds of links (IFLA_INFO_KIND) whose other end no table shows.
_TUNNEL_KINDS = frozenset(
    (
        "vxlan",
        "geneve",
        "ipip",
        "sit",
        "gre",
        "gretap",
        "ip6tnl",
        "ip6gre",
        "ip6gretap",
        "wireguard",
        "tun",
        "vti",
        "xfrm",
    )
)
_REFUSING = ("blackhole", "unreachable", "prohibit")


class Move(NamedTuple):
    """One step of a packet: the row that decides, and the nodes of its next hops, of which a multipath route has several.

    ``rule`` is the ``ip rule`` that leads to the row where rules are not the usual ones, or that decides by itself.
    """

    kind: Kind
    row: Route | None = None
    nodes: frozenset[str] = frozenset()
    rule: Rule | None = None


def is_reached(moves: Sequence[Move], place: int) -> bool:
    """Whether rules leave packets for the one of :meth:`Forwarding.moves` at that place: an earlier one may take them all."""
    rule = moves[place].rule
    return rule is None or not any(move.rule is not None and covers(move.rule, rule) for move in moves[:place])


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What decides where a node sends packets.

    ``tables`` are by the bits of the family, and opened when they are asked; ``rules`` too, empty where they are the usual
    ones. ``links`` may lack pods' interfaces. ``uplinks`` are the devices that hold the node's own addresses, and those of its
    default routes. ``owner`` names the node that has an address on one of its interfaces, None when no node has, or several
    have.
    """

    node: str
    tables: Mapping[int, KeptTable]
    rules: Mapping[int, Sequence[Rule]]
    links: Mapping[str, Link]
    uplinks: Collection[str]
    owner: Callable[[int, int], str | None]

    def table(self, bits: int) -> NodeTable:
        """The tables of a family. Raises KeyError when they are not known."""
        return self.tables[bits].open()

    def moves(self, address: str, source: str | None = None) -> list[Move]:
        """Where packets to the address go: some of them first, where an ``ip rule`` says so, all others last.

        ``source`` is where they are from: without it, rules that ask for it are for some packets. Empty when the table is not
        known. Raises ValueError when the address is none.
        """
        bits, number = address_number(address)
        if bits not in self.tables:
            return []
        table, rules = self.table(bits), self.rules.get(bits)
        if not rules:
            return [self.move(table.find(bits, number))]
        return [
            Move("dropped", rule=rule) if row is None and rule else self.move(row)._replace(rule=rule)
            for row, rule in decisions(rules, address, lambda name: table.find_in(name, bits, number), source)
        ]

    def owner_of(self, address: str) -> str | None:
        """The node that has the address on one of its interfaces."""
        return self.owner(*address_number(address))

    def sources(self, address: str) -> list[str]:
        """What the node may send to the address from: what the row says, or else the addresses of the row's device.

        In a tunnel that is another address than the node's own (fib_info_update_nhc_saddr in net/ipv4/fib_semantics.c). Empty
        when nothing tells.
        """
        row = next((move.row for move in reversed(self.moves(address))), None)
        if row is None:
            return []
        if row.prefsrc is not None:
            return [row.prefsrc]
        link = self.links.get(row.dev or "")
        entries = link.addresses if link is not None else ()
        return [
            item.address for item in entries if item.scope == "global" and (":" in item.address) == (":" in address)
        ]

    def move(self, row: Route | None) -> Move:
        """Where a row sends packets."""
        if row is None:
            return Move("no_route")
        if row.type != "unicast":
            return Move("dropped" if row.type in _REFUSING else "own", row)
        if not is_direct(row) and gateways(row):
            return self._move_to_gateways(row)
        # busybox shows no device of a row with several next hops.
        return Move("datapath" if row.encap or row.dev is None else self._kind_of_device(row.dev), row)

    def _move_to_gateways(self, row: Route) -> Move:
        owners = {self.owner_of(gateway) for gateway in gateways(row)}
        nodes = frozenset(owner for owner in owners if owner is not None)
        if nodes == {self.node} and len(owners) == 1:
            return Move("datapath", row)
        if None not in owners:
            return Move("node", row, nodes)
        roles = {known.role for known in map(recognise_interface, devices(row)) if known}
        if row.encap or roles & {"gateway", "cluster"}:
            return Move("datapath", row, nodes)
        return Move("network" if row.dst.endswith("/0") else "stranger", row, nodes)

    def _kind_of_device(self, device: str) -> Kind:
        link = self.links.get(device)
        interface = recognise_interface(device)
        if (interface and interface.role in _DATAPATH_ROLES) or (link and link.kind in _TUNNEL_KINDS):
            return "datapath"
        if (interface and interface.role == "uplink") or device in self.uplinks:
            return "network"
        if interface or (link and link.kind in ("veth", "bridge", "dummy")):
            return "interface"
        # Where the links are known, what is not among them is a pod's.
        return "interface" if device.startswith("veth") or (self.links and link is None) else "network"
