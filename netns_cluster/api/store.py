# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of the cluster, and what changed when.

Objects are plain JSON. A stored object is never modified: an update stores another one. Each change gets the next revision,
which is the object's resourceVersion, and stands in a history of limited length, from which watches are served and older states
told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace (empty for cluster-wide resources) and name; the order of lists."""

HISTORY_LENGTH = 4096


class AlreadyStoredError(Exception):
    """An object of that name is there."""


class NotStoredError(Exception):
    """No object of that name is there."""


class HistoryLostError(Exception):
    """The history does not reach back to the revision asked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """``object`` is as it is now, for a removed one as it was last; ``previous`` is None for a new one."""

    revision: int
    resource: str
    key: Key
    object: Object
    previous: Object | None
    removed: bool = False


def timestamp(moment: datetime | None = None) -> str:
    """Return a moment, by default this one, as the API writes it: 2026-11-23T07:31:28Z."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


class Store:
    """The one place where objects are."""

    def __init__(self, history_length: int = HISTORY_LENGTH) -> None:
        self.revision = 0
        self._objects: dict[str, dict[Key, Object]] = {}
        self._history: list[Change] = []  # revisions without a gap, the oldest first
        self._history_length = history_length
        self._changed = asyncio.Event()

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def objects(self, resource: str, namespace: str | None = None) -> list[Object]:
        """Return objects in the order of their keys, of one namespace or of all."""
        items = self._objects.get(resource, {})
        return [items[key] for key in sorted(items) if namespace is None or key[0] == namespace]

    def objects_at(self, resource: str, revision: int) -> list[Object]:
        """Return all objects of a resource as they were; raises :class:`HistoryLostError`."""
        items = dict(self._objects.get(resource, {}))
        for change in reversed(self._since(revision)):
            if change.resource != resource:
                continue
            if change.previous is None:
                items.pop(change.key, None)
            else:
                items[change.key] = change.previous
        return [items[key] for key in sorted(items)]

    def create(self, resource: str, obj: Object) -> Object:
        """Store a new object with a uid, a creation time and a resourceVersion; raises :class:`AlreadyStoredError`."""
        key = key_of(obj)
        if key in self._objects.get(resource, {}):
            raise AlreadyStoredError(key[1])
        metadata = {**obj["metadata"], "uid": str(uuid4()), "creationTimestamp": timestamp()}
        return self._put(resource, key, {**obj, "metadata": metadata}, None)

    def update(self, resource: str, obj: Object) -> Object:
        """Replace an object unless it is the same; raises :class:`NotStoredError`."""
        key = key_of(obj)
        previous = self._objects.get(resource, {}).get(key)
        if previous is None:
            raise NotStoredError(key[1])
        if obj == previous:
            return previous
        return self._put(resource, key, obj, previous)

    def delete(self, resource: str, name: str, namespace: str = "") -> Object:
        """Remove an object and return its last state; raises :class:`NotStoredError`."""
        previous = self._objects.get(resource, {}).pop((namespace, name), None)
        if previous is None:
            raise NotStoredError(name)
        last = {**previous, "metadata": {**previous["metadata"], "resourceVersion": str(self.revision + 1)}}
        self._record(resource, (namespace, name), last, previous, removed=True)
        return last

    async def changes(self, after: int) -> AsyncIterator[Change]:
        """Yield what changed after a revision, for ever; raises :class:`HistoryLostError`."""
        while True:
            changed = self._changed
            for change in self._since(after):
                yield change
                after = change.revision
            if after == self.revision:
                await changed.wait()

    def check_history(self, revision: int) -> None:
        """Raise :class:`HistoryLostError` when changes after the revision are not known any more."""
        self._since(revision)

    def _put(self, resource: str, key: Key, obj: Object, previous: Object | None) -> Object:
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision + 1)}}
        self._objects.setdefault(resource, {})[key] = obj
        self._record(resource, key, obj, previous)
        return obj

    def _record(self, resource: str, key: Key, obj: Object, previous: Object | None, *, removed: bool = False) -> None:
        self.revision += 1
        self._history.append(Change(self.revision, resource, key, obj, previous, removed))
        if len(self._history) >= 2 * self._history_length:
            del self._history[: -self._history_length]
        self._changed.set()
        self._changed = asyncio.Event()

    def _since(self, revision: int) -> list[Change]:
        wanted = self.revision - revision
        if wanted > len(self._history):
            raise HistoryLostError(f"{revision} is too old")
        return self._history[len(self._history) - wanted :] if wanted > 0 else []
