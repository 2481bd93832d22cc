# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events, and how they are counted and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from netns_cluster.api.store import Store
from netns_cluster.controllers.events import EventLog, Source

KUBELET = Source("kubelet", "demo-worker")
POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "bb1", "namespace": "default", "uid": "u", "resourceVersion": "7"},
}


def test_an_event_has_the_fields_of_a_real_one() -> None:
    store = Store()
    EventLog(store).record(KUBELET, POD, "Normal", "Started", "Started container bb1", "spec.containers{bb1}")
    (event,) = store.objects("events", "default")
    assert event["involvedObject"] == {
        "kind": "Pod",
        "namespace": "default",
        "name": "bb1",
        "uid": "u",
        "apiVersion": "v1",
        "resourceVersion": "7",
        "fieldPath": "spec.containers{bb1}",
    }
    assert event["source"] == {"component": "kubelet", "host": "demo-worker"}
    assert (event["type"], event["reason"], event["count"], event["eventTime"]) == ("Normal", "Started", 1, None)
    assert event["metadata"]["name"].startswith("bb1.")


def test_the_same_thing_said_again_is_counted_another_one_is_not() -> None:
    store = Store()
    log = EventLog(store)
    for message in ("a", "a", "b"):
        log.record(KUBELET, POD, "Warning", "BackOff", message)
    log.record(Source("default-scheduler"), POD, "Warning", "BackOff", "a")
    assert sorted((event["message"], event["count"]) for event in store.objects("events")) == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
    ]


def test_an_event_goes_an_hour_after_it_was_last_seen_and_may_come_again() -> None:
    store = Store()
    log = EventLog(store)
    log.record(KUBELET, POD, "Normal", "Started", "x")
    log.expire(datetime.now(UTC) + timedelta(minutes=59))
    assert len(store.objects("events")) == 1
    log.expire(datetime.now(UTC) + timedelta(minutes=61))
    assert store.objects("events") == []
    log.record(KUBELET, POD, "Normal", "Started", "x")
    assert store.objects("events")[0]["count"] == 1
