"""The module `cluster` and the role `lab_cluster` on real clusters: made, found again, refused, interrupted, removed.

PROVIDER (kind or netns) restricts the tests to one provider. With kind, PODNET_NODE_IMAGE names the node image (else it is
kind's own), and clusters get that image's own CNI. Clusters are called PODNET_TEST_PREFIX (else podnet) and -module.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.cluster import OPERATION

ROOT = Path(__file__).parents[2]
NAME = f"{os.environ.get('PODNET_TEST_PREFIX', 'podnet')}-module"
Run = Callable[..., dict[str, Any]]


def reason_against(provider: str) -> str:
    """Why there can be no test with this provider; empty if there can."""
    if os.environ.get("PROVIDER", "auto") not in ("auto", provider):
        return f"PROVIDER is {os.environ['PROVIDER']}"
    check = run_in_process(OPERATION, {"name": NAME, "provider": provider, "state": "absent"}, check_mode=True)
    return str(check["msg"]) if check.get("failed") else ""


def arguments(provider: str, folder: Path) -> dict[str, Any]:
    given: dict[str, Any] = {"name": NAME, "provider": provider, "workers": 1, "kubeconfig": str(folder / "kubeconfig")}
    if provider == "kind":
        given |= {"cni": ["default"], "node_image": os.environ.get("PODNET_NODE_IMAGE")}
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture(scope="module", params=["netns", "kind"])
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if reason := reason_against(name):
        pytest.skip(reason)
    return name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def run(provider: str, folder: Path) -> Iterator[Run]:
    """The module; whatever it made is removed in the end."""

    def run_module(*, check_mode: bool = False, **changed: Any) -> dict[str, Any]:
        return run_in_process(OPERATION, arguments(provider, folder) | changed, check_mode=check_mode)

    yield run_module
    assert not run_module(state="absent").get("failed")


@pytest.fixture(scope="module")
def made(run: Run) -> dict[str, Any]:
    """What the module returned when it made the cluster."""
    return run()


def kubectl(kubeconfig: str, *words: str) -> str:
    beside = shutil.which("kubectl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert beside, "kubectl is needed to look at the cluster past the module"
    command = [beside, "--kubeconfig", kubeconfig, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_of_nodes(kubeconfig: str) -> list[str]:
    return kubectl(kubeconfig, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()


def test_check_mode_makes_nothing(run: Run, folder: Path) -> None:
    planned = run(check_mode=True)

    assert (planned["changed"], planned["nodes"]) == (True, [])
    assert planned["diff"]["before"] == {"state": "absent"}
    assert not run(state="absent", check_mode=True)["changed"]
    assert not (folder / "kubeconfig").exists()


def test_the_cluster_that_is_made_answers_by_its_own_kubeconfig(made: dict[str, Any], folder: Path) -> None:
    assert made["changed"], made
    assert made["kubeconfig"] == str(folder / "kubeconfig")
    assert (folder / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert names_of_nodes(made["kubeconfig"]) == [f"{NAME}-control-plane", f"{NAME}-worker"]
    assert [(node["name"], node["role"], len(node["addresses"])) for node in made["nodes"]] == [
        (f"{NAME}-control-plane", "control-plane", 1),
        (f"{NAME}-worker", "worker", 1),
    ]


def test_the_context_is_that_of_the_file(made: dict[str, Any]) -> None:
    assert kubectl(made["kubeconfig"], "config", "current-context").strip() == made["context"]


def test_nodes_are_ready_when_the_module_returns(made: dict[str, Any]) -> None:
    ready = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"

    assert kubectl(made["kubeconfig"], "get", "nodes", "-o", ready) == "True True"


def test_only_the_stand_in_is_called_emulated(made: dict[str, Any], provider: str) -> None:
    assert made["emulated"] is (provider == "netns")


def test_a_second_run_changes_nothing_in_any_mode(run: Run, made: dict[str, Any]) -> None:
    for check_mode in (True, False):
        again = run(check_mode=check_mode)

        assert not again["changed"], again["diff"]
        assert again["nodes"] == made["nodes"]
        assert again["diff"]["before"] == again["diff"]["after"]


def test_a_kubeconfig_that_was_lost_is_written_again(run: Run, made: dict[str, Any], folder: Path) -> None:
    before = (folder / "kubeconfig").read_text()
    (folder / "kubeconfig").unlink()

    assert run(check_mode=True)["changed"]
    assert not (folder / "kubeconfig").exists()
    assert run()["changed"]
    assert (folder / "kubeconfig").read_text() == before


def test_another_shape_is_refused_with_the_differences_and_nothing_is_changed(run: Run, made: dict[str, Any]) -> None:
    refused = run(workers=2)

    assert (refused["failed"], refused["error"], refused["cause"]) == (True, "cluster-failed", "another-shape")
    assert refused["differences"] == {"workers": {"found": 1, "asked": 2}}
    assert names_of_nodes(made["kubeconfig"]) == [f"{NAME}-control-plane", f"{NAME}-worker"]


def test_auto_finds_the_cluster_that_is_there(run: Run, made: dict[str, Any], provider: str) -> None:
    found = run(provider="auto")

    assert (found["provider"], found["changed"]) == (provider, False)
    assert found["provider_reason"]


def play(folder: Path, given: dict[str, Any], *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the role by Ansible itself: its entry point stands in `entry`."""
    (folder / "play.yml").write_text(
        "- hosts: localhost\n"
        "  connection: local\n"
        "  gather_facts: false\n"
        "  tasks:\n"
        "    - ansible.builtin.include_role: {name: kubelab.podnet.lab_cluster, tasks_from: '{{ entry }}'}\n"
        "    - ansible.builtin.debug: {msg: 'after the role'}\n"
    )
    variables = {f"lab_cluster_{name}": value for name, value in given.items()}
    variables |= {"ansible_python_interpreter": sys.executable}
    command = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        str(folder / "play.yml"),
        "-e",
        json.dumps(variables),
        *words,
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build"), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def test_the_role_finds_the_cluster_and_says_which_it_is(made: dict[str, Any], provider: str, folder: Path) -> None:
    for entry in ("main", "find"):
        played = play(folder, arguments(provider, folder), "-e", f"entry={entry}")

        assert played.returncode == 0, played.stdout + played.stderr
        assert f"Cluster {NAME}, provider {provider}" in played.stdout
        assert "after the role" in played.stdout
        assert "changed=0" in played.stdout


