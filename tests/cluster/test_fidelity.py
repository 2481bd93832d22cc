"""The same facts, asserted word for word, of whichever cluster runs: a real one is the judge of what netns_cluster does.

What differs by nature is masked in fidelity_lab.py, or left out here and listed in netns_cluster/README.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import node_route_info
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from .conftest import ROOT, Live, Object
from .fidelity_lab import Answer, Lab, Said, pod_of, status

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")

RECORDED = ROOT / "tests" / "unit" / "netns_cluster" / "api" / "samples"
LABEL = "fidelity.podnet/alias"
ADDRESS = r"\d+\.\d+\.\d+\.\d+"
READY_CONDITIONS = [
    (kind, "True", None)
    for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
]
NOWHERE = (
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. "
    "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
)


@pytest.fixture(scope="module")
def lab(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Pods of all fates, made side by side; those that run are ready."""
    lab = Lab(live, tmp_path_factory.mktemp("home"))
    assert lab.kubectl("create", "namespace", lab.namespace) == (0, "namespace/fidelity created\n", "")
    try:
        lab.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": _pods(lab)})
        assert lab.kubectl("create", "-f", "-", stdin=manifest).code == 0
        ready = lab.kubectl(
            "wait",
            "--for=condition=Ready",
            *(f"pod/{name}" for name in ("bb1", "bb2", "bb3", "host", "two")),
            "--timeout=60s",
        )
        assert ready.code == 0, ready.errors
        yield lab
    finally:
        lab.kubectl("label", "node", lab.first, f"{LABEL}-")
        lab.kubectl("delete", "namespace", lab.namespace, "--wait=false")


def _pods(lab: Lab) -> list[Object]:
    sleep = ("sleep", "3600")
    two = pod_of("a", *sleep)["spec"]["containers"] + pod_of("b", *sleep)["spec"]["containers"]
    return [
        pod_of("badimage", image="nosuch.invalid/none:1"),
        pod_of("crash", "sh", "-c", "exit 3"),
        pod_of("bb1", *sleep, node=lab.first),
        pod_of("bb2", *sleep, node=lab.second),
        pod_of("bb3", *sleep, node=lab.first),
        pod_of("host", *sleep, node=lab.first, hostNetwork=True),
        {**pod_of("two", node=lab.second), "spec": {**pod_of("two", node=lab.second)["spec"], "containers": two}},
        pod_of("nosched", *sleep, nodeSelector={"alias": "nowhere"}),
        # Kubernetes reads both streams side by side: lines written at once may change places.
        pod_of("done", "sh", "-c", "echo one; sleep 1; echo two >&2", node=lab.second, restartPolicy="Never"),
        pod_of("failed", "sh", "-c", "exit 4", node=lab.second, restartPolicy="Never"),
        pod_of("noprogram", "nosuchprogram", node=lab.second, restartPolicy="Never"),
    ]


