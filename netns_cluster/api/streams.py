# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two subresources of a pod that are streams: its log, and commands executed in it.

Commands speak the WebSocket subprotocols v5.channel.k8s.io and v4.channel.k8s.io (KEP-4006): binary frames whose first byte is
the channel. SPDY, which older clients use, is not spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from netns_cluster import pipes
from netns_cluster.api import errors
from netns_cluster.api.query import is_true
from netns_cluster.logbuffer import Line, LogBuffer
from netns_cluster.runtime.client import RunningProcess
from netns_cluster.runtime.messages import StartError

Object = dict[str, Any]

SUBPROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_DRAIN_SECONDS = 1.0
"""How long output is awaited after the command ended: something that it left behind may hold the pipe open."""


class Containers(Protocol):
    """Where running containers are found."""

    def log(self, pod: Object, container: str, *, previous: bool) -> LogBuffer | None:
        """Return what the container printed; None when it never ran."""

    def is_running(self, pod: Object, container: str) -> bool:
        """Whether the container's first process runs."""

    async def execute(
        self, pod: Object, container: str, argv: list[str], streams: list[int], *, terminal: bool
    ) -> RunningProcess:
        """Start a command on three descriptors; raises StartError."""


def container_name(pod: Object, asked: str | None) -> str:
    """Return the container that is meant; raises the 400 of a real API server."""
    pod_name = pod["metadata"]["name"]
    names = [container["name"] for container in pod["spec"]["containers"]]
    if asked and asked not in names:
        raise errors.bad_request(f"container {asked} is not valid for pod {pod_name}")
    if not asked and len(names) > 1:
        choices = " ".join(names)
        raise errors.bad_request(f"a container name must be specified for pod {pod_name}, choose one of: [{choices}]")
    name: str = asked or names[0]
    return name


async def log(request: web.Request, pod: Object, containers: Containers) -> web.StreamResponse:
    query = request.query
    name = container_name(pod, query.get("container"))
    if not pod["spec"].get("nodeName"):
        return web.Response(content_type="text/plain")  # a real API server has nobody to ask, and no complaint
    previous = is_true(query, "previous")
    buffer = containers.log(pod, name, previous=previous)
    if buffer is None:
        pod_name = pod["metadata"]["name"]
        if previous:
            raise errors.bad_request(f'previous terminated container "{name}" in pod "{pod_name}" not found')
        statuses = {status["name"]: status for status in pod["status"].get("containerStatuses", [])}
        reason = statuses.get(name, {}).get("state", {}).get("waiting", {}).get("reason", "ContainerCreating")
        raise errors.bad_request(
            f'container "{name}" in pod "{pod_name}" is waiting to start: {waiting_reason(reason)}'
        )
    lines = buffer.lines()
    selected, limit = select_lines(lines, query)
    stamped = is_true(query, "timestamps")
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):
        await response.write(b"".join(_render(line, stamped) for line in selected)[:limit])
        if is_true(query, "follow") and limit is None:
            async for line in buffer.follow(len(lines)):
                await response.write(_render(line, stamped))
    return response


def waiting_reason(reason: str) -> str:
    """Say why a container has no log yet (kubernetes, pkg/kubelet: validateContainerLogStatus)."""
    words = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    return words.get(reason, reason)


def select_lines(lines: list[Line], query: Mapping[str, str]) -> tuple[list[Line], int | None]:
    """Return the lines that a client wants, and to how many bytes they are cut."""
    try:
        if query.get("sinceSeconds"):
            since = datetime.now(UTC) - timedelta(seconds=int(query["sinceSeconds"]))
            lines = [line for line in lines if line.moment >= since]
        if query.get("sinceTime"):
            since = datetime.fromisoformat(query["sinceTime"])
            lines = [line for line in lines if line.moment >= since]
        if query.get("tailLines"):
            lines = lines[max(0, len(lines) - int(query["tailLines"])) :]
        return lines, int(query["limitBytes"]) if query.get("limitBytes") else None
    except (TypeError, ValueError) as error:
        raise errors.bad_request(f"log options: {error}") from error


def _render(line: Line, stamped: bool) -> bytes:
    moment = line.moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() if stamped else b""
    return moment + line.text


