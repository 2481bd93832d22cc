# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a report consists of, by name. Private to the collection: it may change at any time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..checks.verdict import Verdict
from ..network.snapshot import Snapshot
from .cluster_report import cluster_report
from .fleet import Member, fleet_report, merged
from .junit import junit, suite, unchecked_suite


def report_files(verdict: Verdict, snapshot: Snapshot | None) -> dict[str, str]:
    """The report on one cluster. Raises ValueError when the snapshot is from a file that is malformed."""
    return {
        "report.json": _json(verdict.as_dict()),
        "report.xml": junit([suite(verdict.cluster, verdict)]),
        "report.html": cluster_report(verdict, snapshot),
    }


def fleet_files(members: Sequence[Member]) -> dict[str, str]:
    """The overview of several clusters."""
    suites = [
        unchecked_suite(member.name, member.reason) if member.verdict is None else suite(member.name, member.verdict)
        for member in members
    ]
    return {"fleet.json": _json(merged(members)), "fleet.xml": junit(suites), "fleet.html": fleet_report(members)}


def _json(plain: Any) -> str:
    return f"{json.dumps(plain, indent=2)}\n"
