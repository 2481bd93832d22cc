# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API's verbs, and their errors beside those of a real API server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netns_cluster.api import objects, schema
from netns_cluster.api.errors import ApiError
from netns_cluster.api.objects import Selection
from netns_cluster.api.resources import Target, resolve
from netns_cluster.api.store import Store

Object = dict[str, Any]
TargetOf = Callable[[str], Target]
PodOf = Callable[..., Object]
SampleOf = Callable[[str], Any]

MERGE = "application/merge-patch+json"


@pytest.fixture
def create(store: Store, target: TargetOf, pod: PodOf) -> Callable[..., Object]:
    """Create a pod as a client would."""

    def create_pod(name: str = "bb1", **fields: Any) -> Object:
        return objects.create(store, target("namespaces/default/pods"), pod(name, **fields), dry_run=False)

    return create_pod


def on_a_node(store: Store, obj: Object) -> Object:
    return store.update("pods", {**obj, "spec": {**obj["spec"], "nodeName": "demo-worker"}})


def failure(action: Callable[[], object]) -> Object:
    with pytest.raises(ApiError) as caught:
        action()
    return caught.value.status()


def test_a_new_pod_gets_the_defaults_of_a_real_api_server(create: Callable[..., Object]) -> None:
    created = create()
    assert created["kind"] == "Pod"
    assert created["metadata"]["generation"] == 1
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert created["spec"]["restartPolicy"] == "Always"
    assert created["spec"]["terminationGracePeriodSeconds"] == 30
    assert created["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert [one["key"] for one in created["spec"]["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


def test_a_generated_name_begins_as_asked(store: Store, target: TargetOf, pod: PodOf) -> None:
    written = pod()
    written["metadata"] = {"generateName": "probe-"}
    created = objects.create(store, target("namespaces/default/pods"), written, dry_run=False)
    assert created["metadata"]["name"].startswith("probe-")
    assert len(created["metadata"]["name"]) == len("probe-") + 5


def test_a_dry_run_stores_nothing(store: Store, target: TargetOf, pod: PodOf) -> None:
    objects.create(store, target("namespaces/default/pods"), pod(), dry_run=True)
    assert store.objects("pods") == []


def test_a_name_that_is_taken_is_the_conflict_of_a_real_api_server(
    create: Callable[..., Object], sample: SampleOf
) -> None:
    create("bb1")
    assert failure(lambda: create("bb1")) == sample("409_pod_exists")


def test_a_namespace_that_is_not_there_is_not_found(
    store: Store, target: TargetOf, pod: PodOf, sample: SampleOf
) -> None:
    path = target("namespaces/nope/pods")
    assert failure(lambda: objects.create(store, path, pod(), dry_run=False)) == sample("404_namespace")


def test_a_pod_with_a_bad_name_is_invalid_in_the_words_of_a_real_api_server(
    create: Callable[..., Object], sample: SampleOf
) -> None:
    assert failure(lambda: create("Bad_Name")) == sample("422_bad_name")


def test_a_pod_without_containers_is_invalid_in_the_words_of_a_real_api_server(
    create: Callable[..., Object], sample: SampleOf
) -> None:
    assert failure(lambda: create("x", containers=[])) == sample("422_no_containers")


def test_a_bad_label_is_invalid_in_the_words_of_a_real_api_server(
    store: Store, target: TargetOf, sample: SampleOf
) -> None:
    node = target("nodes/demo-worker")
    patched = objects.patched(store, node, MERGE, {"metadata": {"labels": {"alias": "no spaces allowed"}}})
    mine, recorded = failure(lambda: objects.replace(store, node, patched, dry_run=False)), sample("422_bad_label")
    # A real API server checks a node four times over, and lists the one cause as often.
    recorded["details"]["causes"] = recorded["details"]["causes"][:1]
    assert mine == recorded


def test_moving_a_pod_to_another_node_is_refused_in_the_words_of_a_real_api_server(
    store: Store, create: Callable[..., Object], target: TargetOf, sample: SampleOf
) -> None:
    on_a_node(store, create("bb1"))
    path = target("namespaces/default/pods/bb1")
    patched = objects.patched(store, path, MERGE, {"spec": {"nodeName": "demo-worker2"}})
    mine, recorded = failure(lambda: objects.replace(store, path, patched, dry_run=False)), sample("422_immutable")
    assert (mine["reason"], mine["code"]) == (recorded["reason"], recorded["code"])
    first_line = recorded["message"].splitlines()[0]
    assert mine["message"].splitlines()[0] == first_line
    assert '+ "NodeName": "demo-worker2",' in mine["message"]


def test_labels_and_tolerations_may_be_added_to_a_pod(
    store: Store, create: Callable[..., Object], target: TargetOf
) -> None:
    created = create()
    path = target("namespaces/default/pods/bb1")
    toleration = {"key": "k", "operator": "Exists"}
    body = {"metadata": {"labels": {"a": "b"}}, "spec": {"tolerations": [*created["spec"]["tolerations"], toleration]}}
    new = objects.replace(store, path, objects.patched(store, path, MERGE, body), dry_run=False)
    assert new["metadata"]["labels"] == {"a": "b"}
    assert new["metadata"]["generation"] == 2
    assert new["spec"]["tolerations"][-1] == toleration


def test_what_this_cluster_cannot_do_is_refused_by_name(create: Callable[..., Object]) -> None:
    probe = {"name": "bb", "image": "busybox", "readinessProbe": {"exec": {"command": ["true"]}}}
    status = failure(
        lambda: create(containers=[probe], initContainers=[{"name": "i"}], volumes=[{"name": "v", "hostPath": {}}])
    )
    fields = {cause["field"] for cause in status["details"]["causes"]}
    assert fields == {"spec.containers[0].readinessProbe", "spec.initContainers", "spec.volumes[0].hostPath"}
    assert "a cluster of network namespaces has no" in status["message"]


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        (
            {"restartPolicy": "Sometimes"},
            "spec.restartPolicy",
            'Unsupported value: "Sometimes": supported values: "Always"',
        ),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds", "must be between 1 and 2147483647, inclusive"),
        ({"terminationGracePeriodSeconds": -1}, "spec.terminationGracePeriodSeconds", "greater than or equal to 0"),
        ({"nodeSelector": {"a b": "c"}}, "spec.nodeSelector", "name part must consist of"),
        ({"containers": [{"name": "a"}]}, "spec.containers[0].image", "Required value"),
        ({"containers": [{"name": "A", "image": "busybox"}]}, "spec.containers[0].name", "RFC 1123 label"),
        ({"containers": [{"name": "a", "image": "busybox"}] * 2}, "spec.containers[1].name", 'Duplicate value: "a"'),
        (
            {"containers": [{"name": "a", "image": "busybox", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]},
            "spec.containers[0].volumeMounts[0].name",
            'Not found: "v"',
        ),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, "spec.volumes[1].name", 'Duplicate value: "v"'),
    ],
)
def test_each_wrong_field_is_named_with_the_reason(
    create: Callable[..., Object], spec: Object, field: str, text: str
) -> None:
    causes = failure(lambda: create(**spec))["details"]["causes"]
    assert [cause["field"] for cause in causes] == [field]
    assert text in causes[0]["message"]


