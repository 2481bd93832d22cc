"""The names of interfaces, those of the lab and of the public tables among them."""

from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.interface_names import (
    computed_name_like,
    pod_interface_name,
    recognise_interface,
)


def test_the_interface_of_the_lab_pod_is_computed_from_its_name() -> None:
    assert pod_interface_name("cali", "default", "bb1") == "cali98fd8882b62"


def test_a_name_of_any_length_gives_an_interface_name_that_linux_allows() -> None:
    assert len(pod_interface_name("cali", "n" * 63, "p" * 253)) == 15


def test_names_are_computed_with_the_prefix_of_the_interface_at_hand() -> None:
    assert computed_name_like("cali00000000000", "default", "bb1") == "cali98fd8882b62"
    assert computed_name_like("eni00000000000", "default", "bb1") == "eni98fd8882b62"


@pytest.mark.parametrize(
    "name", ["lxc0123456789ab", "azv0123456789a", "gke0b335c00e99", "veth87514986", "eth0", "cali", ""]
)
def test_no_name_is_computed_where_the_cni_has_no_such_rule(name: str) -> None:
    assert computed_name_like(name, "default", "bb1") is None


@pytest.mark.parametrize(
    ("name", "owner", "role"),
    [
        ("cali98fd8882b62", "calico", "pod"),
        ("tunl0", "calico", "tunnel"),
        ("vxlan.calico", "calico", "tunnel"),
        ("cni0", "flannel", "bridge"),
        ("flannel.1", "flannel", "tunnel"),
        ("flannel-v6.1", "flannel", "tunnel"),
        ("flannel-wg", "flannel", "tunnel"),
        ("lxcdf3c1a24b218", "cilium", "pod"),
        ("lxc_health", "cilium", "health"),
        ("cilium_host", "cilium", "gateway"),
        ("eni161d6f0e0eb", "aws-vpc-cni", "pod"),
        ("aws8db0408c9a8", "aws-vpc-cni", "pod"),
        ("azv79d05038592", "azure-cni", "pod"),
        ("gke0b335c00e99", "gke", "pod"),
        ("cbr0", "kubenet", "bridge"),
        ("ovn-k8s-mp0", "ovn-kubernetes", "gateway"),
        ("antrea-gw0", "antrea", "gateway"),
        ("antrea-wg0", "antrea", "tunnel"),
        ("weave", "weave", "cluster"),
        ("ovn0", "kube-ovn", "cluster"),
        ("tun-172052116", "kube-router", "tunnel"),
        ("knet0a1b2c3d", "kindnet", "pod"),
        ("kube-ipvs0", "kube-proxy", "services"),
    ],
)
def test_names_belong_to_the_cni_that_gives_them(name: str, owner: str, role: str) -> None:
    assert recognise_interface(name) == (owner, role)


@pytest.mark.parametrize(
    "name",
    [
        *("eth0", "ens160", "lo", "docker0", "br-63f0de4915e3", "virbr0", "lxcbr0", "br-ex", "wg0", "tun0"),
        *("tailscale0", "vethf821f7f9", "calico", "cali98fd8882b6", "xcali98fd8882b62", "enid", "weave0", ""),
    ],
)
def test_names_that_no_cni_claims_are_nobodys(name: str) -> None:
    assert recognise_interface(name) is None
