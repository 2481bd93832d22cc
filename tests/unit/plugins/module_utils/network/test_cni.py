"""Which CNI a table speaks of. test_explain_tables.py reads the tables of all of them."""

from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.cni import sign_of
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route


def sign(text: str) -> tuple[str, str | None] | None:
    (route,) = parse_ip_route(text).routes
    return sign_of(route)


@pytest.mark.parametrize(
    ("text", "cni", "meaning"),
    [
        ("192.168.157.134 dev cali98fd8882b62 scope link", "calico", "local_pod"),
        ("blackhole 192.168.157.128/26 proto 80", "calico", "own_block"),
        ("blackhole 192.168.157.128/26 proto bird", "calico", "own_block"),
        ("192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink", "calico", "remote_block"),
        ("192.168.121.64/26 via 192.168.121.64 dev vxlan.calico onlink", "calico", "remote_block"),
        ("10.244.1.7 dev veth87514986 scope host", "kindnet", "local_pod"),
        ("10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1", "flannel", "own_block"),
        ("10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink", "flannel", "remote_block"),
        ("10.244.0.0/16 dev flannel.1 proto kernel scope link src 10.244.0.0", "flannel", "remote_block"),
        ("10.0.1.0/24 via 10.0.1.238 dev cilium_host proto kernel src 10.0.1.238", "cilium", "own_block"),
        ("10.0.2.0/24 via 10.0.1.238 dev cilium_host proto kernel src 10.0.1.238", "cilium", "remote_block"),
        ("10.0.1.238 dev cilium_host proto kernel scope link", "cilium", None),
        ("10.240.0.56 dev lxc_health scope link", "cilium", None),
        ("10.138.3.8 dev antrea-gw0 scope link", "antrea", "local_pod"),
        ("10.222.0.0/24 via 10.222.0.1 dev antrea-gw0 onlink", "antrea", "remote_block"),
        ("10.96.0.0/12 via 169.254.0.253 dev antrea-gw0 onlink", "antrea", "service"),
        ("169.254.0.253 via 169.254.0.253 dev antrea-gw0 onlink", "antrea", None),
        ("10.132.2.0/23 dev ovn-k8s-mp0 proto kernel scope link src 10.132.2.2", "ovn-kubernetes", "own_block"),
        ("10.132.0.0/14 via 10.132.2.1 dev ovn-k8s-mp0", "ovn-kubernetes", "remote_block"),
        ("172.30.0.0/16 via 169.254.169.4 dev br-ex mtu 1400", "ovn-kubernetes", "service"),
        ("10.32.0.0/12 dev weave proto kernel scope link src 10.44.0.0", "weave", "cluster"),
        ("10.244.0.0/16 via 100.64.0.1 dev ovn0", "kube-ovn", "cluster"),
        ("100.64.0.0/16 dev ovn0 proto kernel scope link src 100.64.0.3", "kube-ovn", None),
        ("192.168.121.64 dev vxlan.calico scope link", "calico", None),
        ("fe80::/64 dev cali98fd8882b62 proto kernel metric 256 pref medium", "calico", None),
        ("fe80::/64 dev vxlan.calico proto kernel metric 256 pref medium", "calico", None),
    ],
)
def test_a_row_means_what_its_cni_means_by_it(text: str, cni: str, meaning: str | None) -> None:
    assert sign(text) == (cni, meaning)


@pytest.mark.parametrize(
    "text",
    [
        "default via 172.18.0.1 dev eth0",
        "default via 10.240.0.1 dev azure0",
        "10.0.0.0/8 via 172.18.0.1 dev eth0 proto bird",  # a BIRD of somebody else's
        "10.0.0.0/8 via 172.18.0.1 dev eth0 proto 80",
        "blackhole 10.96.0.0/12 proto bird",  # not the size of a block
        "blackhole 192.168.157.128 proto 80",
        "blackhole 192.168.210.0/26",
        "unreachable 192.168.210.0/26 proto 80",
        "192.168.210.7 dev veth1 scope link",
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1",
        "local 192.168.157.128 dev vxlan.calico table local proto kernel scope host src 192.168.157.128",
    ],
)
def test_no_row_speaks_of_a_cni_by_its_protocol_alone(text: str) -> None:
    assert sign(text) is None