async def execute(request: web.Request, pod: Object, containers: Containers) -> web.StreamResponse:
    query = request.query
    name = container_name(pod, query.get("container"))
    if not pod["spec"].get("nodeName"):
        raise errors.bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    argv = query.getall("command", [])
    if not argv:
        raise errors.bad_request("you must specify at least one command for the container")
    phase = pod["status"].get("phase")
    if phase in ("Succeeded", "Failed"):
        raise errors.bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    socket = web.WebSocketResponse(protocols=SUBPROTOCOLS, max_msg_size=0, compress=False)
    upgrade = socket.can_prepare(request)
    if not upgrade or upgrade.protocol is None:
        spoken = " and ".join(SUBPROTOCOLS)
        raise errors.bad_request(
            f"Upgrade request required: commands are executed over WebSocket, subprotocols {spoken}"
        )
    await socket.prepare(request)
    if not containers.is_running(pod, name):  # what a kubelet says, an API server passes on over the WebSocket
        await _refuse(socket, f'unable to upgrade connection: container not found ("{name}")')
        return socket
    wanted = {key: is_true(query, key) for key in ("stdin", "stdout", "stderr", "tty")}
    session = _Session(socket, wanted)
    try:
        process = await containers.execute(pod, name, argv, session.process_ends, terminal=wanted["tty"])
        session.close_process_ends()
        await session.run(process)
    except StartError as error:
        await _refuse(socket, start_failure(argv[0], error))
    finally:
        session.close()
    return socket


def start_failure(program: str, error: StartError) -> str:
    """Say why a command did not start, wrapped as it comes from a real kubelet and its runtime."""
    return (
        "Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "
        f'"{secrets.token_hex(32)}": OCI runtime exec failed: exec failed: unable to start container process: '
        f"{error.describe(program)}: unknown"
    )


async def _refuse(socket: web.WebSocketResponse, message: str) -> None:
    """Report a command that was not started."""
    await _finish(socket, errors.internal_error(message).status())


async def _finish(socket: web.WebSocketResponse, status: Object) -> None:
    await socket.send_bytes(bytes([ERROR]) + json.dumps(status).encode())
    await socket.close()


class _Session:
    """One command: its pipes or terminal, and the channels of the WebSocket."""

    def __init__(self, socket: web.WebSocketResponse, wanted: dict[str, bool]) -> None:
        self._socket = socket
        self._readers: list[tuple[int, int]] = []  # channel, descriptor
        self._stdin: int | None = None
        self._terminal: int | None = None
        if wanted["tty"]:
            ours, theirs = pipes.open_terminal()
            self._terminal, self._stdin = ours, os.dup(ours)
            self._readers.append((STDOUT, os.dup(ours)))
            self.process_ends = [theirs, theirs, theirs]
            return
        self.process_ends = [os.open(os.devnull, os.O_RDWR) for _unused in range(3)]
        if wanted["stdin"]:
            theirs, self._stdin = os.pipe()
            self._give(STDIN, theirs)
        for channel, key in ((STDOUT, "stdout"), (STDERR, "stderr")):
            if wanted[key]:
                ours, theirs = os.pipe()
                self._give(channel, theirs)
                self._readers.append((channel, ours))

    def _give(self, channel: int, descriptor: int) -> None:
        os.close(self.process_ends[channel])
        self.process_ends[channel] = descriptor

    def close_process_ends(self) -> None:
        """Leave the process the only holder of its ends, so that ours see their end."""
        for descriptor in set(self.process_ends):
            os.close(descriptor)
        self.process_ends = []

    def close(self) -> None:
        self.close_process_ends()
        for descriptor in (self._stdin, self._terminal, *(reader for _unused, reader in self._readers)):
            if descriptor is not None:
                os.close(descriptor)

    async def run(self, process: RunningProcess) -> None:
        """Carry data both ways until the command ends or the client goes."""
        outputs = [asyncio.ensure_future(self._send_output(*reader)) for reader in self._readers]
        inputs = asyncio.ensure_future(self._receive())
        try:
            ends: list[asyncio.Future[Any]] = [process.exited, inputs]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not process.exited.done():
                return  # the client is gone; like on a real node the command is not killed
            if outputs:
                await asyncio.wait(outputs, timeout=_DRAIN_SECONDS)
            await self._report_exit(process.exited.result())
        finally:
            tasks = (*outputs, inputs)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # nothing uses the descriptors any more

    async def _report_exit(self, code: int) -> None:
        if code == 0:
            await _finish(self._socket, {"metadata": {}, "status": "Success"})
            return
        message = f"command terminated with non-zero exit code: exit status {code}"
        details = {"causes": [{"reason": "ExitCode", "message": str(code)}]}
        status = {"metadata": {}, "status": "Failure", "message": message}
        await _finish(self._socket, status | {"reason": "NonZeroExitCode", "details": details})

    async def _send_output(self, channel: int, descriptor: int) -> None:
        async for data in pipes.read(descriptor):
            await self._socket.send_bytes(bytes([channel]) + data)

    async def _receive(self) -> None:
        """Handle what the client sends until it closes the connection."""
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == STDIN and self._stdin is not None:
                await pipes.write(self._stdin, data)
            elif channel == RESIZE and self._terminal is not None:
                size = json.loads(data)
                pipes.resize(self._terminal, size["Width"], size["Height"])
            elif channel == CLOSE and data == bytes([STDIN]) and self._stdin is not None:
                os.close(self._stdin)
                self._stdin = None
