# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What probes measured, as ways from one end to another that packets took or did not take. Private to the collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..network.path import follow
from ..network.snapshot import PodInside, Probe, ProbeConnection, ProbePing
from ..network.table import address_number
from .facts import Facts
from .fault import Fault, Loss
from .reading import FAMILIES, is_settled
from .verdict import NotProved


class End(NamedTuple):
    """One end of a way: an address, the node that it is at, and the pod that has it, None when it is the node's own."""

    address: str
    node: str
    pod: str | None

    def __str__(self) -> str:
        return f"pod {self.pod}" if self.pod else f"node {self.node}"


Kind = tuple[str, str]
"""Family and protocol of packets."""


class Way(NamedTuple):
    """Packets from a probe to an end, as they were measured, and whether they and their replies arrived."""

    source: End
    target: End
    arrived: bool
    measured: ProbePing | ProbeConnection

    @property
    def line(self) -> str:
        """What was measured, in words."""
        return line_of(self.source, self.target, self.measured)

    @property
    def kind(self) -> Kind:
        """What is lost of one kind says nothing of the others."""
        return FAMILIES[address_number(self.target.address)[0]], protocol_of(self.measured)


@dataclass(slots=True)
class Ways:
    """What was measured between nodes and pods that should be reachable: ``of_probes`` is all that probes measured.

    ``arrived`` are ways to pods that packets took, ``lost`` those to anything that they did not. What a policy may have
    forbidden is in ``not_proved`` only.
    """

    of_probes: list[Way]
    arrived: list[Way] = field(default_factory=list)
    lost: list[Way] = field(default_factory=list)
    not_proved: list[NotProved] = field(default_factory=list)

    @property
    def arrived_pairs(self) -> set[tuple[str, str]]:
        """Source and pod's address of the ways on which packets went there and back."""
        return {(str(way.source), way.target.address) for way in self.arrived}


def probes_of(facts: Facts) -> Iterator[tuple[str, Probe, bool]]:
    """Node, probe, and whether that is the one on the host network."""
    for name, node in facts.nodes.items():
        if node.probe is not None:
            yield name, node.probe, False
        if node.host_probe is not None:
            yield name, node.host_probe, True


def read_ways(facts: Facts) -> Ways:
    """What probes, and pods of pairs, measured between nodes and pods that should be reachable."""
    ways = Ways([way for name, probe, on_host in probes_of(facts) for way in _ways_of(facts, name, probe, on_host)])
    forbidden: dict[str, int] = {}
    for way in (*ways.of_probes, *_ways_of_insides(facts)):
        source, target, arrived, item = way
        if is_refused(item) or (isinstance(item, ProbePing) and item.size is not None):
            continue
        policy = None if arrived else forbidding(facts, source.pod, target.pod)
        if policy is not None:
            forbidden[policy] = forbidden.get(policy, 0) + 1
        elif not arrived or target.pod is not None:
            (ways.arrived if arrived else ways.lost).append(way)
    for policy, count in forbidden.items():
        ways.not_proved.append(NotProved(f"{count} ways between pods", f"policy: {policy} may forbid them"))
    return ways


def _ways_of(facts: Facts, node: str, probe: Probe | PodInside, on_host: bool) -> Iterator[Way]:
    measured: list[ProbePing | ProbeConnection] = [*probe.pings]
    if isinstance(probe, Probe):
        measured += probe.connections
    for item in measured:
        source, target = source_end(facts, node, probe, on_host, item.address), end_at(facts, item.address)
        if source is not None and target is not None:
            yield Way(source, target, has_arrived(item), item)


def _ways_of_insides(facts: Facts) -> Iterator[Way]:
    for name, node in facts.nodes.items():
        for inside in node.insides:
            if inside.pod in facts.pods_asked and is_settled(facts.pods_asked[inside.pod]):
                yield from _ways_of(facts, name, inside, False)


def source_end(facts: Facts, node: str, probe: Probe | PodInside, on_host: bool, towards: str) -> End | None:
    """The probe's own end, in the family of the address that it sends to."""
    own = facts.nodes[node].node.addresses
    if not on_host:
        own = facts.pods_asked[probe.pod].ips if probe.pod in facts.pods_asked else ()
    for address in own:
        if (":" in address) == (":" in towards):
            return End(address, node, None if on_host else probe.pod)
    return None


def end_at(facts: Facts, address: str) -> End | None:
    """Whose the address is, None when it is nobody's, or that of a pod that just starts or ends."""
    number = address_number(address)
    pods = facts.book.pods_at_number(*number)
    for pod in pods:
        if is_settled(pod):
            return None if pod.node is None else End(address, pod.node, pod.key)
    owner = None if pods else facts.owner(*number)
    return None if owner is None else End(address, owner, None)


def is_refused(item: ProbePing | ProbeConnection) -> bool:
    """Whether the other end answered that nobody listens: its packets arrive, which says nothing against the network."""
    return isinstance(item, ProbeConnection) and not item.ok and "refused" in (item.error or "").lower()


def has_arrived(item: ProbePing | ProbeConnection) -> bool:
    if isinstance(item, ProbeConnection):
        return item.ok
    # A few of many pings at a time get lost by themselves; of a second try, alone, none may.
    return item.received > 0 and (item.received == item.transmitted or not item.retried)


def forbidding(facts: Facts, source: str | None, target: str | None) -> str | None:
    """The policy that may forbid packets of the one pod to the other."""
    for pod, type_ in ((source, "Egress"), (target, "Ingress")):
        for policy in facts.selected.get(pod or "", ()):
            if type_ in policy.types:
                return f"{policy.kind} {f'{policy.namespace}/' if policy.namespace else ''}{policy.name}"
    return None


