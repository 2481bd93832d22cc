# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a cluster, for all checks. Private to the collection: it may change at any time.

A node's texts are read once, and little of them is kept: a cluster of 5,000 nodes is judged with the texts of one node in
memory at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from ipaddress import ip_network
from sys import intern

from ..network.address_book import AddressBook
from ..network.cni import gateways, holds, is_by_bird, is_direct, is_host, is_link_local_or_multicast
from ..network.forwarding import Forwarding
from ..network.interface_names import computed_name_like, is_tunnel, recognise_interface
from ..network.snapshot import Cluster, Pod, Policy
from ..network.table import PrefixMap, address_number, prefix_number
from ..network.table_store import Base
from ..text.ip_address import Link
from ..text.ip_route import Route
from .node_facts import Block, NextHop, NodeFacts, next_hops_of
from .reading import FAMILIES, is_settled

_NO_LABELS: Mapping[str, str] = {}


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
        self._ranges = PrefixMap((prefix, prefix_number(prefix)[2]) for prefix in cluster.pod_ranges)
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

    def has_address(self, node: str, address: str) -> bool:
        """Whether a node has the address on one of its interfaces, if others do so, too."""
        return address_number(address) in _addresses(self.nodes[node])

    def only_owner(self, row: Route | None) -> str | None:
        """The node that all next hops of a row belong to."""
        if row is None or is_direct(row):
            return None
        owners = {self.owner(*address_number(next_hop)) for next_hop in gateways(row)}
        return owners.pop() if len(owners) == 1 else None

    def _read_blocks(self) -> list[Block]:
        blocks: list[Block] = []
        for name, facts in self.nodes.items():
            own = [block for block in facts.blocks if block.row is None or self.may_claim(block.row)]
            blocks += own
            told = {":" in block.prefix for block in own}
            for cidr in facts.node.pod_cidrs:
                if (":" in cidr) not in told and self._uses(name, cidr):
                    blocks.append(Block(cidr, name, None))
        nodes_with = Counter(block.prefix for block in blocks if block.is_guessed)
        # One bridge's network on several nodes is one that joins them, and nobody's own.
        return [block for block in blocks if nodes_with[block.prefix] < 2]

    def may_claim(self, row: Route) -> bool:
        """Whether a row that has the form of one for a node's own block may be that.

        Calico drops what is left of a block, and so does whoever announces other networks by BGP.
        """
        if row.type != "blackhole":
            return True
        gives = self.gives(row.dst)
        return not is_by_bird(row) if gives is None else gives

    def gives(self, prefix: str) -> bool | None:
        """Whether the cluster gives addresses of a network to pods: some have one, or it is in a pod CIDR or a range for pods.

        None where no range of that family is declared.
        """
        bits, first, length = prefix_number(prefix)
        declared = self._ranges.match(bits, first)
        if declared is not None and declared <= length:
            return True
        if self.book.has_pods_in(prefix) or self.book.node_of_pod_cidr(prefix) is not None:
            return True
        return False if self._ranges.finders[bits] else None

    def _uses(self, node: str, cidr: str) -> bool:
        """Whether a node's pods have their addresses from its pod CIDR; not every CNI takes them from there."""
        addresses = [ip for pod in self.book.pods_on(node) for ip in pod.ips if (":" in ip) == (":" in cidr)]
        if addresses:
            return all(holds(cidr, address) for address in addresses)
        return cidr in self.routed

    def next_hops(self) -> Iterator[tuple[str, NextHop]]:
        """The next hops of all rows with the node that has them; of rows that nodes share, for the first of these."""
        bases = set()
        for name, facts in self.nodes.items():
            yield from ((name, hop) for hop in facts.next_hops)
            for table in facts.tables.values():
                if table.base not in bases:
                    bases.add(table.base)
                    yield from ((name, hop) for hop in next_hops_of(table.base.routes))

    def devices_out(self, node: str) -> set[str]:
        """The devices through which a node sends packets to what is behind other nodes."""
        own = self._devices(node, self.nodes[node].next_hops)
        return own.union(*(self._base_devices[table.base] for table in self.nodes[node].tables.values()))

    def devices_in(self, node: str) -> set[str]:
        """The devices at which a node gets packets from other nodes: tunnels, and those with addresses that are next hops."""
        hops = [hop for _name, hop in self._hops_to.get(node, ())]
        tunnels = {hop.dev for hop in hops if is_tunnel(hop.dev)}
        used = {hop.gateway for hop in hops if hop.dev not in tunnels}
        return {
            link.name
            for link in self.nodes[node].links.values()
            if link.name in tunnels or any(entry.address in used for entry in link.addresses)
        }

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
        return {base: self._devices(None, next_hops_of(base.routes)) for base in bases}

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
    def routed(self) -> set[str]:
        """What rows with a next hop are for, on any node."""
        return {hop.dst for _node, hop in self.next_hops()}

    def faces_senders(self, link: Link) -> bool:
        """Whether a pod or a node has an address in a network that the link is in."""
        entries = (f"{entry.address}/{entry.prefix_length}" for entry in link.addresses)
        networks = (str(ip_network(entry, strict=False)) for entry in entries)
        return any(self._node_places(network) or self.book.has_pods_in(network) for network in networks)

    def nodes_in(self, prefix: str) -> list[tuple[str, str]]:
        """The nodes with addresses of their own, as the API says, in a network; and these addresses."""
        places = self._node_places(prefix)
        return [(name, address) for _bits, _number, name, address in self._node_addresses[places.start : places.stop]]

    def _node_places(self, prefix: str) -> range:
        """Where in the list of the nodes' addresses those in a network stand."""
        bits, first, length = prefix_number(prefix)
        start = bisect_left(self._node_addresses, (bits, first, "", ""))
        return range(start, bisect_left(self._node_addresses, (bits, first + (1 << bits - length), "", "")))

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

    def leads_to_pod(self, pod: Pod, row: Route | None) -> bool:
        """Whether the device of its node's row is the pod's own, or one that pods share. No more is asked than can be known."""
        device = row.dev if row is not None and row.dev else ""
        known = self.nodes[pod.node or ""].interfaces
        if pod.key in known:
            interface = recognise_interface(device)
            is_shared = (interface is not None and interface.role != "pod") or row is None or not is_host(row.dst)
            return is_shared or known[pod.key] == device
        if device in known.values():
            return False
        computed = computed_name_like(device, pod.namespace, pod.name)
        # CNIs borrow each other's prefixes, and compute other names: another pod's name must speak against this one.
        return computed in (None, device) or not any(
            computed_name_like(device, other.namespace, other.name) == device
            for other in self.book.pods_on(pod.node or "")
        )

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


def lean(pod: Pod) -> Pod:
    """The pod with strings that other pods share, and without labels, which are asked for once."""
    node = None if pod.node is None else intern(pod.node)
    rest = (pod.ips, pod.host_network, pod.phase, pod.ready, pod.deleting, pod.age)
    return Pod(intern(pod.namespace), pod.name, node, *rest, labels=_NO_LABELS)
