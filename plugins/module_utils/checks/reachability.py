# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the packets of the probes show that no table does. Private to the collection: it may change at any time.

A symptom that a fault already found explains is evidence of that fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..network.path import Path, follow
from ..network.snapshot import Probe, ProbePing
from ..network.table import address_number
from ..text.traceroute import parse_traceroute
from .facts import Facts
from .fault import Fault, Loss, host_prefix, listed
from .packets import (
    Blamed,
    End,
    Way,
    Ways,
    attach,
    blame,
    end_at,
    forbidding,
    line_of,
    loss,
    probes_of,
    source_end,
)
from .verdict import NotProved

# What Linux sends echo replies with (net.ipv4.ip_default_ttl): what is missing is how many nodes forwarded them.
_FIRST_TTL = 64


class Symptom(NamedTuple):
    """Packets lost, by the ways on which that may have happened, and what it is when no fault explains it."""

    losses: tuple[Loss, ...]
    otherwise: Fault | NotProved


@dataclass(slots=True)
class PacketReport:
    """The faults known before with what was measured of them, and those that only packets show."""

    faults: list[Fault]
    not_proved: list[NotProved] = field(default_factory=list)

    def add(self, symptoms: Iterable[Symptom]) -> None:
        """Make symptoms evidence of the faults that explain them, and the others faults of their own, one for each element."""
        symptoms = list(symptoms)
        self.faults, unexplained = attach(self.faults, [symptom.losses for symptom in symptoms])
        found: dict[tuple[str, str | None, str | None], Fault] = {}
        for place in unexplained:
            losses, fault = symptoms[place]
            if isinstance(fault, NotProved):
                self.not_proved.append(fault)
                continue
            key = fault.code, fault.node, fault.pod
            found[key] = found.get(key, fault).with_evidence([losses[0].line])
        self.faults += found.values()


def check_packets(facts: Facts, ways: Ways, faults: list[Fault]) -> PacketReport:
    """Judge what the probes measured. ``faults`` are those that tables and settings show."""
    report = PacketReport(faults, list(ways.not_proved))
    _dropped(facts, ways, report)
    report.add(_silent_nodes(facts, ways))
    report.add(_narrow_paths(facts, ways))
    report.add(_longer_ways_back(facts, ways))
    report.add(_strange_traces(facts))
    report.add(_dns(facts, report.not_proved))
    report.add(_outside(facts, report.not_proved))
    return report


def _dropped(facts: Facts, ways: Ways, report: PacketReport) -> None:
    lost = [way for way in ways.lost if way.target.pod is not None]
    losses = [
        replace(loss(facts, way.source, way.target, way.line), promise="P1" if way.source.pod else "P2") for way in lost
    ]
    report.faults, unexplained = attach(report.faults, [(item,) for item in losses])
    for blamed in blame(ways.arrived, [lost[place] for place in unexplained]):
        report.faults.append(_fault("packets-dropped", blamed))


def _silent_nodes(facts: Facts, ways: Ways) -> Iterator[Symptom]:
    """Nodes that do not answer pods: no promise says that they must."""
    for way in ways.lost:
        if way.target.pod is None:
            reason = "the node does not answer; it may have a firewall"
            unproved = NotProved(f"the way from {way.source} to {way.target}", reason, way.target.node)
            yield Symptom((loss(facts, way.source, way.target, way.line),), unproved)


def _fault(code: str, blamed: Blamed) -> Fault:
    kind, names = blamed.element
    words = {
        "pod": "to or from pod {}",
        "pods": "to or from pods of {}",
        "node": "to or from {}",
        "pair": "between {} and {}",
    }
    families, protocols = map(set, zip(*(way.kind for way in blamed.lost), strict=True))
    size = "large " if code == "mtu-too-small" else ""
    family = f"{families.pop()} " if len(families) == 1 else ""
    what = protocols.pop() if len(protocols) == 1 and not size else "packets"
    message = f"{size}{family}{what} {words[kind].format(*names)} are lost, though the tables lead them right"
    to = None if kind != "pair" else tuple({host_prefix(way.target.address) for way in blamed.lost})
    pod = names[0] if kind == "pod" else None
    return Fault(code, message, tuple(way.line for way in blamed.lost), blamed.node, pod, to)


