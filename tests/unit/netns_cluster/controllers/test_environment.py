# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container finds around it."""

from __future__ import annotations

from typing import Any

import pytest

from netns_cluster.api import pods
from netns_cluster.controllers import environment
from netns_cluster.runtime.messages import DEFAULT_CAPABILITIES

Object = dict[str, Any]

DNS = ("10.96.0.10",)


def pod(container: Object | None = None, **spec: Any) -> Object:
    containers = [{"name": "bb", "image": "busybox", **(container or {})}]
    obj = {
        "metadata": {"name": "bb1", "namespace": "default", "uid": "u", "labels": {"run": "bb1"}},
        "spec": {"containers": containers},
    }
    obj = pods.with_defaults({**obj, "spec": {**obj["spec"], "nodeName": "demo-worker", **spec}})
    obj["status"] |= {"hostIP": "172.18.0.4", "podIP": "192.168.157.129", "podIPs": [{"ip": "192.168.157.129"}]}
    return obj


def main_process(obj: Object) -> Any:
    return environment.main_process(obj, obj["spec"]["containers"][0])


def surroundings(obj: Object) -> Any:
    return environment.container_of(obj, obj["spec"]["containers"][0], DNS)


def test_a_container_without_a_command_runs_the_images_shell() -> None:
    assert main_process(pod()).argv == ["sh"]


def test_command_and_args_are_joined_and_variables_in_them_replaced() -> None:
    env = [{"name": "WHO", "value": "you"}, {"name": "TEXT", "value": "hello $(WHO)"}]
    process = main_process(pod({"command": ["echo"], "args": ["$(TEXT)", "$$(TEXT)", "$(NOBODY)"], "env": env}))
    assert process.argv == ["echo", "hello you", "$(TEXT)", "$(NOBODY)"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "bb1"),
        ("metadata.namespace", "default"),
        ("metadata.labels['run']", "bb1"),
        ("metadata.annotations['none']", ""),
        ("spec.nodeName", "demo-worker"),
        ("status.podIP", "192.168.157.129"),
        ("status.podIPs", "192.168.157.129"),
        ("status.hostIP", "172.18.0.4"),
    ],
)
def test_a_variable_may_come_from_the_pod(path: str, value: str) -> None:
    env = [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}]
    assert main_process(pod({"env": env})).env["X"] == value


def test_a_field_that_is_none_is_a_configuration_error() -> None:
    env = [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.secrets"}}}]
    with pytest.raises(environment.ConfigurationError, match=r"unsupported fieldPath: spec\.secrets"):
        main_process(pod({"env": env}))


@pytest.mark.parametrize(
    ("security", "kept"),
    [
        ({}, DEFAULT_CAPABILITIES),
        ({"capabilities": {"drop": ["ALL"]}}, set()),
        ({"capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]}}, {"NET_RAW"}),
        ({"capabilities": {"drop": sorted(DEFAULT_CAPABILITIES - {"NET_RAW"})}}, {"NET_RAW"}),
        ({"capabilities": {"add": ["CAP_NET_ADMIN"]}}, DEFAULT_CAPABILITIES | {"NET_ADMIN"}),
    ],
)
def test_capabilities_are_the_runtimes_defaults_plus_and_minus_what_is_asked_for(
    security: Object, kept: set[str]
) -> None:
    assert environment.capabilities(security) == kept


def test_a_privileged_container_keeps_them_all() -> None:
    assert {"SYS_ADMIN", "NET_ADMIN"} < environment.capabilities({"privileged": True})


def test_the_containers_user_goes_before_the_pods() -> None:
    process = main_process(
        pod({"securityContext": {"runAsUser": 2}}, securityContext={"runAsUser": 1, "runAsGroup": 3})
    )
    assert (process.uid, process.gid) == (2, 3)


def test_root_is_refused_where_the_pod_says_so() -> None:
    with pytest.raises(environment.ConfigurationError, match="runAsNonRoot and image will run as root"):
        main_process(pod(securityContext={"runAsNonRoot": True}))


def test_the_name_server_is_the_clusters_with_the_namespace_first_in_the_search() -> None:
    assert environment.resolv_conf(pod(), DNS) == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    )


def test_a_pod_of_the_host_network_searches_nothing_unless_it_asks_to() -> None:
    assert environment.resolv_conf(pod(hostNetwork=True), DNS) == "nameserver 10.96.0.10\n"
    assert "search default.svc" in environment.resolv_conf(
        pod(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet"), DNS
    )


def test_a_pods_own_dns_configuration_is_added_or_stands_alone() -> None:
    config = {"nameservers": ["1.1.1.1"], "searches": ["example.org"], "options": [{"name": "timeout", "value": "1"}]}
    assert environment.resolv_conf(pod(dnsPolicy="None", dnsConfig=config), DNS) == (
        "search example.org\nnameserver 1.1.1.1\noptions timeout:1\n"
    )
    assert "nameserver 10.96.0.10\nnameserver 1.1.1.1" in environment.resolv_conf(pod(dnsConfig=config), DNS)


def test_the_hosts_file_knows_the_pod_itself_and_its_aliases() -> None:
    text = environment.hosts_file(pod(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a", "b"]}]))
    assert "192.168.157.129\tbb1\n" in text
    assert "10.0.0.1\ta b\n" in text


def test_a_pod_of_the_host_network_has_the_nodes_name() -> None:
    assert surroundings(pod(hostNetwork=True)).hostname == "demo-worker"
    assert surroundings(pod()).hostname == "bb1"


def test_volumes_are_the_pods_own_and_root_may_be_read_only() -> None:
    mounts = [{"name": "v", "mountPath": "/data", "readOnly": True}]
    container = surroundings(
        pod({"volumeMounts": mounts, "securityContext": {"readOnlyRootFilesystem": True}}, volumes=[{"name": "v"}])
    )
    assert [(volume.name, volume.path, volume.read_only) for volume in container.volumes] == [("u.v", "/data", True)]
    assert container.read_only


def test_the_node_image_brings_the_machines_tools_busybox_does_not() -> None:
    assert surroundings(pod({"image": "netns-node"})).host_tools
    assert not surroundings(pod()).host_tools


def test_the_node_image_shows_which_addresses_the_node_gave_out() -> None:
    (volume,) = surroundings(pod({"image": "netns-node"})).volumes
    assert (volume.name, volume.path) == ("demo-worker.reservations", "/var/lib/cni/networks/netns")
