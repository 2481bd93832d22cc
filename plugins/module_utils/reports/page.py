# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every page has in common: the document around it, its style, and its small parts. Private to the collection.

A page is one file that refers to nothing outside itself and runs no script; its content security policy says so as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from .markup import Child, element, html_document
from .style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_CLOSING = "Written by the Ansible collection kubelab.podnet. This page loads nothing and runs no script."

# The kind and the word of each verdict, worst first, and of each state of a promise, for :func:`status`.
OUTCOMES = {
    "fail": ("fail", "Fail"),
    "unchecked": ("fail", "Not checked"),
    "incomplete": ("open", "Incomplete"),
    "pass": ("pass", "Pass"),
}
STATES = {"proved": ("pass", "Proved"), "refuted": ("fail", "Refuted"), "not_proved": ("open", "Not proved")}

_SIGNS = {"pass": "✓", "fail": "✕", "open": "?", "warning": "!", "info": "i"}


@dataclass(frozen=True)
class Section:
    """A part of a page: ``identifier`` is what links point at, ``count`` how many things are in it."""

    identifier: str
    title: str
    content: Child
    count: int | None = None


def page(title: str, header: Child, sections: Iterable[Section]) -> str:
    """A whole page: the header, a list of contents, and the sections."""
    shown = list(sections)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", STYLE),
    )
    contents = [element("li", element("a", part.title, href=f"#{part.identifier}"), _count(part)) for part in shown]
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", header, class_="top"),
        element("nav", element("ul", contents), aria_label="Contents"),
        element("main", map(_section, shown), id="content", tabindex=-1),
        element("footer", element("p", _CLOSING)),
    )
    return html_document(element("html", head, body, lang="en", dir="ltr"))


def _section(part: Section) -> Element:
    heading = element("h2", part.title, _count(part), id=f"{part.identifier}-title")
    return element("section", heading, part.content, id=part.identifier, aria_labelledby=f"{part.identifier}-title")


def _count(part: Section) -> Child:
    return element("span", f" {part.count:,}", class_="count") if part.count else None


def status(kind: str, word: str) -> Element:
    """A word for how something stands, with a sign of its own beside the colour: pass, fail, open, warning or info."""
    return element("span", element("span", _SIGNS[kind], aria_hidden="true"), f" {word}", class_=f"status {kind}")


def code(text: str) -> Element:
    """A name, an address or a row, as it stands in the cluster."""
    return element("code", text)


def facts(items: Sequence[tuple[str, Child]]) -> Element:
    """Names with their values, such as the time of the check."""
    return element(
        "dl",
        [element("div", element("dt", name), element("dd", value)) for name, value in items if value is not None],
        class_="facts",
    )


def table(caption: str, heads: Sequence[Child], rows: Sequence[Sequence[Child]], class_: str | None = None) -> Element:
    """A table in a box of its own, which scrolls where the page is too narrow. Each row's first cell is its heading."""
    head = element("thead", element("tr", [element("th", cell, scope="col") for cell in heads]))
    body = element(
        "tbody",
        [element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]]) for row in rows],
    )
    return scrolling(element("table", element("caption", caption), head, body, class_=class_), caption)


def scrolling(content: Child, label: str) -> Element:
    """A box that scrolls sideways and can be reached by keyboard for that."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex=0)


def unseen(text: str) -> Element:
    """Text for those who listen to the page."""
    return element("span", text, class_="unseen")
