# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict on a snapshot. Private to the collection: it may change at any time."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from ..network.places import Pair
from ..network.snapshot import Pod, Policy, Snapshot
from ..network.table_store import TableStore
from .catalogue import CATALOGUE
from .claims import check_claims
from .facts import Facts, lean
from .fault import Fault
from .hosts import check_hosts
from .interfaces import check_pods_of
from .node_facts import NodeFacts, keep
from .packets import Ways, read_ways
from .pairs import explain_pairs
from .policies import policies_for
from .promises import judge_promises
from .reachability import check_packets
from .reading import read_node
from .route_faults import RouteReport, check_routes
from .translation import check_translation
from .verdict import Coverage, Finding, NotProved, Promise, Verdict


def judge(snapshot: Snapshot, pairs: Sequence[Pair] = ()) -> Verdict:
    """Judge a cluster, and explain pairs. Iterates over its nodes once.

    :raises InputError: for an end of a pair that is not there.
    :raises ValueError: for an address or CIDR that is none, and what reading a snapshot's file raises.
    """
    with _no_search_for_cycles():
        return _judge(snapshot, pairs)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Keep the garbage collector from looking at all records again and again: none of them is garbage before the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _judge(snapshot: Snapshot, pairs: Sequence[Pair]) -> Verdict:
    facts, faults, not_proved = _read(snapshot)
    ways = read_ways(facts)
    routes = check_routes(facts, ways)
    faults = _without_symptoms([*faults, *check_hosts(facts), *check_claims(facts), *routes.faults])
    packets = check_packets(facts, ways, faults)
    translations = check_translation(facts, ways, packets.faults)
    faults = sorted(translations.faults, key=_importance)
    promises = judge_promises(facts, faults, translations, 0 < routes.pairs == routes.proved)
    findings = tuple(fault.finding(facts.cluster.name) for fault in faults)
    return Verdict(
        verdict=_outcome(findings, promises.values()),
        cluster=facts.cluster.name,
        checked_at=facts.cluster.checked_at,
        emulated=facts.cluster.emulated,
        versions=facts.cluster.versions,
        promises=promises,
        not_proved=(*not_proved, *routes.not_proved, *packets.not_proved),
        findings=findings,
        coverage=_coverage(facts, routes, ways),
        pairs=explain_pairs(facts, faults, pairs),
    )


def _read(snapshot: Snapshot) -> tuple[Facts, list[Fault], list[NotProved]]:
    """Read the nodes one after the other: what is kept of them, what is wrong on each by itself, what is missing."""
    store = TableStore()
    nodes: list[NodeFacts] = []
    pods: list[Pod] = []
    dns_pods: list[Pod] = []
    faults: list[Fault] = []
    selected: dict[str, tuple[Policy, ...]] = {}
    not_proved = [NotProved(what, reason) for what, reason in snapshot.cluster.unread.items()]
    for node in snapshot.nodes:
        reading = read_node(node, store)
        faults += check_pods_of(reading)
        not_proved += reading.not_proved
        nodes.append(keep(reading))
        for pod in node.pods:
            policies = policies_for(pod, snapshot.cluster.policies)
            if policies:
                selected[pod.key] = policies
            pods.append(lean(pod))
            if pod.labels.get("k8s-app") == "kube-dns":
                dns_pods.append(pods[-1])
    return Facts(snapshot.cluster, nodes, pods, selected, dns_pods), faults, not_proved


# A fault of the first kind takes others of the same pod or the same rows as its symptoms.
_OF_POD = ("pod-interface-down", "duplicate-pod-ip")
_OF_ROWS = ("overlapping-ranges",)


def _without_symptoms(faults: Sequence[Fault]) -> list[Fault]:
    """The faults without those that another one brings about; what these show is evidence of it."""
    causes = [fault for fault in faults if fault.code in _OF_POD + _OF_ROWS]
    others = [fault for fault in faults if fault not in causes]
    told = []
    for cause in causes:
        symptoms = [fault for fault in others if _brings_about(cause, fault)]
        others = [fault for fault in others if fault not in symptoms]
        told.append(cause.with_symptoms(symptoms))
    return told + others


def _brings_about(cause: Fault, fault: Fault) -> bool:
    if cause.code in _OF_ROWS:
        return f"on {fault.node}: {''.join(fault.evidence[:1])}" in cause.evidence
    if cause.code == "duplicate-pod-ip":
        is_at_a_pod_of_it = any(line.endswith(f" on {fault.node}") for line in cause.evidence)
        return is_at_a_pod_of_it and bool(fault.to) and set(fault.to or ()) <= set(cause.to or ())
    return fault.pod == cause.pod and fault.code in ("missing-pod-route", "wrong-pod-interface", "pod-no-default-route")


def _importance(fault: Fault) -> tuple[int, str, str]:
    return list(CATALOGUE).index(fault.code), fault.node or "", fault.message


def _outcome(findings: Iterable[Finding], promises: Iterable[Promise]) -> Literal["pass", "fail", "incomplete"]:
    if any(finding.severity == "error" for finding in findings):
        return "fail"
    return "pass" if all(promise.state == "proved" for promise in promises) else "incomplete"


def _coverage(facts: Facts, routes: RouteReport, ways: Ways) -> Coverage:
    return Coverage(
        nodes=len(facts.nodes),
        nodes_read=sum(node.is_read for node in facts.nodes.values()),
        pods=len(facts.settled_pods),
        pods_pinged=len({way.target.pod for way in ways.arrived}),
        probes=sum(node.probe is not None for node in facts.nodes.values()),
        pairs=routes.pairs,
        pairs_by_routes=routes.proved,
        pairs_by_packets=len(ways.arrived_pairs),
    )
