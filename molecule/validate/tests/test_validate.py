"""The files that the playbooks wrote, and what they said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import jsonschema
import pytest
from facts import WORKERS, kubectl

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "verdict.schema.json").read_text())
# Folder of a report -> the verdict in it.
REPORTS = {
    "healthy": "pass",
    "broken": "fail",
    "fleet/arn_aws_lab": "pass",
    "plain/repaired": "pass",
    "plain/snapshot": "fail",
}


@pytest.fixture(scope="module")
def folder(ephemeral: Path) -> Path:
    return ephemeral / "validate"


def verdict(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "report.json").read_text())
    print(json.dumps(read, indent=2))
    return read


def junit(file: Path) -> Element:
    return fromstring(file.read_text())  # noqa: S314 - made here


def said(folder: Path, name: str) -> str:
    text: str = json.loads((folder / "said.json").read_text())[name]
    print(text)
    return text


@pytest.mark.parametrize("name", REPORTS)
def test_the_report_is_there_in_three_forms_that_say_the_same(folder: Path, name: str) -> None:
    judged = verdict(folder / name)
    jsonschema.validate(judged, SCHEMA)
    assert judged["verdict"] == REPORTS[name]
    wrong = [
        case.attrib["name"]
        for case in junit(folder / name / "report.xml").iter("testcase")
        if case.find("failure") is not None
    ]
    assert set(wrong) >= {finding["code"] for finding in judged["findings"]}
    assert bool(wrong) == (REPORTS[name] == "fail")
    page = (folder / name / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    for finding in judged["findings"]:
        assert finding["message"] in page


def test_a_healthy_cluster_is_told_to_be_healthy_with_what_was_proved(folder: Path) -> None:
    text = unfolded(said(folder, "healthy"))
    assert "the pod network keeps what it promises" in text
    for promise in ("P1", "P2", "P3"):
        assert f" {promise} proved " in text
    assert f"Looked at 3 of 3 nodes, {verdict(folder / 'healthy')['coverage']['pods']} pods" in text


def test_a_fault_fails_the_play_with_its_remedy_once_the_report_is_written(folder: Path) -> None:
    text = unfolded(said(folder, "broken"))
    (finding,) = verdict(folder / "broken")["findings"]
    assert (finding["code"], finding["node"]) == ("missing-block-route", WORKERS[0])
    assert finding["message"].startswith(f"{WORKERS[0]} has no route to the pods of {WORKERS[1]} (")
    assert text.index("report.html") < text.index("[ERROR]: Task failed: Action failed")
    assert f"ERROR missing-block-route: {finding['message']}" in text
    assert text.count(finding["remedy"]) >= 2  # in the verdict that is shown, and in the message of the failure


def test_a_fleet_has_one_overview_of_what_was_found_and_of_the_cluster_that_is_not_there(folder: Path) -> None:
    overview = json.loads((folder / "fleet" / "fleet.json").read_text())
    print(json.dumps(overview, indent=2))
    told = {member["cluster"]: member["verdict"] for member in overview["clusters"]}
    assert told == {"arn_aws_lab": "pass", "nowhere": "unchecked"}
    assert 'href="arn_aws_lab/report.html"' in (folder / "fleet" / "fleet.html").read_text()
    assert len(list(junit(folder / "fleet" / "fleet.xml").iter("testsuite"))) == 2
    assert not (folder / "fleet" / "nowhere").exists()
    assert failed(said(folder, "fleet")) == {"arn_aws_lab": False, "nowhere": True}


def test_each_host_of_a_plain_inventory_is_a_cluster_and_a_snapshot_gives_the_same_verdict_again(folder: Path) -> None:
    assert failed(said(folder, "plain")) == {"repaired": False, "snapshot": True}
    assert verdict(folder / "plain" / "snapshot") == verdict(folder / "broken")


def unfolded(text: str) -> str:
    """The text without its line breaks: ansible-core 2.19 breaks long lines."""
    return " ".join(text.split())


def failed(text: str) -> dict[str, bool]:
    """Of each host that a play was for, whether it failed."""
    recap = text.partition("PLAY RECAP")[2].splitlines()[1:]
    return {line.split()[0]: "failed=0" not in line for line in recap if line}


def test_no_probe_pod_is_left() -> None:
    pods = kubectl("get", "pods", "-A", "-l", "kubelab.podnet/probe-run")["items"]
    assert [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]] == []
