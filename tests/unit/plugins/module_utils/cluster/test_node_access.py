from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import node_access
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.exec import Output
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell, open_nodes
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import RUN, marks
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ForbiddenError,
    InterruptedTaskError,
    NodeAccessError,
    PodnetError,
)

from tests.support.api_server import ApiServer, Printed, breaking_off, printing, refusing, status
from tests.support.fixtures import PATIENCE
from tests.support.objects import MANAGED_BY, Object, node, pod, recorded_item, with_status_of

ROUTES = "default via 172.18.0.1 dev eth0\n"
PODS = "/api/v1/namespaces/default/pods"


def nodes_of(server: ApiServer) -> list[Object]:
    return server.all("Node")


def opened(
    server: ApiServer,
    cluster: Cluster,
    access: str = "auto",
    agent_labels: Mapping[str, Sequence[str]] | None = None,
    seconds: float = PATIENCE,
) -> AbstractContextManager[dict[str, NodeShell]]:
    return open_nodes(
        cluster,
        nodes_of(server),
        Deadline(seconds),
        access=access,
        agent_labels=agent_labels or {},
        probe={"namespace": "default", "image": "busybox"},
    )


def run(shell: NodeShell, *command: str) -> tuple[str, Output]:
    return shell.run(list(command), Deadline(PATIENCE))


def refusal(shell: NodeShell, *command: str) -> str:
    with pytest.raises(NodeAccessError) as raised:
        run(shell, *command)
    return str(raised.value)


# --- agent_pod ---------------------------------------------------------------------------------------------------------


def agent(name: str, node: str, key: str = "k8s-app", value: str = "calico-node", **more: Any) -> Object:
    return pod(name, "172.18.0.3", node=node, namespace="kube-system", labels={key: value}, host_network=True, **more)


def test_a_command_runs_in_the_pod_networks_own_pod_on_that_node(server: ApiServer, cluster: Cluster) -> None:
    server.put(agent("calico-a", "demo-worker"), agent("calico-b", "demo-worker2"))
    server.programs["ip"] = lambda command, pod: Printed(f"on {pod['spec']['nodeName']}\n")
    with opened(server, cluster) as shells:
        assert run(shells["demo-worker2"], "ip", "route") == ("agent_pod", Output(0, "on demo-worker2\n", ""))
        assert run(shells["demo-worker"], "ip", "route") == ("agent_pod", Output(0, "on demo-worker\n", ""))
    assert server.changes() == []


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in node_access.AGENTS.items() for value in values]
)
def test_the_agents_of_every_known_pod_network_are_found(
    server: ApiServer, cluster: Cluster, key: str, value: str
) -> None:
    server.put(agent("agent", "demo-worker", key, value))
    server.programs["ip"] = printing(ROUTES)
    with opened(server, cluster, "agent_pod") as shells:
        assert run(shells["demo-worker"], "ip", "route")[0] == "agent_pod"


def test_a_node_without_an_agent_says_so_with_the_next_step(server: ApiServer, cluster: Cluster) -> None:
    server.put(agent("calico-a", "demo-worker"))
    with opened(server, cluster) as shells:
        assert refusal(shells["demo-worker2"], "ip", "route") == (
            "no way to run ip on node demo-worker2 (container: it is no container of kind; agent_pod: no agent of a known pod "
            "network is ready on it (more can be named in agent_labels)); access: probe_pod makes a pod of its own for that"
        )


def test_a_pod_in_a_network_of_its_own_is_no_agent(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("calico-a", "192.168.1.1", node="demo-worker", labels={"k8s-app": "calico-node"}))
    with opened(server, cluster) as shells:
        refusal(shells["demo-worker"], "ip", "route")


