# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``ip -j route`` turned back into what ``ip -o route`` prints, so that one grammar reads both. Private to the collection.

JSON is no safe way around the text: ``encap ip`` repeats the key ``dst``, and a plain reading takes the end of the tunnel
for the destination of the route. So objects are read as pairs, in the order printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_JSON_START = re.compile(r"^\s*\[\s*(?:[{\]]|$)", re.MULTILINE)
_BETWEEN_OBJECTS = re.compile(r"[\s,\[\]]*")
# An object becomes a tuple of pairs, an array a list.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple)


def is_json(text: str) -> bool:
    """Whether a line of the text opens an array of objects, which no line of ``ip route`` without ``-j`` does."""
    return "[" in text and _JSON_START.search(text) is not None


def json_routes(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Each object in the text, one or more arrays, as (line, object as printed, the same as a line of ``ip -o route``).

    The last is None for what is no route, and for the rest of a line that is not JSON.
    """
    position, line = 0, 1
    while True:
        start = _skip(_BETWEEN_OBJECTS, text, position)
        line += text.count("\n", position, start)
        if start == len(text):
            return
        route, position = _decode(text, start)
        yield line, text[start:position], route
        line += text.count("\n", start, position)


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _decode(text: str, start: int) -> tuple[str | None, int]:
    """The text form of the route object at ``start``, and where it ends."""
    try:
        route, end = _DECODER.raw_decode(text, start) if text[start] == "{" else ((), -1)
    except (ValueError, RecursionError):
        end = -1
    if end < 0:
        newline = text.find("\n", start)
        return None, newline if newline >= 0 else len(text)
    try:
        return _as_text(route), end
    except (LookupError, TypeError, ValueError):
        return None, end


def _as_text(route: tuple[tuple[str, Any], ...]) -> str:
    fields = dict(reversed(route))  # the first "dst" is the route's, a second one belongs to encap
    options = [pair for pair in route if pair[0] not in ("deleted", "type", "nexthops", "cache", "nh_info")]
    options.remove(("dst", fields["dst"]))
    if fields.get("encap") in ("ip", "ip6") and "dst" not in dict(options):
        raise ValueError("the destination of the route or of its tunnel is lost")
    words = ["Deleted"] if fields.get("deleted") else []
    words += [_word(fields[key]) for key in ("type", "dst") if key in fields]
    parts = [" ".join([*words, *_words(options), ""])]
    parts += ["nh_info"] if "nh_info" in fields else []
    parts += [" ".join(["nexthop", *_words(hop)]) for hop in fields.get("nexthops", ())]
    if "cache" in fields:
        parts.append(f"cache <{','.join(fields['cache'])}>" if fields["cache"] else "cache")
    return "\\".join(parts)


def _words(options: Iterable[tuple[str, Any]]) -> list[str]:
    words: list[str] = []
    for key, value in options:
        words += [_word(value)] if key == "dst" and words[-2:] == ["encap", "mpls"] else _WORDS[key](value)
    return words


def _word(value: Any) -> str:
    word = str(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or word.split() != [word]:
        raise ValueError(value)
    return word


def _valued(keyword: str) -> Callable[[Any], list[str]]:
    return lambda value: [keyword, _word(value)]


def _metric_words(metrics: Iterable[Iterable[tuple[str, Any]]]) -> list[str]:
    words: list[str] = []
    for key, value in (pair for pairs in metrics for pair in pairs):
        if value is None:
            words += [key] if "features" in words else ["features", key]
        elif key in ("rtt", "rttvar", "rto_min"):
            words += [key, f"{_word(value)}ms"]
        else:
            words += ["congctl" if key == "congestion" else key, _word(value)]
    return words


def _realm_words(flow: Iterable[tuple[str, Any]]) -> list[str]:
    realms = dict(flow)
    return ["realms", "/".join(_word(realms[key]) for key in ("from", "to") if key in realms)]


def _via_words(via: Iterable[tuple[str, Any]]) -> list[str]:
    fields = dict(via)
    return ["via", _word(fields["family"]), _word(fields["host"])]


_WORDS: dict[str, Callable[[Any], list[str]]] = {
    key: _valued(key)
    for key in (
        *("from", "tos", "dev", "table", "scope", "metric", "nhid", "pref", "weight", "mark", "iif", "uid"),
        *("expires", "error", "users", "used", "age"),
        *("encap", "id", "src", "dst", "ttl", "hoplimit", "tc", "mode", "hmac"),
        *("action", "nh4", "nh6", "vrftable", "oif"),
    )
} | {
    "gateway": _valued("via"),
    "protocol": _valued("proto"),
    "prefsrc": _valued("src"),
    "via": _via_words,
    "flags": lambda flags: [_word(flag) for flag in flags],
    "metrics": _metric_words,
    "flow": _realm_words,
    "key": lambda _unused: ["key"],
    "csum": lambda _unused: ["csum"],
    "seq": lambda _unused: ["seq"],
    "segs": lambda segments: ["segs", str(len(segments)), "[", *map(_word, segments), "]"],
}
