# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``/proc/net/tcp`` and ``/proc/net/tcp6`` as records: who is connected, under which address. Private to the collection.

That is how a pod without ``ss`` tells at which address it sees its peer. Source: get_tcp4_sock() in the kernel's
net/ipv4/tcp_ipv4.c and get_tcp6_sock() in net/ipv6/tcp_ipv6.c, states in include/net/tcp_states.h.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from .lines import Unparsed, clean, plain

_STATES = (
    *("ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE"),
    *("CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV", "BOUND_INACTIVE"),
)
_ENDPOINT = r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
_ROW = re.compile(
    rf"\s*\d+: {_ENDPOINT} {_ENDPOINT} ([0-9A-F]{{2}})"
    r" [0-9A-F]{8}:[0-9A-F]{8} [0-9A-F]{2}:[0-9A-F]{8} [0-9A-F]{8} +\d+ +\d+ (\d+)(?: .*)?",
    re.ASCII,
)
_HEADER = re.compile(r"\s*sl\s+local_address\s+(?:rem|remote)_address\s+st\s.*")


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One TCP socket. ``state`` is the kernel's name (``LISTEN``); ``inode`` is 0 once no process holds it (``TIME_WAIT``).

    Addresses are canonical; those of an IPv4 connection on an IPv6 socket (``::ffff:a.b.c.d``) are IPv4.
    """

    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    state: str
    inode: int


@dataclass(frozen=True, slots=True)
class ParsedTcpSockets:
    """The sockets in the order of the file, and the lines that were not understood."""

    sockets: tuple[TcpSocket, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        record: dict[str, Any] = plain(self)
        return record


def parse_proc_net_tcp(text: str) -> ParsedTcpSockets:
    """Read one of the files, or both one after the other, from a little-endian machine. Never raises."""
    sockets: list[TcpSocket] = []
    unparsed: list[Unparsed] = []
    for number, line in enumerate(clean(text).split("\n"), 1):
        row = _ROW.fullmatch(line.rstrip())
        if row and 0 < int(row[5], 16) <= len(_STATES):
            local, remote = _address(row[1]), _address(row[3])
            state = _STATES[int(row[5], 16) - 1]
            sockets.append(TcpSocket(local, int(row[2], 16), remote, int(row[4], 16), state, int(row[6])))
        elif line.strip() and not _HEADER.fullmatch(line):
            unparsed.append(Unparsed(number, line))
    return ParsedTcpSockets(tuple(sockets), tuple(unparsed))


def _address(printed: str) -> str:
    # The kernel prints 32-bit words of its own byte order.
    words = bytes.fromhex(printed)
    packed = b"".join(words[start : start + 4][::-1] for start in range(0, len(words), 4))
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)
