# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries in kubeconfig files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from netns_cluster import kubeconfig
from netns_cluster.errors import InvalidRequestError

DEMO = kubeconfig.entry("demo", "https://127.0.0.1:1", b"ca", "secret")
OTHER = kubeconfig.entry("other", "https://127.0.0.1:2", b"ca", "secret")


def test_a_new_file_holds_the_cluster_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    assert kubeconfig.merge(path, DEMO)
    assert path.stat().st_mode & 0o777 == 0o600
    config = yaml.safe_load(path.read_text())
    assert config["current-context"] == "netns-demo"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"


def test_an_entry_is_put_beside_others_and_becomes_the_current_one(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, OTHER)
    kubeconfig.merge(path, DEMO)
    config = yaml.safe_load(path.read_text())
    assert [context["name"] for context in config["contexts"]] == ["netns-other", "netns-demo"]
    assert config["current-context"] == "netns-demo"


def test_the_same_entry_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert kubeconfig.merge(path, DEMO)
    before = path.stat().st_ino
    assert not kubeconfig.merge(path, DEMO)
    assert path.stat().st_ino == before


def test_a_new_entry_of_the_same_name_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, DEMO)
    kubeconfig.merge(path, kubeconfig.entry("demo", "https://127.0.0.1:9", b"ca", "other secret"))
    config = yaml.safe_load(path.read_text())
    assert [cluster["cluster"]["server"] for cluster in config["clusters"]] == ["https://127.0.0.1:9"]


def test_removing_leaves_the_entries_of_others(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, OTHER)
    kubeconfig.merge(path, DEMO)
    kubeconfig.remove(path, "demo")
    config = yaml.safe_load(path.read_text())
    assert [user["name"] for user in config["users"]] == ["netns-other"]
    assert config["current-context"] == ""


def test_removing_the_last_entry_removes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge(path, DEMO)
    kubeconfig.remove(path, "demo")
    assert not path.exists()
    kubeconfig.remove(path, "demo")


@pytest.mark.parametrize("content", [b"- a list", b"{", b"just words", b"\xff\xfe"])
def test_a_file_that_is_no_kubeconfig_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(InvalidRequestError, match="is not a kubeconfig file"):
        kubeconfig.merge(path, DEMO)
    assert path.read_bytes() == content


def test_a_file_that_will_not_do_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        kubeconfig.check(tmp_path)
    kubeconfig.check(tmp_path / "new" / "folder" / "config")
