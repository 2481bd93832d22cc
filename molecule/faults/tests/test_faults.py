"""What was found of each fault, and that nothing was found before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.catalogue import CATALOGUE
from facts import NAME, kubectl

VARIABLES = yaml.safe_load((Path(__file__).parents[1] / "vars" / "faults.yml").read_text())
FAULTS = {fault["code"]: fault for fault in VARIABLES["faults"]}
NODES = {
    "{{ control }}": f"{NAME}-control-plane",
    "{{ first }}": f"{NAME}-worker",
    "{{ second }}": f"{NAME}-worker2",
    None: None,
}


def report(ephemeral: Path, judged: str) -> dict[str, Any]:
    file = ephemeral / "verdicts" / judged / "report.json"
    if not file.exists():
        pytest.skip(f"{judged} was not judged in this run (faults_only)")
    read: dict[str, Any] = json.loads(file.read_text())
    for finding in read["findings"]:
        print(json.dumps(finding, indent=2))
    print(json.dumps({key: read[key] for key in ("promises", "not_proved", "coverage")}, indent=2))
    return read


def test_every_code_of_the_catalogue_is_injected() -> None:
    assert FAULTS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_healthy_cluster_passes_with_every_promise_proved(ephemeral: Path, moment: str) -> None:
    judged = report(ephemeral, moment)
    assert judged["findings"] == []
    assert {promise["state"] for promise in judged["promises"].values()} == {"proved"}
    assert judged["verdict"] == "pass"


@pytest.mark.parametrize("codes", [[code] for code in FAULTS] + VARIABLES["faults_together"], ids="+".join)
def test_the_faults_are_found_once_and_alone_and_the_right_elements_blamed(ephemeral: Path, codes: list[str]) -> None:
    judged = report(ephemeral, "+".join(codes))
    found = [(finding["code"], finding["node"], finding["pod"]) for finding in judged["findings"]]
    injected = [FAULTS[code] for code in codes]
    assert sorted(found) == sorted((fault["code"], NODES[fault.get("node")], fault.get("pod")) for fault in injected)
    assert all(finding["evidence"] and finding["remedy"] for finding in judged["findings"])
    assert judged["verdict"] == "fail"


def test_no_probe_pod_is_left() -> None:
    pods = kubectl("get", "pods", "-A", "-l", "kubelab.podnet/probe-run")["items"]
    assert [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]] == []