def _narrow_paths(facts: Facts, ways: Ways) -> Iterator[Symptom]:
    """Large packets that get lost where small ones do not."""
    sound: list[Way] = []
    lost: list[Way] = []
    pings = [(way, way.measured) for way in ways.of_probes if isinstance(way.measured, ProbePing)]
    small = {(way.source, way.target) for way, ping in pings if ping.size is None and ping.received}
    for way, ping in pings:
        if ping.size is not None and (way.source, way.target) in small:
            (sound if ping.received else lost).append(way)
    for blamed in blame(sound, lost):
        for way in blamed.lost:
            fault = replace(_fault("mtu-too-small", blamed), evidence=())
            yield Symptom((replace(loss(facts, way.source, way.target, way.line), is_large=True),), fault)


def _longer_ways_back(facts: Facts, ways: Ways) -> Iterator[Symptom]:
    """Replies that more nodes forwarded than the tables say."""
    for source, target, _arrived, ping in ways.of_probes:
        if not isinstance(ping, ProbePing) or ping.ttl is None or ping.ttl > _FIRST_TTL:
            continue
        ends_on_nodes = (source.pod is None) + (target.pod is None)
        hops = _FIRST_TTL - ping.ttl
        if hops <= len({source.node, target.node}) - ends_on_nodes:
            continue
        ways_back = _ways_back(facts, source, target)
        expected = max(len(back.nodes) for back in ways_back) - ends_on_nodes
        if all(back.end == "delivered" for back in ways_back) and hops > expected:
            way = loss(facts, source, target, line_of(source, target, ping))
            message = (
                f"replies of {target.node} to {source.node} pass {hops} nodes, by the tables it would be {expected}"
            )
            yield Symptom((way,), Fault("asymmetric-path", message, (), target.node))


def _ways_back(facts: Facts, source: End, target: End) -> list[Path]:
    """Where the tables send replies: to the sender's own address, or to that which its node put in the place of it."""
    own = facts.nodes[source.node].node.addresses
    addresses = {source.address, *(address for address in own if (":" in address) == (":" in source.address))}
    return [follow(facts.forwarding, target.node, address, source.node) for address in addresses]


def _strange_traces(facts: Facts) -> Iterator[Symptom]:
    """Traceroutes that go in a circle, or by a node that is not on the way."""
    for name, probe, on_host in probes_of(facts):
        for run in probe.traceroutes:
            source, target = source_end(facts, name, probe, on_host, run.address), end_at(facts, run.address)
            if source is None or target is None:
                continue
            trace = parse_traceroute(run.printed)
            answers = (answer for hop in trace.hops for answer in hop.probes)
            hops = [answer.address for answer in answers if answer.address and not answer.annotation]
            owners = (facts.owner(*address_number(address)) for address in dict.fromkeys(hops))
            passed = [owner for owner in owners if owner is not None]
            way = loss(facts, source, target, f"traceroute from {source} to {target}: {' '.join(hops)}")
            there = follow(facts.forwarding, source.node, target.address, target.node)
            strangers = set(passed).difference(there.nodes)
            if trace.loop:
                message = f"packets from {source} to {target} go in a circle: {' -> '.join(hops)}"
                yield Symptom((way,), Fault("routing-loop", message, (), (passed or there.nodes)[0]))
            elif strangers and there.end == "delivered":
                message = f"packets from {source} to {target} pass {listed(strangers)}, which no table on the way says"
                yield Symptom((way,), Fault("asymmetric-path", message, (), source.node))


# Names, and the world outside.


