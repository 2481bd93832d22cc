# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What probes measured, as ways from one end to another that packets took or did not take. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..network.path import follow
from ..network.snapshot import Probe, ProbeConnection, ProbePing
from ..network.table import address_number
from .facts import Facts, is_settled
from .fault import Fault, Loss
from .verdict import NotProved


class End(NamedTuple):
    """One end of a way: an address, the node that it is at, and the pod that has it, None when it is the node's own."""

    address: str
    node: str
    pod: str | None

    def __str__(self) -> str:
        return f"pod {self.pod}" if self.pod else f"node {self.node}"


class Way(NamedTuple):
    """Packets from a probe to an end, and whether they and their replies arrived. ``line`` says so in words."""

    source: End
    target: End
    arrived: bool
    line: str


@dataclass(slots=True)
class Ways:
    """All that was measured between nodes and pods; what a policy may have forbidden is in ``not_proved`` only."""

    all: list[Way] = field(default_factory=list)
    not_proved: list[NotProved] = field(default_factory=list)

    @property
    def lost(self) -> list[Way]:
        return [way for way in self.all if not way.arrived]

    @property
    def arrived_pairs(self) -> set[tuple[str, str]]:
        """Source and pod of the ways on which packets went there and back."""
        return {(str(way.source), way.target.pod) for way in self.all if way.arrived and way.target.pod}


def probes_of(facts: Facts) -> Iterator[tuple[str, Probe, bool]]:
    """Node, probe, and whether that is the one on the host network."""
    for name, node in facts.nodes.items():
        if node.probe is not None:
            yield name, node.probe, False
        if node.host_probe is not None:
            yield name, node.host_probe, True


def read_ways(facts: Facts) -> Ways:
    """What probes measured between nodes and pods that should be reachable."""
    ways = Ways()
    forbidden: dict[str, int] = {}
    for name, probe, on_host in probes_of(facts):
        measured: tuple[ProbePing | ProbeConnection, ...] = (*probe.pings, *probe.connections)
        for item in measured:
            if isinstance(item, ProbePing) and item.size is not None:
                continue
            target = end_at(facts, item.address)
            source = source_end(facts, name, probe, on_host, item.address)
            if target is None or source is None or is_refused(item):
                continue
            arrived = has_arrived(item)
            policy = None if arrived else forbidding(facts, source.pod, target.pod)
            if policy is not None:
                forbidden[policy] = forbidden.get(policy, 0) + 1
            elif arrived or target.pod is not None:
                ways.all.append(Way(source, target, arrived, line_of(source, target, item)))
            else:
                ways.not_proved.append(
                    NotProved(
                        f"the way from {source} to {target}", "the node does not answer; it may have a firewall", name
                    )
                )
    for policy, count in forbidden.items():
        ways.not_proved.append(NotProved(f"{count} ways between pods", f"policy: {policy} may forbid them"))
    return ways


def source_end(facts: Facts, node: str, probe: Probe, on_host: bool, towards: str) -> End | None:
    """The probe's own end, in the family of the address that it sends to."""
    own: Iterable[str] = facts.nodes[node].node.addresses
    if not on_host:
        own = next((pod.ips for pod in facts.book.pods_on(node) if pod.key == probe.pod), ())
    address = next((address for address in own if (":" in address) == (":" in towards)), None)
    return None if address is None else End(address, node, None if on_host else probe.pod)


def end_at(facts: Facts, address: str) -> End | None:
    """Whose the address is, None when it is nobody's, or that of a pod that just starts or ends."""
    number = address_number(address)
    pods = facts.book.pods_at_number(*number)
    if pods:
        pod = next((pod for pod in pods if is_settled(pod)), None)
        return None if pod is None or pod.node is None else End(address, pod.node, pod.key)
    owner = facts.owner(*number)
    return None if owner is None else End(address, owner, None)


def is_refused(item: ProbePing | ProbeConnection) -> bool:
    """Whether the other end answered that nobody listens: its packets arrive, which says nothing against the network."""
    return isinstance(item, ProbeConnection) and not item.ok and "refused" in (item.error or "").lower()


def has_arrived(item: ProbePing | ProbeConnection) -> bool:
    if isinstance(item, ProbeConnection):
        return item.ok
    # A few of many pings at a time get lost by themselves; of a second try, alone, none may.
    return item.received == item.transmitted if item.retried else item.received > 0


