# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API's objects as the records and results of this collection. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Object
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Node, Pod


def node_record(node: Object) -> Node:
    """A node as the network sees it."""
    spec = node["spec"]
    return Node(
        name=node["metadata"]["name"],
        addresses=tuple(
            item["address"] for item in node["status"].get("addresses", ()) if item["type"] == "InternalIP"
        ),
        pod_cidrs=tuple(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])),
    )


def pod_record(pod: Object) -> Pod:
    """A pod as the network sees it."""
    return Pod(
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName"),
        ips=tuple(item["ip"] for item in pod["status"].get("podIPs", ())),
        host_network=bool(pod["spec"].get("hostNetwork")),
        phase=pod["status"].get("phase", "Unknown"),
    )


def pod_result(pod: Object) -> dict[str, Any]:
    """A pod as a module returns it; the keys are those that docs of the module pod_info list."""
    record = pod_record(pod)
    return {
        "namespace": record.namespace,
        "name": record.name,
        "node": record.node,
        "ip": record.ips[0] if record.ips else None,
        "ips": list(record.ips),
        "host_ip": pod["status"].get("hostIP"),
        "host_network": record.host_network,
        "phase": record.phase,
        "ready": pods.is_ready(pod),
        "labels": dict(pod["metadata"].get("labels") or {}),
        "images": [container["image"] for container in pod["spec"]["containers"]],
    }
