"""What the module `cluster` does with a provider's cluster: here one in memory, in tests/cluster the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ClusterError,
    InputError,
    MissingProgramError,
    NotOursError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import cluster as operation
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Task


@dataclass
class Lab:
    """What there is on a machine, and what was done to it: the same for every task of a test."""

    shapes: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, list[str]] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)


@dataclass
class InMemory:
    lab: Lab
    provider: str
    name: str
    emulated: bool = False

    @property
    def context(self) -> str:
        return f"{self.provider}-{self.name}"

    def check(self) -> str:
        if self.provider in self.lab.broken:
            raise self.lab.broken[self.provider]
        return f"{self.provider} is here"

    def unused(self, wanted: Wanted) -> list[str]:
        return ["images"] if self.provider == "netns" and wanted.images else []

    def exists(self) -> bool:
        self.check()
        return self.provider in self.lab.shapes

    def wanted_shape(self, wanted: Wanted) -> dict[str, Any]:
        return {"workers": wanted.workers, "pod_subnet": wanted.pod_subnet, "cni": list(wanted.cni)}

    def shape(self) -> dict[str, Any]:
        return self.lab.shapes[self.provider]

    def create(self, wanted: Wanted) -> None:
        self.lab.done.append("create")
        self.lab.shapes[self.provider] = self.wanted_shape(wanted)

    def wait_until_ready(self) -> None:
        pass

    def missing_images(self, images: Sequence[str]) -> list[str]:
        return [image for image in images if image not in self.lab.images.get(self.provider, [])]

    def load_images(self, images: Sequence[str]) -> None:
        self.lab.done.append(f"load {' '.join(images)}")
        self.lab.images.setdefault(self.provider, []).extend(images)

    def kubeconfig(self) -> str:
        return "the cluster's kubeconfig\n"

    def nodes(self) -> list[dict[str, Any]]:
        return [{"name": "demo-control-plane", "role": "control-plane", "addresses": ["172.18.0.2"]}]

    def remove(self) -> None:
        self.lab.done.append("remove")
        del self.lab.shapes[self.provider]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab()
    monkeypatch.setattr(operation, "Kind", lambda name, deadline: InMemory(lab, "kind", name))
    monkeypatch.setattr(operation, "Netns", lambda name, deadline: InMemory(lab, "netns", name, emulated=True))
    return lab


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.kubeconfig"


def run(path: Path, *, check_mode: bool = False, **changed: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in operation.OPERATION.options.items()}
    parameters = defaults | {"provider": "kind", "kubeconfig": str(path)} | changed
    return operation.OPERATION.run(Task(parameters, check_mode))


def test_a_cluster_is_made_once(lab: Lab, path: Path) -> None:
    first, second = run(path), run(path)

    assert (first["changed"], second["changed"]) == (True, False)
    assert lab.done == ["create"]
    assert path.read_text().endswith("the cluster's kubeconfig\n")


def test_the_result_says_what_there_is_and_how_to_reach_it(lab: Lab, path: Path) -> None:
    result = run(path)

    assert {key: result[key] for key in ("provider", "emulated", "name", "context", "kubeconfig")} == {
        "provider": "kind",
        "emulated": False,
        "name": "demo",
        "context": "kind-demo",
        "kubeconfig": str(path),
    }
    assert result["nodes"][0]["name"] == "demo-control-plane"


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_cluster_is_made_whose_kubeconfig_cannot_be_written(lab: Lab, check_mode: bool) -> None:
    with pytest.raises(InputError, match=r"/proc/podnet/demo.kubeconfig, which cannot be written"):
        run(Path("/proc/podnet/demo.kubeconfig"), check_mode=check_mode)
    assert lab.done == []


def test_check_mode_makes_nothing_and_says_what_it_would_make(lab: Lab, path: Path) -> None:
    planned, made = run(path, check_mode=True), run(path)

    assert planned["changed"]
    assert planned["nodes"] == []
    assert planned["diff"] == made["diff"]
    assert planned["diff"]["before"] == {"state": "absent"}
    assert planned["diff"]["after"]["workers"] == 2


def test_check_mode_of_what_is_there_changes_nothing_and_reads_it(lab: Lab, path: Path) -> None:
    run(path)
    path.unlink()

    again = run(path, check_mode=True)

    assert again["changed"]
    assert (again["diff"]["before"]["kubeconfig"], again["diff"]["after"]["kubeconfig"]) == ("missing", "up to date")
    assert again["nodes"]
    assert not path.exists()


def test_without_a_change_before_and_after_are_the_same(lab: Lab, path: Path) -> None:
    run(path)

    diff = run(path)["diff"]

    assert diff["before"] == diff["after"]


def test_images_that_are_missing_are_loaded_and_those_alone(lab: Lab, path: Path) -> None:
    run(path, images=["a:1"])
    planned = run(path, images=["a:1", "b:1"], check_mode=True)
    loaded = run(path, images=["a:1", "b:1"])
    again = run(path, images=["a:1", "b:1"])

    assert lab.done == ["create", "load a:1", "load b:1"]
    assert (planned["changed"], loaded["changed"], again["changed"]) == (True, True, False)
    assert planned["diff"]["before"]["images"] == ["a:1"]


def test_a_cluster_of_another_shape_is_an_error_that_lists_the_differences(lab: Lab, path: Path) -> None:
    run(path)

    with pytest.raises(ClusterError) as caught:
        run(path, workers=3, cni=["default"])

    assert "workers is 2, and 3 is asked for; cni is calico, and default is asked for" in str(caught.value)
    assert caught.value.details["differences"] == {
        "workers": {"found": 2, "asked": 3},
        "cni": {"found": ["calico"], "asked": ["default"]},
    }
    assert lab.done == ["create"]


def test_what_cannot_be_read_is_not_compared_and_a_warning_says_so(lab: Lab, path: Path) -> None:
    lab.shapes["kind"] = {"workers": 2, "pod_subnet": "192.168.0.0/16"}

    result = run(path)

    assert result["diff"]["before"] == {**result["diff"]["after"], "kubeconfig": "missing"}
    assert result["warnings"] == ["The cni of the cluster demo could not be read, and was not compared."]


def test_a_cluster_is_removed_once_and_its_kubeconfig_with_it(lab: Lab, path: Path) -> None:
    run(path)
    planned = run(path, state="absent", check_mode=True)
    assert path.exists()
    first, second = run(path, state="absent"), run(path, state="absent")

    assert (planned["changed"], first["changed"], second["changed"]) == (True, True, False)
    assert planned["diff"] == first["diff"]
    assert lab.done == ["create", "remove"]
    assert not path.exists()


def test_a_kubeconfig_that_somebody_else_wrote_is_neither_written_nor_removed(lab: Lab, path: Path) -> None:
    path.write_text("somebody else's")

    with pytest.raises(NotOursError):
        run(path)
    run(path, state="absent")

    assert path.read_text() == "somebody else's"
    assert lab.done == []


def test_auto_takes_kind_where_it_can_be_used(lab: Lab, path: Path) -> None:
    result = run(path, provider="auto")

    assert (result["provider"], result["provider_reason"]) == ("kind", "kind is here")


def test_auto_takes_kind_where_netns_is_not_known(lab: Lab, path: Path) -> None:
    lab.broken["netns"] = MissingProgramError("on the controller only")

    assert run(path, provider="auto")["provider"] == "kind"


def test_auto_takes_netns_where_kind_cannot_be_used_and_says_why(lab: Lab, path: Path) -> None:
    lab.broken["kind"] = MissingProgramError("the program kind is not on PATH: install it")

    result = run(path, provider="auto")

    assert (result["provider"], result["emulated"]) == ("netns", True)
    assert result["provider_reason"] == "kind cannot be used: the program kind is not on PATH: install it"


def test_auto_stays_with_the_cluster_that_is_there(lab: Lab, path: Path) -> None:
    lab.broken["kind"] = ClusterError("no engine")
    run(path, provider="auto")
    del lab.broken["kind"]

    result = run(path, provider="auto")

    assert (result["provider"], result["changed"]) == ("netns", False)
    assert result["provider_reason"] == "a netns cluster of this name is there already"


def test_with_no_provider_the_error_says_why_of_both(lab: Lab, path: Path) -> None:
    lab.broken.update(kind=ClusterError("no engine"), netns=ClusterError("no Linux"))

    with pytest.raises(ClusterError, match=r"kind cannot be used: no engine\. netns cannot be used: no Linux"):
        run(path, provider="auto")


def test_a_provider_that_was_asked_for_is_not_replaced(lab: Lab, path: Path) -> None:
    lab.broken["kind"] = ClusterError("no engine")

    with pytest.raises(ClusterError, match="no engine"):
        run(path, provider="kind")


def test_an_option_that_the_provider_has_no_use_for_is_left_out_with_a_warning(lab: Lab, path: Path) -> None:
    result = run(path, provider="netns", images=["a:1"])

    assert result["warnings"] == ["Provider netns has no use for the option images."]
    assert result["diff"]["after"]["images"] == []
    assert lab.done == ["create"]
