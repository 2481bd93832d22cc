# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a kind cluster does not come up, and what to do: pure functions over what docker, kind, kubelet and the API printed.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A known problem: a stable kebab-case ``cause``, ``what`` is wrong, and the ``next_step``."""

    cause: str
    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.what}: {self.next_step}"


def _pattern(cause: str, regex: str, what: str, next_step: str) -> tuple[re.Pattern[str], Problem]:
    return re.compile(regex, re.IGNORECASE | re.DOTALL), Problem(cause, what, next_step)


# The first that matches wins: a failure's root stands before the failures that follow from it. Named groups of the
# pattern go into the sentences. Both wordings of the engine are from its own client: before 28.4, and since.
_KNOWN = (
    _pattern(
        "engine-forbidden",
        r"permission denied while trying to connect to the docker (?:daemon socket|api) at (?P<socket>[^\s;:]+:[^\s;:]+)",
        "this user has no right to the Docker engine's socket, {socket}",
        "add the user to the group that owns the socket (usually `sudo usermod -aG docker USER`) and log in again, "
        "or run the task with become",
    ),
    _pattern(
        "engine-not-running",
        r"(?:cannot connect to the docker daemon at|failed to connect to the docker api at) (?P<socket>[^\s;]+?)\.?[\s;]",
        "no Docker engine answers at {socket}",
        "start it (`sudo systemctl start docker`, or Docker Desktop), or set DOCKER_HOST to the engine that runs",
    ),
    _pattern(
        "engine-not-running",
        r"error during connect: (?P<reason>[^\n]+)",
        "the Docker engine cannot be reached ({reason})",
        "check DOCKER_HOST and `docker context ls`",
    ),
    _pattern(
        "inotify-limits",
        r"(?:inotify|fsnotify|manager object|directory watch)[^\n]*too many open files",
        "the nodes use up this machine's inotify instances (`too many open files`)",
        "raise the limits on the host, `sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288`, "
        "or remove other clusters",
    ),
    _pattern(
        "cgroup-v1",
        r"configured to not run on a host using cgroup v1|ERROR SystemVerification\]: cgroups v1 support",
        "this machine uses cgroup v1, and the node image's Kubernetes refuses it (it does from 1.35 on)",
        "boot the machine with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or take a node_image of Kubernetes 1.34",
    ),
    _pattern(
        "cgroup-v1",
        r"rootless provider requires cgroup v2",
        "this machine uses cgroup v1, on which a rootless engine cannot run kind's nodes",
        "boot the machine with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or use an engine that runs as root",
    ),
    _pattern(
        "disk-full",
        r"no space left on device",
        "the disk is full (`no space left on device`)",
        "make room where the engine keeps its data, for example with `docker system prune`",
    ),
    _pattern(
        "image-incomplete",
        r"content digest (?P<digest>sha256:[0-9a-f]+): not found",
        "an image to load refers to parts for other platforms that the engine does not hold ({digest}), "
        "as happens with Docker's containerd image store",
        "pull it for one platform (`docker pull --platform linux/amd64 IMAGE`), or switch that store off",
    ),
    _pattern(
        "image-not-pulled",
        r'failed to pull image "(?P<image>[^"]+)"(?:.*Error response from daemon: (?P<reason>[^\n]+))?',
        "the node image {image} cannot be pulled ({reason})",
        "check its name and the way to its registry (`docker pull {image}`), or take one that `docker images` shows",
    ),
    _pattern(
        "kind-too-old",
        r"unknown containerd config version|failed to detect containerd snapshotter|unknown apiVersion: kind\.x-k8s\.io",
        "kind is too old for the node image",
        "install a newer kind, or take the node_image that this kind's release notes name",
    ),
    _pattern(
        "port-taken",
        r"(?:bind for|listen tcp[46]?|failed to bind host port(?: for)?) (?P<address>\S+?)(?:/tcp)?:? "
        r"(?:failed: port is already allocated|(?:bind: )?address already in use)",
        "the address {address} of this machine is taken",
        "end what listens there (`ss -ltnp` shows it), and run the task again",
    ),
    _pattern(
        "networks-used-up",
        r"(?:non-overlapping IPv4 address pool|predefined address pools have been fully subnetted)",
        "the engine has no address range left for a network",
        "remove unused networks: `docker network prune`",
    ),
    _pattern(
        "already-exists",
        r'node\(s\) already exist for a cluster with the name "(?P<name>[^"]+)"',
        "nodes of a cluster {name} are there already",
        "another run is making it now, or one was cut off: wait, or remove it with state: absent",
    ),
    _pattern(
        "name-taken",
        r'container name "/(?P<name>[^"]+)" is already in use',
        "another container has the name {name}",
        "remove it (`docker rm -f {name}`), or choose another name for the cluster",
    ),
    _pattern(
        "creation-unfinished",
        r"/etc/kubernetes/admin\.conf: no such file",
        "its creation was cut off before Kubernetes was set up",
        "remove it with state: absent, and run the task again",
    ),
    _pattern(
        "node-not-booted",
        r'could not find a (?:log )?line that matches "Reached target',
        "a node's container started, but systemd in it did not come up",
        "check the machine's free memory and its inotify limits, and run the task again",
    ),
    _pattern(
        "control-plane-failed",
        r"failed to init node with kubeadm",
        "kubeadm could not start the control plane",
        "check the machine's free memory and disk; the output says more",
    ),
    _pattern(
        "worker-failed",
        r"failed to join node with kubeadm",
        "a worker could not join the cluster",
        "check the machine's free memory and its inotify limits; the output says more",
    ),
)


