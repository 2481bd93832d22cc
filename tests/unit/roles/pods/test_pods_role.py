"""The role pods in a play, on a cluster of the role lab_cluster that has one worker or more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.api_server import ApiServer
from tests.support.playbook import Play

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("workers", "aliases"),
    [
        (["demo-worker"], {"bb1": "firstWorker", "bb2": "firstWorker"}),
        (["demo-worker", "demo-worker2"], {"bb1": "firstWorker", "bb2": "secondWorker"}),
    ],
)
def test_both_pods_find_a_node_however_many_workers_there_are(
    tmp_path: Path, server: ApiServer, workers: list[str], aliases: dict[str, str]
) -> None:
    nodes = [{"name": "demo-control-plane", "role": "control-plane"}]
    nodes += [{"name": name, "role": "worker"} for name in workers]
    variables = {"pods_cluster": {"host": server.url}, "lab_cluster_result": {"nodes": nodes}}
    with Play(tmp_path, {"roles": [{"role": "kubelab.podnet.pods", "vars": variables}]}) as play:
        play.output()
    assert {pod["metadata"]["name"]: pod["spec"]["nodeSelector"]["alias"] for pod in server.all("Pod")} == aliases
    labelled = {node["metadata"]["labels"].get("alias") for node in server.all("Node")} - {None}
    assert labelled == set(aliases.values())
