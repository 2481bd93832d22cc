# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each row of a node's routing table is for, in one sentence. Private to the collection.

A sentence claims what the row, the nodes and the pods show together, and no more. The form of a row (see cni.py) is
believed as long as no pod speaks against it. What contradicts itself or cannot be told is ``other``, and its sentence
says what the row does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..text.ip_route import Route
from .address_book import AddressBook
from .cni import (
    Meaning,
    devices,
    gateways,
    is_block_sized,
    is_by_bird,
    is_default,
    is_host,
    is_link_local_or_multicast,
    is_usual_default,
    living_hops,
    looks_written_by_cni,
    sign_of,
)
from .interface_names import Interface, computed_name_like, recognise_interface
from .snapshot import Node, Pod
from .table import PrefixMap, address_number, is_dead, preferred_routes, prefix_number, serves_any_packet, table_of

Purpose = Literal["default", "node_network", "local_pod", "own_block", "remote_block", "service", "other"]

# CNIs that take a node's block from its spec.podCIDRs. Calico and Cilium hand out blocks of their own.
_USE_POD_CIDRS = {"flannel", "kindnet", "antrea", "kubenet", "kube-router"}

_SHARED_ROLES = ("bridge", "gateway", "cluster")
_REFUSED = {"blackhole": "dropped", "unreachable": "refused as unreachable", "prohibit": "refused as prohibited"}

_WORDS_FOR_TYPE = {
    "local": "packets for {} are taken as this node's own",
    "broadcast": "{} is for broadcasts{on}",
    "anycast": "{} is an anycast address{on}",
    "multicast": "{} is for multicast packets{on}",
    "throw": "a look-up of {} ends in this table without an answer and goes on in the next one",
}


@dataclass(frozen=True, slots=True)
class ExplainedRoute:
    """A route and what it is for.

    ``text`` is a sentence without a full stop. ``pod`` (``namespace/name``) and ``node`` are whose addresses the row
    leads to, None where that is not known or is nobody's in particular. ``computed_interface`` tells whether the device
    bears the name that its CNI computes for the pod, None where no name is computed or no pod is known.
    """

    route: Route
    purpose: Purpose
    text: str
    pod: str | None = None
    node: str | None = None
    computed_interface: bool | None = None

    def explanation(self) -> dict[str, Any]:
        """What the explanation adds to a route, in plain JSON types: always all keys."""
        return {
            "purpose": self.purpose,
            "text": self.text,
            "pod": self.pod,
            "node": self.node,
            "computed_interface": self.computed_interface,
        }

    def as_dict(self) -> dict[str, Any]:
        """The route's fields and those of its explanation, in plain JSON types."""
        return {**self.route.as_dict(), **self.explanation()}


def explain_routes(routes: Iterable[Route], node: Node, book: AddressBook) -> list[ExplainedRoute]:
    """Explain a node's table row by row, in the order given. ``book`` knows the nodes and pods of the cluster.

    Raises ValueError for a route whose dst is no CIDR, or a node whose address or pod CIDR is none.
    """
    rows = list(routes)
    table = _NodeTable(rows, node, book)
    return [table.explain(route) for route in rows]


