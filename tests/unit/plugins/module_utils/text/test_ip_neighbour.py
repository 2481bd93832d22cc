# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_neighbour import Neighbour, parse_ip_neighbour
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import Unparsed
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"


def one(line: str) -> Neighbour:
    parsed = parse_ip_neighbour(f"{line}\n")
    assert parsed.unparsed == ()
    (neighbour,) = parsed.neighbours
    assert neighbour.raw == line
    return neighbour


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("neigh*.txt")), ids=lambda path: path.stem)
def test_golden_neighbours_are_those_written_down(path: Path) -> None:
    assert parse_ip_neighbour(path.read_text()).as_dict() == json.loads(path.with_suffix(".json").read_text())


def test_an_entry_that_nobody_answered_has_no_link_layer_address() -> None:
    neighbour = one("172.18.0.9 dev eth0 FAILED ")
    assert (neighbour.lladdr, neighbour.state) == (None, "FAILED")


def test_flags_and_statistics_stand_between_address_and_state() -> None:
    neighbour = one("fd00::2 dev eth0 lladdr 02:00:00:00:00:01 router ref 1 used 5/60/0probes 3 REACHABLE ")
    assert (neighbour.lladdr, neighbour.flags, neighbour.state) == ("02:00:00:00:00:01", ("router",), "REACHABLE")


def test_busybox_prints_a_blank_before_probes() -> None:
    assert one("10.0.0.9 dev br0 lladdr 02:00:00:00:00:01 used 0/0/0 probes 0 PERMANENT").state == "PERMANENT"


@pytest.mark.parametrize(
    ("line", "flags", "state"),
    [
        ("10.0.0.2 dev d0 lladdr 02:00:00:00:00:01 extern_learn NOARP proto zebra ", ("extern_learn",), "NOARP"),
        (
            "10.0.0.3 dev d0 managed extern_learn  ref 1 used 0/60/0probes 4 INCOMPLETE proto openr ",
            ("managed", "extern_learn"),
            "INCOMPLETE",
        ),
        ("10.0.0.9 dev d0 proxy proto static ", ("proxy",), None),
        ("10.0.0.4 dev d0 lladdr 02:00:00:00:00:01 offload extern_valid STALE ", ("offload", "extern_valid"), "STALE"),
    ],
)
def test_an_entry_that_a_routing_daemon_made_is_one(line: str, flags: tuple[str, ...], state: str | None) -> None:
    neighbour = one(line)
    assert (neighbour.flags, neighbour.state) == (flags, state)


def test_a_proxy_entry_has_no_state() -> None:
    neighbour = one("10.244.1.11 dev br0 proxy ")
    assert (neighbour.flags, neighbour.state) == (("proxy",), None)


@pytest.mark.parametrize(
    "line",
    [
        "10.0.0.9",
        "10.0.0 dev eth0 STALE",
        "10.0.0.9 lladdr 02:00:00:00:00:01 STALE",
        "10.0.0.9 dev",
        "10.0.0.9 dev x WHAT",
        "10.0.0.9 dev x STALE proto",
    ],
)
def test_a_line_that_is_no_entry_stands_unparsed(line: str) -> None:
    assert parse_ip_neighbour(f"\n{line}\n").unparsed == (Unparsed(2, line),)


@given(
    st.text() | st.lists(st.sampled_from(["10.0.0.9", "dev", "eth0", "lladdr", "used", "FAILED", "\n"])).map(" ".join)
)
def test_any_text_is_read_or_stands_unparsed(text: str) -> None:
    parse_ip_neighbour(text)
