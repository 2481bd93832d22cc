# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine lacks or forbids, told with the cure."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from netns_cluster import machine
from netns_cluster.errors import MissingLibraryError, UnfitMachineError

NOT_PERMITTED = OSError(errno.EPERM, "Operation not permitted")


def test_missing_programs_are_named_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "search_path", lambda: str(tmp_path))
    with pytest.raises(UnfitMachineError) as caught:
        machine.check()
    assert str(caught.value).endswith("apt-get install --yes busybox-static iproute2 nftables")


def test_only_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ip", "nft"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(machine, "search_path", lambda: str(tmp_path))
    with pytest.raises(UnfitMachineError, match=r"not installed: busybox\. .* --yes busybox-static$"):
        machine.check()


def test_a_busybox_that_needs_shared_libraries_will_not_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ip", "nft", "busybox"):
        (tmp_path / name).write_bytes(b"\x7fELF /lib64/ld-linux-x86-64.so.2")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(machine, "search_path", lambda: str(tmp_path))
    with pytest.raises(UnfitMachineError, match="needs shared libraries"):
        machine.check()


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LIBRARIES", ("json", "nosuchlibrary"))
    with pytest.raises(MissingLibraryError, match="pip install nosuchlibrary"):
        machine.check()


def test_another_system_than_linux_is_told_to_use_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(
        UnfitMachineError, match="network namespaces need Linux, and this is darwin: use a kind cluster"
    ):
        machine.check()


@pytest.mark.parametrize(
    ("setting", "value", "cure"),
    [
        ("kernel.unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user.max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_user_namespaces_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str, cure: str
) -> None:
    forbidding = {name: (file, wrong, name, right) for file, wrong, name, right in machine.SETTINGS}[setting]
    (tmp_path / "setting").write_text(f"{value}\n")
    monkeypatch.setattr(machine, "SETTINGS", ((str(tmp_path / "setting"), *forbidding[1:]),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    message = str(machine.refusal(NOT_PERMITTED))
    assert f"{setting} = {value} forbids" in message
    assert cure in message
    assert "Use a kind cluster instead" in message


def test_without_a_known_setting_the_message_still_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SETTINGS", ())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Use a kind cluster instead" in str(machine.refusal(NOT_PERMITTED))


def test_root_who_may_not_make_namespaces_hears_of_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "CAP_SYS_ADMIN" in str(machine.refusal(NOT_PERMITTED))
