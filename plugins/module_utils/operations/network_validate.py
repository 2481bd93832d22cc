# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict on a cluster's pod network. Private to the collection: it may change at any time."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.judge import judge
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.places import Pair
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import read_snapshot, write_snapshot
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.gather import gather
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import read_pair

_DNS_NAME = re.compile(r"(\w[-\w.]*)?", re.ASCII)


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    pairs = [read_pair(item) for item in parameters["pairs"]]
    try:
        snapshot = _snapshot(parameters, pairs, check_mode=task.check_mode)
        if parameters["snapshot_dest"] and not task.check_mode:
            _write(snapshot, Path(parameters["snapshot_dest"]))
        verdict = judge(snapshot, pairs)
    except ValueError as error:
        if not parameters["snapshot_src"]:
            raise
        # Nodes are read from the file while they are judged.
        raise InputError(
            f"{parameters['snapshot_src']} is no snapshot: {error}; take it anew by snapshot_dest"
        ) from error
    return {"changed": bool(parameters["snapshot_dest"]), **verdict.as_dict()}


def _snapshot(parameters: Mapping[str, Any], pairs: Sequence[Pair], *, check_mode: bool) -> Snapshot:
    if parameters["snapshot_src"]:
        try:
            return read_snapshot(Path(parameters["snapshot_src"]))
        except OSError as error:
            raise InputError(f"the snapshot {parameters['snapshot_src']} cannot be read: {error.strerror}") from error
    _check(parameters)
    cluster, deadline = options.connect(parameters)
    with cluster:
        return gather(cluster, parameters, pairs, deadline, check_mode=check_mode)


def _check(parameters: Mapping[str, Any]) -> None:
    """Refuse what cannot be measured before anything is made."""
    outside = parameters["outside"]
    try:
        ipaddress.ip_address(outside or "0.0.0.0")  # noqa: S104 - nothing listens there
    except ValueError as error:
        raise InputError(
            f"outside is to be an IP address, not {outside!r}; a name needs a name server to be found"
        ) from error
    if not _DNS_NAME.fullmatch(parameters["dns_name"]):
        raise InputError(f"dns_name is to be the name of a host, not {parameters['dns_name']!r}")
    if parameters["access"] == "probe_pod" and not parameters["probe"]:
        raise InputError("access: probe_pod needs probe pods; leave probe: false out, or choose another access")


def _write(snapshot: Snapshot, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(snapshot, path)
    except OSError as error:
        raise InputError(f"the snapshot cannot be written to {path}: {error.strerror}; name a file that can") from error


OPERATION = Operation(
    options={
        "probe": {"type": "bool", "default": True},
        "probe_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},  # names only
        "probe_labels": {"type": "dict", "default": {}},
        "probe_annotations": {"type": "dict", "default": {}},
        "outside": {"type": "str", "default": ""},
        "pairs": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"from": {"type": "str", "required": True}, "to": {"type": "str", "required": True}},
        },
        "dns_name": {"type": "str", "default": "kubernetes.default.svc.cluster.local"},
        "snapshot_src": {"type": "path"},
        "snapshot_dest": {"type": "path"},
        **options.timeout(120),
        **options.NODE_ACCESS,
        # Empty: a namespace of the run's own, which nobody else's rules concern.
        "probe_namespace": {"type": "str", "default": ""},
        **options.CLUSTER,
    },
    rules={"mutually_exclusive": [("snapshot_src", "snapshot_dest")]},
    run=_run,
)