def _ended(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def _waits(reason: str) -> Callable[[Object], bool]:
    """Whether the first container waits for this reason."""

    def waits(pod: Object) -> bool:
        state = pod["status"].get("containerStatuses", [{}])[0].get("state", {})
        return bool(state.get("waiting", {}).get("reason") == reason)

    return waits


# --- what kubectl prints ---------------------------------------------------------------------------------------------


def test_the_nodes_are_listed_alike(lab: Lab) -> None:
    said = lab.kubectl("get", "nodes", "-o", "wide")
    header, *rows = said.output.splitlines()
    assert header == "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME"
    shapes = [re.sub(r"AGE v1\.\d+\.\S+ (.*) \S+ \w+://\S+$", r"AGE VERSION \1", row) for row in rows]
    assert [re.sub(r"(IP <none>) .*", r"\1 ...", shape) for shape in shapes] == [
        "control-plane Ready control-plane AGE VERSION IP <none> ...",
        "worker Ready <none> AGE VERSION IP <none> ...",
        "worker2 Ready <none> AGE VERSION IP <none> ...",
    ]


def test_pods_of_all_fates_are_listed_alike(lab: Lab) -> None:
    for name in ("done", "failed", "noprogram"):
        lab.pod_once(name, _ended)
    names = ("bb1", "bb2", "host", "two", "nosched", "done", "failed", "noprogram")
    assert lab.kubectl("get", "pods", *names, "-o", "wide") == (
        0,
        "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES\n"
        "bb1 1/1 Running 0 AGE IP worker <none> <none>\n"
        "bb2 1/1 Running 0 AGE IP worker2 <none> <none>\n"
        "host 1/1 Running 0 AGE IP worker <none> <none>\n"
        "two 2/2 Running 0 AGE IP worker2 <none> <none>\n"
        "nosched 0/1 Pending 0 AGE <none> <none> <none> <none>\n"
        "done 0/1 Completed 0 AGE IP worker2 <none> <none>\n"
        "failed 0/1 Error 0 AGE IP worker2 <none> <none>\n"
        "noprogram 0/1 StartError 0 AGE IP worker2 <none> <none>\n",
        "",
    )


def test_the_labs_way_to_a_pod_prints_the_same(lab: Lab) -> None:
    def label(*arguments: str) -> Said:
        return lab.kubectl("label", "node", *arguments)

    assert label(lab.first, f"{LABEL}=one", "--overwrite") == (0, "node/worker labeled\n", "")
    assert label(lab.first, f"{LABEL}=one", "--overwrite") == (0, "node/worker not labeled\n", "")
    refusal = f"error: '{LABEL}' already has a value (one), and --overwrite is false\n"
    assert label(lab.first, f"{LABEL}=two") == (1, "", refusal)
    assert label("nosuch", f"{LABEL}=two") == (1, "", 'Error from server (NotFound): nodes "nosuch" not found\n')

    overrides = json.dumps({"spec": {"nodeSelector": {LABEL: "one"}, "terminationGracePeriodSeconds": 0}})
    run = ("run", "typed", "--image=busybox", "--image-pull-policy=IfNotPresent", f"--overrides={overrides}")
    manifest = lab.kubectl_unmasked(*run, "--dry-run=client", "-o", "json", "--", "sleep", "3600")
    for outcome in ("created", "unchanged"):
        said = lab.kubectl("apply", "-f", "-", stdin=manifest.output)
        assert said == (0, f"pod/typed {outcome}\n", "")
    said = lab.kubectl("wait", "--for=condition=Ready", "pod/typed", "--timeout=60s")
    assert said == (0, "pod/typed condition met\n", "")
    template = ("-o", "go-template", "--template", "{{.spec.nodeName}} {{.status.podIP}}")
    assert lab.kubectl("get", "pod", "typed", *template) == (0, "worker IP", "")

    assert label(lab.first, f"{LABEL}-") == (0, "node/worker unlabeled\n", "")
    again = (0, f'label "{LABEL}" not found.\nnode/worker not labeled\n', "")
    assert label(lab.first, f"{LABEL}-") == again


def test_a_running_pod_is_described_alike(lab: Lab) -> None:
    said = lab.kubectl("describe", "pod", "two", "--show-events=false")
    container = (
        " Image: busybox\n Port: <none>\n Host Port: <none>\n Command:\n sleep\n 3600\n State: Running\n Started: TIME\n"
        " Ready: True\n Restart Count: 0\n Environment: <none>\n Mounts: <none>\n"
    )
    assert said.output == (
        "Name: two\nNamespace: fidelity\nPriority: 0\nService Account: default\nNode: worker2/IP\nStart Time: TIME\n"
        "Labels: run=two\nAnnotations: <none>\nStatus: Running\nIP: IP\nIPs:\n IP: IP\n"
        f"Containers:\n a:\n{container} b:\n{container}"
        "Conditions:\n Type Status\n PodReadyToStartContainers True\n Initialized True\n Ready True\n ContainersReady True\n"
        " PodScheduled True\nVolumes: <none>\nQoS Class: BestEffort\nNode-Selectors: <none>\n"
        "Tolerations: node.kubernetes.io/not-ready:NoExecute op=Exists for AGE\n"
        " node.kubernetes.io/unreachable:NoExecute op=Exists for AGE\n"
    )


def test_a_pod_that_fits_nowhere_is_described_alike(lab: Lab) -> None:
    lab.events("nosched", {("Warning", "FailedScheduling", NOWHERE, "default-scheduler")})
    assert lab.kubectl("describe", "pod", "nosched").output == (
        "Name: nosched\nNamespace: fidelity\nPriority: 0\nService Account: default\nNode: <none>\nLabels: run=nosched\n"
        "Annotations: <none>\nStatus: Pending\nIP:\nIPs: <none>\nContainers:\n nosched:\n Image: busybox\n Port: <none>\n"
        " Host Port: <none>\n Command:\n sleep\n 3600\n Environment: <none>\n Mounts: <none>\nConditions:\n Type Status\n"
        " PodScheduled False\nVolumes: <none>\nQoS Class: BestEffort\nNode-Selectors: alias=nowhere\n"
        "Tolerations: node.kubernetes.io/not-ready:NoExecute op=Exists for AGE\n"
        " node.kubernetes.io/unreachable:NoExecute op=Exists for AGE\n"
        "Events:\n Type Reason Age From Message\n ---- ------ ---- ---- -------\n"
        f" Warning FailedScheduling AGE default-scheduler {NOWHERE}\n"
    )


def _not_started(why: str) -> str:
    return (
        "error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec in "
        'container: failed to start exec "ID": OCI runtime exec failed: exec failed: unable to start container process: '
        f"exec: {why}: unknown\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bb1", "--", "sh", "-c", "echo out; echo err >&2"), Said(0, "out\n", "err\n")),
        (("bb1", "--", "sh", "-c", "exit 7"), Said(7, "", "command terminated with exit code 7\n")),
        (("bb1", "--", "sh", "-c", "kill -9 $$"), Said(137, "", "command terminated with exit code 137\n")),
        (
            ("bb1", "--", "nosuchprogram"),
            Said(1, "", _not_started('"nosuchprogram": executable file not found in $PATH')),
        ),
        (("bb1", "--", "/etc"), Said(1, "", _not_started('"/etc": permission denied'))),
        (
            ("bb1", "-c", "nope", "--", "ls"),
            Said(1, "", "error: container nope is not valid for pod bb1 out of: bb1\n"),
        ),
        (
            ("nosched", "--", "ls"),
            Said(1, "", "error: unable to upgrade connection: pod nosched does not have a host assigned\n"),
        ),
        (
            ("badimage", "--", "ls"),
            Said(
                1,
                "",
                'error: Internal error occurred: unable to upgrade connection: container not found ("badimage")\n',
            ),
        ),
        (("nosuch", "--", "ls"), Said(1, "", 'Error from server (NotFound): pods "nosuch" not found\n')),
        (("two", "--", "echo", "hi"), Said(0, "hi\n", 'Defaulted container "a" out of: a, b\n')),
    ],
)
def test_a_command_ends_and_fails_alike(lab: Lab, arguments: tuple[str, ...], said: Said) -> None:
    assert lab.kubectl("exec", *arguments) == said


