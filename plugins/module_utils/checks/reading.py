# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node and its pods printed, read. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..network.policy_rules import are_usual, not_followed
from ..network.snapshot import Node, NodeSnapshot, Pod, PodInside, Probe
from ..network.table_store import KeptTable, NodeTable, TableStore
from ..text.ip_address import Link, parse_ip_address
from ..text.ip_neighbour import Neighbour, parse_ip_neighbour
from ..text.ip_route import Route, parse_ip_route
from ..text.ip_rule import ParsedRules, Rule, parse_ip_rule
from .verdict import NotProved

FAMILIES = {32: "IPv4", 128: "IPv6"}
TABLE_COMMANDS = {32: "ip -4 route show table all", 128: "ip -6 route show table all"}
POD_TABLE_COMMANDS = {32: "ip -4 route", 128: "ip -6 route"}
_RULE_COMMANDS = {32: "ip rule", 128: "ip -6 rule"}

# The gateway that Calico gives to pods. It is on no interface: the node answers for it, by proxy ARP.
_CALICO_GATEWAY = "169.254.1.1"

# What the interface of a node that is a container itself is called.
_NIC = re.compile(r"eth\d+")

# Seconds after which a node or a pod that is not ready is taken for broken, and no more for new.
_SETTLING = 60


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

    ``understood_rules`` are the bits of the families of which all rules are known. ``pod_links`` are those of the links that
    are the node's ends of pods' veth pairs.
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


def device_setting(device: str, name: str) -> str:
    """What ``sysctl`` calls an IPv4 setting of a device."""
    return f"net.ipv4.conf.{device.replace('.', '/')}.{name}"


def asks_for_gateway(inside: Inside) -> bool:
    """Whether the pod has Calico's gateway and must ask for its link-layer address; AWS's pods know it beforehand."""
    is_gateway = any(route.gateway == _CALICO_GATEWAY for route in inside.routes.get(32, ()))
    return is_gateway and not any(
        entry.address == _CALICO_GATEWAY and entry.state == "PERMANENT" for entry in inside.neighbours
    )


def has_gateway(links: Mapping[str, Link]) -> bool:
    """Whether a node has Calico's gateway on an interface, after all."""
    return any(entry.address == _CALICO_GATEWAY for link in links.values() for entry in link.addresses)


def _is_pod_link(link: Link, node: Node) -> bool:
    """Whether a node's link is its end of a pod's veth pair: the other end is in another namespace, and it is in no network."""
    if _peer_index(link) is None or _NIC.fullmatch(link.name):
        return False
    return not any(
        entry.address in node.addresses or (entry.scope == "global" and entry.prefix_length not in FAMILIES)
        for entry in link.addresses
    )


def _peer_index(link: Link) -> int | None:
    """The index of the other end, where that is in another namespace."""
    peer = link.peer or ""
    return int(peer[2:]) if peer.startswith("if") and peer[2:].isdecimal() else None


def is_settled(pod: Pod) -> bool:
    """Whether the pod should be reachable by its own addresses: not on the host network, nor about to start or end."""
    if pod.host_network or pod.phase != "Running" or pod.deleting or not pod.ips:
        return False
    return pod.ready or pod.age is None or pod.age >= _SETTLING
