# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to one API server: plain JSON in and out, one deadline over all calls, every failure explained.

Private to the collection: it may change at any time. The objects are those of the Kubernetes API as dicts; typed models cost
half a second of import and give nothing here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
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
    NotFoundError,
    PodnetError,
    RejectedError,
    UnauthorizedError,
)

if not MISSING_LIBRARY:
    import urllib3
    from requests.utils import should_bypass_proxies  # as the Kubernetes client itself decides it

Object = dict[str, Any]

_PAGE = 500  # objects a list call asks for at once, as kubectl does
_CONNECT_SECONDS = 10.0
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
        if server.proxy and not should_bypass_proxies(server.server, no_proxy=server.no_proxy):
            self._http: Any = urllib3.ProxyManager(server.proxy, **pool)
        else:
            self._http = urllib3.PoolManager(**pool)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.clear()

    def get(self, path: str, **query: Any) -> Object:
        """Read one object, such as ``/api/v1/nodes/demo-worker``."""
        return self._call("GET", path, query)

    def text(self, path: str, **query: Any) -> str:
        """Read what is no object, such as a container's log."""
        response = self._answer("GET", path, query, None, {})
        return str(response.data.decode(errors="replace"))

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
        whole = self._call("GET", path, {**query, "limit": _PAGE})
        following = whole["metadata"].get("continue")
        while following:
            page = self._call("GET", path, {**query, "limit": _PAGE, "continue": following})
            whole["items"] += page["items"]
            whole["metadata"] = page["metadata"]
            following = page["metadata"].get("continue")
        return whole

    def watch(self, path: str, resource_version: str, deadline: Deadline, **query: Any) -> Iterator[Object]:
        """Yield what happens to a collection after a resourceVersion: ``{type: ADDED|MODIFIED|DELETED, object}``.

        Ends when the server ends it, which it does from time to time; list again and watch from there.

        :raises DeadlineError: when the deadline passes first.
        """
        doing = f"waiting for changes of {path}"
        seconds = deadline.remaining(doing)
        query = {**query, "watch": "1", "resourceVersion": resource_version, "timeoutSeconds": max(1, round(seconds))}
        response = self._send("GET", f"{path}?{urlencode(query)}", None, {}, deadline, stream=True)
        rest = b""
        try:
            for piece in response.stream(decode_content=True):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    event: Object = json.loads(line)
                    if event["type"] == "ERROR":
                        raise self.refusal(event["object"].get("code", 500), line)
                    if event["type"] != "BOOKMARK":
                        yield event
                deadline.remaining(doing)
        except urllib3.exceptions.HTTPError as error:
            raise self._explained(error, doing, deadline) from error
        finally:
            response.close()
            response.release_conn()

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Object | None = None,
        media_type: str | None = None,
    ) -> Object:
        headers = {"accept": "application/json"}
        if media_type:
            headers["content-type"] = media_type
        response = self._answer(method, path, query, None if body is None else json.dumps(body).encode(), headers)
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ConnectionFailedError(
                f"{self.endpoint.server} answered {method} {path} with something that is not a Kubernetes object "
                f"({response.data[:60]!r}); is this address an API server, and is no proxy in between?"
            )
        return answer

    def _answer(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes | None, headers: dict[str, str]
    ) -> Any:
        url = f"{path}?{urlencode(query)}" if query else path
        while True:
            response = self._send(method, url, body, headers, self.deadline)
            if response.status != 429:
                break
            # Turned away before anything was done, whatever the method: come again when the server says.
            wait = response.headers.get("retry-after", "")
            self._pause(
                float(wait) if wait.isdigit() else _BUSY_SECONDS, f"{method} {path} (the API server is too busy)"
            )
        if not 200 <= response.status < 300:
            raise self.refusal(response.status, response.data)
        return response

    def _pause(self, seconds: float, doing: str) -> None:
        time.sleep(min(seconds, self.deadline.remaining(doing)))
        self.deadline.remaining(doing)

    def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        deadline: Deadline,
        *,
        stream: bool = False,
    ) -> Any:
        doing = f"{method} {url.partition('?')[0]}"
        seconds = deadline.remaining(doing)
        try:
            response = self._http.request(
                method,
                self.endpoint.server + url,
                body=body,
                headers={**headers, **self.endpoint.authorization()},
                timeout=urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds),
                preload_content=not stream,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._explained(error, doing, deadline) from error
        if stream and response.status != 200:
            raise self.refusal(response.status, response.read())
        return response

    def refusal(self, status: int, body: bytes) -> ApiError:
        """The error that an answer of the API server stands for (its Status object, or whatever came in its place)."""
        try:
            answer = json.loads(body)
            answer = answer.get("object", answer)  # an event of a watch
            message, reason = str(answer["message"]), str(answer.get("reason", ""))
        except (ValueError, KeyError, AttributeError):
            message, reason = body[:200].decode(errors="replace").strip() or "no message", ""
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
        timeouts = (urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.ConnectTimeoutError)
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return deadline.passed(f"{doing} on {server}")
        if isinstance(error, timeouts):
            return ConnectionFailedError(
                f"{server} does not answer; is this its address, and is a firewall in between?"
            )
        if isinstance(error, urllib3.exceptions.SSLError):
            return ConnectionFailedError(
                f"the TLS connection to {server} failed: {error.args[0]}; give the authority that signed its certificate as "
                "ca_cert or in the kubeconfig, or check that this is the right server"
            )
        if isinstance(error, urllib3.exceptions.ProxyError):
            return ConnectionFailedError(f"the proxy {self.endpoint.proxy} does not lead to {server}: {error.args[0]}")
        if isinstance(error, urllib3.exceptions.NewConnectionError):
            reason = str(error).rpartition(": ")[2]
            return ConnectionFailedError(
                f"no connection to the API server {server} of {self.name}: {reason}; is the cluster running, and is this "
                "its address?"
            )
        return ConnectionFailedError(f"{server} broke off in the middle of its answer to {doing}; try again ({error})")


def connect(options: Mapping[str, Any], seconds: float) -> Cluster:
    """Open the cluster that a task's options name, for at most so many seconds; see config.endpoint for what is raised."""
    return Cluster(endpoint(options), Deadline(seconds))


def path(resource: str, name: str | None = None, namespace: str | None = None) -> str:
    """The path of a core resource: ``path("pods", "bb1", "default")`` is ``/api/v1/namespaces/default/pods/bb1``."""
    scope = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""
    return f"/api/v1/{scope}{resource}" + (f"/{quote(name, safe='')}" if name else "")
