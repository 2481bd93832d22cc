"""What was found of each fault, and that nothing was found before and after."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.catalogue import CATALOGUE
from facts import NAME, kubectl

FAULTS = yaml.safe_load((Path(__file__).parents[1] / "vars" / "faults.yml").read_text())["faults"]
NODES = {"{{ first }}": f"{NAME}-worker", "{{ second }}": f"{NAME}-worker2", None: None}

# Two running pods of one address are made by no command on a node: the API says so, or nobody does.
NOT_INJECTED = {"duplicate-pod-ip"}


@pytest.fixture(scope="module")
def verdicts() -> Path:
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "verdicts"


def verdict(file: Path) -> dict[str, Any]:
    if not file.exists():
        pytest.skip(f"{file.stem} was not judged in this run (faults_only)")
    read: dict[str, Any] = json.loads(file.read_text())
    for finding in read["findings"]:
        print(json.dumps(finding, indent=2))
    print(json.dumps({key: read[key] for key in ("promises", "not_proved", "coverage")}, indent=2))
    return read


def test_every_code_of_the_catalogue_is_injected() -> None:
    assert {fault["code"] for fault in FAULTS} == set(CATALOGUE) - NOT_INJECTED


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_healthy_cluster_passes_with_every_promise_proved(verdicts: Path, moment: str) -> None:
    judged = verdict(verdicts / f"{moment}.json")
    assert judged["findings"] == []
    assert {promise["state"] for promise in judged["promises"].values()} == {"proved"}
    assert judged["verdict"] == "pass"


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["code"] for fault in FAULTS])
def test_the_fault_alone_is_found_and_the_right_element_blamed(verdicts: Path, fault: dict[str, Any]) -> None:
    judged = verdict(verdicts / f"{fault['code']}.json")
    assert [finding["code"] for finding in judged["findings"]] == [fault["code"]]
    (finding,) = judged["findings"]
    if "node" in fault:
        assert finding["node"] == NODES[fault["node"]]
    assert finding["pod"] == fault.get("pod")
    assert finding["evidence"]
    assert judged["verdict"] == "fail"


def test_no_probe_pod_is_left() -> None:
    pods = kubectl("get", "pods", "-A", "-l", "kubelab.podnet/probe-run")["items"]
    assert [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]] == []