def _dns(facts: Facts, not_proved: list[NotProved]) -> Iterator[Symptom]:
    asked = {name: probe for name, probe, on_host in probes_of(facts) if probe.lookups and not on_host}
    broken = {name: probe for name, probe in asked.items() if not any(lookup.addresses for lookup in probe.lookups)}
    is_everywhere = len(broken) == len(asked) > 1
    for name, probe in broken.items():
        what = f"the cluster's DNS on {name}"
        policies = (forbidding(facts, probe.pod, key) for key in (None, *(pod.key for pod in facts.dns_pods)))
        policy = next(filter(None, policies), None)
        if policy is not None:
            not_proved.append(NotProved(what, f"policy: {policy} may forbid it", name))
            continue
        lookup = probe.lookups[0]
        if "NXDOMAIN" in (lookup.error or ""):
            reason = f"it answers, but does not know {lookup.name}: say in dns_name what it knows"
            not_proved.append(NotProved(what, reason, name))
            continue
        line = f"pod {probe.pod} asked {facts.cluster.dns_address} for {lookup.name}: {lookup.error or 'no answer'}"
        message = f"the cluster's DNS does not answer {'any probe' if is_everywhere else f'the probe on {name}'}"
        losses = tuple(_ways_to_dns(facts, name, probe, line))
        yield Symptom(losses, Fault("dns-broken", message, (), None if is_everywhere else name))


def _ways_to_dns(facts: Facts, name: str, probe: Probe, line: str) -> Iterator[Loss]:
    """The probe's way to the service's address, and from there to each of the pods that answer."""
    service = facts.cluster.dns_address
    source = source_end(facts, name, probe, False, service or "")
    if source is not None and service is not None:
        yield _loss_at(source, service, line)
    for pod in facts.dns_pods:
        for target in filter(None, (end_at(facts, address) for address in pod.ips)):
            source = source_end(facts, name, probe, False, target.address)
            if source is not None:
                yield loss(facts, source, target, line)


def _loss_at(source: End, address: str, line: str) -> Loss:
    """Packets that are lost on the way from a pod to what is no node and no pod."""
    node = frozenset({source.node})
    return Loss((source.address, address), (source.pod, None), node, node, line)


def _outside(facts: Facts, not_proved: list[NotProved]) -> Iterator[Symptom]:
    """Pods that do not get out of the cluster, where their nodes do."""
    address = facts.cluster.outside_address
    if address is None:
        return
    inside: dict[str, tuple[Probe, ProbePing]] = {}
    nodes_get_out: dict[str, bool] = {}
    for name, probe, on_host in probes_of(facts):
        for ping in probe.pings:
            if ping.address == address and on_host:
                nodes_get_out[name] = ping.received > 0
            elif ping.address == address:
                inside[name] = probe, ping
    # One reply shows that there is a way; how many get lost beyond the cluster is not its own.
    lost = {name: pinged for name, pinged in inside.items() if not pinged[1].received}
    is_everywhere = len(lost) == len(inside) > 1
    for name, (probe, ping) in lost.items():
        source = source_end(facts, name, probe, False, address)
        policy = forbidding(facts, probe.pod, None)
        what = f"the way of pods on {name} to {address}, outside the cluster"
        if policy is not None:
            not_proved.append(NotProved(what, f"policy: {policy} may forbid it", name))
        elif source is not None:
            way = _loss_at(source, address, line_of(source, "the outside", ping))
            who = "no pod gets" if is_everywhere else f"pods on {name} do not get"
            message = f"{who} to {address}, outside the cluster, though nodes do"
            fault = Fault("missing-egress-snat", message, (), None if is_everywhere else name)
            # Where nothing was measured on the node itself, another node's pods may show that there is a way.
            is_way = nodes_get_out.get(name, len(lost) < len(inside))
            yield Symptom((way,), fault if is_way else NotProved(what, "the node itself does not get there", name))
