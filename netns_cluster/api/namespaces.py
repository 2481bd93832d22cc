# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API does with a namespace that a client writes."""

from __future__ import annotations

from typing import Any

from netns_cluster.api import validation
from netns_cluster.api.errors import invalid

Object = dict[str, Any]

SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")
"""Every cluster has them, and they may not be deleted."""


def with_defaults(namespace: Object) -> Object:
    metadata = namespace["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    spec, status = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
    return {**namespace, "metadata": {**metadata, "labels": labels}, "spec": spec, "status": status}


def validate(namespace: Object) -> None:
    """Raise a 422 that names everything that is wrong with a new namespace."""
    metadata = namespace["metadata"]
    causes = validation.check_label("metadata.name", metadata["name"]) + validation.check_metadata(metadata)
    if causes:
        raise invalid("Namespace", metadata["name"], causes)
