# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the name of a node's interface tells: whose it is, and what is behind it. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha1
from typing import Literal, NamedTuple

# pod: one pod. bridge: all pods of this node. gateway: this node's pods and the way to those of other nodes.
# tunnel: other nodes' pods. cluster: every pod of the cluster, with no telling of nodes. uplink: the node itself.
# health: the CNI's own health check. services: the addresses of Services.
Role = Literal["pod", "bridge", "gateway", "tunnel", "cluster", "uplink", "health", "services"]


class Interface(NamedTuple):
    """``owner`` is the CNI (or kube-proxy) that names interfaces so."""

    owner: str
    role: Role


_HASH = "[0-9a-f]{11}"
_NAMES: tuple[tuple[str, Role, str], ...] = (
    ("calico", "pod", f"cali{_HASH}"),
    ("calico", "tunnel", r"tunl0|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali"),
    ("flannel", "bridge", "cni0"),
    ("flannel", "tunnel", r"flannel0|flannel(-v6)?\.\d+|flannel-wg(-v6)?"),
    ("kindnet", "pod", "knet[0-9a-f]{8}"),
    ("cilium", "pod", "lxc[0-9a-f]{12}"),
    ("cilium", "health", "lxc_health"),
    ("cilium", "gateway", "cilium_host"),
    ("cilium", "tunnel", "cilium_vxlan|cilium_geneve|cilium_wg0"),
    ("aws-vpc-cni", "pod", f"(eni|aws|vlan){_HASH}"),
    ("azure-cni", "pod", f"azv{_HASH}"),
    ("azure-cni", "uplink", "azure0"),
    ("gke", "pod", f"gke{_HASH}"),
    ("kubenet", "bridge", "cbr0"),
    ("ovn-kubernetes", "gateway", "ovn-k8s-mp0"),
    ("antrea", "gateway", "antrea-gw0"),
    ("antrea", "tunnel", "antrea-tun0|antrea-wg0"),
    ("weave", "cluster", "weave"),
    ("kube-ovn", "cluster", "ovn0"),
    ("kube-router", "bridge", "kube-bridge"),
    ("kube-router", "tunnel", rf"tun-(\d+|{_HASH})"),
    ("kube-proxy", "services", "kube-ipvs0"),
)
_SHAPES = tuple((re.compile(shape), Interface(owner, role)) for owner, role, shape in _NAMES)

# Calico (VethNameForWorkload) and AWS VPC CNI (GeneratePodHostVethName; vlan for pods with security groups of their own).
# The other CNIs name interfaces after a container or at random, which a pod's name does not tell.
_COMPUTED_PREFIXES = ("cali", "eni", "vlan")


@lru_cache(maxsize=8192)
def recognise_interface(name: str) -> Interface | None:
    """Whose interface that is by its name, None for names that no CNI claims.

    Names are borrowed: Terway also says cali, TKE eni; cni0 is the bridge plugin's own default.
    """
    for shape, interface in _SHAPES:
        if shape.fullmatch(name):
            return interface
    return None


def is_tunnel(name: str | None) -> bool:
    """Whether a CNI's tunnel to other nodes has that name."""
    interface = recognise_interface(name) if name is not None else None
    return interface is not None and interface.role == "tunnel"


def pod_interface_name(prefix: str, namespace: str, name: str) -> str:
    """The node's end of a pod's veth pair, as Calico (prefix cali) and the AWS VPC CNI (prefix eni) name it."""
    return prefix + sha1(f"{namespace}.{name}".encode(), usedforsecurity=False).hexdigest()[:11]


def computed_prefixes(interfaces: Iterable[str]) -> list[str]:
    """Those of the prefixes of computed names that names of interfaces begin with."""
    return sorted({prefix for name in interfaces for prefix in _COMPUTED_PREFIXES if name.startswith(prefix)})


def computed_name_like(interface: str, namespace: str, name: str) -> str | None:
    """The name that the CNI of this interface computes for that pod, None when it computes none.

    The interface is the pod's when both names are the same.
    """
    known = recognise_interface(interface)
    if known is None or known.role != "pod":
        return None
    for prefix in _COMPUTED_PREFIXES:
        if interface.startswith(prefix):
            return pod_interface_name(prefix, namespace, name)
    return None
