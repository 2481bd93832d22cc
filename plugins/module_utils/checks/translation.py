# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether addresses are translated on the way to pods: whom a receiver says that it talks to. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..network.cni import holds
from ..network.snapshot import Probe, ProbeConnection, ProbeSocket
from ..network.table import address_number
from .facts import Facts
from .fault import Fault
from .packets import End, end_at, probes_of, source_end

Sockets = dict[tuple[int, int], list[ProbeSocket]]
"""By the port of the receiver and that of the sender."""


class Made(NamedTuple):
    """A connection that a probe made to another one in the pod network."""

    source: End
    target: End
    connection: ProbeConnection

    @property
    def promise(self) -> str:
        return "P1" if self.source.pod else "P2"


@dataclass(slots=True)
class Translations:
    """``proved`` are connections whose receiver saw the sender's own address, ``unseen`` those that no receiver shows."""

    faults: list[Fault] = field(default_factory=list)
    proved: list[Made] = field(default_factory=list)
    unseen: list[Made] = field(default_factory=list)


def check_translation(facts: Facts) -> Translations:
    """Compare what both ends of each connection say of it."""
    found = Translations()
    receivers = {probe.pod: probe for _name, probe, on_host in probes_of(facts) if not on_host}
    by_receiver: dict[str, list[Made]] = {}
    for made in _connections(facts):
        if made.target.pod in receivers:
            by_receiver.setdefault(made.target.pod, []).append(made)
    snat: dict[str, list[tuple[Made, str]]] = {}
    dnat: dict[tuple[str, str], list[tuple[Made, str]]] = {}
    for receiver, all_made in by_receiver.items():
        rest = _by_ports(receivers[receiver].sockets)
        unmatched: list[Made] = []
        for made in all_made:
            (found.proved if _take(rest, facts, made) else unmatched).append(made)
        for made in unmatched:
            other = _other_receiver(facts, made, receivers)
            stranger = None if other else _take_stranger(rest, made)
            who = f"{made.source} ({made.source.address})"
            if other is not None:
                line = f"{who} dialled pod {receiver} ({made.connection.address}), and pod {other} got it"
                dnat.setdefault((receiver, other), []).append((made, line))
            elif stranger is not None:
                line = f"pod {receiver} saw {stranger.remote_address} port {stranger.remote_port}, where {who} had connected"
                snat.setdefault(_translator(facts, stranger.remote_address, made), []).append((made, line))
            else:
                found.unseen.append(made)
    found.faults = [*_snat_faults(facts, snat), *_dnat_faults(dnat)]
    return found


def _connections(facts: Facts) -> Iterator[Made]:
    for name, probe, on_host in probes_of(facts):
        for connection in probe.connections:
            source = source_end(facts, name, probe, on_host, connection.address)
            target = end_at(facts, connection.address)
            if connection.ok and source is not None and target is not None and target.pod not in (None, source.pod):
                yield Made(source, target, connection)


def _by_ports(sockets: Iterable[ProbeSocket]) -> Sockets:
    found: Sockets = {}
    for socket in sockets:
        found.setdefault((socket.local_port, socket.remote_port), []).append(socket)
    return found


def _of(sockets: Sockets, made: Made) -> Iterator[list[ProbeSocket]]:
    """The sockets that may be the receiver's end of a connection, going by the ports."""
    port, remote_port = made.connection.port, made.connection.local_port
    if remote_port:
        yield sockets.get((port, remote_port), [])
    else:
        yield from (found for ports, found in sockets.items() if ports[0] == port)


def _take(sockets: Sockets, facts: Facts, made: Made) -> bool:
    """Take out the receiver's end of a connection that comes from the sender's own address, if it is there."""
    for found in _of(sockets, made):
        for socket in found:
            if _is_own(facts, made.source, socket.remote_address):
                found.remove(socket)
                return True
    return False


def _take_stranger(sockets: Sockets, made: Made) -> ProbeSocket | None:
    """Take out the end that must be this connection's: that with its port, or else any; masquerading may change ports."""
    others = (found for ports, found in sockets.items() if ports[0] == made.connection.port)
    for found in (*_of(sockets, made), *others):
        if found:
            return found.pop()
    return None


def _is_own(facts: Facts, source: End, address: str) -> bool:
    """Whether the address is one of the sender's: a node may send from any of its own, such as that of a tunnel."""
    if address == source.address:
        return True
    if source.pod is not None:
        return any(pod.key == source.pod for pod in facts.book.pods_at(address))
    owner = facts.owner(*address_number(address))
    if owner is None and not facts.nodes[source.node].links:
        return any(holds(block.prefix, address) for block in facts.blocks_of(source.node))
    return owner == source.node


def _other_receiver(facts: Facts, made: Made, receivers: dict[str, Probe]) -> str | None:
    """The probe that shows a connection which was made to another one; it can only be known by its port."""
    if not made.connection.local_port:
        return None
    ports = made.connection.port, made.connection.local_port
    for pod, probe in receivers.items():
        for socket in probe.sockets if pod not in (made.target.pod, made.source.pod) else ():
            is_its = (socket.local_port, socket.remote_port) == ports
            if is_its and _is_own(facts, made.source, socket.remote_address):
                return pod
    return None


def _translator(facts: Facts, address: str, made: Made) -> str:
    """The node that put its own address, or a pod's of its own, in the place of the sender's."""
    end = end_at(facts, address)
    return end.node if end is not None else made.source.node


def _snat_faults(facts: Facts, snat: dict[str, list[tuple[Made, str]]]) -> Iterator[Fault]:
    probed = {name for name, _probe, _on_host in probes_of(facts)}
    groups: dict[tuple[str, ...], list[tuple[Made, str]]] = {(name,): items for name, items in snat.items()}
    if len(snat) > 1 and snat.keys() == probed:
        groups = {tuple(sorted(snat)): [item for items in snat.values() for item in items]}
    for names, items in groups.items():
        promises = tuple(sorted({made.promise for made, _line in items}))
        who = {"P1": "pods", "P2": "nodes"}
        senders = " and ".join(who[promise] for promise in promises)
        where = names[0] if len(names) == 1 else "all nodes"
        message = f"pods see an address of {where} in the place of that of {senders} which connect to them"
        node = names[0] if len(names) == 1 else None
        yield Fault("unexpected-snat", message, tuple(line for _made, line in items), node, promises=promises)


def _dnat_faults(dnat: dict[tuple[str, str], list[tuple[Made, str]]]) -> Iterator[Fault]:
    for (dialled, got), items in dnat.items():
        promises = tuple(sorted({made.promise for made, _line in items}))
        senders = {made.source.node for made, _line in items}
        # One sender alone is misled at its own node; all are where the pod that they dial is.
        node = senders.pop() if len(senders) == 1 else items[0][0].target.node
        lines = tuple(line for _made, line in items)
        message = f"connections to pod {dialled} are delivered to pod {got}"
        yield Fault("unexpected-dnat", message, lines, node, dialled, promises=promises)
