# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ip rule`` printed, as records: iproute2's text and busybox's. Private to the collection.

busybox does not print all of a rule: ``not``, ``oif``, ``ipproto`` and ports are missing there, so its text cannot prove
that a rule is one of the usual. Source of the grammar: print_rule() in iproute2's ip/iprule.c and in busybox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from .lines import Unparsed, clean, plain, read_name, read_number


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the routing policy; what is absent is None.

    ``src`` and ``dst`` are canonical CIDRs, None for ``all``. ``action`` is ``lookup`` (with ``table``), ``goto`` (with
    ``goto``, a priority), ``nop``, ``blackhole``, ``unreachable``, ``prohibit`` or ``l3mdev``. ``negated`` is the word
    ``not``: the rule holds for all that does not match. ``tos``, ``dscp``, ``flowlabel``, ``sport``, ``dport`` and
    ``uidrange`` are as printed, a name (``AF42``), a number, a range (``80-90``) or a number and a mask (``0x10/0x30``).
    ``detached`` says that the interface of the rule does not exist, ``unresolved`` that the rule to go to does not. ``raw``
    is the line as printed.
    """

    raw: str
    priority: int
    action: str
    negated: bool = False
    src: str | None = None
    dst: str | None = None
    tos: str | None = None
    dscp: str | None = None
    flowlabel: str | None = None
    fwmark: int | None = None
    fwmask: int | None = None
    iif: str | None = None
    oif: str | None = None
    table: str | None = None
    goto: int | None = None
    ipproto: str | None = None
    sport: str | None = None
    dport: str | None = None
    uidrange: str | None = None
    tun_id: int | None = None
    realms: str | None = None
    suppress_prefixlength: int | None = None
    suppress_ifgroup: str | None = None
    protocol: str | None = None
    detached: bool = False
    unresolved: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: the fields that are set."""
        record: dict[str, Any] = plain(self)
        return {name: value for name, value in record.items() if value is not None and value is not False}


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """The rules in the order printed, which is the order of their priorities, and the lines that were not understood."""

    rules: tuple[Rule, ...]
    unparsed: tuple[Unparsed, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"rules": [rule.as_dict() for rule in self.rules], "unparsed": plain(self.unparsed)}


def parse_ip_rule(text: str) -> ParsedRules:
    """Read what ``ip rule`` printed. Never raises: a line that is not understood stands in ``unparsed``."""
    rules: list[Rule] = []
    unparsed: list[Unparsed] = []
    for number, line in enumerate(clean(text).split("\n"), 1):
        try:
            rules.append(_read_rule(line))
        except (LookupError, StopIteration, ValueError):
            if line.strip():
                unparsed.append(Unparsed(number, line))
    return ParsedRules(tuple(rules), tuple(unparsed))


def _read_rule(line: str) -> Rule:
    priority, _unused, text = line.partition(":")
    fields: dict[str, Any] = {}
    words = iter(text.split())
    for word in words:
        if word in _ALONE:
            field, value = _ALONE[word]
        else:
            field, read = _VALUED[word]
            value = read(next(words))
        if field in fields:
            raise ValueError(line)
        fields[field] = value
    if "src" not in fields:
        raise ValueError(line)
    mark, _unused, mask = fields.pop("fwmark", "").partition("/")
    fields |= {field: int(number, 0) for field, number in (("fwmark", mark), ("fwmask", mask)) if number}
    return Rule(raw=line, priority=read_number(priority.strip()), action=_take_action(fields), **fields)


def _take_action(fields: dict[str, Any]) -> str:
    """What the rule does. Raises ValueError where it does nothing, or two things at once."""
    actions: list[str] = [fields.pop("action")] if "action" in fields else []
    if fields.get("table") == "[l3mdev-table]":
        del fields["table"]
        actions.append("l3mdev")
    elif fields.get("table") == "unspec":  # busybox says so before another action
        del fields["table"]
    actions += [action for action, field in (("lookup", "table"), ("goto", "goto")) if field in fields]
    (action,) = actions
    return action


def _read_selector(word: str) -> str | None:
    # Unlike a route, a rule may hold a prefix with host bits, which the kernel leaves out of the comparison.
    return None if word == "all" else str(ip_network(word, strict=False))


_ALONE: dict[str, tuple[str, str | bool]] = {
    "not": ("negated", True),
    "[detached]": ("detached", True),
    "[unresolved]": ("unresolved", True),
    "nop": ("action", "nop"),
    # FR_ACT_* of linux/fib_rules.h; ``ip -N`` prints the numbers.
    **dict.fromkeys(("blackhole", "6"), ("action", "blackhole")),
    **dict.fromkeys(("unreachable", "7"), ("action", "unreachable")),
    **dict.fromkeys(("prohibit", "8"), ("action", "prohibit")),
}
_VALUED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "from": ("src", _read_selector),
    "to": ("dst", _read_selector),
    "tos": ("tos", str),
    "dscp": ("dscp", str),
    "flowlabel": ("flowlabel", str),
    "fwmark": ("fwmark", str),
    "iif": ("iif", read_name),
    "oif": ("oif", read_name),
    "lookup": ("table", str),
    "goto": ("goto", read_number),
    "ipproto": ("ipproto", str),
    "sport": ("sport", str),
    "dport": ("dport", str),
    "uidrange": ("uidrange", str),
    "tun_id": ("tun_id", read_number),
    "realms": ("realms", str),
    "suppress_prefixlength": ("suppress_prefixlength", read_number),
    "suppress_ifgroup": ("suppress_ifgroup", str),
    "proto": ("protocol", str),
}
