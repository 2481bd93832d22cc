# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches: what changes, one JSON object a line (KEP-365 bookmarks, KEP-3157 streaming lists included)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from netns_cluster.api import errors
from netns_cluster.api.objects import Selection, check_revision
from netns_cluster.api.query import is_true
from netns_cluster.api.store import Change, HistoryLostError, Store

Object = dict[str, Any]
Event = tuple[str, Object]
"""ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, and the object."""

BOOKMARK_INTERVAL = 60.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


def begin(store: Store, selection: Selection, query: dict[str, str]) -> tuple[list[Event], int]:
    """Return the events that a watch begins with, and the revision that it goes on from. Raises 410 for one too old."""
    asked = query.get("resourceVersion") or ""
    if asked and not (asked.isascii() and asked.isdigit()):
        raise errors.bad_request(f"resourceVersion: Invalid value: {asked!r}: must be a number")
    streaming = is_true(query, "sendInitialEvents")
    if streaming and query.get("resourceVersionMatch") != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = errors.Cause("FieldValueForbidden", why, "resourceVersionMatch")
        raise errors.invalid("ListOptions", "", [cause])
    check_revision(store, int(asked or 0))
    if not streaming and asked not in ("", "0"):
        try:
            store.check_history(int(asked))
        except HistoryLostError as error:
            raise errors.expired(f"too old resource version: {asked} ({store.revision})") from error
        return [], int(asked)
    if "sendInitialEvents" in query and not streaming:
        return [], store.revision
    events = [("ADDED", item) for item in store.objects(selection.resource.name) if selection.takes(item)]
    if streaming and is_true(query, "allowWatchBookmarks"):
        events.append(("BOOKMARK", bookmark(selection, store.revision, initial_events_end=True)))
    return events, store.revision


async def follow(store: Store, selection: Selection, after: int, *, bookmarks: bool) -> AsyncIterator[Event]:
    """Yield what happens to the selected objects, for ever, with a bookmark a minute when asked for."""
    changes = store.changes(after)
    upcoming = asyncio.ensure_future(anext(changes))
    try:
        while True:
            await asyncio.wait([upcoming], timeout=BOOKMARK_INTERVAL if bookmarks else None)
            if not upcoming.done():
                yield "BOOKMARK", bookmark(selection, store.revision, initial_events_end=False)
                continue
            try:
                change = upcoming.result()
            except HistoryLostError:
                yield "ERROR", errors.expired(f"too old resource version: {after} ({store.revision})").status()
                return
            after = change.revision
            upcoming = asyncio.ensure_future(anext(changes))
            if event := event_of(change, selection):
                yield event
    finally:
        upcoming.cancel()


def event_of(change: Change, selection: Selection) -> Event | None:
    """Return what a change means to those who watch a selection: objects come into it and leave it, too."""
    if change.resource != selection.resource.name:
        return None
    was = change.previous is not None and selection.takes(change.previous)
    now = not change.removed and selection.takes(change.object)
    if now:
        return ("MODIFIED" if was else "ADDED"), change.object
    return ("DELETED", change.object) if was else None


def bookmark(selection: Selection, revision: int, *, initial_events_end: bool) -> Object:
    metadata: Object = {"resourceVersion": str(revision)}
    if initial_events_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    resource = selection.resource
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        **_EMPTY.get(resource.name, {}),
    }


_EMPTY: dict[str, Object] = {
    "pods": {"spec": {"containers": None}, "status": {}},
    "nodes": {"spec": {}, "status": {}},
    "namespaces": {"spec": {}, "status": {}},
}
