from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.node_route_info import OPERATION

from tests.support.api_server import ApiServer, Printed, breaking_off, printing, refusing
from tests.support.objects import node, pod, recorded, recorded_item, with_status_of
from tests.support.running import Result, run, succeed

# What a node of the lab prints.
TABLE = """\
default via 172.18.0.1 dev eth0 
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.3 
192.168.121.64/26 via 172.18.0.4 dev eth0 proto 80 onlink 
blackhole 192.168.157.128/26 proto 80 
192.168.157.134 dev cali98fd8882b62 scope link 
"""  # noqa: W291 - as ip prints it
TABLE_6 = "fc00:f853:ccd:e793::/64 dev eth0 proto kernel metric 256 pref medium\n"


@pytest.fixture
def lab(server: ApiServer) -> ApiServer:
    """An agent on each node, bb1 and bb2."""
    for name, address in (
        ("demo-control-plane", "172.18.0.2"),
        ("demo-worker", "172.18.0.3"),
        ("demo-worker2", "172.18.0.4"),
    ):
        agent = pod(f"agent-{name}", address, node=name, namespace="kube-system", labels={"k8s-app": "calico-node"})
        agent["spec"]["hostNetwork"] = True
        server.put(agent)
    server.put(
        pod("bb1", "192.168.157.134", node="demo-worker"),
        pod("bb2", "192.168.121.73", node="demo-worker2"),
    )
    server.programs["ip"] = lambda command, pod: Printed(TABLE if command[1] == "-4" else TABLE_6)
    return server


def read(server: ApiServer, *nodes: str, **more: Any) -> Result:
    return run(OPERATION, server, nodes=list(nodes), **more)


def test_a_nodes_table_is_read_and_each_row_explained(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, nodes=["demo-worker"])
    assert not result["changed"]
    (found,) = result["nodes"]
    assert (found["name"], found["addresses"], found["access"]) == ("demo-worker", ["172.18.0.3"], "agent_pod")
    assert found["printed"] == {"ipv4": TABLE}
    assert found["unparsed"] == []
    assert [(row["dst"], row["purpose"], row["pod"], row["node"]) for row in found["routes"]] == [
        ("0.0.0.0/0", "default", None, None),
        ("172.18.0.0/16", "node_network", None, None),
        ("192.168.121.64/26", "remote_block", None, "demo-worker2"),
        ("192.168.157.128/26", "own_block", None, "demo-worker"),
        ("192.168.157.134/32", "local_pod", "default/bb1", "demo-worker"),
    ]


def test_without_explain_pods_are_not_read(lab: ApiServer) -> None:
    (found,) = succeed(OPERATION, lab, nodes=["demo-worker"], explain=False)["nodes"]
    assert "purpose" not in found["routes"][0]
    assert "/api/v1/pods" in [request.path for request in lab.requests if "labelSelector" in request.query]
    assert [
        request for request in lab.requests if request.path == "/api/v1/pods" and "labelSelector" not in request.query
    ] == []


def test_no_nodes_named_are_all_nodes(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab)
    assert [item["name"] for item in result["nodes"]] == ["demo-control-plane", "demo-worker", "demo-worker2"]


def test_nodes_stand_in_the_order_asked_for(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, nodes=["demo-worker2", "demo-worker"])
    assert [item["name"] for item in result["nodes"]] == ["demo-worker2", "demo-worker"]


def test_both_families_are_read_when_asked_for(lab: ApiServer) -> None:
    (found,) = succeed(OPERATION, lab, nodes=["demo-worker"], families=["ipv4", "ipv6"])["nodes"]
    assert lab.commands() == [["ip", "-4", "route"], ["ip", "-6", "route"]]
    assert found["printed"] == {"ipv4": TABLE, "ipv6": TABLE_6}
    assert found["routes"][-1]["dst"] == "fc00:f853:ccd:e793::/64"


def test_a_line_that_is_not_understood_is_returned_as_it_is(lab: ApiServer) -> None:
    lab.programs["ip"] = printing(TABLE + "10.0.0.0/8 via nowhere\n")
    (found,) = succeed(OPERATION, lab, nodes=["demo-worker"])["nodes"]
    assert found["unparsed"] == [{"family": "ipv4", "line": 6, "text": "10.0.0.0/8 via nowhere"}]
    assert len(found["routes"]) == 5


@pytest.mark.parametrize("printed", ["", "\n", "no table at all\n", "\x00\xff", "Dump was interrupted\n"])
def test_what_is_no_table_is_neither_a_row_nor_a_traceback(lab: ApiServer, printed: str) -> None:
    lab.programs["ip"] = printing(printed)
    (found,) = succeed(OPERATION, lab, nodes=["demo-worker"])["nodes"]
    assert found["routes"] == []
    assert found["printed"]["ipv4"] == printed


def test_a_table_of_thousands_of_rows_comes_back_whole(lab: ApiServer) -> None:
    rows = "".join(
        f"10.{number >> 8}.{number & 255}.0/24 via 172.18.0.4 dev eth0 proto 80 onlink \n" for number in range(5000)
    )
    lab.programs["ip"] = printing(rows)
    (found,) = succeed(OPERATION, lab, nodes=["demo-worker"])["nodes"]
    assert len(found["routes"]) == 5000


