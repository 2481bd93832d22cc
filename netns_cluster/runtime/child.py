# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a forked child of the runtime does until it is the program that was asked for.

A process id namespace holds only for children, so each start forks twice: the first child enters or makes the namespaces and
tells the second one's process id, the second one becomes the program. Both report through a pipe that closes at exec: lines
of JSON, ``{"pid": 4711}`` and, when something fails, ``{"stage": ..., "reason": ...}``.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from netns_cluster import linux
from netns_cluster.runtime import rootfs
from netns_cluster.runtime.messages import Container, Process, StartError

_OWN_NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC


def start_container(images: Path, container: Container, process: Process, network: int, report: int) -> NoReturn:
    """Become the first process of a container in the network namespace ``network``."""

    def enter() -> None:
        linux.setns(network, linux.CLONE_NEWNET)
        linux.unshare(_OWN_NAMESPACES)

    def settle() -> None:
        linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        socket.sethostname(container.hostname)
        linux.pivot_root(rootfs.build(images, container))

    _fork_into(enter, settle, process, report)


def join_container(pid: int, process: Process, report: int) -> NoReturn:
    """Become a further process of the container whose first process is ``pid``."""

    def enter() -> None:
        linux.setns(os.pidfd_open(pid), _OWN_NAMESPACES | linux.CLONE_NEWNET)

    _fork_into(enter, lambda: None, process, report)


def _fork_into(enter: Callable[[], None], settle: Callable[[], None], process: Process, report: int) -> NoReturn:
    try:
        enter()
        pid = os.fork()
        if pid:
            _tell(report, pid=pid)
            os._exit(0)
        settle()
        _become(process)
    except StartError as error:
        _tell(report, stage=error.stage, reason=str(error))
    except BaseException as error:
        _tell(report, stage="sandbox", reason=f"{type(error).__name__}: {error}")
    os._exit(128)


def _become(process: Process) -> NoReturn:
    os.setsid()
    if process.terminal:
        fcntl.ioctl(sys.stdin.fileno(), termios.TIOCSCTTY, 0)
    _step("cwd", lambda: os.makedirs(process.cwd, exist_ok=True))
    _step("cwd", lambda: os.chdir(process.cwd))
    linux.keep_capabilities(set(process.capabilities))
    if process.uid or process.gid:
        _step("user", lambda: _become_user(process.uid, process.gid))
    if process.no_new_privileges:
        linux.forbid_new_privileges()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, programs do not expect that
        signal.signal(number, signal.SIG_DFL)
    _step("exec", lambda: os.execvpe(process.argv[0], process.argv, process.env))  # noqa: S606 - an exec has no shell
    raise AssertionError("exec returned")


def _become_user(uid: int, gid: int) -> None:
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _step(stage: str, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        raise StartError(stage, error.strerror or str(error)) from error


def _tell(report: int, **fields: Any) -> None:
    os.write(report, json.dumps(fields).encode() + b"\n")
