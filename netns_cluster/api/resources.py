# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The resources that this API serves, and the three ways in which clients discover them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

READ = ("get", "list", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind of object. ``subresources`` maps a name to its kind and verbs; ``group`` is empty for the core group."""

    name: str
    kind: str
    namespaced: bool = True
    group: str = ""
    verbs: tuple[str, ...] = READ
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def singular(self) -> str:
        return self.kind.lower()


_RESOURCES = (
    Resource("events", "Event", short_names=("ev",)),
    Resource(
        "namespaces",
        "Namespace",
        namespaced=False,
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        short_names=("ns",),
    ),
    Resource("nodes", "Node", namespaced=False, verbs=("get", "list", "patch", "update", "watch"), short_names=("no",)),
    Resource(
        "pods",
        "Pod",
        verbs=("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"),
        short_names=("po",),
        categories=("all",),
        subresources=(("exec", "PodExecOptions", ("create", "get")), ("log", "Pod", ("get",))),
    ),
    Resource("serviceaccounts", "ServiceAccount", short_names=("sa",)),
    Resource("services", "Service", short_names=("svc",), categories=("all",)),
    Resource("daemonsets", "DaemonSet", group="apps", short_names=("ds",), categories=("all",)),
    Resource("networkpolicies", "NetworkPolicy", group="networking.k8s.io", short_names=("netpol",)),
)
RESOURCES = {(resource.group, resource.name): resource for resource in _RESOURCES}
GROUPS = tuple(sorted({resource.group for resource in _RESOURCES if resource.group}))


@dataclass(frozen=True)
class Target:
    """What a path of the API names. ``namespace`` is None for all namespaces and for cluster-wide resources."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None


def resolve(path: str) -> Target | None:
    """Return what the path of a request names, or None.

    /api/v1/nodes/demo-worker, /api/v1/namespaces/default/pods/bb1/exec, /apis/apps/v1/daemonsets, ...
    """
    parts = path.strip("/").split("/")
    if parts[:2] == ["api", "v1"]:
        group, parts = "", parts[2:]
    elif parts[0] == "apis" and parts[2:3] == ["v1"]:
        group, parts = parts[1], parts[3:]
    else:
        return None
    namespace = None
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    resource = RESOURCES.get((group, parts[0])) if parts else None
    if resource is None or len(parts) > 3 or not all(parts):
        return None
    name, subresource = (*parts[1:], None, None)[:2]
    if (namespace is not None and not resource.namespaced) or (name and resource.namespaced and namespace is None):
        return None
    if subresource and subresource not in {entry[0] for entry in resource.subresources}:
        return None
    return Target(resource, namespace, name, subresource)


def api_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list() -> Object:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [api_group(group) for group in GROUPS]}


def api_group(group: str) -> Object:
    version = {"groupVersion": f"{group}/v1", "version": "v1"}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": [version], "preferredVersion": version}


def resource_list(group: str) -> Object:
    """The older discovery: one document per group."""
    entries: list[Object] = []
    for resource in _of_group(group):
        entry: Object = {"name": resource.name, "singularName": resource.singular, "namespaced": resource.namespaced}
        entry |= {"kind": resource.kind, "verbs": list(resource.verbs)}
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        entries.append(entry)
        for name, kind, verbs in resource.subresources:
            entries.append(
                {
                    "name": f"{resource.name}/{name}",
                    "singularName": "",
                    "namespaced": resource.namespaced,
                    "kind": kind,
                    "verbs": list(verbs),
                }
            )
    version = f"{group}/v1" if group else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": entries}


def aggregated(groups: tuple[str, ...], version: str) -> Object:
    """The newer discovery: all groups in one document (apidiscovery.k8s.io, v2 or v2beta1)."""
    items = []
    for group in groups:
        resources = [_aggregated_resource(resource) for resource in _of_group(group)]
        versions = [{"version": "v1", "resources": resources, "freshness": "Current"}]
        items.append({"metadata": {"name": group} if group else {}, "versions": versions})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _aggregated_resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.name,
        "responseKind": {"group": resource.group, "version": "v1", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": name, "responseKind": {"group": "", "version": "v1", "kind": kind}, "verbs": list(verbs)}
            for name, kind, verbs in resource.subresources
        ]
    return entry


def _of_group(group: str) -> list[Resource]:
    return [resource for resource in _RESOURCES if resource.group == group]
