# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pods that are no probes say of their own network, and measure for pairs. Private to the collection: it may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.pair_ends import Leg, PairEnds
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import exec as pod_exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import PodnetError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.places import Pair, Place
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    POD_COMMANDS,
    Node,
    Pod,
    PodInside,
    ProbePing,
    ProbeTraceroute,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_ping import first_all_then_alone, ping
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_traceroute import trace
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probe_records import ProbeRecords
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import Ends, Probe
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import pod_record

_SILENT = 20  # pods that do not answer and are looked into; more of them have a cause outside of themselves
_INSIDE_SECONDS = 10
_PINGS = 1  # that is enough where it is answered; otherwise there is a second one
_HOPS = 8


def legs_of(pairs: Sequence[Pair], cluster: str, nodes: Sequence[Node], pods: Sequence[Pod]) -> list[Leg]:
    """Both directions of each pair; raises InputError for an end that is not there."""
    if not pairs:
        return []
    ends = PairEnds(cluster, nodes, pods, AddressBook(nodes, pods).node_at)
    return [leg for pair in pairs for leg in ends.legs(pair)]


def look_inside(
    cluster: Cluster, pods: Sequence[Object], probes: Iterable[ProbeRecords], legs: Iterable[Leg], deadline: Deadline
) -> dict[str, PodInside]:
    """What the pods of pairs, and some that lost a ping, say of their own network, by ``namespace/name``."""
    lost = {ping.address for probe in probes for ping in probe.pings if not ping.received}
    known = {probe.pod for probe in probes}
    asked = {leg.source.pod.key for leg in legs if leg.source.pod is not None}
    wanted: list[Object] = []
    silent: dict[str | None, list[Object]] = {}  # by the node
    for pod in pods:
        record = pod_record(pod)
        if record.key in asked:
            wanted.append(pod)
        elif not record.host_network and record.key not in known and lost.intersection(record.ips):
            silent.setdefault(record.node, []).append(pod)
    # Those of all nodes in turn: a node that cuts all of its own off keeps no other one's from being looked into.
    in_turn = [pod for some in zip_longest(*silent.values()) for pod in some if pod is not None]
    until = deadline.within(_INSIDE_SECONDS)
    found: list[Any] = items.side_by_side(partial(_inside, cluster, until), [*wanted, *in_turn[:_SILENT]])
    return {inside.pod: inside for inside in found}


def _inside(cluster: Cluster, deadline: Deadline, pod: Object) -> PodInside:
    printed, unread = {}, {}
    for name in POD_COMMANDS:
        command = ["cat", "/etc/resolv.conf"] if name == "resolv.conf" else name.split()
        try:
            output = pod_exec.run(cluster, pod, command, deadline)
        except PodnetError as error:
            unread[name] = str(error)
            continue
        if output.exit_code == 0:
            printed[name] = output.stdout
        else:
            unread[name] = (output.stderr or output.stdout).strip()
    return PodInside(pod_record(pod).key, printed, unread)


def measure(
    cluster: Cluster,
    pods: Iterable[Object],
    insides: Mapping[str, PodInside],
    legs: Iterable[Leg],
    targets: Mapping[str, str],
    deadline: Deadline,
) -> dict[str, PodInside]:
    """The insides, with what pods measured along the legs that start at them; what they could not is in ``unread``.

    :param targets: address -> what ProbePing calls its target; an address that is not there is its own.
    """
    wishes = (_probe(leg.source.pod, leg.address) for leg in legs if leg.source.pod is not None)
    probes = list(dict.fromkeys(wishes))
    objects = {pod_record(pod).key: pod for pod in pods}
    ends = Ends(cluster, {probe.source: objects[probe.source.reference] for probe in probes})
    work: list[Callable[[], Any]] = [
        lambda: first_all_then_alone(lambda probe: ping(ends, probe, _PINGS, deadline), probes),
        lambda: _traces(ends, probes, deadline),  # into the void they take longer than all else
    ]
    outcomes: list[Any] = items.side_by_side(lambda job: job(), work)
    pings, traces = outcomes
    found = dict(insides)
    for probe, pinged in zip(probes, pings, strict=True):
        key, target = probe.source.reference, targets.get(probe.target.name, probe.target.name)
        found[key] = _with_ping(_with_trace(found[key], target, traces[probe]), target, pinged)
    return found


def _traces(ends: Ends, probes: Sequence[Probe], deadline: Deadline) -> dict[Probe, dict[str, Any] | PodnetError]:
    """Those of a pod one after the other: busybox takes an answer to one for an answer to another."""
    found: dict[Probe, dict[str, Any] | PodnetError] = {}

    def trace_from(source: Place) -> None:
        for probe in probes:
            if probe.source == source:
                (found[probe],) = items.side_by_side(lambda probe: trace(ends, probe, _HOPS, deadline), [probe])

    items.side_by_side(trace_from, dict.fromkeys(probe.source for probe in probes))
    return found


def _probe(pod: Pod, address: str) -> Probe:
    return Probe(Place("pod", pod.namespace, pod.name), Place("address", "", address), "reachable")


def _with_ping(inside: PodInside, target: str, pinged: Mapping[str, Any] | PodnetError) -> PodInside:
    if isinstance(pinged, PodnetError):
        return replace(inside, unread={**inside.unread, "pings": str(pinged)})
    ping = ProbePing(
        target,
        pinged["address"],
        pinged["transmitted"],
        pinged["received"],
        ttl=pinged["ttl"],
        retried=pinged["retried"],
        errors=tuple(pinged["errors"]),
    )
    return replace(inside, pings=(*inside.pings, ping))


def _with_trace(inside: PodInside, target: str, traced: Mapping[str, Any] | PodnetError) -> PodInside:
    if isinstance(traced, PodnetError):
        return replace(inside, unread={**inside.unread, "traceroutes": str(traced)})
    run = ProbeTraceroute(target, traced["address"], traced["printed"])
    return replace(inside, traceroutes=(*inside.traceroutes, run))
