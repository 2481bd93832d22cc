# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.traceroute import Hop, Probe, parse_traceroute
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"
HEADER = "traceroute to 10.0.0.9 (10.0.0.9), 30 hops max, 46 byte packets\n"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("trace*.txt")), ids=lambda path: path.stem)
def test_a_golden_run_gives_the_record_written_down_for_it(path: Path) -> None:
    assert parse_traceroute(path.read_bytes().decode()).as_dict() == json.loads(path.with_suffix(".json").read_text())


def hop(line: str) -> Hop:
    trace = parse_traceroute(HEADER + line)
    assert trace.unparsed == ()
    (hop,) = trace.hops
    return hop


# Sample -> what the command printed to standard error, the reasons, the target.
STANDARD_ERRORS = {
    "trace_local_badaddress_debian": (
        "nosuchhost.invalid: Temporary failure in name resolution\n"
        'Cannot handle "host" cmdline arg `nosuchhost.invalid\' on position 1 (argc 1)\n',
        (
            "Temporary failure in name resolution",
            'Cannot handle "host" cmdline arg `nosuchhost.invalid\' on position 1 (argc 1)',
        ),
        "nosuchhost.invalid",
    ),
    "trace_local_netunreach_debian": ("\nconnect: Network is unreachable\n", ("Network is unreachable",), "8.8.8.8"),
    "trace_local_prohibit_onnode_busybox": (
        "traceroute: can't connect to remote host (10.99.2.5): Permission denied\n",
        ("Permission denied",),
        None,
    ),
    "trace_local_prohibit_onnode_debian": ("\nconnect: Permission denied\n", ("Permission denied",), "10.99.2.5"),
    "trace_local_unreach_onnode_debian": ("\nconnect: No route to host\n", ("No route to host",), "10.99.1.5"),
}


@pytest.mark.parametrize("sample", STANDARD_ERRORS)
def test_standard_error_adds_the_reason_and_changes_nothing_else(sample: str) -> None:
    stdout = (GOLDEN / f"{sample}.txt").read_text()
    stderr, reasons, target = STANDARD_ERRORS[sample]
    trace = parse_traceroute(stdout + stderr)
    assert (trace.errors, trace.target) == (reasons, target)
    without = parse_traceroute(stdout).as_dict() | {"errors": None, "target": None}
    assert trace.as_dict() | {"errors": None, "target": None} == without


@pytest.mark.parametrize(
    ("line", "reason", "target"),
    [
        ("traceroute: bad address 'bb9'", "bad address", "bb9"),
        ("traceroute: socket: Operation not permitted", "Operation not permitted", None),
        ("You do not have enough privileges to use this traceroute method.", None, None),
    ],
)
def test_an_error_of_the_command_is_given_by_its_reason(line: str, reason: str | None, target: str | None) -> None:
    trace = parse_traceroute(line)
    assert (trace.errors, trace.target) == ((reason or line,), target)


def test_a_name_stands_beside_its_address() -> None:
    assert hop(" 1  demo-worker2.kind (172.18.0.2)  0.008 ms  0.005 ms").probes == (
        Probe("172.18.0.2", "demo-worker2.kind", 0.008),
        Probe("172.18.0.2", "demo-worker2.kind", 0.005),
    )


def test_an_address_in_place_of_a_name_is_no_name() -> None:
    assert hop(" 1  172.18.0.2 (172.18.0.2)  0.008 ms").probes == (Probe("172.18.0.2", None, 0.008),)


def test_the_address_holds_for_the_probes_behind_a_star() -> None:
    probes = hop(" 3  * 10.0.0.1  0.007 ms *  0.009 ms 10.0.0.2  1.5 ms").probes
    assert [(probe.address, probe.rtt_ms) for probe in probes] == [
        (None, None),
        ("10.0.0.1", 0.007),
        (None, None),
        ("10.0.0.1", 0.009),
        ("10.0.0.2", 1.5),
    ]


def test_inetutils_prints_no_blank_before_the_unit() -> None:
    trace = parse_traceroute(
        "traceroute to 10.0.0.9 (10.0.0.9), 64 hops max\n"
        "  1   10.0.0.1  0.005ms  0.003ms !H  *  10.0.0.2  0.002ms \n"
        "  2   *  *  * \n"
        "  3   10.0.0.9  0.050ms  0.030ms  0.020ms \n"
    )
    assert trace.hops == (
        Hop(
            1,
            (
                Probe("10.0.0.1", None, 0.005),
                Probe("10.0.0.1", None, 0.003, "!H"),
                Probe(),
                Probe("10.0.0.2", None, 0.002),
            ),
        ),
        Hop(2, (Probe(), Probe(), Probe())),
        Hop(3, (Probe("10.0.0.9", None, 0.05), Probe("10.0.0.9", None, 0.03), Probe("10.0.0.9", None, 0.02))),
    )
    assert (trace.reached, trace.unparsed) == (True, ())


@pytest.mark.parametrize("annotation", ["!H", "!N", "!P", "!X", "!A", "!S", "!F-1400", "!<13>", "!"])
def test_an_annotation_belongs_to_the_probe_before(annotation: str) -> None:
    probes = hop(f" 2  10.0.0.1  0.002 ms {annotation} *  0.003 ms").probes
    assert [probe.annotation for probe in probes] == [annotation, None, None]


def test_numbers_of_autonomous_systems_are_passed_over() -> None:
    assert hop(" 1  a (10.0.0.1) [AS1739]  0.1 ms b (10.0.0.2) [AS1/AS2]  0.2 ms c (10.0.0.3) [*]  0.3 ms").probes == (
        Probe("10.0.0.1", "a", 0.1),
        Probe("10.0.0.2", "b", 0.2),
        Probe("10.0.0.3", "c", 0.3),
    )
    assert hop(" 1  [AS0] 10.0.0.1 (10.0.0.1)  0.1 ms").probes == (Probe("10.0.0.1", None, 0.1),)


