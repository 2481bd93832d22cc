# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A picture of the cluster: nodes, blocks, pods, next hops, faults and explained paths. Private to the collection.

A few nodes are drawn with their pods and next hops, some dozens as small boxes. The same picture is drawn for a phone, for a
tablet or paper, and for a desk, in as many columns as there is room for; the style shows one of the three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ..checks.verdict import ExplainedPair, Finding, Step
from ..network.snapshot import Pod
from ..network.table import table_of
from ..text.ip_route import Route
from . import wording
from .markup import element, visible
from .view import NodeView, View, blamed_rows

MOST_PATHS = 3
"""So many explained paths can be told apart in one picture."""

_DETAILED = 12
_BLOCKS = 3
_PODS = 7
_HOPS = 7

# Pixels, at the size that the picture is drawn for.
_MARGIN = 22
_GAP = 16
_SPINE = 6
_BUS = 22
_RAIL = 20
_CARD = 54
_TITLE = 40
_LINE = 18
_RULE = 12
_FOOT = 8

_SIGNS = {"error": "✕", "warning": "!", "info": "i"}
_STYLES = {"error": "bad", "warning": "odd", "info": "dim"}
_WAYS = ("", " second", " third")

_WORD = re.compile(r"[^\s,;()'\"]+")


class _Form(NamedTuple):
    """How boxes are drawn: in pixels, with ``character`` the width of one; ``columns`` is how many fit a phone."""

    width: int
    left: int
    right: int
    character: float
    columns: int
    style: str


_WITH_PODS = _Form(340, 42, 8, 7.25, 1, "detailed")
_SMALL = _Form(164, 10, 4, 6.65, 2, "small")


class _Line(NamedTuple):
    """A line in a node's box: its text, its style, the pod that hangs on the rail there, and whether a rule is above it."""

    text: str
    style: str = ""
    pod: str | None = None
    rule: bool = False


@dataclass
class _Tile:
    """A node's box and its place."""

    node: NodeView
    title: str
    marks: list[Finding]
    lines: list[_Line]
    form: _Form
    x: float = 0
    y: float = 0

    @property
    def height(self) -> float:
        rules = sum(line.rule for line in self.lines)
        return _CARD + _TITLE + _LINE * len(self.lines) + _RULE * rules + _FOOT

    @property
    def rail(self) -> float:
        return self.x + _RAIL

    @property
    def bus(self) -> float:
        return self.y + _BUS

    @property
    def top(self) -> float:
        return self.y + _CARD

    def placed(self) -> Iterator[tuple[_Line, float]]:
        """Each line with the height of its middle."""
        y = self.top + _TITLE - _LINE / 2
        for line in self.lines:
            y += _LINE + _RULE * line.rule
            yield line, y

    def pods(self) -> dict[str, float]:
        """The pods shown, with the heights at which they hang on the rail."""
        return {line.pod: y for line, y in self.placed() if line.pod is not None}


@dataclass(frozen=True)
class _Path:
    """A way drawn through the picture: the nodes and pods that it passes, and whether it ends in a loss."""

    number: int
    stops: tuple[str, ...]
    lost: bool


def topology(view: View, findings: Sequence[Finding], pairs: Sequence[ExplainedPair]) -> Element:
    """The picture in its three sizes, with a caption that says what is drawn."""
    form = _WITH_PODS if len(view.nodes) <= _DETAILED else _SMALL
    paths = [path for number, pair in enumerate(pairs[:MOST_PATHS], 1) for path in _paths(number, pair)]
    passed = {stop for path in paths for stop in path.stops}
    blocks = {block: node.name for node in view.nodes for block in node.blocks}
    titles = wording.short_names(node.name for node in view.nodes)
    pictures = []
    for variant in (1, 2, 3):
        tiles = []
        for node in view.nodes:
            marks = [finding for finding in findings if finding.node == node.name]
            accused_pods = {mark.pod: mark for mark in findings if mark.pod and mark.node in (None, node.name)}
            lines = (
                _detailed_lines(node, blocks, marks, accused_pods, passed)
                if form is _WITH_PODS
                else _few_lines(node, marks)
            )
            tiles.append(_Tile(node, titles[node.name], marks, lines, form))
        pictures.append(_picture(tiles, variant, paths, view.node_of))
    return element("figure", pictures, element("figcaption", _caption(view, form, pairs)))


