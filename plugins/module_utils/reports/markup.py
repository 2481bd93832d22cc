# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTML, SVG and XML built as trees, so that no text can become markup. Private to the collection: it may change at any time.

Nothing here takes markup as text: a string is always text, and the standard library writes it out escaped. jinja2 with
autoescape would do as well, but a report may be written on a host that has Python and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, indent, tostring

Child: TypeAlias = Element | str | Iterable["Child"] | None

# What XML forbids, what no screen shows, and what makes a screen show the text around it in another order (UAX 9).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


def element(tag: str, *children: Child, **attributes: str | int | None) -> Element:
    """An element. Strings among the children are text, None is nothing, and iterables stand for what they hold.

    ``class_`` and ``for_`` are the attributes class and for, ``aria_label`` is aria-label; one that is None is left out.
    """
    made = Element(
        tag,
        {
            name.rstrip("_").replace("_", "-"): visible(str(value))
            for name, value in attributes.items()
            if value is not None
        },
    )
    append(made, *children)
    return made


def append(parent: Element, *children: Child) -> None:
    """Add children to an element, as :func:`element` takes them."""
    for child in children:
        if isinstance(child, Element):
            parent.append(child)
        elif isinstance(child, str):
            _append_text(parent, visible(child))
        elif child is not None:
            append(parent, *child)


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def visible(text: str) -> str:
    """The text with what cannot be seen, or would turn its neighbours around, as escapes such as ``\\u202e``."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def html_document(root: Element) -> str:
    """The document as HTML5. A style element's text is written as it stands: it must be a constant."""
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def xml_document(root: Element) -> str:
    """The document as indented XML, to be written as UTF-8."""
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'
