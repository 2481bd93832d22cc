# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Network namespaces, held open by a file descriptor each, and what is done inside them.

A namespace without a name lives as long as a descriptor or a process holds it: nothing has to be cleaned up on the host.
Entering one concerns the calling thread only, so all of this runs in one thread of its own (see ``ClusterNetwork``). That
thread goes from one namespace of the cluster to the next, never back: an ordinary user may leave the host's network, but not
enter it.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from netns_cluster import linux


class NetworkError(Exception):
    """A command of the kernel's own tools that failed, with what it said."""


def create() -> int:
    """Enter a new network namespace and return a descriptor of it."""
    linux.unshare(linux.CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def enter(namespace: int) -> None:
    """Have the calling thread, and the processes that it starts from now on, in a namespace."""
    linux.setns(namespace, linux.CLONE_NEWNET)


def reference(namespace: int) -> str:
    """How iproute2 is told of a namespace: a path of the process that runs it, which must inherit the descriptor."""
    return f"/proc/self/fd/{namespace}"


def ip(commands: Sequence[str], peers: Sequence[int] = ()) -> None:
    """Run ``ip`` commands, one a line; ``peers`` are the namespaces that they refer to."""
    _run(["ip", "-batch", "-"], "\n".join(commands) + "\n", peers)


def nft(rules: str) -> None:
    _run(["nft", "-f", "-"], rules, ())


def _run(command: list[str], text: str, inherited: Sequence[int]) -> None:
    result = subprocess.run(command, input=text, capture_output=True, text=True, pass_fds=inherited, check=False)
    if result.returncode:
        raise NetworkError(f"{' '.join(command)}: {result.stderr.strip()}\n{text.strip()}")


def sysctl(values: Mapping[str, str]) -> None:
    """Write kernel parameters of the namespace that the thread is in; ``net/ipv4/ip_forward`` and the like."""
    for key, value in values.items():
        if key.startswith("net/ipv6/") and not Path("/proc/sys/net/ipv6").exists():
            continue  # a kernel without IPv6 has nothing to switch off
        Path("/proc/sys", key).write_text(value, encoding="ascii")


def udp_socket(address: str, port: int) -> socket.socket:
    """Return a bound socket that stays in the namespace that the thread is in."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((address, port))
    return sock
