# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of the three promises: proved, refuted, or not proved and why. Private to the collection.

Tables prove where packets are sent. That they arrive, and with which address, only packets prove; so a promise is proved
for the probe pods that were measured, and what it rests on says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..network.snapshot import Probe
from ..network.table import address_number
from .facts import Facts
from .fault import Fault, listed
from .packets import probes_of
from .reading import FAMILIES
from .translation import Made, Translations
from .verdict import PROMISES, Promise

Pair = tuple[str, str, bool]
"""A sender (the key of a pod, or the name of a node), the pod that it connects to, and whether that is by IPv6."""


def judge_promises(
    facts: Facts, faults: Iterable[Fault], translations: Translations, all_pairs_routed: bool
) -> Mapping[str, Promise]:
    """``all_pairs_routed`` says that the tables of all nodes are known to lead to all pods."""
    faults = list(faults)
    probes = {name: probe for name, probe, on_host in probes_of(facts) if not on_host}
    host_probes = [name for name, _probe, on_host in probes_of(facts) if on_host]
    receivers = {probe.pod: _families(facts, probe) for probe in probes.values()}
    senders = {"P1": receivers, "P2": {name: _families_of_node(facts, name) for name in host_probes}}
    promises = {}
    for name in PROMISES:
        refuting = [fault for fault in faults if name in fault.refutes]
        if name == "P3":
            reason, rests_on = _sees_itself(facts, probes)
        else:
            made = [made for made in translations.proved if made.promise == name]
            unseen = [made for made in translations.unseen if made.promise == name]
            reason = _lack(facts, name, probes, host_probes) or _open(
                senders[name], receivers, made, unseen, all_pairs_routed
            )
            rests_on = _connections(made, all_pairs_routed)
        if refuting:
            more = f", and {len(refuting) - 1} more findings" if len(refuting) > 1 else ""
            promises[name] = Promise("refuted", refuting[0].message + more, f"{len(refuting)} findings")
        else:
            promises[name] = Promise("not_proved" if reason else "proved", reason, rests_on)
    return promises


Ends = Mapping[str, set[bool]]
"""Senders or receivers, and whether they have IPv6 addresses, and others."""


def _pairs(senders: Ends, receivers: Ends) -> Iterator[Pair]:
    """All that a promise is about, between probes, in the families that both have."""
    for sender, families in senders.items():
        for receiver, others in receivers.items():
            if receiver != sender:
                yield from ((sender, receiver, is_ipv6) for is_ipv6 in sorted(families & others))


def _count(senders: Ends, receivers: Ends) -> int:
    """How many pairs there are, without looking at each."""
    count = 0
    for is_ipv6 in (False, True):
        sending = {end for end, families in senders.items() if is_ipv6 in families}
        receiving = {end for end, families in receivers.items() if is_ipv6 in families}
        count += len(sending) * len(receiving) - len(sending & receiving)
    return count


def _families_of_node(facts: Facts, name: str) -> set[bool]:
    return {":" in address for address in facts.nodes[name].node.addresses}


def _families(facts: Facts, probe: Probe) -> set[bool]:
    """Whether the probe has IPv6 addresses, and others."""
    return {":" in address for address in facts.pods_asked[probe.pod].ips} if probe.pod in facts.pods_asked else set()


def _lack(facts: Facts, name: str, probes: Mapping[str, Probe], host_probes: list[str]) -> str | None:
    """What was not there to measure with."""
    ready = [node for node, known in facts.nodes.items() if known.node.ready or facts.book.pods_on(node)]
    without = [node for node in ready if node not in probes]
    if not probes:
        return f"no probe pod ran: that packets arrive, only packets prove{_why(facts, without, 'probe')}"
    if without:
        return f"there is no probe on {listed(without)}{_why(facts, without, 'probe')}"
    if name == "P1" and len(probes) < 2:
        return "there is one node only, and so no probe that another one can talk to"
    without = [node for node in ready if node not in host_probes]
    if name == "P2" and without:
        return f"there is no probe on the host network of {listed(without)}{_why(facts, without, 'host_probe')}"
    return None


def _why(facts: Facts, nodes: list[str], what: str) -> str:
    reasons = {facts.nodes[node].unread[what] for node in nodes if what in facts.nodes[node].unread}
    return f" ({'; '.join(sorted(reasons))})" if reasons else ""


def _open(
    senders: Ends, receivers: Ends, made: Iterable[Made], unseen: Iterable[Made], all_pairs_routed: bool
) -> str | None:
    """What was not measured of that which a promise is about."""
    done = {_pair(item) for item in made}
    hidden = {_pair(item) for item in unseen} - done
    if hidden:
        return f"{len(hidden)} connections were made, of which it is not known whose address the receiver saw"
    missing = _count(senders, receivers) - len(done)
    untouched = senders.keys() - {pair[0] for pair in done} or receivers.keys() - {pair[1] for pair in done}
    # In a large cluster not every probe talks to every other one: then tables must lead right for all of them.
    if not missing or (all_pairs_routed and not untouched):
        return None
    pairs = (pair for pair in _pairs(senders, receivers) if pair not in done)
    sender, receiver, is_ipv6 = next(
        pair for pair in pairs if not untouched or pair[0] in untouched or pair[1] in untouched
    )
    family = FAMILIES[128 if is_ipv6 else 32]
    return f"{missing} pairs were not measured, such as {sender} to {receiver} by {family}"


def _pair(made: Made) -> Pair:
    return made.source.pod or made.source.node, made.target.pod or "", ":" in made.target.address


def _connections(made: list[Made], all_pairs_routed: bool) -> str:
    ends = {end for item in made for end in (item.source.pod, item.target.pod) if end}
    families = " and ".join(sorted({FAMILIES[address_number(item.target.address)[0]] for item in made}))
    by = f" by {families}" if families else ""
    tables = "; the tables of all nodes lead to all pods" if all_pairs_routed else ""
    return f"{len(made)} connections to {len(ends)} probe pods{by}, which saw the sender's own address{tables}"


def _sees_itself(facts: Facts, probes: Mapping[str, Probe]) -> tuple[str | None, str]:
    """Of P3, that probes have inside what the API says; that others see it follows from P1."""
    looked = [
        name for name, probe in probes.items() if probe.pod in facts.nodes[name].macs and "ip addr" in probe.printed
    ]
    rests_on = f"the addresses inside {len(looked)} probe pods, which are those that the API lists"
    lack = _lack(facts, "P3", probes, [])
    if lack is None and len(looked) < len(probes):
        lack = f"the addresses inside the probes on {listed(set(probes) - set(looked))} could not be read"
    return lack, rests_on
