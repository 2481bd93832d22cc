"""The playbooks validate and fleet on a playing API server: what they write where, and which variables count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.fixtures import kubeconfig
from tests.support.objects import pod
from tests.support.playbook import Play, Results

pytestmark = pytest.mark.slow


def run(folder: Path, server: ApiServer, playbook: str, **variables: Any) -> Results:
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(server.url)))
    given = {"podnet_kubeconfig": str(folder / "kubeconfig"), "validate_probe": False, **variables}
    # Two hosts: each would have a folder of its own.
    with Play(folder, {"import_playbook": f"kubelab.podnet.{playbook}", "vars": given}, "shop") as play:
        play.output()
        return play.results()


@pytest.mark.parametrize("playbook", ["validate", "fleet"])
def test_an_empty_folder_for_reports_is_none(tmp_path: Path, server: ApiServer, playbook: str) -> None:
    results = run(tmp_path, server, playbook, podnet_report_dir="")
    (looked,) = (result for task, result in results.items() if task.endswith("Look at the whole cluster"))
    assert looked.get("verdict"), looked
    assert not looked["changed"], "no snapshot was written"
    assert not any("Write" in task for task, result in results.items() if "skip_reason" not in result)


def test_pairs_are_explained_in_a_fleet_too(tmp_path: Path, server: ApiServer) -> None:
    server.put(pod("bb1", "192.168.1.1", node="demo-worker"), pod("bb2", "192.168.2.1", node="demo-worker2"))
    pairs = [{"from": "default/bb1", "to": "default/bb2"}]
    results = run(tmp_path, server, "fleet", validate_pairs=pairs)
    assert [pair["from"] for pair in results["Look at the whole cluster"]["pairs"]] == ["default/bb1"]
