# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What probe pods measured, as the records of a snapshot. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import Measured, Result
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Probe,
    ProbeConnection,
    ProbeLookup,
    ProbePing,
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
    traceroutes: list[ProbeTraceroute] = field(default_factory=list)
    lookups: list[ProbeLookup] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)

    def record(self) -> Probe:
        return Probe(
            pod=self.pod,
            printed=self.printed,
            pings=tuple(self.pings),
            connections=tuple(self.connections),
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
    """Add what one probe measured to its records.

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
        elif result.what == "size":
            own.pings.append(_large_ping(result, target))
        elif result.what == "connect":
            own.connections.append(_connection(records, result, target, port))
        elif result.what == "trace":
            _add_traceroute(own, result, target)
        else:
            own.lookups.append(_lookup(lookup, result))


def _add_ping(own: ProbeRecords, result: Result, target: str) -> None:
    if result.outcome == "ok":
        own.pings.append(ProbePing(target, result.address, 1, 1, int(result.text)))
    elif any(text in result.text for text in _NOT_ALLOWED):
        own.unread["pings"] = _NO_PINGS
    else:
        own.pings.append(replace(_ping(result.text, result.address, target), retried=True))


def _large_ping(result: Result, target: str) -> ProbePing:
    size, _newline, printed = result.text.partition("\n")
    return replace(_ping(printed, result.address, target), retried=result.outcome != "ok", size=int(size))


def _ping(printed: str, address: str, target: str) -> ProbePing:
    ping = parse_ping(printed)
    return ProbePing(
        target,
        address,
        transmitted=ping.transmitted or 0,
        received=ping.received or 0,
        ttl=next((reply.ttl for reply in ping.replies), None),
        errors=tuple(error.reason for error in ping.errors),
    )


def _connection(records: Mapping[str, ProbeRecords], result: Result, target: str, port: int) -> ProbeConnection:
    if result.outcome == "lost":
        error = result.text or "nobody answered"
        return ProbeConnection(target, result.address, port, ok=False, error=error)
    name, _blank, row = result.text.partition(" ")
    socket = next(iter(parse_proc_net_tcp(row).sockets), None)
    return ProbeConnection(
        target,
        result.address,
        port,
        ok=True,
        answered_by=records[name].pod if name in records else None,
        seen=socket.remote_address if socket else None,
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
