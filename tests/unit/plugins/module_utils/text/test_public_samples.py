# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Output that people posted in public, read in place: each line is read right, or is unparsed for a reason given here."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import ip_network
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_rule import parse_ip_rule
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import parse_ping
from ansible_collections.kubelab.podnet.plugins.module_utils.text.traceroute import parse_traceroute

from tests.unit.plugins.module_utils.text.route_printer import print_route

SAMPLES = Path(__file__).parents[6] / "shared" / "samples"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the public samples are not beside the repository ({SAMPLES})"
)

# Sample -> line -> why it is not read.
UNPARSED_ROUTES = {
    "route_aws_01_docs_proposal_host": {3: "somebody's remark behind the route", 7: "rows left out"},
    "route_calico_15_bird61_ip_monitor": dict.fromkeys((1, 3, 5, 7), "a time stamp is no route"),
    "route_cilium_02_issue26588_missing_peers": {2: "somebody's remark behind the route"},
    "route_err_01_fib_table_missing": {1: "an error message", 2: "an error message"},
    "route_kindnet_08_annotated_and_error": {6: "somebody's remark behind the route"},
    "route_mixed_01_calico_to_antrea_conflict": {6: "a misspelt flag, onlink6"},
    "route_odd_07_mpls_family": dict.fromkeys(range(1, 8), "the destination is an MPLS label"),
    "route_ovnk_05_pr3136_upgrade": {7: "somebody's remark behind the route"},
}
UNPARSED_RULES = {
    "rule_aws_01_docs_proposal": dict.fromkeys((2, 4), "somebody's remark behind the rule"),
}
UNPARSED_PINGS = {
    "ping6_iputils_unparsable": {3: "an invented message", 6: "an invented message"},
}
UNPARSED_TRACES = {
    "trace_generic_5": {3: "a name was put in the place of an address"},
}


def public(kind: str) -> list[Path]:
    return [path for path in sorted(SAMPLES.glob(f"{kind}*.txt")) if not re.search("_(local|seed|00_seed)_", path.name)]


@pytest.mark.parametrize("path", public("route"), ids=lambda path: path.stem)
def test_a_public_table_is_read_word_by_word(path: Path) -> None:
    text = path.read_bytes().decode()
    parsed = parse_ip_route(text)
    assert {line.line for line in parsed.unparsed} == UNPARSED_ROUTES.get(path.stem, {}).keys()
    raw = [line for route in parsed.routes for line in route.raw.split("\n")] + [line.text for line in parsed.unparsed]
    assert Counter(raw) == Counter(line for line in text.split("\n") if line.strip())
    for route in parsed.routes:
        assert_stands_in_raw(route)


def assert_stands_in_raw(route: Route) -> None:
    """The record, printed, has just the words of its line, and the destination is the one that the line begins with."""
    raw = re.sub(r"^\[nsid current\]|Deleted ", "", route.raw).replace(f" error {2**32 - 101} ", " error -101 ")
    assert Counter(print_route(route).split()) == Counter(raw.split())
    first = next(
        word for word in raw.split() if word not in ("blackhole", "unreachable", "throw", "local", "broadcast")
    )
    if first == "default":
        assert route.dst == ("::/0" if "fe80::" in raw or "pref" in raw else "0.0.0.0/0")
    else:
        assert route.dst == str(ip_network(first))
    if not route.nexthops:
        assert (f" via {route.gateway} " in f"{raw} ".replace(" inet6 ", " ")) == (route.gateway is not None)
        assert (f" dev {route.dev} " in f"{raw} ") == (route.dev is not None)
        assert (f" metric {route.metric} " in f"{raw} ") == (route.metric is not None)


@pytest.mark.parametrize("path", public("rule"), ids=lambda path: path.stem)
def test_public_rules_are_read(path: Path) -> None:
    text = path.read_bytes().decode()
    parsed = parse_ip_rule(text)
    assert {line.line for line in parsed.unparsed} == UNPARSED_RULES.get(path.stem, {}).keys()
    for rule in parsed.rules:
        words = rule.raw.split()
        assert rule.priority == int(words[0][:-1])
        assert rule.table == words[words.index("lookup") + 1]
        assert rule.negated == ("not" in words)
        assert (rule.src is None) == ("from all " in rule.raw)
        assert rule.dst is None or str(ip_network(words[words.index("to") + 1])) == rule.dst


@pytest.mark.parametrize("path", public("ping"), ids=lambda path: path.stem)
def test_public_pings_are_read(path: Path) -> None:
    text = path.read_bytes().decode()
    ping = parse_ping(text)
    assert {line.line for line in ping.unparsed} == UNPARSED_PINGS.get(path.stem, {}).keys()
    assert f"PING {ping.target}" in text
    assert f"({ping.address})" in text
    assert f"{ping.transmitted} packets transmitted, {ping.received} " in text
    assert ping.loss_percent is not None
    assert f" {ping.loss_percent:g}% packet loss" in text.replace(".0%", "%")
    assert len(ping.replies) == len(re.findall(r"seq=\d+ ttl=", text))
    assert ping.duplicates == text.count("DUP!")
    assert (ping.rtt_ms is None) == ("min/avg/max" not in text)
    for reply in ping.replies:
        assert re.search(rf"from {re.escape(reply.address)}: (icmp_)?seq={reply.seq} ttl={reply.ttl} ", text)
    for error in ping.errors:
        assert error.reason in text


@pytest.mark.parametrize("path", [*public("trace_"), *public("trace6")], ids=lambda path: path.stem)
def test_public_traces_are_read(path: Path) -> None:
    text = path.read_bytes().decode()
    trace = parse_traceroute(text)
    assert {line.line for line in trace.unparsed} == UNPARSED_TRACES.get(path.stem, {}).keys()
    assert re.search(rf"traceroute6? to {re.escape(str(trace.target))} +\({re.escape(str(trace.address))}\)", text)
    assert trace.reached == (path.stem in REACHED)
    assert not trace.loop
    body = "\n".join(
        line for number, line in enumerate(text.split("\n"), 1) if number not in UNPARSED_TRACES.get(path.stem, {})
    )
    probes = [probe for hop in trace.hops for probe in hop.probes]
    assert len([probe for probe in probes if probe.address]) == len(re.findall(r"[\d.]+ ms\b", body))
    assert len([probe for probe in probes if not probe.address]) == len(re.findall(r"(?<!\[)\*", body))
    assert [hop.ttl for hop in trace.hops] == [int(ttl) for ttl in re.findall(r"^ {0,2}(\d+) ", body, re.MULTILINE)]


# Where the target's address stands in the last hop.
REACHED = {
    *("trace_freebsd", "trace_generic_2", "trace_generic_4", "trace_generic_5"),
    *("trace_generic_n_ecmp_ipv6", "trace_generic_n_q1_ipv4"),
}


def test_tracepath_is_not_taken_for_traceroute() -> None:
    text = (SAMPLES / "tracepath_centos_no_reply.txt").read_text()
    assert parse_traceroute(text).hops == ()