def protocol_of(item: ProbePing | ProbeConnection) -> str:
    return "TCP connections" if isinstance(item, ProbeConnection) else "pings"


def between(source: End | str, target: End | str, address: str) -> str:
    """From where to where, in words."""
    return f"from {source} to {target}" + (f" ({address})" if target != address else "")


def line_of(source: End | str, target: End | str, item: ProbePing | ProbeConnection) -> str:
    """What was measured, in words."""
    what = between(source, target, item.address)
    if isinstance(item, ProbeConnection):
        error = f": {item.error}" if item.error else ""
        return f"TCP {what}, port {item.port}: {'connected' if item.ok else f'not connected{error}'}"
    size = f" of {item.size} bytes" if item.size else ""
    errors = "".join(f", {error}" for error in item.errors)
    ttl = f", ttl {item.ttl}" if item.ttl is not None else ""
    return f"ping {what}: {item.received} of {item.transmitted} packets{size} came back{ttl}{errors}"


def loss(facts: Facts, source: End, target: End, line: str) -> Loss:
    """A way with the nodes that its packets and their replies pass, by the tables."""
    there = follow(facts.forwarding, source.node, target.address, target.node).nodes
    sender = sent_from(facts, source, target.address)
    back = follow(facts.forwarding, target.node, sender, source.node).nodes
    return loss_on(facts, frozenset((*there, *back)), source, target, line)


def loss_on(facts: Facts, nodes: frozenset[str], source: End, target: End | str, line: str) -> Loss:
    """A way on which packets and their replies pass nodes; ``target`` may be an address that nobody in the cluster has."""
    ends = [source, target] if isinstance(target, End) else [source]
    address, pod = (target.address, target.pod) if isinstance(target, End) else (target, None)
    passive = {end.node for end in ends if end.pod is None}
    gateways = {end.node for end in ends if end.pod is not None and is_gateway(facts, end)}
    sender = sent_from(facts, source, address)
    return Loss((sender, address), (source.pod, pod), nodes, nodes - passive | gateways, line)


def sent_from(facts: Facts, source: End, towards: str) -> str:
    """The address that replies go back to: a node does not send into a tunnel from the address that it is known by."""
    if source.pod is not None:
        return source.address
    sources = facts.forwarding[source.node].sources(towards)
    return source.address if not sources or source.address in sources else sources[0]


def is_gateway(facts: Facts, end: End) -> bool:
    """Whether a pod sends even what is for its node by a gateway that the node only stands in for."""
    return facts.nodes[end.node].stands_in_for_gateway and ":" not in end.address


def attach(faults: list[Fault], losses: list[tuple[Loss, ...]]) -> tuple[list[Fault], list[int]]:
    """Each loss made evidence of the faults that explain it, and the places of those that none does.

    A loss is given as the ways on which it may have happened.
    """
    found: list[list[Loss]] = [[] for _fault in faults]
    unexplained = []
    for place, ways in enumerate(losses):
        explaining = [number for number, fault in enumerate(faults) if any(map(fault.explains, ways))]
        for number in explaining:
            found[number].append(ways[0])
        if not explaining:
            unexplained.append(place)
    told = []
    for fault, items in zip(faults, found, strict=True):
        told.append(
            fault.with_evidence([item.line for item in items], {item.promise for item in items if item.promise})
        )
    return told, unexplained


class Element(NamedTuple):
    """What ways have in common: a pod, the pods of a node, a node with them, or a pair of nodes."""

    kind: str
    names: tuple[str, ...]


class Blamed(NamedTuple):
    """Lost ways, and what is to blame for them: ``node`` is the one to look at, of a pair that of the first target."""

    element: Element
    node: str
    lost: list[Way]


# Of equals the smaller thing is to blame.
_RANK = {"pod": 3, "pods": 2, "node": 1, "pair": 0}


def blame(arrived: Iterable[Way], lost: Iterable[Way]) -> Iterator[Blamed]:
    """What is to blame: that of which all ways of a kind are lost, the most first; then that of which most are.

    A node is judged by its ways to other nodes: those to its own pods say nothing of it.
    """
    rest = list(lost)
    sound = Counter((element, way.kind) for way in arrived if rest for element in _elements(way))
    while rest:
        found: dict[Element, list[Way]] = {}
        for way in rest:
            for element in _elements(way):
                found.setdefault(element, []).append(way)
        element = max(found, key=lambda element: _weight(element, found[element], sound))
        yield Blamed(element, _node_of(element, found[element][0]), found[element])
        rest = [way for way in rest if way not in found[element]]


def _weight(
    element: Element, lost: list[Way], sound: Mapping[tuple[Element, Kind], int]
) -> tuple[int, float, int, int]:
    by_kind = Counter(way.kind for way in lost)
    arrived = {kind: sound.get((element, kind), 0) for kind in by_kind}
    dead = sum(count for kind, count in by_kind.items() if not arrived[kind])
    share = len(lost) / (len(lost) + sum(arrived.values()))
    return dead, share, len(lost), _RANK[element.kind]


def _elements(way: Way) -> Iterator[Element]:
    ends = (way.target, way.source)
    yield from (Element("pod", (end.pod,)) for end in ends if end.pod)
    nodes = tuple(sorted({end.node for end in ends}))
    if len(nodes) > 1:
        yield from (Element("pods", (end.node,)) for end in ends if end.pod)
        yield from (Element("node", (end.node,)) for end in ends)
        yield Element("pair", nodes)


def _node_of(element: Element, way: Way) -> str:
    if element.kind == "pod":
        return next(end.node for end in (way.target, way.source) if end.pod in element.names)
    return way.target.node if element.kind == "pair" else element.names[0]
