# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where clusters are noted down on the machine, and who may change what is there.

Each cluster has a directory that only its owner can enter. Two locks tell its state without a guess about process ids:
``alive`` is held by the cluster's first process as long as it lives, the other one by whoever makes or removes the cluster. The
kernel releases both when their holders end, whatever ends them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netns_cluster.errors import StateError

Record = dict[str, Any]

OVERRIDE = "NETNS_CLUSTER_STATE"


def base_directory() -> Path:
    """Return where this user's clusters are: /run for root, else XDG_RUNTIME_DIR, else ~/.local/state."""
    if override := os.environ.get(OVERRIDE):
        return Path(override)
    if os.geteuid() == 0:
        return Path("/run/netns-cluster")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime, "netns-cluster")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "netns-cluster")


class ClusterState:
    """The directory of one cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = base_directory() / name
        self.kubeconfig = self.directory / "kubeconfig"
        self.log = self.directory / "log"
        self._alive = self.directory / "alive"
        self._record = self.directory / "cluster.json"

    @contextmanager
    def changing(self) -> Iterator[int]:
        """Hold the lock that all who make or remove this cluster wait for; gives its descriptor."""
        base = self.directory.parent
        try:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            (base / f"{self.name}.lock").touch(mode=0o600)
        except OSError as error:
            cure = f"name a directory of yours in the environment variable {OVERRIDE}"
            raise StateError(f"clusters cannot be noted down in {base} ({error.strerror}): {cure}") from error
        with _locked(base / f"{self.name}.lock", fcntl.LOCK_EX) as descriptor:
            yield descriptor

    @contextmanager
    def alive_lock(self) -> Iterator[int]:
        """Hold the lock of the living, for a cluster about to start; gives its descriptor."""
        with _locked(self._alive, fcntl.LOCK_EX) as descriptor:
            yield descriptor

    def is_alive(self) -> bool:
        if not self._alive.exists():
            return False
        try:
            with _locked(self._alive, fcntl.LOCK_SH | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    def create(self) -> None:
        """Make the directory anew; what a killed cluster left goes."""
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "images").mkdir(parents=True, mode=0o700)
        self.directory.chmod(0o700)

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def read(self) -> Record:
        """Return what was noted down; empty when there is nothing."""
        try:
            record: Record = json.loads(self._record.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return record

    def write(self, record: Record) -> None:
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self._record)


def all_states() -> list[ClusterState]:
    """Return the states of all clusters of this user, stale ones too, by name."""
    base = base_directory()
    names = sorted(path.name for path in base.iterdir() if path.is_dir()) if base.is_dir() else []
    return [ClusterState(name) for name in names]


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield descriptor
    finally:
        os.close(descriptor)
