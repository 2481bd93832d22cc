# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Python client."""

from __future__ import annotations

import threading

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from .conftest import Cluster


@pytest.fixture
def api(cluster: Cluster) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(cluster.kubeconfig))


def a_pod(name: str) -> client.V1Pod:
    container = client.V1Container(name="bb", image="busybox:1.36", args=["sleep", "3600"])
    spec = client.V1PodSpec(containers=[container], termination_grace_period_seconds=0)
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels={"run": name}), spec=spec)


def test_a_pod_is_created_watched_executed_in_and_deleted(api: client.CoreV1Api) -> None:
    api.create_namespaced_pod("default", a_pod("py"))
    for event in watch.Watch().stream(api.list_namespaced_pod, "default", label_selector="run=py", timeout_seconds=20):
        statuses = event["object"].status.container_statuses or []
        if any(status.ready for status in statuses):
            break
    arguments = {
        "command": ["sh", "-c", "echo out; echo err >&2; exit 4"],
        "stdout": True,
        "stderr": True,
        "stdin": False,
    }
    session = stream(
        api.connect_get_namespaced_pod_exec, "py", "default", tty=False, _preload_content=False, **arguments
    )
    session.run_forever(timeout=10)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 4)
    api.delete_namespaced_pod("py", "default")
    with pytest.raises(ApiException) as caught:
        api.read_namespaced_pod("py", "default")
    assert caught.value.status == 404


def test_objects_have_the_types_of_the_clients_models(api: client.CoreV1Api) -> None:
    (node,) = [node for node in api.list_node().items if node.metadata.name == "demo-worker"]
    assert node.status.node_info.os_image == "network namespace"
    assert node.metadata.creation_timestamp.tzinfo is not None
    assert {event.involved_object.kind for event in api.list_event_for_all_namespaces().items} >= {"Pod"}
    assert api.list_namespaced_service("default").items[0].spec.cluster_ip == "10.96.0.1"
    assert client.VersionApi(api.api_client).get_code().git_version == "v1.34.0+netns"


def test_labels_are_patched(api: client.CoreV1Api) -> None:
    api.patch_node("demo-worker", {"metadata": {"labels": {"py": "1"}}})
    assert [node.metadata.name for node in api.list_node(label_selector="py=1").items] == ["demo-worker"]
    api.patch_node("demo-worker", {"metadata": {"labels": {"py": None}}})
    assert api.list_node(label_selector="py").items == []


def test_a_pod_is_replaced_only_if_nobody_changed_it_meanwhile(api: client.CoreV1Api) -> None:
    created = api.create_namespaced_pod("default", a_pod("put"))
    created.metadata.resource_version = "1"
    with pytest.raises(ApiException) as caught:
        api.replace_namespaced_pod("put", "default", created)
    assert caught.value.status == 409
    current = api.read_namespaced_pod("put", "default")
    current.metadata.resource_version = None
    current.metadata.labels["a"] = "b"
    assert api.replace_namespaced_pod("put", "default", current).metadata.labels["a"] == "b"


def test_a_log_is_followed(cluster: Cluster, api: client.CoreV1Api) -> None:
    cluster.run_pod("log", "sh", "-c", "echo one; sleep 0.2; echo two", restartPolicy="Never")
    lines = list(watch.Watch().stream(api.read_namespaced_pod_log, "log", "default"))
    assert lines == ["one", "two"]


def test_commands_run_side_by_side(cluster: Cluster) -> None:
    cluster.run_pod("many")
    outputs: dict[int, str] = {}

    def run(number: int) -> None:
        api = client.CoreV1Api(config.new_client_from_config(cluster.kubeconfig))
        arguments = {"command": ["sh", "-c", f"sleep 0.2; echo {number}"], "stdout": True, "stderr": True}
        outputs[number] = stream(
            api.connect_get_namespaced_pod_exec, "many", "default", stdin=False, tty=False, **arguments
        )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Client 35 leaves the line's end out, with any API server.
    assert {number: output.strip() for number, output in outputs.items()} == {n: str(n) for n in range(20)}
