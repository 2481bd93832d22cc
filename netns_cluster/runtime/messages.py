# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API server asks of the container runtime, and what it hears back.

One message is one JSON object in one packet of a ``SOCK_SEQPACKET`` socket; file descriptors travel beside it. Requests carry
an ``id`` that the answers repeat::

    {"id": 7, "container": {...}, "process": {...}}   + stdin, stdout, stderr, network namespace
    {"id": 8, "join": 7, "process": {...}}            + stdin, stdout, stderr
    {"id": 7, "signal": 15}

    {"id": 7, "started": 4711}      it runs; the number is its process id
    {"id": 7, "error": {...}}       it does not; see :class:`StartError`
    {"id": 7, "exited": 137}        it ended; 128 + N for signal N
"""

from __future__ import annotations

from dataclasses import dataclass, field

PACKET_SIZE = 128 * 1024

_DEFAULT_CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
)
DEFAULT_CAPABILITIES = frozenset(_DEFAULT_CAPABILITIES.split())
"""What containerd leaves to a container that asks for nothing."""


@dataclass(frozen=True)
class Process:
    """What is executed, and as whom. ``capabilities`` are the names that root keeps."""

    argv: list[str]
    env: dict[str, str]
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    capabilities: list[str] = field(default_factory=lambda: sorted(DEFAULT_CAPABILITIES))
    no_new_privileges: bool = False
    terminal: bool = False


@dataclass(frozen=True)
class Volume:
    """A directory of the pod's own, shared by its containers: ``name`` is unique in the cluster."""

    name: str
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class Container:
    """What surrounds the first process. ``host_tools`` adds the host's /usr, read-only, for iproute2 and nft."""

    hostname: str
    files: dict[str, str]
    volumes: list[Volume] = field(default_factory=list)
    read_only: bool = False
    privileged: bool = False
    host_tools: bool = False


class StartError(Exception):
    """A process that was not started. ``stage`` is ``sandbox``, ``user``, ``cwd`` or ``exec``; the text is the reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage

    def describe(self, program: str) -> str:
        """Say what failed in the words of the runtime of a real node."""
        if self.stage != "exec":
            return f"{self.stage}: {self}"
        reason = str(self).lower()
        if reason == "no such file or directory":
            reason = f"stat {program}: {reason}" if "/" in program else "executable file not found in $PATH"
        return f'exec: "{program}": {reason}'