def forbidding(facts: Facts, source: str | None, target: str | None) -> str | None:
    """The policy that may forbid packets of the one pod to the other."""
    for pod, type_ in ((source, "Egress"), (target, "Ingress")):
        for policy in facts.selected.get(pod or "", ()):
            if type_ in policy.types:
                return f"{policy.kind} {f'{policy.namespace}/' if policy.namespace else ''}{policy.name}"
    return None


def line_of(source: End, target: End | str, item: ProbePing | ProbeConnection) -> str:
    """What was measured, in words."""
    what = f"from {source} to {target} ({item.address})"
    if isinstance(item, ProbeConnection):
        error = f": {item.error}" if item.error else ""
        return f"TCP {what}, port {item.port}: {'connected' if item.ok else f'not connected{error}'}"
    size = f" of {item.size} bytes" if item.size else ""
    errors = "".join(f", {error}" for error in item.errors)
    ttl = f", ttl {item.ttl}" if item.ttl is not None else ""
    return f"ping {what}: {item.received} of {item.transmitted} packets{size} came back{ttl}{errors}"


def loss(facts: Facts, way: Way) -> Loss:
    """The way with the nodes that its packets and their replies pass."""
    source, target = way.source, way.target
    there = follow(facts.forwarding, source.node, target.address, target.node).nodes
    back = follow(facts.forwarding, target.node, source.address, source.node).nodes
    passed = frozenset((*there, *back))
    ends = {end.node for end in (source, target) if end.pod is None}
    return Loss((source.address, target.address), (source.pod, target.pod), passed, passed - ends, way.line)


def attach(faults: list[Fault], losses: list[tuple[Loss, ...]]) -> tuple[list[Fault], list[int]]:
    """Each loss made evidence of the faults that explain it, and the places of those that none does.

    A loss is given as the ways on which it may have happened.
    """
    lines: list[list[str]] = [[] for _fault in faults]
    unexplained = []
    for place, ways in enumerate(losses):
        explaining = [number for number, fault in enumerate(faults) if any(map(fault.explains, ways))]
        for number in explaining:
            lines[number].append(ways[0].line)
        if not explaining:
            unexplained.append(place)
    return [fault.with_evidence(told) for fault, told in zip(faults, lines, strict=True)], unexplained


class Blamed(NamedTuple):
    """Lost ways, and what all of them have in common: a pod, a node, or a pair of nodes."""

    kind: str
    names: tuple[str, ...]
    lost: list[Way]

    @property
    def node(self) -> str:
        """The node to look at: of a pair that of the first target."""
        ends = (end for way in self.lost for end in (way.target, way.source))
        return next(end.node for end in ends if self.kind != "node" or end.node in self.names)

    @property
    def pod(self) -> str | None:
        return self.names[0] if self.kind == "pod" else None


# Of equals the smaller thing is to blame.
_RANK = {"pod": 2, "node": 1, "pair": 0}


def blame(arrived: Iterable[Way], lost: Iterable[Way]) -> Iterator[Blamed]:
    """What is to blame: first that of which all ways are lost, the most first, then that of which most are.

    A node is judged by its ways to other nodes: those to its own pods say nothing of it.
    """
    sound = _by_element(arrived)
    rest = list(lost)
    while rest:
        found = _by_element(rest)
        dead = {element: ways for element, ways in found.items() if element not in sound}
        (kind, names), ways = max((dead or found).items(), key=lambda entry: (len(entry[1]), _RANK[entry[0][0]]))
        yield Blamed(kind, names, ways)
        rest = [way for way in rest if way not in ways]


def _by_element(ways: Iterable[Way]) -> dict[tuple[str, tuple[str, ...]], list[Way]]:
    found: dict[tuple[str, tuple[str, ...]], list[Way]] = {}
    for way in ways:
        ends = (way.target, way.source)
        elements: list[tuple[str, tuple[str, ...]]] = [("pod", (end.pod,)) for end in ends if end.pod]
        nodes = tuple(sorted({end.node for end in ends}))
        if len(nodes) > 1:
            elements += [*(("node", (end.node,)) for end in ends), ("pair", nodes)]
        for element in elements or [("node", nodes)]:
            found.setdefault(element, []).append(way)
    return found
