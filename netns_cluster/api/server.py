# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API over HTTPS: who may ask, what a request names, and in which form the answer goes."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from netns_cluster.api import discovery, errors, media, objects, protobuf, schema, streams, tables, watch
from netns_cluster.api.errors import ApiError
from netns_cluster.api.objects import Selection
from netns_cluster.api.query import is_true
from netns_cluster.api.resources import Target, resolve
from netns_cluster.api.store import Store

Object = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BODY_LIMIT = 3 * 1024**2
_SERVER_SIDE_APPLY = "application/apply-patch+yaml"
_FORMS = (media.TABLE, media.PARTIAL, media.PARTIAL_LIST)


def make_app(store: Store, token: str, containers: streams.Containers, version: Object) -> web.Application:
    """Return the application that answers every request."""
    app = web.Application(middlewares=[_answer_errors, _authenticate(token)], client_max_size=_BODY_LIMIT)
    api = Api(store, containers)
    documents = {**discovery.DOCUMENTS, "/version": _constant(version)}
    documents |= dict.fromkeys(("/healthz", "/livez", "/readyz"), _healthy)
    for path, document in documents.items():
        app.router.add_get(path, document)
        app.router.add_get(f"{path}/", document)  # the Python client asks so
    for path in ("/api/v1/{rest:.+}", "/apis/{group}/v1/{rest:.+}"):
        app.router.add_route("*", path, api.handle)
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _failure(error)
    except web.HTTPNotFound:
        return _failure(errors.no_such_path(request.path))
    except web.HTTPMethodNotAllowed:
        return _failure(errors.method_not_allowed())
    except web.HTTPRequestEntityTooLarge:
        return _failure(errors.too_large(_BODY_LIMIT))
    except Exception as error:
        logging.exception("%s %s", request.method, request.path)
        return _failure(errors.internal_error(f"{type(error).__name__}: {error}"))


def _failure(error: ApiError) -> web.Response:
    return web.json_response(error.status(), status=error.code)


def _authenticate(token: str) -> Any:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
        # The Python client writes it in small letters for a pod's own service account.
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
            raise errors.unauthorized()
        return await handler(request)

    return authenticate


