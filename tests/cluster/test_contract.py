"""What each module promises: it returns what is documented, and the same as a real module as inside Ansible's own process."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import path
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import pod
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route

from tests.support.operations import OPERATIONS

from .conftest import ROOT, Live, Object

NAMESPACE = f"podnet-contract-{secrets.token_hex(3)}"
WAYS = ("in process", "as a module")
BIN = Path(sys.executable).parent

# What Ansible itself documents for all modules.
COMMON = {"changed", "failed", "msg", "skipped", "diff", "warnings", "invocation", "exception"}
# What only a cluster that breaks gives: tests/cluster/test_cluster_module.py breaks some.
NOT_HERE = {
    "cluster": {"not_ready", "output"},
    # molecule/faults breaks a cluster in each way of the catalogue.
    "network_validate": {
        f"findings.{name}" for name in ("code", "severity", "cluster", "node", "pod", "message", "evidence", "remedy")
    },
}


@dataclass(frozen=True)
class Step:
    """One task. On the netns cluster the module `cluster` works inside Ansible only."""

    module: str
    arguments: Object
    check_mode: bool = False
    error: str | None = None  # that it is to end with


def steps(live: Live, folder: str) -> Iterator[Step]:
    """Tasks that bring every module into all its usual states, and some into failures; they leave things as they were."""
    first, second = live.workers[:2]
    labels = [{"name": first, "labels": {NAMESPACE: "here"}}]
    here = {"namespace": NAMESPACE}
    new: Object = {"name": "bb3", "command": ["sleep", "3600"], "node": second}
    yield Step("node_label", {"nodes": labels}, check_mode=True)
    yield Step("node_label", {"nodes": labels})
    yield Step("node_label", {"nodes": labels})
    yield Step(
        "node_label",
        {"nodes": [*labels, {"name": "nowhere", "labels": {"a": "b"}}], "state": "absent"},
        error="items-failed",
    )
    yield Step("pod", {"pods": [new], **here}, check_mode=True)
    yield Step("pod", {"pods": [new, {"name": "bb2"}], **here}, error="items-failed")
    yield Step("pod", {"pods": [new], **here})
    yield Step("pod", {"pods": [{**new, "labels": {"lab": "podnet"}}], **here})
    yield Step("pod", {"pods": [{"name": "bb3"}], "state": "absent", **here})
    yield Step("pod", {"pods": [{"name": "bb3"}], "state": "absent", **here})
    yield Step("pod_info", {"names": ["bb1", "bb2"], "query": "[].metadata.name", **here})
    yield Step("pod_info", {"names": ["bb1", "bb4"], **here}, error="items-failed")
    yield Step("node_route_info", {"nodes": [first, second], "families": ["ipv4", "ipv6"]})
    yield Step("node_route_info", {"nodes": [first, "nowhere"], "explain": False}, error="items-failed")
    ends = [{"from": "bb1", "to": "bb2"}, {"from": f"node/{first}", "to": "bb1"}]
    for module, once in (("pod_ping", {"count": 1}), ("pod_traceroute", {})):
        given = {**here, **once}
        yield Step(module, {"probes": ends, **given})
        wrong = [{**ends[0], "expect": "unreachable"}, {"from": "bb4", "to": "bb1"}]
        yield Step(module, {"probes": wrong, **given}, error="items-failed")
        yield Step(module, {"probes": [{"from": "bb4", "to": "bb1"}], **given}, check_mode=True)
    pairs = [
        {"from": f"{NAMESPACE}/bb1", "to": f"{NAMESPACE}/bb2"},
        {"from": f"node/{first}", "to": f"{NAMESPACE}/bb1"},
    ]
    yield Step("network_validate", {"access": "agent_pod", "pairs": pairs})
    yield Step("network_validate", {"snapshot_dest": f"{folder}.jsonl"}, check_mode=True)
    yield Step("network_validate", {"probe": False, "access": "probe_pod"}, error="invalid-input")
    yield Step("report", {"dest": folder, "fleet": [{"name": "shop", "msg": "its API server did not answer"}]})
    yield Step("report", {"dest": folder}, error="invalid-input")
    cluster = {"name": live.name.partition("-")[2], "provider": live.provider, "kubeconfig": f"{folder}/kubeconfig"}
    shape: Object = {}
    if live.provider == "kind" and os.environ.get("KIND_KIT"):
        shape = {"cni": ["default"]}
    yield Step("cluster", {**cluster, **shape})
    yield Step("cluster", {**cluster, **shape, "workers": 7}, error="cluster-failed")


@dataclass(frozen=True)
class Played:
    """A task with what it returned."""

    step: Step
    result: Object


@pytest.fixture(scope="module")
def pods(live: Live) -> Iterator[None]:
    """bb1, which is ours, and bb2, which is somebody else's, each on a worker of its own."""
    with live.admin() as cluster:
        cluster.create(path("namespaces"), {"metadata": {"name": NAMESPACE}})
        try:
            container = {
                "name": "bb2",
                "image": "busybox",
                "imagePullPolicy": "IfNotPresent",
                "args": ["sleep", "3600"],
            }
            spec = {"containers": [container], "nodeName": live.workers[1], "terminationGracePeriodSeconds": 0}
            cluster.create(path("pods", namespace=NAMESPACE), {"metadata": {"name": "bb2"}, "spec": spec})
            bb1 = {"name": "bb1", "command": ["sleep", "3600"], "node": live.workers[0]}
            made = live.run(pod.OPERATION, pods=[bb1], namespace=NAMESPACE)
            assert not made.get("failed"), made
            while not cluster.get(path("pods", "bb2", NAMESPACE))["status"].get("podIP"):
                cluster.deadline.remaining("waiting for pod bb2")
            yield
        finally:
            with cluster.more_time():
                cluster.delete(path("namespaces", NAMESPACE))