def test_the_role_ends_the_play_where_there_is_no_cluster(provider: str, folder: Path) -> None:
    nowhere = arguments(provider, folder) | {"name": f"{NAME}-nowhere", "kubeconfig": str(folder / "nowhere")}

    for words in (["-e", "entry=find"], ["-e", "entry=main", "--check"]):
        played = play(folder, nowhere, *words)

        assert played.returncode == 0, played.stdout + played.stderr
        assert f"There is no cluster {NAME}-nowhere" in played.stdout
        assert "after the role" not in played.stdout


def test_the_role_removes_what_is_not_there_without_a_change(provider: str, folder: Path) -> None:
    nowhere = arguments(provider, folder) | {"name": f"{NAME}-nowhere", "kubeconfig": str(folder / "nowhere")}

    played = play(folder, nowhere, "-e", "entry=remove")

    assert played.returncode == 0, played.stdout + played.stderr
    assert "changed=0" in played.stdout


# --- kind alone --------------------------------------------------------------------------------------------------------


@pytest.fixture
def kind_only(provider: str) -> None:
    if provider != "kind":
        pytest.skip("this is about kind")


@pytest.fixture
def image(kind_only: None) -> Iterator[str]:
    """An image of busybox and a label, in the engine only."""
    if subprocess.run(["docker", "image", "inspect", "busybox"], capture_output=True, check=False).returncode:
        pytest.skip("the engine has no image busybox to make another one of")
    name = f"{NAME}:1"
    container = subprocess.run(
        ["docker", "create", "busybox"], capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run(["docker", "commit", "--change=LABEL test=1", container, name], capture_output=True, check=True)
    subprocess.run(["docker", "rm", container], capture_output=True, check=True)
    yield name
    subprocess.run(["docker", "image", "rm", name], capture_output=True, check=True)


def images_of(node: str) -> str:
    command = ["docker", "exec", node, "ctr", "--namespace=k8s.io", "images", "ls", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("kind_only")
def test_nodes_have_blocks_of_the_labs_size(made: dict[str, Any]) -> None:
    blocks = kubectl(made["kubeconfig"], "get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}").split()

    assert [block.partition("/")[2] for block in blocks] == ["26", "26"]


@pytest.mark.usefixtures("made")
def test_an_image_is_loaded_into_all_nodes_once(run: Run, image: str) -> None:
    planned = run(images=[image], check_mode=True)
    assert planned["changed"]
    assert image not in images_of(f"{NAME}-worker")

    loaded, again = run(images=[image]), run(images=[image])

    assert (loaded["changed"], again["changed"]) == (True, False)
    assert (planned["diff"]["before"]["images"], planned["diff"]["after"]["images"]) == ([], [image])
    assert all(f"docker.io/library/{image}" in images_of(f"{NAME}-{node}") for node in ("control-plane", "worker"))


@pytest.mark.usefixtures("kind_only", "made")
def test_an_image_that_the_engine_lacks_is_an_error_with_the_next_step(run: Run) -> None:
    refused = run(images=["no/such-image:1"])

    assert (refused["failed"], refused["cause"]) == (True, "image-not-in-engine")
    assert "docker pull no/such-image:1" in refused["msg"]


@pytest.mark.usefixtures("kind_only")
def test_a_cluster_that_somebody_else_made_is_used_with_a_warning_about_what_cannot_be_read(
    run: Run, made: dict[str, Any]
) -> None:
    kubectl(made["kubeconfig"], "-n", "kube-system", "delete", "configmap", "kubelab-podnet")

    found = run()

    assert not found["changed"]
    assert found["warnings"] == [f"The cni of the cluster {NAME} could not be read, and was not compared."]


@pytest.fixture
def broken_agent(kind_only: None, made: dict[str, Any], folder: Path) -> Iterator[str]:
    """A network agent whose image nobody has."""
    agent = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "no-cni", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": {"app": "no-cni"}},
            "template": {
                "metadata": {"labels": {"app": "no-cni"}},
                "spec": {
                    "hostNetwork": True,
                    "containers": [{"name": "agent", "image": "localhost:1/no-cni:1"}],
                },
            },
        },
    }
    (folder / "agent.json").write_text(json.dumps(agent))
    kubectl(made["kubeconfig"], "apply", "-f", str(folder / "agent.json"))
    yield "kube-system/no-cni"
    kubectl(made["kubeconfig"], "delete", "-f", str(folder / "agent.json"))


