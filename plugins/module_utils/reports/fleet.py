# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts on several clusters merged into one overview. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..checks.verdict import PROMISES, Verdict
from . import wording
from .markup import Child, element
from .page import OUTCOMES, STATES, Section, code, facts, page, status, table


@dataclass(frozen=True, slots=True)
class Member:
    """A cluster of the fleet: its verdict, or the ``reason`` why there is none.

    ``report`` is where its own report is, as a path relative to the overview; None when it has none.
    """

    name: str
    verdict: Verdict | None = None
    reason: str = ""
    report: str | None = None

    @property
    def outcome(self) -> str:
        """Its verdict's word, ``unchecked`` without one."""
        return "unchecked" if self.verdict is None else self.verdict.verdict


def merged(members: Sequence[Member]) -> dict[str, Any]:
    """The overview in plain JSON types.

    ``verdict`` is ``fail`` when that of any cluster is, ``pass`` when those of all are, else ``incomplete``: also where a
    cluster could not be checked. ``clusters`` are in the order given.
    """
    return {"verdict": _overall(members), "clusters": [_summary(member) for member in members]}


def _overall(members: Sequence[Member]) -> str:
    outcomes = {member.outcome for member in members}
    if "fail" in outcomes:
        return "fail"
    return "pass" if outcomes == {"pass"} else "incomplete"


def _summary(member: Member) -> dict[str, Any]:
    summary = {"cluster": member.name, "verdict": member.outcome, "report": member.report}
    verdict = member.verdict
    if verdict is None:
        return {**summary, "reason": member.reason}
    return {
        **summary,
        "checked_at": verdict.checked_at,
        "emulated": verdict.emulated,
        "promises": {name: promise.state for name, promise in verdict.promises.items()},
        "findings": [finding.as_dict() for finding in verdict.findings],
        "not_proved": len(verdict.not_proved),
    }


def fleet_report(members: Sequence[Member]) -> str:
    """The overview as a page: worst clusters first."""
    order = list(OUTCOMES)
    ranked = sorted(members, key=lambda member: order.index(member.outcome))
    title = f"{OUTCOMES[_overall(members)][1]}: pod networks of {wording.counted(len(members), 'cluster')}"
    return page(title, _header(members), _sections(ranked))


def headline(members: Sequence[Member]) -> str:
    """The overview in one sentence."""
    count = Counter(member.outcome for member in members)
    networks = wording.counted(len(members), "pod network")
    unchecked = f"; {count['unchecked']:,} could not be checked" if count["unchecked"] else ""
    if count["fail"]:
        return f"{count['fail']:,} of {networks} {'is' if count['fail'] == 1 else 'are'} broken{unchecked}."
    if count["pass"] == len(members):
        return f"{networks} {'works' if len(members) == 1 else 'work'}: all promises are proved."
    fine = f"None of {networks} is known to be broken, but"
    if count["incomplete"]:
        return f"{fine} of {count['incomplete']:,} not everything could be proved{unchecked}."
    return f"{fine} {count['unchecked']:,} could not be checked."


def _header(members: Sequence[Member]) -> Iterator[Child]:
    count = Counter(member.outcome for member in members)
    emulated = [member.name for member in members if member.verdict is not None and member.verdict.emulated]
    yield element("p", f"Pod networks of {wording.counted(len(members), 'cluster')}", class_="kicker")
    yield status(*OUTCOMES[_overall(members)])
    yield element("h1", headline(members))
    if emulated:
        text = f"Emulated: {wording.listed(emulated)}. There, network namespaces on one machine stand in for nodes and pods."
        yield element("p", text, class_="notice")
    yield facts([(word, f"{count[outcome]:,}") for outcome, (_kind, word) in OUTCOMES.items()])


def _sections(members: Sequence[Member]) -> Iterator[Section]:
    heads = ["Cluster", "Verdict", *PROMISES, "Findings", "Not proved", "Checked"]
    clusters = table("Each cluster with its verdict, the worst first", heads, list(map(_row, members)), "wide")
    yield Section("clusters", "Clusters", clusters, len(members))
    yield _findings(members)
    yield _not_proved(members)


def _row(member: Member) -> list[Child]:
    verdict = member.verdict
    name = element("a", member.name, href=quote(member.report)) if member.report else member.name
    if verdict is None:
        return [name, status(*OUTCOMES["unchecked"]), "", "", "", f"not known: {member.reason}", "", ""]
    promises = [verdict.promises.get(promise) for promise in PROMISES]
    return [
        name,
        (status(*OUTCOMES[member.outcome]), " emulated" if verdict.emulated else None),
        *(status(*STATES[promise.state]) if promise else None for promise in promises),
        wording.listed(sorted({finding.code for finding in verdict.findings})) or "none",
        f"{len(verdict.not_proved):,}",
        wording.moment(verdict.checked_at),
    ]


def _findings(members: Sequence[Member]) -> Section:
    """What was found, by code: the same fault on many clusters is one to look into."""
    found: dict[str, list[tuple[str, str]]] = {}
    for member in members:
        for finding in member.verdict.findings if member.verdict else ():
            found.setdefault(finding.code, []).append((member.name, finding.message))
    if not found:
        return Section("findings", "Findings", element("p", "No fault was found."))
    ranked = sorted(found.items(), key=lambda item: (-len({name for name, _message in item[1]}), item[0]))
    rows: list[list[Child]] = [
        [code(name), wording.listed(list(dict.fromkeys(cluster for cluster, _message in where))), where[0][1]]
        for name, where in ranked
    ]
    content = table("What was found, what most clusters have first", ["Finding", "Clusters", "Such as"], rows, "wide")
    return Section("findings", "Findings", content, len(found))


def _not_proved(members: Sequence[Member]) -> Section:
    """What could not be proved, by reason, and on which clusters."""
    clusters: dict[str, list[str]] = {member.reason: [] for member in members if member.verdict is None}
    for member in members:
        reasons = [item.reason for item in member.verdict.not_proved] if member.verdict else [member.reason]
        for reason in dict.fromkeys(reasons):
            clusters.setdefault(reason, []).append(member.name)
    if not clusters:
        return Section("not-proved", "Not proved", element("p", wording.ALL_PROVED))
    rows: list[list[Child]] = [[reason, wording.listed(names)] for reason, names in clusters.items()]
    content = table("Why something could not be proved. It may be right or wrong.", ["Why", "Clusters"], rows, "wide")
    return Section("not-proved", "Not proved", content, len(clusters))
