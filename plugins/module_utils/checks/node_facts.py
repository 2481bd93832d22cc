# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is kept of a node once it is read. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ..network.cni import (
    devices,
    is_block_sized,
    is_default,
    is_direct,
    is_for_half,
    is_host,
    is_link_local_or_multicast,
    leads_to_host,
    sign_of,
)
from ..network.interface_names import recognise_interface
from ..network.policy_rules import decisions
from ..network.snapshot import Node, PodInside, Probe
from ..network.table import RouteTable, address_number, prefix_number, table_of
from ..network.table_store import KeptTable, NodeTable
from ..text.ip_address import Link
from ..text.ip_neighbour import Neighbour
from ..text.ip_route import Route
from ..text.ip_rule import Rule
from .reading import Reading, asks_for_gateway, has_gateway


class Block(NamedTuple):
    """Addresses that a node gives to its pods; ``row`` is the row of its table that says so, None for its pod CIDR.

    ``is_guessed`` where only a bridge and the pods in it speak for that.
    """

    prefix: str
    node: str
    row: Route | None
    is_guessed: bool = False


class NextHop(NamedTuple):
    """A row with a next hop, in short."""

    dst: str
    gateway: str
    dev: str | None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What is kept of a node. ``links`` are without the ends of pods' veths, ``sysctls`` without those of these.

    ``understood_rules`` are the bits of the families of which all rules are known.

    ``next_hops`` and ``block_rows`` are of the rows that are not in the base of its table: all next hops, and the rows that
    some CNI writes for pods of many nodes. ``networks`` are the rows for networks that the node is in, ``strange_hosts`` those
    that lead directly to an address that none of its pods has. ``default_routes`` are the bits of the families that have one in
    use, or may have one by a row that is not understood, ``uplinks`` the devices of these and those with the node's own
    addresses. ``interfaces`` are the names of pods' interfaces on the node and ``macs`` the link-layer addresses of the pods'
    own ends, by the key of the pod, as far as pods were looked into. ``pod_mtu`` is the largest MTU of its pods' interfaces.
    ``stands_in_for_gateway`` tells that its pods send by a gateway that is nowhere, for which the kernel answers as long as the
    node forwards and has a route to it. ``insides`` and ``unread`` are those of the snapshot.
    """

    node: Node
    tables: Mapping[int, KeptTable]
    rules: Mapping[int, tuple[Rule, ...]]
    understood_rules: frozenset[int]
    links: Mapping[str, Link]
    neighbours: tuple[Neighbour, ...]
    sysctls: Mapping[str, int]
    blocks: tuple[Block, ...]
    next_hops: tuple[NextHop, ...]
    block_rows: tuple[Route, ...]
    networks: tuple[Route, ...]
    strange_hosts: tuple[Route, ...]
    default_routes: frozenset[int]
    uplinks: frozenset[str]
    interfaces: Mapping[str, str]
    macs: Mapping[str, frozenset[str]]
    pod_mtu: int | None
    stands_in_for_gateway: bool
    insides: tuple[PodInside, ...]
    probe: Probe | None
    host_probe: Probe | None
    unread: Mapping[str, str]

    @property
    def is_read(self) -> bool:
        """Whether its tables are known, if only those of one family."""
        return bool(self.tables)

    @property
    def is_settled(self) -> bool:
        """Whether other nodes should know of it: a node that is not ready may be about to join, or gone."""
        return self.node.ready


def keep(reading: Reading) -> NodeFacts:
    """What the checks of all nodes together need of one."""
    node = reading.snapshot.node
    links = {name: link for name, link in reading.links.items() if name not in reading.pod_links}
    of_pods = {f"net.ipv4.conf.{name.replace('.', '/')}" for name in reading.pod_links}
    return NodeFacts(
        node=node,
        tables=reading.kept,
        rules=reading.rules,
        understood_rules=reading.understood_rules,
        links=links,
        neighbours=reading.neighbours,
        sysctls={
            name: value for name, value in reading.snapshot.sysctls.items() if name.rpartition(".")[0] not in of_pods
        },
        blocks=tuple(_own_blocks(reading)),
        next_hops=tuple(hop for table in reading.tables.values() for hop in next_hops_of(table.extra)),
        block_rows=tuple(route for table in reading.tables.values() for route in table.extra if routes_block(route)),
        networks=tuple(route for table in reading.tables.values() for route in table.where(_is_connected_network)),
        strange_hosts=tuple(_strange_hosts(reading)),
        default_routes=frozenset(bits for bits in reading.tables if _may_have_default_route(reading, bits)),
        uplinks=frozenset(_uplinks(reading)),
        interfaces={inside.pod: inside.interface.name for inside in reading.insides.values() if inside.interface},
        macs={
            inside.pod: frozenset(link.mac for link in inside.links if link.mac) for inside in reading.insides.values()
        },
        pod_mtu=max((link.mtu for link in reading.pod_links.values() if _is_cnis(link)), default=None),
        stands_in_for_gateway=any(map(asks_for_gateway, reading.insides.values())) and not has_gateway(reading.links),
        insides=reading.snapshot.insides,
        probe=reading.snapshot.probe,
        host_probe=reading.snapshot.host_probe,
        unread=reading.snapshot.unread,
    )


def _is_connected_network(route: Route) -> bool:
    """Whether the row is for a network that an interface of the node has an address in."""
    if route.type != "unicast" or not is_direct(route) or table_of(route) != "main":
        return False
    # The kernel makes such rows for addresses of interfaces; busybox does not print that, but the address.
    if route.protocol != "kernel" and route.prefsrc is None:
        return False
    if is_host(route.dst) or is_default(route) or is_link_local_or_multicast(route.dst):
        return False
    return not {"linkdown", "dead"} & set(route.flags)


def routes_block(route: Route) -> bool:
    """Whether the row has the form of one that a CNI writes for a block of pods' addresses, and is in use."""
    if is_host(route.dst) or {"linkdown", "dead"} & set(route.flags):
        return False
    sign = sign_of(route)
    return sign is not None and sign.meaning in ("own_block", "remote_block", "cluster")


