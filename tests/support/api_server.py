"""A Kubernetes API on loopback, in a thread: what a test puts into it, it serves; what it is asked for, it records.

It knows nodes, namespaces, pods and events well enough for GET, LIST (selectors, pages), WATCH, POST, PATCH (merge), DELETE and
exec over a WebSocket, and can be told to misbehave. It judges nothing: names, images and nodes are taken as they come. What a
real API server does is shown by the tests against a live cluster.

    with ApiServer() as server:
        server.put(node("demo-worker"), pod("bb1", node="demo-worker"))
        server.programs["ping"] = printing("64 bytes ...")
        server.misbehave("GET", "/api/v1/nodes", refusing(403), times=1)
        ... connect to server.url ...
        assert [request.method for request in server.requests] == ["GET"]
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from copy import deepcopy
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from tests.support.objects import Object, ready

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = TypeVar("Answer")

_COLLECTIONS = {"nodes": "Node", "namespaces": "Namespace", "pods": "Pod", "events": "Event"}
_PATH = re.compile(
    r"/api/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[a-z]+))?"
)
_PATIENCE = 20.0  # seconds that a test waits for a request before it fails


@dataclass(frozen=True)
class Request:
    """A request as it arrived: ``method`` is EXEC for an exec and WATCH for a watch.

    ``client`` is the name in the client's certificate, ``connection`` a number that the requests of one connection share.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    headers: Mapping[str, str]
    client: str | None
    connection: int

    @property
    def command(self) -> list[str]:
        """The command of an exec."""
        return self.query.get("command", [])

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


# --- programs in containers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """What a program prints and how it ends; ``end`` is exit, never (it runs on) or cut (the connection breaks)."""

    stdout: str | bytes = ""
    stderr: str | bytes = ""
    exit_code: int = 0
    end: str = "exit"


Program = Callable[[list[str], Object], Printed]


def printing(*runs: str | Printed) -> Program:
    """A program that prints these, run by run; the last one for ever."""
    outputs = [Printed(run) if isinstance(run, str) else run for run in runs]
    left = iter(outputs[:-1])
    return lambda command, pod: next(left, outputs[-1])


# --- misbehaviour ------------------------------------------------------------------------------------------------------


def status(code: int, reason: str, message: str, **details: Any) -> Object:
    """The API's Status object of a refusal."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }


def refusing(code: int, body: Object | str | bytes = "", **headers: str) -> Handler:
    """Answer with a status, and a body that may be anything."""
    content = json.dumps(body) if isinstance(body, dict) else body
    payload = content.encode() if isinstance(content, str) else content
    kind = "application/json" if isinstance(body, dict) else "text/html"

    async def refuse(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, body=payload, headers={"content-type": kind, **named})

    return refuse


def saying(body: Object | str | bytes) -> Handler:
    """Answer 200 with a body that may be anything."""
    return refusing(200, body)


async def never_answering(request: web.Request) -> web.StreamResponse:
    """Take the request, and keep silent."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Cut the connection in the middle of the body."""
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "100000"})
    await response.prepare(request)
    await response.write(b'{"kind": "PodList", "items": [')
    _cut(request)
    return response


def _cut(request: web.Request) -> None:
    assert request.transport
    request.transport.abort()


# --- the server --------------------------------------------------------------------------------------------------------


@dataclass
class _Fault:
    method: str
    path: re.Pattern[str]
    handler: Handler
    times: float


