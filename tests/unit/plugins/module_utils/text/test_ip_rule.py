# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_rule import Rule, parse_ip_rule
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"


def one(line: str) -> Rule:
    parsed = parse_ip_rule(f"{line}\n")
    assert parsed.unparsed == ()
    (rule,) = parsed.rules
    assert rule.raw == line
    return rule


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("rule*.txt")), ids=lambda path: path.stem)
def test_golden_rules_are_those_written_down(path: Path) -> None:
    text = path.read_text()
    plain = parse_ip_rule(text).as_dict()
    assert [rule.pop("raw") for rule in plain["rules"]] == text.splitlines()
    assert plain == json.loads(path.with_suffix(".json").read_text())


def test_every_selector_is_read() -> None:
    rule = one(
        "100:\tnot from 10.0.0.0/8 to 10.1.0.1 tos 0x10 fwmark 0x80/0xf0 iif eth0 oif wan0 uidrange 1-100 ipproto tcp"
        " sport 5 dport 6-9 tun_id 7 lookup 200 suppress_prefixlength 0 suppress_ifgroup 3 realms 3/4 proto static"
        " dscp AF42 flowlabel 0x1"
    )
    assert rule.as_dict() == {
        "raw": rule.raw,
        "priority": 100,
        "action": "lookup",
        "negated": True,
        "src": "10.0.0.0/8",
        "dst": "10.1.0.1/32",
        "tos": "0x10",
        "dscp": "AF42",
        "flowlabel": "0x1",
        "fwmark": 0x80,
        "fwmask": 0xF0,
        "iif": "eth0",
        "oif": "wan0",
        "table": "200",
        "ipproto": "tcp",
        "sport": "5",
        "dport": "6-9",
        "uidrange": "1-100",
        "tun_id": 7,
        "realms": "3/4",
        "suppress_prefixlength": 0,
        "suppress_ifgroup": "3",
        "protocol": "static",
    }


@pytest.mark.parametrize(
    ("printed", "action"),
    [
        ("lookup main", "lookup"),
        ("lookup [l3mdev-table]", "l3mdev"),
        ("goto 32766", "goto"),
        ("goto 999999 [unresolved]", "goto"),
        ("nop", "nop"),
        ("blackhole", "blackhole"),
        ("7", "unreachable"),
        ("prohibit proto static", "prohibit"),
        ("lookup unspec prohibit", "prohibit"),  # busybox
    ],
)
def test_the_action_is_what_the_rule_does(printed: str, action: str) -> None:
    assert one(f"103:\tfrom all {printed}").action == action


def test_all_is_no_selector() -> None:
    rule = one("0:\tfrom all lookup local ")
    assert (rule.src, rule.dst, rule.table) == (None, None, "local")


def test_host_bits_of_a_rule_do_not_count() -> None:
    assert one("5:\tfrom 10.0.0.1/24 lookup 5").src == "10.0.0.0/24"
    assert one("5:\tfrom fc00::1/64 lookup 5").src == "fc00::/64"


def test_a_rule_that_cannot_match_says_so() -> None:
    assert one("111:\tfrom all iif gone0 [detached] lookup 5").detached
    assert one("105:\tfrom all goto 999999 [unresolved]").unresolved


def test_what_is_asked_of_a_packet_may_have_a_mask() -> None:
    rule = one("7:\tfrom all sport 0x50/0xff dport 0x100/0xff00 lookup 100 dscp 0x10/0x30 flowlabel 0x1/0xff")
    assert (rule.sport, rule.dport) == ("0x50/0xff", "0x100/0xff00")
    assert (rule.dscp, rule.flowlabel) == ("0x10/0x30", "0x1/0xff")


def test_a_mark_may_come_without_a_mask() -> None:
    rule = one("9:      from all fwmark 0x200 lookup 2004")
    assert (rule.fwmark, rule.fwmask) == (0x200, None)


def test_colours_are_taken_away() -> None:
    (rule,) = parse_ip_rule("5:\tfrom \x1b[35m10.0.0.0\x1b[0m/8 lookup 7\r\n").rules
    assert rule.src == "10.0.0.0/8"


@pytest.mark.parametrize(
    "line",
    [
        "512:\tfrom all to 10.0.97.30 lookup main <---------- to Pod's traffic",
        "103:\tfrom all lookup unspec local",  # busybox, of a goto
        "1000:\tfrom all lookup unspec ",  # busybox, of l3mdev
        "5:\tfrom all",
        "5:\tlookup main",
        "5:\tfrom all lookup main lookup 7",
        "5:\tfrom all lookup main blackhole",
        "5:\tfrom all lookup",
        "5:\tfrom nowhere lookup 7",
        "5:\tfrom all fwmark x lookup 7",
        "x:\tfrom all lookup 7",
        "default via 10.0.0.1 dev eth0 ",
    ],
)
def test_what_is_not_understood_is_reported(line: str) -> None:
    parsed = parse_ip_rule(f"\n{line}\n")
    assert parsed.rules == ()
    assert parsed.as_dict()["unparsed"] == [{"line": 2, "text": line}]


WORDS = (
    *(
        "0:",
        "\t",
        "\n",
        "from",
        "all",
        "10.0.0.0/8",
        "to",
        "lookup",
        "main",
        "unspec",
        "not",
        "fwmark",
        "0x1/0x2",
        "iif",
    ),
    *("eth0", "[detached]", "goto", "7", "nop", "blackhole", "proto", "tos", "sport", "realms"),
)


@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_is_accounted_for_line_by_line(text: str) -> None:
    parsed = parse_ip_rule(text)
    json.dumps(parsed.as_dict())
    printed = [rule.raw for rule in parsed.rules] + [line.text for line in parsed.unparsed]
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    assert Counter(printed) == Counter(lines) or "\x1b" in text
