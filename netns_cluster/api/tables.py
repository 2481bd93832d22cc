# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects as the tables that kubectl prints (meta.k8s.io/v1 Table), cell by cell as a real API server fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from netns_cluster.api.resources import Resource

Object = dict[str, Any]
NONE = "<none>"
UNKNOWN = "<unknown>"

_Column = tuple[str, str, int]  # name, description, priority: 1 is shown by -o wide only


def table(
    resource: Resource, items: Iterable[Object], metadata: Object, include: str, *, headers: bool = True
) -> Object:
    """Return a Table. ``include`` says what stands beside the cells: None, Metadata or Object."""
    columns, cells = _TABLES.get(resource.name, (_DEFAULT_COLUMNS, _default_cells))
    definitions = [
        {
            "name": name,
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": description,
            "priority": priority,
        }
        for name, description, priority in columns
    ]
    rows = []
    for item in items:
        row: Object = {"cells": cells(item)}
        if include == "Object":
            row["object"] = item
        elif include == "Metadata":
            row["object"] = partial_metadata(item)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions if headers else None,
        "rows": rows,
    }


def partial_metadata(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def human_duration(seconds: float) -> str:
    """Return a duration as kubectl prints ages (k8s.io/apimachinery, pkg/util/duration: HumanDuration)."""
    whole = int(seconds)
    minutes, hours = whole // 60, whole // 3600
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 24 * 8:
        return _two(hours // 24, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{hours // 24}d"
    years = hours // 24 // 365
    return _two(years, "y", hours // 24 % 365, "d") if years < 8 else f"{years}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")


def age(moment: str | None) -> str:
    """Return how long ago a timestamp of the API was."""
    if not moment:
        return UNKNOWN
    then = datetime.fromisoformat(moment)
    return human_duration((datetime.now(UTC) - then).total_seconds())


def pod_status(pod: Object) -> str:
    """Return the word under STATUS."""
    status = pod["status"]
    phase: str = status.get("phase", "Unknown")
    reason: str = status.get("reason") or phase
    running = False
    for container in reversed(status.get("containerStatuses", [])):
        state = container.get("state", {})
        terminated = state.get("terminated")
        if state.get("waiting", {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif terminated:
            reason = terminated.get("reason") or f"ExitCode:{terminated['exitCode']}"
        elif container.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
        reason = "Running" if ready else "NotReady"
    if pod["metadata"].get("deletionTimestamp") and phase not in ("Succeeded", "Failed"):
        reason = "Terminating"
    return reason


def _pod_restarts(pod: Object) -> str:
    containers = pod["status"].get("containerStatuses", [])
    restarts = sum(container["restartCount"] for container in containers)
    ends = [container.get("lastState", {}).get("terminated", {}).get("finishedAt") for container in containers]
    last = max(filter(None, ends), default=None)
    return f"{restarts} ({age(last)} ago)" if restarts and last else str(restarts)


def _pod_cells(pod: Object) -> list[Any]:
    containers = pod["status"].get("containerStatuses", [])
    ready = sum(1 for container in containers if container["ready"] and "running" in container["state"])
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(pod['spec']['containers'])}",
        pod_status(pod),
        _pod_restarts(pod),
        age(pod["metadata"]["creationTimestamp"]),
        pod["status"].get("podIP") or NONE,
        pod["spec"].get("nodeName") or NONE,
        NONE,
        NONE,
    ]


def _node_cells(node: Object) -> list[Any]:
    status, info = node["status"], node["status"]["nodeInfo"]
    ready = next((one["status"] for one in status["conditions"] if one["type"] == "Ready"), "Unknown")
    words = ["Ready" if ready == "True" else "NotReady"]
    if node["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key.removeprefix(prefix) for key in node["metadata"].get("labels", {}) if key.startswith(prefix))
    address = next((one["address"] for one in status["addresses"] if one["type"] == "InternalIP"), NONE)
    return [
        node["metadata"]["name"],
        ",".join(words),
        ",".join(roles) or NONE,
        age(node["metadata"]["creationTimestamp"]),
        info["kubeletVersion"],
        address,
        NONE,
        info["osImage"],
        info["kernelVersion"],
        info["containerRuntimeVersion"],
    ]


def _namespace_cells(namespace: Object) -> list[Any]:
    metadata = namespace["metadata"]
    return [metadata["name"], namespace["status"]["phase"], age(metadata["creationTimestamp"])]


def _event_cells(event: Object) -> list[Any]:
    involved = event["involvedObject"]
    count = event.get("count", 1)
    seen = age(event["lastTimestamp"])
    if count > 1:
        seen = f"{seen} (x{count} over {age(event['firstTimestamp'])})"
    source = event["source"]
    return [
        seen,
        event["type"],
        event["reason"],
        f"{involved['kind'].lower()}/{involved['name']}",
        involved.get("fieldPath", ""),
        ", ".join(filter(None, (source.get("component"), source.get("host")))),
        event["message"].strip(),
        age(event["firstTimestamp"]),
        count,
        event["metadata"]["name"],
    ]


def _service_cells(service: Object) -> list[Any]:
    spec = service["spec"]
    selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    return [
        service["metadata"]["name"],
        spec["type"],
        spec["clusterIP"],
        NONE,
        ",".join(f"{port['port']}/{port['protocol']}" for port in spec["ports"]),
        age(service["metadata"]["creationTimestamp"]),
        selector or NONE,
    ]


def _default_cells(obj: Object) -> list[Any]:
    return [obj["metadata"]["name"], age(obj["metadata"]["creationTimestamp"])]


_NAME: _Column = ("Name", "The object's name, unique in its namespace.", 0)
_AGE: _Column = ("Age", "How long ago the object was created.", 0)
_DEFAULT_COLUMNS: list[_Column] = [_NAME, _AGE]

_TABLES: dict[str, tuple[list[_Column], Callable[[Object], list[Any]]]] = {
    "pods": (
        [
            _NAME,
            ("Ready", "How many containers are ready, of how many.", 0),
            ("Status", "What the containers are doing.", 0),
            ("Restarts", "How often containers were started again, and when the last one was.", 0),
            _AGE,
            ("IP", "The pod's address.", 1),
            ("Node", "The node that the pod was assigned to.", 1),
            ("Nominated Node", "Always empty here: nothing is preempted.", 1),
            ("Readiness Gates", "Always empty here.", 1),
        ],
        _pod_cells,
    ),
    "nodes": (
        [
            _NAME,
            ("Status", "Whether the node takes pods.", 0),
            ("Roles", "The roles that the node's labels name.", 0),
            _AGE,
            ("Version", "The version of the node's agent.", 0),
            ("Internal-IP", "The node's address.", 1),
            ("External-IP", "Always empty here.", 1),
            ("OS-Image", "What the node is.", 1),
            ("Kernel-Version", "The kernel of the machine.", 1),
            ("Container-Runtime", "What runs the containers.", 1),
        ],
        _node_cells,
    ),
    "namespaces": ([_NAME, ("Status", "Active, or Terminating.", 0), _AGE], _namespace_cells),
    "events": (
        [
            ("Last Seen", "When this happened last.", 0),
            ("Type", "Normal or Warning.", 0),
            ("Reason", "What happened, in one word.", 0),
            ("Object", "What it happened to.", 0),
            ("Subobject", "Which part of it.", 1),
            ("Source", "Who says so.", 1),
            ("Message", "What happened.", 0),
            ("First Seen", "When this happened first.", 1),
            ("Count", "How often this happened.", 1),
            ("Name", "The event's name.", 1),
        ],
        _event_cells,
    ),
    "services": (
        [
            _NAME,
            ("Type", "How the service is reached.", 0),
            ("Cluster-IP", "The service's address.", 0),
            ("External-IP", "Always empty here.", 0),
            ("Port(s)", "The service's ports.", 0),
            _AGE,
            ("Selector", "Which pods serve it.", 1),
        ],
        _service_cells,
    ),
}
