# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Making, finding and removing clusters on this machine."""

from __future__ import annotations

import json
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from netns_cluster import kubeconfig, launcher, machine
from netns_cluster.config import Config, Shape
from netns_cluster.errors import InvalidRequestError, OtherShapeError, StartFailedError
from netns_cluster.state import ClusterState, Record, all_states

START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """What became of a request: whether anything changed, and the cluster as :func:`describe` shows it."""

    changed: bool
    cluster: dict[str, Any]


def up(shape: Shape, kubeconfig_path: Path | None) -> Outcome:
    """Have a cluster of this shape, ready; make it if it is not there.

    Raises :class:`~netns_cluster.errors.OtherShapeError` when another one has the name.
    """
    busybox = machine.check()
    if kubeconfig_path:
        kubeconfig.check(kubeconfig_path)
    state = ClusterState(shape.name)
    with state.changing() as starting:
        changed = not state.is_alive()
        if changed:
            _start(state, shape, busybox, starting)
        else:
            _compare(state, shape)
        if kubeconfig_path:
            changed |= _write_kubeconfig(state, kubeconfig_path)
        return Outcome(changed, describe(state))


def down(name: str) -> Outcome:
    """Remove a cluster and its entries in kubeconfig files; nothing to do is no error.

    Raises :class:`~netns_cluster.errors.InvalidRequestError` in the end for files that an entry cannot be taken out of.
    """
    Shape(name)  # a name that cannot be is an error
    state = ClusterState(name)
    with state.changing():
        changed = state.directory.exists()
        record = state.read()
        if state.is_alive():
            _kill(record["pid"])
        left = []
        for path in record.get("kubeconfigs", []):
            try:
                kubeconfig.remove(Path(path), name)
            except (InvalidRequestError, OSError, ValueError):  # ValueError: no text
                left.append(path)
        state.remove()
        if left:  # told in the end, so that the next call does not fail for it again
            raise InvalidRequestError(
                f"cluster {name} is removed, but {' and '.join(left)} cannot be changed: take the context "
                f"{kubeconfig.context_name(name)} out by hand if it is in there"
            )
        return Outcome(changed, {"name": name, "status": "absent"})


def clusters() -> list[dict[str, Any]]:
    """Return all clusters of this user, by name."""
    return [describe(state) for state in all_states()]


def describe(state: ClusterState) -> dict[str, Any]:
    """Return a cluster as plain JSON: shape, nodes, server, kubeconfig, context, status (running, starting, stale)."""
    record = state.read()
    cluster: dict[str, Any] = {"name": state.name, "status": "stale", "emulated": True}
    if state.is_alive():
        cluster["status"] = "running" if state.kubeconfig.exists() else "starting"
    if record:
        cluster |= record["shape"] | {"nodes": list(_shape_of(record).nodes), "pid": record["pid"]}
    if state.kubeconfig.exists():
        credentials = json.loads(state.kubeconfig.read_text(encoding="utf-8"))
        cluster["server"] = credentials["clusters"][0]["cluster"]["server"]
    return cluster | {"kubeconfig": str(state.kubeconfig), "context": kubeconfig.context_name(state.name)}


def _shape_of(record: Record) -> Shape:
    return Shape(**{**record["shape"], "pod_subnets": tuple(record["shape"]["pod_subnets"])})


def _compare(state: ClusterState, shape: Shape) -> None:
    differences = _shape_of(state.read()).differences(shape)
    if differences:
        raise OtherShapeError(
            f"cluster {shape.name} is there with another shape ({'; '.join(differences)}): choose another name, or remove it "
            f"first with: python -m netns_cluster down --name {shape.name}"
        )


def _start(state: ClusterState, shape: Shape, busybox: Path, starting: int) -> None:
    kubeconfigs = state.read().get("kubeconfigs", [])  # a killed cluster's entries are still there to be removed
    state.create()
    reader, writer = os.pipe()
    with state.alive_lock() as alive, open(reader, "rb") as ready:
        config = Config(shape, str(state.directory), str(busybox), writer, starting, alive)
        try:
            pid = launcher.launch(config, state.log)
        finally:
            os.close(writer)
        try:
            state.write({"shape": shape.as_json(), "pid": pid, "kubeconfigs": kubeconfigs})
            _await_ready(state, ready)
        except BaseException:
            _kill(pid)
            state.remove()
            raise


def _await_ready(state: ClusterState, ready: BinaryIO) -> None:
    """Wait for the cluster's own word."""
    readable, _unused, _unused = select.select([ready], [], [], START_SECONDS)
    if not readable:
        raise StartFailedError(f"cluster {state.name} was not ready within {START_SECONDS:.0f} s: {_log_tail(state)}")
    message = json.loads(ready.readline() or "{}")
    if not message.get("ready"):
        why = message.get("error") or _log_tail(state)
        raise StartFailedError(f"cluster {state.name} did not start: {why}")


def _log_tail(state: ClusterState) -> str:
    text = state.log.read_text(encoding="utf-8", errors="replace") if state.log.exists() else ""
    return " / ".join(text.strip().splitlines()[-5:]) or "it left no message"


def _write_kubeconfig(state: ClusterState, path: Path) -> bool:
    path = path.expanduser().absolute()
    added = json.loads(state.kubeconfig.read_text(encoding="utf-8"))
    if path == state.kubeconfig:
        return False
    changed = kubeconfig.merge(path, added)
    record = state.read()
    if str(path) not in record["kubeconfigs"]:
        state.write({**record, "kubeconfigs": [*record["kubeconfigs"], str(path)]})
    return changed


def _kill(pid: int) -> None:
    """Kill a cluster's first process and wait until the kernel has ended all others of its namespace."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], STOP_SECONDS)
    finally:
        os.close(descriptor)
