from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_ping import OPERATION

from tests.support.api_server import ApiServer, Printed, printing, refusing, status
from tests.support.objects import Object, node, pod, recorded
from tests.support.running import Result, fail, run, succeed

Probe = dict[str, str]


def answered(address: str, received: int = 5, transmitted: int = 5, ttl: int = 62) -> Printed:
    """What busybox prints."""
    replies = "".join(f"64 bytes from {address}: seq={seq} ttl={ttl} time=0.1{seq} ms\n" for seq in range(received))
    loss = 100 * (transmitted - received) // transmitted
    times = "round-trip min/avg/max = 0.101/0.121/0.141 ms\n" if received else ""
    return Printed(
        f"PING {address} ({address}): 56 data bytes\n{replies}\n--- {address} ping statistics ---\n"
        f"{transmitted} packets transmitted, {received} packets received, {loss}% packet loss\n{times}",
        exit_code=0 if received else 1,
    )


@pytest.fixture
def lab(server: ApiServer) -> ApiServer:
    server.put(
        node("demo-worker", "172.18.0.3", "fc00::3"),
        pod("bb1", "192.168.157.134", "fd00::134", node="demo-worker"),
        pod("bb2", "192.168.121.73", node="demo-worker2"),
        pod("six", "fd00::6", node="demo-worker2"),
        pod("waiting"),
    )
    server.programs["ping"] = lambda command, pod: answered(command[-1])
    return server


def ping(server: ApiServer, *probes: Probe, **more: Any) -> Result:
    return run(OPERATION, server, probes=list(probes), **more)


def probe(source: str, target: str, expect: str = "reachable") -> Probe:
    return {"from": source, "to": target, "expect": expect}


def only(result: Result) -> dict[str, Any]:
    (item,) = result["probes"]
    found: dict[str, Any] = item
    return found


def test_a_pod_that_answers_is_told_with_its_figures(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, probes=[probe("bb1", "bb2")])
    assert not result["changed"]
    assert only(result) == {
        "from": "default/bb1",
        "to": "default/bb2",
        "expect": "reachable",
        "address": "192.168.121.73",
        "reachable": True,
        "retried": False,
        "transmitted": 5,
        "received": 5,
        "loss_percent": 0.0,
        "rtt_ms": {"min": 0.101, "avg": 0.121, "max": 0.141, "mdev": None},
        "ttl": 62,
        "errors": [],
        "printed": answered("192.168.121.73").stdout,
    }


def test_the_command_names_an_address_and_a_count(lab: ApiServer) -> None:
    succeed(OPERATION, lab, probes=[probe("bb1", "bb2"), probe("bb1", "8.8.8.8")], count=3)
    assert sorted(lab.commands()) == [
        ["ping", "-n", "-c", "3", "-W", "2", "192.168.121.73"],
        ["ping", "-n", "-c", "3", "-W", "2", "8.8.8.8"],
    ]


def test_probes_stand_in_the_order_asked_for(lab: ApiServer) -> None:
    targets = [f"10.0.0.{number}" for number in range(1, 41)]
    result = succeed(OPERATION, lab, probes=[probe("bb1", target) for target in targets])
    assert [item["to"] for item in result["probes"]] == targets


def test_a_target_is_probed_at_an_address_of_a_family_that_the_source_has(lab: ApiServer) -> None:
    result = succeed(
        OPERATION,
        lab,
        probes=[probe("bb1", "six"), probe("six", "bb1"), probe("bb2", "bb1"), probe("six", "node/demo-worker")],
    )
    assert [item["address"] for item in result["probes"]] == ["fd00::6", "fd00::134", "192.168.157.134", "fc00::3"]


def test_ends_without_a_family_in_common_are_told_so(lab: ApiServer) -> None:
    result = ping(lab, probe("bb2", "six"), probe("six", "8.8.8.8"))
    assert [item["error"] for item in result["probes"]] == ["invalid-input"] * 2
    assert result["probes"][0]["msg"] == "pod default/bb2 and pod default/six have no address family in common"


def test_a_node_pings_through_its_agent(lab: ApiServer) -> None:
    lab.put(pod("calico-a", "172.18.0.3", node="demo-worker", labels={"k8s-app": "calico-node"}, host_network=True))
    result = succeed(OPERATION, lab, probes=[probe("node/demo-worker", "bb1"), probe("bb1", "node/demo-worker")])
    assert [item["address"] for item in result["probes"]] == ["192.168.157.134", "172.18.0.3"]
    assert sorted(str(request) for request in lab.requests if request.method == "EXEC") == [
        "EXEC /api/v1/namespaces/default/pods/bb1/exec",
        "EXEC /api/v1/namespaces/default/pods/calico-a/exec",
    ]