def test_a_stale_resource_version_is_a_conflict(store: Store, create: Callable[..., Object], target: TargetOf) -> None:
    old = create()
    store.update("pods", {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}})
    status = failure(lambda: objects.replace(store, target("namespaces/default/pods/bb1"), old, dry_run=False))
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in status["message"]


def test_a_client_cannot_change_what_the_server_owns(store: Store, target: TargetOf) -> None:
    node = target("nodes/demo-worker")
    before = objects.get(store, node)
    body = {"metadata": {"uid": "mine", "creationTimestamp": "2000-01-01T00:00:00Z"}, "status": {"mine": True}}
    after = objects.replace(store, node, objects.patched(store, node, MERGE, body), dry_run=False)
    assert after == before


def test_a_body_about_another_object_than_the_path_is_a_bad_request(store: Store, target: TargetOf, pod: PodOf) -> None:
    path = target("namespaces/default/pods")
    for wrong in ({"kind": "Service"}, {"apiVersion": "v2"}, {"metadata": {"name": "x", "namespace": "other"}}):
        assert (
            failure(lambda wrong=wrong: objects.create(store, path, {**pod(), **wrong}, dry_run=False))["code"] == 400
        )


def test_a_waiting_pod_is_deleted_at_once(store: Store, create: Callable[..., Object], target: TargetOf) -> None:
    create()
    objects.delete(store, target("namespaces/default/pods/bb1"), {}, dry_run=False)
    assert store.objects("pods") == []


def test_a_pod_on_a_node_gets_its_grace_period(store: Store, create: Callable[..., Object], target: TargetOf) -> None:
    on_a_node(store, create())
    deleted = objects.delete(store, target("namespaces/default/pods/bb1"), {}, dry_run=False)
    assert deleted["metadata"]["deletionGracePeriodSeconds"] == 30
    assert store.get("pods", "bb1", "default") == deleted


def test_a_second_deletion_may_shorten_the_grace_but_not_lengthen_it(
    store: Store, create: Callable[..., Object], target: TargetOf
) -> None:
    on_a_node(store, create())
    path = target("namespaces/default/pods/bb1")
    for asked, kept in ((20, 20), (60, 20), (5, 5)):
        deleted = objects.delete(store, path, {"gracePeriodSeconds": asked}, dry_run=False)
        assert deleted["metadata"]["deletionGracePeriodSeconds"] == kept
    objects.delete(store, path, {"gracePeriodSeconds": 0}, dry_run=False)
    assert store.objects("pods") == []


def test_the_name_of_a_pod_that_is_being_deleted_is_taken_until_it_is_gone(
    store: Store, create: Callable[..., Object], target: TargetOf
) -> None:
    on_a_node(store, create())
    deleted = objects.delete(store, target("namespaces/default/pods/bb1"), {}, dry_run=False)
    assert deleted["metadata"]["generation"] == 2
    assert failure(create)["message"] == 'object is being deleted: pods "bb1" already exists'


