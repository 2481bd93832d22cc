# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods that are to be there, or not. Private to the collection: it may change at any time.

What a pod is to be is a definition as the API takes it; the shorthand fields of an item make one. A pod carries the digest
of the definition that it was made from: the server fills in and rewrites fields ("0.1" CPUs become "100m"), so the definition
cannot be found again in the pod itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConflictError,
    DeadlineError,
    InputError,
    NotFoundError,
    NotOursError,
    PodnetError,
    PodNotReadyError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import pod_result

_SHORTHAND = ("image", "command", "node", "node_selector", "labels", "host_network")
_METADATA = ("labels", "annotations")  # all of a pod that may change without a new one
_DIGEST = "kubelab.podnet/definition"


@dataclass
class _Pod:
    """A pod on its way from what is there to what is wanted: objects of the API, empty where there is to be none."""

    namespace: str
    name: str
    wanted: Object
    before: Object = field(default_factory=dict)
    after: Object = field(default_factory=dict)
    action: str = "none"  # none, create, update, replace, delete
    error: PodnetError | None = None

    def is_changed(self, *, check_mode: bool) -> bool:
        """Whether anything was done, or in check mode is to be done: what failed on the way may have been done in part."""
        return self.action != "none" and (check_mode or self.before != self.after)

    @property
    def path(self) -> str:
        return path("pods", self.name, self.namespace)


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    present = parameters["state"] == "present"
    plan = [_planned(item, parameters["namespace"], present=present) for item in parameters["pods"]]
    items.refuse_duplicates("pods", [f"pod {pod.namespace}/{pod.name}" for pod in plan])
    cluster, deadline = options.connect(parameters)
    with cluster:
        _attempt(plan, lambda pod: _decide(cluster, pod))
        if not task.check_mode:
            _carry_out(cluster, plan, deadline, wait=parameters["wait"])
    changed = [pod for pod in plan if pod.is_changed(check_mode=task.check_mode)]
    return items.answer(
        "pods",
        [_result(pod, changed=pod in changed) for pod in plan],
        lambda result: f"pod {result['namespace']}/{result['name']}",
        changed=bool(changed),
        diff={
            "before": {f"{pod.namespace}/{pod.name}": _before(pod) for pod in changed},
            "after": {f"{pod.namespace}/{pod.name}": pod.wanted for pod in changed},
        },
    )


def _result(pod: _Pod, *, changed: bool) -> dict[str, Any]:
    known = pod.after or pod.before
    described = pod_result(known) if known and pod.wanted else {"namespace": pod.namespace, "name": pod.name}
    result = {**described, "action": pod.action, "changed": changed}
    if pod.error:
        result.update(items.failed(pod.error))
    return result


# --- what is wanted ----------------------------------------------------------------------------------------------------


def _planned(item: dict[str, Any], namespace: str, *, present: bool) -> _Pod:
    definition = item["definition"]
    if definition is not None:
        _check(definition)
        clash = [key for key in _SHORTHAND if item[key] is not None]
        if clash:
            raise InputError(
                f"definition says all of a pod: leave {', '.join(clash)} out, or put it into the definition"
            )
        metadata = definition.get("metadata") or {}
        name, namespace = item["name"] or metadata.get("name"), metadata.get("namespace") or namespace
    else:
        name = item["name"]
    namespace = item["namespace"] or namespace
    if not name:
        raise InputError("each item of pods needs a name, its own or that of its definition's metadata")
    if not present:
        return _Pod(namespace, name, {})
    wanted = _from_definition(definition, name, namespace) if definition else _from_shorthand(item, name, namespace)
    return _Pod(namespace, name, wanted)


def _check(definition: Object) -> None:
    """Refuse a definition whose metadata do not have the shape that they are read in."""
    metadata = definition.get("metadata") or {}
    for owner, key, kind in (
        (definition, "metadata", dict),
        (metadata, "name", str),
        (metadata, "namespace", str),
        (metadata, "labels", dict),
        (metadata, "annotations", dict),
    ):
        value = owner.get(key)
        if value is not None and not isinstance(value, kind):
            raise InputError(f"{key} of a definition must be a {kind.__name__}, not {value!r}")


