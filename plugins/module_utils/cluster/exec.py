# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command in a container, over a WebSocket, as kubectl exec does. Private to the collection: it may change.

The client library's own exec knows no time limit while it connects, and cannot tell a command that succeeded from a connection
that broke off; so this speaks the protocol itself: channels 1 to 3 are stdout, stderr and the final Status
(https://kubernetes.io/docs/reference/using-api/api-concepts and k8s.io/apimachinery/pkg/util/remotecommand).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import MISSING_LIBRARY
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ConnectionFailedError, ExecError

if not MISSING_LIBRARY:
    import websocket

_STDOUT, _STDERR, _STATUS = 1, 2, 3
_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]


@dataclass(frozen=True)
class Output:
    """What a command printed and how it ended: ``exit_code`` 0 is success."""

    exit_code: int
    stdout: str
    stderr: str


def run(cluster: Cluster, pod: Object, command: list[str], deadline: Deadline) -> Output:
    """Run ``command`` (a program and its arguments; no shell reads them) in the container that kubectl would choose.

    :param pod: the pod as the API gives it.
    :raises ExecError: when there is no such program in the container, or its node cannot run it.
    :raises ApiError: when the API server refuses, DeadlineError when the command does not end in time,
        ConnectionFailedError when the connection breaks before the command's end is known.
    """
    metadata = pod["metadata"]
    doing = f"{' '.join(command)} in pod {metadata['namespace']}/{metadata['name']}"
    container = (metadata.get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    container = container or pod["spec"]["containers"][0]["name"]
    query = [("container", container), ("stdout", "1"), ("stderr", "1"), *(("command", word) for word in command)]
    url = f"{path('pods', metadata['name'], metadata['namespace'])}/exec?{urlencode(query)}"
    connection = _open(cluster, url, doing, deadline)
    printed = {_STDOUT: bytearray(), _STDERR: bytearray(), _STATUS: bytearray()}
    try:
        while not printed[_STATUS]:
            connection.settimeout(deadline.remaining(doing))
            opcode, data = connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            if data and data[0] in printed:
                printed[data[0]] += data[1:]
    except websocket.WebSocketTimeoutException as error:
        raise deadline.passed(doing) from error
    except (websocket.WebSocketException, OSError) as error:
        raise ConnectionFailedError(f"the connection broke during {doing}; try again ({error})") from error
    finally:
        connection.close(timeout=0)
    if not printed[_STATUS]:
        raise ConnectionFailedError(f"the connection ended during {doing}, before the command did; try again")
    return Output(
        exit_code=_exit_code(printed[_STATUS], doing),
        stdout=printed[_STDOUT].decode(errors="replace"),
        stderr=printed[_STDERR].decode(errors="replace"),
    )


def _open(cluster: Cluster, url: str, doing: str, deadline: Deadline) -> Any:
    server = cluster.endpoint
    tls: dict[str, Any] = {"context": server.tls}
    if server.server_name:
        tls["server_hostname"] = server.server_name
    proxy: dict[str, Any] = {}
    if server.proxy:
        parts = urlsplit(server.proxy.url)
        proxy = {
            "http_proxy_host": parts.hostname,
            "http_proxy_port": parts.port,
            "http_proxy_auth": server.proxy.login,
            "proxy_type": "http",
        }
    while True:
        connection: Any = websocket.WebSocket(sslopt=tls, skip_utf8_validation=True)
        try:
            connection.connect(
                "ws" + server.server.removeprefix("http") + url,
                header=server.authorization(),
                subprotocols=_PROTOCOLS,
                timeout=deadline.remaining(doing),
                **proxy,
            )
            return connection
        except websocket.WebSocketBadStatusException as error:
            if error.status_code != 429:
                raise cluster.refusal(error.status_code, error.resp_body or b"") from error
            cluster.wait_to_come_again((error.resp_headers or {}).get("retry-after"), doing, deadline)
        except websocket.WebSocketTimeoutException as error:
            raise deadline.passed(doing) from error
        except (websocket.WebSocketException, OSError) as error:
            raise ConnectionFailedError(
                f"no connection to {server.server} for {doing}: {error}; is the cluster running, and does what is in between "
                "let WebSockets through?"
            ) from error


def _exit_code(ending: bytes | bytearray, doing: str) -> int:
    """The command's exit code, from the Status that ends an exec."""
    try:
        status: dict[str, Any] = json.loads(ending)
        if status.get("status") == "Success":
            return 0
        for cause in (status.get("details") or {}).get("causes") or []:
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
        message = str(status.get("message", "no reason given"))
    except (ValueError, LookupError, TypeError, AttributeError):
        message = f"its end is not understood: {bytes(ending[:200])!r}"
    if "executable file not found" in message or "no such file or directory" in message:
        raise ExecError(
            f"{doing}: the image has no program {doing.split(' ', 1)[0]}; use one that has it, such as busybox"
        )
    raise ExecError(f"{doing} could not be run: {message}; look at the pod's state and events")
