# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generated rules, loaded into a kernel: what is decided on packets of a known source is what ``ip route get`` gives.

Each example is one network namespace of its own, as in test_table_against_the_kernel.py.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.policy_rules import Decision, decisions
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable, address_number
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_rule import Rule, parse_ip_rule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils.network.test_table_against_the_kernel import MARK, in_namespace, needs_a_namespace

pytestmark = pytest.mark.slow

SOURCES = ["172.18.0.4", "10.8.0.1"]
ADDRESSES = ["10.0.0.5", "10.0.1.5", "10.1.0.5", "8.8.8.8", "172.18.0.9"]
SETUP = """\
link set lo up
link add v0 type veth peer name v1
link set v0 up
link set v1 up
addr add 172.18.0.4/16 dev v0
addr add 10.8.0.1/32 dev lo
route add 10.0.0.0/24 via 172.18.0.2
route add default via 172.18.0.1
route add 10.0.0.0/16 via 172.18.0.3 table 100
route add default via 172.18.0.7 table 100
route add throw 10.1.0.0/16 table 100
route add 10.1.0.0/24 via 172.18.0.5 table 200
route add prohibit 10.0.1.0/24 table 200
"""
SCRIPT = f"ip -force -batch $0 >/dev/null 2>&1; ip -4 route show table all; echo {MARK}; ip rule; echo {MARK}; \
exec ip -force -batch $1"

# What the kernel says of a rule, or a row, that refuses (fib4_rule_action in net/ipv4/fib_rules.c, fib_props).
REFUSALS = {
    "blackhole": "Invalid argument",
    "prohibit": "Permission denied",
}
NOTHING = "Network is unreachable"


@st.composite
def commands(draw: st.DrawFn) -> str:
    """One line for ``ip -batch`` that adds a rule; those that ask for a device are for no packet that is tried."""
    priority = draw(st.sampled_from([100, 200, 300, 400, 500, 33000]))
    negated = draw(st.sampled_from(["", "", "not "]))
    selectors = ["", "to 10.0.0.0/24", "to 10.1.0.0/16", "from 10.8.0.1", "from 172.18.0.0/16 to 10.0.0.0/8"]
    selectors += ["fwmark 0x1", "fwmark 0x0/0xff", "oif v0", "iif nowhere"]
    # A packet that comes in at a device is another one: of such a rule, only the others are looked at.
    selector = draw(st.sampled_from(selectors if negated else [*selectors, "iif v0", "iif v1 to 10.0.0.0/8"]))
    actions = ["lookup 100", "lookup 200", "lookup main", "lookup 999", "blackhole", "unreachable", "prohibit"]
    actions += ["lookup main suppress_prefixlength 0", "lookup 100 suppress_prefixlength 16", "nop"]
    # A jump that some packets make is not followed: see not_followed().
    jumps = [f"goto {later}" for later in (200, 300, 400, 450, 500, 32766) if later > priority]
    action = draw(st.sampled_from(actions if selector.startswith("iif v") else actions + jumps))
    return f"rule add pref {priority} {negated}{selector or 'from all'} {action}"


def ask_kernel(rules: list[str], folder: Path) -> tuple[RouteTable, tuple[Rule, ...], list[str]]:
    """The tables and the rules as they are printed, and what is answered for each source and address."""
    load, questions = folder / "load", folder / "questions"
    load.write_text(SETUP + "".join(f"{rule}\n" for rule in rules))
    asked = [f"route get fibmatch {address} from {source}\n" for source in SOURCES for address in ADDRESSES]
    questions.write_text("".join(asked))
    command = in_namespace("sh", "-c", SCRIPT, str(load), str(questions))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    routes, printed_rules, answered = done.stdout.split(f"{MARK}\n")
    parsed = parse_ip_rule(printed_rules)
    assert parsed.unparsed == ()
    failed = re.findall(r"^RTNETLINK answers: (.+)\nCommand failed .+:(\d+)$", done.stderr, re.MULTILINE)
    refusals = {int(line): reason for reason, line in failed}
    answers = iter(parse_ip_route(answered).routes)
    told = [
        refusals[line] if line in refusals else f"{(row := next(answers)).dst} via {row.gateway}"
        for line in range(1, len(asked) + 1)
    ]
    assert next(answers, None) is None
    return RouteTable(parse_ip_route(routes).routes), parsed.rules, told


def in_words(decision: Decision) -> str:
    """As the kernel says it."""
    row, rule = decision
    if row is None:
        return NOTHING if rule is None else REFUSALS.get(rule.action, NOTHING)
    return REFUSALS.get(row.type) or f"{row.dst} via {row.gateway}"


def last_decision(table: RouteTable, rules: tuple[Rule, ...], address: str, source: str) -> Decision:
    *_some, last = decisions(rules, address, lambda name: table.find_in(name, *address_number(address)), source)
    return last


@needs_a_namespace
@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=st.lists(commands(), max_size=8))
def test_rules_decide_as_the_kernel_does(tmp_path: Path, rules: list[str]) -> None:
    table, printed, told = ask_kernel(rules, tmp_path)
    decided = [in_words(last_decision(table, printed, address, source)) for source in SOURCES for address in ADDRESSES]
    assert decided == told