def explain(output: str) -> Problem | None:
    """Return the known problem behind what a failed program printed, or None when it is not a known one.

    ``output`` may hold the logs of nodes as well: the cause often stands there, not in what kind itself says.
    """
    for pattern, problem in _KNOWN:
        match = pattern.search(output)
        if match:
            words = {name: value or "no reason given" for name, value in match.groupdict().items()}
            return Problem(problem.cause, problem.what.format(**words), problem.next_step.format(**words))
    return None


def last_error(output: str) -> str:
    """Return the line of a failed program's output that says most: its last ERROR, else its last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it printed nothing"])[-1]


def unready(objects: Collection[_Object], nodes: Iterable[str]) -> list[str]:
    """Say what keeps a cluster that is to have these nodes from being usable, one sentence each: nothing when it is ready.

    Looked at are the Nodes, the DaemonSets on the nodes' own network (the CNI's agents and kube-proxy), and the cluster's
    DNS, whose pods get Ready on a working pod network only. What a user deployed does not count.
    """
    joined = {thing["metadata"]["name"] for thing in objects if thing["kind"] == "Node"}
    missing = [f"node {name} has not joined the cluster" for name in nodes if name not in joined]
    return missing + [sentence for thing in objects for sentence in _unready(thing)]


def _unready(thing: _Object) -> Iterator[str]:
    metadata, status = thing["metadata"], thing.get("status", {})
    if thing["kind"] == "Node":
        yield from _unready_node(metadata["name"], status)
    elif thing["kind"] == "DaemonSet" and thing["spec"]["template"]["spec"].get("hostNetwork"):
        wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
        if status.get("observedGeneration") != metadata.get("generation"):
            yield f"daemonset {metadata['namespace']}/{metadata['name']} is new"
        elif ready < wanted:
            yield f"daemonset {metadata['namespace']}/{metadata['name']} has {ready} of {wanted} pods ready"
    elif thing["kind"] == "Deployment" and metadata.get("labels", {}).get("k8s-app") == "kube-dns":
        available = next((entry["status"] for entry in _conditions(status) if entry["type"] == "Available"), "Unknown")
        if available != "True":
            yield f"deployment {metadata['namespace']}/{metadata['name']} (the cluster's DNS) is not available"


def _unready_node(name: str, status: _Object) -> Iterator[str]:
    ready = next((entry for entry in _conditions(status) if entry["type"] == "Ready"), None)
    if ready is None:
        yield f"node {name} has not reported its state yet"
    elif ready["status"] != "True":
        since, reason = ready.get("lastTransitionTime", "its start"), ready.get("reason", "")
        yield f"node {name} is not Ready since {since} ({reason}: {ready.get('message', '')})"


def _conditions(status: _Object) -> list[dict[str, Any]]:
    return list(status.get("conditions") or [])


def held_up(pods: Iterable[_Object]) -> list[str]:
    """Say of each container that is held up what holds it, as in "pod NAMESPACE/NAME on NODE: ImagePullBackOff: MESSAGE"."""
    found = []
    for pod in pods:
        status, where = pod.get("status", {}), pod["spec"].get("nodeName", "no node")
        for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            held = container.get("state", {}).get("waiting", {})
            # Without a message it is on its way: ContainerCreating, PodInitializing.
            if held.get("message"):
                name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
                found.append(f"pod {name} on {where}: {held['reason']}: {held['message']}")
    return found
