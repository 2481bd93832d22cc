# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A snapshot read into what the checks ask about. Private to the collection: it may change at any time.

A node's texts are read once, and little of them is kept: a cluster of 5,000 nodes is judged with the texts of one node in
memory at a time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from sys import intern
from typing import NamedTuple

from ..network.address_book import AddressBook
from ..network.cni import (
    devices,
    gateways,
    holds,
    is_block_sized,
    is_default,
    is_direct,
    is_host,
    is_link_local_or_multicast,
    sign_of,
)
from ..network.forwarding import Forwarding
from ..network.interface_names import recognise_interface
from ..network.policy_rules import are_usual, decisions, not_followed
from ..network.snapshot import Cluster, Node, NodeSnapshot, Pod, PodInside, Policy, Probe
from ..network.table import PrefixMap, RouteTable, address_number, prefix_number, table_of
from ..network.table_store import Base, KeptTable, NodeTable, TableStore
from ..text.ip_address import Link, parse_ip_address
from ..text.ip_neighbour import Neighbour, parse_ip_neighbour
from ..text.ip_route import Route, parse_ip_route
from ..text.ip_rule import ParsedRules, Rule, parse_ip_rule
from .verdict import NotProved

FAMILIES = {32: "IPv4", 128: "IPv6"}
TABLE_COMMANDS = {32: "ip -4 route show table all", 128: "ip -6 route show table all"}
POD_TABLE_COMMANDS = {32: "ip -4 route", 128: "ip -6 route"}
_RULE_COMMANDS = {32: "ip rule", 128: "ip -6 rule"}

_NO_LABELS: Mapping[str, str] = {}

# The gateway that Calico gives to pods. It is on no interface: the node answers for it, by proxy ARP.
_CALICO_GATEWAY = "169.254.1.1"

# What the interface of a node that is a container itself is called.
_NIC = re.compile(r"eth\d+")

# Seconds after which a node or a pod that is not ready is taken for broken, and no more for new.
_SETTLING = 60


class Block(NamedTuple):
    """Addresses that a node gives to its pods; ``row`` is the line of its table that says so, None for its pod CIDR.

    ``is_guessed`` where only a bridge and the pods in it speak for that.
    """

    prefix: str
    node: str
    row: str | None
    is_guessed: bool = False


class NextHop(NamedTuple):
    """A row with a next hop, in short."""

    dst: str
    gateway: str
    dev: str | None


