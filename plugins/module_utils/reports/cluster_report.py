# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report on one cluster, as a page. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from xml.etree.ElementTree import Element

from ..checks.verdict import ExplainedPair, ExplainedWay, Finding, NotProved, Step, Verdict
from ..network.snapshot import Snapshot
from . import wording
from .markup import Child, element
from .node_tables import node_tables
from .page import OUTCOMES, STATES, Section, code, facts, page, status
from .reach_matrix import reach_matrix
from .topology import topology
from .view import View, view_of

MOST_ITEMS = 200
"""So many findings, and things not proved, stand on the page; report.json holds all."""

_SEVERITIES = {"error": ("fail", "Error"), "warning": ("warning", "Warning"), "info": ("info", "Note")}
_ARRIVALS = {True: ("pass", "Arrives"), False: ("fail", "Lost"), None: ("open", "Not known")}
_WAYS = {
    "delivered": ("pass", "Delivered"),
    "lost": ("fail", "Lost"),
    "loop": ("fail", "Goes in a circle"),
    "unsure": ("open", "Not known"),
}


def cluster_report(verdict: Verdict, snapshot: Snapshot | None) -> str:
    """The page. Without the snapshot it has no picture, no matrix and no tables, and says so.

    Raises ValueError when the snapshot is from a file that is malformed.
    """
    view = None if snapshot is None else view_of(snapshot, _matter(verdict))
    title = f"{OUTCOMES[verdict.verdict][1]}: pod network of {verdict.cluster}"
    return page(title, _header(verdict, with_snapshot=view is not None), _sections(verdict, view))


def _matter(verdict: Verdict) -> list[str]:
    """The nodes and pods that the verdict speaks of, those with findings first."""
    steps = [step for pair in verdict.pairs for way in pair.ways for step in way.steps]
    named: Iterator[Finding | Step | NotProved] = chain(steps, _ranked(verdict.findings), verdict.not_proved)
    return [name for item in named for name in (item.node, item.pod) if name]


def _sections(verdict: Verdict, view: View | None) -> Iterator[Section]:
    yield _promises(verdict)
    yield _findings(verdict.findings)
    yield _not_proved(verdict.not_proved)
    if view is not None:
        yield Section("topology", "Topology", topology(view, verdict.findings, verdict.pairs))
    if verdict.pairs:
        yield Section("paths", "Explained paths", map(_pair, verdict.pairs), len(verdict.pairs))
    if view is not None and view.reach.outcomes:
        yield Section("reach", "Who reaches whom", reach_matrix(view.reach))
    if view is not None:
        yield Section("tables", "Routing tables", node_tables(view, verdict.findings), len(view.nodes))


# --- the top ----------------------------------------------------------------------------------------------------------


def _header(verdict: Verdict, *, with_snapshot: bool) -> Iterator[Child]:
    yield element("p", f"Pod network of cluster {verdict.cluster}", class_="kicker")
    yield status(*OUTCOMES[verdict.verdict])
    yield element("h1", wording.headline(verdict))
    if verdict.emulated:
        yield element("p", wording.EMULATED, class_="notice")
    yield element("p", wording.promises_in_short(verdict), class_="lead")
    if not with_snapshot:
        yield element("p", "This report was made without a snapshot: it has no picture and no tables.", class_="soft")
    covered = verdict.coverage
    yield facts(
        [
            ("Checked", element("time", wording.moment(verdict.checked_at), datetime=verdict.checked_at)),
            ("Nodes read", f"{covered.nodes_read:,} of {covered.nodes:,}"),
            ("Pods pinged", f"{covered.pods_pinged:,} of {covered.pods:,}"),
            ("Probes", f"{covered.probes:,}"),
            ("Pairs led to by routes", f"{covered.pairs_by_routes:,} of {covered.pairs:,}"),
            ("Pairs tried with packets", f"{covered.pairs_by_packets:,}"),
            *verdict.versions.items(),
        ]
    )


# --- the sections -----------------------------------------------------------------------------------------------------


def _promises(verdict: Verdict) -> Section:
    cards = [
        element(
            "li",
            status(*STATES[promise.state]),
            element("h3", wording.promise_title(name)),
            element("p", f"Why: {wording.sentence(promise.reason)}") if promise.reason else None,
            element("p", f"Rests on {wording.sentence(promise.rests_on)}", class_="soft"),
            class_="card",
        )
        for name, promise in verdict.promises.items()
    ]
    return Section("promises", "Promises", element("ul", cards, class_="cards"))


def _findings(findings: Sequence[Finding]) -> Section:
    ranked = _ranked(findings)
    content: Child = (map(_finding, ranked[:MOST_ITEMS]), _more(len(ranked)))
    return Section("findings", "Findings", content if ranked else element("p", "No fault was found."), len(ranked))


def _ranked(findings: Sequence[Finding]) -> list[Finding]:
    order = list(_SEVERITIES)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _finding(finding: Finding) -> Element:
    kind, word = _SEVERITIES[finding.severity]
    return element(
        "article",
        element("div", status(kind, word), code(finding.code), _where(finding), class_="tags"),
        element("h3", wording.sentence(finding.message)),
        [element("h4", "Evidence"), element("pre", "\n".join(finding.evidence))] if finding.evidence else None,
        element("h4", "What to do"),
        element("p", wording.sentence(finding.remedy)),
        class_=kind,
    )


def _where(item: Finding | NotProved) -> Child:
    return element("span", wording.place(item) or "the cluster as a whole", class_="where")


def _more(count: int) -> Child:
    return element("p", f"And {count - MOST_ITEMS:,} more, in report.json.") if count > MOST_ITEMS else None


def _pair(pair: ExplainedPair) -> Element:
    kind, word = _ARRIVALS[pair.arrives]
    return element(
        "article",
        element("div", status(kind, word), map(code, pair.findings), class_="tags"),
        element("h3", f"From {pair.source} to {pair.target}"),
        element("p", f"Why: {wording.sentence(pair.reason)}"),
        (_way(way, told=pair.reason) for way in pair.ways),
        [element("h4", "Measured"), element("ul", (element("li", line) for line in pair.measured))],
        class_=kind,
    )


def _way(way: ExplainedWay, told: str) -> Child:
    kind, word = _WAYS[way.outcome]
    heading = f"The way {way.direction}, {way.family}: {way.source} to {way.target} "
    return [
        element("h4", heading, status(kind, word)),
        None if told.endswith(way.reason) else element("p", wording.sentence(way.reason)),
        element("ol", map(_step, way.steps), class_="steps"),
    ]


def _step(step: Step) -> Element:
    lost = (" ", status("fail", "Lost here")) if step.lost else None
    lines: list[Child] = [code(line) for line in (step.rule, step.row) if line]
    if step.measured:
        lines.append(element("span", step.measured, class_="soft"))
    return element("li", wording.sentence(step.text), lost, ((element("br"), line) for line in lines))


def _not_proved(items: Sequence[NotProved]) -> Section:
    if not items:
        return Section("not-proved", "Not proved", element("p", wording.ALL_PROVED))
    listed = [
        element(
            "li", element("strong", item.what), " ", _where(item), element("p", f"Why: {wording.sentence(item.reason)}")
        )
        for item in items[:MOST_ITEMS]
    ]
    content = (
        element("p", "What could not be proved may be right or wrong."),
        element("ul", listed, class_="items"),
        _more(len(items)),
    )
    return Section("not-proved", "Not proved", content, len(items))
