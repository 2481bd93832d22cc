# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where clusters are noted down, and how it is known that one lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netns_cluster import state
from netns_cluster.errors import StateError
from netns_cluster.state import ClusterState


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(state.OVERRIDE, str(tmp_path / "state"))
    return tmp_path / "state"


def test_root_and_ordinary_users_have_places_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(state.OVERRIDE)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state.base_directory() == Path("/run/netns-cluster")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert state.base_directory() == tmp_path / "netns-cluster"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    assert state.base_directory() == Path("/home/me/.local/state/netns-cluster")


def test_a_cluster_lives_as_long_as_its_lock_is_held(base: Path) -> None:
    cluster = ClusterState("demo")
    assert not cluster.is_alive()
    with cluster.changing():
        cluster.create()
        with cluster.alive_lock():
            assert cluster.is_alive()
        assert not cluster.is_alive()


def test_a_new_directory_holds_nothing_of_the_old_one_and_is_its_owners_alone(base: Path) -> None:
    cluster = ClusterState("demo")
    cluster.create()
    cluster.write({"pid": 1})
    cluster.create()
    assert cluster.read() == {}
    assert cluster.directory.stat().st_mode & 0o777 == 0o700


def test_what_is_noted_down_is_read_again_and_a_broken_note_is_none(base: Path) -> None:
    cluster = ClusterState("demo")
    cluster.create()
    cluster.write({"pid": 1})
    assert cluster.read() == {"pid": 1}
    (cluster.directory / "cluster.json").write_text("{")
    assert cluster.read() == {}


def test_all_clusters_are_found_by_name(base: Path) -> None:
    assert state.all_states() == []
    for name in ("b", "a"):
        with ClusterState(name).changing():
            ClusterState(name).create()
    assert [cluster.name for cluster in state.all_states()] == ["a", "b"]


def test_a_place_that_cannot_be_written_is_told_with_the_cure(base: Path) -> None:
    base.write_text("in the way")
    with pytest.raises(StateError, match="name a directory of yours in the environment variable NETNS_CLUSTER_STATE"):
        ClusterState("demo").changing().__enter__()
