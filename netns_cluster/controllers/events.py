# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events: what the cluster says about its objects. The same thing said again raises the count of the first one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from netns_cluster.api.store import Store, timestamp

Object = dict[str, Any]

LIFETIME = timedelta(hours=1)
_EXPIRY_INTERVAL = 300.0


@dataclass(frozen=True)
class Source:
    """Who says something: a component, on a node or on none."""

    component: str
    host: str = ""


class EventLog:
    """Writes events and removes them after an hour."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}  # what makes events equal -> namespace and name

    def record(self, source: Source, obj: Object, kind: str, reason: str, message: str, field_path: str = "") -> None:
        """Record a Normal or a Warning about an object."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "default")
        identity = (source, metadata["uid"], kind, reason, message, field_path)
        now = timestamp()
        if known := self._find(identity):
            self._store.update("events", {**known, "count": known["count"] + 1, "lastTimestamp": now})
            return
        name = f"{metadata['name']}.{time.time_ns():x}"
        involved: Object = {"kind": obj["kind"], "namespace": metadata.get("namespace"), "name": metadata["name"]}
        involved |= {
            "uid": metadata["uid"],
            "apiVersion": obj["apiVersion"],
            "resourceVersion": metadata["resourceVersion"],
        }
        involved |= {"fieldPath": field_path}
        event: Object = {"kind": "Event", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace}}
        event |= {"involvedObject": {key: value for key, value in involved.items() if value}}
        event |= {"reason": reason, "message": message, "type": kind, "count": 1}
        event |= {"source": {"component": source.component} | ({"host": source.host} if source.host else {})}
        event |= {"firstTimestamp": now, "lastTimestamp": now, "eventTime": None}
        event |= {"reportingComponent": source.component, "reportingInstance": source.host}
        self._store.create("events", event)
        self._known[identity] = (namespace, name)

    async def expire_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRY_INTERVAL)
            self.expire(datetime.now(UTC))

    def expire(self, now: datetime) -> None:
        """Remove the events that were last seen an hour ago."""
        oldest = timestamp(now - LIFETIME)
        for event in self._store.objects("events"):
            if event["lastTimestamp"] < oldest:
                self._store.delete("events", event["metadata"]["name"], event["metadata"]["namespace"])
        self._known = {identity: place for identity, place in self._known.items() if self._find(identity)}

    def _find(self, identity: tuple[Any, ...]) -> Object | None:
        namespace, name = self._known.get(identity, ("", ""))
        return self._store.get("events", name, namespace)
