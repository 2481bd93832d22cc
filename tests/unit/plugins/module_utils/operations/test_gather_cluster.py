from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster as Connection
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Cluster, Policy
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather_cluster import VERSION, read_cluster

from tests.support.api_server import ApiServer, refusing, saying, status
from tests.support.objects import Object, pod

ROOT = Path(__file__).parents[5]


def listing(*items: Object) -> Any:
    return saying({"metadata": {}, "items": list(items)})


@pytest.fixture
def api(server: ApiServer) -> ApiServer:
    """A cluster that declares nothing."""
    server.misbehave("GET", "/version", saying({"gitVersion": "v1.34.4"}))
    return server


def nothing_else(server: ApiServer, *groups: str) -> None:
    """Let the server have these API groups, and answer as for what is not there to all that was not put before."""
    preferred = [{"name": group, "preferredVersion": {"groupVersion": f"{group}/v1"}} for group in groups]
    server.misbehave("GET", "/apis", saying({"groups": preferred}))
    server.misbehave("GET", "/api/v1/namespaces/kube-system/services", listing())
    server.misbehave("GET", "/api.*", refusing(404, status(404, "NotFound", "not found")))


def read(server: ApiServer, connection: Connection, *pods: Object) -> Cluster:
    return read_cluster(connection, server.all("Node"), pods, dns_name="a.name", outside="")


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == VERSION


def test_a_cluster_that_declares_nothing_is_read_without_complaint(api: ApiServer, cluster: Connection) -> None:
    nothing_else(api)
    found = read(api, cluster)
    assert (found.pod_ranges, found.service_ranges, found.policies, found.dns_address) == ((), (), (), None)
    assert found.unread == {}
    assert found.versions == {"kubernetes": "v1.34.4", "kubelab.podnet": VERSION}
    assert found.emulated is False


@pytest.mark.parametrize("written", ["10.96.0.0/16", '"10.96.0.0/16"', "'10.96.0.0/16'", "10.96.0.1/16  # ours"])
def test_ranges_are_those_that_kubeadm_was_given(api: ApiServer, cluster: Connection, written: str) -> None:
    configuration = "apiVersion: kubeadm.k8s.io/v1beta4\nnetworking:\n  dnsDomain: cluster.local\n"
    configuration += f"  podSubnet: 192.168.0.0/16,fd00::/48\n  serviceSubnet: {written}\n"
    whole = {"metadata": {}, "data": {"ClusterConfiguration": configuration}}
    api.misbehave("GET", ".*/configmaps/kubeadm-config", saying(whole))
    nothing_else(api)
    found = read(api, cluster)
    assert found.pod_ranges == ("192.168.0.0/16", "fd00::/48")
    assert found.service_ranges == ("10.96.0.0/16",)


@pytest.mark.parametrize(("declared", "ranges"), [("fd00::7/48,nonsense", ("fd00::/48",)), ("none", ())])
def test_a_range_has_no_host_bits_and_what_is_no_network_is_none(
    api: ApiServer, cluster: Connection, declared: str, ranges: tuple[str, ...]
) -> None:
    whole = {"metadata": {}, "data": {"ClusterConfiguration": f"networking:\n  podSubnet: {declared}\n"}}
    api.misbehave("GET", ".*/configmaps/kubeadm-config", saying(whole))
    nothing_else(api)
    assert read(api, cluster).pod_ranges == ranges


def test_ranges_of_the_api_are_taken_before_those_of_kubeadm(api: ApiServer, cluster: Connection) -> None:
    pools = [{"spec": {"cidr": "10.1.0.0/16"}}, {"spec": {"cidr": "10.2.0.0/16", "disabled": True}}]
    api.misbehave("GET", "/apis/crd.projectcalico.org/v1/ippools", listing(*pools))
    api.misbehave("GET", ".*/servicecidrs", listing({"spec": {"cidrs": ["10.96.0.0/16", "fd01::/108"]}}))
    resources: Object = {"resources": []}
    api.misbehave("GET", "/apis/crd.projectcalico.org/v1", saying(resources))
    nothing_else(api, "crd.projectcalico.org")
    found = read(api, cluster)
    assert found.pod_ranges == ("10.1.0.0/16",)
    assert found.service_ranges == ("10.96.0.0/16", "fd01::/108")


