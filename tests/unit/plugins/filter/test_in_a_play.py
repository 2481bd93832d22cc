"""The filters inside Ansible, which wraps what they get and refuses anything but plain JSON types from them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]


def test_every_filter_works_in_a_play(tmp_path: Path) -> None:
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "build"),
        "ANSIBLE_HOME": str(tmp_path),
        "ANSIBLE_NOCOLOR": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", HERE / "filters.yml"],
        env=inherited | settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    assert "ok=6" in done.stdout
    assert "ignored=1" in done.stdout
