# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables ``ip rule`` has asked about a packet, and in which order. Private to the collection.

Of packets to a pod two things are known: their destination, and that they bear no mark, as marks are what CNIs, VPNs and
kube-proxy give to packets of their own. Whatever else a rule asks for (incoming device, protocol, ports, and the source where
it is not known) holds for some packets only. Source: fib_rules_lookup() in the kernel's net/core/fib_rules.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..text.ip_route import Route
from ..text.ip_rule import Rule
from .cni import holds
from .table import prefix_number

_KERNELS_OWN = (["local", "main", "default"], ["local", "main"])
_REFUSING = ("blackhole", "unreachable", "prohibit")


class Decision(NamedTuple):
    """``row`` decides on packets to an address, by ``rule``. Both are None where no rule leads to a row."""

    row: Route | None
    rule: Rule | None


def are_usual(rules: Sequence[Rule]) -> bool:
    """Whether these are the rules that the kernel starts with."""
    return all(_matches(rule, None) for rule in rules) and [rule.table for rule in rules] in _KERNELS_OWN


def not_followed(rules: Sequence[Rule]) -> list[Rule]:
    """The rules whose effect :func:`decisions` does not know."""
    return [rule for rule in rules if rule.suppress_ifgroup or (rule.action == "goto" and _matches(rule, None) is None)]


def decisions(
    rules: Sequence[Rule], address: str | None, find: Callable[[str], Route | None], source: str | None = None
) -> Iterator[Decision]:
    """What decides on packets to the address (None: to any address): on some of them first, on all others last.

    ``find`` looks the address up in the table of a name. ``source`` is where the packets are from, where that is known. That a
    rule is for some packets does not say that earlier ones leave any of them: see :func:`covers`.
    """
    start = 0
    for rule in rules:
        matches = _matches(rule, address, source) if rule.priority >= start else False
        if matches is False:
            continue
        if rule.action == "lookup" and rule.table is not None:
            row = find(rule.table)
            if row is None or prefix_number(row.dst)[2] <= _suppressed_length(rule):
                continue
            yield Decision(row, rule)
        elif rule.action in _REFUSING:
            yield Decision(None, rule)
        elif matches and rule.goto is not None and not rule.unresolved:
            start = rule.goto
            continue
        else:
            continue
        if matches:
            return
    yield Decision(None, None)


def covers(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule is for all packets to an address that the later one is for, where both are for some of them."""
    if earlier.negated or later.negated:
        return False
    if earlier.src is not None and (later.src is None or not _is_in(later.src, earlier.src)):
        return False
    pairs = zip(_other_conditions(earlier), _other_conditions(later), strict=True)
    return all(condition in (None, other) for condition, other in pairs)


def _is_in(prefix: str, wider: str) -> bool:
    return prefix_number(prefix)[2] >= prefix_number(wider)[2] and holds(wider, prefix.partition("/")[0])


def _matches(rule: Rule, address: str | None, source: str | None = None) -> bool | None:
    """Whether the rule is for packets to the address (None: to any address); None when it is for some of them."""
    if rule.action == "l3mdev":
        return False  # for devices in a VRF
    known = rule.dst is None or (None if address is None else holds(rule.dst, address))
    has_mark = rule.fwmark is not None and rule.fwmark & (rule.fwmask or 0xFFFFFFFF)
    # An oif is that of sockets bound to a device; one that is detached is that of no device at all.
    if has_mark or rule.oif is not None or rule.detached:
        known = False
    others = _other_conditions(rule)
    if source is None:
        others.append(rule.src)
    elif rule.src is not None and not holds(rule.src, source):
        known = False
    if known and any(other is not None for other in others):
        known = None
    return known if known is None else known is not rule.negated


def _other_conditions(rule: Rule) -> list[str | int | None]:
    """What the rule asks for of packets beside their addresses and marks, of which nothing is known."""
    return [
        rule.iif,
        rule.tos,
        rule.dscp,
        rule.flowlabel,
        rule.ipproto,
        rule.sport,
        rule.dport,
        rule.uidrange,
        rule.tun_id,
    ]


def _suppressed_length(rule: Rule) -> int:
    return -1 if rule.suppress_prefixlength is None else rule.suppress_prefixlength
