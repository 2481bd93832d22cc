# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check found, before it goes out as a finding: also which packets it loses. Private to the collection."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ..network.cni import holds
from .catalogue import CATALOGUE
from .verdict import Finding

_MOST_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class Loss:
    """Packets that were lost, there or back: the addresses of both ends, and the pods that these are.

    ``nodes`` are those on the way, ``forwarders`` those of them that have to forward: as they are at no end themselves, or as
    a pod sends by a gateway that they only stand in for. ``line`` says what was measured. ``promise`` is the one that cannot
    hold when this was lost. ``is_large`` tells that packets as large as a pod's may be were lost, and small ones were not.
    """

    addresses: tuple[str, str]
    pods: tuple[str | None, str | None]
    nodes: frozenset[str]
    forwarders: frozenset[str]
    line: str
    promise: str | None = None
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding to be. ``node`` and ``pod`` are to blame; ``promises`` are those that it refutes, by default its entry's.

    ``to`` are the CIDRs for which the node loses packets, there or back; None when it does for all, or for the pod.
    ``spares_own`` says that packets get on which the node does not have to forward.
    """

    code: str
    message: str
    evidence: tuple[str, ...]
    node: str | None = None
    pod: str | None = None
    to: tuple[str, ...] | None = None
    spares_own: bool = False
    promises: tuple[str, ...] | None = None

    @property
    def refutes(self) -> tuple[str, ...]:
        return CATALOGUE[self.code].refutes if self.promises is None else self.promises

    def explains(self, loss: Loss) -> bool:
        """Whether the packets can have been lost by this."""
        if not (CATALOGUE[self.code].loses_packets or (loss.is_large and self.code == "mtu-too-small")):
            return False
        if self.to is not None:
            is_passed = self.node is None or self.node in loss.nodes
            return is_passed and any(holds(prefix, address) for prefix in self.to for address in loss.addresses)
        if self.pod is not None:
            return self.pod in loss.pods
        return self.node in (loss.forwarders if self.spares_own else loss.nodes)

    def with_evidence(self, lines: Iterable[str], promises: Iterable[str] = ()) -> Fault:
        """The same fault, with what was measured of it, and the promises that cannot hold by that."""
        refuted = tuple(sorted({*self.refutes, *promises}))
        return replace(self, evidence=(*self.evidence, *lines), promises=refuted)

    def with_symptoms(self, faults: Iterable[Fault]) -> Fault:
        """The same fault, with others that are what it brings about."""
        faults = list(faults)
        lines = [line for fault in faults for line in fault.evidence if f"on {self.node}: {line}" not in self.evidence]
        return self.with_evidence(lines, [promise for fault in faults for promise in fault.refutes])

    def finding(self, cluster: str) -> Finding:
        """What goes out."""
        entry = CATALOGUE[self.code]
        lines = tuple(line.strip() for line in dict.fromkeys(self.evidence))
        more = len(lines) - _MOST_EVIDENCE
        return Finding(
            code=self.code,
            severity=entry.severity,
            cluster=cluster,
            node=self.node,
            pod=self.pod,
            message=self.message,
            evidence=lines if more <= 0 else (*lines[:_MOST_EVIDENCE], f"... and {more} more lines"),
            remedy=entry.remedy.format(node=self.node or "the node", pod=self.pod or "the pod"),
        )


def host_prefix(address: str) -> str:
    """The address as a CIDR."""
    return f"{address}/{128 if ':' in address else 32}"


def listed(names: Collection[str], most: int = 3) -> str:
    """A few of the names, in order, and how many more there are."""
    first = sorted(names)[:most]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