def test_a_node_pings_from_a_probe_pod_that_is_removed_afterwards(lab: ApiServer) -> None:
    succeed(OPERATION, lab, probes=[probe("node/demo-worker", "bb1")], access="probe_pod")
    assert [change.split()[0] for change in lab.changes()] == ["POST", "DELETE"]
    assert [p["metadata"]["name"] for p in lab.all("Pod") if "probe" in p["metadata"]["name"]] == []


# --- loss --------------------------------------------------------------------------------------------------------------


def test_a_loss_in_the_crowd_is_asked_again_alone(lab: ApiServer) -> None:
    outputs = printing(answered("192.168.121.73", 3), answered("192.168.121.73"))
    lab.programs["ping"] = outputs
    item = only(succeed(OPERATION, lab, probes=[probe("bb1", "bb2")]))
    assert (item["retried"], item["received"], item["loss_percent"]) == (True, 5, 0.0)
    assert len(lab.commands()) == 2


def test_a_loss_that_stays_is_reported_with_the_next_step(lab: ApiServer) -> None:
    lab.programs["ping"] = lambda command, pod: answered(command[-1], 3)
    result = ping(lab, probe("bb1", "bb2"))
    item = only(result)
    assert (result["error"], item["error"]) == ("items-failed", "unexpected")
    assert (item["reachable"], item["received"], item["retried"]) == (True, 3, True)
    assert item["msg"] == (
        "3 of 5 pings from pod default/bb1 to pod default/bb2 were answered, asked again alone too; look at the routes of both "
        "nodes (node_route_info)"
    )


def test_a_loss_too_small_for_busyboxs_percent_is_a_loss(lab: ApiServer) -> None:
    lab.programs["ping"] = lambda command, pod: answered(command[-1], 299, 300)
    assert "0% packet loss" in str(answered("x", 299, 300).stdout)
    result = ping(lab, probe("bb1", "bb2"), count=300)
    assert only(result)["error"] == "unexpected"
    assert "299 of 300 pings" in result["msg"]


def test_only_what_failed_is_asked_again(lab: ApiServer) -> None:
    tries: dict[str, int] = {}

    def at_first_lossy(command: list[str], pod: Object) -> Printed:
        tries[command[-1]] = tries.get(command[-1], 0) + 1
        return answered(command[-1], 5 if tries[command[-1]] > 1 or command[-1] == "10.0.0.1" else 0)

    lab.programs["ping"] = at_first_lossy
    result = succeed(OPERATION, lab, probes=[probe("bb1", f"10.0.0.{number}") for number in range(1, 6)])
    assert tries == {"10.0.0.1": 1, **{f"10.0.0.{number}": 2 for number in range(2, 6)}}
    assert [item["retried"] for item in result["probes"]] == [False, True, True, True, True]


@pytest.mark.slow
def test_a_loss_is_still_told_as_one_when_no_time_is_left_to_ask_again(lab: ApiServer) -> None:
    lab.programs["ping"] = printing(answered("192.168.121.73", 0), Printed(end="never"))
    item = only(ping(lab, probe("bb1", "bb2"), timeout=2))
    assert (item["error"], item["retried"], item["received"]) == ("unexpected", False, 0)
    assert item["msg"] == (
        "0 of 5 pings from pod default/bb1 to pod default/bb2 were answered, and no time was left to ask again alone; "
        "look at the routes of both nodes (node_route_info)"
    )


def test_what_routers_say_of_a_loss_is_repeated(lab: ApiServer) -> None:
    said = (
        "PING 192.168.121.73 (192.168.121.73) 56(84) bytes of data.\n"
        "From 172.18.0.4 icmp_seq=1 Destination Host Unreachable\nFrom 172.18.0.4 icmp_seq=2 Destination Host Unreachable\n\n"
        "--- 192.168.121.73 ping statistics ---\n2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1007ms\n"
    )
    lab.programs["ping"] = printing(Printed(said, exit_code=1))
    item = only(ping(lab, probe("bb1", "bb2")))
    assert item["errors"] == ["Destination Host Unreachable (from 172.18.0.4)"]
    assert "asked again alone too (Destination Host Unreachable (from 172.18.0.4))" in item["msg"]


