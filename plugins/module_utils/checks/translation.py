# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether addresses are translated on the way to pods: whom a receiver says that it talks to. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..network.cni import holds
from ..network.snapshot import ProbeConnection
from ..network.table import address_number
from .facts import Facts
from .fault import Fault, Loss, listed
from .packets import End, Ways, attach, end_at, loss, probes_of


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
    """``faults`` are those known before, and translations; where one of the former leads packets astray, with those on the way.

    ``proved`` are connections whose receiver saw the sender's own address, ``unseen`` those of which it does not tell.
    """

    faults: list[Fault]
    proved: list[Made] = field(default_factory=list)
    unseen: list[Made] = field(default_factory=list)


def check_translation(facts: Facts, ways: Ways, faults: list[Fault]) -> Translations:
    """Compare what both ends of each connection say of it. ``faults`` are those that are known."""
    found = Translations(faults)
    translated: list[tuple[str, Made]] = []
    dnat: dict[tuple[str, str], list[Made]] = {}
    for made in _connections(ways):
        answered_by, seen = made.connection.answered_by, made.connection.seen
        if answered_by is not None and answered_by != made.target.pod:
            dnat.setdefault((made.target.node, answered_by), []).append(made)
        elif answered_by is None or seen is None:
            found.unseen.append(made)
        elif _is_own(facts, made.source, seen):
            found.proved.append(made)
        elif _may_be_own(facts, made.source, seen):
            found.unseen.append(made)
        else:
            translated.append((_translator(facts, seen, made), made))
    found.faults, unexplained = attach(faults, [_astray(facts, node, made) for node, made in translated])
    snat: dict[str, list[Made]] = {}
    for node, made in (translated[place] for place in unexplained):
        snat.setdefault(node, []).append(made)
    found.faults += [*_snat_faults(facts, snat), *_dnat_faults(facts, dnat)]
    return found


def _astray(facts: Facts, translator: str, made: Made) -> tuple[Loss, ...]:
    """The way of a connection, where the node that put another address in the place of the sender's is not at its ends."""
    if translator in (made.source.node, made.target.node):
        return ()
    return (replace(loss(facts, made.source, made.target, _saw(made)), promise=made.promise),)


def _saw(made: Made) -> str:
    return f"{made.target} saw {made.connection.seen}, where {made.source} ({made.source.address}) had connected"


def _connections(ways: Ways) -> Iterator[Made]:
    for source, target, _arrived, item in ways.of_probes:
        if isinstance(item, ProbeConnection) and item.ok and target.pod not in (None, source.pod):
            yield Made(source, target, item)


def _is_own(facts: Facts, source: End, address: str) -> bool:
    """Whether the address is one of the sender's: a node may send from any of its own, such as that of a tunnel."""
    if address == source.address:
        return True
    if source.pod is not None:
        return any(pod.key == source.pod for pod in facts.book.pods_at(address))
    # Several nodes may have the same one, each in a network of its own.
    if facts.has_address(source.node, address):
        return True
    is_unread = not facts.nodes[source.node].links
    return is_unread and any(holds(block.prefix, address) for block in facts.blocks_of(source.node))


def _may_be_own(facts: Facts, source: End, address: str) -> bool:
    """Whether a node, whose interfaces are not known, may have the address: nobody else has it."""
    is_nobodys = not facts.book.pods_at(address) and facts.owner(*address_number(address)) is None
    is_unread = source.pod is None and not facts.nodes[source.node].links
    return is_unread and is_nobodys


def _translator(facts: Facts, seen: str, made: Made) -> str:
    """The node that put its own address, or a pod's of its own, in the place of the sender's."""
    end = end_at(facts, seen)
    return end.node if end is not None else made.source.node


def _snat_faults(facts: Facts, snat: Mapping[str, list[Made]]) -> Iterator[Fault]:
    probed = {name for name, _probe, _on_host in probes_of(facts)}
    groups: dict[tuple[str, ...], list[Made]] = {(name,): items for name, items in snat.items()}
    if len(snat) > 1 and snat.keys() == probed:
        groups = {tuple(sorted(snat)): [made for items in snat.values() for made in items]}
    for names, items in groups.items():
        promises = _promises(items)
        who = {"P1": "pods", "P2": "nodes"}
        senders = " and ".join(who[promise] for promise in promises)
        where = names[0] if len(names) == 1 else "all nodes"
        message = f"pods see an address of {where} in the place of that of {senders} which connect to them"
        lines = [_saw(made) for made in items]
        node = names[0] if len(names) == 1 else None
        yield Fault("unexpected-snat", message, tuple(lines), node, promises=promises)


def _dnat_faults(facts: Facts, dnat: Mapping[tuple[str, str], list[Made]]) -> Iterator[Fault]:
    hosts = {probe.pod: f"node {name}" for name, probe, on_host in probes_of(facts) if on_host}
    misled: dict[tuple[str, str], list[Made]] = {}
    for (dialled, answered_by), items in dnat.items():
        senders = {made.source.node for made in items}
        # One sender alone is misled at its own node; all are where the pod that they dial is.
        node = senders.pop() if len(senders) == 1 else dialled
        misled.setdefault((node, hosts.get(answered_by, f"pod {answered_by}")), []).extend(items)
    for (node, who), items in misled.items():
        message = f"connections to pods of {listed({made.target.node for made in items})} are delivered to {who}"
        lines = [
            f"{made.source} ({made.source.address}) dialled {made.target} ({made.target.address}), and {who} answered"
            for made in items
        ]
        yield Fault("unexpected-dnat", message, tuple(lines), node, promises=_promises(items))


def _promises(items: Iterable[Made]) -> tuple[str, ...]:
    return tuple(sorted({made.promise for made in items}))
