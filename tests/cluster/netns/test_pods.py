# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a pod is on its node."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from netns_cluster.runtime.messages import DEFAULT_CAPABILITIES

from .conftest import Cluster, eventually

PODS = "/api/v1/namespaces/default/pods"
ALL_BUT_NET_RAW = sorted(DEFAULT_CAPABILITIES - {"NET_RAW"})


def container_status(cluster: Cluster, name: str) -> Any:
    return cluster.pod(name)["status"]["containerStatuses"][0]


def test_a_running_pod_has_the_fields_of_a_real_ones_status(cluster: Cluster) -> None:
    status = cluster.run_pod("s", node="demo-worker")["status"]
    assert (status["phase"], status["hostIP"], status["qosClass"]) == ("Running", "172.18.0.4", "BestEffort")
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    assert {one["type"] for one in status["conditions"] if one["status"] == "True"} == {
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    }
    (container,) = status["containerStatuses"]
    assert (container["image"], container["imageID"]) == ("docker.io/library/busybox:1.36", "host-busybox")
    assert container["containerID"].startswith("netns://")


def test_a_pod_is_alone_with_its_processes_files_and_name(cluster: Cluster) -> None:
    cluster.run_pod("alone")
    script = "hostname; ls /; ps -o pid,args; cat /proc/1/cmdline; touch /tmp/x && echo writable; cat /etc/resolv.conf; ls /dev"
    text = cluster.kubectl("exec", "alone", "--", "sh", "-c", script)
    assert text.startswith("alone\nbin\ndev\netc\n")
    assert "1 sleep 3600" in text
    assert "netns_cluster" not in text
    assert "writable" in text
    assert "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10" in text
    assert f"{cluster.pod('alone')['status']['podIP']}\talone\n" in cluster.kubectl(
        "exec", "alone", "--", "cat", "/etc/hosts"
    )
    mounts = {line.split()[1] for line in cluster.kubectl("exec", "alone", "--", "cat", "/proc/mounts").splitlines()}
    assert {mount for mount in mounts if not mount.startswith(("/dev/", "/proc/"))} <= {"/", "/bin", "/proc", "/sys"}
    refused = cluster.try_kubectl("exec", "alone", "--", "sh", "-c", "echo x > /proc/sys/kernel/hostname")
    assert "Read-only file system" in refused.stderr


def test_a_command_has_its_output_once_so_that_what_lets_go_of_it_holds_up_nobody(cluster: Cluster) -> None:
    cluster.run_pod("open")
    pipes = re.findall(r"pipe:\S+", cluster.kubectl("exec", "open", "--", "ls", "-l", "/proc/self/fd"))
    assert len(pipes) == len(set(pipes)) >= 2


def test_a_pod_may_not_change_its_network_unless_it_gets_the_capability(cluster: Cluster) -> None:
    cluster.run_pod("plain")
    assert (
        "Operation not permitted" in cluster.try_kubectl("exec", "plain", "--", "ip", "route", "del", "default").stderr
    )
    cluster.run_pod("admin", container={"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}})
    cluster.kubectl("exec", "admin", "--", "ip", "route", "del", "default")
    assert "default" not in cluster.kubectl("exec", "admin", "--", "ip", "route")


def test_a_hardened_probe_keeps_only_what_ping_needs(cluster: Cluster) -> None:
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ALL_BUT_NET_RAW},
    }
    pod = cluster.run_pod("probe", container={"securityContext": security})
    status = cluster.kubectl("exec", "probe", "--", "grep", "-E", "CapEff|NoNewPrivs", "/proc/self/status").split()
    assert status == ["CapEff:", "0000000000002000", "NoNewPrivs:", "1"]
    assert "Read-only file system" in cluster.try_kubectl("exec", "probe", "--", "touch", "/x").stderr
    cluster.kubectl("exec", "probe", "--", "ping", "-c", "1", "-W", "1", pod["status"]["podIP"])


def test_a_pod_that_is_not_root_cannot_ping_but_listen(cluster: Cluster) -> None:
    cluster.create_pod(
        "user",
        securityContext={"runAsUser": 65534, "runAsNonRoot": True},
        container={"securityContext": {"capabilities": {"drop": ["ALL"]}}},
    )

    def tried() -> str:
        """What is told of the container, once it was started or could not be."""
        told = str(cluster.pod("user")["status"].get("containerStatuses"))
        return told if "'running'" in told or "'terminated'" in told else ""

    # Which of the two depends on who made the user namespace.
    if any(f"user: {why}" in eventually(tried) for why in ("Invalid argument", "Operation not permitted")):
        pytest.skip("in a user namespace there is one user")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/user", "--timeout=10s")
    assert cluster.kubectl("exec", "user", "--", "id", "-u").strip() == "65534"
    assert "are you root?" in cluster.try_kubectl("exec", "user", "--", "ping", "-c", "1", "127.0.0.1").stderr
    assert "default" in cluster.kubectl("exec", "user", "--", "ip", "route")


def test_variables_working_directory_and_arguments_are_as_written(cluster: Cluster) -> None:
    env = [
        {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "TEXT", "value": "I am $(ME)"},
    ]
    container = {"command": ["sh", "-c"], "args": ["pwd; echo $TEXT"], "env": env, "workingDir": "/some/where"}
    cluster.create_pod("env", container=container, restartPolicy="Never")
    eventually(lambda: cluster.pod("env")["status"]["phase"] == "Succeeded")
    assert cluster.kubectl("logs", "env") == f"/some/where\nI am {cluster.pod('env')['status']['podIP']}\n"


