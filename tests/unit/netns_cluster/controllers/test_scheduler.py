# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where pods go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from netns_cluster.api import pods
from netns_cluster.api.store import Store
from netns_cluster.controllers.events import EventLog
from netns_cluster.controllers.scheduler import Scheduler, explain, obstacle, tolerates

Object = dict[str, Any]

TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def node(name: str = "demo-worker", labels: dict[str, str] | None = None, **spec: Any) -> Object:
    metadata = {"name": name, "labels": labels or {}}
    status = {"allocatable": {"pods": "2"}}
    return {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status}


def pod(name: str = "bb1", **spec: Any) -> Object:
    containers = [{"name": "bb", "image": "busybox"}]
    metadata = {"name": name, "namespace": "default"}
    return pods.with_defaults(
        {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"containers": containers, **spec}}
    )


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"operator": "Exists"}, True),
        ({"key": TAINT["key"], "operator": "Exists"}, True),
        ({"key": TAINT["key"], "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": TAINT["key"], "effect": "NoSchedule"}, True),
        ({"key": TAINT["key"], "value": "x"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations_match_taints_as_the_api_defines_them(toleration: Object, tolerated: bool) -> None:
    assert tolerates({"spec": {"tolerations": [toleration]}}, TAINT) is tolerated


def test_the_control_plane_takes_only_pods_that_tolerate_it() -> None:
    tainted = node(taints=[TAINT])
    assert obstacle(pod(), tainted, 0) == "node(s) had untolerated taint(s)"
    assert obstacle(pod(tolerations=[{"operator": "Exists"}]), tainted, 0) is None


def test_a_preference_is_no_obstacle() -> None:
    assert obstacle(pod(), node(taints=[{"key": "k", "effect": "PreferNoSchedule"}]), 0) is None


def test_a_node_selector_must_match_every_label() -> None:
    wanted = pod(nodeSelector={"alias": "firstWorker", "disk": "ssd"})
    assert (
        obstacle(wanted, node(labels={"alias": "firstWorker"}), 0)
        == "node(s) didn't match Pod's node affinity/selector"
    )
    assert obstacle(wanted, node(labels={"alias": "firstWorker", "disk": "ssd"}), 0) is None


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        ([{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}], True),
        ([{"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}], False),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["demo-worker"]}]}], True),
        (
            [
                {"matchExpressions": [{"key": "z", "operator": "Exists"}]},
                {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
            ],
            True,
        ),
        ([{}], False),
    ],
)
def test_required_node_affinity_is_one_term_of_several(terms: list[Object], fits: bool) -> None:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    assert (obstacle(pod(affinity=affinity), node(labels={"a": "b"}), 0) is None) is fits


def test_a_cordoned_node_and_a_full_one_take_nothing() -> None:
    assert obstacle(pod(), node(unschedulable=True), 0) == "node(s) were unschedulable"
    assert obstacle(pod(), node(), 2) == "Too many pods"


def test_the_explanation_is_that_of_a_real_scheduler() -> None:
    selector, taint = "node(s) didn't match Pod's node affinity/selector", "node(s) had untolerated taint(s)"
    assert explain([taint, selector, selector]) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def schedule(*steps: Any) -> Store:
    """Run the scheduler over a store with two workers, one step after the other."""

    async def scenario() -> Store:
        store = Store()
        store.create("nodes", node("demo-worker"))
        store.create("nodes", node("demo-worker2"))
        task = asyncio.ensure_future(Scheduler(store, EventLog(store)).run())
        for step in (*steps, lambda _unused: None):
            step(store)
            for _unused in range(10):
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return store

    return asyncio.run(scenario())


def nodes_of(store: Store) -> dict[str, str | None]:
    return {one["metadata"]["name"]: one["spec"].get("nodeName") for one in store.objects("pods")}


def test_pods_are_spread_over_the_nodes() -> None:
    store = schedule(lambda store: [store.create("pods", pod(name)) for name in "abc"])
    assert nodes_of(store) == {"a": "demo-worker", "b": "demo-worker2", "c": "demo-worker"}


def test_a_pod_that_nothing_fits_waits_with_an_event_until_a_label_fits() -> None:
    def label(store: Store) -> None:
        waiting = store.get("pods", "bb1", "default")
        assert waiting is not None
        assert waiting["status"]["conditions"][0]["reason"] == "Unschedulable"
        old = store.get("nodes", "demo-worker2")
        assert old is not None
        store.update("nodes", {**old, "metadata": {**old["metadata"], "labels": {"alias": "x"}}})

    store = schedule(lambda store: store.create("pods", pod(nodeSelector={"alias": "x"})), label)
    assert nodes_of(store) == {"bb1": "demo-worker2"}
    assert [event["reason"] for event in store.objects("events")] == ["FailedScheduling", "Scheduled"]


def test_a_pod_for_another_scheduler_is_left_alone() -> None:
    store = schedule(lambda store: store.create("pods", pod(schedulerName="mine")))
    assert nodes_of(store) == {"bb1": None}
    assert store.objects("events") == []