@pytest.mark.parametrize(
    "said", ["sendto: Invalid argument", "sendto: Network is unreachable", "sendmsg: Operation not permitted"]
)
def test_a_ping_that_cannot_even_be_sent_has_lost_everything(lab: ApiServer, said: str) -> None:
    """A blackhole, a missing route, a firewall on the way out: no packet leaves."""
    lab.programs["ping"] = printing(
        Printed("PING 192.168.121.73 (192.168.121.73): 56 data bytes\n", f"ping: {said}\n", 1)
    )
    item = only(ping(lab, probe("bb1", "bb2")))
    assert (item["error"], item["received"], item["transmitted"], item["loss_percent"]) == ("unexpected", 0, 5, 100.0)
    assert item["errors"] == [said.partition(": ")[2]]


# --- unreachable is what is expected -----------------------------------------------------------------------------------


def test_silence_is_what_is_expected_of_an_unreachable_target(lab: ApiServer) -> None:
    lab.programs["ping"] = lambda command, pod: answered(command[-1], 0)
    item = only(succeed(OPERATION, lab, probes=[probe("bb1", "bb2", "unreachable")]))
    assert (item["reachable"], item["received"], item["rtt_ms"], item["ttl"]) == (False, 0, None, None)
    assert len(lab.commands()) == 1


@pytest.mark.parametrize("received", [1, 5])
def test_any_answer_of_an_unreachable_target_is_reported(lab: ApiServer, received: int) -> None:
    lab.programs["ping"] = lambda command, pod: answered(command[-1], received)
    item = only(ping(lab, probe("bb1", "bb2", "unreachable")))
    assert item["error"] == "unexpected"
    assert item["msg"] == (
        f"{received} of 5 pings from pod default/bb1 to pod default/bb2 were answered, though it is to be unreachable; look "
        "for the rule or policy that should keep them apart"
    )


# --- pings that tell nothing -------------------------------------------------------------------------------------------