def test_input_reaches_a_command_alike(lab: Lab) -> None:
    assert lab.kubectl("exec", "-i", "bb1", "--", "wc", "-l", stdin="one\ntwo\n") == (0, "2\n", "")


def test_a_command_in_a_pod_that_ended_is_refused_alike(lab: Lab) -> None:
    lab.pod_once("done", _ended)
    refusal = "error: cannot exec into a container in a completed pod; current phase is Succeeded\n"
    assert lab.kubectl("exec", "done", "--", "ls") == (1, "", refusal)


def test_logs_are_read_alike(lab: Lab) -> None:
    lab.pod_once("done", _ended)
    lab.pod_once("badimage", _waits("ErrImagePull"))
    expected = {
        ("done",): (0, "one\ntwo\n", ""),
        ("done", "--tail=1"): (0, "two\n", ""),
        ("nosched",): (0, "", ""),
        ("two",): (0, "", 'Defaulted container "a" out of: a, b\n'),
        ("bb1", "-c", "nope"): (1, "", "error: container nope is not valid for pod bb1 out of: bb1\n"),
        ("bb1", "--previous"): (
            1,
            "",
            'Error from server (BadRequest): previous terminated container "bb1" in pod "bb1" not found\n',
        ),
    }
    assert {arguments: tuple(lab.kubectl("logs", *arguments)) for arguments in expected} == expected
    refused = lab.kubectl("logs", "badimage")
    reason = "(image can't be pulled|trying and failing to pull image)"  # while it tries, and while it is held back
    start = r'Error from server \(BadRequest\): container "badimage" in pod "badimage" is waiting to start'
    assert re.fullmatch(f"{start}: {reason}\n", refused.errors)


