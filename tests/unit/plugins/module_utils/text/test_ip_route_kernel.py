# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables loaded into a real kernel, in a network namespace of the test's own, and printed by the real ``ip`` in every way."""

from __future__ import annotations

import json
import shutil
import subprocess
from ipaddress import ip_network
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route
from hypothesis import assume, given, settings
from hypothesis import strategies as st

PRINTERS = {
    "text": "ip route show table all",
    "detail": "ip -d route show table all",
    "oneline": "ip -o route show table all",
    "numeric": "ip -N route show table all",
    "statistics": "ip -s route show table all",
    "colour": "ip -c=always route show table all",
    "json": "ip -j route show table all",
    "pretty": "ip -j -p route show table all",
    "json_detail": "ip -j -d route show table all",
    "json_numeric": "ip -j -N route show table all",
    "busybox4": "busybox ip -4 route show table all",
    "busybox6": "busybox ip -6 route show table all",
    "again": "ip route show table all",
}
SETUP = [
    "link set lo up",
    "link add eth0 type veth peer name wan0",
    "link set eth0 addrgenmode none",
    "link set wan0 addrgenmode none up",
    "address add 172.18.0.4/16 dev eth0",
    "link set eth0 up",
    "address add fc00::4/64 dev eth0 nodad",
]


