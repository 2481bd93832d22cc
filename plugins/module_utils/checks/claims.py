# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what nodes, pods and ranges claim goes together: no address is anybody's twice. Private to the collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..network.cni import holds, sign_of
from ..network.interface_names import computed_name_like, recognise_interface
from ..network.table import address_number, prefix_number
from ..network.table_store import Base
from ..text.ip_route import Route
from .facts import Facts
from .fault import Fault, host_prefix, listed
from .node_facts import Block, routes_block
from .reading import is_settled


def check_claims(facts: Facts) -> Iterator[Fault]:
    yield from _duplicate_blocks(facts)
    yield from _duplicate_pod_ips(facts)
    yield from _overlapping_ranges(facts)
    yield from _stale_pod_routes(facts)
    yield from _two_cnis(facts)


# One address, two owners.


def _duplicate_blocks(facts: Facts) -> Iterator[Fault]:
    """One fault for each block. Of the nodes that claim it all are to blame but the one for which most speaks."""
    pairs = list(_overlapping(facts.blocks))
    if not pairs:
        return
    hops = Counter((hop.dst, facts.owner(*address_number(hop.gateway))) for _node, hop in facts.next_hops())
    weaker: dict[str, dict[Block, None]] = {}
    stronger: dict[str, dict[Block, None]] = {}
    for pair in pairs:
        blamed, other = sorted(pair, key=lambda block: _support(facts, block, hops))
        weaker.setdefault(blamed.prefix, {})[blamed] = None
        stronger.setdefault(blamed.prefix, {})[other] = None
    for prefix, blocks in weaker.items():
        yield _duplicate_block(prefix, list(blocks), [block for block in stronger[prefix] if block not in blocks])


def _duplicate_block(prefix: str, blamed: list[Block], others: list[Block]) -> Fault:
    wider = {block.prefix for block in others} - {prefix}
    what = f"{prefix}, which overlaps with {listed(wider)}," if wider else prefix
    nodes, other_nodes = {block.node for block in blamed}, {block.node for block in others}
    claim = "claims {} for its" if len(nodes) == 1 else "claim {} for their"
    do = "does" if len(other_nodes) == 1 else "do"
    message = f"{_named(nodes)} {claim.format(what)} own pods, and so {do} {_named(other_nodes)}"
    rows = tuple(
        f"on {block.node}: {block.row.raw if block.row else f'pod CIDR {block.prefix}'}" for block in (*blamed, *others)
    )
    return Fault("duplicate-block", message, rows, blamed[0].node if len(nodes) == 1 else None, to=(prefix,))


def _named(nodes: set[str]) -> str:
    return listed(nodes, most=10)


def _overlapping(blocks: Iterable[Block]) -> Iterator[tuple[Block, Block]]:
    """Pairs of blocks of different nodes that share addresses."""
    around: list[Block] = []
    for block in sorted(blocks, key=lambda block: prefix_number(block.prefix)):
        around = [other for other in around if _overlap(other.prefix, block.prefix)]
        yield from ((other, block) for other in around if other.node != block.node)
        around.append(block)


def _support(facts: Facts, block: Block, hops: Counter[tuple[str, str | None]]) -> tuple[bool, int, str]:
    """How much speaks for a claim: the node's pods in the block, then the rows of other nodes that lead there."""
    has_pods = block.node in facts.book.nodes_with_pods_in(block.prefix)
    return has_pods, hops[block.prefix, block.node], block.node


def _duplicate_pod_ips(facts: Facts) -> Iterator[Fault]:
    pods_at = Counter(address for pod in facts.settled_pods for address in pod.ips)
    for address, count in pods_at.items():
        if count > 1:
            pods = [pod for pod in facts.book.pods_at(address) if is_settled(pod)]
            lines = [f"pod {pod.key} on {pod.node}" for pod in pods]
            message = f"{count} pods have the address {address}: {listed(lines)}"
            yield Fault("duplicate-pod-ip", message, tuple(lines), None, pods[-1].key, (host_prefix(address),))


# Ranges.


def _overlapping_ranges(facts: Facts) -> Iterator[Fault]:
    pods, services = facts.cluster.pod_ranges, facts.cluster.service_ranges
    for prefix in pods:
        for service in services:
            if _overlap(prefix, service):
                message = f"the pod range {prefix} and the service range {service} share addresses"
                yield Fault("overlapping-ranges", message, (prefix, service))
    found: dict[str, list[tuple[str, Route]]] = {}
    for name in facts.nodes:
        for dst, route in _networks_of(facts, name):
            found.setdefault(dst, []).append((name, route))
    blocks = {} if pods else _blocks_in(facts, found)
    for dst, rows in found.items():
        names = [name for name, _route in rows]
        shared = [f"the pod range {prefix}" for prefix in pods if _overlap(dst, prefix)]
        # Without a declared range, a network that pods of its own nodes are in may well be what pods are meant to have.
        if dst in blocks and facts.book.nodes_with_pods_in(dst).isdisjoint(names):
            shared += [f"the pods of {listed({block.node for block in blocks[dst]})}"]
        with_services = [f"the service range {prefix}" for prefix in services if _overlap(dst, prefix)]
        shared += with_services
        if shared:
            where = f"{names[0]} is" if len(rows) == 1 else f"{len(rows)} nodes are"
            message = f"{where} in the network {dst}, which shares addresses with {' and '.join(shared)}"
            lines = tuple(f"on {name}: {route.raw}" for name, route in rows)
            # Of pods' packets it loses those for which its row wins: that is found by itself, and then a symptom of this.
            to = (dst,) if with_services else ()
            yield Fault("overlapping-ranges", message, lines, names[0] if len(rows) == 1 else None, to=to)