def _constant(body: Object) -> Handler:
    async def answer(_unused: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


async def _healthy(_unused: web.Request) -> web.Response:
    return web.Response(text="ok")


class Api:
    """Answers requests for objects."""

    def __init__(self, store: Store, containers: streams.Containers) -> None:
        self._store = store
        self._containers = containers
        self._verbs: dict[str, Callable[[web.Request, Target], Awaitable[web.StreamResponse]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._deletecollection,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        target = resolve(request.path)
        if target is None:
            raise errors.no_such_path(request.path)
        if target.subresource == "log":
            return await streams.log(request, self._pod(request, target, ("GET",)), self._containers)
        if target.subresource == "exec":
            return await streams.execute(request, self._pod(request, target, ("GET", "POST")), self._containers)
        return await self._verbs[self._verb(request, target)](request, target)

    def _pod(self, request: web.Request, target: Target, methods: tuple[str, ...]) -> Object:
        if request.method not in methods:
            raise errors.method_not_allowed()
        return objects.get(self._store, target)

    @staticmethod
    def _verb(request: web.Request, target: Target) -> str:
        """Return the API's verb for a request; raises 405 when the resource does not have it."""
        if request.method == "GET":
            watching = is_true(request.query, "watch")
            verb = "watch" if watching else "get" if target.name else "list"
        elif target.name:
            verb = {"PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(request.method, "")
        else:
            verb = {"POST": "create", "DELETE": "deletecollection"}.get(request.method, "")
        everywhere = target.resource.namespaced and target.namespace is None and not target.name
        if verb not in target.resource.verbs or (everywhere and verb in ("create", "deletecollection")):
            raise errors.method_not_allowed()
        return verb

    async def _get(self, request: web.Request, target: Target) -> web.Response:
        obj = objects.get(self._store, target)
        form, _unused = media.negotiate(request.headers.get("Accept", ""), _FORMS)
        if form == media.TABLE:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            obj = tables.table(target.resource, [obj], metadata, _included(request))
        elif form == media.PARTIAL:
            obj = tables.partial_metadata(obj)
        return web.json_response(obj)

    async def _list(self, request: web.Request, target: Target) -> web.Response:
        form, _unused = media.negotiate(request.headers.get("Accept", ""), _FORMS)
        page = objects.list_page(self._store, _selection(request, target), dict(request.query))
        resource = target.resource
        if form == media.TABLE:
            body = tables.table(resource, page.items, page.metadata, _included(request))
        elif form == media.PARTIAL_LIST:
            body = {"kind": media.PARTIAL_LIST, "apiVersion": "meta.k8s.io/v1", "metadata": page.metadata}
            body["items"] = [tables.partial_metadata(item) for item in page.items]
        else:
            body = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": page.metadata}
            body["items"] = [
                {key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in page.items
            ]
        return web.json_response(body)

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        form, _unused = media.negotiate(request.headers.get("Accept", ""), (media.TABLE, media.PARTIAL))
        selection = _selection(request, target)
        query = dict(request.query)
        # A real API server ends a watch after 30 to 60 minutes when the client sets no time.
        seconds = objects.number(query, "timeoutSeconds") or random.uniform(1800, 3600)  # noqa: S311 - no secret
        bookmarks = is_true(query, "allowWatchBookmarks")
        initial, revision = watch.begin(self._store, selection, query)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        writer = _WatchWriter(response, target, form, _included(request))
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            async with asyncio.timeout(seconds):
                for kind, obj in initial:
                    await writer.write(kind, obj)
                async for kind, obj in watch.follow(self._store, selection, revision, bookmarks=bookmarks):
                    await writer.write(kind, obj)
        return response

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        obj, headers = await self._read(request, target)
        obj = objects.create(self._store, target, obj, dry_run=_dry_run(request))
        return web.json_response(obj, status=201, headers=headers)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        obj, headers = await self._read(request, target)
        obj = objects.replace(self._store, target, obj, dry_run=_dry_run(request))
        return web.json_response(obj, headers=headers)

    async def _read(self, request: web.Request, target: Target) -> tuple[Object, dict[str, str]]:
        """Read and check a body; the headers warn of unknown fields."""
        kind, body = target.resource.kind, await request.read()
        if request.content_type == protobuf.MEDIA_TYPE:
            obj = protobuf.read_namespace(body, kind)
        elif request.content_type in ("application/json", "application/octet-stream"):  # the latter: nothing is said
            obj = media.read_object(body, kind)
        else:
            raise errors.unsupported_media_type()
        return obj, _judge_unknown(request, kind, schema.check(kind, obj))

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        media_type = request.content_type
        if media_type == _SERVER_SIDE_APPLY:
            raise errors.unsupported_media_type(" (a cluster of network namespaces has no server-side apply)")
        if media_type not in objects.PATCHES:
            raise errors.unsupported_media_type()
        body = media.read_json(await request.read(), target.resource.kind)
        if media_type != "application/json-patch+json" and not isinstance(body, dict):
            raise errors.bad_request("json: cannot unmarshal into Go value of type map[string]interface {}")
        obj = objects.patched(self._store, target, media_type, body)
        headers = _judge_unknown(request, target.resource.kind, schema.check(target.resource.kind, obj))
        obj = objects.replace(self._store, target, obj, dry_run=_dry_run(request))
        return web.json_response(obj, headers=headers)

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options = await _delete_options(request)
        return web.json_response(objects.delete(self._store, target, options, dry_run=_dry_run(request)))

    async def _deletecollection(self, request: web.Request, target: Target) -> web.Response:
        options = await _delete_options(request)
        page = objects.list_page(self._store, _selection(request, target), {})
        deleted = [
            objects.delete(self._store, _named(target, item), options, dry_run=_dry_run(request)) for item in page.items
        ]
        resource = target.resource
        body = {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": page.metadata,
            "items": deleted,
        }
        return web.json_response(body)


class _WatchWriter:
    """Writes the events of one watch in the form that was asked for."""

    def __init__(self, response: web.StreamResponse, target: Target, form: str, included: str) -> None:
        self._response = response
        self._target = target
        self._form = form
        self._included = included
        self._headers = True

    async def write(self, kind: str, obj: Object) -> None:
        if kind != "ERROR" and self._form == media.TABLE:
            rows = [] if kind == "BOOKMARK" else [obj]
            obj = tables.table(self._target.resource, rows, obj["metadata"], self._included, headers=self._headers)
            self._headers = False
        elif kind != "ERROR" and self._form == media.PARTIAL:
            obj = tables.partial_metadata(obj)
        await self._response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


def _named(target: Target, item: Object) -> Target:
    return Target(target.resource, target.namespace, item["metadata"]["name"])


def _selection(request: web.Request, target: Target) -> Selection:
    return Selection.of(target, request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))


def _included(request: web.Request) -> str:
    return request.query.get("includeObject", "Metadata")


def _dry_run(request: web.Request) -> bool:
    value = request.query.get("dryRun")
    if value not in (None, "", "All"):
        raise errors.bad_request(f'dryRun: Unsupported value: "{value}": supported values: "All"')
    return bool(value)


def _judge_unknown(request: web.Request, kind: str, unknown: list[str]) -> dict[str, str]:
    mode = request.query.get("fieldValidation") or "Warn"
    if not unknown or mode == "Ignore":
        return {}
    if mode == "Strict":
        raise errors.bad_request(schema.strict_error(kind, unknown))
    text = schema.describe_unknown(unknown).replace("\\", r"\\").replace('"', r"\"")
    return {"Warning": f'299 - "{text}"'}


async def _delete_options(request: web.Request) -> Object:
    body = await request.read()
    options = media.read_object(body, "DeleteOptions") if body else {}
    grace = request.query.get("gracePeriodSeconds")
    if grace is not None:
        if not grace.lstrip("-").isdigit():
            raise errors.bad_request(f'gracePeriodSeconds: Invalid value: "{grace}": must be a number')
        options["gracePeriodSeconds"] = int(grace)
    return options
