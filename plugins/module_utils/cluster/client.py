# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to one API server: plain JSON in and out, one deadline over all calls, every failure explained.

Private to the collection: it may change at any time. The objects are those of the Kubernetes API as dicts; typed models cost
half a second of import and give nothing here.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import MISSING_LIBRARY, Endpoint, endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    InputError,
    NotFoundError,
    PodnetError,
    RejectedError,
    UnauthorizedError,
)

if not MISSING_LIBRARY:
    import urllib3

Object = dict[str, Any]

_PAGE = 500  # objects a list call asks for at once, as kubectl does
_CONNECT_SECONDS = 10.0
_LATE_SECONDS = 15.0  # for a call that must be made although the time is over
_BUSY_SECONDS = 1.0  # before a call that the server turned away (429) without saying when to come again

_ERRORS: dict[int, type[ApiError]] = {
    400: RejectedError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: RejectedError,
}


class Cluster:
    """A connection to the API server of one cluster. Threads may share it.

    Every call raises ApiError (or one of its kinds), ConnectionFailedError or DeadlineError.
    """

    def __init__(self, server: Endpoint, deadline: Deadline, threads: int = 32) -> None:
        self.endpoint = server
        self.name = server.name
        self.deadline = deadline
        pool: dict[str, Any] = {"ssl_context": server.tls, "maxsize": threads, "retries": False}
        if server.server_name:
            pool.update(server_hostname=server.server_name, assert_hostname=server.server_name)
        if server.proxy:
            self._http: Any = urllib3.ProxyManager(server.proxy.url, proxy_headers=server.proxy.authorization(), **pool)
        else:
            self._http = urllib3.PoolManager(**pool)
        if server.tls.verify_mode == ssl.CERT_NONE:  # asked for: no warning at each call
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.clear()

    @contextmanager
    def more_time(self) -> Iterator[None]:
        """Let calls take some seconds although the deadline may have passed: to clean up, or to explain what did not end."""
        deadline = self.deadline
        self.deadline = Deadline(_LATE_SECONDS)
        try:
            yield
        finally:
            self.deadline = deadline

    def get(self, path: str, **query: Any) -> Object:
        """Read one object, such as ``/api/v1/nodes/demo-worker``."""
        return self._call("GET", path, query)

    def text(self, path: str, **query: Any) -> str:
        """Read what is no object, such as a container's log."""
        return self._body("GET", path, query).decode(errors="replace")

    def create(self, path: str, body: Object) -> Object:
        """Create an object in the collection ``path``, and return it as the server made it."""
        return self._call("POST", path, {}, body, "application/json")

    def merge(self, path: str, patch: Object) -> Object:
        """Change an object by a JSON merge patch (RFC 7386: null removes a key), and return it."""
        return self._call("PATCH", path, {}, patch, "application/merge-patch+json")

    def delete(self, path: str, **query: Any) -> Object:
        """Delete an object, and return what the server answers."""
        return self._call("DELETE", path, query)

    def list(self, path: str, **query: Any) -> Object:
        """Read a whole collection, page by page: ``items``, and ``metadata`` with the resourceVersion to watch from."""
        whole = self._page(path, {**query, "limit": _PAGE})
        while following := whole["metadata"].get("continue"):
            try:
                page = self._page(path, {**query, "limit": _PAGE, "continue": following})
            except ApiError as error:
                if error.status != 410:  # the server has forgotten the state that the first page was read from
                    raise
                return self._page(path, query)
            whole = {**page, "items": whole["items"] + page["items"]}
        return whole

    def _page(self, path: str, query: Mapping[str, Any]) -> Object:
        answer = self._call("GET", path, query)
        if not isinstance(answer.get("items", ...), list | None):
            raise self._no_api(f"GET {path}", "a list of Kubernetes objects")
        return {**answer, "items": answer["items"] or []}

    def watch(self, path: str, resource_version: str, deadline: Deadline, **query: Any) -> Iterator[Object]:
        """Yield what happens to a collection after a resourceVersion: ``{type: ADDED|MODIFIED|DELETED, object}``.

        Ends when the server ends it, which it does from time to time; list again and watch from there.

        :raises DeadlineError: when the deadline passes first.
        """
        doing = f"waiting for changes of {path}"
        seconds = deadline.remaining(doing)
        query = {**query, "watch": "1", "resourceVersion": resource_version, "timeoutSeconds": max(1, round(seconds))}
        response = self._answer("GET", path, query, doing, deadline)
        rest = b""
        for piece in self._pieces(response, doing, deadline):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                try:
                    event: Object = json.loads(line)
                    is_event = isinstance(event["type"], str) and isinstance(event["object"], dict)
                except (ValueError, LookupError, TypeError):
                    is_event = False
                if not is_event:
                    raise self._no_api(f"GET {path}", f"an event of a watch ({line[:60]!r})")
                if event["type"] == "ERROR":
                    raise self.refusal(event["object"].get("code", 500), json.dumps(event["object"]).encode())
                if event["type"] != "BOOKMARK":
                    yield event

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Object | None = None,
        media_type: str = "application/json",
    ) -> Object:
        read = self._body(method, path, query, None if body is None else json.dumps(body).encode(), media_type)
        try:
            answer = json.loads(read)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("metadata"), dict):
            raise self._no_api(f"{method} {path}", f"a Kubernetes object ({read[:60]!r})")
        return answer

    def _no_api(self, doing: str, wanted: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"{self.endpoint.server} answered {doing} with something that is not {wanted}; is this address an API server, and "
            "is no proxy in between?"
        )

    def _body(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes | None = None, media_type: str = ""
    ) -> bytes:
        doing = f"{method} {path}"
        response = self._answer(method, path, query, doing, self.deadline, body, media_type)
        return b"".join(self._pieces(response, doing, self.deadline))

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        doing: str,
        deadline: Deadline,
        body: bytes | None = None,
        media_type: str = "",
    ) -> Any:
        """Send a request, again while the server is too busy, and return its answer, of which no body is read yet."""
        url = self.endpoint.server + (f"{path}?{urlencode(query)}" if query else path)
        headers = {"content-type": media_type} if body is not None else {}
        while True:
            seconds = deadline.remaining(doing)
            try:
                response = self._http.request(
                    method,
                    url,
                    body=body,
                    headers={"accept": "application/json", **headers, **self.endpoint.authorization()},
                    timeout=urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds),
                    preload_content=False,
                    redirect=False,
                )
            except urllib3.exceptions.HTTPError as error:
                raise self._explained(error, doing, deadline) from error
            if 200 <= response.status < 300:
                return response
            said = b"".join(self._pieces(response, doing, deadline))
            if response.status != 429:
                raise self.refusal(response.status, said)
            self.wait_to_come_again(response.headers.get("retry-after"), doing, deadline)

    def _pieces(self, response: Any, doing: str, deadline: Deadline) -> Iterator[bytes]:
        """The body of an answer as it comes in: one that trickles for ever ends with the deadline, too."""
        try:
            # As much as is there, so that what trickles is seen to; a socket's own timeout begins anew with each byte.
            while piece := response.read1():
                yield piece
                seconds = deadline.remaining(doing)
                if response.connection is not None:
                    response.connection.sock.settimeout(seconds)
            if response.length_remaining:
                raise urllib3.exceptions.ProtocolError(f"{response.length_remaining} bytes are missing")
        except urllib3.exceptions.HTTPError as error:
            raise self._explained(error, doing, deadline) from error
        finally:
            if not response.closed:  # not read to its end: the connection cannot be used again
                response.close()
            response.release_conn()

    def wait_to_come_again(self, retry_after: str | None, doing: str, deadline: Deadline) -> None:
        """Wait as long as a server asks for that turned a call away before anything was done (429)."""
        doing = f"{doing} (the API server is too busy)"
        seconds = float(retry_after) if retry_after and retry_after.isdigit() else 0
        seconds = seconds or _BUSY_SECONDS  # "0" asks for calls without a pause, which would keep it busy
        time.sleep(min(seconds, deadline.remaining(doing)))
        deadline.remaining(doing)

    def refusal(self, status: int, body: bytes) -> ApiError:
        """The error that an answer of the API server stands for (its Status object, or whatever came in its place)."""
        try:
            answer = json.loads(body)
            message, reason = str(answer["message"]), str(answer.get("reason", ""))
        except (ValueError, LookupError, TypeError, AttributeError):
            message, reason = " ".join(body[:200].decode(errors="replace").split()) or "no message", ""
        kind = _ERRORS.get(status, ApiError)
        advice = ""
        if kind is UnauthorizedError:
            message = f"the API server {self.endpoint.server} does not accept the credentials of {self.name}"
            advice = "; they are wrong or have expired: log in again, or name another context or api_key"
        elif kind is ForbiddenError and "violates PodSecurity" not in message:
            advice = "; grant that right (docs/rbac has roles for each use), or use other credentials"
        elif kind is ApiError:
            message = f"the API server {self.endpoint.server} answered with HTTP {status}: {message}"
            advice = "; try again, and look at its log if this goes on"
        return kind(message + advice, status=status, reason=reason)

    def _explained(self, error: Exception, doing: str, deadline: Deadline) -> PodnetError:
        """The error that a failed connection stands for."""
        server = self.endpoint.server
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return deadline.passed(f"{doing} on {server}")
        if isinstance(error, urllib3.exceptions.NewConnectionError):  # a kind of ConnectTimeoutError to urllib3
            reason = str(error).rpartition(": ")[2]
            of = "" if self.name == server else f" of {self.name}"
            return ConnectionFailedError(
                f"no connection to the API server {server}{of}: {reason}; is the cluster running, and is this its address?"
            )
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            return ConnectionFailedError(
                f"{server} does not answer; is this its address, and is a firewall in between?"
            )
        if isinstance(error, urllib3.exceptions.SSLError):
            return ConnectionFailedError(
                f"the TLS connection to {server} failed: {error.args[0]}; {_tls_advice(error)}"
            )
        if isinstance(error, urllib3.exceptions.ProxyError):
            proxy = self.endpoint.proxy.url if self.endpoint.proxy else ""
            return ConnectionFailedError(
                f"the proxy {proxy} does not lead to {server}: {error.args[0]}; check its address and its user and password, "
                "or set no_proxy if the server is reached without it"
            )
        return ConnectionFailedError(f"{server} broke off in the middle of its answer to {doing}; try again ({error})")


