# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What paths name, and what clients discover."""

from __future__ import annotations

import pytest

from netns_cluster.api import resources


@pytest.mark.parametrize(
    ("path", "resource", "namespace", "name", "subresource"),
    [
        ("/api/v1/nodes", "nodes", None, None, None),
        ("/api/v1/nodes/demo-worker", "nodes", None, "demo-worker", None),
        ("/api/v1/pods", "pods", None, None, None),
        ("/api/v1/namespaces", "namespaces", None, None, None),
        ("/api/v1/namespaces/default", "namespaces", None, "default", None),
        ("/api/v1/namespaces/default/pods", "pods", "default", None, None),
        ("/api/v1/namespaces/default/pods/bb1", "pods", "default", "bb1", None),
        ("/api/v1/namespaces/default/pods/bb1/exec", "pods", "default", "bb1", "exec"),
        ("/apis/apps/v1/daemonsets", "daemonsets", None, None, None),
        ("/apis/networking.k8s.io/v1/namespaces/a/networkpolicies", "networkpolicies", "a", None, None),
    ],
)
def test_paths_name_resources(
    path: str, resource: str, namespace: str | None, name: str | None, subresource: str | None
) -> None:
    target = resources.resolve(path)
    assert target is not None
    assert (target.resource.name, target.namespace, target.name, target.subresource) == (
        resource,
        namespace,
        name,
        subresource,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/api/v2/pods",
        "/api/v1/configmaps",
        "/api/v1/pods/bb1",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/namespaces/default/pods/bb1/nosuch",
        "/api/v1/namespaces/default/pods/bb1/exec/more",
        "/api/v1/nodes//log",
        "/apis/apps/v1/deployments",
        "/apis/apps/v1beta1/daemonsets",
        "/apis",
    ],
)
def test_other_paths_name_nothing(path: str) -> None:
    assert resources.resolve(path) is None


def test_both_kinds_of_discovery_tell_the_same() -> None:
    older = {
        entry["name"]: (entry["kind"], entry["namespaced"], tuple(entry["verbs"]))
        for entry in resources.resource_list("")["resources"]
    }
    (group,) = resources.aggregated(("",), "v2")["items"]
    newer = {}
    for entry in group["versions"][0]["resources"]:
        namespaced = entry["scope"] == "Namespaced"
        newer[entry["resource"]] = (entry["responseKind"]["kind"], namespaced, tuple(entry["verbs"]))
        for sub in entry.get("subresources", []):
            name = f"{entry['resource']}/{sub['subresource']}"
            newer[name] = (sub["responseKind"]["kind"], namespaced, tuple(sub["verbs"]))
    assert newer == older
