# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a cluster, as plain records. Private to the collection: it may change at any time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A node: ``addresses`` are its InternalIPs, ``pod_cidrs`` what its spec carries (not every CNI uses them)."""

    name: str
    addresses: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod: ``node`` is None before it is scheduled, ``ips`` is empty before its network is set up."""

    namespace: str
    name: str
    node: str | None = None
    ips: tuple[str, ...] = ()
    host_network: bool = False
    phase: str = "Running"

    @property
    def key(self) -> str:
        """``namespace/name``, as results and messages name a pod."""
        return f"{self.namespace}/{self.name}"