@pytest.fixture(scope="module")
def played(live: Live, pods: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Played]]:
    """All steps, each way, in a real play."""
    return {way: play(live, way, tmp_path_factory.mktemp("play")) for way in WAYS}


def play(live: Live, way: str, folder: Path) -> list[Played]:
    todo = [
        step
        for step in steps(live, str(folder / "files"))
        if not (way == "as a module" and live.provider == "netns" and step.module == "cluster")
    ]
    # A task with an environment cannot run in Ansible's own process; if it did, these would not tell it the cluster.
    login = {"K8S_AUTH_KUBECONFIG": str(live.kubeconfig)}
    defaults = {"group/kubelab.podnet.podnet": {"kubeconfig": str(live.kubeconfig)}} if way == "in process" else {}
    tasks = [
        {
            "name": f"Step {number}",
            f"kubelab.podnet.{step.module}": step.arguments,
            "register": f"step_{number}",
            "check_mode": step.check_mode,
            "ignore_errors": True,
            "environment": login if way == "as a module" else {},
        }
        for number, step in enumerate(todo)
    ]
    results = "[" + ", ".join(f"step_{number}" for number in range(len(todo))) + "]"
    write = {
        "name": "Write down what came back",
        "ansible.builtin.copy": {
            "content": "{{ " + results + " | to_json }}",
            "dest": str(folder / "results.json"),
            "mode": "0600",
        },
    }
    whole = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "module_defaults": defaults,
        "tasks": [*tasks, write],
    }
    (folder / "play.yml").write_text(json.dumps([whole]), encoding="utf-8")
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", "localhost,", folder / "play.yml"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    found = json.loads((folder / "results.json").read_text(encoding="utf-8").replace(str(folder), "FOLDER"))
    return [Played(step, result) for step, result in zip(todo, found, strict=True)]


# --- the same either way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", OPERATIONS)
def test_each_step_ends_as_it_is_meant_to(module: str, played: dict[str, list[Played]]) -> None:
    for item in (item for way in WAYS for item in played[way] if item.step.module == module):
        wanted = (bool(item.step.error), item.step.error)
        assert (item.result.get("failed", False), item.result.get("error")) == wanted, item


@pytest.mark.parametrize("module", OPERATIONS)
def test_a_task_returns_the_same_in_process_as_as_a_module(
    module: str, live: Live, played: dict[str, list[Played]]
) -> None:
    if module == "cluster" and live.provider == "netns":
        pytest.skip("a netns cluster is managed inside Ansible only")
    results = [[comparable(item) for item in played[way] if item.step.module == module] for way in WAYS]

    assert results[0], f"no step tries {module}"
    assert results[0] == results[1]


MEASURING = ("pod_ping", "pod_traceroute", "network_validate")
# By key: what no two measurements have in common.
_MEASURED = {"rtt_ms", "printed", "retried", "checked_at"}
# Of pods that were made anew: their addresses, and the names of the volumes with their tokens.
_NEW = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b(?!/)|(?<=kube-api-access-)\w+")


