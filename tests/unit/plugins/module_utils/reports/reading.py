"""A page as a tree, as a browser makes it of the HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Node]:
        """The elements below, of that tag and with these words in these attributes."""
        wanted = {name.rstrip("_").replace("_", "-"): word for name, word in attributes.items()}
        return [
            node
            for node in self._below()
            if tag in ("", node.tag)
            and all(word in node.attributes.get(name, "").split() for name, word in wanted.items())
        ]

    def one(self, tag: str = "", **attributes: str) -> Node:
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """What stands in it, with blanks between the words."""
        return " ".join(" ".join(self._texts()).split())

    def _below(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child._below()

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("", {})]

    def handle_starttag(self, tag, attrs):
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag, f"an element ends that did not begin: {tag}"

    def handle_data(self, data):
        self.open[-1].children.append(data)


def read_page(document: str) -> Node:
    builder = _Builder()
    builder.feed(document)
    builder.close()
    assert len(builder.open) == 1, f"elements that do not end: {builder.open}"
    return builder.open[0]
