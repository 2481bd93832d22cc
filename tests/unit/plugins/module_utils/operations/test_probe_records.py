from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import Measured, Result
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import (
    Probe,
    ProbeConnection,
    ProbeLookup,
    ProbePing,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probe_records import (
    ProbeRecords,
    add_measured,
)

NAME = "kubernetes.default.svc.cluster.local"
LOST = "PING 192.168.0.9 (192.168.0.9): 56 data bytes\n\n2 packets transmitted, 0 packets received, 100% packet loss"
ROW = (
    "   1: 0000000000000000FFFF000081B5A8C0:F230 0000000000000000FFFF0000020012AC:B87C 08 00000000:00000001 00:00000000"
    " 00000000     0        0 853478 1 000000009b0440de 20 4 0 10 -1"
)


def recorded(*results: Result, seen: dict[str, tuple[int, str]] | None = None) -> dict[str, Probe]:
    """The records of the probes a and b, of which a measured."""
    records = {name: ProbeRecords(f"probes/{name}") for name in ("podnet-probe-a", "podnet-probe-b")}
    targets = {"192.168.181.129": "probes/podnet-probe-b", "172.18.0.2": "demo-worker"}
    add_measured(records, "podnet-probe-a", Measured(list(results), seen or {}), targets, 62000, NAME)
    return {name.rpartition("-")[2]: record.record() for name, record in records.items()}


def test_a_ping_that_was_answered_keeps_its_ttl_and_names_its_target() -> None:
    probe = recorded(Result("ping", "172.18.0.2", "ok", "63"))["a"]
    assert probe.pings == (ProbePing("demo-worker", "172.18.0.2", 1, 1, ttl=63),)


def test_an_address_of_nobody_is_its_own_target() -> None:
    assert recorded(Result("ping", "8.8.8.8", "ok", "62"))["a"].pings[0].target == "8.8.8.8"


def test_a_loss_was_tried_twice() -> None:
    (ping,) = recorded(Result("ping", "192.168.0.9", "lost", LOST))["a"].pings
    assert (ping.transmitted, ping.received, ping.ttl, ping.retried) == (2, 0, None, True)


def test_a_ping_that_came_back_at_the_second_try_says_so() -> None:
    text = (
        "PING 192.168.0.9 (192.168.0.9): 56 data bytes\n64 bytes from 192.168.0.9: seq=1 ttl=62 time=0.1 ms\n\n"
        "2 packets transmitted, 1 packets received, 50% packet loss"
    )
    (ping,) = recorded(Result("ping", "192.168.0.9", "again", text))["a"].pings
    assert (ping.transmitted, ping.received, ping.ttl, ping.retried) == (2, 1, 62, True)


def test_the_reason_of_a_ping_that_could_not_be_sent_is_kept() -> None:
    text = "PING 192.168.0.9 (192.168.0.9): 56 data bytes\nping: sendto: Network is unreachable"
    (ping,) = recorded(Result("ping", "192.168.0.9", "lost", text))["a"].pings
    assert ping.received == 0
    assert ping.errors == ("Network is unreachable",)


def test_a_ping_of_large_packets_keeps_their_size() -> None:
    text = (
        "1450\nPING 192.168.0.9 (192.168.0.9) 1422(1450) bytes of data.\n"
        "1430 bytes from 192.168.0.9: icmp_seq=1 ttl=62 time=0.1 ms\n\n"
        "--- 192.168.0.9 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms"
    )
    (ping,) = recorded(Result("size", "192.168.0.9", "ok", text))["a"].pings
    assert ping == ProbePing("192.168.0.9", "192.168.0.9", 1, 1, ttl=62, size=1450)


def test_large_packets_that_do_not_fit_say_where() -> None:
    text = (
        "1450\nPING 192.168.0.9 (192.168.0.9) 1422(1450) bytes of data.\n"
        "From 172.18.0.4 icmp_seq=1 Frag needed and DF set (mtu = 1300)\n\n"
        "--- 192.168.0.9 ping statistics ---\n2 packets transmitted, 0 received, +1 errors, 100% packet loss, time 201ms"
    )
    (ping,) = recorded(Result("size", "192.168.0.9", "lost", text))["a"].pings
    assert (ping.received, ping.retried, ping.size) == (0, True, 1450)
    assert ping.errors == ("Frag needed and DF set (mtu = 1300)",)


def test_pings_that_may_not_be_sent_are_not_read_as_losses() -> None:
    probe = recorded(Result("ping", "192.168.0.9", "lost", "ping: permission denied (are you root?)"))["a"]
    assert probe.pings == ()
    assert "NET_RAW" in probe.unread["pings"]


def test_a_connection_tells_who_answered_and_whom_that_one_saw() -> None:
    probe = recorded(Result("connect", "192.168.181.129", "ok", f"podnet-probe-b {ROW}"))["a"]
    assert probe.connections == (
        ProbeConnection(
            *("probes/podnet-probe-b", "192.168.181.129", 62000),
            ok=True,
            answered_by="probes/podnet-probe-b",
            seen="172.18.0.2",
        ),
    )


def test_a_connection_that_somebody_else_answered_keeps_the_target_that_was_dialled() -> None:
    (connection,) = recorded(Result("connect", "192.168.0.9", "ok", f"podnet-probe-b {ROW}"))["a"].connections
    assert (connection.target, connection.answered_by) == ("192.168.0.9", "probes/podnet-probe-b")


def test_a_connection_without_the_receivers_row_is_made_and_nothing_is_seen() -> None:
    (connection,) = recorded(Result("connect", "192.168.181.129", "ok", "podnet-probe-b "))["a"].connections
    assert (connection.ok, connection.seen) == (True, None)


def test_a_connection_that_failed_says_why() -> None:
    (connection,) = recorded(Result("connect", "192.168.181.129", "lost", "nc: timed out"))["a"].connections
    assert (connection.ok, connection.error) == (False, "nc: timed out")
    (silent,) = recorded(Result("connect", "192.168.181.129", "lost", ""))["a"].connections
    assert silent.error == "nobody answered"


def test_addresses_are_taken_from_the_answer_and_not_from_the_name_server() -> None:
    server, names = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n", f"Name:\t{NAME}\nAddress:"
    text = f"{server}{names} 10.96.0.1\n\n{names} fd00::1\n"
    assert recorded(Result("lookup", "10.96.0.10", "ok", text))["a"].lookups == (
        ProbeLookup(NAME, ("10.96.0.1", "fd00::1")),
    )


def test_a_name_that_is_not_found_is_an_error() -> None:
    text = f"Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find {NAME}: NXDOMAIN\n"
    (lookup,) = recorded(Result("lookup", "10.96.0.10", "lost", text))["a"].lookups
    assert lookup.addresses == ()
    assert "NXDOMAIN" in (lookup.error or "")


def test_a_name_server_that_says_nothing_is_an_error() -> None:
    (lookup,) = recorded(Result("lookup", "10.96.0.10", "lost", ""))["a"].lookups
    assert lookup.error == "no answer in time"


def test_a_trace_is_kept_as_printed() -> None:
    text = "traceroute to 192.168.181.129 (192.168.181.129), 8 hops max, 46 byte packets\n 1  172.18.0.3  0.004 ms"
    (trace,) = recorded(Result("trace", "192.168.181.129", "ok", text))["a"].traceroutes
    assert (trace.target, trace.printed) == ("probes/podnet-probe-b", text + "\n")


def test_a_trace_that_may_not_be_made_is_no_trace() -> None:
    probe = recorded(Result("trace", "192.168.181.129", "ok", "traceroute: socket: Operation not permitted"))["a"]
    assert probe.traceroutes == ()
    assert "traceroutes" in probe.unread


def test_what_the_pod_says_of_itself_is_kept_by_command() -> None:
    seen = {
        "ip addr": (0, "1: lo\n"),
        "cat /etc/resolv.conf": (0, "nameserver 10.96.0.10\n"),
        "ip -6 route": (1, "no IPv6\n"),
    }
    probe = recorded(seen=seen)["a"]
    assert probe.printed == {"ip addr": "1: lo\n", "resolv.conf": "nameserver 10.96.0.10\n"}
    assert probe.unread == {"ip -6 route": "no IPv6"}
