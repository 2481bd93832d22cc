# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine must have and allow, and which of its settings is in the way when it does not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from netns_cluster.errors import MissingLibraryError, UnfitMachineError

PACKAGES = {"busybox": "busybox-static", "ip": "iproute2", "nft": "nftables"}
"""Program -> the Debian package that has it."""

LIBRARIES = ("aiohttp", "dnslib", "jsonpatch", "trustme", "yaml")

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ALTERNATIVE = "Use a kind cluster instead, or run this as root"
SETTINGS = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces", "10000"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns",
        "0",
    ),
)
"""File, the value that forbids, the setting's name, the value that allows."""


def search_path() -> str:
    """Return a PATH on which the programs of the system's administration are, too."""
    return f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"


def check() -> Path:
    """Return the busybox to use; raise what is missing: an UnfitMachineError or a MissingLibraryError."""
    if sys.platform != "linux":
        raise UnfitMachineError(
            f"network namespaces need Linux, and this is {sys.platform}: use a kind cluster instead"
        )
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if libraries:
        install = f"{sys.executable} -m pip install {' '.join(libraries)}"
        raise MissingLibraryError(f"Python libraries are missing: {', '.join(libraries)}. Install them with: {install}")
    missing = [program for program in PACKAGES if shutil.which(program, path=search_path()) is None]
    if missing:
        packages = " ".join(sorted(PACKAGES[program] for program in missing))
        raise UnfitMachineError(f"not installed: {', '.join(missing)}. On Debian: apt-get install --yes {packages}")
    busybox = shutil.which("busybox", path=search_path())
    assert busybox is not None  # noqa: S101 - just found
    if not _is_static(Path(busybox)):
        message = (
            f"{busybox} needs shared libraries, which pods do not have. On Debian: apt-get install --yes busybox-static"
        )
        raise UnfitMachineError(message)
    return Path(busybox).resolve()


def _is_static(program: Path) -> bool:
    """Whether an ELF file names no interpreter, that is, no dynamic linker."""
    with program.open("rb") as file:
        head = file.read(4096)
    return not any(linker in head for linker in (b"/ld-linux", b"/ld-musl", b"/ld64.so", b"/ld.so"))


def refusal(error: OSError) -> UnfitMachineError:
    """Explain why namespaces could not be made: by the setting that forbids it, if one does."""
    if os.geteuid() == 0:
        why = "root may not make namespaces here, as in an unprivileged container"
        return UnfitMachineError(f"{why} ({error}): use a kind cluster instead, or a container with CAP_SYS_ADMIN")
    for path, forbidding, name, allowing in SETTINGS:
        if _read(path) == forbidding:
            cure = f"sysctl -w {name}={allowing}"
            return UnfitMachineError(
                f"{name} = {forbidding} forbids user namespaces to ordinary users ({error}). {_ALTERNATIVE}; an "
                f"administrator allows it with: {cure}"
            )
    return UnfitMachineError(f"this machine does not let an ordinary user make namespaces ({error}). {_ALTERNATIVE}")


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
