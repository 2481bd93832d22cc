# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ping`` printed, as a record: busybox, iputils, FreeBSD and macOS. Private to the collection.

The exit code does not tell what happened: ``ping`` exits 0 with 40 % of the packets lost. The text does, but busybox keeps
silent about ICMP errors: unreachable, prohibited and TTL exceeded all read ``100% packet loss`` there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .command_errors import read_command_error
from .lines import Unparsed, clean, plain, read_scoped_address


@dataclass(frozen=True, slots=True)
class Reply:
    """An echo reply. ``annotations`` is what stands in brackets behind it: ``DUP!``, ``DIFFERENT ADDRESS!``, ``truncated``.

    ``seq`` is as printed: busybox and BSD count from 0, iputils from 1. ``time_ms`` is None for packets too small to
    carry a time stamp, and for truncated ones.
    """

    seq: int
    ttl: int
    time_ms: float | None
    address: str
    name: str | None = None
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PingError:
    """An ICMP error, with the ``address`` that sent it, or an error of the command itself. ``mtu`` is bytes."""

    reason: str
    seq: int | None = None
    address: str | None = None
    name: str | None = None
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class Rtt:
    """Round-trip times in milliseconds; busybox prints no ``mdev``."""

    min: float
    avg: float
    max: float
    mdev: float | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """One run of ``ping``. What the text does not say, as when it was cut off, is None.

    ``transmitted``, ``received``, ``loss_percent`` and ``rtt_ms`` are as in the closing statistics. ``duplicates`` too, or
    without statistics the replies marked ``DUP!``.
    """

    target: str | None
    address: str | None
    transmitted: int | None
    received: int | None
    loss_percent: float | None
    rtt_ms: Rtt | None
    replies: tuple[Reply, ...]
    duplicates: int
    errors: tuple[PingError, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON with all fields."""
        record: dict[str, Any] = plain(self)
        return record


def parse_ping(text: str) -> Ping:
    """Read what one run of ``ping`` printed, to standard output, standard error or both. Never raises.

    Each line that is not blank is understood or stands in ``unparsed``, as does all that follows a second ``PING`` line.
    """
    run = _Run()
    unparsed = tuple(
        Unparsed(number, line)
        for number, line in enumerate(clean(text).split("\n"), 1)
        if line.strip() and not run.reads(line)
    )
    duplicates = sum("DUP!" in reply.annotations for reply in run.replies)
    return Ping(
        target=run.target,
        address=run.address,
        transmitted=run.transmitted,
        received=run.received,
        loss_percent=run.loss_percent,
        rtt_ms=run.rtt_ms,
        replies=tuple(run.replies),
        duplicates=duplicates if run.duplicates is None else run.duplicates,
        errors=tuple(run.errors),
        unparsed=unparsed,
    )


# "64 bytes from NAME (ADDRESS)" or "64 bytes from ADDRESS", and so in errors.
_FROM = r"(?:(?P<name>\S+) \((?P<named>[^\s()]+)\)|(?P<address>[^\s()]+?))"
_HEADER = re.compile(
    r"PING (?P<target>[^\s()]+) ?\((?:[^\s()]+ \()?(?P<address>[^\s()]+?)\){1,2}(?: from [^()]*?)?:? "
    r"\d+(?:\(\d+\))? (?:data bytes|bytes of data\.)"
)
_REPLY = re.compile(
    rf"(?P<size>\d+) bytes from {_FROM}: (?:icmp_)?seq=(?P<seq>\d+)(?: ident=\d+)? ttl=(?P<ttl>\d+)"
    r"(?: time[=<](?P<time>[\d.]+) ms)?(?P<annotations>(?: \([^()]+\))*)"
)
_ICMP_ERROR = re.compile(rf"From {_FROM}:? (?:icmp_seq=(?P<seq>\d+) )?(?P<reason>[A-Z].*)")
_BSD_ICMP_ERROR = re.compile(rf"\d+ bytes from {_FROM}: (?P<seq>)(?P<reason>[A-Z].*)")
_COUNTS = re.compile(
    r"(?P<transmitted>\d+) packets transmitted, (?P<received>\d+)(?: packets)? received"
    r"(?:, \+?(?P<duplicates>\d+) duplicates)?(?:, \+\d+ corrupted)?(?:, \+\d+ errors)?"
    r"(?:, (?P<loss>[\d.]+)% packet loss)?(?:, time \d+ms)?"
)
_RTT = re.compile(
    r"(?:rtt|round-trip) min/avg/max(?:/(?:mdev|stddev))? = "
    r"(?P<min>[\d.]+)/(?P<avg>[\d.]+)/(?P<max>[\d.]+)(?:/(?P<mdev>[\d.]+))? ms(?:, (?:pipe|ipg/ewma) .*)?"
)
_STATISTICS = re.compile(r"--- (?P<target>.*) ping statistics ---")
# Said on the way, of no consequence: the statistics count a late reply as well as a missing one.
_ASIDE = re.compile(
    r"PATTERN: 0x[0-9a-f]+|WARNING: .*|ping6?: [Ww]arning: (?![Gg]ot ICMP (?!5 )).*|pipe \d+"
    r"|no answer yet for icmp_seq=\d+|Request timeout for icmp_seq \d+"
    r"|Vr HL TOS +Len +ID .*|(?: +[0-9a-f]+){10} +\S+ +\S+ *"
)
# From this size on, an echo reply (8 bytes of header) has room for the time stamp (16 bytes) that the time comes from.
_TIMED_SIZE = 24
# What ``-D`` puts before a line, and a terminal at Ctrl-C.
_TIME_STAMP = re.compile(r"^(?:\^C)?(?:\[\d+\.\d+\] )?")


@dataclass(slots=True)
class _Run:
    """What was read so far."""

    target: str | None = None
    address: str | None = None
    transmitted: int | None = None
    received: int | None = None
    loss_percent: float | None = None
    duplicates: int | None = None
    rtt_ms: Rtt | None = None
    replies: list[Reply] = field(default_factory=list)
    errors: list[PingError] = field(default_factory=list)
    another_began: bool = False

    def reads(self, line: str) -> bool:
        """Whether the line was understood."""
        line = _TIME_STAMP.sub("", line).rstrip()
        for pattern, read in _READERS:
            match = pattern.fullmatch(line)
            if match and not self.another_began:
                try:
                    return read(self, match)
                except (ValueError, OSError):  # no number, or no address
                    return False
        return False

    def reads_header(self, match: re.Match[str]) -> bool:
        self.another_began = self.address is not None
        if not self.another_began:
            self.address = read_scoped_address(match["address"])
            self.target = match["target"]
        return not self.another_began

    def reads_reply(self, match: re.Match[str]) -> bool:
        if not match["time"] and not match["annotations"] and int(match["size"]) >= _TIMED_SIZE:
            return False  # cut off, perhaps in the middle of the ttl
        address, name = _sender(match)
        reply = Reply(
            seq=int(match["seq"]),
            ttl=int(match["ttl"]),
            time_ms=float(match["time"]) if match["time"] else None,
            address=address,
            name=name,
            annotations=tuple(re.findall(r"\(([^()]+)\)", match["annotations"])),
        )
        self.replies.append(reply)
        return True

    def reads_icmp_error(self, match: re.Match[str]) -> bool:
        address, name = _sender(match)
        reason = match["reason"]
        if not reason.startswith("Redirect"):  # a better way was named, the packet went on
            seq = int(match["seq"]) if match["seq"] else None
            self.errors.append(PingError(reason, seq, address, name, _mtu(reason)))
        return True

    def reads_command_error(self, match: re.Match[str]) -> bool:
        error = read_command_error(match[0])
        if error:
            self.target = error.target if self.target is None else self.target
            self.errors.append(PingError(error.reason, mtu=_mtu(error.reason)))
        return error is not None

    def reads_counts(self, match: re.Match[str]) -> bool:
        if self.transmitted is not None:
            return False
        self.transmitted, self.received = int(match["transmitted"]), int(match["received"])
        self.loss_percent = float(match["loss"]) if match["loss"] else None
        self.duplicates = int(match["duplicates"] or 0)
        return True

    def reads_rtt(self, match: re.Match[str]) -> bool:
        if self.rtt_ms:
            return False
        mdev = float(match["mdev"]) if match["mdev"] else None
        self.rtt_ms = Rtt(float(match["min"]), float(match["avg"]), float(match["max"]), mdev)
        return True

    def reads_statistics(self, match: re.Match[str]) -> bool:
        self.target = match["target"] if self.target is None else self.target
        return True


def _sender(match: re.Match[str]) -> tuple[str, str | None]:
    return read_scoped_address(match["named"] or match["address"]), match["name"]


def _mtu(reason: str) -> int | None:
    match = re.search(r"\bmtu ?= ?(\d+)", reason)
    return int(match[1]) if match else None


_READERS = (
    (_REPLY, _Run.reads_reply),
    (_HEADER, _Run.reads_header),
    (_ICMP_ERROR, _Run.reads_icmp_error),
    (_BSD_ICMP_ERROR, _Run.reads_icmp_error),
    (_COUNTS, _Run.reads_counts),
    (_RTT, _Run.reads_rtt),
    (_STATISTICS, _Run.reads_statistics),
    (_ASIDE, lambda run, match: True),
    (re.compile(r".+"), _Run.reads_command_error),
)
