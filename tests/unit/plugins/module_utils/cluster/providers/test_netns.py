"""How the program netns_cluster is called, and what becomes of its answers: a stand-in for it gives them here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers import netns
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.netns import Netns
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ClusterError,
    DeadlineError,
    InputError,
    MissingLibraryError,
    MissingProgramError,
    PodnetError,
)

RUNNING = {"name": "demo", "status": "running", "workers": 2, "ip_families": "ipv4", "pod_subnets": ["192.168.0.0/16"]}

# Writes down how it was called, then answers with what stands in a file named after the command.
PROGRAM = """
import pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
exec((here / sys.argv[1]).read_text())
"""


class Program:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "netns_cluster"
        self._folder.mkdir()
        (self._folder / "__init__.py").touch()
        (self._folder / "__main__.py").write_text(PROGRAM)
        self.answers("down", {"changed": True})

    def answers(self, command: str, answer: Any) -> None:
        self.runs(command, f"print({json.dumps(answer)!r})")

    def runs(self, command: str, code: str) -> None:
        (self._folder / command).write_text(code)

    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr(netns, "_ROOT", tmp_path)
    return Program(tmp_path)


def wanted(**changed: Any) -> Wanted:
    fields = {"workers": 2, "pod_subnet": "192.168.0.0/16", "cni": ("calico",), "node_image": None, "images": ()}
    return Wanted(**({"name": "demo", "ip_families": "ipv4"} | fields | changed))


def test_the_program_stands_where_the_collection_is() -> None:
    assert (netns._ROOT / "netns_cluster" / "__main__.py").is_file()
    assert (netns._ROOT / "galaxy.yml").is_file()


def test_where_the_program_is_not_sent_along_the_message_says_where_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netns, "_ROOT", tmp_path)

    with pytest.raises(MissingProgramError, match="on the controller only"):
        Netns("demo", Deadline(20)).check()


@pytest.mark.parametrize("others", [[], [{**RUNNING, "name": "other"}], [{**RUNNING, "status": "stale"}]])
def test_a_cluster_that_does_not_run_is_not_there(program: Program, others: list[Any]) -> None:
    program.answers("list", {"clusters": others})

    assert not Netns("demo", Deadline(20)).exists()


def test_what_a_running_cluster_is_like_is_asked_once(program: Program) -> None:
    program.answers("list", {"clusters": [RUNNING]})
    cluster = Netns("demo", Deadline(20))

    cluster.check()

    assert cluster.exists()
    assert cluster.shape() == cluster.wanted_shape(wanted())
    assert program.calls() == ["list --json"]


@pytest.mark.parametrize(
    ("families", "subnets"),
    [
        ("ipv4", "192.168.0.0/16"),
        ("ipv6", "fd00:10:244::/56"),
        ("dual", "192.168.0.0/16,fd00:10:244::/56"),
    ],
)
def test_a_cluster_is_asked_for_with_a_network_for_each_family(program: Program, families: str, subnets: str) -> None:
    program.answers("up", {"changed": True, "cluster": RUNNING})
    cluster = Netns("demo", Deadline(20))

    cluster.create(wanted(ip_families=families))

    assert program.calls() == [f"up --json --name=demo --workers=2 --ip-families={families} --pod-subnet={subnets}"]
    assert cluster.exists()


@pytest.mark.parametrize(
    ("code", "error"),
    [("invalid-request", InputError), ("missing-library", MissingLibraryError), ("unfit-machine", ClusterError)],
)
def test_a_refusal_is_passed_on_and_nothing_is_removed(program: Program, code: str, error: type[PodnetError]) -> None:
    program.answers("up", {"error": code, "msg": "why, and what to do"})

    with pytest.raises(error, match="why, and what to do") as caught:
        Netns("demo", Deadline(20)).create(wanted())

    assert caught.value.details["cause"] == code
    assert len(program.calls()) == 1


def test_a_crash_is_told_by_its_last_line(program: Program) -> None:
    program.runs("list", "raise RuntimeError('out of luck')")

    with pytest.raises(ClusterError, match="ended without an answer: RuntimeError: out of luck"):
        Netns("demo", Deadline(20)).exists()


@pytest.mark.slow
def test_what_was_half_made_is_removed_when_the_time_is_over(program: Program) -> None:
    program.runs("up", "import signal; signal.pause()")

    with pytest.raises(DeadlineError):
        Netns("demo", Deadline(1)).create(wanted())

    assert program.calls()[-1] == "down --json --name=demo"


def test_options_without_use_are_named() -> None:
    cluster = Netns("demo", Deadline(20))

    assert cluster.unused(wanted()) == []
    assert cluster.unused(wanted(cni=("default",), node_image="a:1", images=("b:1",))) == [
        "cni",
        "node_image",
        "images",
    ]