@dataclass
class _State:
    """What the server holds; only the server's own thread touches it."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)  # kind, namespace, name
    events: list[tuple[int, str, Object]] = field(default_factory=list)  # version, type, object
    version: int = 1000
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class ApiServer:
    """The server; ``url`` is where it listens. See the module's docstring."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.programs: dict[str, Program] = {}
        self.kubelet: Callable[[Object], Iterable[Object]] = lambda pod: [ready(pod)]
        """What a new pod becomes, one state after the other."""
        self.finalizers = False
        """Whether a deleted pod stays, marked as being deleted."""
        self.accepts: str | None = None
        """The bearer token that opens the server; None opens it to all."""
        self.log = ""
        """What every container wrote to its log."""
        self._tls = tls
        self._faults: list[_Fault] = []
        self._state = _State()
        self._asked = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ApiServer:
        self._thread.start()
        self._runner, port = self._do(self._start())
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- for the test ---

    def put(self, *objects: Object) -> None:
        """Add objects, or change those of the same name; watchers hear of it."""

        async def put() -> None:
            for item in objects:
                self.store(deepcopy(item))

        self._do(put())

    def remove(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove an object; watchers hear of it."""

        async def remove() -> None:
            self.drop(kind, name, namespace)

        self._do(remove())

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind, such as ``Pod``, as they are now."""

        async def read() -> list[Object]:
            return [deepcopy(item) for key, item in self._state.objects.items() if key[0] == kind]

        return self._do(read())

    def misbehave(self, method: str, path: str, handler: Handler, times: float = float("inf")) -> None:
        """Let a handler answer in the server's place; ``path`` is a regular expression for the whole path."""
        self._faults.append(_Fault(method, re.compile(path), handler, times))

    def wait_for(self, request: str, times: int = 1) -> Request:
        """Wait until a request like ``EXEC .*/pods/bb1/exec`` has arrived so many times, and return the last of them."""
        pattern = re.compile(request)
        end = time.monotonic() + _PATIENCE
        with self._asked:
            while True:
                found = [item for item in self.requests if pattern.fullmatch(str(item))]
                if len(found) >= times:
                    return found[-1]
                if not self._asked.wait(end - time.monotonic()):
                    raise AssertionError(f"no {request} arrived, only {[str(item) for item in self.requests]}")

    def changes(self) -> list[str]:
        """The requests that change something."""
        return [str(request) for request in self.requests if request.method not in ("GET", "WATCH", "EXEC")]

    def commands(self) -> list[list[str]]:
        """The commands that were run in containers."""
        return [request.command for request in self.requests if request.method == "EXEC"]

    # --- in the server's thread ---

    def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        future: Future[Answer] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_PATIENCE)

    async def _start(self) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return runner, runner.addresses[0][1]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        # What was sent, before aiohttp tidies it up.
        parts = urlsplit(request.raw_path)
        query = parse_qs(parts.query, keep_blank_values=True)
        method = request.method
        if parts.path.endswith("/exec"):
            method = "EXEC"
        elif query.get("watch") == ["1"]:
            method = "WATCH"
        payload = await request.read()
        body = json.loads(payload) if payload.startswith((b"{", b"[")) else payload or None
        assert request.transport
        client = _common_name(request.transport.get_extra_info("peercert"))
        connection = request.transport.get_extra_info("peername")[1]
        record = Request(
            method,
            parts.path,
            query,
            body,
            {name.lower(): value for name, value in request.headers.items()},
            client,
            connection,
        )
        with self._asked:
            self.requests.append(record)
            self._asked.notify_all()
        for fault in self._faults:
            if fault.method == method and fault.path.fullmatch(parts.path) and fault.times > 0:
                fault.times -= 1
                return await fault.handler(request)
        if self.accepts is not None and request.headers.get("authorization") != f"Bearer {self.accepts}":
            return web.json_response(status(401, "Unauthorized", "Unauthorized"), status=401)
        match = _PATH.fullmatch(parts.path)
        if not match or match["kind"] not in _COLLECTIONS:
            return _not_found(parts.path, "")
        return await self._serve(request, record, match["kind"], match["namespace"] or "", match["name"], match["part"])

    async def _serve(
        self, request: web.Request, record: Request, kind: str, namespace: str, name: str | None, part: str | None
    ) -> web.StreamResponse:
        key = (_COLLECTIONS[kind], namespace, name or "")
        if name is not None and key not in self._state.objects:
            return _not_found(kind, name)
        if record.method == "EXEC":
            return await self._exec(request, record, self._state.objects[key])
        if part == "log":
            return web.Response(text=self.log)
        if record.method == "WATCH":
            return await self._watch(request, record, key[0], namespace)
        if record.method == "GET":
            return web.json_response(self._state.objects[key] if name else self._page(record, key[0], namespace))
        if record.method == "POST":
            return self._create(record.body, key[0], namespace)
        if record.method == "PATCH":
            patched = _merged(self._state.objects[key], record.body)
            return web.json_response(self.store(patched))
        assert record.method == "DELETE"
        for doomed in [key] if name else self._keys(record, key[0], namespace):
            self._delete(doomed)
        return web.json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    def _page(self, record: Request, kind: str, namespace: str) -> Object:
        keys = self._keys(record, kind, namespace)
        start, limit = int(record.query.get("continue", ["0"])[0]), int(record.query.get("limit", ["0"])[0])
        end = start + limit if limit else len(keys)
        metadata: Object = {"resourceVersion": str(self._state.version)}
        if end < len(keys):
            metadata["continue"] = str(end)
        # Items of a list carry neither kind nor apiVersion.
        items = [
            {part: value for part, value in self._state.objects[key].items() if part not in ("kind", "apiVersion")}
            for key in keys[start:end]
        ]
        return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": items}

    def _keys(self, record: Request, kind: str, namespace: str) -> list[tuple[str, str, str]]:
        return [
            key
            for key, item in sorted(self._state.objects.items())
            if key[0] == kind and namespace in ("", key[1]) and _is_selected(record, item)
        ]

    async def _watch(self, request: web.Request, record: Request, kind: str, namespace: str) -> web.StreamResponse:
        seen = int(record.query["resourceVersion"][0])
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        while True:
            for version, happened, item in self._state.events:
                in_scope = item["kind"] == kind and namespace in ("", item["metadata"]["namespace"])
                if version > seen and in_scope and _is_selected(record, item):
                    seen = version
                    await response.write(json.dumps({"type": happened, "object": item}).encode() + b"\n")
            await self._state.changed.wait()

    def _create(self, body: Object, kind: str, namespace: str) -> web.StreamResponse:
        metadata = body["metadata"]
        name = metadata.get("name") or f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
        if ("Namespace", "", namespace) not in self._state.objects:
            return _not_found("namespaces", namespace)
        if (kind, namespace, name) in self._state.objects:
            text = f'{kind.lower()}s "{name}" already exists'
            return web.json_response(status(409, "AlreadyExists", text, name=name), status=409)
        created = deepcopy(body)
        created["metadata"].update(name=name, namespace=namespace, uid=str(uuid.uuid4()))
        created["status"] = {"phase": "Pending"}
        answer = deepcopy(self.store(created))
        for state in self.kubelet(created):
            self.store(state)
        return web.json_response(answer, status=201)

    def _delete(self, key: tuple[str, str, str]) -> None:
        if self.finalizers:
            self._state.objects[key]["metadata"]["deletionTimestamp"] = "2026-11-23T07:31:28Z"
            self.store(self._state.objects[key])
        else:
            self._drop(key)

    def store(self, item: Object) -> Object:
        """Add or change an object; for handlers and the kubelet, which run in this thread."""
        metadata = item["metadata"]
        key = (item["kind"], metadata.get("namespace", ""), metadata["name"])
        happened = "MODIFIED" if key in self._state.objects else "ADDED"
        self._state.objects[key] = item
        self._tell(happened, item)
        return item

    def drop(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove an object; for handlers and the kubelet, which run in this thread."""
        self._drop((kind, namespace, name))

    def _drop(self, key: tuple[str, str, str]) -> None:
        self._tell("DELETED", self._state.objects.pop(key))

    def _tell(self, happened: str, item: Object) -> None:
        self._state.version += 1
        item["metadata"]["resourceVersion"] = str(self._state.version)
        item["metadata"].setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        self._state.events.append((self._state.version, happened, deepcopy(item)))
        self._state.changed.set()
        self._state.changed = asyncio.Event()

    async def _exec(self, request: web.Request, record: Request, pod: Object) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
        await socket.prepare(request)
        program = self.programs.get(record.command[0])
        if program is None:
            await socket.send_bytes(b"\x03" + json.dumps(_no_program(record.command[0])).encode())
            return socket
        printed = program(record.command, pod)
        for channel, text in ((b"\x01", printed.stdout), (b"\x02", printed.stderr)):
            content = text.encode() if isinstance(text, str) else text
            for start in range(0, len(content), 32768):  # as containerd hands it on
                await socket.send_bytes(channel + content[start : start + 32768])
        if printed.end == "never":
            await socket.receive()
        elif printed.end == "cut":
            _cut(request)
        else:
            await socket.send_bytes(b"\x03" + json.dumps(_ended(printed.exit_code)).encode())
        return socket


def _is_selected(record: Request, item: Object) -> bool:
    labels = item["metadata"].get("labels") or {}
    for match in re.finditer(r"([\w./-]+)(?:=([\w./-]*)| in \(([^)]*)\))?", record.query.get("labelSelector", [""])[0]):
        key, value, values = match.groups()
        wanted = values.split(",") if values is not None else None if value is None else [value]
        if key not in labels or (wanted is not None and labels[key] not in wanted):
            return False
    for term in filter(None, record.query.get("fieldSelector", [""])[0].split(",")):
        path, _unused, value = term.partition("=")
        found: Any = item
        for step in path.split("."):
            found = (found or {}).get(step)
        if found != value:
            return False
    return True


def _merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    result = deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _not_found(kind: str, name: str) -> web.StreamResponse:
    return web.json_response(status(404, "NotFound", f'{kind} "{name}" not found', name=name, kind=kind), status=404)


def _ended(exit_code: int) -> Object:
    if exit_code == 0:
        return {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(exit_code)}]
    message = f"command terminated with non-zero exit code: error executing command, exit code {exit_code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "NonZeroExitCode",
        "details": {"causes": causes},
    }


def _no_program(name: str) -> Object:
    message = (
        "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: "
        'failed to start exec "c8008f81edb7": OCI runtime exec failed: exec failed: unable to start container process: '
        f'exec: "{name}": executable file not found in $PATH: unknown'
    )
    return status(500, "InternalError", message)


def _common_name(certificate: Mapping[str, Any] | None) -> str | None:
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return None
