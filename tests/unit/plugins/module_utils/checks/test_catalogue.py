# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/findings.md says what the catalogue says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.catalogue import CATALOGUE

ROOT = Path(__file__).parents[5]
PAGE = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")


def test_the_page_is_as_make_docs_writes_it() -> None:
    command = [sys.executable, str(ROOT / "tools" / "findings.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "build")}
    made = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert made.stdout == PAGE, "write it anew: make docs"


def test_each_finding_has_a_section_and_a_link_to_it() -> None:
    for code in CATALOGUE:
        assert PAGE.count(f"\n## {code}\n") == 1
        assert f"(#{code})" in PAGE
