# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What probe pods measured, as the records of a snapshot. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import Measured, Result
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Probe,
    ProbeConnection,
    ProbeLookup,
    ProbePing,
    ProbeSocket,
    ProbeTraceroute,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import read_address
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import parse_ping
from ansible_collections.kubelab.podnet.plugins.module_utils.text.proc_net_tcp import parse_proc_net_tcp

_NOT_ALLOWED = ("permission denied", "Operation not permitted", "are you root")
_NO_PINGS = "the pod may not send pings: its profile or its container runtime leaves it without the capability NET_RAW"
_ANSWERED = re.compile(r"Address(?: \d+)?:\s+(\S+)")


@dataclass
class ProbeRecords:
    """Collects the records of one probe, ``pod`` is its ``namespace/name``."""

    pod: str
    printed: dict[str, str] = field(default_factory=dict)
    pings: list[ProbePing] = field(default_factory=list)
    connections: list[ProbeConnection] = field(default_factory=list)
    sockets: list[ProbeSocket] = field(default_factory=list)
    traceroutes: list[ProbeTraceroute] = field(default_factory=list)
    lookups: list[ProbeLookup] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)

    def record(self) -> Probe:
        return Probe(
            pod=self.pod,
            printed=self.printed,
            pings=tuple(self.pings),
            connections=tuple(self.connections),
            sockets=tuple(self.sockets),
            traceroutes=tuple(self.traceroutes),
            lookups=tuple(self.lookups),
            unread=self.unread,
        )


def add_measured(
    records: Mapping[str, ProbeRecords],
    name: str,
    measured: Measured,
    targets: Mapping[str, str],
    port: int,
    lookup: str,
) -> None:
    """Add what one probe measured to its records, and to those of the probes that answered it.

    :param records: by the name of the probe pod.
    :param targets: address -> what ProbePing calls its target; an address that is not there is its own.
    :param lookup: the name that was looked up.
    """
    own = records[name]
    for command, (code, printed) in measured.seen.items():
        key = command.removeprefix("cat /etc/")
        if code == 0:
            own.printed[key] = printed
        else:
            own.unread[key] = printed.strip() or f"exit code {code}"
    for result in measured.results:
        target = targets.get(result.address, result.address)
        if result.what == "ping":
            _add_ping(own, result, target)
        elif result.what == "connect":
            _add_connection(records, own, result, target, port)
        elif result.what == "trace":
            _add_traceroute(own, result, target)
        else:
            own.lookups.append(_lookup(lookup, result))


def _add_ping(own: ProbeRecords, result: Result, target: str) -> None:
    if result.outcome == "ok":
        own.pings.append(ProbePing(target, result.address, 1, 1, int(result.text)))
        return
    ping = parse_ping(result.text)
    if not ping.received and any(text in result.text for text in _NOT_ALLOWED):
        own.unread["pings"] = _NO_PINGS
        return
    own.pings.append(
        ProbePing(
            target,
            result.address,
            transmitted=ping.transmitted or 0,
            received=ping.received or 0,
            ttl=next((reply.ttl for reply in ping.replies), None),
            retried=True,
            errors=tuple(error.reason for error in ping.errors),
        )
    )


def _add_connection(
    records: Mapping[str, ProbeRecords], own: ProbeRecords, result: Result, target: str, port: int
) -> None:
    if result.outcome == "lost":
        error = result.text or "nobody answered"
        own.connections.append(ProbeConnection(target, result.address, port, ok=False, error=error))
        return
    name, _blank, row = result.text.partition(" ")
    seen = next(iter(parse_proc_net_tcp(row).sockets), None)
    if seen is None or name not in records:
        own.connections.append(ProbeConnection(target, result.address, port, ok=True))
        return
    # The port is the one that the receiver saw: where it was translated on the way, that is how both ends are told to be one.
    own.connections.append(ProbeConnection(target, result.address, port, ok=True, local_port=seen.remote_port))
    records[name].sockets.append(
        ProbeSocket(seen.local_address, seen.local_port, seen.remote_address, seen.remote_port)
    )


def _add_traceroute(own: ProbeRecords, result: Result, target: str) -> None:
    if any(text in result.text for text in _NOT_ALLOWED):
        own.unread["traceroutes"] = _NO_PINGS
    else:
        own.traceroutes.append(ProbeTraceroute(target, result.address, result.text + "\n"))


def _lookup(name: str, result: Result) -> ProbeLookup:
    _server, _name, answer = result.text.partition("Name:")
    addresses = []
    for word in _ANSWERED.findall(answer):
        try:
            addresses.append(read_address(word))
        except (ValueError, OSError):
            continue
    if addresses:
        return ProbeLookup(name, tuple(addresses))
    return ProbeLookup(name, error=" ".join(result.text.split()) or "no answer in time")
