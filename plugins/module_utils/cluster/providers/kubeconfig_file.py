# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig file for one lab cluster. Private to the collection: it may change at any time."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError, NotOursError


class KubeconfigFile:
    """The kubeconfig file of the cluster ``name``, written and removed only if its first line says that it is that.

    :raises InputError: the path is that of ~/.kube/config, or what is there cannot be read.
    """

    def __init__(self, path: str | None, name: str) -> None:
        self.path = Path(path).expanduser().absolute() if path else _default(name)
        self._mark = f"# kubelab.podnet wrote this for the lab cluster {name}, and removes it with that cluster.\n"
        self._name = name
        if os.path.realpath(self.path) == os.path.realpath(Path("~/.kube/config").expanduser()):
            raise InputError(f"kubeconfig is {self.path}, which is never written: give a file of the cluster's own")
        self._found = self._read()

    def is_ours(self) -> bool:
        """Tell whether the file is there, and is the one of this cluster."""
        return self._found is not None and self._found.startswith(self._mark)

    def check(self) -> None:
        """Raise NotOursError when at the path is a file that somebody else wrote, or that is another cluster's."""
        if self._found and not self.is_ours():
            raise NotOursError(
                f"{self.path} is there, and is not what was written for the cluster {self._name}: "
                "give another path in kubeconfig, or move that file away"
            )

    def check_writable(self) -> None:
        """Raise InputError when the file cannot be written; nothing is written for that."""
        there = next(folder for folder in self.path.parents if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            raise self._unwritable(error) from None

    def state(self, kubeconfig: str) -> str:
        """Say whether the file has this content, for its owner only: ``missing``, ``outdated`` or ``up to date``."""
        if self._found is None:
            return "missing"
        private = stat.S_IMODE(self.path.stat().st_mode) == 0o600
        return "up to date" if private and self._found == self._mark + kubeconfig else "outdated"

    def write(self, kubeconfig: str) -> None:
        """Write the file, or raise InputError and leave what was there."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp gives mode 0600; a reader finds the old file or the new one, whole.
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(self._mark + kubeconfig)
                os.replace(name, self.path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise self._unwritable(error) from None

    def remove(self) -> None:
        """Remove the file, or raise InputError; one that is gone already is no error."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"kubeconfig is {self.path}, which cannot be removed: {error.strerror}; remove it by hand"
            ) from None

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"kubeconfig is {self.path}, which cannot be written: {error.strerror}; give a file in a folder of yours"
        )

    def _read(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"kubeconfig is {self.path}, which cannot be read: {error.strerror}") from None


def _default(name: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "kubelab.podnet" / f"{name}.kubeconfig"
