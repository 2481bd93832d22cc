# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What kind and its clusters are told, and what is read from them: pure functions, JSON where YAML is taken.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import kubeadm
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import (
    BLOCK_PREFIX,
    CALICO,
    DEFAULT,
    Wanted,
)

CALICO_VERSION = "v3.32.4"
_CALICO_MANIFESTS = f"https://raw.githubusercontent.com/projectcalico/calico/{CALICO_VERSION}/manifests"
CALICO_URLS = (f"{_CALICO_MANIFESTS}/v1_crd_projectcalico_org.yaml", f"{_CALICO_MANIFESTS}/tigera-operator.yaml")

# The one thing about a cluster that cannot be read from it otherwise: how its CNI was asked for.
RECORD_NAME = "kubelab-podnet"


def cluster_config(wanted: Wanted) -> str:
    """Return kind's configuration (kind.x-k8s.io/v1alpha4) of a cluster."""
    node = {"image": wanted.node_image} if wanted.node_image else {}
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"podSubnet": wanted.pod_subnet, "disableDefaultCNI": wanted.cni != (DEFAULT,)},
        "nodes": [{"role": "control-plane", **node}, *[{"role": "worker", **node}] * wanted.workers],
    }
    if wanted.cni in ((CALICO,), (DEFAULT,)):
        # Calico picks its blocks itself, and any size suits kindnet; a CNI of manifests gets Kubernetes' usual /24.
        # No apiVersion: kind turns the arguments into the form of its kubeadm, a list since Kubernetes 1.36.
        arguments = {"node-cidr-mask-size": str(BLOCK_PREFIX)}
        patch = {"kind": "ClusterConfiguration", "controllerManager": {"extraArgs": arguments}}
        config["kubeadmConfigPatches"] = [json.dumps(patch)]
    return json.dumps(config)


def calico_installation(pod_subnet: str) -> str:
    """Return the resource by which the Tigera operator installs Calico (operator.tigera.io/v1, Installation).

    Without BGP and with an encapsulation that is used between subnets only, all nodes being in one, Felix programs plain
    routes by the nodes' addresses: the tables of lab.md.
    """
    pool = {
        "name": "default-ipv4-ippool",
        "cidr": pod_subnet,
        "blockSize": BLOCK_PREFIX,
        "encapsulation": "VXLANCrossSubnet",
        "natOutgoing": "Enabled",
        "nodeSelector": "all()",
    }
    installation = {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "Installation",
        "metadata": {"name": "default"},
        "spec": {"calicoNetwork": {"bgp": "Disabled", "ipPools": [pool]}},
    }
    return json.dumps(installation)


def record(cni: Iterable[str]) -> str:
    """Return the ConfigMap that keeps how the CNI was asked for, in the words of ``manifests.identities``."""
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": RECORD_NAME,
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/managed-by": "kubelab.podnet"},
        },
        "data": {"cni": json.dumps(list(cni))},
    }
    return json.dumps(config_map)


def shape(nodes: Iterable[Mapping[str, Any]], config_maps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a cluster is like: ``{control_planes, workers, node_image, pod_subnet, cni}``, without what cannot be read.

    ``nodes`` are its containers as ``docker inspect`` gives them, ``config_maps`` those of its namespace kube-system.
    """
    roles = [node["Config"]["Labels"].get("io.x-k8s.kind.role") for node in nodes]
    images = sorted({node["Config"]["Image"] for node in nodes})
    found: dict[str, Any] = {
        "control_planes": roles.count("control-plane"),
        "workers": roles.count("worker"),
        "node_image": ", ".join(images),
    }
    named = {config_map["metadata"]["name"]: config_map for config_map in config_maps}
    if pod_subnet := kubeadm.subnet(named.get("kubeadm-config", {}), "podSubnet"):
        found["pod_subnet"] = pod_subnet
    record_data = named.get(RECORD_NAME, {}).get("data", {})
    if "cni" in record_data:
        found["cni"] = json.loads(record_data["cni"])
    return found


def has_image(listing: str, image: str, image_id: str) -> bool:
    """Tell whether a node has an image, of what ``ctr images ls`` printed there.

    ``image_id`` is what ``docker image inspect`` calls Id: the digest of the image's configuration, under which the CRI
    plugin lists it as well, or with Docker's containerd image store the digest of what the name refers to.
    """
    digests = {fields[0]: fields[2] for fields in map(str.split, listing.splitlines()) if len(fields) > 2}
    digest = digests.get(full_name(image))
    return digest is not None and digest in (image_id, digests.get(image_id))


def full_name(image: str) -> str:
    """Return an image's name with registry and tag, as in docker.io/library/busybox:latest for busybox."""
    first, slash, _rest = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif not re.search(r"[.:]", first) and first != "localhost":
        image = f"docker.io/{image}"
    return image if re.search(r"[:@]", image.rpartition("/")[2]) else f"{image}:latest"
