"""The verdict on a healthy cluster, online and offline, and that its probe pods are gone however the task ends."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import open_nodes
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import RUN
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import network_validate, pod
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

from .conftest import PATIENCE, ROOT, Live, Object, run


def probes(live: Live) -> list[str]:
    """The probe pods that are there and not on their way out."""
    with live.admin() as cluster:
        found = cluster.list(path("pods"), labelSelector=RUN)["items"]
    return [item["metadata"]["name"] for item in found if "deletionTimestamp" not in item["metadata"]]


@pytest.fixture(scope="module")
def judged(live: Live, tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, Path]:
    """A verdict, and the snapshot that it rests on."""
    file = tmp_path_factory.mktemp("validate") / "snapshot.jsonl"
    return live.run(network_validate.OPERATION, snapshot_dest=str(file)), file


def test_every_promise_of_a_healthy_cluster_is_proved(live: Live, judged: tuple[Object, Path]) -> None:
    verdict, _file = judged
    print(json.dumps(verdict, indent=2))
    assert verdict["verdict"] == "pass"
    assert {name: promise["state"] for name, promise in verdict["promises"].items()} == {
        "P1": "proved",
        "P2": "proved",
        "P3": "proved",
    }
    assert verdict["not_proved"] == []
    assert verdict["emulated"] is (live.provider == "netns")
    assert verdict["coverage"]["nodes_read"] == len(live.nodes)
    assert verdict["coverage"]["pairs_by_routes"] == verdict["coverage"]["pairs"]


def test_a_snapshot_gives_the_same_verdict_without_the_cluster(judged: tuple[Object, Path]) -> None:
    verdict, file = judged
    offline = run(network_validate.OPERATION, snapshot_src=str(file), kubeconfig="/nowhere")
    assert {**offline, "changed": True} == verdict


def test_no_secret_enters_the_snapshot(live: Live, judged: tuple[Object, Path]) -> None:
    _verdict, file = judged
    text = file.read_text()
    for user in live.content["users"]:
        for secret in user["user"].values():
            assert str(secret) not in text


def test_no_probe_is_left(live: Live, judged: tuple[Object, Path]) -> None:
    assert probes(live) == []


def test_nodes_are_read_through_the_probes_where_that_is_asked_for(live: Live) -> None:
    verdict = live.run(network_validate.OPERATION, access="probe_pod")
    assert verdict["findings"] == []
    assert verdict["coverage"]["nodes_read"] == len(live.nodes)


def test_check_mode_proves_nothing_and_makes_nothing(live: Live) -> None:
    verdict = live.run(network_validate.OPERATION, check_mode=True)
    assert verdict["verdict"] == "incomplete"
    assert verdict["findings"] == []


def started(live: Live) -> subprocess.Popen[str]:
    """The task in a process of its own, in the moment in which its probes are there."""
    code = (
        "import json, sys\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.operations import network_validate\n"
        "print(json.dumps(run_in_process(network_validate.OPERATION, {'kubeconfig': sys.argv[1]}, check_mode=False)))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(live.kubeconfig)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build")},
    )
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if probes(live):
            return process
    raise AssertionError("no probe appeared")


def test_an_interrupted_task_removes_its_probes(live: Live) -> None:
    with started(live) as process:
        process.send_signal(signal.SIGTERM)
        said, _nothing = process.communicate(timeout=PATIENCE)
    assert json.loads(said)["error"] == "interrupted"
    assert probes(live) == []


def test_what_a_killed_task_left_is_removed_by_the_next(live: Live) -> None:
    with started(live) as process:
        process.kill()
    left = probes(live)
    assert left
    verdict = live.run(network_validate.OPERATION)
    assert verdict["findings"] == []
    assert set(left) & set(probes(live)) == set()


# Single pairs.


@pytest.fixture(scope="module")
def ends(live: Live) -> Iterator[tuple[str, str]]:
    """Two pods on a worker each, as NAMESPACE/NAME."""
    namespace = f"podnet-pairs-{secrets.token_hex(3)}"
    wanted = [
        {"name": name, "node": node, "image": "busybox", "command": ["sleep", "3600"]}
        for name, node in zip(("one", "other"), live.workers, strict=False)
    ]
    with live.admin() as cluster:
        cluster.create(path("namespaces"), {"metadata": {"name": namespace}})
        try:
            made = live.run(pod.OPERATION, namespace=namespace, pods=wanted)
            assert "failed" not in made, made
            yield f"{namespace}/one", f"{namespace}/other"
        finally:
            with cluster.more_time():
                cluster.delete(path("namespaces", namespace))


def on_node(live: Live, name: str, *command: str) -> str:
    """What a command prints on a node."""
    with live.admin() as cluster:
        node = cluster.get(path("nodes", name))
        deadline = Deadline(PATIENCE)
        with open_nodes(cluster, [node], deadline, access="auto", agent_labels={}, probe={}) as shells:
            _way, output = shells[name].run(list(command), deadline)
    assert output.exit_code == 0, output
    return output.stdout


@contextmanager
def without_route(live: Live, node: str, address: str) -> Iterator[str]:
    """While the row that leads a node to an address is gone; it is given."""
    row = RouteTable(parse_ip_route(on_node(live, node, "ip", "route")).routes).lookup(address)
    assert row is not None
    on_node(live, node, "ip", "route", "del", row.dst)
    try:
        yield row.raw.strip()
    finally:
        on_node(live, node, "ip", "route", "add", *row.raw.split())


def stops(way: Object) -> list[str]:
    return [step["pod"] or step["node"] for step in way["steps"]]


def test_a_pair_across_nodes_is_explained_there_and_back(live: Live, ends: tuple[str, str], tmp_path: Path) -> None:
    one, other = ends
    first, second = live.workers[:2]
    file = tmp_path / "snapshot.jsonl"
    pairs = [{"from": one, "to": other}, {"from": f"node/{first}", "to": other}, {"from": one, "to": f"node/{second}"}]
    verdict = live.run(network_validate.OPERATION, pairs=pairs, snapshot_dest=str(file))
    assert verdict["verdict"] == "pass"
    assert [{"from": pair["from"], "to": pair["to"]} for pair in verdict["pairs"]] == pairs
    for pair in verdict["pairs"]:
        assert (pair["arrives"], pair["reason"], pair["findings"]) == (True, "packets get there and back", [])
        assert {way["outcome"] for way in pair["ways"]} == {"delivered"}
    there, back = verdict["pairs"][0]["ways"]
    assert stops(there) == [one, first, second, other]
    assert stops(back) == [other, second, first, one]
    assert [step["measured"] for step in there["steps"]] == [
        None,
        "hop 1 of the traceroute",
        "hop 2 of the traceroute",
        "hop 3 of the traceroute",
    ]
    offline = run(network_validate.OPERATION, pairs=pairs, snapshot_src=str(file))
    assert {**offline, "changed": True} == verdict


def test_a_missing_route_is_shown_where_it_loses_the_packets_of_a_pair(
    live: Live, ends: tuple[str, str], tmp_path: Path
) -> None:
    one, other = ends
    first = live.workers[0]
    file = tmp_path / "snapshot.jsonl"
    with live.admin() as cluster:
        namespace, name = other.split("/")
        address = cluster.get(path("pods", name, namespace))["status"]["podIP"]
    with without_route(live, first, address) as gone:
        verdict = live.run(network_validate.OPERATION, pairs=[{"from": one, "to": other}], snapshot_dest=str(file))
    (pair,) = verdict["pairs"]
    assert pair["arrives"] is False
    assert pair["findings"] == ["missing-block-route"]
    assert pair["reason"].startswith(f"the way there is lost at node {first} (missing-block-route): ")
    there, back = pair["ways"]
    assert (there["outcome"], back["outcome"]) == ("lost", "delivered")
    assert stops(there) == [one, first]
    assert there["steps"][-1]["lost"] is True
    assert there["steps"][-1]["row"].startswith("default via ")
    assert gone not in [step["row"] for step in there["steps"]]
    offline = run(network_validate.OPERATION, pairs=[{"from": one, "to": other}], snapshot_src=str(file))
    assert {**offline, "changed": True} == verdict


def test_a_pod_that_is_not_there_is_refused_before_a_probe_is_made(live: Live, ends: tuple[str, str]) -> None:
    one, _other = ends
    namespace = one.partition("/")[0]
    result = live.run(network_validate.OPERATION, pairs=[{"from": one, "to": f"{namespace}/third"}])
    assert result["error"] == "invalid-input"
    assert f"pod {namespace}/third is not in the cluster {live.name}; pods in {namespace}: one, other" in result["msg"]


def test_check_mode_explains_a_pair_by_tables(live: Live, ends: tuple[str, str]) -> None:
    one, other = ends
    (pair,) = live.run(network_validate.OPERATION, check_mode=True, pairs=[{"from": one, "to": other}])["pairs"]
    assert pair["arrives"] is None
    assert pair["reason"] == "the tables lead there and back; nothing was measured"
    assert all(line.endswith("check mode makes no probe pods") for line in pair["measured"])
