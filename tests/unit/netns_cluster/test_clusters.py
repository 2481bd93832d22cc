# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removing what is noted down of a cluster that lives no more; tests/cluster/netns has those that live."""

from __future__ import annotations

from pathlib import Path

import pytest

from netns_cluster import clusters, kubeconfig, state
from netns_cluster.errors import InvalidRequestError
from netns_cluster.state import ClusterState


@pytest.mark.parametrize("content", [b"{no YAML", b"\xff\xfe\x00", b"- a list"])
def test_a_file_that_no_entry_can_be_taken_out_of_does_not_keep_the_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    monkeypatch.setenv(state.OVERRIDE, str(tmp_path / "state"))
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.write_bytes(content)
    kubeconfig.merge(whole, kubeconfig.entry("demo", "https://127.0.0.1:1", b"ca", "secret"))
    noted = ClusterState("demo")
    noted.create()
    noted.write({"kubeconfigs": [str(broken), str(whole)]})

    with pytest.raises(InvalidRequestError, match=f"cluster demo is removed, but {broken} cannot be changed: take"):
        clusters.down("demo")
    assert broken.read_bytes() == content
    assert not whole.exists()
    assert not clusters.down("demo").changed