def in_namespace(commands: list[str]) -> dict[str, str]:
    """What each printer prints after these arguments of ``ip``; a command that the kernel refuses is passed over."""
    script = "ip -force -batch - 2>/dev/null\n" + "\n".join(f"printf '\\f'; {printer}" for printer in PRINTERS.values())
    done = subprocess.run(
        ["unshare", "-r", "-n", "sh", "-c", f"{{ {script}\n}} <<'END'\n" + "\n".join(commands) + "\nEND\n"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    _unused, *printed = done.stdout.split("\f")
    assert len(printed) == len(PRINTERS), done.stderr
    return dict(zip(PRINTERS, printed, strict=True))


def missing() -> str | None:
    for program in ("ip", "busybox", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    try:
        printed = in_namespace(SETUP)
    except (AssertionError, OSError) as error:
        return f"a network namespace cannot be made here: {error}"
    return None if "172.18.0.0/16" in printed["text"] else "no pair of veth devices can be made here"


reason = missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(reason is not None, reason=str(reason))]


def prefixes(network: str) -> st.SearchStrategy[str]:
    """Networks inside a network, and hosts of it."""
    base = ip_network(network)
    bits = base.max_prefixlen
    return st.builds(
        lambda address, length: str(ip_network((int(base[0]) | address >> base.prefixlen, length), strict=False)),
        st.integers(0, 2**bits - 1),
        st.integers(base.prefixlen, bits),
    )


def option(word: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return st.just("") | values.map(lambda value: f"{word} {value}")


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


gateway4 = st.sampled_from(["via 172.18.0.2", "via 172.18.0.3", "via 172.18.0.9 onlink", "via inet6 fc00::2"])
gateway6 = st.sampled_from(["via fc00::2", "via fc00::3", "via fe80::1", "via fc00::9 onlink"])
options = (
    option("metric", st.sampled_from([1, 20, 1024, 2**31, 2**32 - 1])),
    option("proto", st.sampled_from(["80", "static", "kernel", "bird"])),
    option("table", st.sampled_from(["100", "local", "4000000000"])),
    st.sampled_from(
        ["", "mtu 1400", "mtu lock 1300 advmss 1200", "rto_min 1s hoplimit 7", "congctl cubic features ecn"]
    ),
)
reject = st.sampled_from(["blackhole", "unreachable", "prohibit", "throw"])
dst4 = prefixes("10.0.0.0/8") | st.just("default")
dst6 = prefixes("2001:db8::/32") | st.just("default")
hop4 = joined(st.just("nexthop"), gateway4, st.just("dev eth0"), option("weight", st.integers(1, 256)))
hop6 = joined(st.just("nexthop"), gateway6, st.just("dev eth0"), option("weight", st.integers(1, 256)))
encap4 = st.sampled_from(
    ["encap ip id 100 dst 172.18.0.2", "encap ip id 5 src 172.18.0.4 dst 172.18.0.2 ttl 3 tos 4 key"]
)
encap6 = st.sampled_from(["encap ip6 id 7 dst fc00::9 hoplimit 3", "encap seg6 mode encap segs fc00::2,fc00::3"])
routes = st.one_of(
    joined(
        dst4,
        gateway4,
        st.just("dev eth0"),
        option("src", st.just("172.18.0.4")),
        option("tos", st.just("0x10")),
        *options,
    ),
    joined(dst4, st.just("dev eth0"), option("scope", st.sampled_from(["link", "host", "200"])), *options),
    joined(reject, dst4, *options),
    joined(dst4, *options, hop4, hop4),
    joined(dst4, encap4, gateway4, st.just("dev eth0")),
    joined(st.sampled_from(["local", "multicast", "broadcast"]), dst4, st.just("dev eth0"), *options),
    joined(dst4, option("nhid", st.sampled_from([5, 7, 8]))),
    joined(dst6, gateway6, st.just("dev eth0"), option("pref", st.sampled_from(["low", "high"])), *options),
    joined(dst6, option("from", prefixes("fc00::/16")), gateway6, st.just("dev eth0"), *options),
    joined(reject, dst6, *options),
    joined(dst6, *options, hop6, hop6),
    joined(dst6, encap6, st.just("dev eth0"), *options),
    joined(dst6, option("nhid", st.sampled_from([6, 9]))),
)
nexthops = [
    "nexthop add id 5 via 172.18.0.2 dev eth0",
    "nexthop add id 6 via fc00::2 dev eth0",
    "nexthop add id 7 group 5/10,3",
    "nexthop add id 8 blackhole",
    "nexthop add id 9 group 6",
    "nexthop add id 10 via 172.18.0.3 dev eth0",
]


def with_routes(commands: list[str]) -> dict[str, str]:
    printed = in_namespace([*SETUP, *nexthops, *commands])
    # The kernel may add a route of its own in between, when it notices that the link is up.
    assume(printed["text"] == printed["again"])
    return printed


def read(text: str) -> list[Route]:
    parsed = parse_ip_route(text)
    assert parsed.unparsed == []
    return parsed.routes


def without(routes: list[Route], *fields: str) -> list[Route]:
    """The routes without what a way of printing leaves out."""
    return [route._replace(raw="", **{name: Route._field_defaults[name] for name in fields}) for route in routes]


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(routes.map(lambda route: f"route add {route}"), min_size=1, max_size=25))
def test_a_table_reads_the_same_however_it_is_printed(commands: list[str]) -> None:
    printed = with_routes(commands)
    text = read(printed["text"])
    assert len(text) == len([line for line in printed["text"].splitlines() if not line.startswith("\t")])

    for way in ("oneline", "statistics", "colour"):
        assert without(read(printed[way])) == without(text)
    # JSON loses the locks.
    for way in ("json", "pretty"):
        assert without(read(printed[way])) == without(text, "locks")
    assert without(read(printed["json_detail"])) == without(read(printed["detail"]), "locks")
    assert without(read(printed["json_numeric"])) == without(read(printed["numeric"]), "locks")
    # Details name what is left out else, numbers stand for names.
    named = ("protocol", "scope", "table")
    assert without(read(printed["detail"]), *named) == without(text, *named)
    assert without(read(printed["numeric"]), *named) == without(text, *named)


@settings(max_examples=settings().max_examples // 6)
@given(st.lists(routes.map(lambda route: f"route add {route}"), min_size=1, max_size=25))
def test_json_read_plainly_says_the_same(commands: list[str]) -> None:
    printed = with_routes(commands)["json"]
    # Of two keys "dst" the first is the route's.
    objects = json.loads(printed, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    for route, found in zip(read(printed), objects, strict=True):
        default = "::/0" if "pref" in found else "0.0.0.0/0"
        assert route.dst == (default if found["dst"] == "default" else str(ip_network(found["dst"])))
        assert route.type == found.get("type", "unicast")
        assert route.gateway == found.get("gateway", found.get("via", {}).get("host"))
        assert list(route.flags) == found["flags"]
        assert route.mtu == found.get("metrics", [{}])[0].get("mtu")
        assert [(hop.dev, hop.weight) for hop in route.nexthops] == [
            (hop["dev"], hop["weight"]) for hop in found.get("nexthops", [])
        ]
        for name in ("dev", "protocol", "scope", "prefsrc", "metric", "table", "nhid", "pref"):
            assert getattr(route, name) == found.get(name)


@settings(max_examples=settings().max_examples // 6)
@given(st.lists(routes.map(lambda route: f"route add {route}"), min_size=1, max_size=25))
def test_busybox_prints_the_same_routes_with_less_of_each(commands: list[str]) -> None:
    printed = with_routes(commands)
    lost = ("protocol", "nexthops", "mtu", "metrics", "locks", "encap", "tos", "nhid", "pref", "flags", "gateway")
    for version, family in (("busybox4", "."), ("busybox6", ":")):
        text = [route for route in read(printed["text"]) if family in route.dst]
        busybox = [route for route in read(printed[version]) if family in route.dst]
        assert without(busybox, *lost) == without(text, *lost)
        for route, other in zip(busybox, text, strict=True):
            assert set(route.flags) <= set(other.flags)
            crosses = other.gateway is not None and (":" in other.gateway) != (":" in other.dst)
            assert route.gateway == (None if crosses else other.gateway)
