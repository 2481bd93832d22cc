from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import pod_traceroute
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_traceroute import OPERATION

from tests.support.api_server import ApiServer, Printed, printing, refusing
from tests.support.objects import node, pod, recorded
from tests.support.running import Result, fail, run, succeed

Probe = dict[str, str]


def traced(target: str, *hops: str) -> str:
    """What busybox prints with -q 1; a hop is an address or a star."""
    lines = [f"{ttl:2d}  {hop if hop == '*' else f'{hop}  0.00{ttl} ms'}\n" for ttl, hop in enumerate(hops, 1)]
    return f"traceroute to {target} ({target}), 15 hops max, 46 byte packets\n" + "".join(lines)


PATH = traced("192.168.157.134", "172.18.0.4", "172.18.0.3", "192.168.157.134")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of which passes for real."""
    pauses: list[float] = []
    monkeypatch.setattr(pod_traceroute.time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def lab(server: ApiServer, pauses: list[float]) -> ApiServer:
    bridge = node("demo-control-plane", "172.18.0.2")
    bridge["spec"]["podCIDRs"] = ["10.244.0.0/24"]
    server.put(
        bridge,
        pod("bb1", "192.168.157.134", node="demo-worker"),
        pod("bb2", "192.168.121.73", node="demo-worker2"),
    )
    server.programs["traceroute"] = printing(PATH)
    return server


def trace(server: ApiServer, *probes: Probe, **more: Any) -> Result:
    return run(OPERATION, server, probes=list(probes), **more)


def probe(source: str = "bb2", target: str = "bb1", expect: str = "reachable") -> Probe:
    return {"from": source, "to": target, "expect": expect}


def only(result: Result) -> dict[str, Any]:
    (item,) = result["probes"]
    found: dict[str, Any] = item
    return found


def test_the_path_is_told_by_the_names_of_nodes_and_pods(lab: ApiServer, pauses: list[float]) -> None:
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert item["path"] == ["node demo-worker2", "node demo-worker", "pod default/bb1"]
    assert item["hops"][0] == {
        "ttl": 1,
        "probes": [{"address": "172.18.0.4", "name": "node demo-worker2", "rtt_ms": 0.001, "annotation": None}],
    }
    assert (item["from"], item["to"], item["address"]) == ("default/bb2", "default/bb1", "192.168.157.134")
    assert (item["reached"], item["loop"], item["retried"], item["printed"]) == (True, False, False, PATH)
    assert pauses == []


def test_the_command_sends_one_packet_a_hop_and_asks_no_names(lab: ApiServer) -> None:
    succeed(OPERATION, lab, probes=[probe()], max_hops=5)
    assert lab.commands() == [["traceroute", "-n", "-q", "1", "-w", "1", "-m", "5", "192.168.157.134"]]


def test_traces_run_one_after_the_other_in_the_order_asked_for(lab: ApiServer) -> None:
    lab.programs["traceroute"] = lambda command, pod: Printed(traced(command[-1], command[-1]))
    result = succeed(OPERATION, lab, probes=[probe(), probe("bb1", "bb2"), probe("bb1", "8.8.8.8")])
    assert [command[-1] for command in lab.commands()] == ["192.168.157.134", "192.168.121.73", "8.8.8.8"]
    assert [item["path"] for item in result["probes"]] == [["pod default/bb1"], ["pod default/bb2"], ["8.8.8.8"]]


def test_an_address_that_a_node_took_from_its_pod_cidr_is_that_nodes(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(traced("192.168.157.134", "10.244.0.1", "192.168.157.134"))
    assert only(succeed(OPERATION, lab, probes=[probe()]))["path"] == ["node demo-control-plane", "pod default/bb1"]


def test_a_hop_that_is_nobodys_keeps_its_address(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(traced("192.168.157.134", "10.9.9.9", "192.168.157.134"))
    assert only(succeed(OPERATION, lab, probes=[probe()]))["path"] == ["10.9.9.9", "pod default/bb1"]


def test_where_nodes_may_not_be_listed_hops_keep_their_addresses(lab: ApiServer) -> None:
    lab.misbehave("GET", "/api/v1/nodes", refusing(403, recorded("403")))
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert item["path"] == ["172.18.0.4", "172.18.0.3", "pod default/bb1"]


def test_a_path_of_ipv6_is_told_by_names_too(lab: ApiServer) -> None:
    lab.put(node("demo-worker", "172.18.0.3", "fc00::3"), pod("six", "fd00::6"), pod("sex", "fd00::66"))
    lab.programs["traceroute"] = printing(traced("fd00::6", "fc00:0::3", "fd00::6"))
    assert only(succeed(OPERATION, lab, probes=[probe("sex", "six")]))["path"] == [
        "node demo-worker",
        "pod default/six",
    ]


# --- stars -------------------------------------------------------------------------------------------------------------


def test_a_star_on_the_way_is_asked_again_after_a_pause_and_filled_in(lab: ApiServer, pauses: list[float]) -> None:
    lab.programs["traceroute"] = printing(
        traced("192.168.157.134", "*", "172.18.0.3", "192.168.157.134"),
        traced("192.168.157.134", "172.18.0.4", "*", "192.168.157.134"),
    )
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert item["path"] == ["node demo-worker2", "node demo-worker", "pod default/bb1"]
    assert item["retried"]
    assert pauses == [2.0]


def test_a_star_that_stays_is_no_fault_as_long_as_the_target_answers(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(traced("192.168.157.134", "*", "172.18.0.3", "192.168.157.134"))
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert item["path"] == ["*", "node demo-worker", "pod default/bb1"]


def test_a_target_that_answers_at_the_second_try_is_reached(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(
        traced("192.168.157.134", "172.18.0.4", "172.18.0.3", "*", "*"),
        traced("192.168.157.134", "172.18.0.4", "*", "192.168.157.134"),
    )
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert (item["reached"], item["path"]) == (True, ["node demo-worker2", "node demo-worker", "pod default/bb1"])


def test_a_target_that_answered_the_first_time_only_is_reached_all_the_same(lab: ApiServer) -> None:
    """The second run asks for a star on the way; that the target keeps silent then proves nothing."""
    lab.programs["traceroute"] = printing(
        traced("192.168.157.134", "*", "172.18.0.3", "192.168.157.134"),
        traced("192.168.157.134", "172.18.0.4", "172.18.0.3", "*", "*"),
    )
    item = only(succeed(OPERATION, lab, probes=[probe()]))
    assert item["reached"]
    assert item["path"] == ["node demo-worker2", "node demo-worker", "pod default/bb1"]


@pytest.mark.slow
def test_what_was_seen_first_stands_when_no_time_is_left_to_ask_again(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(
        traced("192.168.157.134", "*", "172.18.0.3", "192.168.157.134"), Printed(end="never")
    )
    item = only(succeed(OPERATION, lab, probes=[probe()], timeout=2))
    assert (item["reached"], item["retried"]) == (True, False)


# --- paths that do not lead there --------------------------------------------------------------------------------------


def test_a_path_that_ends_on_the_way_is_told_hop_by_hop(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(traced("192.168.157.134", "172.18.0.4", "172.18.0.3", "*", "*"))
    result = trace(lab, probe())
    assert only(result)["error"] == "unexpected"
    assert result["msg"] == (
        "packets from pod default/bb2 do not reach pod default/bb1, the path ends before it: node demo-worker2 > node "
        "demo-worker > * > *; look at the last routes"
    )


def test_a_loop_is_told_as_one(lab: ApiServer) -> None:
    around = ["172.18.0.4", "172.18.0.3"] * 3
    lab.programs["traceroute"] = printing(traced("192.168.157.134", *around))
    item = only(trace(lab, probe()))
    assert item["loop"]
    assert (
        "do not reach pod default/bb1, the path is a loop: node demo-worker2 > node demo-worker > node" in item["msg"]
    )


@pytest.mark.parametrize(
    "said",
    [
        "traceroute: can't connect to remote host (192.168.157.134): Permission denied\n",
        "\nconnect: No route to host\n",
        "traceroute: sendto: Network unreachable\n",
    ],
)
def test_a_trace_that_cannot_even_be_sent_says_why(lab: ApiServer, said: str) -> None:
    lab.programs["traceroute"] = printing(Printed("", said, 1))
    item = only(trace(lab, probe()))
    assert item["error"] == "unexpected"
    assert said.strip().rpartition(": ")[2] in item["msg"]
    assert only(succeed(OPERATION, lab, probes=[probe(expect="unreachable")]))["reached"] is False


def test_a_target_that_is_to_be_unreachable_and_is_not_is_reported(lab: ApiServer) -> None:
    item = only(trace(lab, probe(expect="unreachable")))
    assert item["error"] == "unexpected"
    assert item["msg"] == (
        "packets from pod default/bb2 reach pod default/bb1, though they are not to: node demo-worker2 > node demo-worker "
        "> pod default/bb1; look for the rule or policy that should keep them apart"
    )


def test_silence_is_what_is_expected_of_an_unreachable_target(lab: ApiServer) -> None:
    lab.programs["traceroute"] = printing(traced("192.168.157.134", "172.18.0.4", "*", "*"))
    assert only(succeed(OPERATION, lab, probes=[probe(expect="unreachable")]))["reached"] is False
    assert len(lab.commands()) == 1


# --- traces that tell nothing ------------------------------------------------------------------------------------------

EXPECTATIONS = ["reachable", "unreachable"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize(
    ("printed", "said"),
    [
        pytest.param(
            Printed("", "traceroute: socket: Operation not permitted\n", 1),
            "pod default/bb2 may not trace (",
            id="no right",
        ),
        pytest.param(
            Printed(
                "",
                "You do not have enough privileges to use this traceroute method.\nsocket: Operation not permitted\n",
                1,
            ),
            "pod default/bb2 may not trace (",
            id="no right, said by Debian",
        ),
        pytest.param(
            Printed("", "", 137), "traceroute to 192.168.157.134 in pod default/bb2 did not tell", id="killed"
        ),
        pytest.param(
            Printed(PATH.splitlines(keepends=True)[0], "", 137),
            "traceroute to 192.168.157.134 in pod default/bb2 did not tell",
            id="killed after its header",
        ),
        pytest.param(
            Printed(traced("192.168.157.134", "172.18.0.4"), "", 137),
            "traceroute to 192.168.157.134 in pod default/bb2 did not tell",
            id="killed on the way",
        ),
        pytest.param(
            Printed("", "traceroute: unrecognized option: q\nBusyBox v1.35.0\n\nUsage: traceroute HOST\n", 1),
            "traceroute to 192.168.157.134 in pod default/bb2 did not tell",
            id="usage",
        ),
        pytest.param(
            Printed("tracing ...\n"),
            "traceroute to 192.168.157.134 in pod default/bb2 did not tell",
            id="another program",
        ),
    ],
)
def test_a_trace_that_tells_nothing_proves_nothing(lab: ApiServer, printed: Printed, said: str, expect: str) -> None:
    lab.programs["traceroute"] = printing(printed)
    item = only(trace(lab, probe(expect=expect)))
    assert item["error"] == "exec-failed"
    assert item["msg"].startswith(said)
    assert "\n" not in item["msg"]


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_an_image_without_traceroute_proves_nothing(lab: ApiServer, expect: str) -> None:
    del lab.programs["traceroute"]
    item = only(trace(lab, probe(expect=expect)))
    assert item["error"] == "exec-failed"
    assert "the image has no program traceroute" in item["msg"]


@pytest.mark.slow
@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_a_trace_that_never_ends_fails_itself_only(lab: ApiServer, expect: str) -> None:
    lab.programs["traceroute"] = printing(PATH, Printed(end="never"))
    first, second = trace(lab, probe(), probe(expect=expect), timeout=2)["probes"]
    assert first["reached"]
    assert second["error"] == "deadline-exceeded"


def test_an_end_that_is_not_there_fails_its_own_probe_only(lab: ApiServer) -> None:
    failed, other = trace(lab, probe("bb9"), probe())["probes"]
    assert failed["error"] == "not-found"
    assert other["reached"]


@pytest.mark.parametrize("max_hops", [0, -1, 256])
def test_a_number_of_hops_that_no_packet_has_is_refused(lab: ApiServer, max_hops: int) -> None:
    code, message = fail(OPERATION, lab, probes=[probe()], max_hops=max_hops)
    assert (code, message) == ("invalid-input", f"max_hops must be from 1 to 255, not {max_hops}")
    assert lab.requests == []


def test_in_check_mode_what_is_there_is_traced_and_what_is_not_is_skipped(lab: ApiServer) -> None:
    result = succeed(
        OPERATION,
        lab,
        check_mode=True,
        probes=[probe(), probe("bb3"), probe("node/demo-worker")],
        access="probe_pod",
    )
    traced_one, *skipped = result["probes"]
    assert traced_one["reached"]
    assert [(item["skipped"], item["msg"]) for item in skipped] == [
        (True, "would trace the path from pod default/bb3 to pod default/bb1 once there is pod default/bb3"),
        (
            True,
            "would trace the path from node demo-worker to pod default/bb1 once there is a probe pod on node demo-worker",
        ),
    ]
    assert lab.changes() == []