def test_a_pod_of_another_uid_is_not_deleted(store: Store, create: Callable[..., Object], target: TargetOf) -> None:
    create()
    path, options = target("namespaces/default/pods/bb1"), {"preconditions": {"uid": "other"}}
    status = failure(lambda: objects.delete(store, path, options, dry_run=False))
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert "UID in precondition: other" in status["message"]


def test_the_systems_namespaces_stay(store: Store, target: TargetOf) -> None:
    status = failure(lambda: objects.delete(store, target("namespaces/default"), {}, dry_run=False))
    assert status["message"] == 'namespaces "default" is forbidden: this namespace may not be deleted'


def test_nothing_new_enters_a_namespace_that_is_being_deleted(store: Store, target: TargetOf, pod: PodOf) -> None:
    namespace = objects.create(store, target("namespaces"), {"metadata": {"name": "t"}}, dry_run=False)
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "t"}
    objects.delete(store, target("namespaces/t"), {}, dry_run=False)
    status = failure(lambda: objects.create(store, target("namespaces/t/pods"), pod(), dry_run=False))
    assert status["code"] == 403
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def names(page: objects.Page) -> list[str]:
    return [item["metadata"]["name"] for item in page.items]


def test_a_list_in_pages_is_the_list_of_the_moment_when_it_began(
    store: Store, create: Callable[..., Object], target: TargetOf
) -> None:
    for name in "abcde":
        create(name)
    everything = Selection.of(target("pods"), "", "")
    first = objects.list_page(store, everything, {"limit": "2"})
    assert (names(first), first.metadata["remainingItemCount"]) == (["a", "b"], 3)
    store.delete("pods", "d", "default")
    create("cc")
    second = objects.list_page(store, everything, {"limit": "2", "continue": first.metadata["continue"]})
    assert names(second) == ["c", "d"]
    last = objects.list_page(store, everything, {"limit": "2", "continue": second.metadata["continue"]})
    assert names(last) == ["e"]
    assert "continue" not in last.metadata
    assert last.metadata["resourceVersion"] == first.metadata["resourceVersion"]


def test_a_list_may_be_asked_for_at_an_exact_revision(
    store: Store, create: Callable[..., Object], target: TargetOf
) -> None:
    create("a")
    then = store.revision
    create("b")
    query = {"resourceVersion": str(then), "resourceVersionMatch": "Exact"}
    assert names(objects.list_page(store, Selection.of(target("pods"), "", ""), query)) == ["a"]


def test_a_revision_of_the_future_times_out(store: Store, target: TargetOf) -> None:
    query = {"resourceVersion": "1000"}
    status = failure(lambda: objects.list_page(store, Selection.of(target("pods"), "", ""), query))
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert "Too large resource version: 1000, current: 3" in status["message"]


def test_a_continuation_whose_revision_is_forgotten_is_gone(target: TargetOf) -> None:
    store = Store(history_length=2)
    everything = Selection.of(target("nodes"), "", "")
    for name in "abc":
        store.create("nodes", {"metadata": {"name": name}})
    token = objects.list_page(store, everything, {"limit": "1"}).metadata["continue"]
    for name in "defg":
        store.create("nodes", {"metadata": {"name": name}})
    status = failure(lambda: objects.list_page(store, everything, {"limit": "1", "continue": token}))
    assert (status["code"], status["reason"]) == (410, "Expired")


@pytest.mark.parametrize("query", [{"continue": "nonsense!"}, {"limit": "many"}, {"resourceVersion": "-1"}])
def test_a_list_with_a_senseless_option_is_a_bad_request(store: Store, target: TargetOf, query: dict[str, str]) -> None:
    assert failure(lambda: objects.list_page(store, Selection.of(target("pods"), "", ""), query))["code"] == 400


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "image", "env", "a"]), inner, max_size=3)
    ),
    max_leaves=5,
)
POD_FIELDS = sorted(schema.SCHEMAS["Pod"].fields["spec"].fields)  # type: ignore[union-attr]
CONTAINER_FIELDS = [
    "name",
    "image",
    "env",
    "ports",
    "volumeMounts",
    "resources",
    "securityContext",
    "args",
    "imagePullPolicy",
]


@given(
    metadata=st.none()
    | st.dictionaries(st.sampled_from(["name", "labels", "annotations", "generateName"]), JSON_VALUES),
    container=st.none() | st.dictionaries(st.sampled_from(CONTAINER_FIELDS), JSON_VALUES, max_size=4),
    spec=st.none() | st.dictionaries(st.sampled_from(POD_FIELDS), JSON_VALUES, max_size=4),
)
def test_no_body_however_odd_is_anything_but_stored_or_refused(metadata: Any, container: Any, spec: Any) -> None:
    store = Store()
    store.create("namespaces", {"metadata": {"name": "default"}})
    target = resolve("/api/v1/namespaces/default/pods")
    assert target is not None
    body = {"metadata": metadata, "spec": spec if spec is None else {"containers": [container], **spec}}
    with contextlib.suppress(ApiError):
        schema.check("Pod", body)
        objects.create(store, target, body, dry_run=False)