@dataclass(frozen=True, slots=True)
class Inside:
    """What a pod says of itself, read. ``interface`` is the node's end of the pod's cable, None where that cannot be told.

    ``routes`` are by the bits of the family, without tables that hold lines which are not understood, ``unparsed`` these lines.
    """

    pod: str
    links: tuple[Link, ...]
    routes: Mapping[int, tuple[Route, ...]]
    unparsed: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    interface: Link | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a node printed, read; ``links`` are by name, ``insides`` by the key of the pod.

    ``understood_rules`` are the bits of the families of which all rules are known. ``pod_links`` are those of the links that are the node's ends of pods' veth pairs.
    """

    snapshot: NodeSnapshot
    kept: Mapping[int, KeptTable]
    tables: Mapping[int, NodeTable]
    rules: Mapping[int, tuple[Rule, ...]]
    understood_rules: frozenset[int]
    links: Mapping[str, Link]
    pod_links: Mapping[str, Link]
    neighbours: tuple[Neighbour, ...]
    insides: Mapping[str, Inside]
    not_proved: tuple[NotProved, ...]


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


def read_node(node: NodeSnapshot, store: TableStore) -> Reading:
    """Parse what a node printed. What is missing, or is not understood, is in ``not_proved``."""
    kept, tables, rules = {}, {}, {}
    unproved = [
        NotProved(f"{what} of node {node.node.name}", reason, node.node.name) for what, reason in node.unread.items()
    ]
    for probe in filter(None, (node.probe, node.host_probe)):
        unproved += [
            NotProved(f"{what} of pod {probe.pod}", reason, node.node.name, probe.pod)
            for what, reason in probe.unread.items()
        ]
    for bits, command in TABLE_COMMANDS.items():
        if command in node.printed:
            kept[bits] = store.keep(node.printed[command], bits)
            tables[bits] = kept[bits].open()
            unproved += _not_understood(command, tables[bits].unparsed, node)
    understood_rules = set()
    for bits, command in _RULE_COMMANDS.items():
        if command in node.printed:
            parsed = _read_rules(node.printed[command])
            rules[bits] = () if are_usual(parsed.rules) else parsed.rules
            lines = [line.text for line in parsed.unparsed] + [rule.raw for rule in not_followed(parsed.rules)]
            unproved += _not_understood(command, lines, node)
            if not lines:
                understood_rules.add(bits)
    links = {link.name: link for link in parse_ip_address(node.printed.get("ip addr", "")).links}
    insides = {inside.pod: inside for inside in _read_insides(node, links.values())}
    unproved += [
        NotProved(f"the table of pod {inside.pod}", f"not understood: {line.strip()}", node.node.name, inside.pod)
        for inside in insides.values()
        for line in inside.unparsed
    ]
    return Reading(
        snapshot=node,
        kept=kept,
        tables=tables,
        rules=rules,
        understood_rules=frozenset(understood_rules),
        links=links,
        pod_links={name: link for name, link in links.items() if _is_pod_link(link, node.node)},
        neighbours=parse_ip_neighbour(node.printed.get("ip neigh", "")).neighbours,
        insides=insides,
        not_proved=tuple(unproved),
    )


# Most nodes have the same.
@lru_cache(maxsize=64)
def _read_rules(text: str) -> ParsedRules:
    return parse_ip_rule(text)


def _read_insides(node: NodeSnapshot, links: Iterable[Link]) -> Iterator[Inside]:
    by_index = {link.index: link for link in links}
    for inside in (*node.insides, *([node.probe] if node.probe else ())):
        yield read_inside(inside, by_index)


def read_inside(inside: PodInside | Probe, by_index: Mapping[int, Link]) -> Inside:
    """What a pod says of itself, read. ``by_index`` are the links of its node, empty where its end there does not matter."""
    own = parse_ip_address(inside.printed.get("ip addr", "")).links
    peers = [by_index.get(_peer_index(link) or 0) for link in own]
    # Each end names the other: an index alone may be one of another namespace.
    ends = [peer for peer in peers if peer and any(peer.peer == f"if{link.index}" for link in own)]
    tables = {
        bits: parse_ip_route(inside.printed[command])
        for bits, command in POD_TABLE_COMMANDS.items()
        if command in inside.printed
    }
    return Inside(
        pod=inside.pod,
        links=own,
        routes={bits: tuple(table.routes) for bits, table in tables.items() if not table.unparsed},
        unparsed=tuple(line.text for table in tables.values() for line in table.unparsed),
        neighbours=parse_ip_neighbour(inside.printed.get("ip neigh", "")).neighbours,
        interface=ends[0] if len(ends) == 1 else None,
    )


def _not_understood(command: str, lines: list[str], node: NodeSnapshot) -> list[NotProved]:
    name = node.node.name
    return [NotProved(f"{command} of node {name}", f"not understood: {line.strip()}", name) for line in lines]


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
        next_hops=tuple(hop for table in reading.tables.values() for hop in _next_hops(table.extra)),
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


def asks_for_gateway(inside: Inside) -> bool:
    """Whether the pod has Calico's gateway and must ask for its link-layer address; AWS's pods know it beforehand."""
    is_gateway = any(route.gateway == _CALICO_GATEWAY for route in inside.routes.get(32, ()))
    return is_gateway and not any(
        entry.address == _CALICO_GATEWAY and entry.state == "PERMANENT" for entry in inside.neighbours
    )


def has_gateway(links: Mapping[str, Link]) -> bool:
    """Whether a node has Calico's gateway on an interface, after all."""
    return any(entry.address == _CALICO_GATEWAY for link in links.values() for entry in link.addresses)


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
        yield from (route for route in table.hosts if route.dst not in own)


