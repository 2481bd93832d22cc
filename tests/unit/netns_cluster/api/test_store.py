# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects, revisions and history."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from netns_cluster.api.store import AlreadyStoredError, Change, HistoryLostError, NotStoredError, Store

Object = dict[str, Any]


def thing(name: str, **fields: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, **fields}


def test_a_new_object_gets_a_uid_a_time_and_the_next_revision() -> None:
    store = Store()
    first, second = store.create("pods", thing("a")), store.create("pods", thing("b"))
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert first["metadata"]["creationTimestamp"].endswith("Z")
    assert [one["metadata"]["resourceVersion"] for one in (first, second)] == ["1", "2"]


def test_a_name_is_taken_once() -> None:
    store = Store()
    store.create("pods", thing("a"))
    with pytest.raises(AlreadyStoredError):
        store.create("pods", thing("a"))


def test_an_update_that_changes_nothing_is_no_change() -> None:
    store = Store()
    stored = store.create("pods", thing("a"))
    assert store.update("pods", dict(stored)) is stored
    assert store.revision == 1


def test_an_update_leaves_what_others_hold_as_it_was() -> None:
    store = Store()
    before = store.create("pods", thing("a", spec={"x": 1}))
    after = store.update("pods", {**before, "spec": {"x": 2}})
    assert (before["spec"], after["spec"]) == ({"x": 1}, {"x": 2})
    assert after["metadata"]["resourceVersion"] == "2"


def test_what_is_not_there_can_neither_be_updated_nor_deleted() -> None:
    store = Store()
    with pytest.raises(NotStoredError):
        store.update("pods", thing("a"))
    with pytest.raises(NotStoredError):
        store.delete("pods", "a", "default")


def test_lists_are_in_the_order_of_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        store.create("pods", {"metadata": {"name": name, "namespace": namespace}})
    assert [one["metadata"]["name"] for one in store.objects("pods")] == ["y", "z", "x"]
    assert [one["metadata"]["name"] for one in store.objects("pods", "a")] == ["y", "z"]


def test_a_list_can_be_told_as_it_was_at_an_earlier_revision() -> None:
    store = Store()
    store.create("pods", thing("kept", spec=1))
    store.create("pods", thing("gone"))
    then = store.revision
    store.update("pods", {**store.objects("pods")[1], "spec": 2})
    store.delete("pods", "gone", "default")
    store.create("pods", thing("new"))
    store.create("nodes", {"metadata": {"name": "other"}})
    past = store.objects_at("pods", then)
    assert [(one["metadata"]["name"], one.get("spec")) for one in past] == [("gone", None), ("kept", 1)]


def test_a_revision_older_than_the_history_is_lost() -> None:
    store = Store(history_length=3)
    for number in range(10):
        store.create("pods", thing(f"p{number}"))
    store.check_history(store.revision - 3)
    with pytest.raises(HistoryLostError):
        store.check_history(1)
    with pytest.raises(HistoryLostError):
        store.objects_at("pods", 1)


def test_changes_come_in_order_from_the_past_into_the_future() -> None:
    async def scenario() -> list[Change]:
        store = Store()
        store.create("pods", thing("a"))
        store.create("pods", thing("b"))
        changes = store.changes(1)
        seen = [await anext(changes)]
        coming = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        assert not coming.done()
        store.delete("pods", "a", "default")
        seen.append(await coming)
        return seen

    created, deleted = asyncio.run(scenario())
    assert (created.revision, created.key, created.previous, created.removed) == (2, ("default", "b"), None, False)
    assert (deleted.revision, deleted.key, deleted.removed) == (3, ("default", "a"), True)
    assert deleted.object["metadata"]["resourceVersion"] == "3"
