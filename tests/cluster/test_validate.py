"""The verdict on a healthy cluster, online and offline, and that its probe pods are gone however the task ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import RUN
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import network_validate

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
