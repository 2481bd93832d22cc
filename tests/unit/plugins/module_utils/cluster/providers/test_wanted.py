"""What may be asked for, and what is refused before anything is started."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError


def checked(**changed: Any) -> Wanted:
    defaults = {
        "name": "demo",
        "workers": 2,
        "pod_subnet": "192.168.0.0/16",
        "cni": ["calico"],
        "node_image": None,
        "images": [],
        "ip_families": "ipv4",
    }
    return Wanted.checked(defaults | changed)


def test_the_defaults_are_usable() -> None:
    assert checked() == Wanted("demo", 2, "192.168.0.0/16", ("calico",), None, (), "ipv4")


def test_an_image_named_twice_is_loaded_once() -> None:
    assert checked(images=["a:1", "b:1", "a:1"]).images == ("a:1", "b:1")


@pytest.mark.parametrize("name", ["", "-demo", "--help", "Demo", "a b", "a/b", "x" * 51, "demo\n"])
def test_a_name_that_no_host_can_have_or_that_looks_like_an_option_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cluster name"):
        checked(name=name)


@pytest.mark.parametrize("image", ["--config=/etc/shadow", "", "a b", "-x"])
def test_an_image_that_could_be_taken_for_an_option_is_refused(image: str) -> None:
    with pytest.raises(InputError, match="not the name of an image"):
        checked(images=[image])


def test_a_node_image_is_checked_like_an_image() -> None:
    assert checked(node_image="kindest/node:v1.34.0@sha256:0ab1").node_image == "kindest/node:v1.34.0@sha256:0ab1"
    with pytest.raises(InputError, match="not the name of an image"):
        checked(node_image="--image")


@pytest.mark.parametrize("cni", [[], ["calico", "default"], ["default", "extra.yaml"]])
def test_a_cni_is_calico_or_default_or_manifests_but_no_mixture(cni: list[str]) -> None:
    with pytest.raises(InputError, match="cni is"):
        checked(cni=cni)


def test_fewer_than_no_workers_are_refused() -> None:
    with pytest.raises(InputError, match="workers is -1"):
        checked(workers=-1)


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        ("192.168.0.1/16", "not a network"),
        ("nonsense", "not a network"),
        ("fd00::/48", "not an IPv4 network"),
        ("10.96.128.0/24", "overlaps with 10.96.0.0/16"),
        ("10.0.0.0/25", "no /26 for each of 3 nodes"),
        ("10.0.0.0/27", "no /26 for each of 3 nodes"),
    ],
)
def test_a_pod_subnet_that_cannot_work_is_refused_with_the_reason(subnet: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        checked(pod_subnet=subnet)


def test_a_pod_subnet_with_just_a_block_for_each_node_is_enough() -> None:
    assert checked(pod_subnet="10.0.0.0/24", workers=3).pod_subnet == "10.0.0.0/24"