EXPECTATIONS = ["reachable", "unreachable"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_an_image_without_ping_proves_nothing(lab: ApiServer, expect: str) -> None:
    del lab.programs["ping"]
    item = only(ping(lab, probe("bb1", "bb2", expect)))
    assert item["error"] == "exec-failed"
    assert "the image has no program ping; use one that has it, such as busybox" in item["msg"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize(
    "said",
    [
        "ping: permission denied (are you root?)",
        "ping: socket: Operation not permitted",
        "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?",
    ],
)
def test_a_container_that_may_not_ping_proves_nothing(lab: ApiServer, said: str, expect: str) -> None:
    lab.programs["ping"] = printing(Printed("", said + "\n", 1))
    item = only(ping(lab, probe("bb1", "bb2", expect)))
    assert item["error"] == "exec-failed"
    assert item["msg"].startswith("pod default/bb1 may not send pings (ping: ")
    assert "NET_RAW" in item["msg"]
    assert "\n" not in item["msg"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize(
    "printed",
    [
        pytest.param(Printed("", "", 137), id="killed before a word"),
        pytest.param(
            Printed("PING 192.168.121.73 (192.168.121.73): 56 data bytes\n", "", 137), id="killed after its header"
        ),
        pytest.param(
            Printed(
                "PING 192.168.121.73 (192.168.121.73): 56 data bytes\n64 bytes from 192.168.121.73: seq=0 ttl=62 time=0.1 ms\n"
            ),
            id="cut off after a reply",
        ),
        pytest.param(
            Printed("", "ping: unrecognized option: n\nBusyBox v1.35.0\n\nUsage: ping [OPTIONS] HOST\n", 1), id="usage"
        ),
        pytest.param(Printed("pong\n"), id="another program of that name"),
        pytest.param(Printed("ping: invalid number '-1'\n", "", 1), id="an argument that it does not take"),
    ],
)
def test_a_ping_that_does_not_tell_how_it_ended_proves_nothing(lab: ApiServer, printed: Printed, expect: str) -> None:
    lab.programs["ping"] = printing(printed)
    item = only(ping(lab, probe("bb1", "bb2", expect)))
    assert item["error"] == "exec-failed"
    assert item["msg"].startswith("ping of 192.168.121.73 in pod default/bb1 did not tell how it ended (exit code ")
    assert "\n" not in item["msg"]


@pytest.mark.usefixtures("short_seconds")
@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_a_ping_that_never_ends_proves_nothing(lab: ApiServer, expect: str) -> None:
    lab.programs["ping"] = printing(Printed(end="never"))
    assert only(ping(lab, probe("bb1", "bb2", expect), timeout=1))["error"] == "deadline-exceeded"


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_a_connection_that_breaks_proves_nothing(lab: ApiServer, expect: str) -> None:
    lab.programs["ping"] = printing(Printed("PING", end="cut"))
    assert only(ping(lab, probe("bb1", "bb2", expect)))["error"] == "connection-failed"


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_an_exec_that_is_not_allowed_proves_nothing(lab: ApiServer, expect: str) -> None:
    lab.misbehave("EXEC", ".*", refusing(403, status(403, "Forbidden", 'cannot create resource "pods/exec"')))
    item = only(ping(lab, probe("bb1", "bb2", expect)))
    assert item["error"] == "forbidden"
    assert "pods/exec" in item["msg"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize(
    ("source", "target", "code", "said"),
    [
        ("bb9", "bb2", "not-found", "pod default/bb9 is not in the cluster"),
        ("bb1", "bb9", "not-found", "pod default/bb9 is not in the cluster"),
        ("bb1", "node/demo-wroker", "not-found", "node demo-wroker is not in the cluster"),
        ("node/demo-wroker", "bb1", "not-found", "node demo-wroker is not in the cluster"),
        ("bb1", "waiting", "pod-not-ready", "pod default/waiting is not scheduled"),
        ("waiting", "bb1", "pod-not-ready", "pod default/waiting is not scheduled"),
        ("node/demo-worker2", "bb1", "no-node-access", "no way to run ping on node demo-worker2"),
    ],
)
def test_an_end_that_cannot_be_used_is_named(
    lab: ApiServer, source: str, target: str, code: str, said: str, expect: str
) -> None:
    result = ping(lab, probe(source, target, expect), probe("bb1", "bb2"))
    failed, other = result["probes"]
    assert failed["error"] == code
    assert failed["msg"].startswith(said)
    assert other["received"] == 5


def test_a_finished_pod_has_no_address_any_more(lab: ApiServer) -> None:
    done = next(item for item in recorded("pods")["items"] if item["metadata"]["name"] == "done1")
    lab.put({"kind": "Pod", **done})
    assert only(ping(lab, probe("bb1", "done1")))["error"] == "pod-not-ready"


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_that_would_ping_for_ever_is_refused(lab: ApiServer, count: int) -> None:
    code, message = fail(OPERATION, lab, probes=[probe("bb1", "bb2")], count=count)
    assert (code, message) == ("invalid-input", f"count must be at least 1, not {count}")
    assert lab.requests == []


# --- check mode --------------------------------------------------------------------------------------------------------


def test_in_check_mode_what_is_there_is_measured_and_what_is_not_is_skipped(lab: ApiServer) -> None:
    result = succeed(
        OPERATION,
        lab,
        check_mode=True,
        probes=[probe("bb1", "bb2"), probe("bb1", "bb3"), probe("waiting", "bb1"), probe("node/demo-worker", "bb1")],
        access="probe_pod",
    )
    measured, *skipped = result["probes"]
    assert measured["received"] == 5
    assert [item["skipped"] for item in skipped] == [True] * 3
    assert [item["msg"] for item in skipped] == [
        "would ping pod default/bb3 from pod default/bb1 once there is pod default/bb3",
        "would ping pod default/bb1 from pod default/waiting once there is pod default/waiting",
        "would ping pod default/bb1 from node demo-worker once there is a probe pod on node demo-worker",
    ]
    assert lab.changes() == []


def test_in_check_mode_a_node_that_is_not_there_is_an_error_all_the_same(lab: ApiServer) -> None:
    result = ping(lab, probe("node/demo-wroker", "bb1"), check_mode=True)
    assert only(result)["error"] == "not-found"


def test_a_hundred_pods_ping_each_other_in_one_task(lab: ApiServer) -> None:
    lab.put(*(pod(f"p{number}", f"10.1.0.{number + 1}") for number in range(100)))
    probes = [probe(f"p{number}", f"p{(number + 1) % 100}") for number in range(100)]
    result = succeed(OPERATION, lab, probes=probes)
    assert [item["address"] for item in result["probes"]] == [
        f"10.1.0.{(number + 1) % 100 + 1}" for number in range(100)
    ]
