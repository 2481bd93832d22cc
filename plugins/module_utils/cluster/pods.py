# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods as the API server tells of them: what state they are in, why they are not ready, and waiting for a state.

Private to the collection: it may change at any time. Pods, nodes and events are the API's own objects, as dicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ApiError,
    ConnectionFailedError,
    DeadlineError,
    PodnetError,
)

MANAGED_BY = {"app.kubernetes.io/managed-by": "kubelab.podnet"}

_PAUSE_SECONDS = 1.0  # before a watch that came to its end is begun anew
# A kubelet that says so has tried more than once: waiting on would only take the time.
_HOPELESS = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
}
_IMAGE_REASONS = {"ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"}


def is_ours(pod: Object) -> bool:
    """Whether this collection made the pod; only then may it remove or replace it."""
    return MANAGED_BY.items() <= (pod["metadata"].get("labels") or {}).items()


def is_ready(pod: Object) -> bool:
    """Whether the pod runs, has an address and is not on its way out."""
    conditions = {item["type"]: item["status"] for item in pod["status"].get("conditions", ())}
    return (
        conditions.get("Ready") == "True"
        and bool(pod["status"].get("podIP"))
        and "deletionTimestamp" not in pod["metadata"]
    )


def is_finished(pod: Object) -> bool:
    """Whether all its containers ended for good: such a pod has no network any more."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def is_hopeless(pod: Object) -> bool:
    """Whether it will not get ready by waiting."""
    return is_finished(pod) or any(item.get("reason") in _HOPELESS for item in _waiting(pod))


def is_settled(_name: str, pod: Object | None) -> bool:
    """Whether waiting for the pod to get ready has come to its end, one way or the other."""
    return pod is None or is_ready(pod) or is_hopeless(pod)


def wait(
    cluster: Cluster,
    namespace: str,
    names: Collection[str],
    settled: Callable[[str, Object | None], bool],
    deadline: Deadline,
    **selector: str,
) -> dict[str, Object | None]:
    """Watch the pods of a namespace until each named one is settled, or the deadline passes.

    One list and one watch serve all pods. Returns each pod as it was last seen, None for one that is not there; after the
    deadline some are not settled, which is for the caller to judge. Raises what ``Cluster`` raises.
    """
    url = path("pods", namespace=namespace)
    while True:
        with (
            cluster.more_time()
        ):  # also for pods whose turn comes when the time is over: they may have been ready long since
            listed = cluster.list(url, **selector)
        present = {pod["metadata"]["name"]: pod for pod in listed["items"]}
        seen = {name: present.get(name) for name in names}
        try:
            if _follow(cluster, url, listed["metadata"]["resourceVersion"], seen, settled, deadline, selector):
                return seen
            time.sleep(min(_PAUSE_SECONDS, deadline.remaining("waiting for pods")))
        except DeadlineError:
            return seen


def _follow(
    cluster: Cluster,
    url: str,
    resource_version: str,
    seen: dict[str, Object | None],
    settled: Callable[[str, Object | None], bool],
    deadline: Deadline,
    selector: Mapping[str, str],
) -> bool:
    """Keep ``seen`` up to date by a watch until all are settled; False when the watch came to its end before."""
    pending = {name for name, pod in seen.items() if not settled(name, pod)}
    if not pending:
        return True
    try:
        for event in cluster.watch(url, resource_version, deadline, **selector):
            name = event["object"]["metadata"]["name"]
            if name in seen:
                seen[name] = None if event["type"] == "DELETED" else event["object"]
                (pending.discard if settled(name, seen[name]) else pending.add)(name)
            if not pending:
                return True
    except ConnectionFailedError:
        pass  # watches get cut now and then; the next list tells whether the server is still there
    except ApiError as error:
        if error.status != 410:  # the server has forgotten the version that the watch started from
            raise
    return False


def why_not_ready(cluster: Cluster, pod: Object) -> str:
    """One sentence: why a pod is not ready and what to do, from its status, its events, the nodes and its log."""
    url = path("events", namespace=pod["metadata"]["namespace"])
    about = f"involvedObject.kind=Pod,involvedObject.uid={pod['metadata']['uid']}"
    events = _readable(lambda: cluster.list(url, fieldSelector=about)["items"])
    nodes = _readable(lambda: cluster.list(path("nodes"))["items"])
    log = _readable(lambda: _last_words(cluster, pod)) or ""
    return explain(pod, events or (), nodes or (), log)


def _last_words(cluster: Cluster, pod: Object) -> str:
    """The end of the log of the first container that ended and should not have: of its last run, or the one before."""
    for status in _container_statuses(pod):
        if status.get("ready"):
            continue
        has_ended = "terminated" in status.get("state", {})
        if has_ended or "terminated" in status.get("lastState", {}):
            url = f"{path('pods', pod['metadata']['name'], pod['metadata']['namespace'])}/log"
            which = {} if has_ended else {"previous": "true"}
            return cluster.text(url, container=status["name"], tailLines=3, limitBytes=1000, **which)
    return ""


def _readable(read: Callable[[], Any]) -> Any:
    """What a read gives, None where it is refused: an explanation makes do with what it may see."""
    try:
        return read()
    except PodnetError:
        return None


def explain(pod: Object, events: Iterable[Object], nodes: Iterable[Object], log: str = "") -> str:
    """The sentence of why_not_ready, from what was read: a pure function."""
    subject = f"pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
    warnings = [event for event in events if event.get("type") == "Warning"]
    if not pod["spec"].get("nodeName"):
        return f"{subject} is not scheduled: {_why_unscheduled(pod, warnings, list(nodes))}"
    subject += f" on {pod['spec']['nodeName']}"
    for status in _container_statuses(pod):
        reason = _why_container_waits(status, warnings, log)
        if reason:
            return f"{subject} is not ready: {reason}"
    if is_finished(pod):
        reason = pod["status"].get("reason") or pod["status"]["phase"]
        return f"{subject} has ended ({reason}); a pod that is to be used must run on"
    if "deletionTimestamp" in pod["metadata"]:
        return f"{subject} is being deleted; try again when it is gone"
    if warnings:
        return f"{subject} is not ready: {warnings[-1]['reason']}: {_message(warnings[-1])}".removesuffix(": ")
    known = {node["metadata"]["name"]: node for node in nodes}
    node = known.get(pod["spec"]["nodeName"])
    if known and not node:
        return f"{subject} is not ready: there is no such node (nodes: {', '.join(known)}); name one of them"
    if node and not node_is_ready(node):
        return f"{subject} is not ready: its node is not ready; see kubectl describe node {pod['spec']['nodeName']}"
    waiting = ", ".join(sorted({item.get("reason", "") for item in _waiting(pod)} - {""})) or "no reason is given"
    return f"{subject} is not ready ({waiting}); give it more time, or see kubectl describe pod"


def node_is_ready(node: Object) -> bool:
    """Whether the node's kubelet says that it is ready."""
    return any(item["type"] == "Ready" and item["status"] == "True" for item in node["status"].get("conditions", ()))


