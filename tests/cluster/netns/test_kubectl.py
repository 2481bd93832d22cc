# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of kubectl that people type, and what they print."""

from __future__ import annotations

import os
import pty
import subprocess
import time

import pytest

from .conftest import Cluster, eventually


def test_the_nodes_are_those_of_the_lab_and_say_what_they_are(demo: Cluster) -> None:
    lines = demo.kubectl("get", "nodes", "-o", "wide").splitlines()
    rows = [line.split() for line in lines]
    assert [row[0] for row in rows[1:]] == ["demo-control-plane", "demo-worker", "demo-worker2"]
    assert [row[2] for row in rows[1:]] == ["control-plane", "<none>", "<none>"]
    assert [row[4:6] for row in rows[1:]] == [["v1.34.0+netns", f"172.18.0.{number}"] for number in (3, 4, 2)]
    assert all("network namespace" in line for line in lines[1:])


def test_a_label_is_set_kept_overwritten_and_removed(demo: Cluster) -> None:
    assert demo.kubectl("label", "node", "demo-worker", "color=red") == "node/demo-worker labeled\n"
    refused = demo.try_kubectl("label", "node", "demo-worker", "color=blue")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: 'color' already has a value (red), and --overwrite is false\n",
    )
    assert demo.kubectl("label", "node", "demo-worker", "color=blue", "--overwrite") == "node/demo-worker labeled\n"
    assert demo.kubectl("label", "node", "demo-worker", "color-") == "node/demo-worker unlabeled\n"
    unknown = demo.try_kubectl("label", "node", "nosuch", "color=red")
    assert unknown.stderr == 'Error from server (NotFound): nodes "nosuch" not found\n'


def test_a_pod_that_fits_nowhere_is_described_with_the_reason(cluster: Cluster) -> None:
    cluster.create_pod("nosched", nodeSelector={"alias": "nowhere"})
    text = eventually(lambda: "FailedScheduling" in (found := cluster.kubectl("describe", "pod", "nosched")) and found)
    assert (
        "default-scheduler  0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match" in text
    )
    refused = cluster.try_kubectl("exec", "nosched", "--", "ls")
    assert "pod nosched does not have a host assigned" in refused.stderr


def test_a_pod_waits_until_a_node_gets_its_label(cluster: Cluster) -> None:
    cluster.create_pod("late", nodeSelector={"late": "yes"})
    cluster.kubectl("label", "node", "demo-worker2", "late=yes")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=20s")
    cluster.kubectl("label", "node", "demo-worker2", "late-")
    assert cluster.pod("late")["spec"]["nodeName"] == "demo-worker2"


def test_an_image_that_cannot_be_run_is_described_with_what_can(cluster: Cluster) -> None:
    cluster.create_pod("badimage", container={"image": "nosuch.invalid/none:1"})
    text = eventually(lambda: "ErrImagePull" in (found := cluster.kubectl("describe", "pod", "badimage")) and found)
    assert "it runs busybox, of any registry, tag or digest" in text
    assert eventually(lambda: "ImagePullBackOff" in cluster.kubectl("get", "pod", "badimage"))
    refused = cluster.try_kubectl("logs", "badimage")
    assert 'container "badimage" in pod "badimage" is waiting to start' in refused.stderr


