# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import Unparsed
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import PingError, Reply, Rtt, parse_ping
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"
REPLY = "64 bytes from 192.168.121.73: icmp_seq=3 ttl=62 time=0.074 ms"
OK = (GOLDEN / "ping_local_ok_iputils.txt").read_text()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("ping*.txt")), ids=lambda path: path.stem)
def test_a_golden_run_gives_the_record_written_down_for_it(path: Path) -> None:
    assert parse_ping(path.read_bytes().decode()).as_dict() == json.loads(path.with_suffix(".json").read_text())


# Sample -> what the command printed to standard error, the reason, the target it names, the MTU.
STANDARD_ERRORS = {
    "ping_local_badaddress_iputils": (
        "ping: nosuchhost.invalid: Temporary failure in name resolution",
        ("Temporary failure in name resolution", "nosuchhost.invalid", None),
    ),
    "ping_local_blackhole_onnode_busybox": (
        "ping: sendto: Invalid argument",
        ("Invalid argument", "192.168.157.140", None),
    ),
    "ping_local_emptyarg_busybox": ("ping: bad address ''", ("bad address", "", None)),
    "ping_local_emptyarg_iputils": ("ping: : Name or service not known", ("Name or service not known", "", None)),
    "ping_local_mtu_df2_iputils": (
        "ping: local error: message too long, mtu=1400",
        ("message too long, mtu=1400", "192.168.121.73", 1400),
    ),
    "ping_local_netunreach_busybox": (
        "ping: sendto: Network is unreachable",
        ("Network is unreachable", "8.8.8.8", None),
    ),
    "ping_local_none_string_iputils": (
        "ping: <no value>: Name or service not known",
        ("Name or service not known", "<no value>", None),
    ),
    "ping_local_prohibit_onnode_busybox": ("ping: sendto: Permission denied", ("Permission denied", "10.99.2.5", None)),
    "ping_local_unreach_onnode_busybox": ("ping: sendto: No route to host", ("No route to host", "10.99.1.5", None)),
    "ping_local_unreach_onnode_iputils": ("ping: connect: No route to host", ("No route to host", None, None)),
}


@pytest.mark.parametrize("before", [True, False], ids=["error first", "output first"])
@pytest.mark.parametrize("sample", STANDARD_ERRORS)
def test_standard_error_adds_the_reason_and_changes_nothing_else(sample: str, before: bool) -> None:
    stdout = (GOLDEN / f"{sample}.txt").read_text()
    stderr, (reason, target, mtu) = STANDARD_ERRORS[sample]
    ping = parse_ping(f"{stderr}\n{stdout}" if before else f"{stdout}{stderr}\n")
    assert ping.errors == (PingError(reason, mtu=mtu),)
    assert ping.target == target
    without = parse_ping(stdout).as_dict() | {"errors": None, "target": None}
    assert ping.as_dict() | {"errors": None, "target": None} == without


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ping: permission denied (are you root?)", "permission denied (are you root?)"),
        ("ping: socket: Operation not permitted", "Operation not permitted"),
        ("ping: warning: got ICMP 3 (Destination Unreachable)", "Destination Unreachable"),
        ("ping: unknown iface eth9", "unknown iface eth9"),
        ("connect: Network is unreachable", "Network is unreachable"),
        ("ping6: sendmsg: Operation not permitted", "Operation not permitted"),
    ],
)
def test_an_error_of_the_command_is_given_by_its_reason(line: str, reason: str) -> None:
    assert parse_ping(line).errors == (PingError(reason),)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (
            "From gw.example (10.0.0.1) icmp_seq=7 Time to live exceeded",
            PingError("Time to live exceeded", 7, "10.0.0.1", "gw.example"),
        ),
        (
            "From 172.18.0.4 icmp_seq=1 Frag needed and DF set (mtu = 1400)",
            PingError("Frag needed and DF set (mtu = 1400)", 1, "172.18.0.4", mtu=1400),
        ),
        (
            "From fe80::1%eth0: icmp_seq=2 Destination unreachable: No route",
            PingError("Destination unreachable: No route", 2, "fe80::1%eth0"),
        ),
        (
            "36 bytes from gw.example (10.0.0.1): Time to live exceeded",
            PingError("Time to live exceeded", None, "10.0.0.1", "gw.example"),
        ),
    ],
)
def test_an_icmp_error_says_who_sent_it(line: str, error: PingError) -> None:
    assert parse_ping(line).errors == (error,)