def test_what_is_not_there_is_missed_alike(lab: Lab) -> None:
    missing = 'Error from server (NotFound): pods "nosuch" not found\n'
    assert lab.kubectl("get", "pod", "nosuch") == (1, "", missing)
    assert lab.kubectl("delete", "pod", "nosuch") == (1, "", missing)
    assert lab.kubectl("delete", "pod", "nosuch", "--ignore-not-found") == (0, "", "")
    assert lab.kubectl("wait", "--for=condition=Ready", "pod/nosuch", "--timeout=1s") == (1, "", missing)
    late = lab.kubectl("wait", "--for=condition=Ready", "pod/nosched", "--timeout=1s")
    assert late == (1, "", "error: timed out waiting for the condition on pods/nosched\n")


# --- a pod's life ----------------------------------------------------------------------------------------------------


def _milestone(change: Object) -> str:
    pod = change["object"]
    suffix = " deleting" if "deletionTimestamp" in pod["metadata"] else " ready" if _ready(pod) else ""
    return f"{change['type']} {pod['status']['phase']}{suffix}"


def test_a_pods_life_is_watched_alike_from_creation_to_graceful_deletion(lab: Lab) -> None:
    lab.request("POST", lab.pods, pod_of("life", "sleep", "3600"))
    lab.pod_once("life", _ready)
    deleted = lab.kubectl("delete", "pod", "life")
    assert (deleted.code, deleted.output.removesuffix(" from fidelity namespace\n")) == (0, 'pod "life" deleted')

    changes = []
    for change in lab.watch(lab.pods, fieldSelector="metadata.name=life", resourceVersion=lab.beginning):
        changes.append(change)
        if change["type"] == "DELETED":
            break
    assert [milestone for milestone, _group in groupby(map(_milestone, changes))] == [
        "ADDED Pending",
        "MODIFIED Pending",
        "MODIFIED Running ready",
        "MODIFIED Running deleting",
        "MODIFIED Failed deleting",
        "DELETED Failed deleting",
    ]
    first, last = changes[0]["object"], changes[-1]["object"]
    assert first["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert (first["metadata"]["generation"], last["metadata"]["generation"]) == (1, 2)
    assert last["metadata"]["deletionGracePeriodSeconds"] == 0
    terminated = last["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (137, "Error")
    assert _conditions(last) == [
        ("PodReadyToStartContainers", "False", None),
        ("Initialized", "True", None),
        ("Ready", "False", "PodFailed"),
        ("ContainersReady", "False", "PodFailed"),
        ("PodScheduled", "True", None),
    ]
    told = {
        (
            "Normal",
            "Scheduled",
            f"Successfully assigned fidelity/life to {lab.masked(last['spec']['nodeName'])}",
            "default-scheduler",
        ),
        ("Normal", "Pulled", "", "kubelet"),
        ("Normal", "Created", "Created container: life", "kubelet"),
        ("Normal", "Started", "Started container life", "kubelet"),
        ("Normal", "Killing", "Stopping container life", "kubelet"),
    }
    assert lab.events("life", told) == told


def _conditions(pod: Object) -> list[tuple[str, str, str | None]]:
    return [(one["type"], one["status"], one.get("reason")) for one in pod["status"]["conditions"]]


def test_the_name_of_a_pod_that_is_going_is_refused_alike(lab: Lab) -> None:
    leaving = pod_of("leaving", "sleep", "3600", terminationGracePeriodSeconds=60)
    lab.request("POST", lab.pods, leaving)
    lab.pod_once("leaving", _ready)
    assert lab.kubectl("delete", "pod", "leaving", "--wait=false").code == 0
    message = 'object is being deleted: pods "leaving" already exists'
    conflict = status(409, "AlreadyExists", message, {"name": "leaving", "kind": "pods"})
    assert lab.request("POST", lab.pods, leaving) == (409, conflict)
    row = lab.kubectl("get", "pod", "leaving", "--no-headers").output
    assert row == "leaving 1/1 Terminating 0 AGE\n"
    lab.kubectl("delete", "pod", "leaving", "--grace-period=0", "--force")
    assert lab.request("GET", f"{lab.pods}/leaving").status == 404


def test_a_streaming_list_ends_with_the_same_bookmark(lab: Lab) -> None:
    changes = []
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    for change in lab.watch(lab.pods, fieldSelector="metadata.name=bb1", **query):
        changes.append(change)
        if change["type"] == "BOOKMARK":
            break
    assert [change["type"] for change in changes] == ["ADDED", "BOOKMARK"]
    bookmark = changes[-1]["object"]
    assert bookmark["metadata"].pop("resourceVersion").isdigit()
    assert bookmark == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"annotations": {"k8s.io/initial-events-end": "true"}},
        "spec": {"containers": None},
        "status": {},
    }