def _from_definition(definition: Object, name: str, namespace: str) -> Object:
    metadata = definition.get("metadata") or {}
    body = {"apiVersion": "v1", "kind": "Pod", **definition}
    fixed = {**body, "metadata": {key: value for key, value in metadata.items() if key not in _METADATA}}
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True, default=str).encode()).hexdigest()
    body["metadata"] = {
        **metadata,
        "name": name,
        "namespace": namespace,
        "labels": {**(metadata.get("labels") or {}), **pods.MANAGED_BY},
        "annotations": {**(metadata.get("annotations") or {}), _DIGEST: digest},
    }
    return body


def _from_shorthand(item: dict[str, Any], name: str, namespace: str) -> Object:
    """The pod that ``kubectl run NAME --image=IMAGE -- COMMAND`` makes, but for a grace of one second.

    A sleep that is a container's first process ignores SIGTERM: with the usual grace its pod takes 30 s to go.
    """
    container = {"name": name, "image": item["image"] or "busybox", "imagePullPolicy": "IfNotPresent"}
    if item["command"]:
        container["args"] = [str(word) for word in item["command"]]
    spec: Object = {"containers": [container], "terminationGracePeriodSeconds": 1}
    if item["node"]:
        spec["nodeName"] = item["node"]
    if item["node_selector"]:
        spec["nodeSelector"] = options.labels(item["node_selector"], f"the node_selector of pod {namespace}/{name}")
    if item["host_network"]:
        spec["hostNetwork"] = True
    labels = {"run": name, **options.labels(item["labels"] or {}, f"pod {namespace}/{name}")}
    return _from_definition({"metadata": {"labels": labels}, "spec": spec}, name, namespace)


# --- what is to be done ------------------------------------------------------------------------------------------------


def _decide(cluster: Cluster, pod: _Pod) -> None:
    try:
        pod.before = cluster.get(pod.path)
    except NotFoundError:
        pod.action = "create" if pod.wanted else "none"
        return
    pod.after = pod.before
    if not pods.is_ours(pod.before):
        raise NotOursError(
            f"pod {pod.namespace}/{pod.name} is there already and was made by somebody else (it has no label "
            "app.kubernetes.io/managed-by=kubelab.podnet); choose another name, or delete it with kubectl"
        )
    if not pod.wanted:
        pod.action = "delete"
    elif _needs_a_new_pod(pod.before, pod.wanted):
        pod.action = "replace"
    elif not all(_metadata(pod.wanted, part).items() <= _metadata(pod.before, part).items() for part in _METADATA):
        pod.action = "update"


def _needs_a_new_pod(before: Object, wanted: Object) -> bool:
    return (
        pods.is_finished(before)
        or "deletionTimestamp" in before["metadata"]
        or _metadata(before, "annotations").get(_DIGEST) != _metadata(wanted, "annotations")[_DIGEST]
    )


def _metadata(pod: Object, part: str) -> dict[str, str]:
    return pod["metadata"].get(part) or {}


def _before(pod: _Pod) -> Object:
    """What a diff shows of the pod that is there: nothing of one that is to be created."""
    if pod.before and not pod.wanted:
        return pod_result(pod.before)
    shown: Object = _shown(pod.before, pod.wanted)
    return shown