def _waiting(pod: Object) -> list[Object]:
    return [status["state"]["waiting"] for status in _container_statuses(pod) if "waiting" in status.get("state", {})]


def _container_statuses(pod: Object) -> list[Object]:
    return [*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ())]


def _message(event: Object) -> str:
    return event.get("message") or ""


def _why_unscheduled(pod: Object, warnings: list[Object], nodes: list[Object]) -> str:
    for key, value in (pod["spec"].get("nodeSelector") or {}).items():
        if nodes and not any((node["metadata"].get("labels") or {}).get(key) == value for node in nodes):
            names = ", ".join(node["metadata"]["name"] for node in nodes)
            return f"no node has the label {key}={value} (nodes: {names}); label one, or change the pod's node_selector"
    conditions = {item["type"]: item for item in pod["status"].get("conditions", ())}
    message = conditions.get("PodScheduled", {}).get("message")
    if not message and warnings:
        message = _message(warnings[-1])
    return message or "the scheduler has not said why; is it running? See kubectl -n kube-system get pods"


def _why_container_waits(status: Object, warnings: list[Object], log: str) -> str | None:
    waiting = status.get("state", {}).get("waiting", {})
    reason = waiting.get("reason")
    if reason in _IMAGE_REASONS:
        pulls = [_message(event) for event in warnings if _message(event).startswith("Failed to pull")]
        message = (pulls or [waiting.get("message", reason)])[-1]
        return (
            f"its image {status['image']} cannot be pulled: {message}; check the name, or load the image into the nodes"
        )
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
    if ended and not status.get("ready"):
        said = f": {' | '.join(log.strip().splitlines())}" if log.strip() else ""
        code = f"{ended['exitCode']} ({ended.get('reason', 'no reason')})"
        return f"its container {status['name']} ended with exit code {code}{said}; give it a command that runs on"
    if reason in _HOPELESS:
        return f"its container {status['name']} cannot be made: {waiting.get('message', reason)}"
    return None