def test_a_pod_that_cannot_be_scheduled_says_why_alike(lab: Lab) -> None:
    told = {("Warning", "FailedScheduling", NOWHERE, "default-scheduler")}
    assert lab.events("nosched", told) == told
    state = lab.pod("nosched")["status"]
    (condition,) = state["conditions"]
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", NOWHERE)
    assert condition["observedGeneration"] == 1
    assert {key: state[key] for key in state if key != "conditions"} == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_pod_whose_image_is_not_there_says_so_alike(lab: Lab) -> None:
    pod = lab.pod_once("badimage", _waits("ImagePullBackOff"))
    image = "nosuch.invalid/none:1"
    told = {
        (
            "Normal",
            "Scheduled",
            f"Successfully assigned fidelity/badimage to {lab.masked(pod['spec']['nodeName'])}",
            "default-scheduler",
        ),
        ("Normal", "Pulling", f'Pulling image "{image}"', "kubelet"),
        ("Warning", "Failed", f'Failed to pull image "{image}"', "kubelet"),
        ("Warning", "Failed", "Error: ErrImagePull", "kubelet"),
        ("Normal", "BackOff", f'Back-off pulling image "{image}"', "kubelet"),
        ("Warning", "Failed", "Error: ImagePullBackOff", "kubelet"),
    }
    assert lab.events("badimage", told) == told
    (container,) = pod["status"]["containerStatuses"]
    assert container["state"]["waiting"].pop("message").startswith(f'Back-off pulling image "{image}": ErrImagePull: ')
    assert container == {
        "name": "badimage",
        "image": image,
        "imageID": "",
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "started": False,
        "state": {"waiting": {"reason": "ImagePullBackOff"}},
    }


