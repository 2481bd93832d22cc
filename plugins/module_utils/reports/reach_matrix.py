# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who reached whom, as a table. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from . import wording
from .markup import Child, element
from .page import code, scrolling, table, unseen
from .view import Outcome, Reach

MOST_ENDS = 120
"""A larger matrix is summed up, with what was lost in full."""

_MOST_LOSSES = 200
_CELLS: dict[Outcome | None, tuple[str, str, str]] = {
    "reached": ("pass", "✓", "reached"),
    "partly": ("open", "!", "reached in part"),
    "lost": ("fail", "✕", "lost"),
    None: ("soft", "·", "not measured"),
}


def reach_matrix(reach: Reach) -> Iterator[Child]:
    """The matrix with its legend, or what was lost where it would be too large; then what is no probe."""
    if max(len(reach.sources), len(reach.targets)) > MOST_ENDS:
        yield from _summary(reach)
    else:
        yield _matrix(reach)
        yield _legend(reach)
    yield _others(reach)


def _matrix(reach: Reach) -> Element:
    heads = [_head(reach.labels[target]) for target in reach.targets]
    rows = [
        element(
            "tr",
            element("th", reach.labels[source], scope="row"),
            [_cell(reach, source, target) for target in reach.targets],
        )
        for source in reach.sources
    ]
    caption = "Each row is where packets were sent from, each column where to"
    return scrolling(
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", element("th", "from, to", scope="col"), heads)),
            element("tbody", rows),
            class_="matrix",
        ),
        caption,
    )


def _head(label: str) -> Element:
    """Upright, and cut where it is too long."""
    return element("th", element("span", label, class_="name", title=label), scope="col")


def _cell(reach: Reach, source: str, target: str) -> Element:
    if source == target:
        return element("td")
    style, sign, word = _CELLS[reach.outcomes.get((source, target))]
    return element("td", element("span", sign, aria_hidden="true"), unseen(word), class_=style)


def _legend(reach: Reach) -> Element:
    ends = ((source, target) for source in reach.sources for target in reach.targets if source != target)
    found = {reach.outcomes.get(pair) for pair in ends}
    entries = [(sign, word) for outcome, (_style, sign, word) in _CELLS.items() if outcome in found]
    return element("ul", [element("li", f"{sign} {word}") for sign, word in entries], class_="legend")


def _summary(reach: Reach) -> Iterator[Child]:
    bad = [(ends, outcome) for ends, outcome in reach.outcomes.items() if outcome != "reached"]
    probes = wording.counted(len(reach.sources), "probe")
    yield element(
        "p",
        f"{probes} sent packets to each other: {len(reach.outcomes) - len(bad):,} of {len(reach.outcomes):,} ways work.",
    )
    if bad:
        rows: list[list[Child]] = [
            [reach.labels[source], reach.labels[target], _CELLS[outcome][2]]
            for (source, target), outcome in bad[:_MOST_LOSSES]
        ]
        yield table("The ways that do not work", ["From", "To", "Outcome"], rows)
        yield _more(len(bad))


def _others(reach: Reach) -> Child:
    asked = reach.others_answered + len(reach.others_lost)
    if not asked:
        return None
    targets = wording.counted(asked, "further target")
    lost = [element("li", code(target), " did not always answer.") for target in reach.others_lost[:_MOST_LOSSES]]
    return [
        element("p", f"Of {targets}, most of them pods, {reach.others_answered:,} always answered."),
        element("ul", lost) if lost else None,
        _more(len(reach.others_lost)),
    ]


def _more(count: int) -> Child:
    return element("p", f"And {count - _MOST_LOSSES:,} more.") if count > _MOST_LOSSES else None
