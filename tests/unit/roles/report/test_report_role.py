"""The role report in a play."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import write_snapshot

from tests.unit.plugins.module_utils.reports.examples import FAILING, FAILING_SNAPSHOT

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]


@pytest.fixture(name="play")
def runner(tmp_path):
    (tmp_path / "verdict.json").write_text(json.dumps(FAILING.as_dict()))
    write_snapshot(FAILING_SNAPSHOT, tmp_path / "snapshot.jsonl")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "build"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_NOCOLOR": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    program = Path(sys.executable).with_name("ansible-playbook")

    def run(*options: str) -> str:
        done = subprocess.run(
            [program, "-i", "localhost,", HERE / "play.yml", "-e", f"test_dir={tmp_path}", *options],
            env=inherited | settings,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_role_writes_reports_says_where_and_is_idempotent(play, tmp_path) -> None:
    folder = tmp_path / "reports"

    checked = play("--check", "--diff")
    assert not folder.exists()
    assert "changed=3" in checked
    assert '+  "verdict": "fail",' in checked

    first = play()
    assert "changed=2" in first
    names = {f"{name}.{kind}" for name in ("report", "fleet") for kind in ("json", "xml", "html")}
    assert {file.name for file in folder.iterdir()} == names
    assert str(folder / "report.html") in first
    assert json.loads((folder / "report.json").read_text()) == FAILING.as_dict()
    assert 'id="topology"' in (folder / "report.html").read_text()
    assert 'href="report.html"' in (folder / "fleet.html").read_text()

    again = play("--diff")
    assert "changed=0" in again
    assert "+++ after" not in again