@pytest.mark.parametrize(
    "line",
    [
        "From 172.18.0.1 icmp_seq=1 Redirect Host(New nexthop: 172.18.0.2)",
        "ping: warning: got ICMP 5 (Redirect (change route))",
        "ping: Warning: source address might be selected on device other than: eth0",
        "no answer yet for icmp_seq=4",
        "Request timeout for icmp_seq 0",
        "PATTERN: 0xabcd",
    ],
)
def test_an_aside_is_neither_an_error_nor_unknown(line: str) -> None:
    ping = parse_ping(line)
    assert (ping.errors, ping.unparsed) == ((), ())


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("64 bytes from 8.8.8.8: seq=0 ttl=42 time=7.829 ms", Reply(0, 42, 7.829, "8.8.8.8")),
        ("64 bytes from ns (8.8.8.8): icmp_seq=1 ttl=42 time=382 ms", Reply(1, 42, 382.0, "8.8.8.8", "ns")),
        ("64 bytes from ::1: icmp_seq=1 ident=7 ttl=64 time<1 ms", Reply(1, 64, 1.0, "::1")),
        ("16 bytes from 10.0.0.1: icmp_seq=1 ttl=64", Reply(1, 64, None, "10.0.0.1")),
        (
            "76 bytes from 8.8.8.8: icmp_seq=1 ttl=117 (truncated)",
            Reply(1, 117, None, "8.8.8.8", None, ("truncated",)),
        ),
        ("[1596585008.591169] 64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1 ms", Reply(1, 64, 1.0, "10.0.0.1")),
        (
            "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=1 ms (DIFFERENT ADDRESS!) (DUP!)",
            Reply(1, 64, 1.0, "10.0.0.2", None, ("DIFFERENT ADDRESS!", "DUP!")),
        ),
    ],
)
def test_a_reply_is_read_in_every_dialect(line: str, reply: Reply) -> None:
    assert parse_ping(line).replies == (reply,)


