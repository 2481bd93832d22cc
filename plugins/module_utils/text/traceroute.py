# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``traceroute`` printed, as a record: busybox, Debian (Butskoy), GNU inetutils, BSD. Private to the collection.

The exit code is 0 for stars at every hop, for a loop, and for ``!H``. A star is no fault by itself: a Linux target answers
one UDP probe a second with ``port unreachable`` (``net.ipv4.icmp_ratelimit``), so a healthy path shows stars, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .command_errors import read_command_error
from .lines import Unparsed, clean, plain, read_scoped_address


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe of a hop. ``address`` is None for a star; ``name`` is None when only the address is printed.

    ``annotation`` is as printed: ``!H``, ``!N``, ``!P``, ``!F-1400``, ``!<13>``; administratively prohibited is ``!X``
    for Debian and ``!A`` for busybox.
    """

    address: str | None = None
    name: str | None = None
    rtt_ms: float | None = None
    annotation: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """What answered to one time to live, in the order of the probes."""

    ttl: int
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True)
class Traceroute:
    """One run of ``traceroute``. ``target`` and ``address`` are None when the text does not say them.

    ``reached`` tells whether the target itself answered without an annotation, ``loop`` whether an address other than the
    target's answered at hops that are not neighbours. ``errors`` are those of the command itself.
    """

    target: str | None
    address: str | None
    reached: bool
    loop: bool
    hops: tuple[Hop, ...]
    errors: tuple[str, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON with all fields."""
        record: dict[str, Any] = plain(self)
        return record


def parse_traceroute(text: str) -> Traceroute:
    """Read what one run of ``traceroute`` printed, to standard output, standard error or both. Never raises.

    Each line that is not blank is understood or stands in ``unparsed``, as does all that follows a second header.
    """
    run = _Run()
    unparsed = tuple(
        Unparsed(number, line)
        for number, line in enumerate(clean(text).split("\n"), 1)
        if line.strip() and not run.reads(line.rstrip())
    )
    return Traceroute(
        target=run.target,
        address=run.address,
        reached=any(address == run.address for _unused, address in _plain_answers(run.hops)),
        loop=_is_loop(run.hops, run.address),
        hops=tuple(run.hops),
        errors=tuple(run.errors),
        unparsed=unparsed,
    )


_HEADER = re.compile(r"traceroute6? to (?P<target>\S+) +\((?P<address>[^\s()]+)\)(?: from \S+)?, \d+ hops max\b.*")
_HOP = re.compile(r" *(?P<ttl>\d{1,3})(?: +(?P<probes>.*))?", re.ASCII)
# BSD prints each further address of a hop on a line of its own.
_SAME_HOP = re.compile(r" {4,}(?P<probes>\S.*)")
_ASIDE = re.compile(r"traceroute6?: [Ww]arning: .*")
_SYSTEM = r"\[(?:AS\d+|\*)(?:/AS\d+)*\]"  # of -A: the autonomous system
# inetutils prints no blank before "ms", so a time could pass for the address of the next one: none is tried first.
_PROBE = re.compile(
    rf"\s*(?:\*|(?:(?:{_SYSTEM} +)?(?:(?P<name>\S+) +\((?P<named>[^\s()]+)\)|(?P<address>[^\s()]+))(?: +{_SYSTEM})? +)??"
    r"(?P<rtt>[\d.]+) ?ms(?: +(?P<annotation>!\S*))?)(?!\S)",
    re.ASCII,
)


@dataclass(slots=True)
class _Run:
    """What was read so far."""

    target: str | None = None
    address: str | None = None
    hops: list[Hop] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    another_began: bool = False
    hop_is_open: bool = False

    def reads(self, line: str) -> bool:
        """Whether the line was understood."""
        try:
            understood = not self.another_began and self._reads_any(line)
        except (ValueError, OSError):  # no number, or no address
            understood = False
        self.hop_is_open = understood and bool(self.hops)
        return understood

    def _reads_any(self, line: str) -> bool:
        if match := _HEADER.fullmatch(line):
            self.another_began = self.address is not None
            if not self.another_began:
                self.address = read_scoped_address(match["address"])
                self.target = match["target"]
            return not self.another_began
        if match := _HOP.fullmatch(line):
            ttl = int(match["ttl"])
            if self.hops and ttl <= self.hops[-1].ttl:
                return False
            self.hops.append(Hop(ttl, _read_probes(match["probes"] or "")))
            return True
        if self.hop_is_open and (match := _SAME_HOP.fullmatch(line)):
            hop = self.hops[-1]
            self.hops[-1] = Hop(hop.ttl, hop.probes + _read_probes(match["probes"]))
            return True
        if _ASIDE.fullmatch(line):
            return True
        error = read_command_error(line)
        if error:
            self.target = error.target if self.target is None else self.target
            self.errors.append(error.reason)
        return error is not None


def _read_probes(text: str) -> tuple[Probe, ...]:
    """The probes on a line. Raises ValueError or OSError when it holds anything else, or was cut off in a probe."""
    probes: list[Probe] = []
    address = name = None
    position = 0
    while position < len(text):
        match = _PROBE.match(text, position)
        if not match:
            raise ValueError(text)
        position = match.end()
        if not match["rtt"]:
            probes.append(Probe())
            continue
        if match["named"] or match["address"]:
            address = read_scoped_address(match["named"] or match["address"])
            name = match["name"] if match["name"] != address else None
        if address is None:
            raise ValueError(text)
        probes.append(Probe(address, name, float(match["rtt"]), match["annotation"]))
    return tuple(probes)


def _plain_answers(hops: Iterable[Hop]) -> Iterator[tuple[int, str]]:
    """(ttl, address) of each answer without an annotation."""
    for hop in hops:
        for probe in hop.probes:
            if probe.address and not probe.annotation:
                yield hop.ttl, probe.address


def _is_loop(hops: Iterable[Hop], target: str | None) -> bool:
    first_ttl: dict[str, int] = {}
    return any(
        ttl - first_ttl.setdefault(address, ttl) > 1 for ttl, address in _plain_answers(hops) if address != target
    )