def _caption(view: View, form: _Form, pairs: Sequence[ExplainedPair]) -> str:
    shown = len(view.nodes)
    words = ["Nodes on the network that joins them, with their blocks of pod addresses"]
    words.append(
        ", the next hops to other nodes' pods, and their pods at their interfaces." if form is _WITH_PODS else "."
    )
    if shown < view.node_count:
        words.append(f" Shown are {shown:,} of {view.node_count:,} nodes, those that the verdict speaks of among them.")
    words.append(" What a finding is about bears a sign: ✕ error, ! warning.")
    if pairs:
        drawn = "; ".join(f"{n} from {pair.source} to {pair.target}" for n, pair in enumerate(pairs[:MOST_PATHS], 1))
        words.append(f" Explained paths: {drawn}; ✕ is where packets are lost.")
    return "".join(words)


# --- what stands in a box ---------------------------------------------------------------------------------------------


def _few_lines(node: NodeView, marks: Sequence[Finding]) -> list[_Line]:
    own = [_Line(block, "dim") for block in node.blocks[:1]]
    return [*own, *_signs(marks), _Line(f"{len(node.networked_pods):,} pods", "dim")]


def _detailed_lines(
    node: NodeView,
    blocks: Mapping[str, str],
    marks: Sequence[Finding],
    accused_pods: Mapping[str, Finding],
    passed: set[str],
) -> list[_Line]:
    own = [_Line(f"block {block}", "dim") for block in node.blocks[:_BLOCKS]]
    hops = [*_missing_hops(node, blocks, marks), *_hops(node, marks)]
    pods = _pods(node, accused_pods, passed)
    return [*own, *_signs(marks), *_accused_rows(node, marks), *_ruled(hops), *_ruled(pods)]


def _signs(marks: Iterable[Finding]) -> list[_Line]:
    return [_Line(f"{_SIGNS[mark.severity]} {mark.code}", _STYLES[mark.severity]) for mark in marks]


def _ruled(lines: Iterable[_Line]) -> list[_Line]:
    return [line._replace(rule=index == 0) for index, line in enumerate(lines)]


def _words(finding: Finding) -> set[str]:
    text = " ".join((finding.message, *finding.evidence))
    return {word.rstrip(".:") for word in _WORD.findall(text)}


def _accused_rows(node: NodeView, marks: Iterable[Finding]) -> Iterator[_Line]:
    """Rows that a finding shows as evidence and that no other line stands for.

    The node's own default route is no fault where packets take it for want of another row.
    """
    accused = {row for mark in marks for row in blamed_rows(mark)}
    for row in node.rows:
        drawn = row.purpose in ("remote_block", "local_pod")
        usual = row.purpose == "default" and table_of(row.route) == "main"
        if row.route.raw.strip() in accused and not drawn and not usual:
            yield _Line(f"✕ {row.route.raw.strip()}", "bad")


def _missing_hops(node: NodeView, blocks: Mapping[str, str], marks: Iterable[Finding]) -> Iterator[_Line]:
    """Other nodes' blocks that a finding speaks of and that no row leads to."""
    known = {row.route.dst for row in node.rows}
    for block in sorted({word for mark in marks for word in _words(mark)} - known):
        if blocks.get(block, node.name) != node.name:
            yield _Line(f"✕ {block} {blocks[block]}", "bad")
            yield _Line("  no row", "bad")


def _hops(node: NodeView, marks: Iterable[Finding]) -> Iterator[_Line]:
    accused = {word for mark in marks for word in _words(mark)}
    hops = sorted(node.next_hops, key=lambda row: _bare(row.route.dst) not in accused)
    for row in hops[:_HOPS]:
        bad = _bare(row.route.dst) in accused
        yield _Line(f"{'✕' if bad else '→'} {row.route.dst} {row.node or ''}", "bad" if bad else "")
        yield _Line(f"  {_way(row.route)}", "dim")
    if len(hops) > _HOPS:
        yield _Line(f"  and {len(hops) - _HOPS:,} more next hops", "dim")


def _bare(prefix: str) -> str:
    """A host without its mask, as it stands in printed rows."""
    return prefix.removesuffix("/32").removesuffix("/128")


def _way(route: Route) -> str:
    if route.nexthops:
        return f"{len(route.nexthops)} next hops"
    return " ".join(f"{word} {value}" for word, value in (("via", route.gateway), ("dev", route.dev)) if value)


def _pods(node: NodeView, accused: Mapping[str, Finding], passed: set[str]) -> Iterator[_Line]:
    pods = sorted(node.networked_pods, key=lambda pod: (pod.key not in accused, pod.key not in passed, pod.key))
    for pod in pods[:_PODS]:
        mark = accused.get(pod.key)
        sign = f"{_SIGNS[mark.severity]} " if mark else ""
        yield _Line(f"{sign}{pod.key}", _STYLES[mark.severity] if mark else "", pod.key)
        yield _Line(f"{', '.join(pod.ips)}{_at(node, pod)}", "dim")
    if len(pods) > _PODS:
        yield _Line(f"and {len(pods) - _PODS:,} more pods", "dim")