@pytest.mark.parametrize(
    ("header", "target", "address"),
    [
        ("PING bb2 (192.168.121.73): 56 data bytes", "bb2", "192.168.121.73"),
        ("PING 10.0.0.1 (10.0.0.1) from 10.0.0.2 eth0: 56(84) bytes of data.", "10.0.0.1", "10.0.0.1"),
        ("PING ::1(::1) 56 data bytes", "::1", "::1"),
        ("PING ::1 (::1) 56 data bytes", "::1", "::1"),
        ("PING node(node.example (fd00::1)) from fd00::2 : 56 data bytes", "node", "fd00::1"),
        ("PING fe80::1%eth0(fe80::1%eth0) 56 data bytes", "fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_header_names_target_and_address(header: str, target: str, address: str) -> None:
    ping = parse_ping(header)
    assert (ping.target, ping.address, ping.unparsed) == (target, address, ())


def test_statistics_alone_are_enough() -> None:
    ping = parse_ping(
        "--- 10.0.0.1 ping statistics ---\n3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss,"
        " time 2009ms\nrtt min/avg/max/mdev = 0.061/0.073/0.079/0.006 ms, pipe 2, ipg/ewma 1004.5/0.08 ms\n"
    )
    assert (ping.target, ping.transmitted, ping.received, ping.loss_percent, ping.duplicates) == (
        "10.0.0.1",
        3,
        2,
        33.3333,
        1,
    )
    assert ping.rtt_ms == Rtt(0.061, 0.073, 0.079, 0.006)


def test_statistics_count_once() -> None:
    counts, rtt = OK.strip().split("\n")[-2:]
    ping = parse_ping(f"{OK}{counts.replace('5', '7')}\n{rtt.replace('0.061', '0.062')}\n")
    assert (ping.transmitted, ping.rtt_ms) == (5, Rtt(0.061, 0.073, 0.079, 0.006))
    assert [line.line for line in ping.unparsed] == [11, 12]


def test_nothing_sent_is_no_loss() -> None:
    ping = parse_ping("0 packets transmitted, 0 packets received, \n0 packets transmitted, 0 received")
    assert (ping.transmitted, ping.loss_percent) == (0, None)


def test_a_run_that_was_cut_off_has_no_statistics() -> None:
    ping = parse_ping("\n".join(OK.split("\n")[:3]))
    assert (ping.transmitted, ping.received, ping.loss_percent, ping.rtt_ms) == (None, None, None, None)
    assert [reply.seq for reply in ping.replies] == [1, 2]


@pytest.mark.parametrize("end", range(len("64 bytes from "), len(REPLY)))
def test_a_reply_that_was_cut_off_is_no_reply(end: int) -> None:
    ping = parse_ping(REPLY[:end])
    assert (ping.replies, ping.errors) == ((), ())
    assert [line.text for line in ping.unparsed] == [REPLY[:end]]


def test_duplicates_are_counted_where_statistics_are_missing() -> None:
    assert parse_ping("64 bytes from 10.0.0.1: seq=0 ttl=64 time=1 ms (DUP!)").duplicates == 1


def test_ctrl_c_on_a_terminal_does_not_hide_the_statistics() -> None:
    text = "^C--- 10.0.0.1 ping statistics ---\r\n1 packets transmitted, 1 packets received, 0% packet loss\r\n"
    ping = parse_ping(text)
    assert (ping.target, ping.received, ping.unparsed) == ("10.0.0.1", 1, ())


def test_a_second_run_is_not_mixed_into_the_first() -> None:
    ping = parse_ping(OK + OK)
    assert parse_ping(OK).as_dict() | {"unparsed": None} == ping.as_dict() | {"unparsed": None}
    assert [line.line for line in ping.unparsed] == [11, 12, 13, 14, 15, 16, 18, 19, 20]


@pytest.mark.parametrize(
    "line",
    [
        "64 bytes from node1: seq=0 ttl=42 time=7.829 ms",
        "64 bytes from 8.8.8.8: seq=0 ttl=42 time=7.8.29 ms",
        "From here to There",
        "64 bytes from 8.8.8.8: strange error",
        "76 bytes from 8.8.8.8: icmp_seq=1 ttl=117 (trunc",
        "From 172.18.0.4 icmp_s",
        "PING me",
        "sh: 1: ping: not found",
        "command terminated with exit code 1",
    ],
)
def test_what_is_not_understood_is_reported(line: str) -> None:
    ping = parse_ping(f"\n{line}\n")
    assert ping.unparsed == (Unparsed(2, line),)
    assert (ping.replies, ping.errors) == ((), ())


pieces = st.sampled_from(
    [line for path in sorted(GOLDEN.glob("ping*.txt")) for line in path.read_text().split("\n")]
    + [stderr for stderr, _unused in STANDARD_ERRORS.values()]
)


@given(st.text() | st.lists(pieces | st.text(max_size=20), max_size=12).map("\n".join), st.integers(0, 400))
def test_any_text_gives_a_record_and_loses_no_reply(text: str, end: int) -> None:
    text = text[:end]
    ping = parse_ping(text)
    json.dumps(ping.as_dict())
    lines = text.replace("\r\n", "\n").split("\n")
    replies = [line for line in lines if " ttl=" in line]
    others = [line.text for line in ping.unparsed] + [error.reason for error in ping.errors]
    assert len(ping.replies) + sum(" ttl=" in text for text in others) >= len(replies)
    assert not Counter(line.text for line in ping.unparsed) - Counter(lines) or "\x1b" in text