def _shown(actual: Any, wanted: Any) -> Any:
    """Of what there is, the fields that the definition speaks of: the part that a diff is about."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return {key: _shown(actual[key], value) for key, value in wanted.items() if key in actual}
    return actual


# --- doing it ----------------------------------------------------------------------------------------------------------


def _carry_out(cluster: Cluster, plan: list[_Pod], deadline: Deadline, *, wait: bool) -> None:
    leaving = [pod for pod in plan if pod.action in ("delete", "replace") and not pod.error]
    _attempt(leaving, lambda pod: _delete(cluster, pod))
    _wait_until_gone(cluster, [pod for pod in leaving if not pod.error and (wait or pod.wanted)], deadline)
    _attempt(
        [pod for pod in plan if pod.action in ("create", "replace") and not pod.error],
        lambda pod: _create(cluster, pod),
    )
    _attempt([pod for pod in plan if pod.action == "update" and not pod.error], lambda pod: _update(cluster, pod))
    if wait:
        _wait_until_ready(cluster, [pod for pod in plan if pod.wanted and not pod.error], deadline)


def _attempt(plan: list[_Pod], work: Any) -> None:
    for pod, outcome in zip(plan, items.side_by_side(work, plan), strict=True):
        if isinstance(outcome, PodnetError):
            pod.error = outcome


def _delete(cluster: Cluster, pod: _Pod) -> None:
    with suppress(NotFoundError):
        cluster.delete(pod.path)
    pod.after = {}


def _create(cluster: Cluster, pod: _Pod) -> None:
    try:
        pod.after = cluster.create(path("pods", namespace=pod.namespace), pod.wanted)
    except NotFoundError as error:
        raise NotFoundError(
            f"pod {pod.namespace}/{pod.name} cannot be created: namespace {pod.namespace} does not exist; create it first "
            f"(kubectl create namespace {pod.namespace})",
            error.status,
            error.reason,
        ) from error
    except ConflictError as error:
        raise ConflictError(
            f"pod {pod.namespace}/{pod.name} was created by somebody else in this moment; run the task again",
            error.status,
            error.reason,
        ) from error


def _update(cluster: Cluster, pod: _Pod) -> None:
    pod.after = cluster.merge(pod.path, {"metadata": {part: _metadata(pod.wanted, part) for part in _METADATA}})


def _wait_until_gone(cluster: Cluster, plan: list[_Pod], deadline: Deadline) -> None:
    for namespace, group in _by_namespace(plan).items():

        def is_gone(name: str, now: Object | None, group: dict[str, _Pod] = group) -> bool:
            return now is None or now["metadata"]["uid"] != group[name].before["metadata"]["uid"]

        for name, now in _waited(cluster, namespace, group, is_gone, deadline).items():
            group[name].after = now or {}
            if now and not is_gone(name, now):
                holds = ", ".join(now["metadata"].get("finalizers", ())) or "its kubelet has not ended it"
                group[name].error = DeadlineError(
                    f"pod {namespace}/{name} was still there after {deadline.seconds:g} seconds ({holds}); give the task a "
                    "longer timeout, or look at its node"
                )


def _wait_until_ready(cluster: Cluster, plan: list[_Pod], deadline: Deadline) -> None:
    for namespace, group in _by_namespace(plan).items():
        seen = _waited(cluster, namespace, group, pods.is_settled, deadline)
        for name, now in seen.items():
            group[name].after = now or {}
        with cluster.more_time():
            _attempt([group[name] for name in seen], lambda pod: _judge(cluster, pod))


def _waited(
    cluster: Cluster,
    namespace: str,
    group: dict[str, _Pod],
    settled: Callable[[str, Object | None], bool],
    deadline: Deadline,
) -> dict[str, Object | None]:
    """The pods of a namespace after waiting for them; none, and the error in each, where waiting itself failed."""
    try:
        return pods.wait(cluster, namespace, group, settled, deadline)
    except PodnetError as error:
        for pod in group.values():
            pod.error = error
        return {}


def _judge(cluster: Cluster, pod: _Pod) -> None:
    if not pod.after:
        raise PodNotReadyError(
            f"pod {pod.namespace}/{pod.name} was deleted while it was waited for; run the task again"
        )
    if not pods.is_ready(pod.after):
        raise PodNotReadyError(pods.why_not_ready(cluster, pod.after))


def _by_namespace(plan: list[_Pod]) -> dict[str, dict[str, _Pod]]:
    groups: dict[str, dict[str, _Pod]] = {}
    for pod in plan:
        groups.setdefault(pod.namespace, {})[pod.name] = pod
    return groups


OPERATION = Operation(
    options={
        "pods": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str"},
                "namespace": {"type": "str"},
                "image": {"type": "str"},
                "command": {"type": "list", "elements": "str"},
                "node": {"type": "str"},
                "node_selector": {"type": "dict"},
                "labels": {"type": "dict"},
                "host_network": {"type": "bool"},
                "definition": {"type": "dict"},
            },
        },
        "namespace": {"type": "str", "default": "default"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "wait": {"type": "bool", "default": True},
        **options.timeout(120),
        **options.CLUSTER,
    },
    run=_run,
)
