"""The cluster that create made, as the API and the machine see it."""

from __future__ import annotations

import stat

import pytest
from facts import KUBECONFIG, NODES, PROVIDER, evidence, kubectl, node_host


def test_all_nodes_are_ready() -> None:
    nodes = kubectl("get", "nodes")["items"]
    ready = {
        node["metadata"]["name"]: condition["status"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    }
    print(ready)
    assert ready == dict.fromkeys(NODES, "True")


def test_the_kubeconfig_file_is_for_its_owner_only() -> None:
    assert stat.S_IMODE(KUBECONFIG.stat().st_mode) == 0o600


def test_an_emulated_cluster_says_so() -> None:
    (image,) = {node["status"]["nodeInfo"]["osImage"] for node in kubectl("get", "nodes")["items"]}
    assert ("namespace" in image) == (PROVIDER == "netns")


@pytest.mark.parametrize("name", NODES)
def test_each_node_has_a_default_route_and_forwards(name: str) -> None:
    host = node_host(name)
    assert "default via " in evidence(host, "ip route")
    assert evidence(host, "cat /proc/sys/net/ipv4/ip_forward").strip() == "1"
