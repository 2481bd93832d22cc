# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scheduler: which node a pod goes to, and why to none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from netns_cluster.api.selectors import matches_requirement
from netns_cluster.api.store import Store, timestamp
from netns_cluster.controllers.events import EventLog, Source

Object = dict[str, Any]

_UNSCHEDULABLE = "node(s) were unschedulable"
_TAINTED = "node(s) had untolerated taint(s)"
_NO_MATCH = "node(s) didn't match Pod's node affinity/selector"
_FULL = "Too many pods"
_PREEMPTION = "no new claims to deallocate, preemption: 0/{count} nodes are available: {reasons}."
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_SOURCE = Source("default-scheduler")


def tolerates(pod: Object, taint: Object) -> bool:
    for toleration in pod["spec"].get("tolerations", []):
        same_effect = toleration.get("effect") in (None, "", taint["effect"])
        same_key = not toleration.get("key") or toleration["key"] == taint["key"]
        exists = toleration.get("operator", "Equal") == "Exists"
        if (
            same_effect
            and same_key
            and (exists or (toleration.get("key") and toleration.get("value", "") == taint.get("value", "")))
        ):
            return True
    return False


def matches_selector(pod: Object, node: Object) -> bool:
    """Judge nodeSelector and the required node affinity."""
    spec, labels = pod["spec"], node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_matches_term(term, node) for term in required.get("nodeSelectorTerms", []))


def _matches_term(term: Object, node: Object) -> bool:
    labels, fields = node["metadata"].get("labels") or {}, {"metadata.name": node["metadata"]["name"]}
    expressions = [(labels, one) for one in term.get("matchExpressions") or []]
    expressions += [(fields, one) for one in term.get("matchFields") or []]
    return bool(expressions) and all(
        matches_requirement(values, one["key"], one["operator"], one.get("values") or []) for values, one in expressions
    )


def obstacle(pod: Object, node: Object, pods_on_node: int) -> str | None:
    """Return why a node is not for a pod, in the order in which a real scheduler looks; None when it is."""
    spec = node["spec"]
    unschedulable = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    if spec.get("unschedulable") and not tolerates(pod, unschedulable):
        return _UNSCHEDULABLE
    taints = [taint for taint in spec.get("taints") or [] if taint["effect"] in ("NoSchedule", "NoExecute")]
    if not all(tolerates(pod, taint) for taint in taints):
        return _TAINTED
    if not matches_selector(pod, node):
        return _NO_MATCH
    return _FULL if pods_on_node >= int(node["status"]["allocatable"]["pods"]) else None


def explain(obstacles: list[str]) -> str:
    """Say why no node is available, as a real scheduler does, its finding about preemption included."""
    count = len(obstacles)
    reasons = ", ".join(sorted(f"{number} {reason}" for reason, number in Counter(obstacles).items()))
    preemption = Counter(_NO_VICTIMS if reason == _FULL else _NOT_HELPFUL for reason in obstacles)
    outcome = ", ".join(sorted(f"{number} {reason}" for reason, number in preemption.items()))
    return f"0/{count} nodes are available: {reasons}. {_PREEMPTION.format(count=count, reasons=outcome)}"


class Scheduler:
    """Assigns pods to nodes: to the one with the fewest pods among those that a pod may go to."""

    def __init__(self, store: Store, events: EventLog) -> None:
        self._store = store
        self._events = events

    async def run(self) -> None:
        """Look at each new pod once, at all waiting pods when a node changes or a pod goes."""
        async for change in self._store.changes(0):
            if change.resource == "pods" and change.previous is None:
                self._schedule(change.object)
            elif change.resource == "nodes" or (change.resource == "pods" and change.removed):
                for pod in self._store.objects("pods"):
                    self._schedule(pod)

    def _schedule(self, pod: Object) -> None:
        metadata = pod["metadata"]
        current = self._store.get("pods", metadata["name"], metadata["namespace"])
        if current is None or current["spec"].get("nodeName") or current["metadata"]["uid"] != metadata["uid"]:
            return
        if current["spec"]["schedulerName"] != "default-scheduler":
            return
        load = Counter(other["spec"].get("nodeName") for other in self._store.objects("pods") if _counts(other))
        nodes = self._store.objects("nodes")
        found = {node["metadata"]["name"]: obstacle(current, node, load[node["metadata"]["name"]]) for node in nodes}
        fitting = [name for name, why in found.items() if why is None]
        if fitting:
            self._bind(current, min(fitting, key=lambda name: (load[name], name)))
        else:
            self._refuse(current, explain([why for why in found.values() if why]))

    def _bind(self, pod: Object, node: str) -> None:
        status = {**pod["status"], "conditions": [_scheduled("True", pod)]}
        self._store.update("pods", {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": status})
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        self._events.record(_SOURCE, pod, "Normal", "Scheduled", f"Successfully assigned {name} to {node}")

    def _refuse(self, pod: Object, message: str) -> None:
        known = pod["status"].get("conditions", [])
        if known and known[0].get("message") == message:
            return
        condition = _scheduled("False", pod) | {"reason": "Unschedulable", "message": message}
        self._store.update("pods", {**pod, "status": {**pod["status"], "conditions": [condition]}})
        self._events.record(_SOURCE, pod, "Warning", "FailedScheduling", message)


def _counts(pod: Object) -> bool:
    return pod["status"].get("phase") not in ("Succeeded", "Failed")


def _scheduled(status: str, pod: Object) -> Object:
    times = {"lastProbeTime": None, "lastTransitionTime": timestamp()}
    generation = pod["metadata"]["generation"]
    return {"type": "PodScheduled", "status": status, "observedGeneration": generation, **times}