def _tls_advice(error: urllib3.exceptions.SSLError) -> str:
    match error.args[0]:
        case ssl.SSLCertVerificationError():
            return (
                "give the authority that signed its certificate as ca_cert or in the kubeconfig, or check the address"
            )
        case ssl.SSLEOFError():
            return "it broke off; try again"
    return "check that this is the API server's address and port, and that it takes this client certificate if there is one"


def connect(options: Mapping[str, Any], seconds: float) -> Cluster:
    """Open the cluster that a task's options name, for at most so many seconds; see config.endpoint for what is raised."""
    deadline = Deadline(seconds)
    return Cluster(endpoint(options, deadline), deadline)


def path(resource: str, name: str | None = None, namespace: str | None = None) -> str:
    """The path of a core resource: ``path("pods", "bb1", "default")`` is ``/api/v1/namespaces/default/pods/bb1``.

    :raises InputError: for a name that would lead elsewhere, and that no object has (IsValidPathSegmentName of Kubernetes).
    """
    for word in (name, namespace):
        if word is not None and (word in ("", ".", "..") or "/" in word or "%" in word):
            raise InputError(f"{word!r} cannot be the name of anything in a cluster; check where it comes from")
    scope = "" if namespace is None else f"namespaces/{quote(namespace)}/"
    return f"/api/v1/{scope}{resource}" + ("" if name is None else f"/{quote(name)}")