def test_an_agent_that_is_not_ready_is_not_used(server: ApiServer, cluster: Cluster) -> None:
    broken = agent("calico-a", "demo-worker")
    broken["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    server.put(broken)
    with opened(server, cluster) as shells:
        refusal(shells["demo-worker"], "ip", "route")


def test_further_agents_may_be_named_and_come_first(server: ApiServer, cluster: Cluster) -> None:
    server.put(agent("calico-a", "demo-worker"), agent("mine", "demo-worker", "k8s-app", "my-cni"))
    server.programs["ip"] = lambda command, pod: Printed(pod["metadata"]["name"])
    with opened(server, cluster, agent_labels={"team": ["x"], "k8s-app": ["my-cni"]}) as shells:
        # One selector serves all values of a key: among these the first by name is taken.
        assert run(shells["demo-worker"], "ip")[1].stdout in ("mine", "calico-a")
    server.remove("Pod", "calico-a", "kube-system")
    with opened(server, cluster, agent_labels={"k8s-app": ["my-cni"]}) as shells:
        assert run(shells["demo-worker"], "ip")[1].stdout == "mine"


def test_an_agent_whose_image_lacks_the_program_is_named(server: ApiServer, cluster: Cluster) -> None:
    server.put(agent("cilium-a", "demo-worker", value="cilium"))
    with opened(server, cluster) as shells:
        assert "agent_pod: traceroute 192.168.1.1 in pod kube-system/cilium-a: the image has no program" in refusal(
            shells["demo-worker"], "traceroute", "192.168.1.1"
        )


def test_pods_that_may_not_be_listed_close_this_way_only(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave(
        "GET", "/api/v1/pods", refusing(403, status(403, "Forbidden", 'pods is forbidden: User "me" cannot list'))
    )
    with opened(server, cluster) as shells:
        assert 'agent_pod: pods is forbidden: User "me" cannot list; grant that right' in refusal(
            shells["demo-worker"], "ip", "route"
        )


def test_an_exec_that_is_not_allowed_names_the_right(server: ApiServer, cluster: Cluster) -> None:
    server.put(agent("calico-a", "demo-worker"))
    message = 'pods "calico-a" is forbidden: User "me" cannot create resource "pods/exec" in API group ""'
    server.misbehave("EXEC", ".*", refusing(403, status(403, "Forbidden", message)))
    with opened(server, cluster) as shells, pytest.raises(ForbiddenError, match='cannot create resource "pods/exec"'):
        run(shells["demo-worker"], "ip", "route")


# --- container ---------------------------------------------------------------------------------------------------------

ENGINE = '''#!{python}
"""A container engine as far as the tests need one: its containers stand in a file, and are this machine."""
import json, os, subprocess, sys
with open(os.environ["CONTAINERS"]) as file:
    containers = json.load(file)
command, *words = sys.argv[1:]
if command == "ps":
    label = words[words.index("--filter") + 1].removeprefix("label=")
    print(*(c["Id"] for c in containers if label in c["Config"]["Labels"]), sep="\\n")
elif command == "inspect":
    print(json.dumps([c for c in containers if c["Id"] in words]))
elif command == "exec":
    try:
        sys.exit(subprocess.run(words[1:]).returncode)
    except FileNotFoundError:
        print(f"OCI runtime exec failed: exec failed: unable to start container process: exec: {{words[1]!r}}: not found")
        sys.exit(127)
'''


def container(name: str, address: str, cluster_name: str = "demo") -> Object:
    return {
        "Id": f"id-of-{name}",
        "Name": f"/{name}",
        "Config": {"Labels": [f"io.x-k8s.kind.cluster={cluster_name}"]},
        "NetworkSettings": {"Networks": {"kind": {"IPAddress": address, "GlobalIPv6Address": "fc00::3"}}},
    }


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for docker on PATH; the file of its containers."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(ENGINE.format(python=sys.executable))
    program.chmod(0o755)
    containers = tmp_path / "containers.json"
    containers.write_text("[]")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CONTAINERS", str(containers))
    return containers


@pytest.fixture
def kind_node(server: ApiServer) -> None:
    server.put(node("demo-worker", "172.18.0.3", provider_id="kind://docker/demo/demo-worker"))


@pytest.mark.usefixtures("kind_node")
def test_a_node_of_kind_is_reached_in_its_container(server: ApiServer, cluster: Cluster, engine: Path) -> None:
    engine.write_text(json.dumps([container("demo-worker", "172.18.0.3"), container("demo-worker2", "172.18.0.4")]))
    with opened(server, cluster) as shells:
        script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
        assert run(shells["demo-worker"], sys.executable, "-c", script) == ("container", Output(3, "out\n", "err\n"))


@pytest.mark.usefixtures("kind_node")
def test_a_container_comes_before_an_agent(server: ApiServer, cluster: Cluster, engine: Path) -> None:
    engine.write_text(json.dumps([container("demo-worker", "172.18.0.3")]))
    server.put(agent("calico-a", "demo-worker"))
    server.programs["true"] = printing("")
    with opened(server, cluster) as shells:
        assert run(shells["demo-worker"], "true")[0] == "container"


@pytest.mark.usefixtures("kind_node")
def test_what_the_container_lacks_is_run_in_the_agent(server: ApiServer, cluster: Cluster, engine: Path) -> None:
    engine.write_text(json.dumps([container("demo-worker", "172.18.0.3")]))
    server.put(agent("calico-a", "demo-worker"))
    server.programs["no-such-program"] = printing("found")
    with opened(server, cluster) as shells:
        assert run(shells["demo-worker"], "no-such-program") == ("agent_pod", Output(0, "found", ""))
    with opened(server, cluster, "container") as shells:
        assert "container: the container demo-worker has no program no-such-program" in refusal(
            shells["demo-worker"], "no-such-program"
        )


@pytest.mark.parametrize(
    "impostor",
    [
        pytest.param(container("demo-worker", "172.18.0.99"), id="with another address"),
        pytest.param(container("demo-worker", "172.18.0.3", "other"), id="of another cluster"),
        pytest.param({**container("demo-worker", "172.18.0.3"), "Config": {"Labels": []}}, id="without kind's label"),
        pytest.param({**container("demo-worker", ""), "NetworkSettings": {"Networks": None}}, id="without a network"),
        pytest.param(container("demo-worker2", "172.18.0.3"), id="with another name"),
    ],
)
@pytest.mark.usefixtures("kind_node")
def test_a_container_that_only_looks_like_the_node_is_not_used(
    server: ApiServer, cluster: Cluster, engine: Path, impostor: Object
) -> None:
    engine.write_text(json.dumps([impostor]))
    with opened(server, cluster, "container") as shells:
        assert (
            "container: docker runs no container demo-worker of kind's cluster demo with the node's address (172.18.0.3)"
        ) in refusal(shells["demo-worker"], "true")


@pytest.mark.usefixtures("kind_node")
def test_a_node_of_kind_whose_engine_is_elsewhere_is_told_apart(
    server: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with opened(server, cluster, "container") as shells:
        assert "container: the program docker is not on PATH" in refusal(shells["demo-worker"], "true")


def engine_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "docker"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("kind_node")
def test_an_engine_that_is_not_running_closes_this_way_only(
    server: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_that(tmp_path, monkeypatch, "import sys; sys.exit('Cannot connect to the Docker daemon')")
    server.put(agent("calico-a", "demo-worker"))
    server.programs["ip"] = printing(ROUTES)
    with opened(server, cluster) as shells:
        assert run(shells["demo-worker"], "ip", "route")[0] == "agent_pod"
        assert shells["demo-worker"].closed == {
            "container": "docker does not answer: Cannot connect to the Docker daemon"
        }


@pytest.mark.usefixtures("kind_node")
def test_an_engine_that_hangs_does_not_take_the_time_of_the_task(
    server: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_access, "_ENGINE_SECONDS", 0.3)
    engine_that(tmp_path, monkeypatch, "import signal; signal.pause()")
    server.put(agent("calico-a", "demo-worker"))
    server.programs["ip"] = printing(ROUTES)
    with opened(server, cluster) as shells:
        assert run(shells["demo-worker"], "ip", "route")[0] == "agent_pod"
        assert "did not end within 0.3 seconds" in shells["demo-worker"].closed["container"]


@pytest.mark.usefixtures("kind_node")
def test_an_engine_that_answers_nonsense_closes_this_way_only(
    server: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_that(tmp_path, monkeypatch, "print('Emulate Docker CLI using podman.')")
    with opened(server, cluster) as shells:
        assert "docker" in shells["demo-worker"].closed["container"]


@pytest.mark.parametrize(
    "provider_id",
    [
        "",
        "aws:///eu-west-1a/i-0123",
        "kind://docker/demo",
        "kind://sh/demo/demo-worker",
        "kind://docker/a b/--privileged/x",
    ],
)
def test_other_provider_ids_start_no_program(
    server: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider_id: str
) -> None:
    engine_that(tmp_path, monkeypatch, f"open({str(tmp_path / 'started')!r}, 'w')")
    server.put(node("demo-worker", "172.18.0.3", provider_id=provider_id))
    with opened(server, cluster) as shells:
        assert shells["demo-worker"].closed["container"] == "it is no container of kind"
    assert not (tmp_path / "started").exists()


# --- probe_pod ---------------------------------------------------------------------------------------------------------


def probe_pods(server: ApiServer) -> list[Object]:
    return [item for item in server.all("Pod") if item["metadata"]["name"].startswith("podnet-probe-")]


def test_probe_pods_are_made_for_the_nodes_and_removed_by_one_call(server: ApiServer, cluster: Cluster) -> None:
    server.programs["ip"] = lambda command, pod: Printed(f"on {pod['spec']['nodeName']}\n")
    with opened(server, cluster, "probe_pod") as shells:
        made = probe_pods(server)
        assert {item["spec"]["nodeName"] for item in made} == {"demo-control-plane", "demo-worker", "demo-worker2"}
        for name, shell in shells.items():
            assert run(shell, "ip", "route") == ("probe_pod", Output(0, f"on {name}\n", ""))
    assert probe_pods(server) == []
    assert server.changes() == [f"POST {PODS}"] * 3 + [f"DELETE {PODS}"]


def test_a_probe_pod_is_small_ours_and_ends_by_itself(server: ApiServer, cluster: Cluster) -> None:
    with opened(server, cluster, "probe_pod"):
        body = probe_pods(server)[0]
    assert body["metadata"]["labels"].items() >= MANAGED_BY.items()
    spec = body["spec"]
    assert spec["hostNetwork"] is True
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["activeDeadlineSeconds"] == PATIENCE + 60
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_no_probe_pod_is_made_unless_asked_for(server: ApiServer, cluster: Cluster) -> None:
    for access in ("auto", "container", "agent_pod"):
        with opened(server, cluster, access):
            pass
    assert server.changes() == []


@pytest.mark.parametrize("error", [PodnetError("x"), ValueError("x"), InterruptedTaskError("x"), KeyboardInterrupt()])
def test_probe_pods_are_removed_whatever_happens_meanwhile(
    server: ApiServer, cluster: Cluster, error: BaseException
) -> None:
    def fail_meanwhile() -> None:
        with opened(server, cluster, "probe_pod"):
            assert len(probe_pods(server)) == 3
            raise error

    with pytest.raises(type(error)):
        fail_meanwhile()
    assert probe_pods(server) == []


def test_probe_pods_of_a_run_under_way_are_left_alone(server: ApiServer, cluster: Cluster) -> None:
    server.put(left_by(os.getpid()))
    with opened(server, cluster, "probe_pod"):
        pass
    assert [item["metadata"]["name"] for item in probe_pods(server)] == ["podnet-probe-other"]


def test_probe_pods_that_a_killed_run_left_are_removed(server: ApiServer, cluster: Cluster) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    server.put(left_by(process.pid))
    with opened(server, cluster, "probe_pod"):
        assert "podnet-probe-other" not in [item["metadata"]["name"] for item in probe_pods(server)]


def left_by(process: int) -> Object:
    other = pod("podnet-probe-other", "172.18.0.3", labels={**MANAGED_BY, RUN: "another"})
    place = marks("another", 1)["annotations"]["kubelab.podnet/owner"].split(" ")[0]
    other["metadata"]["annotations"] = {"kubelab.podnet/owner": f"{place} {process} {2**33}"}
    return other


def test_a_probe_pod_that_is_not_admitted_closes_the_way_to_that_node_only(server: ApiServer, cluster: Cluster) -> None:
    message = (
        'pods "podnet-probe-x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
    )
    server.misbehave("POST", PODS, refusing(403, status(403, "Forbidden", message)), times=1)
    server.programs["ip"] = printing(ROUTES)
    with opened(server, cluster, "probe_pod") as shells:
        first, *others = shells
        assert refusal(shells[first], "ip", "route") == f"no way to run ip on node {first} (probe_pod: {message})"
        assert [run(shells[name], "ip", "route")[0] for name in others] == ["probe_pod"] * 2


def test_a_probe_pod_whose_image_cannot_be_pulled_is_explained(server: ApiServer, cluster: Cluster) -> None:
    badimage = recorded_item("pods", "badimage")
    server.kubelet = lambda pod: [with_status_of(badimage, pod)]
    with opened(server, cluster, "probe_pod") as shells:
        assert "its image nosuch.invalid/none:1 cannot be pulled" in refusal(shells["demo-worker"], "ip", "route")
    assert probe_pods(server) == []


def test_a_probe_pod_that_does_not_get_ready_in_time_is_explained_and_removed(server: ApiServer) -> None:
    server.kubelet = lambda pod: []
    with (
        Cluster(endpoint({"host": server.url}), Deadline(0.3)) as cluster,
        opened(server, cluster, "probe_pod", seconds=0.3) as shells,
    ):
        assert "(probe_pod: pod default/podnet-probe-" in refusal(shells["demo-worker"], "ip", "route")
    assert probe_pods(server) == []


def test_a_namespace_that_is_not_there_is_named(server: ApiServer, cluster: Cluster) -> None:
    server.remove("Namespace", "default", "")
    with opened(server, cluster, "probe_pod") as shells:
        assert 'namespaces "default" not found' in refusal(shells["demo-worker"], "ip", "route")


def test_what_was_created_without_an_answer_is_removed_too(server: ApiServer, cluster: Cluster) -> None:
    async def create_and_break_off(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        made = pod("podnet-probe-lost", "172.18.0.3", labels=body["metadata"]["labels"])
        server.store(made)
        return await breaking_off(request)

    server.misbehave("POST", PODS, create_and_break_off, times=1)
    with opened(server, cluster, "probe_pod"):
        assert "podnet-probe-lost" in [item["metadata"]["name"] for item in probe_pods(server)]
    assert probe_pods(server) == []


def test_probe_pods_that_cannot_be_removed_are_told_of(server: ApiServer, cluster: Cluster) -> None:
    message = 'pods is forbidden: User "me" cannot deletecollection resource "pods" in API group ""'
    server.misbehave("DELETE", PODS, refusing(403, status(403, "Forbidden", message)))
    with pytest.raises(ForbiddenError, match="cannot deletecollection"), opened(server, cluster, "probe_pod"):
        pass
