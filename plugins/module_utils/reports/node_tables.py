# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each node's routing table, each row with what it is for. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from ..checks.verdict import Finding
from ..network.explain import ExplainedRoute
from ..network.table import table_of
from . import wording
from .markup import Child, element
from .page import code, status, table
from .view import NodeView, View, blamed_rows

_MOST_ROWS = 3000
_FEWEST_ROWS_OF_A_NODE = 50


def node_tables(view: View, findings: Sequence[Finding]) -> Iterator[Child]:
    """A folded box for each node shown. A row that a finding gives as evidence says so."""
    room = max(_MOST_ROWS // max(len(view.nodes), 1), _FEWEST_ROWS_OF_A_NODE)
    yield element("p", "Each row as printed, and what it is for; those of the table local come last.", class_="soft")
    for node in view.nodes:
        own = [finding for finding in findings if finding.node == node.name]
        yield element("details", _summary(node, own), _table(node, own, room), _unread(node))
    if len(view.nodes) < view.node_count:
        yield element("p", f"The other {view.node_count - len(view.nodes):,} nodes' tables are in the snapshot.")


def _summary(node: NodeView, findings: Sequence[Finding]) -> Element:
    errors = sum(finding.severity == "error" for finding in findings)
    mark = (" ", status("fail", wording.counted(errors, "fault"))) if errors else None
    about = f" {', '.join(node.node.addresses)}; {wording.counted(len(node.rows), 'row')}"
    return element("summary", node.name, element("span", about, class_="soft"), mark)


def _table(node: NodeView, findings: Sequence[Finding], room: int) -> Child:
    if not node.rows:
        return element("p", "No table could be read.")
    accused = {row: finding.code for finding in findings for row in blamed_rows(finding)}
    rows = sorted(node.rows, key=lambda row: table_of(row.route) == "local")
    kept = [row for index, row in enumerate(rows) if index < room or row.route.raw.strip() in accused]
    cells = [_cells(row, accused.get(row.route.raw.strip())) for row in kept]
    caption = f"Routing table of {node.name}"
    if len(kept) < len(rows):
        caption += f": {len(kept):,} of {len(rows):,} rows; the snapshot has all"
    return table(caption, ["Row", "What it is for"], cells, "rows")


def _cells(row: ExplainedRoute, accused: str | None) -> list[Child]:
    mark = (status("fail", f"see {accused}"), " ") if accused else None
    return [code(row.route.raw.strip()), (mark, row.text)]


def _unread(node: NodeView) -> Child:
    if not node.unread:
        return None
    items = [element("li", code(what), f": {why}") for what, why in node.unread.items()]
    return element("div", element("p", "Not read:"), element("ul", items))
