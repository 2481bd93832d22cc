"""What docker, kind, the kubelet and the API printed, explained.

The files in kind_output/ were recorded from real runs (Docker 28.2 and kind 0.33; the kubelet's and containerd's own words at
an inotify limit of 0, and with failCgroupV1); only host names in them were replaced. What no run here can give is quoted below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import kind_problems

RECORDED = Path(__file__).parent / "kind_output"


@pytest.mark.parametrize(
    ("name", "cause", "words"),
    [
        ("engine_not_running", "engine-not-running", "no Docker engine answers at unix:///run/none.sock: start it"),
        (
            "engine_not_running_kind",
            "engine-not-running",
            "no Docker engine answers at unix:///run/none.sock: start it",
        ),
        ("engine_behind_ssh", "engine-not-running", "check DOCKER_HOST"),
        (
            "engine_forbidden",
            "engine-forbidden",
            "no right to the Docker engine's socket, unix:///var/run/docker.sock: add",
        ),
        ("engine_forbidden_kind", "engine-forbidden", "usermod -aG docker"),
        ("image_not_pulled", "image-not-pulled", "registry.example/node:v0.0.0-none cannot be pulled (Get"),
        ("port_taken", "port-taken", "the address 127.0.0.1:46443 of this machine is taken: end what listens there"),
        ("port_allocated", "port-taken", "the address 127.0.0.1:38067 of this machine is taken"),
        ("already_exists", "already-exists", "nodes of a cluster demo are there already"),
        ("node_not_booted", "node-not-booted", "systemd in it did not come up: check"),
        ("creation_unfinished", "creation-unfinished", "remove it with state: absent"),
        ("inotify_kubelet", "inotify-limits", "fs.inotify.max_user_instances=512"),
        ("inotify_containerd", "inotify-limits", "fs.inotify.max_user_instances=512"),
        ("cgroup_v1", "cgroup-v1", "take a node_image of Kubernetes 1.34"),
    ],
)
def test_a_recorded_failure_is_explained_with_its_next_step(name: str, cause: str, words: str) -> None:
    problem = kind_problems.explain((RECORDED / f"{name}.txt").read_text())

    assert problem is not None
    assert problem.cause == cause
    assert words in str(problem)


def test_every_recorded_failure_is_known() -> None:
    assert [path.name for path in RECORDED.iterdir() if kind_problems.explain(path.read_text()) is None] == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        # Docker 29 words the same three things anew.
        (
            "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock\n",
            "engine-forbidden",
        ),
        (
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the "
            "daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            "engine-not-running",
        ),
        ("failed to bind host port for 0.0.0.0:7148:172.18.0.2:7148/tcp: address already in use", "port-taken"),
        ("Failed to create inotify object: Too many open files", "inotify-limits"),
        ('command failed" err="failed to run Kubelet: inotify_init: too many open files', "inotify-limits"),
        ("kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported", "cgroup-v1"),
        ("ERROR: failed to create cluster: running kind with rootless provider requires cgroup v2, see", "cgroup-v1"),
        ("ctr: content digest sha256:44b2c602cb838fd6a647d6d48cf0e6f56227351b29: not found", "image-incomplete"),
        ("unknown containerd config version: 4 (supported versions: 2 and 3)", "kind-too-old"),
        ("mkdir /var/lib/docker/overlay2/x: no space left on device", "disk-full"),
        ("could not find an available, non-overlapping IPv4 address pool among the defaults", "networks-used-up"),
        ('Conflict. The container name "/demo-control-plane" is already in use by container "1f"', "name-taken"),
        (
            'ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec',
            "control-plane-failed",
        ),
        ('ERROR: failed to create cluster: failed to join node with kubeadm: command "docker exec', "worker-failed"),
    ],
)
def test_a_failure_that_cannot_be_had_here_is_known_by_its_words(text: str, cause: str) -> None:
    problem = kind_problems.explain(text)

    assert problem is not None
    assert problem.cause == cause
    assert "{" not in str(problem)


def test_the_cause_in_a_nodes_log_comes_before_what_followed_from_it() -> None:
    output = 'ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec" failed'
    logs = "Failed to create inotify object: Too many open files"

    problem = kind_problems.explain(f"{output}\n{logs}")

    assert problem is not None
    assert problem.cause == "inotify-limits"


def test_a_daemon_that_gives_no_reason_is_not_given_one() -> None:
    problem = kind_problems.explain(
        'ERROR: failed to create cluster: failed to pull image "a/b:1": command "docker pull"'
    )

    assert problem is not None
    assert "a/b:1 cannot be pulled (no reason given)" in str(problem)


def test_kinds_warning_about_cgroup_v1_is_no_problem() -> None:
    assert (
        kind_problems.explain(
            "cgroup v1 is deprecated in Kubernetes and will not be supported in a future kind release"
        )
        is None
    )


def test_what_is_not_known_is_told_by_its_last_error_line() -> None:
    assert kind_problems.explain("something new") is None
    assert kind_problems.last_error("Creating cluster\nERROR: first\nERROR: second\nmore") == "ERROR: second"
    assert kind_problems.last_error("one\ntwo\n\n") == "two"
    assert kind_problems.last_error("") == "it printed nothing"


def node(name: str, **ready: str) -> dict[str, Any]:
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", **ready}]}}


def daemonset(*, ready: int, host_network: bool = True, observed: int = 1) -> dict[str, Any]:
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "kube-system", "generation": 1},
        "spec": {"template": {"spec": {"hostNetwork": True} if host_network else {}}},
        "status": {"desiredNumberScheduled": 3, "numberReady": ready, "observedGeneration": observed},
    }


def deployment(app: str, available: str) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": app}},
        "status": {"conditions": [{"type": "Available", "status": available}]},
    }


def test_a_cluster_with_ready_nodes_agents_and_dns_is_ready() -> None:
    objects = [node("a", status="True"), daemonset(ready=3), deployment("kube-dns", "True")]

    assert kind_problems.unready(objects, ["a"]) == []


def test_a_node_that_is_not_ready_is_named_with_condition_reason_and_time() -> None:
    held = node(
        "demo-worker",
        status="False",
        reason="KubeletNotReady",
        message="cni plugin not initialized",
        lastTransitionTime="2026-11-23T17:17:25Z",
    )

    assert kind_problems.unready([held], []) == [
        "node demo-worker is not Ready since 2026-11-23T17:17:25Z (KubeletNotReady: cni plugin not initialized)"
    ]


def test_a_node_that_has_not_joined_keeps_the_cluster_from_being_ready() -> None:
    assert kind_problems.unready([node("a", status="True")], ["a", "b"]) == ["node b has not joined the cluster"]


def test_a_node_that_has_reported_nothing_is_not_ready() -> None:
    silent = {"kind": "Node", "metadata": {"name": "demo-worker"}, "status": {}}

    assert kind_problems.unready([silent], []) == ["node demo-worker has not reported its state yet"]


def test_an_agent_that_is_missing_on_a_node_keeps_the_cluster_from_being_ready() -> None:
    assert kind_problems.unready([daemonset(ready=2)], []) == ["daemonset kube-system/agent has 2 of 3 pods ready"]


def test_a_daemonset_whose_status_is_older_than_its_specification_is_not_trusted() -> None:
    assert kind_problems.unready([daemonset(ready=3, observed=0)], []) == ["daemonset kube-system/agent is new"]


def test_dns_that_is_not_available_keeps_the_cluster_from_being_ready() -> None:
    assert len(kind_problems.unready([deployment("kube-dns", "False")], [])) == 1


def test_what_users_deployed_does_not_count() -> None:
    assert kind_problems.unready([daemonset(ready=0, host_network=False), deployment("shop", "False")], []) == []


def test_a_container_that_is_held_up_is_named_with_the_reason() -> None:
    pods = [
        {
            "metadata": {"namespace": "kube-system", "name": "agent-1"},
            "spec": {"nodeName": "demo-worker"},
            "status": {
                "initContainerStatuses": [{"state": {"terminated": {"reason": "Completed"}}}],
                "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}],
            },
        },
        {
            "metadata": {"namespace": "kube-system", "name": "agent-2"},
            "spec": {},
            "status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]},
        },
        {"metadata": {"namespace": "default", "name": "new"}, "spec": {}},
    ]

    assert kind_problems.held_up(pods) == ["pod kube-system/agent-1 on demo-worker: ErrImagePull: not found"]
