# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check says of a cluster: findings, promises, the verdict. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..text.lines import plain

Severity = Literal["error", "warning", "info"]
Proof = Literal["proved", "refuted", "not_proved"]

PROMISES: Mapping[str, str] = {
    "P1": "pods talk to pods without NAT",
    "P2": "nodes talk to pods without NAT",
    "P3": "a pod sees itself at the address that others see",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, named once for all the pairs that it breaks.

    ``code`` is an entry of the catalogue, ``node`` and ``pod`` (``namespace/name``) the elements to blame, None where it is
    none in particular. ``message`` is one sentence without a full stop, ``evidence`` lines as printed or measured.
    """

    code: str
    severity: Severity
    cluster: str
    node: str | None
    pod: str | None
    message: str
    evidence: tuple[str, ...]
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, always all keys."""
        record: dict[str, Any] = plain(self)
        return record


@dataclass(frozen=True, slots=True)
class Promise:
    """``reason`` says why a promise is refuted or not proved (None when proved), ``rests_on`` what the answer is drawn from."""

    state: Proof
    reason: str | None
    rests_on: str


@dataclass(frozen=True, slots=True)
class NotProved:
    """``what`` could not be proved, in words, and the ``reason``; ``node`` and ``pod`` are set where it is one's."""

    what: str
    reason: str
    node: str | None = None
    pod: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the verdict covers: how many there are, and how many of them were judged.

    A pair is a node or probe and an address of a pod; ``pairs`` is nodes x addresses. ``pairs_by_routes`` are those for which
    the node's tables lead to the pod, ``pairs_by_packets`` those of which a packet's way there and back was measured.
    """

    nodes: int
    nodes_read: int
    pods: int
    pods_pinged: int
    probes: int
    pairs: int
    pairs_by_routes: int
    pairs_by_packets: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explained path.

    Either ``node`` or ``pod`` is set: where the packet is. ``row`` is the line of its table that decides (None when none
    matches, or the table is not known), ``next_hop`` and ``device`` where it sends the packet, ``to`` the node or pod that this
    leads to. ``text`` says it in a sentence. ``lost`` marks the step where the packet does not get on.
    """

    node: str | None
    pod: str | None
    row: str | None
    next_hop: str | None
    device: str | None
    to: str | None
    text: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """The way of packets from one end to the other, and back. ``source`` and ``target`` go out as ``from`` and ``to``.

    ``arrives`` is True or False by the tables and what was measured, None where neither can tell. ``measured`` are lines on
    what probes saw on this pair.
    """

    source: str
    target: str
    address: str | None
    arrives: bool | None
    reason: str
    there: tuple[Step, ...]
    back: tuple[Step, ...]
    measured: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, always all keys."""
        record: dict[str, Any] = plain(self)
        return {"from": record.pop("source"), "to": record.pop("target"), **record}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer.

    It is ``fail`` with any finding that is an error, ``pass`` when every promise is proved, else ``incomplete``.
    """

    verdict: Literal["pass", "fail", "incomplete"]
    cluster: str
    checked_at: str
    emulated: bool
    versions: Mapping[str, str]
    promises: Mapping[str, Promise]
    not_proved: tuple[NotProved, ...]
    findings: tuple[Finding, ...]
    coverage: Coverage
    pairs: tuple[ExplainedPair, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, always all keys."""
        return {
            "verdict": self.verdict,
            "cluster": self.cluster,
            "checked_at": self.checked_at,
            "emulated": self.emulated,
            "versions": dict(self.versions),
            "promises": {name: plain(promise) for name, promise in self.promises.items()},
            "not_proved": plain(self.not_proved),
            "findings": [finding.as_dict() for finding in self.findings],
            "coverage": plain(self.coverage),
            "pairs": [pair.as_dict() for pair in self.pairs],
        }