def test_a_container_that_crashes_is_held_back_alike(lab: Lab) -> None:
    pod = lab.pod_once("crash", _waits("CrashLoopBackOff"))
    (container,) = pod["status"]["containerStatuses"]
    last = container["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert container["restartCount"] >= 1
    assert (container["ready"], container["started"], pod["status"]["phase"]) == (False, False, "Running")
    unready = [("Ready", "False", "ContainersNotReady"), ("ContainersReady", "False", "ContainersNotReady")]
    assert _conditions(pod) == [*READY_CONDITIONS[:2], *unready, READY_CONDITIONS[4]]
    told = {
        (
            "Normal",
            "Scheduled",
            f"Successfully assigned fidelity/crash to {lab.masked(pod['spec']['nodeName'])}",
            "default-scheduler",
        ),
        ("Normal", "Pulled", "", "kubelet"),
        ("Normal", "Created", "Created container: crash", "kubelet"),
        ("Normal", "Started", "Started container crash", "kubelet"),
        ("Warning", "BackOff", "Back-off restarting failed container crash in pod crash_fidelity(UID)", "kubelet"),
    }
    assert lab.events("crash", told) == told


def test_a_program_that_is_not_there_is_a_start_error_alike(lab: Lab) -> None:
    terminated = lab.pod_once("noprogram", _ended)["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (128, "StartError")
    assert terminated["startedAt"] == "1970-01-01T00:00:00Z"
    assert 'exec: "nosuchprogram": executable file not found in $PATH' in terminated["message"]


# --- error bodies ----------------------------------------------------------------------------------------------------


def _recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def _merge(lab: Lab, path: str, body: Any, media: str = "application/merge-patch+json") -> Answer:
    return lab.request("PATCH", path, body, media)


def test_bodies_that_are_no_pod_are_refused_as_recorded(lab: Lab) -> None:
    refused = {
        "400_bad_json": b"{nope",
        "422_bad_name": {"metadata": {"name": "Bad_Name"}, "spec": {"containers": [{"name": "a", "image": "busybox"}]}},
        "422_no_containers": {"metadata": {"name": "x"}, "spec": {"containers": []}},
        "409_pod_exists": pod_of("bb1"),
    }
    answers = {name: lab.request("POST", lab.pods, body) for name, body in refused.items()}
    assert {name: answer.body for name, answer in answers.items()} == {name: _recorded(name) for name in refused}
    assert [answer.status for answer in answers.values()] == [400, 422, 422, 409]


def test_paths_and_media_types_that_are_wrong_are_refused_as_recorded(lab: Lab) -> None:
    answer = lab.request("POST", "/api/v1/namespaces/nope/pods", pod_of("x"))
    assert answer == (404, _recorded("404_namespace"))
    details = {"name": "nosuch", "kind": "pods"}
    missing = status(404, "NotFound", 'pods "nosuch" not found', details)
    assert lab.request("GET", f"{lab.pods}/nosuch") == (404, missing)
    assert lab.request("DELETE", f"{lab.pods}/nosuch") == (404, missing)
    assert _merge(lab, f"/api/v1/nodes/{lab.first}", b"x", "text/plain") == (415, _recorded("415_patch_type"))


def test_a_stranger_and_a_forbidden_deletion_are_refused_alike(lab: Lab) -> None:
    assert lab.request_as("wrong", lab.pods) == (401, _recorded("401"))
    message = 'namespaces "kube-system" is forbidden: this namespace may not be deleted'
    refused = status(403, "Forbidden", message, {"name": "kube-system", "kind": "namespaces"})
    assert lab.request("DELETE", "/api/v1/namespaces/kube-system") == (403, refused)


def test_a_bad_label_is_refused_as_recorded(lab: Lab) -> None:
    patch = {"metadata": {"labels": {"x": "no spaces allowed"}}}
    code, body = _merge(lab, f"/api/v1/nodes/{lab.first}", patch)
    expected = json.loads(json.dumps(_recorded("422_bad_label")).replace("demo-worker", lab.first))
    for one in (body, expected):  # a real API server names the cause four times
        one["details"]["causes"] = [cause for cause, _group in groupby(one["details"]["causes"])]
    assert (code, body) == (422, expected)


def test_what_cannot_be_changed_is_refused_as_recorded(lab: Lab) -> None:
    code, body = _merge(lab, f"{lab.pods}/bb1", {"spec": {"nodeName": lab.second}})
    expected = _recorded("422_immutable")
    for one in (body, expected):  # what follows shows the difference, in lines of Go's structures
        for texts in (one, *one["details"]["causes"]):
            texts["message"] = texts["message"].partition("\n")[0]
    assert (code, body) == (422, expected)


def test_a_version_that_somebody_else_has_changed_is_refused_alike(lab: Lab) -> None:
    pod = lab.pod("bb1")
    pod["metadata"]["resourceVersion"] = "1"
    message = (
        'Operation cannot be fulfilled on pods "bb1": the object has been modified; please apply your changes to the latest '
        "version and try again"
    )
    conflict = status(409, "Conflict", message, {"name": "bb1", "kind": "pods"})
    assert lab.request("PUT", f"{lab.pods}/bb1", pod) == (409, conflict)


def test_commands_that_cannot_run_are_refused_as_recorded(lab: Lab) -> None:
    def execute(query: str) -> Any:
        return lab.request("GET", f"{lab.pods}/{query}")

    assert execute("bb1/exec?command=ls&container=nope&stdout=1") == (400, _recorded("exec_missing_container"))
    pending = status(400, "BadRequest", "pod nosched does not have a host assigned")
    assert execute("nosched/exec?command=ls&stdout=1") == (400, pending)


# --- tables ----------------------------------------------------------------------------------------------------------

COLUMNS = {
    "pods": ["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"],
    "nodes": [
        *("Name", "Status", "Roles", "Age", "Version"),
        *("Internal-IP*", "External-IP*", "OS-Image*", "Kernel-Version*", "Container-Runtime*"),
    ],
    "namespaces": ["Name", "Status", "Age"],
    "services": ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"],
    "events": [
        *(
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "Subobject*",
            "Source*",
            "Message",
            "First Seen*",
            "Count*",
            "Name*",
        ),
    ],
}


@pytest.mark.parametrize("resource", COLUMNS)
def test_a_table_has_the_same_columns(lab: Lab, resource: str) -> None:
    place = "" if resource in ("nodes", "namespaces") else "/namespaces/default" if resource == "services" else None
    path = f"/api/v1{f'/namespaces/{lab.namespace}' if place is None else place}/{resource}?limit=1"
    table = lab.request("GET", path, accept="application/json;as=Table;v=v1;g=meta.k8s.io").body
    columns = table["columnDefinitions"]
    assert [column["name"] + "*" * column["priority"] for column in columns] == COLUMNS[resource]
    formats = {(column["name"], column["type"], column["format"]) for column in columns}
    assert formats == {
        (name.rstrip("*"), "string", "name" if name.startswith("Name") else "") for name in COLUMNS[resource]
    }
    (row,) = table["rows"]
    assert [type(cell) for cell in row["cells"]] == [int if name == "Count*" else str for name in COLUMNS[resource]]
    assert (row["object"]["kind"], table["kind"]) == ("PartialObjectMetadata", "Table")


# --- what the Python client sees -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api(lab: Lab) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(lab.live.kubeconfig)))


def test_the_python_client_sees_the_same_pod(lab: Lab, api: client.CoreV1Api) -> None:
    seen = api.api_client.sanitize_for_serialization(api.read_namespaced_pod("bb2", lab.namespace))
    text = lab.masked(json.dumps(seen))
    pod = json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)", "TIME", text))
    metadata, spec, state = pod["metadata"], pod["spec"], pod["status"]
    metadata.pop("managedFields", None)
    assert metadata.pop("resourceVersion").isdigit()
    assert metadata == {
        "name": "bb2",
        "namespace": "fidelity",
        "uid": "UID",
        "generation": 1,
        "creationTimestamp": "TIME",
        "labels": {"run": "bb2"},
    }
    tolerated = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    assert spec == {
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "bb2",
                "image": "busybox",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "3600"],
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "nodeName": "worker2",
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccount": "default",
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 1,
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", **tolerated},
            {"key": "node.kubernetes.io/unreachable", **tolerated},
        ],
    }
    (container,) = state.pop("containerStatuses")
    assert container.pop("imageID")
    assert container.pop("containerID").endswith("://ID")
    assert container == {
        "name": "bb2",
        "image": "docker.io/library/busybox:latest",
        "lastState": {},
        "ready": True,
        "resources": {},
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": "TIME"}},
    }
    conditions = [{key: one[key] for key in one if key != "lastProbeTime"} for one in state.pop("conditions")]
    assert conditions == [
        {"type": kind, "status": "True", "lastTransitionTime": "TIME", "observedGeneration": 1}
        for kind, _status, _reason in READY_CONDITIONS
    ]
    assert state == {
        "phase": "Running",
        "hostIP": "IP",
        "hostIPs": [{"ip": "IP"}],
        "observedGeneration": 1,
        "podIP": "IP",
        "podIPs": [{"ip": "IP"}],
        "qosClass": "BestEffort",
        "startTime": "TIME",
    }