# --- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_node_that_is_not_there_is_answered_with_those_that_are(lab: ApiServer) -> None:
    result = read(lab, "demo-wroker", "demo-worker")
    missing, found = result["nodes"]
    assert missing == {
        "name": "demo-wroker",
        "error": "not-found",
        "msg": "node demo-wroker is not in the cluster (nodes: demo-control-plane, demo-worker, demo-worker2)",
    }
    assert len(found["routes"]) == 5
    assert result["msg"].startswith("1 of 2 nodes failed: node demo-wroker: ")


def test_a_node_without_a_way_to_it_says_which_were_tried(lab: ApiServer) -> None:
    lab.remove("Pod", "agent-demo-worker", "kube-system")
    failed, found = read(lab, "demo-worker", "demo-worker2")["nodes"]
    assert failed["error"] == "no-node-access"
    assert (
        "container: it is no container of kind; agent_pod: no agent of a known pod network is ready on it"
        in failed["msg"]
    )
    assert found["access"] == "agent_pod"


def test_an_agent_of_ones_own_is_named_by_its_labels(lab: ApiServer) -> None:
    lab.put(node("mine", "172.18.0.9"))
    agent = pod("mine-1", "172.18.0.9", node="mine", labels={"team": "net", "rank": "7"})
    agent["spec"]["hostNetwork"] = True
    lab.put(agent)
    for labels in ({"team": ["other", "net"]}, {"team": "net"}, {"rank": [7]}, {"rank": 7}):
        assert succeed(OPERATION, lab, nodes=["mine"], agent_labels=labels)["nodes"][0]["access"] == "agent_pod"


def test_a_command_that_fails_on_the_node_is_told_in_one_line(lab: ApiServer) -> None:
    lab.programs["ip"] = printing(Printed("", "RTNETLINK answers: Operation not permitted\nDump terminated\n", 2))
    (failed,) = read(lab, "demo-worker")["nodes"]
    assert failed["error"] == "exec-failed"
    assert failed["msg"] == (
        "ip -4 route on node demo-worker failed: RTNETLINK answers: Operation not permitted | Dump terminated"
    )


@pytest.mark.slow
def test_a_node_that_does_not_answer_fails_itself_only(lab: ApiServer) -> None:
    lab.programs["ip"] = lambda command, pod: (
        Printed(end="never") if pod["spec"]["nodeName"] == "demo-worker" else Printed(TABLE)
    )
    failed, found = read(lab, "demo-worker", "demo-worker2", timeout=2)["nodes"]
    assert failed["error"] == "deadline-exceeded"
    assert len(found["routes"]) == 5


def test_nodes_that_may_not_be_listed_fail_the_task_with_the_right_that_is_missing(lab: ApiServer) -> None:
    lab.misbehave("GET", "/api/v1/nodes", refusing(403, recorded("403")))
    result = read(lab)
    assert (result["error"], result["failed"]) == ("forbidden", True)
    assert 'cannot list resource "nodes"' in result["msg"]


def test_a_server_that_breaks_off_is_told_so(lab: ApiServer) -> None:
    lab.misbehave("GET", "/api/v1/nodes", breaking_off)
    assert read(lab)["error"] == "connection-failed"


# --- probe pods --------------------------------------------------------------------------------------------------------


def test_probe_pods_read_the_tables_and_are_removed(lab: ApiServer) -> None:
    before = lab.all("Pod")
    result = succeed(OPERATION, lab, access="probe_pod", nodes=["demo-worker", "demo-worker2"])
    assert [item["access"] for item in result["nodes"]] == ["probe_pod"] * 2
    assert [change.split()[0] for change in lab.changes()] == ["POST", "POST", "DELETE"]
    assert lab.all("Pod") == before


@pytest.mark.slow
def test_probe_pods_are_removed_also_when_the_tables_cannot_be_read(lab: ApiServer) -> None:
    before = lab.all("Pod")
    lab.programs["ip"] = printing(Printed(end="never"))
    assert read(lab, "demo-worker", access="probe_pod", timeout=1)["nodes"][0]["error"] == "deadline-exceeded"
    assert lab.all("Pod") == before


def test_a_probe_pod_that_does_not_come_up_is_explained_and_removed(lab: ApiServer) -> None:
    before = lab.all("Pod")
    badimage = recorded_item("pods", "badimage")
    lab.kubelet = lambda pod: [with_status_of(badimage, pod)]
    (failed,) = read(lab, "demo-worker", access="probe_pod")["nodes"]
    assert "nosuch.invalid/none:1 cannot be pulled" in failed["msg"]
    assert lab.all("Pod") == before


def test_in_check_mode_no_probe_pod_is_made(lab: ApiServer) -> None:
    result = succeed(OPERATION, lab, check_mode=True, access="probe_pod", probe_namespace="lab")
    assert (result["skipped"], result["changed"]) == (True, False)
    assert result["msg"] == "would make a pod in namespace lab on each node, to read its routes there"
    assert lab.requests == []


def test_in_check_mode_tables_are_read_as_ever(lab: ApiServer) -> None:
    assert succeed(OPERATION, lab, check_mode=True) == succeed(OPERATION, lab)
    assert lab.changes() == []
