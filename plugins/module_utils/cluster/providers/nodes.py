# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes of a cluster, for the result. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

_CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"


def node_records(nodes: Iterable[Object]) -> list[Object]:
    """Return ``{name, role, addresses}`` of each Node of the API."""
    return [
        {
            "name": node["metadata"]["name"],
            "role": "control-plane" if _CONTROL_PLANE_LABEL in node["metadata"]["labels"] else "worker",
            "addresses": [entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"],
        }
        for node in nodes
    ]
