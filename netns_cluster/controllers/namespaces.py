# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces: a service account in each new one, and the end of all that is in a deleted one."""

from __future__ import annotations

import contextlib
from typing import Any

from netns_cluster.api import objects
from netns_cluster.api.resources import RESOURCES, Target
from netns_cluster.api.store import NotStoredError, Store

Object = dict[str, Any]

_CONTENTS = ("events", "serviceaccounts", "services")


class NamespaceController:
    """Follows namespaces, and the pods that a terminating one waits for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        async for change in self._store.changes(0):
            namespace = change.key[1] if change.resource == "namespaces" else change.key[0]
            if change.resource == "namespaces" and change.previous is None:
                self._create_account(namespace)
            if change.resource in ("namespaces", "pods") and self._terminating(namespace):
                self._empty(namespace)

    def _create_account(self, namespace: str) -> None:
        if self._store.get("namespaces", namespace) and not self._store.get("serviceaccounts", "default", namespace):
            metadata = {"name": "default", "namespace": namespace}
            self._store.create("serviceaccounts", {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata})

    def _terminating(self, name: str) -> bool:
        namespace = self._store.get("namespaces", name)
        return namespace is not None and "deletionTimestamp" in namespace["metadata"]

    def _empty(self, name: str) -> None:
        """Delete the pods with the time that they ask for; when none is left, the rest and the namespace."""
        pods = self._store.objects("pods", name)
        for pod in pods:
            if "deletionTimestamp" not in pod["metadata"]:
                target = Target(RESOURCES["", "pods"], name, pod["metadata"]["name"])
                objects.delete(self._store, target, {}, dry_run=False)
        if self._store.objects("pods", name):
            return
        for resource in _CONTENTS:
            for obj in self._store.objects(resource, name):
                self._store.delete(resource, obj["metadata"]["name"], name)
        with contextlib.suppress(NotStoredError):
            self._store.delete("namespaces", name)