class _NodeTable:
    """One node's table, with what its rows tell about each other."""

    def __init__(self, routes: list[Route], node: Node, book: AddressBook) -> None:
        self.node = node.name
        self.book = book
        self.addresses = {address_number(address) for address in node.addresses}
        self.pod_cidrs = {prefix_number(cidr) for cidr in node.pod_cidrs}
        self.preferred = preferred_routes(routes)
        routes = [route for route in routes if not route.deleted]
        self.gateways = {gateway for route in routes for gateway in gateways(route)}
        self.default_gateways = {gateway for route in routes if is_usual_default(route) for gateway in gateways(route)}
        self.uplinks = {dev for route in routes if is_default(route) for dev in devices(route)}
        calico_pods = [route.dst for route in routes if sign_of(route) == ("calico", "local_pod")]
        self.calico_pods = sorted(prefix_number(dst)[:2] for dst in calico_pods)
        # Families in which pods are another CNI's: Calico has a row for each pod of the node.
        with_pods = {address_number(ip)[0] for pod in book.pods_on(node.name) for ip in pod.ips}
        self.without_calico = with_pods - {bits for bits, _number in self.calico_pods}
        self.own_blocks = PrefixMap((route.dst, route.dst) for route in routes if self._is_own_block(route))

    def _is_own_block(self, route: Route) -> bool:
        """A block that Calico gave to this node: its blackhole says so, and the pods' rows or the pods agree."""
        if route.type != "blackhole":
            return False
        if _meaning(route) == "own_block":
            holders = self.book.nodes_with_pods_in(route.dst)
            is_believed = not holders and not self._is_by_another_bird(route)
            return is_believed or self.node in holders or self._has_calico_pods(route.dst)
        # busybox prints no protocol: a blackhole of Calico's default size, with pods' rows in it, needs none.
        return route.protocol is None and route.dst.endswith(("/26", "/122")) and self._has_calico_pods(route.dst)

    def _is_by_another_bird(self, route: Route) -> bool:
        """Whether a BIRD that is not Calico's wrote the row: the node's pods are another CNI's."""
        return is_by_bird(route) and prefix_number(route.dst)[0] in self.without_calico

    def _has_calico_pods(self, prefix: str) -> bool:
        bits, first, length = prefix_number(prefix)
        index = bisect_left(self.calico_pods, (bits, first))
        family, number = self.calico_pods[index] if index < len(self.calico_pods) else (0, 0)
        return family == bits and number >> (bits - length) == first >> (bits - length)

    def explain(self, route: Route) -> ExplainedRoute:
        explained = self._explain(route)
        notes = self._notes(route)
        return replace(explained, text=f"{explained.text} ({'; '.join(notes)})") if notes else explained

    def _explain(self, route: Route) -> ExplainedRoute:
        if route.type in _REFUSED:
            return self._refused(route)
        if route.type != "unicast":
            return self._special(route)
        if route.dst.endswith("/0"):
            return ExplainedRoute(route, "default", f"packets for all other addresses go {self._towards(route)}")
        if is_host(route.dst):
            return self._host(route)
        if is_link_local_or_multicast(route.dst):
            kind = "multicast" if route.dst.startswith(("ff", "2")) else "link-local"
            return ExplainedRoute(
                route, "other", f"packets for {kind} addresses, {route.dst}, go {self._towards(route)}"
            )
        # busybox shows no device of a row with several next hops, either.
        is_routed = gateways(route) or route.encap or route.dev is None
        return self._routed(route) if is_routed else self._connected(route)

    def _notes(self, route: Route) -> list[str]:
        """What keeps the row from deciding on every packet."""
        notes = []
        table = table_of(route)
        if table not in ("main", "local"):
            notes.append(f"in table {table}")
        if route.tos:
            notes.append(f"only packets with type of service {route.tos}")
        if route.from_:
            notes.append(f"only packets from {route.from_}")
        if route.encap:
            notes.append(f"encapsulated, {route.encap}")
        if route.deleted:
            notes.append("this row was removed")
        elif is_dead(route):
            notes.append("not used now: its device is down")
        elif "linkdown" in route.flags:
            notes.append("its device has no link")
        if serves_any_packet(route) and not is_link_local_or_multicast(route.dst):
            preferred = self.preferred.get((table, route.dst))
            if preferred != route:
                notes.append("not used while another row for the same destination is preferred")
        return notes

    # Rows that lead to no other device.

    def _refused(self, route: Route) -> ExplainedRoute:
        fate = _REFUSED[route.type]
        if route.dst.endswith("/0"):
            return ExplainedRoute(route, "default", f"packets for all other addresses are {fate}")
        if self._is_own_block(route):
            text = (
                f"{route.dst} is this node's own block of pod addresses; an address in it that no pod holds is dropped"
            )
            return ExplainedRoute(route, "own_block", text, node=self.node)
        holders = self.book.nodes_with_pods_in(route.dst)
        but = f", though pods of {_listed(holders)} have addresses in it" if holders else ""
        unless = "" if holders or is_host(route.dst) else " unless a longer prefix matches"
        return ExplainedRoute(route, "other", f"packets for {_bare(route.dst)} are {fate}{but}{unless}")

    def _special(self, route: Route) -> ExplainedRoute:
        address = _bare(route.dst)
        on = f" on {route.dev}" if route.dev else ""
        if _meaning(route) == "service":
            return ExplainedRoute(route, "service", f"{address} is the address of a Service, held by kube-proxy{on}")
        if route.type == "local" and is_host(route.dst):
            if prefix_number(route.dst)[:2] in self.addresses:
                text = f"{address} is this node's own address{on}"
                return ExplainedRoute(route, "node_network", text, node=self.node)
            return ExplainedRoute(route, "other", f"{address} is an address that this node has for itself{on}")
        words = _WORDS_FOR_TYPE.get(route.type, f"{{}} has a route of type {route.type}{{on}}")
        return ExplainedRoute(route, "other", words.format(address, on=on))

    # Rows for one address.

    def _host(self, route: Route) -> ExplainedRoute:
        address = _bare(route.dst)
        pods = self.book.pods_at(address)
        if pods:
            return self._pod_address(route, address, pods)
        if prefix_number(route.dst)[:2] in self.addresses:
            return ExplainedRoute(route, "node_network", f"{address} is this node's own address", node=self.node)
        node = self.book.node_at(address)
        if node is not None:
            text = f"packets for node {node}, {address}, go {self._towards(route)}"
            return ExplainedRoute(route, "node_network", text, node=node)
        if address in self.gateways and route.dev is not None and not gateways(route):
            text = f"the gateway {address} is reached directly through {route.dev}"
            return ExplainedRoute(route, "node_network" if address in self.default_gateways else "other", text)
        return self._nobodys_address(route, address)

    def _pod_address(self, route: Route, address: str, pods: list[Pod]) -> ExplainedRoute:
        computed = [pod for pod in pods if pod.node == self.node and _is_computed(route, pod)]
        if len(pods) > 1 and not computed:
            names = _listed({pod.key for pod in pods})
            text = f"{address} is reported by several pods, {names}; its packets go {self._towards(route)}"
            return ExplainedRoute(route, "other", text)
        pod = (computed or pods)[0]
        if pod.node == self.node:
            return self._local_pod(route, address, pod)
        return self._remote_pod(route, address, pod)

    def _local_pod(self, route: Route, address: str, pod: Pod) -> ExplainedRoute:
        interface = _interface(route)
        role = interface.role if interface is not None else "pod"
        computed = _is_computed(route, pod)
        if role in _SHARED_ROLES:
            text = f"pod {pod.key}, {address}, is reached through {route.dev}, which this node's pods share"
        elif role != "pod" or gateways(route) or route.dev is None or route.dev in self.uplinks:
            text = f"pod {pod.key}, {address}, runs on this node, yet its packets go {self._towards(route)}"
            return ExplainedRoute(route, "other", text, pod.key, self.node)
        elif computed is False:
            expected = computed_name_like(route.dev or "", pod.namespace, pod.name)
            text = f"pod {pod.key}, {address}, is reached through {route.dev}; the name computed for it is {expected}"
        else:
            text = f"pod {pod.key} is reached through its interface {route.dev}"
        return ExplainedRoute(route, "local_pod", text, pod.key, self.node, computed)

    def _remote_pod(self, route: Route, address: str, pod: Pod) -> ExplainedRoute:
        via = self._node_via(route)
        if pod.node is None or (via != pod.node and not (via is None and _meaning(route) == "remote_block")):
            where = f"runs on {pod.node}" if pod.node else "is on no node yet"
            # Behind a router whose other side is not known here nothing is wrong.
            but = "and" if via is None and gateways(route) else "yet"
            text = f"pod {pod.key}, {address}, {where}, {but} its packets go {self._towards(route)}"
            return ExplainedRoute(route, "other", text, pod.key, pod.node)
        block = self._own_block_of(route)
        borrowed = f", borrowed from this node's own block {block}" if block else ""
        text = f"pod {pod.key} of {pod.node} ({address}{borrowed}) is reached through {self._way(route)}"
        return ExplainedRoute(route, "remote_block", text, pod.key, pod.node)

    def _nobodys_address(self, route: Route, address: str) -> ExplainedRoute:
        meaning = _meaning(route)
        if meaning == "local_pod":
            return self._unknown_pod(route, address)
        if meaning == "service":
            return self._service(route)
        block = self._own_block_of(route)
        if block and gateways(route):
            text = f"{address}, of this node's own block {block}, is lent out: its packets go {self._towards(route)}"
            return ExplainedRoute(route, "remote_block", text, node=self._node_via(route))
        interface = _interface(route)
        if interface is not None and interface.role == "health":
            return ExplainedRoute(route, "other", f"{address} is where {interface.owner} checks this node's health")
        return ExplainedRoute(route, "other", f"packets for {address} go {self._towards(route)}")

    def _unknown_pod(self, route: Route, address: str) -> ExplainedRoute:
        owner = next((pod for pod in self.book.pods_on(self.node) if _is_computed(route, pod)), None)
        if owner is None:
            interface = _interface(route)
            shared = interface is not None and interface.role in _SHARED_ROLES
            device = f"{route.dev}, which this node's pods share" if shared else f"the pod interface {route.dev}"
            text = f"{address} leads to {device}; no known pod holds this address"
            return ExplainedRoute(route, "local_pod", text, node=self.node)
        text = f"{address} leads to {route.dev}, the interface of pod {owner.key}, which does not report this address"
        return ExplainedRoute(route, "local_pod", text, owner.key, self.node, computed_interface=True)

    # Rows for networks.

    def _connected(self, route: Route) -> ExplainedRoute:
        if self._is_node_network(route):
            text = f"{route.dst} is the network that this node itself is in, directly on {route.dev}"
            return ExplainedRoute(route, "node_network", text)
        meaning = _meaning(route)
        if meaning in ("cluster", "remote_block"):
            return self._routed(route)
        holders = self.book.nodes_with_pods_in(route.dst)
        own = meaning == "own_block" or prefix_number(route.dst) in self.pod_cidrs
        if own and (self.node in holders or not holders):
            text = f"{route.dst} is this node's own block of pod addresses, directly on {route.dev}"
            return ExplainedRoute(route, "own_block", text, node=self.node)
        text = f"{route.dst} is directly on {route.dev}{_held(holders)}"
        return ExplainedRoute(route, "other", text)

    def _is_node_network(self, route: Route) -> bool:
        if route.prefsrc is not None and address_number(route.prefsrc) not in self.addresses:
            return False
        bits, first, length = prefix_number(route.dst)
        shift = bits - length
        return any(family == bits and number >> shift == first >> shift for family, number in self.addresses)

    def _routed(self, route: Route) -> ExplainedRoute:
        meaning = _meaning(route)
        if meaning == "service":
            return self._service(route)
        if meaning == "cluster":
            text = f"all pods, this node's and those of others ({route.dst}), are reached through {self._way(route)}"
            return ExplainedRoute(route, "other", text)
        holders = self.book.nodes_with_pods_in(route.dst)
        if meaning == "own_block" and (self.node in holders or not holders):
            text = f"{route.dst} is this node's own block of pod addresses, behind {route.dev}"
            return ExplainedRoute(route, "own_block", text, node=self.node)
        via = self._node_via(route)
        if via is not None and self._is_block_of(via, route, holders):
            text = f"pods of {via} ({route.dst}) are reached through {self._way(route)}"
            return ExplainedRoute(route, "remote_block", text, node=via)
        if via is None and meaning == "remote_block":
            node = self._node_behind(route, holders)
            text = f"pods of {node or 'other nodes'} ({route.dst}) are reached through {self._way(route)}"
            return ExplainedRoute(route, "remote_block", text, node=node)
        return ExplainedRoute(route, "other", f"packets for {route.dst} go {self._towards(route)}{_held(holders)}")

    def _is_block_of(self, node: str, route: Route, holders: set[str]) -> bool:
        """Whether a row via that node is for its pods: by the pods known in it, else by what the row looks like."""
        if node == self.node:
            return False
        is_its_cidr = self.book.node_of_pod_cidr(route.dst) == node
        if holders:
            return node in holders and (is_its_cidr or is_block_sized(route.dst))
        is_cnis = looks_written_by_cni(route) and not self._is_by_another_bird(route)
        marked = _meaning(route) == "remote_block" or (is_block_sized(route.dst) and is_cnis)
        return is_its_cidr or marked

    def _node_behind(self, route: Route, holders: set[str]) -> str | None:
        """The node whose block a CNI's row is for when the next hop names none."""
        sign = sign_of(route)
        owner = self.book.node_of_pod_cidr(route.dst) if sign is not None and sign.cni in _USE_POD_CIDRS else None
        if not holders:
            return owner if owner != self.node else None
        one = next(iter(holders)) if len(holders) == 1 else None
        return one if one != self.node and (one == owner or is_block_sized(route.dst)) else None

    def _service(self, route: Route) -> ExplainedRoute:
        text = f"{_bare(route.dst)} is for Services: packets go {self._towards(route)}, where the CNI picks a pod"
        return ExplainedRoute(route, "service", text)

    # Words.

    def _own_block_of(self, route: Route) -> str | None:
        bits, number, _unused = prefix_number(route.dst)
        return self.own_blocks.match(bits, number)

    def _node_via(self, route: Route) -> str | None:
        """The node that all next hops belong to."""
        nodes = {self.book.node_at(gateway) for gateway in gateways(route)}
        return nodes.pop() if len(nodes) == 1 else None

    def _way(self, route: Route) -> str:
        """How other nodes' pods are reached: "that node, 172.18.0.2", "the tunnel flannel.1", "cilium_host"."""
        interface = _interface(route)
        device = (
            "" if interface is None else f"the tunnel {route.dev}" if interface.role == "tunnel" else str(route.dev)
        )
        if self._node_via(route) is None:
            return device or " or ".join(gateways(route))
        return f"that node, {' or '.join(gateways(route))}" + (f", by {device}" if device else "")

    def _towards(self, route: Route) -> str:
        """Where a row sends packets: "to 172.18.0.1 through eth0", "out through eth0"."""
        # Where all are down, a note says that the row is not used.
        several = living_hops(route) or route.nexthops
        hops = [(route.gateway, route.dev), *((hop.gateway, hop.dev) for hop in several)]
        words = [self._hop(gateway, dev) for gateway, dev in hops if gateway or dev]
        return " or ".join(words) or "to next hops that the table does not show"

    def _hop(self, gateway: str | None, dev: str | None) -> str:
        through = f"through {dev}" if dev else ""
        if gateway is None:
            return f"out {through}"
        node = self.book.node_at(gateway)
        return f"to {gateway}{f' (node {node})' if node else ''} {through}".rstrip()


def _meaning(route: Route) -> Meaning | None:
    sign = sign_of(route)
    return sign.meaning if sign is not None else None


def _interface(route: Route) -> Interface | None:
    return recognise_interface(route.dev) if route.dev else None


def _is_computed(route: Route, pod: Pod) -> bool | None:
    computed = computed_name_like(route.dev or "", pod.namespace, pod.name)
    return None if computed is None else computed == route.dev


def _bare(prefix: str) -> str:
    """A host without its mask, a network as it is."""
    if prefix.endswith("/0"):
        return "all addresses"
    return prefix.partition("/")[0] if is_host(prefix) else prefix


def _held(holders: set[str]) -> str:
    return f"; pods of {_listed(holders)} have addresses in it" if holders else ""


def _listed(names: set[str]) -> str:
    first = sorted(names)[:3]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
