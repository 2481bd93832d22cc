# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting a cluster's first process in namespaces of its own, cut off from the terminal and the process that starts it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from netns_cluster import linux, machine
from netns_cluster.config import Config

_NOT_STARTED = 70


def launch(config: Config, log: Path) -> int:
    """Start the container runtime and return its process id.

    Who may not make namespaces as he is gets a user namespace, in which he is root. Raises
    :class:`~netns_cluster.errors.UnfitMachineError` when the machine forbids the namespaces.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _enter_namespaces()
            runtime = os.fork()
            if runtime == 0:
                _become_runtime(config, log)
            _report(writer, pid=runtime)
            os._exit(0)
        except OSError as error:
            _report(writer, errno=error.errno, text=error.strerror or str(error))
        finally:
            os._exit(_NOT_STARTED)
    os.close(writer)
    with open(reader, "rb") as file:
        report = json.loads(file.read() or "{}")
    os.waitpid(child, 0)
    if "pid" not in report:
        raise machine.refusal(OSError(report.get("errno"), report.get("text", "the process ended early")))
    pid: int = report["pid"]
    return pid


def _enter_namespaces() -> None:
    os.setsid()
    try:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID)
    except PermissionError:
        _become_root_of_a_user_namespace()
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID)


def _become_root_of_a_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")


def _become_runtime(config: Config, log: Path) -> None:
    os.chdir("/")
    for descriptor in config.descriptors:
        os.set_inheritable(descriptor, True)
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, descriptor in enumerate((null, output, output)):
        os.dup2(descriptor, number)
    python_path = filter(None, (str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH")))
    env = {**os.environ, "PATH": machine.search_path(), "PYTHONPATH": os.pathsep.join(python_path)}
    # -S: nothing that the runtime needs is in site-packages, and it stays small and quick without them.
    command = [sys.executable, "-S", "-m", "netns_cluster.runtime.init", config.to_json()]
    os.execve(sys.executable, command, env)  # noqa: S606 - an exec has no shell


def _report(writer: int, **fields: object) -> None:
    os.write(writer, json.dumps(fields).encode())
    os.close(writer)
