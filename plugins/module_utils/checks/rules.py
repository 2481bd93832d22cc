# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether ``ip rule`` takes packets for pods to tables that lead them astray. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..network.cni import devices, is_default, is_usual_default
from ..network.forwarding import Forwarding, Move, is_reached
from ..network.interface_names import recognise_interface
from ..network.snapshot import Pod
from ..network.table import USUAL_TABLES, prefix_number
from ..text.ip_route import Route
from ..text.ip_rule import Rule
from .fault import Fault, listed
from .routes import RIGHT, UNSURE, RouteJudge


def check_rules(judge: RouteJudge) -> Iterator[Fault]:
    """One fault for each rule. Nodes with the kernel's own rules are passed over."""
    for name in judge.nodes:
        if not judge.facts.nodes[name].rules.get(judge.bits):
            continue
        node = judge.facts.forwarding[name]
        astray: dict[str, list[tuple[Move, Pod]]] = {}
        for place in _places(judge, node):
            target = judge.targets.all[place]
            usual = node.move(node.table(judge.bits).find(judge.bits, target.number))
            verdict = judge.verdict(name, target, usual)
            moves = node.moves(target.address)
            for number, move in enumerate(moves):
                if move.rule is None or move.row == usual.row or not isinstance(target.at, Pod):
                    continue
                diverted = judge.verdict(name, target, move)
                is_lost = diverted not in (RIGHT, UNSURE) or (
                    diverted == UNSURE and verdict == RIGHT and not _is_cnis_way(move)
                )
                if is_lost and is_reached(moves, number) and _is_for_pods(judge, node, move.rule):
                    astray.setdefault(move.rule.raw, []).append((move, target.at))
        for found in astray.values():
            yield _fault(name, found)


def _is_cnis_way(move: Move) -> bool:
    """Whether a CNI's own tunnel is behind it: Calico has a rule of its own for WireGuard, beside the rows without it."""
    known = map(recognise_interface, devices(move.row) if move.row is not None else ())
    return any(interface is not None and interface.role in ("tunnel", "gateway", "cluster") for interface in known)


def _places(judge: RouteJudge, node: Forwarding) -> list[int]:
    """The targets to look at: a node's own, those that a rule or a table it asks is for, and one of each other kind.

    What a rule or a default route does to one of the others it does to all for which the usual tables do the same.
    """
    rules = judge.facts.nodes[node.node].rules[judge.bits]
    tables = {rule.table for rule in rules if rule.action == "lookup"}.difference(USUAL_TABLES)
    prefixes = {rule.dst for rule in rules if rule.dst}
    for route in node.table(judge.bits).where(_names_table):
        if route.table in tables and not is_default(route):
            prefixes.add(route.dst)
    places = {place for prefix in prefixes for place in judge.targets.within(prefix)}
    places.update(judge.targets.of_node.get(node.node, ()))
    return sorted(places.union(judge.samples(node)))


def _names_table(route: Route) -> bool:
    return route.table is not None


def _is_for_pods(judge: RouteJudge, node: Forwarding, rule: Rule) -> bool:
    """Whether packets of pods or nodes can match the rule, and not only those of a VPN's clients or of one user."""
    if rule.uidrange is not None or rule.tun_id is not None:
        return False
    if rule.negated:
        return True
    if rule.iif is not None and rule.iif != "lo" and not _come_in_at(judge, node, rule.iif):
        return False
    return rule.src is None or _holds_sender(judge, rule.src)


def _come_in_at(judge: RouteJudge, node: Forwarding, device: str) -> bool:
    """Whether packets of the node's pods or of other nodes can come in at the device."""
    if recognise_interface(device) is not None or device in judge.facts.devices_in(node.node):
        return True
    link = node.links.get(device)
    if link is None and node.links:
        return True  # a pod's
    if link is not None and judge.facts.faces_senders(link):
        return True
    return any(device in devices(route) for route in node.table(judge.bits).where(is_usual_default))


def _holds_sender(judge: RouteJudge, prefix: str) -> bool:
    """Whether a pod or a node has an address in the network."""
    return bool(judge.targets.within(prefix) or judge.facts.nodes_in(prefix))


def _fault(name: str, found: Sequence[tuple[Move, Pod]]) -> Fault:
    move, _pod = found[0]
    pods = {pod.key for _move, pod in found}
    rule = move.rule
    if rule is None:
        raise ValueError("a move without a rule is none that a rule makes")
    does = f"asks table {rule.table} about" if rule.table else f"refuses ({rule.action})"
    message = f"a rule on {name} {does} packets for pods, such as those for {listed(pods)}"
    lines = [rule.raw, *(row.raw for (row,) in {(item.row,) for item, _pod in found if item.row})]
    return Fault("ip-rule-override", message, tuple(lines), name, to=_led_astray(move for move, _pod in found))


def _led_astray(moves: Iterable[Move]) -> tuple[str, ...] | None:
    """What packets have to be for so that a rule, and a row of the table that it asks, concern them; None for any."""
    prefixes = set()
    for move in moves:
        dsts = [dst for dst in (move.rule and move.rule.dst, move.row and move.row.dst) if dst]
        prefixes.add(max(dsts, key=lambda dst: prefix_number(dst)[2], default="0.0.0.0/0"))
    return None if any(prefix.endswith("/0") for prefix in prefixes) else tuple(sorted(prefixes))