def _blocks_in(facts: Facts, networks: Iterable[str]) -> dict[str, list[Block]]:
    """The blocks that share addresses with networks, by these."""
    found: dict[str, list[Block]] = {}
    for pair in _overlapping([*facts.blocks, *(Block(network, "", None) for network in networks)]):
        network, block = sorted(pair, key=lambda block: block.node)
        if not network.node:
            found.setdefault(network.prefix, []).append(block)
    return found


def _networks_of(facts: Facts, name: str) -> Iterator[tuple[str, Route]]:
    """The networks that a node is in and that are not its pods' own."""
    for route in facts.nodes[name].networks:
        gives_blocks = any((":" in block.prefix) == (":" in route.dst) for block in facts.blocks[:1])
        is_cnis = recognise_interface(route.dev or "") is not None or (route.dst, name) in facts.claims
        # Where nodes have no blocks, pods may well have addresses of the nodes' network, or of one that all share.
        if not is_cnis and (gives_blocks or not facts.book.nodes_with_pods_in(route.dst)):
            yield route.dst, route


def _overlap(first: str, second: str) -> bool:
    return any(holds(wide, narrow.partition("/")[0]) for wide, narrow in ((first, second), (second, first)))


# Rows of what is no more.


def _stale_pod_routes(facts: Facts) -> Iterator[Fault]:
    if "pods" in facts.cluster.unread:
        return
    for name, node in facts.nodes.items():
        for route in node.strange_hosts:
            address = route.dst.partition("/")[0]
            is_stale = _is_for_pod(facts, name, route, address) and _is_nobodys(facts, name, route, address)
            if is_stale and facts.forwarding[name].move(route).kind == "interface":
                message = f"{name} has a route to a pod interface for {address}, which no pod has"
                yield Fault("stale-pod-route", message, (route.raw,), name, to=(route.dst,))


def _is_for_pod(facts: Facts, name: str, route: Route, address: str) -> bool:
    """Whether the address is one that the cluster gives to pods."""
    if facts.block_at(*address_number(address)) is not None:
        return True
    # Where pods get addresses from blocks, a row for any other one is for a floating address, or a pod's second network.
    has_block = any((":" in block.prefix) == (":" in address) for block in facts.blocks_of(name))
    return not has_block and _is_pods(route) and facts.gives(route.dst) is not False


def _is_pods(route: Route) -> bool:
    sign = sign_of(route)
    return sign is not None and sign.meaning == "local_pod"


def _is_nobodys(facts: Facts, name: str, route: Route, address: str) -> bool:
    """Whether no pod has, just had or may be about to have the address."""
    number = address_number(address)
    if facts.book.pods_at(address) or facts.owner(*number) is not None or address in facts.ended_addresses:
        return False
    for pod in facts.book.pods_on(name):
        computed = computed_name_like(route.dev or "", pod.namespace, pod.name)
        if not pod.ips and computed in (None, route.dev):
            return False
    return True


# CNIs.


def _two_cnis(facts: Facts) -> Iterator[Fault]:
    """Where two CNIs do the same. In a chain one has the pods' interfaces, or the own block, and the other one the ways."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    of_base: dict[Base, Doers] = {}
    for name, node in facts.nodes.items():
        own = _doers(facts, node.block_rows)
        for table in node.tables.values():
            if table.base not in of_base:
                of_base[table.base] = _doers(facts, (route for _place, route in table.base.where(routes_block)))
            if _in_each_others_way(of_base[table.base], own):
                doers = _doers(facts, table.open().where(routes_block))
                for cnis in _in_each_others_way(doers, doers):
                    examples = [line for lines in doers.values() for cni in cnis for line in lines.get(cni, ())[:3]]
                    found.setdefault(cnis, {})[name] = examples
    for cnis, by_node in found.items():
        names = list(by_node)
        lines = tuple(f"on {name}: {line}" for name in names[:5] for line in by_node[name])
        message = f"{listed(names)} {'has' if len(names) == 1 else 'have'} routes to pods of {' and of '.join(cnis)}"
        yield Fault("two-cnis", message, lines, names[0] if len(names) == 1 else None)


Doers = dict[str, dict[str, list[str]]]
"""Rows by what they do (own_block, remote_block, cluster) and the CNI whose form they have."""


def _doers(facts: Facts, routes: Iterable[Route]) -> Doers:
    doers: Doers = {}
    for route in routes:
        sign = sign_of(route)
        if sign is not None and facts.may_claim(route):
            doers.setdefault(str(sign.meaning), {}).setdefault(sign.cni, []).append(route.raw)
    return doers


def _in_each_others_way(first: Doers, second: Doers) -> set[tuple[str, ...]]:
    both = [tuple(sorted({*first.get(what, ()), *second.get(what, ())})) for what in first.keys() | second.keys()]
    return {cnis for cnis in both if len(cnis) > 1}
