# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for a whole cluster: versions, ranges, name server, policies. Private to the collection: it may change."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import kubeadm
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster as Connection
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import AGENTS
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConnectionFailedError,
    NotFoundError,
    PodnetError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Cluster, Policy
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items

VERSION = "0.1.0"
"""Of the collection, as in galaxy.yml."""

_EMULATED = "network namespace"  # the osImage of nodes of a netns cluster

# API groups that bring policies of their own. What they select they say in languages of their own.
_POLICY_GROUPS = (
    *("crd.projectcalico.org", "cilium.io", "crd.antrea.io", "k8s.ovn.org"),
    *("policy.networking.k8s.io", "networking.gke.io", "networking.k8s.aws"),
)
_POLICY_KIND = re.compile(r"\w*NetworkPolicy|EgressFirewall")


def now() -> datetime:
    return datetime.now(UTC)


def read_cluster(
    connection: Connection, nodes: Sequence[Object], pods: Sequence[Object], *, dns_name: str, outside: str
) -> Cluster:
    """Read what holds for all nodes. What cannot be read stands in ``unread``; a kind that is not installed has no objects.

    :param nodes: the API's objects, as ``pods``.
    """
    reads: dict[str, Callable[[], Any]] = {
        "versions": lambda: _versions(connection, pods),
        "pod_ranges": lambda: _pod_ranges(connection),
        "service_ranges": lambda: _service_ranges(connection),
        "dns_address": lambda: _dns_address(connection),
        "policies": lambda: _policies(connection),
    }
    outcomes = dict(zip(reads, items.side_by_side(lambda read: read(), reads.values()), strict=True))
    return Cluster(
        name=connection.name,
        checked_at=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        emulated=any(node["status"].get("nodeInfo", {}).get("osImage") == _EMULATED for node in nodes),
        dns_name=dns_name or None,
        outside_address=outside or None,
        unread={name: str(outcome) for name, outcome in outcomes.items() if isinstance(outcome, PodnetError)},
        **{name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, PodnetError)},
    )


def _installed(connection: Connection) -> dict[str, str]:
    """API group -> its preferred version."""
    listed = _document(connection, "/apis")
    return {group["name"]: group["preferredVersion"]["groupVersion"] for group in listed["groups"]}


def _document(connection: Connection, url: str) -> Object:
    """What is no object of the API, but JSON: discovery and version."""
    try:
        document: Object = json.loads(connection.text(url))
    except ValueError as error:
        raise ConnectionFailedError(
            f"{connection.endpoint.server} answered GET {url} with something that is not JSON; is this an API server?"
        ) from error
    return document


def _versions(connection: Connection, pods: Sequence[Object]) -> dict[str, str]:
    versions = {"kubernetes": _document(connection, "/version")["gitVersion"], "kubelab.podnet": VERSION}
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        agent = next((labels[key] for key, values in AGENTS.items() if labels.get(key) in values), None)
        if agent and pod["spec"].get("hostNetwork"):
            image = pod["spec"]["containers"][0]["image"].partition("@")[0].rpartition("/")[2]
            versions["cni"] = f"{agent} ({image})"
            break
    return versions


def _listed(connection: Connection, url: str) -> list[Object]:
    """The objects of a kind; none where the kind is not installed."""
    try:
        found: list[Object] = connection.list(url)["items"]
    except NotFoundError:
        return []
    return found


def _pod_ranges(connection: Connection) -> tuple[str, ...]:
    calico = _installed(connection).get("crd.projectcalico.org")
    pools = [pool["spec"] for pool in _listed(connection, f"/apis/{calico}/ippools")] if calico else []
    declared = _networks(pool["cidr"] for pool in pools if _is_for_pods(pool))
    return declared or _of_kubeadm(connection, "podSubnet")


def _is_for_pods(pool: Object) -> bool:
    """Whether pods get addresses from a pool of Calico's; Services and the nodes' tunnels may have pools of their own."""
    # A disabled pool often stands for networks outside the cluster, to which pods send with their own addresses.
    return not pool.get("disabled") and "Workload" in (pool.get("allowedUses") or ["Workload"])


def _service_ranges(connection: Connection) -> tuple[str, ...]:
    declared = _listed(connection, "/apis/networking.k8s.io/v1/servicecidrs")
    if declared:
        return _networks(cidr for item in declared for cidr in item["spec"]["cidrs"])
    return _of_kubeadm(connection, "serviceSubnet")


def _of_kubeadm(connection: Connection, name: str) -> tuple[str, ...]:
    try:
        config_map = connection.get(path("configmaps", "kubeadm-config", "kube-system"))
    except NotFoundError:
        return ()
    return _networks((kubeadm.subnet(config_map, name) or "").split(","))


def _networks(declared: Iterable[str]) -> tuple[str, ...]:
    """CIDRs as they are judged by: without host bits, which some installers leave in; what is none declares nothing."""
    found = []
    for text in declared:
        with suppress(ValueError):
            found.append(str(ipaddress.ip_network(text, strict=False)))
    return tuple(found)


def _dns_address(connection: Connection) -> str | None:
    """The address of the cluster's DNS; every installer labels its Service so, whatever its name."""
    labelled = connection.list(path("services", namespace="kube-system"), labelSelector="k8s-app=kube-dns")["items"]
    addresses = [item["spec"].get("clusterIP") for item in labelled]
    return next((address for address in addresses if address and address != "None"), None)


def _policies(connection: Connection) -> tuple[Policy, ...]:
    found = [_network_policy(item) for item in _listed(connection, "/apis/networking.k8s.io/v1/networkpolicies")]
    groups = _installed(connection)
    for group in _POLICY_GROUPS:
        if group in groups:
            found += _own_policies(connection, groups[group])
    return tuple(found)


def _network_policy(item: Object) -> Policy:
    spec = item["spec"]
    default = ("Ingress", "Egress") if "egress" in spec else ("Ingress",)
    return Policy(
        kind="NetworkPolicy",
        name=item["metadata"]["name"],
        namespace=item["metadata"]["namespace"],
        pod_selector=spec.get("podSelector") or {},
        types=tuple(spec.get("policyTypes") or default),
    )


def _own_policies(connection: Connection, group_version: str) -> list[Policy]:
    resources = _document(connection, f"/apis/{group_version}")["resources"]
    return [
        Policy(kind=resource["kind"], name=item["metadata"]["name"], namespace=item["metadata"].get("namespace"))
        for resource in resources
        if _POLICY_KIND.fullmatch(resource["kind"]) and "/" not in resource["name"]
        for item in connection.list(f"/apis/{group_version}/{resource['name']}")["items"]
    ]
