# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file system that a container sees: a tmpfs of its own, the image's programs read-only, /proc, /sys and a small /dev."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

from netns_cluster.linux import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    bind,
    make_read_only,
    mount,
)
from netns_cluster.runtime.messages import Container

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
SIZE_LIMIT = "64m"
READ_ONLY_IN_PROC = ("bus", "fs", "irq", "sys", "sysrq-trigger")
HIDDEN_IN_PROC = ("kcore", "keys", "latency_stats", "timer_list", "sched_debug")
PROBES = ("ping", "ping6", "traceroute", "traceroute6")
"""Programs that are busybox's even beside the host's tools, so that they print the same everywhere."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The shell must be the host's: that of busybox runs busybox's ip whatever the path says.
HOST_TOOLS_SEARCH_PATH = f"/opt/probes:{SEARCH_PATH}:/opt/busybox"

_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_HOST_DIRECTORIES = ("usr", "bin", "sbin", "lib", "lib64", "lib32")


def busybox_version(busybox: Path) -> str:
    """Return what a busybox says of itself: 1.35.0."""
    text = subprocess.run([busybox], capture_output=True, text=True, check=True).stdout
    match = re.search(r"v([0-9][0-9.]*)", text)
    return match[1] if match else "unknown"


def prepare_images(directory: Path, busybox: Path) -> None:
    """Lay out below ``directory``, an empty tmpfs, what containers show: links to busybox for each of its applets."""
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for folder in ("bin", "probes", "volumes", "root"):
        (directory / folder).mkdir(exist_ok=True)  # the API server, which starts meanwhile, makes volumes
    (directory / "bin" / "busybox").write_bytes(busybox.read_bytes())
    (directory / "bin" / "busybox").chmod(0o755)
    os.link(directory / "bin" / "busybox", directory / "probes" / "busybox")
    for folder, names in (("bin", applets), ("probes", PROBES)):
        for name in set(names) - {"busybox"}:
            os.symlink("busybox", directory / folder / name)


def build(images: Path, container: Container) -> str:
    """Mount the container's file system and return where; to be called in a mount namespace of its own."""
    root = str(images / "root")
    mount("root", root, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={SIZE_LIMIT}")
    for name in ("etc", "proc", "sys", "dev", "root", "home", "run", "var", "opt"):
        os.mkdir(f"{root}/{name}")
    _make_shared(f"{root}/tmp")  # noqa: S108 - the pod's own
    if container.host_tools:
        _show_host_tools(root, images)
    else:
        _show_busybox(root, images)
    for path, text in {"/etc/passwd": _USERS, "/etc/group": _GROUPS, **container.files}.items():
        Path(root + path).write_text(text, encoding="utf-8")
    _fill_dev(root)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with contextlib.suppress(
        PermissionError
    ):  # inside a user namespace the machine may forbid it; nothing of the lab needs it
        mount("sysfs", f"{root}/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if not container.privileged:
        _protect_proc(f"{root}/proc")
    for volume in container.volumes:
        os.makedirs(root + volume.path, exist_ok=True)
        bind(str(images / "volumes" / volume.name), root + volume.path, read_only=volume.read_only)
    if container.read_only:
        make_read_only(root)
    return root


def _make_shared(directory: str) -> None:
    """Make a directory that is everybody's, where only its owner removes a file."""
    os.mkdir(directory)
    os.chmod(directory, 0o1777)  # noqa: S103 - this is what it is for


def _protect_proc(proc: str) -> None:
    """Keep the machine's kernel out of reach of root in a pod, as every container runtime does."""
    for name in READ_ONLY_IN_PROC:
        if os.path.exists(f"{proc}/{name}"):
            bind(f"{proc}/{name}", f"{proc}/{name}", read_only=True)
    for name in HIDDEN_IN_PROC:
        if os.path.exists(f"{proc}/{name}"):
            bind("/dev/null", f"{proc}/{name}")


def _show_busybox(root: str, images: Path) -> None:
    os.mkdir(f"{root}/bin")
    bind(str(images / "bin"), f"{root}/bin", read_only=True)
    os.mkdir(f"{root}/usr")
    for name in ("sbin", "usr/bin", "usr/sbin"):
        os.symlink("/bin", f"{root}/{name}")


def _show_host_tools(root: str, images: Path) -> None:
    for folder, name in (("probes", "probes"), ("bin", "busybox")):
        os.mkdir(f"{root}/opt/{name}")
        bind(str(images / folder), f"{root}/opt/{name}", read_only=True)
    for name in _HOST_DIRECTORIES:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            bind(f"/{name}", f"{root}/{name}", read_only=True)


def _fill_dev(root: str) -> None:
    for name in DEVICES:
        Path(f"{root}/dev/{name}").touch()
        bind(f"/dev/{name}", f"{root}/dev/{name}")
    _make_shared(f"{root}/dev/shm")  # noqa: S108 - the pod's own
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{root}/dev/{name}")