def comparable(item: Played) -> Any:
    """A result without what no two runs have in common."""
    mentions = ("invocation", "exception", "ansible_facts")
    result = {key: value for key, value in item.result.items() if key not in mentions}
    return _masked(result, new=item.step.module == "pod", times=item.step.module in MEASURING)


def _masked(value: Any, *, new: bool, times: bool) -> Any:
    if isinstance(value, dict):
        return {
            key: type(inner).__name__ if times and key in _MEASURED else _masked(inner, new=new, times=times)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, new=new, times=times) for inner in value]
    return _NEW.sub("NEW", value) if new and isinstance(value, str) else value


# --- as documented -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def documented() -> dict[str, Object]:
    """Module -> its documented return values."""
    names = [f"kubelab.podnet.{name}" for name in OPERATIONS]
    done = subprocess.run(
        [BIN / "ansible-doc", "--json", *names], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    read = {name.rpartition(".")[2]: entry["return"] for name, entry in json.loads(done.stdout).items()}
    # Its documentation refers to that of pod_info for these.
    pods_too = read["pod"]["pods"]["contains"]
    read["pod"]["pods"]["contains"] = {**read["pod_info"]["pods"]["contains"], **pods_too}
    # And that of node_route_info to the field names of ip -j route.
    fields = {name.rstrip("_"): {"type": "raw", "elsewhere": True} for name in Route._fields}
    rows = read["node_route_info"]["nodes"]["contains"]["routes"]
    rows["contains"] = {**fields, **rows["contains"]}
    return read


_TYPES: dict[str, Any] = {
    "str": str,
    "bool": bool,
    "int": int,
    "float": float,
    "dict": dict,
    "list": list,
    "raw": object,
}


def mismatches(values: list[Object], documentation: Object, where: str) -> Iterator[str]:
    """What values do not have in common with their documentation; fields that none of them has are another matter."""
    for value in values:
        for key, found in value.items():
            if key not in documentation:
                yield f"{where}{key} is not documented"
                continue
            entry = documentation[key]
            if found is None:
                if "V(null)" not in str(entry.get("description")) and entry["type"] != "raw":
                    yield f"{where}{key} is null, which is not documented"
            elif not isinstance(found, _TYPES[entry["type"]]) or (isinstance(found, bool) and entry["type"] == "int"):
                yield f"{where}{key} is documented as {entry['type']} and is {found!r}"
            else:
                yield from mismatches(_inner(found), entry.get("contains") or _open(found), f"{where}{key}.")


def _inner(value: Any) -> list[Object]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _open(value: Any) -> Object:
    """Documentation that says nothing of what is inside."""
    return {key: {"type": "raw"} for item in _inner(value) for key in item}


def missing(values: list[Object], documentation: Object, where: str) -> Iterator[str]:
    """Fields that are documented and that no value has."""
    for key, entry in documentation.items():
        having = [value[key] for value in values if key in value]
        if not having and "elsewhere" not in entry:
            yield f"{where}{key}"
        elif "contains" in entry:
            yield from missing(
                [item for value in having for item in _inner(value)], entry["contains"], f"{where}{key}."
            )


@pytest.mark.parametrize("module", OPERATIONS)
def test_nothing_comes_back_that_is_not_documented(
    module: str, played: dict[str, list[Played]], documented: dict[str, Object]
) -> None:
    common = {key: {"type": "raw"} for key in COMMON}
    results = [item.result for way in WAYS for item in played[way] if item.step.module == module]

    assert sorted(set(mismatches(results, {**documented[module], **common}, ""))) == []


@pytest.mark.parametrize("module", OPERATIONS)
def test_all_that_is_documented_comes_back_at_some_time(
    module: str, played: dict[str, list[Played]], documented: dict[str, Object]
) -> None:
    results = [item.result for item in played["in process"] if item.step.module == module]
    never = set(missing(results, documented[module], ""))
    assert sorted(never - NOT_HERE.get(module, set())) == []


@pytest.mark.parametrize("module", OPERATIONS)
def test_samples_are_like_real_results(module: str, documented: dict[str, Object]) -> None:
    samples = {key: entry["sample"] for key, entry in documented[module].items() if "sample" in entry}

    assert list(mismatches([samples], documented[module], "")) == []
