# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that a new cluster holds: its nodes, the system's namespaces, and the two services of every cluster."""

from __future__ import annotations

import os
import platform
from typing import Any

from netns_cluster.api import namespaces
from netns_cluster.api.store import Store, timestamp
from netns_cluster.config import SERVICE_SUBNETS, Shape, dns_addresses
from netns_cluster.network.blocks import Address
from netns_cluster.network.network import ClusterNetwork

Object = dict[str, Any]

KUBERNETES_VERSION = "v1.34.0+netns"
"""What this API is like, and the mark of what it is."""

OS_IMAGE = "network namespace"
PODS_PER_NODE = 110
_ROLE = "node-role.kubernetes.io/control-plane"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def version_info() -> Object:
    """The answer of /version."""
    return {
        "major": "1",
        "minor": "34",
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{architecture()}",
    }


def populate(store: Store, shape: Shape, network: ClusterNetwork, busybox_version: str) -> None:
    """Store what a cluster begins with."""
    for name in namespaces.SYSTEM:
        namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
        store.create("namespaces", namespaces.with_defaults(namespace))
    for name in shape.nodes:
        store.create("nodes", _node(name, shape, network, busybox_version))
    service_ips = tuple(SERVICE_SUBNETS[family][1] for family in shape.families)
    https = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}
    labels = {"component": "apiserver", "provider": "kubernetes"}
    store.create("services", _service("kubernetes", "default", service_ips, [https], labels, None))
    dns = {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": 53}
    labels = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true"}
    store.create("services", _service("kube-dns", "kube-system", dns_addresses(shape.families), [dns], labels, None))


def _node(name: str, shape: Shape, network: ClusterNetwork, busybox_version: str) -> Object:
    arch = architecture()
    labels = {"beta.kubernetes.io/arch": arch, "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": arch}
    labels |= {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    spec: Object = {"providerID": f"netns://{shape.name}/{name}"}
    if name == shape.control_plane:
        labels |= {_ROLE: "", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
        if shape.workers:
            spec["taints"] = [{"key": _ROLE, "effect": "NoSchedule"}]
    # The blocks are what routes pods here; these subnets are what a controller of a real cluster notes down besides.
    annotations = {"node.alpha.kubernetes.io/ttl": "0"}
    addresses = [{"type": "InternalIP", "address": str(ip)} for ip in network.nodes[name].addresses]
    status = _node_status(name, addresses, arch, busybox_version)
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status}


def _node_status(name: str, addresses: list[Object], arch: str, busybox_version: str) -> Object:
    now = timestamp()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    resources = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": str(PODS_PER_NODE)}
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    pressures = [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ]
    conditions = [
        {"type": kind, "status": "False", **times, "reason": reason, "message": text}
        for kind, reason, text in pressures
    ]
    ready = {"reason": "KubeletReady", "message": "kubelet is posting ready status"}
    conditions.append({"type": "Ready", "status": "True", **times, **ready})
    return {
        "capacity": resources,
        "allocatable": resources,
        "conditions": conditions,
        "addresses": [*addresses, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": platform.release(),
            "osImage": OS_IMAGE,
            "containerRuntimeVersion": f"busybox://{busybox_version}",
            "kubeletVersion": KUBERNETES_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": arch,
        },
    }


def _service(
    name: str,
    namespace: str,
    ips: tuple[Address, ...],
    ports: list[Object],
    labels: dict[str, str],
    selector: Object | None,
) -> Object:
    addresses = [str(ip) for ip in ips]
    spec: Object = {"ports": ports, "clusterIP": addresses[0], "clusterIPs": addresses, "type": "ClusterIP"}
    spec |= {"sessionAffinity": "None", "ipFamilies": [f"IPv{ip.version}" for ip in ips]}
    spec |= {
        "ipFamilyPolicy": "SingleStack" if len(ips) == 1 else "PreferDualStack",
        "internalTrafficPolicy": "Cluster",
    }
    if selector:
        spec["selector"] = selector
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": "Service", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}