def test_the_python_client_sees_the_same_nodes(lab: Lab, api: client.CoreV1Api) -> None:
    nodes = {lab.masked(node.metadata.name): node for node in api.list_node().items}
    assert list(nodes) == ["control-plane", "worker", "worker2"]
    for name, node in nodes.items():
        seen = api.api_client.sanitize_for_serialization(node)
        labels, state = seen["metadata"]["labels"], seen["status"]
        architecture = state["nodeInfo"]["architecture"]
        role = {
            "node-role.kubernetes.io/control-plane": "",
            "node.kubernetes.io/exclude-from-external-load-balancers": "",
        }
        assert {key: labels[key] for key in labels if "kubernetes.io/" in key} == {
            "beta.kubernetes.io/arch": architecture,
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture,
            "kubernetes.io/hostname": node.metadata.name,
            "kubernetes.io/os": "linux",
            **(role if name == "control-plane" else {}),
        }
        taints = [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]
        assert seen["spec"].get("taints") == (taints if name == "control-plane" else None)
        assert [one["type"] for one in state["addresses"]] == ["InternalIP", "Hostname"]
        assert [(one["type"], one["status"], one["reason"], one["message"]) for one in state["conditions"]] == [
            ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]
        assert {"cpu", "memory", "pods"} <= state["capacity"].keys() & state["allocatable"].keys()
        assert state["capacity"]["pods"] == "110"
        assert set(state["nodeInfo"]) == {
            *(
                "architecture",
                "bootID",
                "containerRuntimeVersion",
                "kernelVersion",
                "kubeProxyVersion",
                "kubeletVersion",
            ),
            *("machineID", "operatingSystem", "osImage", "systemUUID"),
        }


