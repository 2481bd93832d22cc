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
Outcome = Literal["delivered", "lost", "loop", "unsure"]

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
    """One step of an explained way.

    Either ``node`` or ``pod`` is set: where the packet is. ``row`` is the line of its table that decides (None when none
    matches, or the table is not known), ``rule`` the line of ``ip rule`` that led to it, where the rules are not the usual
    ones. ``next_hop`` and ``device`` are where it sends the packet, ``to`` the node, pod or address that this leads to.
    ``text`` says it in a sentence. ``measured`` is what a traceroute saw of this step, None when nothing. ``lost`` marks
    the step where the packet does not get on.
    """

    node: str | None
    pod: str | None
    rule: str | None
    row: str | None
    next_hop: str | None
    device: str | None
    to: str | None
    text: str
    measured: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedWay:
    """The way of packets of one family in one direction of a pair: from the address ``source`` to the address ``target``.

    ``outcome`` is what the tables say, unless what was measured proves more: ``lost`` has a step that is marked so, or a
    finding that says why, ``loop`` a node that is passed twice, ``unsure`` enters something that tables do not show, or is
    not what was measured. ``reason`` says why, in one sentence.
    """

    direction: Literal["there", "back"]
    family: Literal["IPv4", "IPv6"]
    source: str
    target: str
    outcome: Outcome
    reason: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """How packets get from one end to the other, and back. ``source`` and ``target`` go out as ``from`` and ``to``.

    Both are as a user names them: ``namespace/name`` of a pod, ``node/name`` or an address. ``arrives`` is True only where
    packets were seen to arrive, and None where neither they nor the tables can tell. ``findings`` are the codes of those
    that can have lost the packets. ``measured`` are lines on what was measured between the two, and what could not be.
    """

    source: str
    target: str
    arrives: bool | None
    reason: str
    ways: tuple[ExplainedWay, ...]
    findings: tuple[str, ...]
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
