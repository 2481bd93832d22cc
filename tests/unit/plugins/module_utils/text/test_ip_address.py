# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_address import (
    InterfaceAddress,
    Link,
    ParsedLinks,
    parse_ip_address,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import Unparsed
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"

VXLAN = """\
2: vxlan.calico: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default qlen 1000
    link/ether 66:43:a6:0f:8b:12 brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535 \n\
    vxlan id 4096 local 172.18.0.3 dev eth0 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300 udpcsum numtxqueues 1 \n\
    inet 192.168.157.128/32 scope global vxlan.calico
       valid_lft forever preferred_lft forever
"""


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("addr*.txt")), ids=lambda path: path.stem)
def test_golden_links_are_those_written_down(path: Path) -> None:
    assert parse_ip_address(path.read_text()).as_dict() == json.loads(path.with_suffix(".json").read_text())


def test_a_tunnel_tells_its_kind_and_the_device_below_it() -> None:
    (link,) = parse_ip_address(VXLAN).links
    assert link == Link(
        raw=VXLAN.split("\n", maxsplit=1)[0],
        index=2,
        name="vxlan.calico",
        peer=None,
        flags=("BROADCAST", "MULTICAST", "UP", "LOWER_UP"),
        mtu=1450,
        state="UNKNOWN",
        mac="66:43:a6:0f:8b:12",
        kind="vxlan",
        underlay="eth0",
        addresses=(InterfaceAddress("192.168.157.128", 32, "global"),),
    )


def test_an_interface_without_a_carrier_is_not_up() -> None:
    header = "4: cali1@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN> mtu 1500 qdisc noqueue state LOWERLAYERDOWN"
    (link,) = parse_ip_address(header).links
    assert (link.name, link.peer, link.is_up) == ("cali1", "if2", False)


def test_an_address_may_have_a_peer_with_the_prefix() -> None:
    text = "3: tun0: <POINTOPOINT,UP> mtu 1500\n    inet 10.9.0.1 peer 10.9.0.2/32 scope global tun0\n"
    (link,) = parse_ip_address(text).links
    assert link.addresses == (InterfaceAddress("10.9.0.1", 32, "global", "10.9.0.2"),)


def test_a_bridge_port_names_its_master() -> None:
    text = "4: veth1@if2: <UP> mtu 1500 qdisc noqueue master cni0 state UP group default\n    veth \n    bridge_slave state x\n"
    (link,) = parse_ip_address(text).links
    assert (link.master, link.kind, link.underlay) == ("cni0", "veth", None)


def test_the_priorities_of_a_vlan_are_passed_over() -> None:
    text = (
        "5: bond0.10@bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \n"
        "    vlan protocol 802.1Q id 10 <REORDER_HDR> \n"
        "      ingress-qos-map { 5:6 } \n"
        "      egress-qos-map { 1:2 3:4 } numtxqueues 1 numrxqueues 1 \n"
    )
    parsed = parse_ip_address(text)
    assert ([link.kind for link in parsed.links], parsed.unparsed) == (["vlan"], ())


def test_what_is_below_no_interface_is_not_understood() -> None:
    line = "    inet 10.0.0.1/8 scope global eth0"
    assert parse_ip_address(f"{line}\n") == ParsedLinks((), (Unparsed(1, line),))


@pytest.mark.parametrize(
    "line", ["Device not found", "1: lo mtu 5", "    inet 10.0.0/8 scope global", "    inet6 ::1/128", "    Some words"]
)
def test_a_line_that_is_none_of_an_interface_stands_unparsed(line: str) -> None:
    assert parse_ip_address(f"{VXLAN}{line}\n").unparsed == (Unparsed(6, line),)


@given(st.text() | st.lists(st.sampled_from(VXLAN.split("\n"))).map("\n".join))
def test_any_text_is_read_or_stands_unparsed(text: str) -> None:
    parse_ip_address(text)


def _can_make_namespaces() -> bool:
    return (
        bool(shutil.which("ip") and shutil.which("unshare"))
        and not subprocess.run(
            ["unshare", "-r", "-n", "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wan0"],
            capture_output=True,
            check=False,
        ).returncode
    )


SCRIPT = """\
ip link set lo up
ip link add br0 type bridge
ip link add cali0cf1c4ecf1f type veth peer name eth0
ip link set eth0 mtu 1400 master br0
ip link set cali0cf1c4ecf1f up alias "a name: <x> mtu 5"
ip address add 10.244.1.1/24 dev br0
ip address add 10.9.0.1 peer 10.9.0.2/32 dev br0
ip address add fd00::1/64 dev br0 nodad
ip link set br0 up
ip link add vx0 type vxlan id 42 dev br0 dstport 4789 local 10.244.1.1
ip link set vx0 mtu 1300 up
"""


@pytest.mark.skipif(
    not _can_make_namespaces(), reason="no network namespaces here: ip, unshare and a right to it are needed"
)
@pytest.mark.parametrize("options", ["", "-d", "-s", "-s -d"])
def test_a_kernels_interfaces_are_read_as_its_json_says(options: str) -> None:
    def run(printer: str) -> str:
        command = ["unshare", "-r", "-n", "sh", "-ec", f"{{ {SCRIPT} }} >&2; {printer}"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    text, printed_json = run(f"ip {options} addr; printf '\\f'; ip -d -j addr").split("\f")
    parsed = parse_ip_address(text)
    assert parsed.unparsed == ()
    assert [_comparable(link, "-d" in options) for link in parsed.links] == [
        _from_json(entry, "-d" in options) for entry in json.loads(printed_json)
    ]


def _comparable(link: Link, details: bool) -> dict[str, Any]:
    return {
        "name": link.name,
        "peer": link.peer,
        "flags": set(link.flags),
        "mtu": link.mtu,
        "state": link.state,
        "master": link.master,
        "mac": link.mac,
        "kind": link.kind if details else None,
        "addresses": {(entry.address, entry.peer, entry.prefix_length, entry.scope) for entry in link.addresses},
    }


def _from_json(entry: dict[str, Any], details: bool) -> dict[str, Any]:
    return {
        "name": entry["ifname"],
        "peer": entry.get("link"),
        "flags": set(entry["flags"]),
        "mtu": entry["mtu"],
        "state": entry["operstate"],
        "master": entry.get("master"),
        "mac": entry["address"],
        "kind": entry.get("linkinfo", {}).get("info_kind") if details else None,
        "addresses": {
            (item["local"], item.get("address"), item["prefixlen"], item["scope"]) for item in entry["addr_info"]
        },
    }
