# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a watch says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from netns_cluster.api import watch
from netns_cluster.api.errors import ApiError
from netns_cluster.api.objects import Selection
from netns_cluster.api.resources import Target
from netns_cluster.api.store import Store

Object = dict[str, Any]
TargetOf = Callable[[str], Target]

STREAMING = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


def labeled(name: str, **labels: str) -> Object:
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}}


def test_a_watch_without_a_version_begins_with_what_is_there(store: Store, target: TargetOf) -> None:
    events, revision = watch.begin(store, Selection.of(target("nodes"), "", ""), {})
    assert [(kind, obj["metadata"]["name"]) for kind, obj in events] == [
        ("ADDED", "demo-worker"),
        ("ADDED", "demo-worker2"),
    ]
    assert revision == store.revision


def test_a_watch_from_a_version_begins_with_nothing(store: Store, target: TargetOf) -> None:
    assert watch.begin(store, Selection.of(target("nodes"), "", ""), {"resourceVersion": "1"}) == ([], 1)


def test_a_streaming_list_ends_with_the_bookmark_that_kubectl_waits_for(store: Store, target: TargetOf) -> None:
    events, _unused = watch.begin(store, Selection.of(target("nodes"), "", ""), STREAMING)
    kind, bookmark = events[-1]
    assert kind == "BOOKMARK"
    assert bookmark["metadata"] == {
        "resourceVersion": str(store.revision),
        "annotations": {"k8s.io/initial-events-end": "true"},
    }


def test_a_streaming_list_needs_a_match_rule(store: Store, target: TargetOf) -> None:
    with pytest.raises(ApiError, match="requires setting resourceVersionMatch to NotOlderThan"):
        watch.begin(store, Selection.of(target("nodes"), "", ""), {"sendInitialEvents": "true"})


def test_a_watch_from_a_forgotten_version_is_gone(target: TargetOf) -> None:
    store = Store(history_length=1)
    for name in "abc":
        store.create("nodes", labeled(name))
    with pytest.raises(ApiError, match="too old resource version: 1") as caught:
        watch.begin(store, Selection.of(target("nodes"), "", ""), {"resourceVersion": "1"})
    assert (caught.value.code, caught.value.reason) == (410, "Expired")


def follow(
    store: Store, selection: Selection, steps: list[Callable[[], object]], *, bookmarks: bool = False
) -> list[tuple[str, str]]:
    """Return type and name of the events that the steps lead to."""

    async def scenario() -> list[tuple[str, str]]:
        events = watch.follow(store, selection, store.revision, bookmarks=bookmarks)
        seen = []

        async def listen() -> None:
            async for kind, obj in events:
                seen.append((kind, obj.get("metadata", {}).get("name", "")))

        listener = asyncio.ensure_future(listen())
        for step in [lambda: None, *steps, lambda: None]:
            step()
            for _unused in range(10):  # enough turns of the loop for what the step woke up
                await asyncio.sleep(0)
        listener.cancel()
        await asyncio.wait([listener])
        return seen

    return asyncio.run(scenario())


def test_changes_of_selected_objects_are_told_and_no_others(store: Store, target: TargetOf) -> None:
    selection = Selection.of(target("nodes"), "", "metadata.name=new")
    steps = [
        lambda: store.create("nodes", labeled("new")),
        lambda: store.create("nodes", labeled("other")),
        lambda: store.create("pods", {"metadata": {"name": "new", "namespace": "default"}}),
        lambda: store.update("nodes", {**labeled("new", a="b")}),
        lambda: store.delete("nodes", "new"),
    ]
    assert follow(store, selection, steps) == [("ADDED", "new"), ("MODIFIED", "new"), ("DELETED", "new")]


def test_an_object_that_comes_into_the_selection_is_added_one_that_leaves_it_is_deleted(
    store: Store, target: TargetOf
) -> None:
    selection = Selection.of(target("nodes"), "app=web", "")
    steps = [
        lambda: store.create("nodes", labeled("n", app="db")),
        lambda: store.update("nodes", labeled("n", app="web")),
        lambda: store.update("nodes", labeled("n", app="db")),
    ]
    assert follow(store, selection, steps) == [("ADDED", "n"), ("DELETED", "n")]


def test_a_watch_that_asked_for_them_gets_bookmarks(
    monkeypatch: pytest.MonkeyPatch, store: Store, target: TargetOf
) -> None:
    monkeypatch.setattr(watch, "BOOKMARK_INTERVAL", 0.0)
    seen = follow(store, Selection.of(target("nodes"), "", ""), [], bookmarks=True)
    assert ("BOOKMARK", "") in seen


def test_a_watch_too_slow_for_the_history_ends_with_an_error(target: TargetOf) -> None:
    store = Store(history_length=1)

    def flood() -> None:
        for number in range(10):
            store.create("nodes", labeled(f"n{number}"))

    assert follow(store, Selection.of(target("nodes"), "", ""), [flood])[-1] == ("ERROR", "")
