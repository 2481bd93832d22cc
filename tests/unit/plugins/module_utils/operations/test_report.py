"""Reports written to a folder."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import write_snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.report import OPERATION

from tests.unit.plugins.module_utils.reports.examples import FAILING, FAILING_SNAPSHOT, PASSING

NAMES = {"report.json", "report.xml", "report.html"}


def report(dest: Path, check_mode: bool = False, **arguments):
    if not {"verdict", "fleet"} & set(arguments):
        arguments["verdict"] = FAILING.as_dict()
    return run_in_process(OPERATION, {"dest": str(dest), **arguments}, check_mode=check_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_folder_is_made_and_the_three_files_are_readable_by_all(tmp_path) -> None:
    folder = tmp_path / "a" / "b"
    previous = os.umask(0o077)
    try:
        result = report(folder)
    finally:
        os.umask(previous)
    assert result["changed"]
    assert set(contents(folder)) == NAMES
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o644}
    assert result["files"] == {kind: str(folder / f"report.{kind}") for kind in ("json", "xml", "html")}
    assert json.loads((folder / "report.json").read_text()) == FAILING.as_dict()


def test_a_second_run_changes_nothing(tmp_path) -> None:
    report(tmp_path)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert not report(tmp_path)["changed"]
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_only_what_differs_is_written_again(tmp_path) -> None:
    report(tmp_path)
    inodes = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    (tmp_path / "report.xml").write_text("by somebody else")
    (tmp_path / "report.json").chmod(0o600)
    assert report(tmp_path)["changed"]
    assert (tmp_path / "report.html").stat().st_ino == inodes["report.html"]
    assert (tmp_path / "report.xml").read_text().startswith("<?xml")
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o644


@pytest.mark.parametrize("there", [False, True])
def test_check_mode_writes_nothing_and_says_what_would_change(tmp_path, there) -> None:
    folder = tmp_path / "new"
    if there:
        report(folder, verdict=PASSING.as_dict())
    before = contents(folder) if there else None
    checked = report(folder, check_mode=True)
    assert checked["changed"]
    assert (contents(folder) if folder.exists() else None) == before
    done = report(folder)
    assert checked == done
    assert not report(folder, check_mode=True)["changed"]


def test_the_diff_is_what_changed_and_empty_when_nothing_did(tmp_path) -> None:
    states, verdicts = report(tmp_path)["diff"]
    assert set(states["before"].values()) == {"absent"}
    assert all(state.startswith("mode 0644, ") for state in states["after"].values())
    assert (verdicts["before"], json.loads(verdicts["after"])["verdict"]) == ("", "fail")
    for part in report(tmp_path)["diff"]:
        assert part["before"] == part["after"]


def test_a_report_with_the_snapshot_shows_the_tables(tmp_path) -> None:
    write_snapshot(FAILING_SNAPSHOT, tmp_path / "snapshot.jsonl")
    report(tmp_path / "with", snapshot=str(tmp_path / "snapshot.jsonl"))
    report(tmp_path / "without")
    assert 'id="tables"' in (tmp_path / "with" / "report.html").read_text()
    assert 'id="tables"' not in (tmp_path / "without" / "report.html").read_text()


def test_an_overview_of_a_fleet_names_those_that_were_not_checked(tmp_path) -> None:
    fleet = [
        {"name": "shop", "verdict": PASSING.as_dict(), "report": "shop/report.html"},
        {"name": "far", "msg": "no answer"},
    ]
    result = report(tmp_path, fleet=fleet)
    assert set(contents(tmp_path)) == {"fleet.json", "fleet.xml", "fleet.html"}
    assert json.loads(Path(result["files"]["json"]).read_text())["clusters"][1]["reason"] == "no answer"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"verdict": {"verdict": "pass"}},
            "verdict is not what the module network_validate returns: verdict has no cluster",
        ),
        ({"fleet": []}, "fleet names no cluster"),
        ({"fleet": [{"name": "shop"}]}, "one of the following is required: verdict, msg found in fleet"),
        (
            {"fleet": [{"name": "shop", "verdict": {}}]},
            "fleet: cluster shop is not what the module network_validate returns: verdict has no verdict",
        ),
        ({"snapshot": "/nowhere/snapshot.jsonl"}, "the snapshot /nowhere/snapshot.jsonl cannot be read: No such file"),
        ({"fleet": [{"name": "a", "msg": "b"}], "verdict": {}}, "mutually exclusive"),
    ],
)
def test_what_is_wrong_with_the_input_is_named_and_nothing_is_written(tmp_path, arguments, message) -> None:
    result = report(tmp_path / "out", **arguments)
    assert result["failed"]
    assert result["error"] == "invalid-input"
    assert message in result["msg"]
    assert not (tmp_path / "out").exists()


def test_a_malformed_snapshot_is_named_with_its_line(tmp_path) -> None:
    file = tmp_path / "snapshot.jsonl"
    write_snapshot(FAILING_SNAPSHOT, file)
    file.write_text(file.read_text() + "{half a li")
    result = report(tmp_path / "out", snapshot=str(file))
    assert f"the snapshot {file} cannot be used: line 5: " in result["msg"]


def test_a_folder_that_cannot_be_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    result = report(tmp_path / "file" / "reports")
    assert result["error"] == "invalid-input"
    assert f"the report cannot be written to {tmp_path / 'file' / 'reports'}: Not a directory" in result["msg"]


def test_a_folder_in_the_place_of_a_file_is_named_and_nothing_is_written(tmp_path) -> None:
    (tmp_path / "report.html").mkdir()
    result = report(tmp_path)
    assert "Is a directory" in result["msg"]
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_disk_that_is_full_leaves_no_half_file_and_the_old_ones_whole(tmp_path) -> None:
    report(tmp_path, verdict=PASSING.as_dict())
    before = contents(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        result = report(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in result["msg"]
    assert contents(tmp_path) == before


def test_a_link_at_the_place_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "report.json").symlink_to(tmp_path / "kept")
    report(tmp_path)
    assert (tmp_path / "kept").read_text() == "kept"
    assert not (tmp_path / "report.json").is_symlink()
