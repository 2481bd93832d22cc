# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was measured from one end of a pair to the other, and what was not, and why. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..network.snapshot import PodInside, Probe, ProbeConnection, ProbePing, ProbeTraceroute
from ..network.table import address_number
from ..text.traceroute import parse_traceroute
from .facts import Facts
from .packets import between, has_arrived, is_refused, line_of
from .pair_ends import Leg
from .walk import is_service, record_of

_NOT_ASKED = "the snapshot was taken without this pair"


@dataclass(frozen=True, slots=True)
class Tries:
    """What one end measured towards the other. ``arrived`` is None when nothing tells whether its packets arrive.

    ``answers`` are who answered its traceroute: the TTL by the name of a node or the key of a pod. ``lines`` say all in words.
    """

    arrived: bool | None
    answers: dict[str, int]
    lines: tuple[str, ...]


def tries_of(facts: Facts, leg: Leg) -> Tries:
    """What was measured of the way from one end to the other."""
    node = facts.nodes[leg.start]
    record = record_of(facts, leg.source.pod) if leg.source.pod else node.host_probe
    source, target = leg.source.at(leg.source_address), leg.target.at(leg.address)
    what = between(source, target, leg.address)
    if record is None:
        why = _NOT_ASKED if leg.source.pod else node.unread.get("host_probe", _NOT_ASKED)
        return Tries(None, {}, (f"nothing measured {what}: {why}",))
    pings = [ping for ping in record.pings if ping.address == leg.address and ping.size is None]
    connections = [
        item for item in (record.connections if isinstance(record, Probe) else ()) if item.address == leg.address
    ]
    traces = [trace for trace in record.traceroutes if trace.address == leg.address]
    tried: list[ProbePing | ProbeConnection] = [*pings, *connections]
    lines = [line_of(source, target, item) for item in tried]
    lines += [_line_of_trace(facts, what, trace) for trace in traces]
    lines += _not_measured(what, {"ping": not pings, "TCP": not connections, "traceroute": not traces}, record)
    answers: dict[str, int] = {}
    for ttl, address in (hop for trace in traces for hop in _hops(trace)):
        if address is not None:
            answers.setdefault(_owner(facts, address), ttl)
    arrived = any(has_arrived(item) or is_refused(item) for item in tried) if tried else None
    if not arrived and is_service(facts, leg.address):
        arrived = None  # a Service answers on its ports, if at all
    return Tries(arrived, answers, tuple(lines))


def _not_measured(what: str, missing: Mapping[str, bool], record: Probe | PodInside) -> Iterator[str]:
    reasons = {
        "ping": record.unread.get("pings") or record.unread.get("measurements") or _NOT_ASKED,
        "TCP": "only probes listen to each other",
        "traceroute": record.unread.get("traceroutes") or record.unread.get("measurements") or _NOT_ASKED,
    }
    if all(missing.values()) and reasons["ping"] == reasons["traceroute"]:
        yield f"nothing measured {what}: {reasons['ping']}"
    else:
        yield from (
            f"{kind} {what}: not measured: {reasons[kind]}" for kind, is_missing in missing.items() if is_missing
        )


def _hops(trace: ProbeTraceroute) -> Iterator[tuple[int, str | None]]:
    """Each hop with the address that answered, None where none did."""
    for hop in parse_traceroute(trace.printed).hops:
        yield hop.ttl, next((probe.address for probe in hop.probes if probe.address), None)


def _line_of_trace(facts: Facts, what: str, trace: ProbeTraceroute) -> str:
    parsed = parse_traceroute(trace.printed)
    hops = list(_hops(trace))
    while hops and hops[-1][1] is None:
        hops.pop()
    answers = ", ".join(f"{ttl} {_name(facts, address) if address else '*'}" for ttl, address in hops)
    ending = "" if parsed.reached else ", ".join(("; nobody further answers", *parsed.errors))
    return f"traceroute {what}: {answers or 'no answer'}{ending}"


def _name(facts: Facts, address: str) -> str:
    owner = _owner(facts, address)
    kind = "pod" if "/" in owner else "node"
    return address if owner == address else f"{kind} {owner} ({address})"


def _owner(facts: Facts, address: str) -> str:
    """The name of the node or the key of the pod that has an address; the address where nobody has."""
    number = address_number(address)
    pod = next(iter(facts.book.pods_at_number(*number)), None)
    return pod.key if pod is not None else facts.owner(*number) or address
