# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run by root: become an ordinary user, on a machine as it is or on one that forbids something, and run a command.

    python as_user.py MACHINE SCRATCH PATH[:PATH...] COMMAND...

MACHINE is ``as-it-is``, ``no-user-namespaces`` (a limit of 0 in a user namespace of our own) or ``hidden-proc`` (a part of
/proc is covered, as in most containers). What stands at the PATHs is readable to the user, even in root's home; SCRATCH is an
empty folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from netns_cluster import linux

UID = 54321


def show(paths: list[Path], scratch: Path) -> None:
    """Cover root's home, and let the paths in it be seen there."""
    home = Path("~").expanduser()
    inside = [path for path in paths if path.is_relative_to(home)]
    for number, path in enumerate(inside):
        (scratch / str(number)).mkdir()
        linux.bind(str(path), str(scratch / str(number)))
    linux.mount("tmpfs", str(home), "tmpfs", data="mode=755")
    for number, path in enumerate(inside):
        path.mkdir(parents=True, exist_ok=True)
        linux.bind(str(scratch / str(number)), str(path))


def forbid_user_namespaces() -> None:
    """Enter a user namespace of many users, whose limit of user namespaces below it is 0."""
    parent_ready, child_ready = os.pipe(), os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.read(child_ready[0], 1)
        for kind in ("uid", "gid"):
            Path(f"/proc/{os.getppid()}/{kind}_map").write_text("0 0 65536")
        os.write(parent_ready[1], b"x")
        os._exit(0)
    linux.unshare(linux.CLONE_NEWUSER)
    os.write(child_ready[1], b"x")
    os.read(parent_ready[0], 1)
    os.waitpid(mapper, 0)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def main() -> None:
    machine, scratch, paths, command = sys.argv[1], Path(sys.argv[2]), sys.argv[3].split(":"), sys.argv[4:]
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    show([Path(path) for path in paths], scratch)
    if machine == "no-user-namespaces":
        forbid_user_namespaces()
    elif machine == "hidden-proc":
        linux.mount("tmpfs", "/proc/bus", "tmpfs", linux.MS_RDONLY)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.execvp(command[0], command)  # noqa: S606 - an exec has no shell


if __name__ == "__main__":
    main()
