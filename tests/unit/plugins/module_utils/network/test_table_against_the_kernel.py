"""Generated tables, loaded into a kernel: a look-up gives what ``ip route get fibmatch`` gives, for each address tried.

Each example is one network namespace of its own, which ends with the process that made it.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import shutil
import subprocess

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

MARK = "----"
SCRIPT = f"ip -force -batch $0 >/dev/null 2>&1; ip route show table all; echo {MARK}; exec ip -force -batch $1"

# Any rule makes the kernel hold the tables local and main apart for IPv4, as it does on nodes with rules of a CNI.
# The IPv6 rows are written out, since the kernel adds those of an address when it gets round to it.
# Forwarding is on, as on a node: with it off IPv6 prefers routers that answer, and in this namespace none does.
SETUP = """\
link set lo up
link add v0 type veth peer name v1
link set v0 addrgenmode none
link set v0 up
link set v1 up
addr add 172.18.0.4/16 dev v0
route add fc00::/64 dev v0 metric 256
route add local fc00::4 dev v0 table local metric 0
route add anycast fc00:: dev v0 table local metric 0
rule add pref 30000 from 192.0.2.1 lookup 999
"""

ERRORS = {
    "Invalid argument": "blackhole",
    "No route to host": "unreachable",
    "Permission denied": "prohibit",
    "Network is unreachable": None,
}


def in_namespace(*command: str) -> list[str]:
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--net", *command]


@functools.cache
def why_not() -> str:
    """Why no namespace can be made here, empty when one can."""
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    tried = subprocess.run(in_namespace("ip", "link", "set", "lo", "up"), capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


needs_a_namespace = pytest.mark.skipif(bool(why_not()), reason=f"no network namespace of our own: {why_not()}")


# Few addresses, all prefix lengths: prefixes overlap, and most look-ups meet several of them.
UNIVERSES = {
    4: (int(ipaddress.ip_address("10.0.0.0")), 24, 32),
    6: (int(ipaddress.ip_address("fd00::")), 120, 128),
}


@st.composite
def prefixes(draw: st.DrawFn, family: int) -> str:
    base, shortest, longest = UNIVERSES[family]
    length = draw(st.integers(shortest - 1, longest))
    if length < shortest:
        return "0.0.0.0/0" if family == 4 else "::/0"
    number = base + draw(st.integers(0, 255))
    address = (ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address)(number)
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


@st.composite
def commands(draw: st.DrawFn) -> str:
    """One line for ``ip -batch`` that adds a row; some are refused by the kernel, as a second one of the same metric."""
    family = draw(st.sampled_from((4, 6)))
    dst = draw(prefixes(family))
    hops = [f"172.18.0.{n}" if family == 4 else f"fc00::{n}" for n in draw(st.permutations((2, 3, 5)))]
    way = draw(
        st.sampled_from(
            (
                f"{dst} via {hops[0]}",
                f"{dst} via {hops[0]} onlink dev v0",
                f"{dst} dev v0",
                f"{dst} nexthop via {hops[0]} weight 3 nexthop via {hops[1]}",
                f"blackhole {dst}",
                f"unreachable {dst}",
                f"prohibit {dst}",
                f"throw {dst}",
                *((f"local {dst} dev v0", f"broadcast {dst} dev v0") if family == 4 else (f"anycast {dst} dev v0",)),
                f"{dst} via {hops[0]} tos 0x10" if family == 4 else f"{dst} from 2001:db8::/56 via {hops[0]}",
            )
        )
    )
    table = draw(st.sampled_from(("", "", "", "", " table 253", " table 100")))
    metric = draw(st.sampled_from(("", " metric 5", " metric 900", " metric 2000")))
    return f"route add {way}{table}{metric}"


def ask_kernel(rows: list[str], addresses: list[str], folder: str) -> tuple[list[Route], list[Route | str | None]]:
    """Load the rows; give the tables as ``ip route`` prints them, and for each address its row or the refusal's type."""
    load, questions = os.path.join(folder, "load"), os.path.join(folder, "questions")
    with open(load, "w") as file:
        file.write(SETUP + "".join(f"{row}\n" for row in rows))
    with open(questions, "w") as file:
        file.writelines(f"route get fibmatch {address}\n" for address in addresses)
    shell = f"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; {SCRIPT}"
    done = subprocess.run(
        in_namespace("sh", "-c", shell, load, questions), capture_output=True, text=True, check=False, timeout=60
    )
    printed, _unused, answered = done.stdout.partition(f"{MARK}\n")
    parsed, answers = parse_ip_route(printed), iter(parse_ip_route(answered).routes)
    assert not parsed.unparsed
    failed = re.findall(r"^RTNETLINK answers: (.+)\nCommand failed .+:(\d+)$", done.stderr, re.MULTILINE)
    refusals = {int(line): ERRORS[reason] for reason, line in failed}
    told = [refusals[line] if line in refusals else next(answers) for line in range(1, len(addresses) + 1)]
    assert next(answers, None) is None
    return parsed.routes, told


def shape(route: Route | str | None) -> object:
    """What both sides can be compared by: ``get`` orders next hops anew and leaves table local out."""
    if route is None or isinstance(route, str):
        return route
    if route.type in ("blackhole", "unreachable", "prohibit"):
        return route.type
    hops = {(hop.gateway, hop.dev) for hop in route.nexthops} or {(route.gateway, route.dev)}
    return route.type, route.dst, route.metric, hops


ADDRESSES = [
    *(str(ipaddress.IPv4Address(UNIVERSES[4][0] + n)) for n in range(0, 256, 3)),
    *(str(ipaddress.IPv6Address(UNIVERSES[6][0] + n)) for n in range(1, 256, 3)),
    *("8.8.8.8", "172.18.0.4", "172.18.0.2", "172.18.255.255", "172.19.0.1", "127.0.0.1", "127.9.9.9"),
    *("2001:db8::1", "fc00::4", "fc00::", "fc00::99", "::1"),
]


@needs_a_namespace
@settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
@given(rows=st.lists(commands(), max_size=60))
def test_a_look_up_gives_what_the_kernel_gives(tmp_path: object, rows: list[str]) -> None:
    routes, told = ask_kernel(rows, ADDRESSES, str(tmp_path))
    table = RouteTable(routes)
    assert {a: shape(table.lookup(a)) for a in ADDRESSES} == {a: shape(t) for a, t in zip(ADDRESSES, told, strict=True)}


@needs_a_namespace
def test_a_row_whose_link_is_down_still_decides(tmp_path: object) -> None:
    # In this order: the rows that are there already learn of it some time later.
    rows = ["link set v1 down", "route add 10.1.0.0/16 via 172.18.0.2", "route add 10.0.0.0/8 dev lo"]
    routes, told = ask_kernel(rows, ["10.1.0.1"], str(tmp_path))
    found = RouteTable(routes).lookup("10.1.0.1")
    assert found is not None
    assert "linkdown" in found.flags
    assert shape(found) == shape(told[0])