def test_further_addresses_of_a_hop_may_have_lines_of_their_own() -> None:
    trace = parse_traceroute(
        f"{HEADER} 7  12.255.10.226 (12.255.10.226)  25.375 ms\n    12.255.10.224 (12.255.10.224)  24.011 ms\n"
    )
    assert [(hop.ttl, [probe.address for probe in hop.probes]) for hop in trace.hops] == [
        (7, ["12.255.10.226", "12.255.10.224"])
    ]


def test_a_hop_that_was_cut_off_between_probes_keeps_them() -> None:
    assert hop(" 3  * *").probes == (Probe(), Probe())
    assert hop(" 3 ").probes == ()


@pytest.mark.parametrize(
    "line",
    [
        " 2  10.0.0.1  0.0",
        " 2  10.0.0.1",
        " 2  node (10.0.0.1",
        " 2  node (node)  0.1 ms",
        " 2   0.1 ms",
        " 2  10.0.0.1  0.1.2 ms",
        " 2  10.0.0.1  0.1m",
        " 2  !H",
        " 1  10.0.0.1  0.1 ms",  # hop 1 was before
        "    10.0.0.1 (10.0.0.1)  0.1 ms  what",
        " 1?: [LOCALHOST]                                         pmtu 1500",
    ],
)
def test_a_line_that_is_not_understood_as_a_whole_is_reported(line: str) -> None:
    trace = parse_traceroute(f"{HEADER} 1  10.0.0.7  0.1 ms\n{line}\n")
    assert [(line.line, line.text) for line in trace.unparsed] == [(3, line)]
    assert trace.hops == (Hop(1, (Probe("10.0.0.7", None, 0.1),)),)


def test_lines_that_belong_to_a_hop_not_understood_are_not_given_to_the_hop_before() -> None:
    trace = parse_traceroute(f"{HEADER} 1  10.0.0.7  0.1 ms\n 2  what\n    10.0.0.8 (10.0.0.8)  0.1 ms\n")
    assert [line.line for line in trace.unparsed] == [3, 4]


class TestReached:
    def test_the_target_must_answer(self) -> None:
        assert parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  * 10.0.0.9  0.1 ms\n").reached
        assert not parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  * * *\n").reached

    def test_a_refusal_from_the_target_is_no_answer(self) -> None:
        assert not parse_traceroute(f"{HEADER} 1  10.0.0.9  0.1 ms !X\n").reached

    def test_without_a_header_nothing_is_reached(self) -> None:
        assert not parse_traceroute(" 1  10.0.0.9  0.1 ms\n 2  * * *\n").reached


class TestLoop:
    def test_an_address_that_comes_back_is_a_loop(self) -> None:
        assert parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  10.0.0.2  0.1 ms\n 3  10.0.0.1  0.1 ms\n").loop
        assert parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  * * *\n 3  10.0.0.1  0.1 ms\n").loop

    def test_an_address_at_neighbouring_hops_is_none(self) -> None:
        assert not parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  10.0.0.1  0.1 ms\n").loop

    def test_a_refusal_from_a_hop_before_is_none(self) -> None:
        assert not parse_traceroute(
            f"{HEADER} 1  10.0.0.1  0.1 ms\n 2  10.0.0.2  0.1 ms\n 3  10.0.0.1  0.1 ms !H\n"
        ).loop

    def test_the_target_answering_again_is_none(self) -> None:
        assert not parse_traceroute(f"{HEADER} 1  10.0.0.9  0.1 ms\n 2  * * *\n 3  10.0.0.9  0.1 ms\n").loop


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("traceroute to google.es  (173.207.22.152), 30 hops max, 60 byte packets", "173.207.22.152"),
        ("traceroute6 to host (fd00::1) from fd00::2, 5 hops max, 12 byte packets", "fd00::1"),
        ("traceroute to ::1 (::1), 30 hops max, 72 byte packets", "::1"),
    ],
)
def test_a_header_names_the_address(header: str, address: str) -> None:
    trace = parse_traceroute(f"traceroute: Warning: host has multiple addresses; using {address}\n{header}\n")
    assert (trace.address, trace.errors, trace.unparsed) == (address, (), ())


def test_a_second_run_is_not_mixed_into_the_first() -> None:
    trace = parse_traceroute(f"{HEADER} 1  10.0.0.1  0.1 ms\n{HEADER} 2  10.0.0.2  0.1 ms\n")
    assert [hop.ttl for hop in trace.hops] == [1]
    assert [line.line for line in trace.unparsed] == [3, 4]


pieces = st.sampled_from([line for path in sorted(GOLDEN.glob("trace*.txt")) for line in path.read_text().split("\n")])


@given(st.text() | st.lists(pieces | st.text(max_size=20), max_size=12).map("\n".join), st.integers(0, 400))
def test_any_text_gives_a_record_and_every_hop_line_is_accounted_for(text: str, end: int) -> None:
    text = text[:end]
    trace = parse_traceroute(text)
    json.dumps(trace.as_dict())
    lines = text.replace("\r\n", "\n").split("\n")
    answers = sum(line.count(" ms") for line in lines)
    kept = sum(probe.address is not None for hop in trace.hops for probe in hop.probes)
    assert kept + sum(line.text.count(" ms") for line in trace.unparsed) == answers
    assert not Counter(line.text for line in trace.unparsed) - Counter(lines) or "\x1b" in text
