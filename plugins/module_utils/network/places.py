# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods, nodes and addresses as a user names them. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """One end of a probe or a pair, as it was asked for: ``kind`` is pod, node or address."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return self.reference if self.kind == "address" else f"{self.kind} {self.reference.removeprefix('node/')}"

    @property
    def reference(self) -> str:
        """The place in the notation in which users name it, whole."""
        return {"pod": f"{self.namespace}/{self.name}", "node": f"node/{self.name}"}.get(self.kind, self.name)


class Pair(NamedTuple):
    """Two places, to be explained how packets get from one to the other; the source is no address."""

    source: Place
    target: Place