def _may_have_default_route(reading: Reading, bits: int) -> bool:
    """Whether what decides on packets that no other row is for is a row that leads somewhere, or is not understood."""
    table, rules = reading.tables[bits], reading.rules.get(bits)
    if table.base.default in table.unread:
        return True
    wide = RouteTable(table.where(_is_for_a_half))
    for number in (0, (1 << bits) - 1):
        row = wide.find(bits, number)
        if rules:
            *_for_some, (row, _rule) = decisions(rules, None, partial(wide.find_in, bits=bits, number=number))
        if row is None or row.type != "unicast":
            return False
    return True


def _is_for_a_half(route: Route) -> bool:
    """Whether the row is for all packets that no other row is for, or for half of them: two halves may stand for the whole."""
    return prefix_number(route.dst)[2] <= 1


def _uplinks(reading: Reading) -> Iterator[str]:
    own = reading.snapshot.node.addresses
    yield from (link.name for link in reading.links.values() for entry in link.addresses if entry.address in own)
    for table in reading.tables.values():
        yield from (device for route in table.where(is_default) for device in devices(route))


def _next_hops(routes: Iterable[Route]) -> Iterator[NextHop]:
    for route in routes:
        if is_direct(route):
            continue
        ways = [(route.gateway, route.dev), *((hop.gateway, hop.dev) for hop in route.nexthops)]
        yield from (NextHop(route.dst, gateway, dev) for gateway, dev in ways if gateway is not None)


def _is_pod_link(link: Link, node: Node) -> bool:
    """Whether a node's link is its end of a pod's veth pair: the other end is in another namespace, and it is in no network."""
    if _peer_index(link) is None or _NIC.fullmatch(link.name):
        return False
    return not any(
        entry.address in node.addresses or (entry.scope == "global" and entry.prefix_length not in FAMILIES)
        for entry in link.addresses
    )


def _is_cnis(link: Link) -> bool:
    """Whether the end of a veth pair is not one of a container engine's, on a bridge that is no CNI's."""
    return link.master is None or recognise_interface(link.master) is not None


def _peer_index(link: Link) -> int | None:
    """The index of the other end, where that is in another namespace."""
    peer = link.peer or ""
    return int(peer[2:]) if peer.startswith("if") and peer[2:].isdecimal() else None


