# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents from which clients learn what this API serves."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from netns_cluster.api import errors, media, resources

Object = dict[str, Any]


def _discovery(request: web.Request, older: Object, groups: tuple[str, ...]) -> web.Response:
    form, version = media.negotiate(request.headers.get("Accept", ""), (media.DISCOVERY,))
    if not form:
        return web.json_response(older)
    content_type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    return web.Response(text=json.dumps(resources.aggregated(groups, version)), headers={"Content-Type": content_type})


async def _core(request: web.Request) -> web.Response:
    return _discovery(request, resources.api_versions(), ("",))


async def _groups(request: web.Request) -> web.Response:
    return _discovery(request, resources.group_list(), resources.GROUPS)


async def _core_resources(_unused: web.Request) -> web.Response:
    return web.json_response(resources.resource_list(""))


async def _group(request: web.Request) -> web.Response:
    return web.json_response(resources.api_group(_known_group(request)))


async def _group_resources(request: web.Request) -> web.Response:
    return web.json_response(resources.resource_list(_known_group(request)))


def _known_group(request: web.Request) -> str:
    group = request.match_info["group"]
    if group not in resources.GROUPS:
        raise errors.no_such_path(request.path)
    return group


async def _openapi_index(_unused: web.Request) -> web.Response:
    return web.json_response({"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}})


async def _openapi_core(_unused: web.Request) -> web.Response:
    """Tell kubectl that the server itself checks fields, which is all that it looks for before it writes."""
    paths = {}
    for resource in resources.RESOURCES.values():
        if "patch" in resource.verbs:
            prefix = "/api/v1/namespaces/{namespace}" if resource.namespaced else "/api/v1"
            kind = {"group": "", "version": "v1", "kind": resource.kind}
            operation = {
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": kind,
            }
            paths[f"{prefix}/{resource.name}/{{name}}"] = {"patch": operation}
    info = {"title": "A cluster of network namespaces", "version": "v1"}
    return web.json_response({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}})


async def _openapi_2(_unused: web.Request) -> web.Response:
    """Tell kubectl nothing, in a protobuf message without fields: it asks before it writes a ``kind: List``."""
    return web.Response(body=b"", content_type="application/com.github.proto-openapi.spec.v2.v1.0+protobuf")


DOCUMENTS = {
    "/api": _core,
    "/apis": _groups,
    "/apis/{group}": _group,
    "/api/v1": _core_resources,
    "/apis/{group}/v1": _group_resources,
    "/openapi/v2": _openapi_2,
    "/openapi/v3": _openapi_index,
    "/openapi/v3/api/v1": _openapi_core,
}
"""Path -> what answers it."""
