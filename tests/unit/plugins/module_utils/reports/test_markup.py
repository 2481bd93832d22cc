"""Text stays text, in every document, whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree.ElementTree import fromstring

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.markup import (
    element,
    html_document,
    visible,
    xml_document,
)
from hypothesis import given
from hypothesis import strategies as st


class Reader(HTMLParser):
    """What a browser would see of a document: its tags, the attribute title, and the text of its p."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title: str | None = None
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.title = dict(attrs).get("title", self.title)

    def handle_data(self, data):
        self.text += data if self.tags else ""


@given(st.text(st.characters()))
def test_any_text_is_the_same_text_to_a_reader_of_the_html(text: str) -> None:
    read = Reader(html_document(element("p", text, title=text)))
    assert read.tags == ["p"]
    assert read.title == visible(text)
    # The document ends with a line end that is no part of the element.
    assert read.text.removesuffix("\n") == visible(text)


@given(st.text(st.characters()))
def test_any_text_is_the_same_text_to_a_reader_of_the_xml(text: str) -> None:
    document = xml_document(element("p", text, title=text)).encode("utf-8")
    read = fromstring(document)  # noqa: S314 - made here
    assert (read.text or "") == visible(text)
    assert read.get("title") == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202eetiuS\u202c", "\\u202eetiuS\\u202c"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("one\r\ntwo", "one\\u000d\ntwo"),
        ("\x00", "\\u0000"),
        ("\ud800", "\\ud800"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("שלום naïve 名前", "שלום naïve 名前"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_children_may_be_text_elements_nothing_or_any_iterable_of_these() -> None:
    made = element(
        "p", "a", None, [element("b", "b"), "c"], (word for word in ("d", "e")), class_="x", aria_label="y", id=None
    )
    assert html_document(made).endswith('<p class="x" aria-label="y">a<b>b</b>cde</p>\n')
