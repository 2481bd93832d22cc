# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Labels of nodes: added, changed, removed. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, path
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConflictError,
    NotFoundError,
    PodnetError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task


def _run(task: Task) -> dict[str, Any]:
    wanted = task.parameters["nodes"]
    items.refuse_duplicates("nodes", [f"node {node['name']}" for node in wanted])
    cluster, _deadline = options.connect(task.parameters)
    with cluster:
        outcomes = items.side_by_side(lambda node: _label(cluster, node["name"], _values(node, task), task), wanted)
    results = []
    diff: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for node, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, PodnetError):
            results.append({"name": node["name"], "changed": False, **items.failed(outcome)})
        else:
            before, after = outcome
            results.append({"name": node["name"], "changed": before != after, "labels": after})
            if before != after:
                diff["before"][node["name"]], diff["after"][node["name"]] = before, after
    changed = any(result["changed"] for result in results)
    return items.answer("nodes", results, lambda result: f"node {result['name']}", changed=changed, diff=diff)


def _values(node: dict[str, Any], task: Task) -> dict[str, str | None]:
    """What each label is to be; None where it is not to be there."""
    if task.parameters["state"] == "absent":
        return dict.fromkeys(map(str, node["labels"]))
    return {**options.labels(node["labels"], f"node {node['name']}")}


def _label(
    cluster: Cluster, name: str, wanted: dict[str, str | None], task: Task
) -> tuple[dict[str, str], dict[str, str]]:
    """Bring one node's labels to what is wanted, and return those of the named keys as they were and as they are."""
    try:
        labels = cluster.get(path("nodes", name))["metadata"].get("labels") or {}
    except NotFoundError as error:
        raise NotFoundError(
            f"node {name} is not in the cluster {cluster.name} ({_known_nodes(cluster)})", error.status, error.reason
        ) from error
    before = {key: labels[key] for key in wanted if key in labels}
    change = {key: value for key, value in wanted.items() if labels.get(key) != value}
    for key, value in change.items():
        if value is not None and key in labels and not task.parameters["overwrite"]:
            raise ConflictError(
                f"node {name} already has the label {key}={labels[key]}, which is to become {value}, and overwrite is false; "
                "set it to true, or choose another key",
                status=409,
                reason="Conflict",
            )
    if change and not task.check_mode:
        labels = cluster.merge(path("nodes", name), {"metadata": {"labels": change}})["metadata"].get("labels") or {}
    else:
        labels = {**labels, **change}
    return before, {key: labels[key] for key in wanted if labels.get(key) is not None}


def _known_nodes(cluster: Cluster) -> str:
    try:
        names = [node["metadata"]["name"] for node in cluster.list(path("nodes"))["items"]]
    except PodnetError:
        return "its nodes cannot be listed"
    return "nodes: " + ", ".join(names)


OPERATION = Operation(
    options={
        "nodes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "labels": {"type": "dict", "required": True},
            },
        },
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "overwrite": {"type": "bool", "default": True},
        **options.timeout(30),
        **options.CLUSTER,
    },
    run=_run,
)
