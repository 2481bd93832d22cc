# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports written to files. Private to the collection: it may change at any time."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import Verdict
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import read_snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.files import fleet_files, report_files
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.fleet import Member
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.records import verdict_from_plain

_MODE = 0o644


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    files = _report(parameters) if parameters["fleet"] is None else _overview(parameters["fleet"])
    folder = Path(parameters["dest"]).absolute()
    try:
        before = {name: _found(folder / name) for name in files}
        changed = [name for name, text in files.items() if before[name] != (text, _MODE)]
        if changed and not task.check_mode:
            folder.mkdir(parents=True, exist_ok=True)
            for name in changed:
                _replace(folder / name, files[name])
    except OSError as error:
        raise InputError(
            f"the report cannot be written to {folder}: {error.strerror} ({error.filename}); name another folder in dest"
        ) from error
    return {
        "changed": bool(changed),
        "files": {Path(name).suffix[1:]: str(folder / name) for name in files},
        "diff": _diff(folder, before, files),
    }


def _report(parameters: Mapping[str, Any]) -> dict[str, str]:
    verdict = _verdict(parameters["verdict"], "verdict")
    path = parameters["snapshot"]
    try:
        return report_files(verdict, None if path is None else read_snapshot(Path(path)))
    except OSError as error:
        raise InputError(
            f"the snapshot {path} cannot be read: {error.strerror}; save one with snapshot_dest"
        ) from error
    except ValueError as error:
        raise InputError(f"the snapshot {path} cannot be used: {error}; save a new one with snapshot_dest") from error


def _overview(fleet: list[dict[str, Any]]) -> dict[str, str]:
    if not fleet:
        raise InputError(
            "fleet names no cluster: give each cluster's name, with its verdict or the msg why there is none"
        )
    return fleet_files(
        [
            Member(
                item["name"],
                None if item["verdict"] is None else _verdict(item["verdict"], f"fleet: cluster {item['name']}"),
                item["msg"] or "no verdict was given",
                item["report"],
            )
            for item in fleet
        ]
    )


def _verdict(plain: Any, name: str) -> Verdict:
    try:
        return verdict_from_plain(plain)
    except ValueError as error:
        raise InputError(f"{name} is not what the module network_validate returns: {error}") from error


def _found(path: Path) -> tuple[str, int] | None:
    """What the file holds, and its mode; None when there is none."""
    try:
        return path.read_bytes().decode(errors="replace"), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write a file at once: who reads it finds the old one or the new one, whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            os.fchmod(descriptor, _MODE)
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _diff(folder: Path, before: Mapping[str, tuple[str, int] | None], files: Mapping[str, str]) -> list[dict[str, Any]]:
    """What changes in each file, and the difference of the JSON, which the other two say in their own ways."""
    name = next(name for name in files if name.endswith(".json"))
    found = before[name]
    return [
        {
            "before": {str(folder / name): _described(found) for name, found in before.items()},
            "after": {str(folder / name): _described((text, _MODE)) for name, text in files.items()},
        },
        {
            "before_header": str(folder / name),
            "after_header": str(folder / name),
            "before": found[0] if found else "",
            "after": files[name],
        },
    ]


def _described(found: tuple[str, int] | None) -> str:
    if found is None:
        return "absent"
    content = found[0].encode()
    return f"mode {found[1]:04o}, {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}"


OPERATION = Operation(
    options={
        "dest": {"type": "path", "required": True},
        "verdict": {"type": "dict"},
        "snapshot": {"type": "path"},
        "fleet": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "verdict": {"type": "dict"},
                "msg": {"type": "str"},
                "report": {"type": "str"},
            },
            "required_one_of": [("verdict", "msg")],
        },
    },
    run=_run,
    rules={
        "mutually_exclusive": [("verdict", "fleet"), ("snapshot", "fleet")],
        "required_one_of": [("verdict", "fleet")],
    },
)