def _at(node: NodeView, pod: Pod) -> str:
    interface = node.interface(pod)
    return f" at {interface}" if interface else ""


# --- the picture ------------------------------------------------------------------------------------------------------


def _picture(tiles: Sequence[_Tile], variant: int, paths: Sequence[_Path], node_of: Mapping[str, str]) -> Element:
    """The picture with one, two or three times the columns that fit a phone."""
    if not tiles:
        return element("p", "No node was read.")
    form = tiles[0].form
    columns = min(variant * form.columns, len(tiles))
    _place(tiles, columns)
    width = _MARGIN + columns * (form.width + _GAP) - _GAP + 2
    height = max(tile.y + tile.height for tile in tiles) + 2
    ways = [shape for path in paths for shape in _drawn_path(path, tiles, node_of, width)]
    ways.sort(key=lambda shape: shape.tag != "polyline")  # none covers another one's number
    return element(
        "svg",
        _network(tiles, columns),
        map(_drawn_tile, tiles),
        ways,
        class_=f"picture columns-{variant} {form.style}",
        viewBox=f"0 0 {width} {_number(height)}",
        role="img",
        aria_label=f"The pod network of {len(tiles):,} nodes; what it shows stands as text in the other sections",
        style=f"max-width: {width * 1.15:.0f}px",
    )


def _place(tiles: Sequence[_Tile], columns: int) -> None:
    """Give each tile its place, row by row."""
    y = 0.0
    for start in range(0, len(tiles), columns):
        row = tiles[start : start + columns]
        for column, tile in enumerate(row):
            tile.x = _MARGIN + column * (tile.form.width + _GAP)
            tile.y = y
        y += max(tile.height for tile in row) + _GAP


def _network(tiles: Sequence[_Tile], columns: int) -> Iterator[Element]:
    """The nodes' network: a line over each row of boxes, joined at the left."""
    yield _line(_SPINE, tiles[0].bus, _SPINE, tiles[-1].bus, "net")
    for start in range(0, len(tiles), columns):
        last = tiles[start : start + columns][-1]
        yield _line(_SPINE, last.bus, last.rail, last.bus, "net")
    first = tiles[:columns][-1]
    yield _text(first.rail + 14, first.bus - 8, "node network", "label dim", 99)


def _drawn_tile(tile: _Tile) -> Iterator[Element]:
    form = tile.form
    severities = {mark.severity for mark in tile.marks}
    worst = next((severity for severity in _SIGNS if severity in severities), None)
    style = _STYLES[worst] if worst else ""
    pods = tile.pods()
    left = tile.x + form.left
    room = form.width - form.left - form.right
    yield _line(tile.rail, tile.bus, tile.rail, tile.top, "wire")
    yield _text(tile.rail + 16, tile.top - 9, _plug(tile), "dim", (form.width - _RAIL - 16) / form.character)
    yield _card(tile, style)
    yield _line(tile.rail, tile.top, tile.rail, max(pods.values(), default=tile.top), "wire")
    title = f"{_SIGNS[worst]} {tile.title}" if worst else tile.title
    yield _text(left, tile.top + 25, title, f"title {style}", room / 8.2, width=room)
    for line, y in tile.placed():
        if line.pod is not None:
            yield _line(tile.rail, y, tile.rail + 9, y, "wire")
            yield _circle(tile.rail + 12, y, 3.5, "dot")
        if line.rule:
            above = y - (_LINE + _RULE) / 2
            yield _line(left, above, tile.x + form.width - 10, above, "rule")
        yield _text(left, y + 4, line.text, line.style, room / form.character)


def _card(tile: _Tile, style: str) -> Element:
    return element(
        "rect",
        x=_number(tile.x),
        y=_number(tile.top),
        width=tile.form.width,
        height=_number(tile.height - _CARD),
        rx=8,
        class_=f"box {style}",
    )


def _plug(tile: _Tile) -> str:
    address = "".join(tile.node.node.addresses[:1])
    uplink = tile.node.uplink if tile.form is _WITH_PODS else None
    return f"{uplink} {address}" if uplink else address


# --- explained paths --------------------------------------------------------------------------------------------------


