# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent pod of each node: the way to run commands on the node itself."""

from __future__ import annotations

from typing import Any

from netns_cluster.api.objects import generated_name
from netns_cluster.api.pods import with_defaults
from netns_cluster.api.store import Store
from netns_cluster.images import NODE_IMAGE

Object = dict[str, Any]

_LABELS = {"app.kubernetes.io/name": "netns-node", "k8s-app": "netns-node"}
_AGENT_OF = "netns_cluster/agent-of"


class AgentController:
    """Keeps a pod ``netns-node`` on each node, like a daemon set: the way to run commands on the node itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        revision = self._store.revision
        for node in self._store.objects("nodes"):
            self._create(node["metadata"]["name"])
        async for change in self._store.changes(revision):
            if (
                change.resource == "pods"
                and change.removed
                and _AGENT_OF in (change.object["metadata"].get("annotations") or {})
            ):
                self._create(change.object["spec"]["nodeName"])

    def _create(self, node: str) -> None:
        container = {"name": "netns-node", "image": NODE_IMAGE, "command": ["sleep", "2147483647"]}
        spec = {"nodeName": node, "hostNetwork": True, "tolerations": [{"operator": "Exists"}]}
        spec |= {
            "containers": [container | {"imagePullPolicy": "IfNotPresent", "securityContext": {"privileged": True}}]
        }
        metadata = {"name": generated_name("netns-node-"), "namespace": "kube-system", "labels": _LABELS}
        metadata |= {"annotations": {_AGENT_OF: node}}
        self._store.create(
            "pods", with_defaults({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec})
        )
