"""Each test runs ansible-playbook, which takes most of a second: tasks of one kind share a play."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer, Printed
from tests.support.fixtures import kubeconfig
from tests.support.objects import namespace, pod
from tests.support.playbook import Play, Results, play

pytestmark = pytest.mark.slow

# A credential plugin that logs in as the process that asks for it: the server sees in whose process a task runs.
WHOSE_PROCESS = """#!/bin/sh
command=$(tr -c 'A-Za-z0-9/._-' '-' < /proc/$PPID/cmdline)
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}' "$command"
"""

WORKER = [{"name": "demo-worker", "labels": {"alias": "firstWorker"}}]


@pytest.fixture
def whose_process(tmp_path: Path, server: ApiServer) -> dict[str, Any]:
    plugin = tmp_path / "whose-process"
    plugin.write_text(WHOSE_PROCESS)
    plugin.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    return kubeconfig(server.url, user)


def ran_in(server: ApiServer, path: str) -> str:
    """In what a request was made: ``ansible``, or a ``module``'s own process."""
    asked = [request for request in server.requests if request.path == path]
    assert asked, f"nobody asked for {path}"
    command = asked[-1].headers["authorization"]
    return "module" if "AnsiballZ" in command else "ansible" if "ansible-playbook" in command else command


def pods_of(namespace: str) -> str:
    """A request that tells one task from the others."""
    return f"/api/v1/namespaces/{namespace}/pods"


def succeeded(results: Results, name: str) -> dict[str, Any]:
    result = results[name]
    assert not result.get("failed"), result["msg"]
    return result


def test_tasks_run_inside_ansible_with_check_mode_diff_loops_errors_and_secrets(
    tmp_path: Path, server: ApiServer, whose_process: dict[str, Any]
) -> None:
    server.put(namespace("other"), pod("bb1", "192.168.1.1"), pod("far", "192.168.1.9", namespace="other"))
    label = {"nodes": WORKER}
    hushed = "hush-hush-hush"
    results, printed = play(
        tmp_path,
        [
            {"name": "foresee", "kubelab.podnet.node_label": label, "check_mode": True},
            {"name": "do", "kubelab.podnet.node_label": label},
            {"name": "do again", "kubelab.podnet.node_label": label},
            {"name": "loop", "kubelab.podnet.pod_info": {"namespace": "{{ item }}"}, "loop": ["default", "other"]},
            {"name": "fail", "kubelab.podnet.pod_info": {"names": ["bb9"]}, "ignore_errors": True},
            {"name": "misspell", "kubelab.podnet.pod_info": {"nmaes": ["bb1"]}, "ignore_errors": True},
            {
                "name": "mask",
                "kubelab.podnet.pod_info": {"host": server.url, "api_key": hushed, "names": [hushed]},
                "ignore_errors": True,
            },
            {"name": "short name", "pod_info": {"names": ["bb1"]}},
            {"name": "hide", "kubelab.podnet.pod_info": {"names": ["bb1"]}, "no_log": True},
            {"name": "use", "ansible.builtin.set_fact": {"ips": "{{ found.pods | map(attribute='ip') }}"}},
        ],
        collections=["kubelab.podnet"],
        module_defaults={"group/kubelab.podnet.podnet": {"kubeconfig": whose_process}},
        vars={"found": {"pods": []}},
    )
    foreseen, done, again = (results[name] for name in ("foresee", "do", "do again"))
    assert (foreseen["changed"], done["changed"], again["changed"]) == (True, True, False)
    assert (
        foreseen["diff"]
        == done["diff"]
        == {"before": {"demo-worker": {}}, "after": {"demo-worker": {"alias": "firstWorker"}}}
    )
    assert server.changes() == ["PATCH /api/v1/nodes/demo-worker"]
    assert '+        "alias": "firstWorker"' in printed
    assert [[found["name"] for found in item["pods"]] for item in results["loop"]["results"]] == [["bb1"], ["far"]]
    assert (results["fail"]["error"], results["misspell"]["error"]) == ("items-failed", "invalid-input")
    assert results["fail"]["pods"][0]["error"] == "not-found"
    assert "nmaes" in results["misspell"]["msg"]
    assert results["mask"]["msg"].startswith("pod default/******** is not in the cluster")
    assert hushed not in printed
    assert hushed not in str(results)
    assert succeeded(results, "short name")["pods"][0]["name"] == "bb1"
    assert "192.168.1.1" not in str(results["hide"])
    assert "Traceback" not in printed
    assert ran_in(server, pods_of("other")) == "ansible"
    assert ran_in(server, "/api/v1/nodes/demo-worker") == "ansible"


def test_defaults_of_the_group_and_of_each_module_are_used(
    tmp_path: Path, server: ApiServer, whose_process: dict[str, Any]
) -> None:
    server.put(namespace("other"), pod("bb1", "192.168.1.1"), pod("far", "192.168.1.9", namespace="other"))
    results, _printed = play(
        tmp_path,
        [
            {"name": "default", "kubelab.podnet.pod_info": {}},
            {"name": "own value", "kubelab.podnet.pod_info": {"namespace": "default"}},
            {
                "name": "another module",
                "kubelab.podnet.pod_ping": {"probes": [{"from": "bb9", "to": "bb1"}]},
                "ignore_errors": True,
            },
        ],
        module_defaults={
            "group/kubelab.podnet.podnet": {"kubeconfig": whose_process},
            "kubelab.podnet.pod_info": {"namespace": "other"},
        },
    )
    assert [found["name"] for found in succeeded(results, "default")["pods"]] == ["far"]
    assert [found["name"] for found in succeeded(results, "own value")["pods"]] == ["bb1"]
    assert results["another module"]["probes"][0]["msg"].startswith("pod default/bb9 is not in the cluster")


