"""What keeps provider kind from being used, provoked with the programs of this machine or stand-ins for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.kind import Kind
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ClusterError, InputError, MissingProgramError


def script(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_docker_the_next_step_is_said(folder: Path) -> None:
    script(folder, "kind", "exit 0")

    with pytest.raises(MissingProgramError, match=r"docker is not on PATH: install it .*docs\.docker\.com"):
        Kind("demo", Deadline(20)).check()


def test_without_kind_the_next_step_is_said(folder: Path) -> None:
    script(folder, "docker", "exit 0")

    with pytest.raises(MissingProgramError, match=r"kind is not on PATH: install it .*kind\.sigs\.k8s\.io"):
        Kind("demo", Deadline(20)).check()


@pytest.mark.parametrize(
    "version", ["kind v0.26.0 go1.23.4 linux/amd64", "kind v0.9.0 go1.15.2 linux/amd64", "something else"]
)
def test_a_kind_that_is_too_old_is_refused_with_the_version_needed(folder: Path, version: str) -> None:
    script(folder, "docker", "exit 0")
    script(folder, "kind", f"echo '{version}'")

    with pytest.raises(MissingProgramError, match=r"install kind 0\.27 or newer"):
        Kind("demo", Deadline(20)).check()


def test_a_kind_that_is_new_enough_is_named_with_its_engine(folder: Path) -> None:
    script(folder, "docker", "echo 29.1.0")
    script(folder, "kind", "echo 'kind v1.2.3-alpha+abc go1.26.8 linux/amd64'")

    assert Kind("demo", Deadline(20)).check() == "kind v1.2.3-alpha+abc and the Docker engine 29.1.0 are here"


@pytest.mark.skipif(not (shutil.which("docker") and shutil.which("kind")), reason="docker and kind are not on PATH")
def test_an_engine_that_does_not_run_is_named_by_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(ClusterError, match=r"no Docker engine answers at unix://.*/none\.sock: start it") as caught:
        Kind("demo", Deadline(20)).check()

    assert caught.value.details["cause"] == "engine-not-running"


def test_kind_never_sees_the_users_kubeconfig(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/the/users/own")
    script(folder, "kind", 'echo "$KUBECONFIG"')

    assert Kind("demo", Deadline(20)).kubeconfig().endswith("/config\n")
    assert Kind("demo", Deadline(20)).kubeconfig() != "/the/users/own\n"


def test_ipv6_is_left_to_the_other_provider() -> None:
    with pytest.raises(InputError, match="netns"):
        Kind("demo", Deadline(20)).unused(Wanted("demo", 2, "192.168.0.0/16", ("calico",), None, (), "dual"))
