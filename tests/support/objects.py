"""Objects of the Kubernetes API for tests: small ones made to measure, and recorded ones."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_RECORDED = Path(__file__).parent / "recorded"

MANAGED_BY = {"app.kubernetes.io/managed-by": "kubelab.podnet"}


def recorded(name: str) -> Object:
    """What a real API server answered (kind, Kubernetes 1.34 with Calico 3.28): ``nodes``, ``pods``, ``events``, ``403``..."""
    content: Object = json.loads((_RECORDED / f"{name}.json").read_text())
    return content


def recorded_item(kind: str, name: str) -> Object:
    """One object of a recorded list: ``recorded_item("pods", "badimage")``."""
    whole = recorded(kind)
    item: Object = next(item for item in whole["items"] if item["metadata"]["name"] == name)
    return {"kind": whole["kind"].removesuffix("List"), "apiVersion": "v1", **item}


def namespace(name: str) -> Object:
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}


def node(name: str, *addresses: str, labels: dict[str, str] | None = None, provider_id: str = "") -> Object:
    """A node that is ready, with its InternalIPs."""
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels or {}},
        "spec": {"providerID": provider_id} if provider_id else {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address} for address in addresses]
            + [{"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(
    name: str,
    *addresses: str,
    node: str | None = None,
    namespace: str = "default",
    labels: dict[str, str] | None = None,
    host_network: bool = False,
) -> Object:
    """A pod that is ready when it has addresses, and pending when it has none."""
    made: Object = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{namespace}-{name}", "labels": labels or {}},
        "spec": {"containers": [{"name": name, "image": "busybox"}]},
        "status": {"phase": "Pending"},
    }
    if node:
        made["spec"]["nodeName"] = node
    if host_network:
        made["spec"]["hostNetwork"] = True
    return ready(made, *addresses) if addresses else made


def ready(pod: Object, *addresses: str) -> Object:
    """The same pod as it runs on its node; its address is computed from its name where none is given."""
    made = deepcopy(pod)
    made["spec"].setdefault("nodeName", "demo-worker")
    digest = hashlib.sha256(made["metadata"]["name"].encode()).digest()
    addresses = addresses or (f"192.168.{digest[0]}.{digest[1]}",)
    made["status"] = {
        "phase": "Running",
        "podIP": addresses[0],
        "podIPs": [{"ip": address} for address in addresses],
        "hostIP": "172.18.0.4",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "ready": True,
                "restartCount": 0,
                "state": {"running": {}},
            }
            for container in made["spec"]["containers"]
        ],
    }
    return made


def with_status_of(recorded_pod: Object, pod: Object) -> Object:
    """The pod in the state that another one was recorded in."""
    made = deepcopy(pod)
    made["status"] = deepcopy(recorded_pod["status"])
    made["spec"]["nodeName"] = recorded_pod["spec"].get("nodeName")
    return made


def event(pod: Object, reason: str, message: str | None) -> Object:
    """A warning about a pod."""
    made: Object = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": f"{pod['metadata']['name']}.{reason}", "namespace": pod["metadata"]["namespace"]},
        "involvedObject": {"kind": "Pod", "uid": pod["metadata"].get("uid")},
        "type": "Warning",
        "reason": reason,
    }
    return made if message is None else {**made, "message": message}
