# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters made, found again, refused, killed and removed; what the machine shows before and after."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .conftest import Cluster, Command, eventually


@pytest.fixture
def machine_as_before(state_directory: Path) -> Iterator[None]:
    """Fail a test that leaves interfaces, namespaces, mounts or processes of its clusters on the machine."""

    def sight() -> dict[str, set[str]]:
        links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
        named = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
        processes = set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(state_directory).encode() in (entry / "cmdline").read_bytes():
                    processes.add(entry.name)
        return {
            "links": {line for line in links.splitlines() if line.startswith(("cali", "node", "br0", "uplink"))},
            "named namespaces": set(named.splitlines()),
            "mounts": {
                line for line in Path("/proc/self/mounts").read_text().splitlines() if str(state_directory) in line
            },
            "processes": processes,
        }

    before = sight()
    yield
    assert eventually(lambda: sight() == before), (before, sight())


def processes_of(cluster: Cluster) -> list[int]:
    """Return the process ids, as the machine counts them, of a cluster's first process and all that come from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [cluster.description["pid"]]
    for pid in found:  # grows while it is gone through
        found += [child for child, parent in parents.items() if parent == pid]
    return found


@pytest.mark.usefixtures("machine_as_before")
def test_up_twice_is_one_cluster_and_down_twice_is_none(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    arguments = ("--name", "twice", "--workers", "1", "--kubeconfig", str(path))
    first, second = command.answer("up", *arguments), command.answer("up", *arguments)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["cluster"] == second["cluster"]
    assert first["cluster"]["nodes"] == ["twice-control-plane", "twice-worker"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text())["current-context"] == "netns-twice"
    path.unlink()
    assert command.answer("up", *arguments)["changed"]
    assert path.exists()
    assert "cluster twice is removed" in command.run("down", "--name", "twice").stdout
    assert not path.exists()
    assert command.answer("down", "--name", "twice") == {
        "changed": False,
        "cluster": {"name": "twice", "status": "absent"},
    }


def test_another_shape_under_the_same_name_is_refused_with_the_differences(demo: Cluster, command: Command) -> None:
    refused = command.answer("up", "--name", "demo", "--workers", "3", "--pod-subnet", "10.1.0.0/16")
    assert refused["error"] == "other-shape"
    assert "workers: 2, asked for 3" in refused["msg"]
    assert "pod_subnets: ['192.168.0.0/16'], asked for ['10.1.0.0/16']" in refused["msg"]
    assert "down --name demo" in refused["msg"]
    result = command.run("up", "--name", "demo", "--workers", "3")
    assert (result.returncode, result.stdout, result.stderr[:20]) == (1, "", "error: cluster demo ")


def test_a_request_that_cannot_be_is_refused_before_anything_is_made(command: Command) -> None:
    refused = command.answer("up", "--name", "Nope")
    assert refused["error"] == "invalid-request"
    assert not (command.state / "Nope").exists()


def test_the_list_shows_what_there_is(demo: Cluster, command: Command) -> None:
    (found,) = [one for one in command.answer("list")["clusters"] if one["name"] == "demo"]
    assert found == demo.description
    assert (found["status"], found["emulated"], found["context"]) == ("running", True, "netns-demo")
    lines = command.run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "NODES", "FAMILIES", "SERVER"]
    assert ["demo", "running", "3", "ipv4", found["server"]] in [line.split() for line in lines]


def test_what_a_cluster_notes_down_is_for_its_owner_only(demo: Cluster, command: Command) -> None:
    assert (command.state / "demo").stat().st_mode & 0o777 == 0o700
    assert Path(demo.kubeconfig).stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("machine_as_before")
def test_clusters_of_two_names_live_side_by_side_with_the_same_addresses(demo: Cluster, command: Command) -> None:
    other = Cluster(command.answer("up", "--name", "other", "--workers", "1")["cluster"])
    pod = other.run_pod("bb1", node="other-worker")
    assert pod["status"]["hostIP"] == "172.18.0.2"
    other.kubectl("exec", "bb1", "--", "ping", "-c", "1", "8.8.8.8")
    assert demo.get("/api/v1/namespaces/default/pods")["items"] == []
    stranger = other.request("GET", "/api/v1/nodes", token=demo._token)
    assert stranger.status == 401
    command.run("down", "--name", "other")
    assert demo.get("/version")


@pytest.mark.usefixtures("machine_as_before")
def test_kill_9_leaves_nothing_and_the_next_up_clears_the_rest(command: Command) -> None:
    for victim in ("netns_cluster.runtime.init", "netns_cluster.server"):
        outcome = command.answer("up", "--name", "killed", "--workers", "1")
        assert outcome["changed"]
        cluster = Cluster(outcome["cluster"])
        assert cluster.get("/api/v1/namespaces/default/pods")["items"] == []
        cluster.run_pod("bb1")
        processes = processes_of(cluster)
        assert len(processes) >= 5  # runtime, API server, two agents, the pod
        os.kill(next(pid for pid in processes if victim in Path(f"/proc/{pid}/cmdline").read_text()), signal.SIGKILL)
        eventually(lambda processes=processes: not any(Path(f"/proc/{pid}").exists() for pid in processes))
        (stale,) = [one for one in command.answer("list")["clusters"] if one["name"] == "killed"]
        assert stale["status"] == "stale"
    command.run("down", "--name", "killed")


@pytest.mark.usefixtures("machine_as_before")
def test_ctrl_c_in_the_middle_of_up_leaves_nothing(command: Command) -> None:
    directory = command.state / "cut"
    with command.start("up", "--name", "cut", start_new_session=True) as process:
        eventually((directory / "cluster.json").exists)
        process.send_signal(signal.SIGINT)
        _unused, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 130)
    if process.returncode == 130:
        assert "interrupted" in errors
        assert not directory.exists()
    assert command.answer("up", "--name", "cut")["cluster"]["status"] == "running"
    command.run("down", "--name", "cut")


@pytest.mark.usefixtures("machine_as_before")
def test_an_up_that_is_killed_leaves_no_cluster_that_nobody_knows(command: Command) -> None:
    with command.start("up", "--name", "lost") as process:
        eventually((command.state / "lost" / "cluster.json").exists)
        process.kill()
    outcome = command.answer("up", "--name", "lost")
    assert outcome["cluster"]["status"] == "running"
    command.run("down", "--name", "lost")


@pytest.mark.usefixtures("machine_as_before")
def test_two_ups_at_once_make_one_cluster(command: Command) -> None:
    started = [command.start("up", "--name", "race", "--workers", "0", "--json") for _unused in range(2)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in started]
    assert sorted(answer["changed"] for answer in answers) == [False, True]
    assert answers[0]["cluster"] == answers[1]["cluster"]
    command.run("down", "--name", "race")
