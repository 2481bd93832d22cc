from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import NodeSnapshot, PodInside, ProbePing
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import read_snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.network_validate import OPERATION

from tests.support.api_server import ApiServer, Printed, refusing, saying, status
from tests.support.objects import Object, namespace, pod
from tests.support.running import fail, succeed

HERE: dict[str, Any] = {"probe_namespace": "checks"}


@pytest.fixture
def checks(server: ApiServer) -> ApiServer:
    """The lab's cluster with an agent on each node, whose ip prints little."""
    server.put(namespace("checks"))
    for node in server.all("Node"):
        node["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
        server.put(node)
        name = node["metadata"]["name"]
        address = node["status"]["addresses"][0]["address"]
        agent = pod(
            f"agent-{name}",
            address,
            node=name,
            namespace="kube-system",
            labels={"k8s-app": "labnet"},
            host_network=True,
        )
        agent["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
        server.put(agent)
    become_ready = server.kubelet

    def kubelet(made: Object) -> list[Object]:
        made["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
        return list(become_ready(made))

    server.kubelet = kubelet
    for path in ("/apis/networking.k8s.io/v1/networkpolicies", "/apis/networking.k8s.io/v1/servicecidrs"):
        server.misbehave("GET", path, saying({"metadata": {}, "items": []}))
    server.misbehave("GET", "/apis", saying({"groups": []}))
    server.misbehave("GET", "/version", saying({"gitVersion": "v1.34.4"}))
    server.misbehave("GET", "/api/v1/namespaces/kube-system/services", saying({"metadata": {}, "items": []}))
    server.misbehave(
        "GET", "/api/v1/namespaces/kube-system/configmaps/.*", refusing(404, status(404, "NotFound", "not found"))
    )
    server.programs["ip"] = lambda command, pod: Printed(
        "default via 172.18.0.1 dev eth0\n" if "route" in command else ""
    )
    server.programs["grep"] = lambda command, pod: Printed("/proc/sys/net/ipv4/ip_forward:1\n")
    server.programs["sh"] = lambda command, pod: Printed(
        "".join(f"ping {word[1:]} ok 62\n" for word in command if word.startswith("p1")) + "see 0 ip addr\n 1: lo\n"
    )
    return server


def nodes_of(file: Path) -> dict[str, NodeSnapshot]:
    return {node.node.name: node for node in read_snapshot(file).nodes}


def test_the_verdict_is_returned_and_the_task_does_not_fail(checks: ApiServer) -> None:
    result = succeed(OPERATION, checks, **HERE)
    assert result["verdict"] in ("fail", "incomplete")
    assert set(result["promises"]) == {"P1", "P2", "P3"}
    assert result["coverage"]["nodes"] == 3
    assert result["versions"]["kubernetes"] == "v1.34.4"
    assert result["changed"] is False


def test_no_probe_is_left(checks: ApiServer) -> None:
    succeed(OPERATION, checks, **HERE)
    assert {item["metadata"]["namespace"] for item in checks.all("Pod")} == {"kube-system"}


def test_as_many_execs_as_there_are_probes_do_all_measuring(checks: ApiServer) -> None:
    succeed(OPERATION, checks, **HERE)
    assert len([command for command in checks.commands() if command[0] == "sh"]) == 6


def test_a_snapshot_holds_what_was_read_and_gives_the_same_verdict_without_the_cluster(
    checks: ApiServer, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "snapshot.jsonl"
    judged = succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    assert judged.pop("changed") is True
    node = nodes_of(file)["demo-worker"]
    assert node.access == "agent_pod"
    assert node.printed["ip -4 route show table all"].startswith("default via")
    assert node.probe is not None
    assert node.host_probe is not None
    assert node.sysctls == {"net.ipv4.ip_forward": 1}
    asked = len(checks.requests)
    again = succeed(OPERATION, checks, snapshot_src=str(file))
    assert again.pop("changed") is False
    assert again == judged
    assert len(checks.requests) == asked


def test_check_mode_makes_nothing_and_says_what_is_not_proved(checks: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jsonl"
    result = succeed(OPERATION, checks, check_mode=True, snapshot_dest=str(file), **HERE)
    assert checks.changes() == []
    assert not file.exists()
    assert any("check mode makes no probe pods" in item["reason"] for item in result["not_proved"])
    assert result["coverage"]["nodes_read"] == 3


def test_without_probes_the_tables_are_read(checks: ApiServer) -> None:
    result = succeed(OPERATION, checks, probe=False)
    assert checks.changes() == []
    assert any("probe: false" in item["reason"] for item in result["not_proved"])
    assert result["coverage"]["nodes_read"] == 3


def test_probes_that_admission_refuses_are_not_proved_and_the_rest_goes_on(checks: ApiServer) -> None:
    checks.misbehave("POST", ".*/pods", refusing(403, status(403, "Forbidden", "exceeded quota: pods")))
    result = succeed(OPERATION, checks, **HERE)
    assert any("exceeded quota" in item["reason"] for item in result["not_proved"])
    assert result["coverage"]["nodes_read"] == 3


def test_a_namespace_that_may_not_be_made_is_not_proved_and_the_rest_goes_on(checks: ApiServer) -> None:
    checks.misbehave("POST", "/api/v1/namespaces", refusing(403, status(403, "Forbidden", "namespaces is forbidden")))
    result = succeed(OPERATION, checks)
    assert any("namespaces is forbidden" in item["reason"] for item in result["not_proved"])
    assert result["coverage"]["nodes_read"] == 3


def test_what_the_api_refuses_is_not_proved_and_the_rest_goes_on(checks: ApiServer, tmp_path: Path) -> None:
    checks._faults.clear()
    checks.misbehave("GET", "/version", saying({"gitVersion": "v1.34.4"}))
    checks.misbehave("GET", "/api.*/(networkpolicies|servicecidrs|services|apis|kubeadm-config)", refusing(403))
    checks.misbehave("GET", "/apis", refusing(403, status(403, "Forbidden", "no groups")))
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    assert set(read_snapshot(file).cluster.unread) >= {"policies", "service_ranges", "dns_address"}


def test_cordoned_and_unready_nodes_get_no_probes(checks: ApiServer, tmp_path: Path) -> None:
    cordoned, dead, _healthy = checks.all("Node")
    cordoned["spec"]["unschedulable"] = True
    dead["status"]["conditions"][0]["status"] = "Unknown"
    checks.put(cordoned, dead)
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    found = nodes_of(file)
    assert found[cordoned["metadata"]["name"]].unread["probe"] == "the node is cordoned"
    assert found[dead["metadata"]["name"]].unread["host_probe"] == "the node is not ready"
    assert not found[cordoned["metadata"]["name"]].node.schedulable
    assert not found[dead["metadata"]["name"]].node.ready


def test_a_pod_that_goes_while_tables_are_read_is_known_to_go(checks: ApiServer, tmp_path: Path) -> None:
    going = pod("going", "192.168.0.9", node="demo-worker")
    going["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
    checks.put(going)
    measure = checks.programs["sh"]

    def ends_meanwhile(command: list[str], probe: Object) -> Printed:
        if any(item["metadata"]["name"] == "going" for item in list(checks._state.objects.values())):
            checks.drop("Pod", "going")
        return measure(command, probe)

    checks.programs["sh"] = ends_meanwhile
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    (seen,) = (item for item in nodes_of(file)["demo-worker"].pods if item.name == "going")
    assert seen.deleting
    assert not seen.ready


def lose_pings_to(checks: ApiServer, *pods: Object) -> None:
    lines = []
    for silent in pods:
        silent["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
        checks.put(silent)
        ip = silent["status"]["podIP"]
        lost = f"PING {ip} ({ip}): 56 data bytes\t\t2 packets transmitted, 0 packets received, 100% packet loss"
        lines.append(f"ping {ip} lost {lost}\n")
    checks.programs["sh"] = lambda command, pod: Printed(f"{''.join(lines)}see 0 ip addr\n 1: lo\n")


def test_a_pod_that_does_not_answer_is_looked_into(checks: ApiServer, tmp_path: Path) -> None:
    lose_pings_to(checks, pod("silent", "192.168.0.9", node="demo-worker"))
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    (inside,) = nodes_of(file)["demo-worker"].insides
    assert inside.pod == "default/silent"
    assert "ip -4 route" in inside.printed
    assert "resolv.conf" in inside.unread


def test_a_node_that_cuts_off_many_pods_keeps_no_other_pod_from_being_looked_into(
    checks: ApiServer, tmp_path: Path
) -> None:
    many = [pod(f"a{number}", f"192.168.0.{number}", node="demo-worker") for number in range(10, 40)]
    lose_pings_to(checks, *many, pod("z", "192.168.1.9", node="demo-worker2"))
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, checks, snapshot_dest=str(file), **HERE)
    assert [inside.pod for inside in nodes_of(file)["demo-worker2"].insides] == ["default/z"]
    assert 1 < len(nodes_of(file)["demo-worker"].insides) < len(many)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outside": "example.com"}, "outside is to be an IP address"),
        ({"dns_name": "-x"}, "dns_name is to be the name of a host"),
        ({"access": "probe_pod", "probe": False}, "needs probe pods"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    checks: ApiServer, arguments: dict[str, Any], message: str
) -> None:
    code, said = fail(OPERATION, checks, **arguments)
    assert code == "invalid-input"
    assert message in said
    assert checks.requests == []


def test_a_file_that_is_no_snapshot_is_refused_with_its_line(checks: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jsonl"
    file.write_text('{"snapshot": 1, "name": "demo", "checked_at": "now"}\n{"node": 5}\n')
    code, said = fail(OPERATION, checks, snapshot_src=str(file))
    assert code == "invalid-input"
    assert "line 2" in said


def test_a_snapshot_that_is_not_there_is_named(checks: ApiServer, tmp_path: Path) -> None:
    code, said = fail(OPERATION, checks, snapshot_src=str(tmp_path / "none"))
    assert code == "invalid-input"
    assert "none cannot be read" in said


def test_nodes_that_cannot_be_listed_fail_the_task(checks: ApiServer) -> None:
    checks.misbehave("GET", "/api/v1/nodes", refusing(403, status(403, "Forbidden", "nodes is forbidden")))
    code, _said = fail(OPERATION, checks)
    assert code == "forbidden"


# Pairs.

PAIRS = [{"from": "bb1", "to": "bb2"}, {"from": "node/demo-worker", "to": "8.8.8.8"}]


@pytest.fixture
def paired(checks: ApiServer) -> ApiServer:
    """The cluster with a pod on each worker, whose image has ping and traceroute."""
    for name, address, node in (("bb1", "192.168.157.134", "demo-worker"), ("bb2", "192.168.121.73", "demo-worker2")):
        made = pod(name, address, node=node)
        made["metadata"]["creationTimestamp"] = "2026-11-23T07:00:00Z"
        checks.put(made)
    checks.programs["ping"] = lambda command, pod: Printed(
        f"PING {command[-1]} ({command[-1]}): 56 data bytes\n64 bytes from {command[-1]}: seq=0 ttl=62 time=0.1 ms\n"
        f"--- {command[-1]} ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\n"
    )
    checks.programs["traceroute"] = lambda command, pod: Printed(
        f"traceroute to {command[-1]} ({command[-1]}), 8 hops max, 46 byte packets\n 1  {command[-1]}  0.013 ms\n"
    )
    return checks


def inside_of(file: Path, node: str) -> PodInside:
    (inside,) = nodes_of(file)[node].insides
    return inside


def test_the_pods_of_a_pair_are_looked_into_and_measure_each_other(paired: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jsonl"
    result = succeed(OPERATION, paired, pairs=PAIRS, snapshot_dest=str(file), **HERE)
    assert [(pair["from"], pair["to"]) for pair in result["pairs"]] == [
        ("default/bb1", "default/bb2"),
        ("node/demo-worker", "8.8.8.8"),
    ]
    assert result["pairs"][0]["arrives"] is True
    inside = inside_of(file, "demo-worker")
    assert "ip -4 route" in inside.printed
    assert inside.pings == (ProbePing("default/bb2", "192.168.121.73", 1, 1, 62),)
    assert inside.traceroutes[0].target == "default/bb2"
    assert inside_of(file, "demo-worker2").pings[0].target == "default/bb1"


def test_a_node_measures_a_pair_by_its_probe(paired: ApiServer) -> None:
    succeed(OPERATION, paired, pairs=PAIRS, **HERE)
    scripts = [command for command in paired.commands() if command[0] == "sh"]
    assert len([command for command in scripts if "p8.8.8.8" in command and "t8.8.8.8" in command]) == 1


def test_a_pair_is_explained_alike_without_the_cluster(paired: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jsonl"
    judged = succeed(OPERATION, paired, pairs=PAIRS, snapshot_dest=str(file), **HERE)
    assert succeed(OPERATION, paired, pairs=PAIRS, snapshot_src=str(file))["pairs"] == judged["pairs"]


def test_a_pod_whose_image_cannot_ping_says_so(paired: ApiServer) -> None:
    del paired.programs["ping"]
    (pair,) = succeed(OPERATION, paired, pairs=PAIRS[:1], **HERE)["pairs"]
    (line,) = [line for line in pair["measured"] if line.startswith("ping from pod default/bb1 ")]
    assert "not measured: ping" in line
    assert "the image has no program ping" in line


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"check_mode": True}, "check mode makes no probe pods"), ({"probe": False}, "no probe pods were asked for")],
)
def test_without_probes_pairs_are_explained_by_tables_alone(
    paired: ApiServer, how: dict[str, Any], reason: str
) -> None:
    pairs = succeed(OPERATION, paired, pairs=PAIRS, **how)["pairs"]
    assert paired.changes() == []
    assert not [command for command in paired.commands() if command[0] in ("ping", "traceroute", "sh")]
    assert {pair["arrives"] for pair in pairs} == {None}
    assert all(any(reason in line for line in pair["measured"]) for pair in pairs)
    assert pairs[0]["ways"][0]["steps"][0]["row"] == "default via 172.18.0.1 dev eth0"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ({"from": "bb1", "to": "bb9"}, "pod default/bb9 is not in the cluster"),
        ({"from": "bb1", "to": "node/third"}, "its nodes: demo-control-plane, demo-worker, demo-worker2"),
        ({"from": "8.8.8.8", "to": "bb1"}, "cannot start from the address 8.8.8.8"),
        ({"from": "bb1", "to": "a/b/c"}, "'a/b/c' is no end of a probe"),
    ],
)
def test_an_end_that_is_not_there_is_refused_before_anything_is_made(
    paired: ApiServer, pair: dict[str, str], message: str
) -> None:
    code, said = fail(OPERATION, paired, pairs=[pair], **HERE)
    assert code == "invalid-input"
    assert message in said
    assert paired.changes() == []


def test_an_end_that_is_not_in_a_snapshot_is_named(paired: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jsonl"
    succeed(OPERATION, paired, snapshot_dest=str(file), **HERE)
    code, said = fail(OPERATION, paired, pairs=[{"from": "bb1", "to": "bb9"}], snapshot_src=str(file))
    assert code == "invalid-input"
    assert "pods in default: bb1, bb2" in said
