# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API server's side of the container runtime's control socket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from netns_cluster.runtime.messages import PACKET_SIZE, Container, Process, StartError


@dataclass(frozen=True)
class RunningProcess:
    """A process in a container. ``exited`` becomes its exit code, 128 + N when signal N ended it."""

    id: int
    exited: asyncio.Future[int]


class RuntimeClient:
    """Starts and signals processes. The runtime is process 1 of the cluster: when it ends, this process ends, too."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._ids = count(1)
        self._starting: dict[int, asyncio.Future[None]] = {}
        self._running: dict[int, asyncio.Future[int]] = {}
        self._sending = asyncio.Lock()
        asyncio.get_running_loop().add_reader(control, self._receive)

    async def start_container(
        self, container: Container, process: Process, streams: Sequence[int], network: int
    ) -> RunningProcess:
        """Start a container's first process on three descriptors in a network namespace; raises StartError."""
        request = {"container": asdict(container), "process": asdict(process)}
        return await self._start(request, [*streams, network])

    async def join_container(
        self, container: RunningProcess, process: Process, streams: Sequence[int]
    ) -> RunningProcess:
        """Start a further process in a container; raises StartError."""
        return await self._start({"join": container.id, "process": asdict(process)}, streams)

    async def signal(self, process: RunningProcess, number: int) -> None:
        """Send a signal, to nobody when the process has ended."""
        await self._send({"id": process.id, "signal": number}, [])

    async def _start(self, request: dict[str, Any], descriptors: Sequence[int]) -> RunningProcess:
        loop = asyncio.get_running_loop()
        number = next(self._ids)
        started = self._starting[number] = loop.create_future()
        process = RunningProcess(number, loop.create_future())
        self._running[number] = process.exited
        await self._send({"id": number, **request}, descriptors)
        await started
        return process

    async def _send(self, message: dict[str, Any], descriptors: Sequence[int]) -> None:
        packet = json.dumps(message).encode()
        async with self._sending:
            while True:
                try:
                    socket.send_fds(self._control, [packet], list(descriptors))
                    return
                except BlockingIOError:
                    await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = loop.create_future()
        loop.add_writer(self._control, _settle, writable, None)
        try:
            await writable
        finally:
            loop.remove_writer(self._control)

    def _receive(self) -> None:
        packet = self._control.recv(PACKET_SIZE)
        message = json.loads(packet)
        number = message["id"]
        if "exited" in message:
            _settle(self._running.pop(number), message["exited"])
        elif "error" in message:
            del self._running[number]
            error = message["error"]
            _settle(self._starting.pop(number), StartError(error["stage"], error["reason"]))
        else:
            _settle(self._starting.pop(number), None)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