def _paths(number: int, pair: ExplainedPair) -> Iterator[_Path]:
    """The first way there; another one only where it is the one that loses the packet."""
    paths = [_Path(number, _stops(way.steps), way.outcome in ("lost", "loop")) for way in pair.ways]
    yield from paths[:1]
    yield from [path for path in paths[1:] if path.lost and not paths[0].lost][:1]


def _stops(steps: Sequence[Step]) -> tuple[str, ...]:
    stops = [step.node or step.pod or "" for step in steps]
    if steps and steps[-1].to and not steps[-1].lost:
        stops.append(steps[-1].to)
    return tuple(stops)


def _drawn_path(path: _Path, tiles: Sequence[_Tile], node_of: Mapping[str, str], width: float) -> Iterator[Element]:
    by_name = {tile.node.name: tile for tile in tiles}
    # Side by side, where paths run along the same wires.
    aside = 5.0 * (path.number - 1)
    points = list(_points(path.stops, by_name, node_of, aside, width - 6))
    points = points[:1] + [after for before, after in pairwise(points) if after != before]
    if len(points) < 2:
        return
    yield element(
        "polyline",
        points=" ".join(f"{_number(x)},{_number(y)}" for x, y in points),
        class_=f"way{_WAYS[path.number - 1]}",
    )
    (x, y), (end_x, end_y) = points[0], points[-1]
    yield _circle(x, y, 8, "badge")
    yield element("text", str(path.number), x=_number(x), y=_number(y + 4), class_="number")
    if path.lost:
        yield _line(end_x - 6, end_y - 6, end_x + 6, end_y + 6, "lost")
        yield _line(end_x - 6, end_y + 6, end_x + 6, end_y - 6, "lost")
    else:
        yield _arrow(points[-2], points[-1])


def _points(
    stops: Iterable[str], tiles: Mapping[str, _Tile], node_of: Mapping[str, str], aside: float, edge: float
) -> Iterator[tuple[float, float]]:
    """The corners of the way: along rails inside a node, along the network between nodes, to the edge for what is not drawn."""
    at: _Tile | None = None
    for stop in stops:
        tile = tiles.get(node_of.get(stop, stop))
        if at is not None and tile is not at:
            yield at.rail + aside, at.bus + aside
            if tile is None:
                yield edge, at.bus + aside
            elif tile.bus != at.bus:
                yield _SPINE + aside, at.bus + aside
                yield _SPINE + aside, tile.bus + aside
        if tile is None:
            return
        if at is not None and tile is not at:
            yield tile.rail + aside, tile.bus + aside
        pods = tile.pods()
        # Beside the title, where there is room for the marks of each path.
        y = pods.get(stop, tile.top + (20 + 3 * aside if tile.form is _WITH_PODS else 0))
        pod = [(tile.rail + 12, y)] if stop in pods else []
        rail = (tile.rail + aside, y)
        yield from ([*pod, rail] if at is None else [rail, *pod])
        at = tile


def _arrow(before: tuple[float, float], tip: tuple[float, float]) -> Element:
    (from_x, from_y), (x, y) = before, tip
    length = abs(x - from_x) + abs(y - from_y)
    along_x, along_y = (x - from_x) / length, (y - from_y) / length
    corners = [
        (x + 4 * along_x, y + 4 * along_y),
        (x - 7 * along_x - 6 * along_y, y - 7 * along_y + 6 * along_x),
        (x - 7 * along_x + 6 * along_y, y - 7 * along_y - 6 * along_x),
    ]
    return element("polygon", points=" ".join(f"{_number(a)},{_number(b)}" for a, b in corners), class_="badge")


# --- shapes -----------------------------------------------------------------------------------------------------------


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Element:
    return element("line", x1=_number(x1), y1=_number(y1), x2=_number(x2), y2=_number(y2), class_=style)


def _circle(x: float, y: float, radius: float, style: str) -> Element:
    return element("circle", cx=_number(x), cy=_number(y), r=_number(radius), class_=style)


def _text(x: float, y: float, text: str, style: str, room: float, width: float | None = None) -> Element:
    """Text of at most ``room`` characters; a longer one is cut in the middle, and whole in its tooltip.

    What was cut is drawn ``width`` pixels wide, where that is given because the characters of its font differ.
    """
    whole = visible(text)
    place = {"x": _number(x), "y": _number(y), "class_": style.strip() or None}
    if len(whole) <= int(room):
        return element("text", whole, **place)
    tail = int(room) // 3
    shown = f"{whole[: int(room) - tail - 1]}…{whole[-tail:]}"
    fitted = {} if width is None else {"textLength": _number(width), "lengthAdjust": "spacingAndGlyphs"}
    return element("text", element("title", whole), shown, **place, **fitted)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
