# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text.lines import Unparsed
from ansible_collections.kubelab.podnet.plugins.module_utils.text.proc_net_tcp import TcpSocket, parse_proc_net_tcp
from hypothesis import given
from hypothesis import strategies as st

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
HEADER6 = (
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when"
    " retrnsmt   uid  timeout inode\n"
)
LISTEN = (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 57623 1 00000000d8751023 100 0"
    " 0 10 0                      \n"
)
TIME_WAIT = (
    "   1: 0000000000000000FFFF0000869DA8C0:0016 0000000000000000FFFF0000819DA8C0:B1C2 06 00000000:00000000 03:00001763"
    " 00000000     0        0 0 3 00000000d8751023\n"
)
IPV6 = (
    "   2: 000010FD44020A0000000000060000F1:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000"
    " 00000000     0        0 7 1 00000000d8751023 100 0 0 10 0\n"
)


def test_a_row_has_addresses_ports_state_and_inode() -> None:
    parsed = parse_proc_net_tcp(HEADER + LISTEN)
    assert parsed.unparsed == ()
    assert parsed.sockets == (TcpSocket("127.0.0.1", 8080, "0.0.0.0", 0, "LISTEN", 57623),)  # noqa: S104


def test_an_ipv4_peer_of_an_ipv6_socket_is_ipv4() -> None:
    (row,) = parse_proc_net_tcp(HEADER6 + TIME_WAIT).sockets
    assert row == TcpSocket("192.168.157.134", 22, "192.168.157.129", 45506, "TIME_WAIT", 0)


def test_an_ipv6_address_is_read_word_by_word() -> None:
    (row,) = parse_proc_net_tcp(HEADER6 + IPV6).sockets
    assert (row.local_address, row.remote_address) == ("fd10:0:a:244::f100:6", "::")


def test_both_files_may_follow_one_another() -> None:
    assert len(parse_proc_net_tcp(HEADER + LISTEN + HEADER6 + TIME_WAIT).sockets) == 2


@pytest.mark.parametrize(
    "line",
    [
        LISTEN[:60],
        LISTEN.replace(" 0A ", " 0E "),
        LISTEN.replace(" 0A ", " 00 "),
        LISTEN.replace("0100007F", "0100007"),
        "cat: can't open '/proc/net/tcp6': No such file or directory",
    ],
)
def test_what_is_not_understood_is_reported(line: str) -> None:
    parsed = parse_proc_net_tcp(HEADER + line)
    assert parsed.sockets == ()
    assert parsed.unparsed == (Unparsed(2, line.removesuffix("\n")),)


def test_plain_json_has_rows_and_rest() -> None:
    assert parse_proc_net_tcp(LISTEN + "?").as_dict() == {
        "sockets": [
            {
                "local_address": "127.0.0.1",
                "local_port": 8080,
                "remote_address": "0.0.0.0",  # noqa: S104
                "remote_port": 0,
                "state": "LISTEN",
                "inode": 57623,
            }
        ],
        "unparsed": [{"line": 2, "text": "?"}],
    }


@pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="this kernel shows no TCP sockets")
@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel prints addresses in its own byte order")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")])
def test_a_connection_of_this_machine_is_found_in_its_own_files(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as server, socket.socket() as client:
        server.bind((host, 0))
        server.listen()
        port = server.getsockname()[1]
        client.connect(("127.0.0.1", port))
        accepted, _unused = server.accept()
        with accepted:
            text = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
            parsed = parse_proc_net_tcp(text)
            inode = int(os.readlink(f"/proc/self/fd/{accepted.fileno()}").removeprefix("socket:[").removesuffix("]"))
            peer = client.getsockname()[1]
    assert parsed.unparsed == ()
    assert TcpSocket("127.0.0.1", port, "127.0.0.1", peer, "ESTABLISHED", inode) in parsed.sockets


@given(st.text() | st.lists(st.sampled_from([HEADER, LISTEN, TIME_WAIT, IPV6]) | st.text(max_size=9)).map("".join))
def test_any_text_is_accounted_for_line_by_line(text: str) -> None:
    parsed = parse_proc_net_tcp(text)
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    headers = [line for line in lines if line.split()[:2] == HEADER.split()[:2]]
    assert len(parsed.sockets) + len(parsed.unparsed) >= len(lines) - len(headers)
