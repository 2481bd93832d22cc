# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may make a cluster: root, root without rights, an ordinary user, and what they hear where they may not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .as_user import UID
from .conftest import ROOT, Cluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

UP = (sys.executable, "-m", "netns_cluster", "up", "--name", "user", "--workers", "1", "--json")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, with an empty one for the user's state and one for scratch."""
    path = Path(tempfile.mkdtemp(prefix="netns-user-"))
    path.chmod(0o755)
    for name in ("state", "scratch"):
        (path / name).mkdir()
    os.chown(path / "state", UID, UID)
    yield path
    shutil.rmtree(path)


def up(folder: Path, *before: str) -> Any:
    """Run ``up`` after some words that change who runs it, and return its answer."""
    environment = {**os.environ, "NETNS_CLUSTER_STATE": str(folder / "state"), "HOME": str(folder / "state")}
    environment |= {"PYTHONPATH": str(ROOT)}
    result = subprocess.run([*before, *UP], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


def as_user(folder: Path, machine: str) -> tuple[str, ...]:
    readable = (ROOT, Path(sys.prefix), Path(os.path.realpath(sys.executable)).parents[1])
    paths = ":".join(str(path) for path in dict.fromkeys(readable))
    # The script runs as root with root's home; the user's is in the environment that it passes on.
    home = f"HOME={Path('~').expanduser()}"
    return (
        "env",
        home,
        sys.executable,
        str(Path(__file__).with_name("as_user.py")),
        machine,
        str(folder / "scratch"),
        paths,
    )


def assert_that_the_lab_works(answer: Any) -> None:
    """Check a pod and its route, and end the cluster."""
    assert answer.get("changed"), answer
    try:
        cluster = Cluster(answer["cluster"])
        pod = cluster.run_pod("bb1", node="user-worker")
        cluster.kubectl("exec", "bb1", "--", "ping", "-c", "1", "8.8.8.8")
        route = f"{pod['status']['podIP']} dev cali98fd8882b62 scope link"
        assert route in cluster.on_node("user-worker", "ip", "route")
    finally:
        os.kill(answer["cluster"]["pid"], signal.SIGKILL)


def test_an_ordinary_user_gets_the_same_cluster(folder: Path) -> None:
    answer = up(folder, *as_user(folder, "as-it-is"))
    if answer.get("error") == "unfit-machine":
        pytest.skip(answer["msg"])
    assert os.stat(f"/proc/{answer['cluster']['pid']}").st_uid == UID
    assert_that_the_lab_works(answer)


def test_root_without_the_right_to_make_namespaces_takes_the_ordinary_users_way(folder: Path) -> None:
    answer = up(folder, "setpriv", "--bounding-set=-sys_admin")
    if answer.get("error") == "unfit-machine":
        pytest.skip(answer["msg"])
    assert_that_the_lab_works(answer)


def test_where_user_namespaces_are_forbidden_the_setting_is_named(folder: Path) -> None:
    answer = up(folder, *as_user(folder, "no-user-namespaces"))
    assert answer["error"] == "unfit-machine"
    assert "user.max_user_namespaces = 0 forbids user namespaces to ordinary users" in answer["msg"]
    assert "Use a kind cluster instead" in answer["msg"]


def test_where_proc_is_hidden_the_message_says_that_this_is_a_container(folder: Path) -> None:
    answer = up(folder, *as_user(folder, "hidden-proc"))
    assert answer["error"] == "start-failed"
    assert "mount /proc: Operation not permitted" in answer["msg"]
    assert "kind cluster" in answer["msg"]
