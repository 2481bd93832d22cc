# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ping`` and ``traceroute`` print to standard error when they cannot do their work. Private to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PROGRAM = re.compile(r"(?:ping|traceroute)6?: ")
_CALL = re.compile(
    r"(?:connect|send|sendto|sendmsg|recvfrom|recvmsg|socket|bind|setsockopt|local error"
    r"|can't connect to remote host \([^()]+\)): (?P<reason>.+)"
)
_BAD_ADDRESS = re.compile(r"(?P<reason>bad address) '(?P<target>.*)'")
# What gai_strerror of glibc and musl says.
_RESOLVER = re.compile(
    r"(?P<target>.*): (?P<reason>Name or service not known|Name does not resolve|Temporary failure in name resolution"
    r"|Try again|Non-recoverable failure in name resolution|No address associated with hostname"
    r"|Name has no usable address|Address family for hostname not supported|Unknown host)"
)
_GOT_ICMP = re.compile(r"[Ww]arning: [Gg]ot ICMP \d+ \((?P<reason>.+)\)")
# Debian's traceroute says these without its name before them.
_NAMELESS = re.compile(r'Cannot handle "\w+" cmdline arg .*|You do not have enough privileges to use this .*')


@dataclass(frozen=True, slots=True)
class CommandError:
    """``reason`` without the name of the program and of the system call, ``target`` where the message names it."""

    reason: str
    target: str | None = None


def read_command_error(line: str) -> CommandError | None:
    """The error that a line reports, or None when it is no error of ``ping`` or ``traceroute``."""
    program = _PROGRAM.match(line)
    message = line[program.end() :] if program else line
    for pattern in (_CALL, _BAD_ADDRESS, _RESOLVER, _GOT_ICMP):
        match = pattern.fullmatch(message)
        if match:
            return CommandError(**match.groupdict())
    return CommandError(message) if program or _NAMELESS.fullmatch(message) else None
