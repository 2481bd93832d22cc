"""What kind and its clusters are told, and what is read from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers import kind_config
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted


def config(*, cni: tuple[str, ...] = ("calico",), workers: int = 2, node_image: str | None = None) -> dict[str, Any]:
    wanted = Wanted("demo", workers, "192.168.0.0/16", cni, node_image, (), "ipv4")
    loaded: dict[str, Any] = json.loads(kind_config.cluster_config(wanted))
    return loaded


def test_one_control_plane_and_the_workers_asked_for_are_made() -> None:
    assert [node["role"] for node in config(workers=2)["nodes"]] == ["control-plane", "worker", "worker"]
    assert [node["role"] for node in config(workers=0)["nodes"]] == ["control-plane"]


def test_a_node_image_goes_to_every_node_and_without_one_kind_takes_its_own() -> None:
    assert {node.get("image") for node in config(node_image="a/b:1")["nodes"]} == {"a/b:1"}
    assert {node.get("image") for node in config()["nodes"]} == {None}


def test_kinds_own_cni_is_left_out_unless_it_was_asked_for() -> None:
    assert config(cni=("calico",))["networking"] == {"podSubnet": "192.168.0.0/16", "disableDefaultCNI": True}
    assert config(cni=("flannel.yaml",))["networking"]["disableDefaultCNI"] is True
    assert config(cni=("default",))["networking"]["disableDefaultCNI"] is False


def test_nodes_get_blocks_of_the_labs_size_but_with_a_cni_of_ones_own_kubernetes_usual_ones() -> None:
    [patch] = config(cni=("default",))["kubeadmConfigPatches"]

    assert json.loads(patch)["controllerManager"]["extraArgs"] == {"node-cidr-mask-size": "26"}
    assert "kubeadmConfigPatches" not in config(cni=("flannel.yaml",))


def test_calico_is_told_to_route_without_bgp_and_without_a_tunnel_inside_a_subnet() -> None:
    installation = json.loads(kind_config.calico_installation("10.1.0.0/16"))

    network = installation["spec"]["calicoNetwork"]
    assert network["bgp"] == "Disabled"
    assert [(pool["cidr"], pool["blockSize"], pool["encapsulation"]) for pool in network["ipPools"]] == [
        ("10.1.0.0/16", 26, "VXLANCrossSubnet")
    ]


def container(role: str, image: str = "a/b:1") -> dict[str, Any]:
    return {"Config": {"Labels": {"io.x-k8s.kind.role": role}, "Image": image}}


KUBEADM = {
    "metadata": {"name": "kubeadm-config"},
    "data": {"ClusterConfiguration": "networking:\n  dnsDomain: cluster.local\n  podSubnet: 192.168.0.0/16\n"},
}


def test_the_shape_of_a_cluster_is_read_from_containers_and_config_maps() -> None:
    nodes = [container("control-plane"), container("worker"), container("worker")]

    assert kind_config.shape(nodes, [KUBEADM, json.loads(kind_config.record(["calico v1"]))]) == {
        "control_planes": 1,
        "workers": 2,
        "node_image": "a/b:1",
        "pod_subnet": "192.168.0.0/16",
        "cni": ["calico v1"],
    }


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_subnet_in_quotes_is_the_same(quote: str) -> None:
    configuration = f"networking:\n  podSubnet: {quote}192.168.0.0/16{quote}\n"
    quoted = {**KUBEADM, "data": {"ClusterConfiguration": configuration}}
    assert kind_config.shape([], [quoted])["pod_subnet"] == "192.168.0.0/16"


def test_what_cannot_be_read_is_not_guessed() -> None:
    assert set(kind_config.shape([container("control-plane")], [])) == {"control_planes", "workers", "node_image"}


def test_nodes_of_different_images_are_told_apart_from_those_of_one() -> None:
    assert kind_config.shape([container("control-plane"), container("worker", "c:2")], [])["node_image"] == "a/b:1, c:2"


CONFIG_ID = "sha256:e0615268728ee40b72350d4faa72ea385177b26f48bd3518c9f8fc4f017d7c41"
TARGET = "sha256:3690b8bdd44dd72456a9c96737ed54cd95246f4aa2041fea51f28f13c3b9395f"
LISTING = f"""\
REF                              TYPE                                                 DIGEST     SIZE    PLATFORMS   LABELS
docker.io/library/busybox:latest application/vnd.docker.distribution.manifest.v2+json {TARGET} 2.0 MiB linux/amd64 managed
docker.io/library/other:1        application/vnd.docker.distribution.manifest.v2+json sha256:77 2.0 MiB linux/amd64 managed
{CONFIG_ID} application/vnd.docker.distribution.manifest.v2+json {TARGET} 2.0 MiB linux/amd64 managed
"""


def test_a_node_has_an_image_when_the_name_has_the_content_that_the_engine_has() -> None:
    assert kind_config.has_image(LISTING, "busybox", CONFIG_ID)
    # Docker's containerd image store calls the target's digest the image's Id.
    assert kind_config.has_image(LISTING, "busybox", TARGET)


def test_a_node_that_has_another_content_under_the_name_does_not_have_the_image() -> None:
    assert not kind_config.has_image(LISTING, "other:1", CONFIG_ID)
    assert not kind_config.has_image(LISTING, "missing:1", CONFIG_ID)
    assert not kind_config.has_image("", "busybox", CONFIG_ID)


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("kubelab/node:v1", "docker.io/kubelab/node:v1"),
        ("registry.example/a/b", "registry.example/a/b:latest"),
        ("localhost/a:1", "localhost/a:1"),
        ("registry.example:5000/a", "registry.example:5000/a:latest"),
        ("a/b@sha256:12", "docker.io/a/b@sha256:12"),
    ],
)
def test_a_short_image_name_is_completed_as_the_engine_does(image: str, full: str) -> None:
    assert kind_config.full_name(image) == full