def test_a_watch_shows_a_pods_way_from_pending_to_completed(cluster: Cluster) -> None:
    cluster.create_pod("before", nodeSelector={"no": "where"})
    with cluster.start_kubectl("get", "pods", "-w", "--no-headers", stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        watch.stdout.readline()  # the pod that is there: from now on the watch sees everything
        cluster.create_pod("short", "true", restartPolicy="Never")
        states = []
        while "Completed" not in states:
            name, _unused, state, *_unused = watch.stdout.readline().split()
            states += [state] if name == "short" else []
        watch.kill()
    assert states[0] == "Pending"
    assert "ContainerCreating" in states


def test_output_errors_and_exit_codes_of_commands_come_through(cluster: Cluster) -> None:
    cluster.run_pod("e")
    assert cluster.kubectl("exec", "e", "--", "echo", "hello") == "hello\n"
    failed = cluster.try_kubectl("exec", "e", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (failed.returncode, failed.stdout) == (7, "out\n")
    assert failed.stderr == "err\ncommand terminated with exit code 7\n"


def test_a_command_that_is_not_there_is_told_as_on_a_real_node(cluster: Cluster) -> None:
    cluster.run_pod("e")
    failed = cluster.try_kubectl("exec", "e", "--", "nosuchprogram")
    assert failed.returncode == 1
    assert (
        'unable to start container process: exec: "nosuchprogram": executable file not found in $PATH: unknown'
        in failed.stderr
    )


def test_input_reaches_a_command_and_its_end_too(cluster: Cluster) -> None:
    cluster.run_pod("e")
    text = "".join(f"line {number}\n" for number in range(20000))
    assert cluster.try_kubectl("exec", "-i", "e", "--", "cat", stdin=text).stdout == text
    assert cluster.try_kubectl("exec", "-i", "e", "--", "wc", "-l", stdin=text).stdout.strip() == "20000"


def test_a_terminal_is_a_terminal(cluster: Cluster) -> None:
    cluster.run_pod("e")
    ours, theirs = pty.openpty()
    with cluster.start_kubectl("exec", "-it", "e", "--", "sh", stdin=theirs, stdout=theirs, stderr=theirs) as shell:
        os.close(theirs)
        os.write(ours, b"test -t 0 && echo terminal-$((40+2)); stty size; exit 3\n")
        output = b""
        while b"terminal-42" not in output:
            output += os.read(ours, 1024)
        assert shell.wait(timeout=20) == 3
    os.close(ours)


def test_a_log_is_read_followed_and_kept_over_a_restart(cluster: Cluster) -> None:
    cluster.create_pod("l", "sh", "-c", "echo one; sleep 0.3; echo two; exit 1", restartPolicy="OnFailure")
    eventually(lambda: cluster.try_kubectl("logs", "l").stdout.startswith("one"))
    assert cluster.kubectl("logs", "-f", "l") == "one\ntwo\n"
    eventually(lambda: cluster.pod("l")["status"]["containerStatuses"][0]["restartCount"])
    assert cluster.kubectl("logs", "l", "--previous") == "one\ntwo\n"
    assert cluster.kubectl("logs", "l", "--previous", "--tail=1") == "two\n"


def test_deletion_waits_for_the_pods_end(cluster: Cluster) -> None:
    for name in ("polite", "stubborn"):
        command = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done") if name == "polite" else ()
        cluster.run_pod(name, *command, terminationGracePeriodSeconds=20)
    begin = time.monotonic()
    assert cluster.kubectl("delete", "pod", "polite") == 'pod "polite" deleted from default namespace\n'
    assert time.monotonic() - begin < 10
    cluster.kubectl("delete", "pod", "stubborn", "--wait=false")
    assert "Terminating" in cluster.kubectl("get", "pod", "stubborn")
    cluster.kubectl("delete", "pod", "stubborn", "--grace-period=0", "--force")
    assert 'pods "stubborn" not found' in cluster.try_kubectl("get", "pod", "stubborn").stderr
    assert time.monotonic() - begin < 15


def test_waiting_for_a_deletion_and_for_a_phase_ends_in_time(cluster: Cluster) -> None:
    cluster.run_pod("w")
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Running", "pod/w", "--timeout=10s")
    with cluster.start_kubectl("wait", "--for=delete", "pod/w", "--timeout=20s", stdout=subprocess.PIPE) as waiting:
        cluster.kubectl("delete", "pod", "w")
        assert waiting.wait(timeout=20) == 0


def test_a_namespace_is_created_used_and_deleted_with_what_is_in_it(demo: Cluster) -> None:
    assert demo.kubectl("create", "namespace", "team") == "namespace/team created\n"
    demo.run_pod("x", namespace="team")
    assert demo.get("/api/v1/namespaces/team/serviceaccounts")["items"][0]["metadata"]["name"] == "default"
    demo.kubectl("delete", "namespace", "team", "--timeout=20s")
    assert 'namespaces "team" not found' in demo.try_kubectl("get", "namespace", "team").stderr
    assert demo.get("/api/v1/namespaces/team/events")["items"] == []


def test_a_cordoned_node_gets_no_pods(cluster: Cluster) -> None:
    cluster.kubectl("cordon", "demo-worker")
    assert "SchedulingDisabled" in cluster.kubectl("get", "node", "demo-worker")
    nodes = {cluster.run_pod(name)["spec"]["nodeName"] for name in "ab"}
    cluster.kubectl("uncordon", "demo-worker")
    assert nodes == {"demo-worker2"}


def test_a_manifest_with_a_typing_error_is_refused(demo: Cluster) -> None:
    manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: t}\nspec: {containers: [{name: a, image: busybox, comand: [ls]}]}\n"
    refused = demo.try_kubectl("apply", "-f", "-", stdin=manifest)
    assert refused.returncode == 1
    assert 'strict decoding error: unknown field "spec.containers[0].comand"' in refused.stderr
    number = manifest.replace("comand: [ls]", "args: [sleep, 3600]")
    refused = demo.try_kubectl("apply", "-f", "-", stdin=number)
    assert (
        "cannot unmarshal number into Go struct field Container.spec.containers.args of type string" in refused.stderr
    )


def test_a_dry_run_of_the_server_creates_nothing(demo: Cluster) -> None:
    assert demo.kubectl("run", "dry", "--image=busybox", "--dry-run=server", "-o", "name") == "pod/dry\n"
    assert demo.try_kubectl("get", "pod", "dry").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("api-resources",), "networkpolicies"),
        (("cluster-info",), "Kubernetes control plane"),
        (("version",), "Server Version: v1.34.0+netns"),
        (("get", "services", "-A"), "10.96.0.10"),
        (("get", "namespaces"), "kube-node-lease"),
        (("get", "pods", "-A", "-o", "wide"), "netns-node-"),
        (("describe", "node", "demo-worker"), "netns-node-"),
        (("describe", "namespace", "default"), "Active"),
        (("get", "nodes", "-o", "yaml"), "kind: Node"),
        (("get", "node", "demo-worker", "-o", "jsonpath={.status.addresses[0].address}"), "172.18.0.4"),
        (("get", "events", "-A"), "Started container netns-node"),
        (("events", "-A"), "Started container netns-node"),
    ],
)
def test_other_commands_answer(demo: Cluster, arguments: tuple[str, ...], text: str) -> None:
    assert text in demo.kubectl(*arguments)


def test_a_resource_that_is_not_served_is_said_to_be_unknown(demo: Cluster) -> None:
    assert "the server doesn't have a resource type" in demo.try_kubectl("get", "deployments").stderr