def test_an_agent_that_does_not_come_up_is_explained_when_the_time_is_over(run: Run, broken_agent: str) -> None:
    failed = run(timeout=12)

    assert (failed["error"], failed["cause"]) == ("deadline-exceeded", "not-ready")
    assert f"daemonset {broken_agent} has 0 of 1 pods ready" in failed["msg"]
    assert f"pod {broken_agent}-" in failed["msg"]
    assert "localhost:1/no-cni:1" in failed["msg"]
    assert len(failed["not_ready"]) == 2


@pytest.mark.usefixtures("kind_only", "made")
def test_a_node_that_was_stopped_is_named_with_the_command_that_starts_it(run: Run) -> None:
    subprocess.run(["docker", "stop", "--time=1", f"{NAME}-worker"], capture_output=True, check=True)
    try:
        stopped = run()
    finally:
        subprocess.run(["docker", "start", f"{NAME}-worker"], capture_output=True, check=True)

    assert (stopped["failed"], stopped["cause"]) == (True, "nodes-stopped")
    assert f"docker start {NAME}-worker" in stopped["msg"]


# --- the end: from here on the module's cluster is gone ----------------------------------------------------------------


def test_a_cluster_is_removed_once_with_its_kubeconfig(run: Run, made: dict[str, Any], folder: Path) -> None:
    assert run(state="absent", check_mode=True)["changed"]
    assert names_of_nodes(made["kubeconfig"])

    first, second = run(state="absent"), run(state="absent")

    assert (first["changed"], second["changed"]) == (True, False)
    assert not (folder / "kubeconfig").exists()


def there_is_something(provider: str) -> bool:
    """Whether there is anything of the cluster on this machine, looked at past the module."""
    if provider == "kind":
        command = ["docker", "ps", "--all", "--quiet", f"--filter=label=io.x-k8s.kind.cluster={NAME}"]
        return bool(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"netns_cluster" in words and f"--name={NAME}".encode() in words:
            return True
    return False


def test_an_interrupted_task_leaves_nothing(provider: str, folder: Path) -> None:
    code = (
        "import json, sys\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.operations.cluster import OPERATION\n"
        "print(json.dumps(run_in_process(OPERATION, json.loads(sys.argv[1]), check_mode=False)))\n"
    )
    task = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(arguments(provider, folder))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build")},
    )
    end = time.monotonic() + 60
    while not there_is_something(provider) and task.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    task.send_signal(signal.SIGTERM)
    printed = task.communicate(timeout=60)[0]

    assert json.loads(printed)["error"] == "interrupted"
    assert not there_is_something(provider)
    assert not (folder / "kubeconfig").exists()
    gone = run_in_process(OPERATION, arguments(provider, folder) | {"state": "absent"}, check_mode=True)
    assert not gone["changed"]


@pytest.mark.usefixtures("kind_only")
def test_a_node_image_that_cannot_be_pulled_is_named(run: Run) -> None:
    failed = run(node_image="localhost:1/no-node:1")

    assert (failed["error"], failed["cause"]) == ("cluster-failed", "image-not-pulled")
    assert "the node image localhost:1/no-node:1 cannot be pulled" in failed["msg"]
    assert not there_is_something("kind")