def _strange_hosts(reading: Reading) -> Iterator[Route]:
    own = {f"{address}/{128 if ':' in address else 32}" for pod in reading.snapshot.pods for address in pod.ips}
    for table in reading.tables.values():
        hosts = (*table.hosts.values(), *table.where(leads_to_host))
        yield from (route for route in hosts if route.dst not in own)


def _may_have_default_route(reading: Reading, bits: int) -> bool:
    """Whether what decides on packets that no other row is for is a row that leads somewhere, or is not understood."""
    table, rules = reading.tables[bits], reading.rules.get(bits)
    if table.base.default in table.unread:
        return True
    wide = RouteTable(table.where(is_for_half))
    for number in (0, (1 << bits) - 1):
        row = wide.find(bits, number)
        if rules:
            *_for_some, (row, _rule) = decisions(rules, None, partial(wide.find_in, bits=bits, number=number))
        if row is None or row.type != "unicast":
            return False
    return True


def _uplinks(reading: Reading) -> Iterator[str]:
    own = reading.snapshot.node.addresses
    yield from (link.name for link in reading.links.values() for entry in link.addresses if entry.address in own)
    for table in reading.tables.values():
        yield from (device for route in table.where(is_default) for device in devices(route))


def next_hops_of(routes: Iterable[Route]) -> Iterator[NextHop]:
    """The next hops of rows, with these in short."""
    for route in routes:
        if is_direct(route):
            continue
        ways = [(route.gateway, route.dev), *((hop.gateway, hop.dev) for hop in route.nexthops)]
        yield from (NextHop(route.dst, gateway, dev) for gateway, dev in ways if gateway is not None)


def _is_cnis(link: Link) -> bool:
    """Whether the end of a veth pair is not one of a container engine's, on a bridge that is no CNI's."""
    return link.master is None or recognise_interface(link.master) is not None


def _own_blocks(reading: Reading) -> Iterator[Block]:
    node = reading.snapshot.node
    pods = [pod for pod in reading.snapshot.pods if not pod.host_network]
    numbers = [address_number(address) for pod in pods for address in pod.ips]
    for table in reading.tables.values():
        claims = [
            (
                _cni(route),
                _has_one_of(route.dst, numbers),
                Block(route.dst, node.name, route, _is_guess(route, node)),
            )
            for route in table.where(_may_be_own_block)
            if _is_own_block(route, node, numbers, table, reading.links)
        ]
        # What a CNI that is no longer in use has left claims nothing.
        in_use = {cni for cni, has_pods, _block in claims if has_pods}
        yield from (block for cni, _has_pods, block in claims if not in_use or cni in in_use)


def _is_guess(route: Route, node: Node) -> bool:
    return sign_of(route) is None and route.type == "unicast" and route.dst not in node.pod_cidrs


def _cni(route: Route) -> str | None:
    sign = sign_of(route)
    return sign.cni if sign is not None else None


def _may_be_own_block(route: Route) -> bool:
    if is_host(route.dst):
        return False
    sign = sign_of(route)
    if sign is not None:
        return sign.meaning == "own_block"
    if is_default(route) or is_link_local_or_multicast(route.dst) or not is_direct(route):
        return False
    return route.type == "unicast" or (route.type == "blackhole" and not route.protocol and is_block_sized(route.dst))


def _is_own_block(
    route: Route, node: Node, numbers: Iterable[tuple[int, int]], table: NodeTable, links: Mapping[str, Link]
) -> bool:
    """Whether a row that may be one is one, going by the pods and the pod CIDRs of the node.

    A bridge without a port is what a CNI left behind, or what another program made; so is one that none of the node's pods is
    behind, though their addresses be in its network.
    """
    if route.dst in node.pod_cidrs:
        return True
    holds_pods = _has_one_of(route.dst, numbers)
    if sign_of(route) is not None:
        return holds_pods or "linkdown" not in route.flags
    if route.type == "blackhole":
        return holds_pods
    link = links.get(route.dev or "")
    is_bridge = link is not None and link.kind == "bridge"
    return is_bridge and holds_pods and any(table.find(*number) == route for number in numbers)


def _has_one_of(prefix: str, numbers: Iterable[tuple[int, int]]) -> bool:
    bits, first, length = prefix_number(prefix)
    shift = bits - length
    return any(family == bits and number >> shift == first >> shift for family, number in numbers)