def test_the_python_client_runs_commands_and_raises_alike(lab: Lab, api: client.CoreV1Api) -> None:
    command = ["sh", "-c", "echo out; echo err >&2; exit 4"]
    session = stream(
        client.CoreV1Api(config.new_client_from_config(str(lab.live.kubeconfig))).connect_get_namespaced_pod_exec,
        "bb1",
        lab.namespace,
        command=command,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    session.run_forever(timeout=20)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 4)
    with pytest.raises(ApiException) as caught:
        api.read_namespaced_pod("nosuch", lab.namespace)
    assert (caught.value.status, caught.value.reason) == (404, "Not Found")


# --- the network -----------------------------------------------------------------------------------------------------


def _ping(lab: Lab, pod: str, target: str) -> str:
    said = lab.kubectl("exec", pod, "--", "ping", "-c", "1", target)
    assert said.code == 0, said
    return said.output


@pytest.mark.parametrize(
    ("pod", "target", "ttl"), [("bb1", "bb2", 62), ("bb1", "bb3", 63), ("host", "bb2", 63), ("host", "bb1", 64)]
)
def test_a_ping_comes_back_with_the_same_ttl(lab: Lab, pod: str, target: str, ttl: int) -> None:
    assert _ping(lab, pod, lab.pod(target)["status"]["podIP"]) == (
        f"PING IP (IP): 56 data bytes\n64 bytes from IP: seq=0 ttl={ttl} time=MS ms\n\n--- IP ping statistics ---\n"
        "1 packets transmitted, 1 packets received, 0% packet loss\nround-trip min/avg/max = MS/MS/MS ms\n"
    )


def test_a_traceroute_takes_the_same_hops(lab: Lab) -> None:
    target = lab.pod("bb2")["status"]["podIP"]
    _ping(lab, "bb1", target)  # so that no hop is late for having to find its neighbour first
    said = lab.kubectl_unmasked("exec", "bb1", "--", "traceroute", "-n", "-q", "1", target)
    first, *hops = said.output.splitlines()
    assert lab.masked(first) == "traceroute to IP (IP), 30 hops max, 46 byte packets"
    assert [hop.split()[:2] for hop in hops] == [
        ["1", lab.node_address(lab.first)],
        ["2", lab.node_address(lab.second)],
        ["3", target],
    ]


def test_the_nodes_tables_have_the_lines_of_the_labs_document(lab: Lab) -> None:
    result = lab.live.run(node_route_info.OPERATION)
    assert not result.get("failed"), result
    tables = {node["name"]: [route["raw"].strip() for route in node["routes"]] for node in result["nodes"]}
    addresses = {name: lab.node_address(name) for name in tables}
    blocks = {name: _find(rf"blackhole ({ADDRESS}/26) proto 80", table) for name, table in tables.items()}
    for name, table in tables.items():
        gateway = _find(rf"default via ({ADDRESS}) dev eth0", table)
        network = _find(rf"({ADDRESS}/\d+) dev eth0 proto kernel scope link src {re.escape(addresses[name])}", table)
        expected = {
            f"default via {gateway} dev eth0",
            f"{network} dev eth0 proto kernel scope link src {addresses[name]}",
            f"blackhole {blocks[name]} proto 80",
            *(f"{blocks[other]} via {addresses[other]} dev eth0 proto 80 onlink" for other in tables if other != name),
        }
        pods = [line for line in table if re.fullmatch(rf"{ADDRESS} dev cali[0-9a-f]{{11}} scope link", line)]
        assert set(table) == expected | set(pods)
        on_it = {"worker": ("bb1", "bb3"), "worker2": ("bb2", "two")}.get(lab.masked(name), ())
        assert {_pod_line(lab, pod) for pod in on_it} <= set(pods)


def _find(pattern: str, table: list[str]) -> str:
    """What the one line of a table that has this shape tells."""
    (found,) = [match[1] for line in table if (match := re.fullmatch(pattern, line))]
    return found


def _pod_line(lab: Lab, pod: str) -> str:
    interface = "cali" + hashlib.sha1(f"{lab.namespace}.{pod}".encode(), usedforsecurity=False).hexdigest()[:11]
    return f"{lab.pod(pod)['status']['podIP']} dev {interface} scope link"