def _own_blocks(reading: Reading) -> Iterator[Block]:
    node = reading.snapshot.node
    pods = [pod for pod in reading.snapshot.pods if not pod.host_network]
    numbers = [address_number(address) for pod in pods for address in pod.ips]
    for table in reading.tables.values():
        claims = [
            (
                _cni(route),
                _has_one_of(route.dst, numbers),
                Block(route.dst, node.name, route.raw, _is_guess(route, node)),
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


class Facts:
    """What is known of the cluster, once all nodes are read.

    ``nodes`` and ``forwarding`` are by name, ``pods`` all that have a node. ``selected`` tells which policies are for a pod, by
    the pod's key, ``dns_pods`` which pods answer for the cluster's DNS. Raises ValueError for an address that is none.
    """

    def __init__(
        self,
        cluster: Cluster,
        nodes: Iterable[NodeFacts],
        pods: list[Pod],
        selected: Mapping[str, tuple[Policy, ...]],
        dns_pods: Collection[Pod] = (),
    ) -> None:
        self.cluster = cluster
        self.nodes = {node.node.name: node for node in nodes}
        self.pods = pods
        self.selected = selected
        self.dns_pods = dns_pods
        self.book = AddressBook((node.node for node in self.nodes.values()), pods)
        self._owners = self._read_owners()
        self.forwarding = {
            name: Forwarding(name, node.tables, node.rules, node.links, node.uplinks, self.owner)
            for name, node in self.nodes.items()
        }
        self.blocks = self._read_blocks()
        self._blocks_of: dict[str, list[Block]] = {}
        for block in self.blocks:
            self._blocks_of.setdefault(block.node, []).append(block)
        self.claims = {(block.prefix, block.node) for block in self.blocks}
        self._block_map = PrefixMap((block.prefix, block) for block in self.blocks)

    def _read_owners(self) -> dict[tuple[int, int], str | None]:
        owners: dict[tuple[int, int], str | None] = {}
        for name, facts in self.nodes.items():
            for number in _addresses(facts):
                owners[number] = name if owners.setdefault(number, name) == name else None
        return owners

    def owner(self, bits: int, number: int) -> str | None:
        """The node that has the address on one of its interfaces, None when no node has, or several have."""
        return self._owners.get((bits, number))

    def only_owner(self, row: Route | None) -> str | None:
        """The node that all next hops of a row belong to."""
        if row is None or is_direct(row):
            return None
        owners = {self.owner(*address_number(next_hop)) for next_hop in gateways(row)}
        return owners.pop() if len(owners) == 1 else None

    def _read_blocks(self) -> list[Block]:
        blocks: list[Block] = []
        for name, facts in self.nodes.items():
            blocks += facts.blocks
            told = {":" in block.prefix for block in facts.blocks}
            for cidr in facts.node.pod_cidrs:
                if (":" in cidr) not in told and self._uses(name, cidr):
                    blocks.append(Block(cidr, name, None))
        nodes_with = Counter(block.prefix for block in blocks if block.is_guessed)
        # One bridge's network on several nodes is one that joins them, and nobody's own.
        return [block for block in blocks if nodes_with[block.prefix] < 2]

    def _uses(self, node: str, cidr: str) -> bool:
        """Whether a node's pods have their addresses from its pod CIDR; not every CNI takes them from there."""
        addresses = [ip for pod in self.book.pods_on(node) for ip in pod.ips if (":" in ip) == (":" in cidr)]
        if addresses:
            return all(holds(cidr, address) for address in addresses)
        return cidr in self._routed

    def next_hops(self) -> Iterator[tuple[str, NextHop]]:
        """The next hops of all rows with the node that has them; of rows that nodes share, for the first of these."""
        bases = set()
        for name, facts in self.nodes.items():
            yield from ((name, hop) for hop in facts.next_hops)
            for table in facts.tables.values():
                if table.base not in bases:
                    bases.add(table.base)
                    yield from ((name, hop) for hop in _next_hops(table.base.routes))

    def devices_out(self, node: str) -> set[str]:
        """The devices through which a node sends packets to what is behind other nodes."""
        own = self._devices(node, self.nodes[node].next_hops)
        return own.union(*(self._base_devices[table.base] for table in self.nodes[node].tables.values()))

    def devices_in(self, node: str) -> set[str]:
        """The devices at which a node gets packets from other nodes: those with the addresses that are their next hops."""
        used = {hop.gateway for _name, hop in self._hops_to.get(node, ())}
        links = self.nodes[node].links.values()
        return {link.name for link in links if any(entry.address in used for entry in link.addresses)}

    @cached_property
    def _hops_to(self) -> dict[str | None, list[tuple[str, NextHop]]]:
        """The next hops by the node that they are."""
        found: dict[str | None, list[tuple[str, NextHop]]] = {}
        for name, hop in self.next_hops():
            found.setdefault(self.owner(*address_number(hop.gateway)), []).append((name, hop))
        return found

    @cached_property
    def _base_devices(self) -> dict[Base, set[str]]:
        bases = {table.base for facts in self.nodes.values() for table in facts.tables.values()}
        return {base: self._devices(None, _next_hops(base.routes)) for base in bases}

    def _devices(self, node: str | None, hops: Iterable[NextHop]) -> set[str]:
        return {hop.dev for hop in hops if hop.dev is not None and self.node_behind(node, hop) is not None}

    def node_behind(self, node: str | None, hop: NextHop) -> str | None:
        """The other node whose pods a row of a node is for, and that it sends their packets to; None where there is none."""
        owner = self.owner(*address_number(hop.gateway))
        if owner is None or owner == node or hop.dst.endswith("/0"):
            return None
        has_pods = (hop.dst, owner) in self.claims or owner in self.book.nodes_with_pods_in(hop.dst)
        return owner if has_pods else None

    @cached_property
    def _routed(self) -> set[str]:
        return {hop.dst for _node, hop in self.next_hops()}

    def nodes_in(self, prefix: str) -> list[tuple[str, str]]:
        """The nodes with addresses of their own, as the API says, in a network; and these addresses."""
        bits, first, length = prefix_number(prefix)
        start = bisect_left(self._node_addresses, (bits, first, "", ""))
        end = bisect_left(self._node_addresses, (bits, first + (1 << bits - length), "", ""))
        return [(name, address) for _bits, _number, name, address in self._node_addresses[start:end]]

    @cached_property
    def _node_addresses(self) -> list[tuple[int, int, str, str]]:
        return sorted(
            (*address_number(address), name, address)
            for name, facts in self.nodes.items()
            for address in facts.node.addresses
        )

    def blocks_of(self, node: str) -> list[Block]:
        """The blocks of a node."""
        return self._blocks_of.get(node, [])

    def block_at(self, bits: int, number: int) -> Block | None:
        """The block that an address is from."""
        return self._block_map.match(bits, number)

    @cached_property
    def pods_asked(self) -> dict[str, Pod]:
        """The probes in the pod network, and other pods that say something of themselves, by key."""
        found = {}
        for name, node in self.nodes.items():
            keys = {record.pod for record in (node.probe, *node.insides) if record is not None}
            found.update({pod.key: pod for pod in self.book.pods_on(name) if pod.key in keys})
        return found

    @cached_property
    def settled_pods(self) -> list[Pod]:
        """The pods that should be reachable: none on the host network, and none that just starts or ends."""
        return [pod for pod in self.pods if is_settled(pod)]

    @cached_property
    def ended_addresses(self) -> set[str]:
        """The addresses of pods that have ended: their routes are about to go."""
        return {address for pod in self.pods if pod.phase in ("Succeeded", "Failed") for address in pod.ips}

    @cached_property
    def families(self) -> list[int]:
        """The families, by their bits, in which pods have addresses."""
        found = {":" in address for pod in self.settled_pods for address in pod.ips}
        return [bits for bits in FAMILIES if (bits == 128) in found]

    @cached_property
    def macs(self) -> dict[tuple[int, int], str]:
        """The link-layer address of the interface on which a node has an address."""
        return {
            address_number(entry.address): link.mac
            for facts in self.nodes.values()
            for link in facts.links.values()
            for entry in link.addresses
            if link.mac is not None and entry.scope == "global" and self.owner(*address_number(entry.address))
        }


def _addresses(facts: NodeFacts) -> Iterator[tuple[int, int]]:
    yield from map(address_number, facts.node.addresses)
    for link in facts.links.values():
        for entry in link.addresses:
            if entry.scope == "global":
                yield address_number(entry.address)
    if not facts.links:
        for table in facts.tables.values():
            for route in table.open().where(_is_own_address):
                yield prefix_number(route.dst)[:2]


def _is_own_address(route: Route) -> bool:
    return (
        route.type == "local" and is_host(route.dst) and route.dev != "lo" and not is_link_local_or_multicast(route.dst)
    )


def is_settled(pod: Pod) -> bool:
    if pod.host_network or pod.phase != "Running" or pod.deleting or not pod.ips:
        return False
    return pod.ready or pod.age is None or pod.age >= _SETTLING


def lean(pod: Pod) -> Pod:
    """The pod with strings that other pods share, and without labels, which are asked for once."""
    node = None if pod.node is None else intern(pod.node)
    rest = (pod.ips, pod.host_network, pod.phase, pod.ready, pod.deleting, pod.age)
    return Pod(intern(pod.namespace), pod.name, node, *rest, labels=_NO_LABELS)
