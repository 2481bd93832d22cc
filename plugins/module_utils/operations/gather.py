# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take the snapshot of a cluster: API, nodes and probe pods side by side. Private to the collection: it may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import exec as pod_exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods as api_pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell, open_nodes
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import (
    Measured,
    NodeProbes,
    Settings,
    open_probes,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import PodnetError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.places import Pair
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Node,
    NodeSnapshot,
    Pod,
    PodInside,
    Probe,
    Snapshot,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather_cluster import now, read_cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather_nodes import NodeOutput, read_node
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather_pods import legs_of, look_inside, measure
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probe_plan import ProbeAt, plan
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probe_records import ProbeRecords, add_measured
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import node_record, pod_record

_SHARE = 0.8  # of the time that is left, for commands on nodes and in probes


def gather(
    cluster: Cluster, parameters: Mapping[str, Any], pairs: Sequence[Pair], deadline: Deadline, *, check_mode: bool
) -> Snapshot:
    """Read and measure all that there is. What cannot be read, or is refused, stands in ``unread``, and the rest goes on.

    :param pairs: what is measured besides.
    :raises InputError: when an end of a pair is not there, before anything is made.
    :raises PodnetError: when the nodes or the pods cannot be listed; then there is nothing to judge.
    """
    nodes = cluster.list(path("nodes"))["items"]
    if pairs:
        pods = [_pod(pod) for pod in cluster.list(path("pods"))["items"]]
        legs_of(pairs, cluster.name, [_node(node) for node in nodes], pods)
    reasons = {
        _name(node): reason for node in nodes if (reason := _why_no_probes(node, parameters, check_mode=check_mode))
    }
    with ExitStack() as stack:
        probed = [node for node in nodes if _name(node) not in reasons]
        probes: dict[str, NodeProbes] = {}
        if probed:
            try:
                probes = stack.enter_context(open_probes(cluster, probed, _settings(parameters), deadline))
            except PodnetError as error:
                reasons.update((_name(node), str(error)) for node in probed)
        probes.update((node, NodeProbes(reason, reason)) for node, reason in reasons.items())
        shells = _shells(stack, cluster, nodes, probes, parameters, deadline)
        unmeasured = _why_nothing_measured(parameters, check_mode=check_mode)
        return _take(cluster, nodes, probes, shells, parameters, pairs, unmeasured, deadline)


def _why_no_probes(node: Object, parameters: Mapping[str, Any], *, check_mode: bool) -> str | None:
    if unmeasured := _why_nothing_measured(parameters, check_mode=check_mode):
        return unmeasured
    if node["status"].get("nodeInfo", {}).get("operatingSystem", "linux") != "linux":
        return "its operating system is not Linux"
    if not api_pods.node_is_ready(node):
        return "the node is not ready"
    return "the node is cordoned" if node["spec"].get("unschedulable") else None


def _why_nothing_measured(parameters: Mapping[str, Any], *, check_mode: bool) -> str | None:
    if check_mode:
        return "check mode makes no probe pods"
    return None if parameters["probe"] else "no probe pods were asked for (probe: false)"


def _settings(parameters: Mapping[str, Any]) -> Settings:
    return Settings(
        image=parameters["probe_image"],
        namespace=parameters["probe_namespace"],
        pull_secrets=parameters["probe_pull_secrets"],
        labels=options.labels(parameters["probe_labels"], "the probe pods"),
        annotations=options.labels(parameters["probe_annotations"], "the probe pods"),
    )


def _shells(
    stack: ExitStack,
    cluster: Cluster,
    nodes: Sequence[Object],
    probes: Mapping[str, NodeProbes],
    parameters: Mapping[str, Any],
    deadline: Deadline,
) -> Mapping[str, NodeShell]:
    if parameters["access"] != "probe_pod":
        return stack.enter_context(open_nodes(cluster, nodes, deadline, **options.node_access(parameters)))
    shells = {}
    for name, found in probes.items():
        host = found.on_host
        if isinstance(host, str):
            shells[name] = NodeShell(name, {}, {"probe_pod": host})
        else:
            shells[name] = NodeShell(name, {"probe_pod": partial(pod_exec.run, cluster, host.pod)})
    return shells


def _take(
    cluster: Cluster,
    nodes: Sequence[Object],
    probes: Mapping[str, NodeProbes],
    shells: Mapping[str, NodeShell],
    parameters: Mapping[str, Any],
    pairs: Sequence[Pair],
    unmeasured: str | None,
    deadline: Deadline,
) -> Snapshot:
    dns_name, outside = parameters["dns_name"], parameters["outside"]
    before = cluster.list(path("pods"))["items"]
    whole = read_cluster(cluster, nodes, before, dns_name=dns_name, outside=outside)
    node_records, pod_records = [_node(node) for node in nodes], [_pod(pod) for pod in before]
    at = [
        ProbeAt(name, on_host, probe)
        for name, found in probes.items()
        for on_host, probe in ((False, found.in_pod_network), (True, found.on_host))
        if not isinstance(probe, str)
    ]
    legs = legs_of(pairs, cluster.name, node_records, pod_records)
    name_servers = [whole.dns_address] if whole.dns_address and dns_name else []
    from_nodes = [(leg.start, leg.address) for leg in legs if leg.source.pod is None]
    wishes = plan(at, pod_records, outside, name_servers, from_nodes)
    # What hangs is given up early enough for the rest to be told.
    deadline = deadline.within(deadline.remaining("reading the API") * _SHARE)
    work: list[Callable[[], Measured | NodeOutput]] = [
        *(partial(place.probe.measure, wishes[place.probe.name], dns_name, deadline) for place in at),
        *(partial(read_node, shells[node.name], deadline) for node in node_records),
    ]
    outcomes: list[Any] = items.side_by_side(lambda job: job(), work)
    targets = _targets(node_records, pod_records)
    records = _probe_records(at, outcomes, targets, dns_name)
    insides = look_inside(cluster, before, records.values(), legs, deadline)
    if unmeasured is None:
        insides = measure(cluster, before, insides, legs, targets, deadline)
    else:
        unread = {"pings": unmeasured, "traceroutes": unmeasured}
        insides = {key: replace(inside, unread={**inside.unread, **unread}) for key, inside in insides.items()}
    with cluster.more_time():
        pods = _seen_twice(before, cluster.list(path("pods"))["items"])
    return Snapshot(
        whole,
        tuple(
            _node_snapshot(
                node, [pod for pod in pods if pod.node == node.name], output, probes[node.name], records, insides
            )
            for node, output in zip(node_records, outcomes[len(at) :], strict=True)
        ),
    )


def _targets(nodes: Iterable[Node], pods: Iterable[Pod]) -> dict[str, str]:
    """Address -> the pod or the node that has it, as measurements name their targets."""
    return {
        **{address: pod.key for pod in pods if not pod.host_network for address in pod.ips},
        **{address: node.name for node in nodes for address in node.addresses},
    }


def _probe_records(
    at: Sequence[ProbeAt], outcomes: Sequence[Any], targets: Mapping[str, str], dns_name: str
) -> dict[str, ProbeRecords]:
    records = {place.probe.name: ProbeRecords(place.probe.key) for place in at}
    for place, outcome in zip(at, outcomes, strict=False):
        if isinstance(outcome, PodnetError):
            records[place.probe.name].unread["measurements"] = str(outcome)
        else:
            add_measured(records, place.probe.name, outcome, targets, place.probe.port, dns_name)
    return records


def _node_snapshot(
    node: Node,
    pods: Sequence[Pod],
    output: NodeOutput,
    probes: NodeProbes,
    records: Mapping[str, ProbeRecords],
    insides: Mapping[str, PodInside],
) -> NodeSnapshot:
    unread = dict(output.unread)
    found: dict[str, Probe] = {}
    for name, probe in (("probe", probes.in_pod_network), ("host_probe", probes.on_host)):
        if isinstance(probe, str):
            unread[name] = probe
        else:
            found[name] = records[probe.name].record()
    return NodeSnapshot(
        node=node,
        pods=tuple(pods),
        access=output.access,
        printed=output.printed,
        sysctls=output.sysctls,
        insides=tuple(insides[pod.key] for pod in pods if pod.key in insides),
        unread=unread,
        **found,
    )


# --- the API's objects as records ---------------------------------------------------------------------------------------


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])


def _node(node: Object) -> Node:
    return replace(
        node_record(node),
        ready=api_pods.node_is_ready(node),
        schedulable=not node["spec"].get("unschedulable", False),
        age=_age(node),
    )


def _pod(pod: Object) -> Pod:
    return replace(
        pod_record(pod),
        ready=api_pods.is_ready(pod),
        deleting="deletionTimestamp" in pod["metadata"],
        age=_age(pod),
        labels=pod["metadata"].get("labels") or {},
    )


def _age(item: Object) -> int:
    created = datetime.fromisoformat(item["metadata"]["creationTimestamp"])
    return max(int((now() - created).total_seconds()), 0)


def _seen_twice(before: Sequence[Object], after: Sequence[Object]) -> list[Pod]:
    """The pods, listed before and after the tables were read: one that came or went in between is not blamed for them."""
    first = {pod["metadata"]["uid"]: _pod(pod) for pod in before}
    pods = []
    for item in after:
        pod, earlier = _pod(item), first.pop(item["metadata"]["uid"], None)
        pods.append(replace(pod, ready=pod.ready and earlier is not None and earlier.ready))
    return pods + [replace(pod, ready=False, deleting=True) for pod in first.values()]