def test_what_needs_a_process_of_its_own_gets_the_real_module(
    tmp_path: Path, server: ApiServer, whose_process: dict[str, Any]
) -> None:
    def script(name: str, content: str) -> str:
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + content)
        path.chmod(0o755)
        return str(path)

    python = script("python", f'exec {sys.executable} "$@"\n')
    sudo = script("sudo", 'while [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')

    def ask(name: str, **more: Any) -> dict[str, Any]:
        arguments = {"namespace": name, "kubeconfig": whose_process}
        return {"name": name, "kubelab.podnet.pod_info": arguments, **more}

    results, printed = play(
        tmp_path,
        [
            ask("plain"),
            ask("environment", environment={"A": "b"}),
            ask("interpreter", vars={"ansible_python_interpreter": python}),
            ask("become", become=True, become_method="sudo", vars={"ansible_become_exe": sudo}),
            ask("async", **{"async": 60, "poll": 0}),
            ask("delegated", delegate_to="elsewhere"),
            ask("delegated-back", delegate_to="localhost", vars={}),
            ask("same-interpreter", vars={"ansible_python_interpreter": "{{ ansible_playbook_python }}"}),
            ask("discovered", vars={"ansible_python_interpreter": "auto_silent"}),
            ask("empty-environment", environment={}),
        ],
        inventory=f"elsewhere ansible_connection=local ansible_python_interpreter={python}",
    )
    assert results["async"]["ansible_job_id"]
    server.wait_for(f"GET {pods_of('async')}")  # the job outlives the play
    for name in ("environment", "interpreter", "become", "async", "delegated"):
        assert ran_in(server, pods_of(name)) == "module", name
        assert name == "async" or succeeded(results, name)["pods"] == []
    for name in ("plain", "delegated-back", "same-interpreter", "discovered", "empty-environment"):
        assert ran_in(server, pods_of(name)) == "ansible", name
    assert "Traceback" not in printed


def test_a_task_gives_the_same_result_inside_ansible_and_as_a_module(tmp_path: Path, server: ApiServer) -> None:
    server.put(pod("bb1", "192.168.1.1"), pod("bb2", "192.168.1.2"))
    server.programs["ping"] = lambda command, pod: Printed(
        "5 packets transmitted, 4 packets received, 20% packet loss\n"
    )
    tasks: dict[str, tuple[str, dict[str, Any]]] = {
        "fail in part": ("pod_info", {"names": ["bb1", "bb9"]}),
        "measure": ("pod_ping", {"probes": [{"from": "bb1", "to": "bb2"}]}),
        "misspell": ("pod", {"posd": [], "state": "gone"}),
        "mask": ("pod_info", {"api_key": "hush-hush-hush", "names": ["hush-hush-hush"]}),
    }
    both = [
        {
            "name": f"{name} {way}",
            f"kubelab.podnet.{module}": arguments,
            "ignore_errors": True,
            "check_mode": True,
            **more,
        }
        for name, (module, arguments) in tasks.items()
        for way, more in (("inside", {}), ("outside", {"environment": {"A": "b"}}))
    ]
    results, _printed = play(tmp_path, both, module_defaults={"group/kubelab.podnet.podnet": {"host": server.url}})

    def told(name: str) -> dict[str, Any]:
        # What Ansible itself adds to a module's result.
        return {
            key: value
            for key, value in results[name].items()
            if key not in ("invocation", "exception") and not key.startswith("_")
        }

    for name in tasks:
        assert told(f"{name} inside") == told(f"{name} outside"), name


@pytest.mark.parametrize(("way", "signal"), [("inside", "Ctrl-C"), ("inside", "SIGTERM"), ("outside", "Ctrl-C")])
def test_an_interrupted_task_removes_its_probe_pods_and_leaves_no_process(
    tmp_path: Path, server: ApiServer, way: str, signal: str
) -> None:
    server.programs["ip"] = lambda command, pod: Printed(end="never")
    task: dict[str, Any] = {
        "kubelab.podnet.node_route_info": {"host": server.url, "access": "probe_pod", "timeout": 600}
    }
    if way == "outside":
        task["environment"] = {"A": "b"}
    after = {"ansible.builtin.copy": {"content": "", "dest": str(tmp_path / "went-on")}}
    with Play(tmp_path, {"tasks": [task, after]}) as running:
        server.wait_for("EXEC .*", times=3)
        assert len(server.all("Pod")) == 3
        if signal == "Ctrl-C":
            running.interrupt()
        else:
            running.process.terminate()
        server.wait_for("DELETE .*")
        running.output()
        running.wait_until_nothing_is_left()
    assert server.all("Pod") == []
    assert not (tmp_path / "went-on").exists()
