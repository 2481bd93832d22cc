# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a packet step by step, as the tables of pods and nodes tell it. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..network.cni import devices, gateways, holds, is_default
from ..network.forwarding import Move, is_reached
from ..network.path import Hop, follow
from ..network.snapshot import Pod, PodInside, Probe
from ..network.table import RouteTable, address_number
from ..text.ip_address import Link
from ..text.ip_route import Route
from ..text.ip_rule import Rule
from .facts import Facts
from .pair_ends import Leg
from .reading import POD_TABLE_COMMANDS, TABLE_COMMANDS, read_inside
from .verdict import Outcome, Step

_REFUSING = ("blackhole", "unreachable", "prohibit")


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps, how they end and why. Where that is ``lost`` or ``loop``, it is at the last step.

    ``unsure`` are the places of the steps from which no table shows that the packet gets on.
    """

    steps: tuple[Step, ...]
    end: Outcome
    reason: str
    unsure: tuple[int, ...] = ()


class _Stage(NamedTuple):
    """A step, and whether tables show that the packet gets on from there: ``lost``, ``unsure`` or ``delivered``."""

    step: Step
    end: Outcome


def walk(facts: Facts, leg: Leg) -> Walk:
    """Follow a packet from the one end to the other."""
    stages: list[_Stage] = []
    for stage in _stages(facts, leg):
        stages.append(stage)
        if stage.end in ("lost", "loop"):
            break
    steps = tuple(stage.step for stage in stages)
    last = stages[-1]
    if last.end in ("lost", "loop"):
        return Walk(steps, last.end, last.step.text)
    unsure = tuple(place for place, stage in enumerate(stages) if stage.end == "unsure")
    if unsure:
        return Walk(steps, "unsure", steps[unsure[0]].text, unsure)
    return Walk(steps, "delivered", f"the tables lead to {leg.target}")


def record_of(facts: Facts, pod: Pod) -> Probe | PodInside | None:
    """What a pod said of itself and measured, as a probe or for a pair; None when it was not asked."""
    node = facts.nodes[pod.node or ""]
    records = (*node.insides, *([node.probe] if node.probe else ()))
    return next((record for record in records if record.pod == pod.key), None)


def _stages(facts: Facts, leg: Leg) -> Iterator[_Stage]:
    source, target = leg.source.pod, leg.target.pod
    if source is not None:
        first = _out_of_pod(facts, leg, source)
        yield first
        if first.step.to is None:
            return  # lost, or in another network, of which nothing is known
        if target is not None and first.step.to == target.key:
            yield _into_pod(facts, leg, target)
            return
    # A node chooses the address that it sends from by the row, so that no rule knows it before.
    known = leg.source_address if source is not None else None
    path = follow(facts.forwarding, leg.start, leg.address, leg.target.node, known)
    for place, hop in enumerate(path.hops):
        following = path.hops[place + 1].node if place + 1 < len(path.hops) else None
        if path.end == "loop" and following is None:
            text = f"the packet is back at node {hop.node}, and goes round until its time to live ends"
            yield _Stage(_step(text, node=hop.node, lost=True), "loop")
        else:
            yield _at_node(facts, leg, hop, following, known)
    if target is not None:
        yield _into_pod(facts, leg, target)


# --- pods -------------------------------------------------------------------------------------------------------------


def _out_of_pod(facts: Facts, leg: Leg, pod: Pod) -> _Stage:
    bits, number = address_number(leg.address)
    record = record_of(facts, pod)
    inside = read_inside(record, {}) if record is not None else None
    if inside is None or bits not in inside.routes:
        why = record.unread.get(POD_TABLE_COMMANDS[bits]) if record is not None else None
        text = f"pod {pod.key} hands the packet to its node {pod.node}; its own table is not known"
        text = f"{text}: {why or 'the pod was not looked into'}"
        return _Stage(_step(text, pod=pod.key, to=pod.node), "unsure")
    row = RouteTable(inside.routes[bits]).find(bits, number)
    if row is None or row.type in _REFUSING:
        does = f"has no route to {leg.address}" if row is None else f"drops packets to {leg.address} ({row.type})"
        return _Stage(_step(f"pod {pod.key} {does}", row, pod=pod.key, lost=True), "lost")
    device = next((link.name for link in inside.links if _has_address(link, leg.source_address)), row.dev)
    if row.dev not in (None, device):
        text = f"pod {pod.key} sends the packet out of {row.dev}, into another network than that of its address, at {device}"
        return _Stage(_step(text, row, pod=pod.key), "unsure")
    target = leg.target.pod
    is_connected = not gateways(row) and not is_default(row) and row.prefsrc is not None
    if is_connected and target is not None and target.node == pod.node:
        text = f"pod {pod.key} sends the packet straight to pod {target.key}, in the network that both are in on {pod.node}"
        return _Stage(_step(text, row, pod=pod.key, to=target.key), "delivered")
    return _Stage(
        _step(f"pod {pod.key} sends the packet to its node {pod.node}", row, pod=pod.key, to=pod.node), "delivered"
    )


def _has_address(link: Link, address: str) -> bool:
    return any(entry.address == address for entry in link.addresses)


def _into_pod(facts: Facts, leg: Leg, pod: Pod) -> _Stage:
    record = record_of(facts, pod)
    links = read_inside(record, {}).links if record is not None else ()
    known = {entry.address for link in links for entry in link.addresses}
    if known and leg.address not in known:
        return _Stage(_step(f"pod {pod.key} does not have the address {leg.address}", pod=pod.key, lost=True), "lost")
    as_said = "" if known else ", as the API says"
    return _Stage(_step(f"pod {pod.key} has the address {leg.address}{as_said}", pod=pod.key), "delivered")


# --- nodes ------------------------------------------------------------------------------------------------------------


def _at_node(facts: Facts, leg: Leg, hop: Hop, following: str | None, source: str | None) -> _Stage:
    move = hop.move
    if move is None:
        why = facts.nodes[hop.node].unread.get(TABLE_COMMANDS[address_number(leg.address)[0]], "it was not read")
        text = f"what node {hop.node} does is not known: {why}"
        return _Stage(_step(text, node=hop.node, to=following), "unsure")
    end: Outcome = "delivered" if hop.is_shown else "unsure"
    is_home = hop.node == leg.target.node
    to = following
    match move.kind:
        case "dropped" | "no_route":
            end, does = "lost", _refuses(move, leg.address)
        case "own" if is_home and leg.target.pod is None:
            does = f"has the address {leg.address} itself"
        case "own" | "interface" if leg.target.node is None:
            end, does = "unsure", f"keeps the packet, at {_devices(move)}, though nobody is known to have {leg.address}"
        case "interface" if is_home and leg.target.pod is not None and not facts.leads_to_pod(leg.target.pod, move.row):
            end, does = "lost", f"hands the packet out at {_devices(move)}, which is not the interface of {leg.target}"
        case "interface" if is_home:
            to = leg.target.pod.key if leg.target.pod else None
            does = f"hands the packet to {leg.target} at {_devices(move)}"
        case "interface" if move.row is not None and hop.node in facts.book.nodes_with_pods_in(move.row.dst):
            end, does = (
                "unsure",
                f"hands the packet to its own pods' network, at {_devices(move)}; {leg.target} may be in it, too",
            )
        case "own" | "interface":
            end, does = "lost", f"keeps the packet, at {_devices(move)}, though {leg.address} is that of {leg.target}"
        case _:
            does = _sends(move, hop, following)
            to = following or leg.address
            if is_service(facts, leg.address):
                does = f"exchanges {leg.address}, a Service's, for that of one of its pods, which no table shows"
    text = f"node {hop.node} {does}{_exceptions(facts, leg, hop, source)}"
    to = None if end == "lost" else to
    return _Stage(_step(text, move.row, move.rule, node=hop.node, to=to, lost=end == "lost"), end)


def _refuses(move: Move, address: str) -> str:
    if move.kind == "no_route":
        return f"has no route to {address} and refuses the packet"
    action = move.row.type if move.row is not None else f"rule: {move.rule.action}" if move.rule is not None else ""
    return f"drops packets to {address} ({action})"


def _sends(move: Move, hop: Hop, following: str | None) -> str:
    via = " or ".join(gateways(move.row)) if move.row is not None else ""
    by_default = " by its default route" if move.row is not None and is_default(move.row) else ""
    match move.kind:
        case "node" if len(move.nodes) > 1:
            return f"sends the packet to one of the nodes {' and '.join(sorted(move.nodes))}"
        case "node":
            return f"sends the packet on to node {following}{by_default}"
        case "datapath":
            return f"sends the packet into {_devices(move)}; what is behind that no table shows"
        case "stranger":
            return f"sends the packet to {via}, which is no node's address"
    if hop.is_shown:
        return f"sends the packet straight to node {following}, in a network that both are in"
    where = f"to {via} at {_devices(move)}" if via else f"out at {_devices(move)}"
    return f"sends the packet {where}{by_default}; no table shows its way from there"


def _exceptions(facts: Facts, leg: Leg, hop: Hop, source: str | None) -> str:
    """What rules do with some of the packets."""
    moves = facts.forwarding[hop.node].moves(leg.address, source)
    rules = [
        move.rule.raw.strip()
        for place, move in enumerate(moves[:-1])
        if move.rule is not None
        and hop.move
        and move.row != hop.move.row
        and is_reached(moves, place)
        # A node sends from none of its pods' addresses.
        and (move.rule.negated or move.rule.src is None or holds(move.rule.src, leg.source_address))
    ]
    return f" (but for packets of the rule {' and of '.join(rules)})" if rules else ""


def is_service(facts: Facts, address: str) -> bool:
    """Whether the address may be that of a Service."""
    return any(holds(prefix, address) for prefix in facts.cluster.service_ranges)


def _devices(move: Move) -> str:
    return " or ".join(_unique_devices(move.row))


def _unique_devices(row: Route | None) -> list[str]:
    return list(dict.fromkeys(devices(row))) if row is not None else []


def _step(
    text: str,
    row: Route | None = None,
    rule: Rule | None = None,
    *,
    node: str | None = None,
    pod: str | None = None,
    to: str | None = None,
    lost: bool = False,
) -> Step:
    return Step(
        node=node,
        pod=pod,
        rule=rule.raw.strip() if rule is not None else None,
        row=row.raw.strip() if row is not None else None,
        next_hop=", ".join(gateways(row)) or None if row is not None else None,
        device=", ".join(_unique_devices(row)) or None,
        to=to,
        text=text,
        lost=lost,
    )
