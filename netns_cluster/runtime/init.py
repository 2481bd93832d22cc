# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first process of a cluster: its container runtime.

It is process 1 of the cluster's process id namespace. Whatever ends it, kill -9 included, makes the kernel kill all others in
that namespace, and with the last of them every mount and network namespace of the cluster goes. It starts the API server, does
what it asks (see ``messages``), reaps every orphan, and ends when the API server ends. It has one thread, so it may fork.

    python -m netns_cluster.runtime.init CONFIG

CONFIG is the JSON of a :class:`~netns_cluster.config.Config`; the API server gets the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from netns_cluster import linux
from netns_cluster.config import Config
from netns_cluster.runtime import child, rootfs
from netns_cluster.runtime.messages import PACKET_SIZE, Container, Process, Volume


class Runtime:
    """Serves one control socket until it closes."""

    def __init__(self, control: socket.socket, images: Path) -> None:
        self._control = control
        self._images = images
        self._selector = selectors.DefaultSelector()
        self._pids: dict[int, int] = {}  # request id -> process id, while the process lives
        self._reports: dict[int, bytes] = {}  # request id -> what its children reported so far

    def serve(self) -> None:
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_unused: None)
        self._selector.register(wake_reader, selectors.EVENT_READ)
        self._selector.register(self._control, selectors.EVENT_READ)
        while True:
            for key, _unused in self._selector.select():
                if key.fileobj is self._control:
                    if not self._receive():
                        return
                elif key.fd == wake_reader:
                    os.read(wake_reader, 4096)
                    self._reap()
                elif key.data in self._reports:
                    self._read_report(key.fd, key.data)

    def _receive(self) -> bool:
        packet, descriptors, _unused, _unused = socket.recv_fds(self._control, PACKET_SIZE, 4)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # recv_fds passes over the flag that would do so
        if not packet:
            return False
        request = json.loads(packet)
        if "signal" in request:
            self._signal(request["id"], request["signal"])
        else:
            self._start(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _start(self, request: dict[str, Any], descriptors: list[int]) -> None:
        reader, writer = os.pipe()
        try:
            child_pid = os.fork()
        except OSError as error:  # the machine has no room for another process; those that run are not to suffer
            os.close(reader)
            os.close(writer)
            self._send(id=request["id"], error={"stage": "sandbox", "reason": f"fork: {error.strerror}"})
            return
        if child_pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number in range(3):
                os.dup2(descriptors[number], number)
            self._become(request, descriptors, writer)
        os.close(writer)
        os.set_blocking(reader, False)
        self._reports[request["id"]] = b""
        self._selector.register(reader, selectors.EVENT_READ, request["id"])

    def _become(self, request: dict[str, Any], descriptors: list[int], report: int) -> None:
        process = Process(**request["process"])
        if "join" in request:
            child.join_container(self._pids.get(request["join"], 0), process, report)
        fields = request["container"]
        container = Container(**{**fields, "volumes": [Volume(**volume) for volume in fields["volumes"]]})
        child.start_container(self._images, container, process, descriptors[3], report)

    def _read_report(self, descriptor: int, request_id: int) -> None:
        while data := _read_available(descriptor):
            self._reports[request_id] += data
        if data is None:
            return
        self._selector.unregister(descriptor)
        os.close(descriptor)
        report: dict[str, Any] = {}
        for line in self._reports.pop(request_id).splitlines():
            report |= json.loads(line)
        pid = report.pop("pid", None)
        if pid is None or report:
            self._send(id=request_id, error=report or {"stage": "sandbox", "reason": "the process ended early"})
        else:
            self._pids[request_id] = pid
            self._send(id=request_id, started=pid)

    def _reap(self) -> None:
        ended: dict[int, int] = {}
        with contextlib.suppress(ChildProcessError):
            while (result := os.waitpid(-1, os.WNOHANG))[0]:
                code = os.waitstatus_to_exitcode(result[1])
                ended[result[0]] = 128 - code if code < 0 else code
        # A process closes its report before it can be reaped, so after this step each one that ended is known by its request.
        for key, _unused in self._selector.select(0):
            if key.data in self._reports:
                self._read_report(key.fd, key.data)
        for request_id, pid in list(self._pids.items()):
            if pid in ended:
                del self._pids[request_id]
                self._send(id=request_id, exited=ended[pid])

    def _signal(self, request_id: int, number: int) -> None:
        # Only reaping frees a process id, and only this loop reaps: the number cannot belong to another process.
        if request_id in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pids[request_id], number)

    def _send(self, **message: Any) -> None:
        self._control.send(json.dumps(message).encode())


def _read_available(descriptor: int) -> bytes | None:
    """Return what is there, b"" at the end, None when there is nothing yet."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return None


def main() -> None:
    config = Config.from_json(sys.argv[1])
    os.umask(0o022)  # what containers show is for all their users; the state directory keeps others out
    os.set_inheritable(config.alive_descriptor, False)  # held by this process and no other
    images = Path(config.directory, "images")
    try:
        linux.mount("", "/", flags=linux.MS_REC | linux.MS_SLAVE)
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        linux.mount("images", str(images), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=700")
    except PermissionError as error:
        why = f"{error.strerror}, as where this is a container that may not mount: use a kind cluster instead"
        os.write(config.ready_descriptor, json.dumps({"error": why}).encode())
        sys.exit(1)
    control, server_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with server_end:
        server_end.set_inheritable(True)
        command = [sys.executable, "-m", "netns_cluster.server", sys.argv[1], str(server_end.fileno())]
        os.posix_spawn(sys.executable, command, os.environ)
    for descriptor in (config.ready_descriptor, config.starting_descriptor):
        os.close(descriptor)
    signal.signal(signal.SIGTERM, lambda *_unused: os._exit(0))  # process 1 gets only the signals that it handles
    rootfs.prepare_images(images, Path(config.busybox))
    Runtime(control, images).serve()


if __name__ == "__main__":
    main()