def test_containers_of_one_pod_share_network_and_volumes_but_not_processes(cluster: Cluster) -> None:
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/data"}]}
    one = {
        "name": "one",
        "image": "busybox:1",
        "command": ["sh", "-c", "echo hello > /data/x; nc -l -p 8080; sleep 3600"],
        **mount,
    }
    two = {"name": "two", "image": "busybox:1", "command": ["sleep", "3600"], **mount}
    pod = cluster.run_pod("pair", containers=[one, two], volumes=[{"name": "shared", "emptyDir": {}}])
    assert [status["ready"] for status in pod["status"]["containerStatuses"]] == [True, True]
    assert cluster.kubectl("exec", "pair", "-c", "two", "--", "cat", "/data/x") == "hello\n"
    assert ":1F90" in cluster.kubectl("exec", "pair", "-c", "two", "--", "cat", "/proc/net/tcp6").upper()
    assert "nc -l" not in cluster.kubectl("exec", "pair", "-c", "two", "--", "ps")
    refused = cluster.try_kubectl("logs", "pair", "-c", "three")
    assert "container three is not valid for pod pair" in refused.stderr


def test_a_failing_container_is_started_again_and_held_back(cluster: Cluster) -> None:
    cluster.create_pod("crash", "sh", "-c", "exit 3")
    cluster.kubectl(
        "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/crash", "--timeout=20s"
    )
    status = eventually(lambda: "waiting" in (one := container_status(cluster, "crash"))["state"] and one)
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert "back-off 10s restarting failed container=crash" in status["state"]["waiting"]["message"]
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert cluster.pod("crash")["status"]["phase"] == "Running"


@pytest.mark.parametrize(
    ("policy", "script", "phase", "restarts"),
    [
        ("Never", "exit 0", "Succeeded", 0),
        ("Never", "exit 3", "Failed", 0),
        ("OnFailure", "exit 0", "Succeeded", 0),
        ("OnFailure", "test -e /data/x || { touch /data/x; exit 1; }", "Succeeded", 1),
    ],
)
def test_the_restart_policy_decides_what_an_exit_means(
    cluster: Cluster, policy: str, script: str, phase: str, restarts: int
) -> None:
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/data"}]}
    cluster.create_pod(
        "once", "sh", "-c", script, restartPolicy=policy, volumes=[{"name": "v", "emptyDir": {}}], container=mount
    )
    eventually(lambda: cluster.pod("once")["status"]["phase"] == phase)
    assert container_status(cluster, "once")["restartCount"] == restarts


def test_a_pod_of_the_host_network_is_on_the_nodes_network(cluster: Cluster) -> None:
    pod = cluster.run_pod("host", node="demo-worker", hostNetwork=True)
    assert pod["status"]["podIP"] == pod["status"]["hostIP"] == "172.18.0.4"
    assert "blackhole 192.168.157.128/26" in cluster.kubectl("exec", "host", "--", "ip", "route")
    assert cluster.kubectl("exec", "host", "--", "hostname") == "demo-worker\n"


def test_a_pod_that_lives_too_long_is_ended(cluster: Cluster) -> None:
    cluster.create_pod("late", activeDeadlineSeconds=1)
    status = eventually(lambda: (found := cluster.pod("late")["status"])["phase"] == "Failed" and found)
    assert status["reason"] == "DeadlineExceeded"
    assert "cali" not in cluster.on_node(cluster.pod("late")["spec"]["nodeName"], "ip", "-o", "link")


def test_a_program_that_is_not_there_is_a_start_error(cluster: Cluster) -> None:
    cluster.create_pod("none", "nosuchprogram", restartPolicy="Never")
    status = eventually(lambda: (found := cluster.pod("none")["status"])["phase"] == "Failed" and found)
    terminated = status["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (128, "StartError")
    assert 'exec: "nosuchprogram": executable file not found in $PATH' in terminated["message"]


def test_a_killed_container_says_by_what(cluster: Cluster) -> None:
    cluster.create_pod("k", "sh", "-c", "sleep 3600 & kill -9 $!; wait $!", restartPolicy="Never")
    eventually(lambda: cluster.pod("k")["status"]["phase"] == "Failed")
    assert container_status(cluster, "k")["state"]["terminated"]["exitCode"] == 137


def test_a_new_pod_of_the_same_name_takes_over_from_one_killed_at_once(cluster: Cluster) -> None:
    for _unused in range(5):
        cluster.run_pod("again", node="demo-worker")
        cluster.request("DELETE", f"{PODS}/again?gracePeriodSeconds=0")
    first = cluster.run_pod("again", node="demo-worker")["status"]["podIP"]
    assert cluster.on_node("demo-worker", "ip", "route", "get", first).startswith(f"{first} dev cali")


def test_an_address_is_not_given_out_again_at_once(cluster: Cluster) -> None:
    addresses = []
    for _unused in range(4):
        addresses.append(cluster.run_pod("a", node="demo-worker2")["status"]["podIP"])
        cluster.kubectl("delete", "pod", "a")
    assert len(set(addresses)) == 4


def test_an_agent_that_is_deleted_comes_back(demo: Cluster) -> None:
    before = demo.agent("demo-worker2")
    demo.kubectl("delete", "pod", "-n", "kube-system", before, "--force")
    after = eventually(lambda: (name := demo.agent("demo-worker2")) != before and name)
    demo.kubectl("wait", "-n", "kube-system", "--for=condition=Ready", f"pod/{after}", "--timeout=20s")


def test_what_a_command_leaves_in_the_background_does_not_hold_it_up(cluster: Cluster) -> None:
    cluster.run_pod("bg")
    with cluster.start_kubectl(
        "exec", "bg", "--", "sh", "-c", "sleep 100 & echo done", stdout=subprocess.PIPE
    ) as command:
        assert command.communicate(timeout=10)[0] == "done\n"
