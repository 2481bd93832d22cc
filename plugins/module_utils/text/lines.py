# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the parsers share: lines, addresses, and text that was not understood. Private to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Prefix length as printed -> the bits of an address that must be zero.
_HOST_BITS_4 = {str(length): (1 << 32 - length) - 1 for length in range(33)}
_HOST_BITS_6 = {str(length): (1 << 128 - length) - 1 for length in range(129)}


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Text that a parser does not understand: ``line`` counts from 1, ``text`` is the line as printed."""

    line: int
    text: str

    def as_dict(self) -> dict[str, Any]:
        return {"line": self.line, "text": self.text}


def clean(text: str) -> str:
    """The text without terminal colours and carriage returns: what the command meant to print."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return text.replace("\r\n", "\n") if "\r" in text else text


def read_address(word: str) -> str:
    """An IPv4 or IPv6 address in its canonical form. Raises ValueError or OSError when it is none."""
    if ":" in word:
        return inet_ntop(AF_INET6, inet_pton(AF_INET6, word))
    inet_pton(AF_INET, word)  # takes the canonical form only
    return word


def read_prefix(word: str) -> str:
    """A network, or a host without a mask, as a canonical CIDR. Raises KeyError, ValueError or OSError when it is none.

    A network with host bits set is none: the kernel does not hold such a route, so the text was cut or edited.
    """
    address, slash, length = word.partition("/")
    if ":" in word:
        packed = inet_pton(AF_INET6, address)
        length = length if slash else "128"
        if int.from_bytes(packed, "big") & _HOST_BITS_6[length]:
            raise ValueError(word)
        return f"{inet_ntop(AF_INET6, packed)}/{length}"
    if int.from_bytes(inet_pton(AF_INET, address), "big") & _HOST_BITS_4[length if slash else "32"]:
        raise ValueError(word)
    return word if slash else word + "/32"


def read_number(word: str) -> int:
    """A number of decimal digits. Raises ValueError for anything else, signs and other alphabets included."""
    if not (word.isascii() and word.isdigit()):
        raise ValueError(word)
    return int(word)


def read_name(word: str) -> str:
    """An interface name as the kernel allows it (dev_valid_name in net/core/dev.c). Raises ValueError."""
    if len(word) > 15 or "/" in word or ":" in word or word in (".", ".."):
        raise ValueError(word)
    return word


def read_scoped_address(word: str) -> str:
    """An address as :func:`read_address` reads it, with the interface behind it if there is one (``fe80::1%eth0``)."""
    address, percent, interface = word.partition("%")
    return read_address(address) + percent + interface


def plain(value: Any) -> Any:
    """Frozen dataclasses and tuples inside a value turned into plain JSON types."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value
