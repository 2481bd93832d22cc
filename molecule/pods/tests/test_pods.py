"""The lab's pods, as the API and the pods themselves tell."""

from __future__ import annotations

import pytest
from facts import WORKERS, evidence, kubectl, pod_host

PLACES = [("bb1", WORKERS[0], "firstWorker"), ("bb2", WORKERS[1], "secondWorker")]


@pytest.mark.parametrize(("pod", "node", "alias"), PLACES)
def test_the_pod_is_ready_on_the_node_that_its_label_names(pod: str, node: str, alias: str) -> None:
    found = kubectl("get", "pod", pod)
    print(found["status"])
    assert found["spec"]["nodeName"] == node
    assert {"type": "Ready", "status": "True"}.items() <= {
        key: value for item in found["status"]["conditions"] if item["type"] == "Ready" for key, value in item.items()
    }.items()
    assert kubectl("get", "node", node)["metadata"]["labels"]["alias"] == alias


@pytest.mark.parametrize(("pod", "node", "alias"), PLACES)
def test_the_pod_has_the_address_that_the_api_says(pod: str, node: str, alias: str) -> None:
    address = kubectl("get", "pod", pod)["status"]["podIP"]
    assert f"inet {address}/32" in evidence(pod_host(pod), "ip address show dev eth0")


@pytest.mark.parametrize(("pod", "node", "alias"), PLACES)
def test_the_pod_is_known_as_one_of_the_collection(pod: str, node: str, alias: str) -> None:
    assert kubectl("get", "pod", pod)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "kubelab.podnet"


def test_nothing_is_left_of_the_pod_that_lived_through_the_matrix() -> None:
    assert [pod["metadata"]["name"] for pod in kubectl("get", "pods")["items"]] == ["bb1", "bb2"]
    assert "life" not in kubectl("get", "node", WORKERS[0])["metadata"]["labels"]