@pytest.mark.parametrize(
    ("uses", "ranges"),
    [
        (["Workload", "Tunnel"], ("10.1.0.0/16",)),
        ([], ("10.1.0.0/16",)),
        (["LoadBalancer"], ("192.168.0.0/16",)),
        (["Tunnel"], ("192.168.0.0/16",)),
    ],
)
def test_a_pool_that_is_only_for_services_or_tunnels_is_no_range_of_pods(
    api: ApiServer, cluster: Connection, uses: list[str], ranges: tuple[str, ...]
) -> None:
    pool = {"spec": {"cidr": "10.1.0.0/16", "allowedUses": uses}}
    api.misbehave("GET", "/apis/crd.projectcalico.org/v1/ippools", listing(pool))
    configuration = {"ClusterConfiguration": "networking:\n  podSubnet: 192.168.0.0/16\n"}
    api.misbehave("GET", ".*/configmaps/kubeadm-config", saying({"metadata": {}, "data": configuration}))
    resources: Object = {"resources": []}
    api.misbehave("GET", "/apis/crd.projectcalico.org/v1", saying(resources))
    nothing_else(api, "crd.projectcalico.org")
    assert read(api, cluster).pod_ranges == ranges


def test_the_name_server_is_that_with_the_usual_label(api: ApiServer, cluster: Connection) -> None:
    services = listing({"spec": {"clusterIP": "None"}}, {"spec": {"clusterIP": "10.96.0.10"}})
    api.misbehave("GET", "/api/v1/namespaces/kube-system/services", services)
    nothing_else(api)
    assert read(api, cluster).dns_address == "10.96.0.10"


def test_a_network_policy_is_kept_with_what_it_selects(api: ApiServer, cluster: Connection) -> None:
    items = [
        {"metadata": {"name": "both", "namespace": "shop"}, "spec": {"podSelector": {}, "egress": []}},
        {
            "metadata": {"name": "in", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": "db"}}},
        },
        {
            "metadata": {"name": "out", "namespace": "shop"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
        },
    ]
    api.misbehave("GET", ".*/networkpolicies", listing(*items))
    nothing_else(api)
    assert read(api, cluster).policies == (
        Policy("NetworkPolicy", "both", "shop", {}, ("Ingress", "Egress")),
        Policy("NetworkPolicy", "in", "shop", {"matchLabels": {"app": "db"}}, ("Ingress",)),
        Policy("NetworkPolicy", "out", "shop", {}, ("Egress",)),
    )


def test_policies_of_other_kinds_are_found_by_what_is_installed(api: ApiServer, cluster: Connection) -> None:
    resources = [
        {"name": "ciliumnetworkpolicies", "kind": "CiliumNetworkPolicy"},
        {"name": "ciliumnetworkpolicies/status", "kind": "CiliumNetworkPolicy"},
        {"name": "ciliumclusterwidenetworkpolicies", "kind": "CiliumClusterwideNetworkPolicy"},
        {"name": "ciliumendpoints", "kind": "CiliumEndpoint"},
    ]
    api.misbehave("GET", "/apis/cilium.io/v1", saying({"resources": resources}))
    own = listing({"metadata": {"name": "a", "namespace": "shop"}})
    api.misbehave("GET", "/apis/cilium.io/v1/ciliumnetworkpolicies", own)
    api.misbehave("GET", "/apis/cilium.io/v1/ciliumclusterwidenetworkpolicies", listing({"metadata": {"name": "b"}}))
    nothing_else(api, "cilium.io", "metrics.k8s.io")
    assert read(api, cluster).policies == (
        Policy("CiliumNetworkPolicy", "a", "shop"),
        Policy("CiliumClusterwideNetworkPolicy", "b"),
    )


def test_the_pod_network_is_known_by_its_agents_and_their_image(api: ApiServer, cluster: Connection) -> None:
    nothing_else(api)
    agent = pod("calico-node-x", "172.18.0.3", labels={"k8s-app": "calico-node"}, host_network=True)
    agent["spec"]["containers"][0]["image"] = "registry.example:5000/calico/node:v3.28.0@sha256:00"
    found = read(api, cluster, pod("bb1", "192.168.0.1", labels={"k8s-app": "calico-node"}), agent)
    assert found.versions["cni"] == "calico-node (node:v3.28.0)"


def test_a_cluster_of_network_namespaces_is_known_by_its_nodes(api: ApiServer, cluster: Connection) -> None:
    nothing_else(api)
    (node, *_rest) = api.all("Node")
    node["status"]["nodeInfo"] = {"osImage": "network namespace"}
    api.put(node)
    assert read(api, cluster).emulated


def test_what_is_refused_is_unread_with_the_reason_and_the_rest_is_read(api: ApiServer, cluster: Connection) -> None:
    api.misbehave("GET", "/apis/networking.k8s.io/.*", refusing(403, status(403, "Forbidden", "may not list")))
    nothing_else(api)
    found = read(api, cluster)
    assert set(found.unread) == {"policies", "service_ranges"}
    assert "may not list" in found.unread["policies"]
    assert found.versions["kubernetes"] == "v1.34.4"


def test_an_answer_that_is_no_json_is_unread(server: ApiServer, cluster: Connection) -> None:
    server.misbehave("GET", "/version", saying("<html>"))
    nothing_else(server)
    assert "not JSON" in read(server, cluster).unread["versions"]
