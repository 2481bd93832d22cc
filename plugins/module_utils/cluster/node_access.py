# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways to run a command on a node, in its own network. Private to the collection: it may change at any time.

A way is open for a node or not; one that is not says why. None changes anything but ``probe_pod``, which makes a pod for each
node that it is asked about and removes it afterwards.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import exec as pod_exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods, program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import RUN, marks, remove_leftovers
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    DeadlineError,
    ExecError,
    ForbiddenError,
    MissingProgramError,
    NodeAccessError,
    PodnetError,
)

WAYS = ("container", "agent_pod", "probe_pod")
"""What the option ``access`` takes, next to ``auto``: the first two in this order."""

AGENTS: Mapping[str, Sequence[str]] = {
    "k8s-app": ("calico-node", "canal", "cilium", "kindnet", "labnet", "netns-node", "aws-node", "kube-router"),
    "app": ("antrea", "flannel", "kindnet", "kube-ovn-cni", "ovnkube-node"),
    "name": ("weave-net",),
}
"""Label -> values of the host-network pods that pod networks run on each node."""

_ENGINES = ("docker", "podman", "nerdctl")
_ENGINE_SECONDS = 10.0  # to say which containers there are; one that hangs is not to take the time of the whole task


class Way(Protocol):
    """One way to run commands on one node."""

    def __call__(self, command: list[str], deadline: Deadline) -> pod_exec.Output: ...


@dataclass(frozen=True)
class NodeShell:
    """A node, and the ways to run a command on it that are open, best first; ``closed`` says why each other is not."""

    node: str
    ways: Mapping[str, Way]
    closed: Mapping[str, str] = field(default_factory=dict)

    def run(self, command: list[str], deadline: Deadline) -> tuple[str, pod_exec.Output]:
        """Run a command by the first way that has the program, and say which way that was.

        :raises NodeAccessError: when none has; other errors are those of the way.
        """
        closed = dict(self.closed)
        for name, way in self.ways.items():
            try:
                return name, way(command, deadline)
            except ExecError as error:
                closed[name] = str(error)
        reasons = "; ".join(f"{name}: {reason}" for name, reason in closed.items())
        advice = "" if "probe_pod" in closed else "; access: probe_pod makes a pod of its own for that"
        raise NodeAccessError(f"no way to run {command[0]} on node {self.node} ({reasons}){advice}")


@contextmanager
def open_nodes(
    cluster: Cluster,
    nodes: Sequence[Object],
    deadline: Deadline,
    *,
    access: str,
    agent_labels: Mapping[str, Sequence[str]],
    probe: Mapping[str, str],
) -> Iterator[dict[str, NodeShell]]:
    """Find the ways to the given nodes (API objects), by name; probe pods are removed at the end, whatever happens.

    :param access: one of WAYS, or ``auto`` for those that change nothing.
    :param agent_labels: labels of further agents, in the shape of AGENTS.
    :param probe: for ``probe_pod``: ``namespace`` and ``image``.
    """
    wanted = ("container", "agent_pod") if access == "auto" else (access,)
    ways: dict[str, dict[str, Way]] = {_name(node): {} for node in nodes}
    closed: dict[str, dict[str, str]] = {_name(node): {} for node in nodes}
    with _probe_pods(cluster, ways if "probe_pod" in wanted else (), probe, deadline) as probes:
        found = {
            "container": lambda: _containers(nodes, deadline),
            "agent_pod": lambda: _agents(cluster, nodes, agent_labels),
            "probe_pod": lambda: probes,
        }
        for kind in wanted:
            for node, way in found[kind]().items():
                if isinstance(way, str):
                    closed[node][kind] = way
                else:
                    ways[node][kind] = way
        yield {node: NodeShell(node, ways[node], closed[node]) for node in ways}


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])


# --- container: the node is a container on this machine (kind) ---------------------------------------------------------


def _containers(nodes: Sequence[Object], deadline: Deadline) -> dict[str, Way | str]:
    """kind writes into a node's providerID which engine runs it and for which cluster."""
    found: dict[str, Way | str] = {}
    inspected: dict[tuple[str, str], dict[str, Object] | str] = {}
    for node in nodes:
        match = re.fullmatch(r"kind://(\w+)/([^/]+)/([^/]+)", node["spec"].get("providerID") or "")
        if not match or match[1] not in _ENGINES:
            found[_name(node)] = "it is no container of kind"
            continue
        engine, cluster_name, container_name = match.groups()
        if (engine, cluster_name) not in inspected:
            inspected[engine, cluster_name] = _inspect(engine, cluster_name, deadline)
        containers = inspected[engine, cluster_name]
        if isinstance(containers, str):
            found[_name(node)] = containers
            continue
        container = containers.get(container_name)
        if container is None or not _addresses(node) & _container_addresses(container):
            found[_name(node)] = (
                f"{engine} runs no container {container_name} of kind's cluster {cluster_name} with the node's address "
                f"({', '.join(sorted(_addresses(node)))})"
            )
            continue
        found[_name(node)] = partial(_run_in_container, engine, container["Id"], container_name)
    return found


def _inspect(engine: str, cluster_name: str, deadline: Deadline) -> dict[str, Object] | str:
    """The engine's containers that carry kind's own label for the cluster, by name; or why it does not tell."""
    label = f"label=io.x-k8s.kind.cluster={cluster_name}"
    deadline = deadline.within(_ENGINE_SECONDS)
    try:
        listed = program.run([engine, "ps", "--quiet", "--no-trunc", "--filter", label], deadline)
        if listed.returncode == 0 and listed.stdout.split():
            listed = program.run([engine, "inspect", *listed.stdout.split()], deadline)
        if listed.returncode != 0:
            return f"{engine} does not answer: {listed.stderr.strip()}"
        return {container["Name"].lstrip("/"): container for container in json.loads(listed.stdout.strip() or "[]")}
    except (MissingProgramError, DeadlineError) as error:
        return str(error)
    except (ValueError, TypeError, LookupError):
        return f"{engine} gives an answer that is not understood: {listed.stdout[:100]!r}"


def _addresses(node: Object) -> set[str]:
    return {item["address"] for item in node["status"].get("addresses", ()) if item["type"] == "InternalIP"}


def _container_addresses(container: Object) -> set[str]:
    networks = ((container.get("NetworkSettings") or {}).get("Networks") or {}).values()
    return {network[key] for network in networks for key in ("IPAddress", "GlobalIPv6Address") if network.get(key)}


def _run_in_container(
    engine: str, container: str, name: str, command: list[str], deadline: Deadline
) -> pod_exec.Output:
    done = program.run([engine, "exec", container, *command], deadline)
    # 126 and 127 are the engine's own answer when the program cannot be started.
    if done.returncode in (126, 127) and "OCI runtime" in done.stdout + done.stderr:
        raise ExecError(f"the container {name} has no program {command[0]}")
    return pod_exec.Output(done.returncode, done.stdout, done.stderr)


# --- agent_pod: the pod network's own pod on the node ------------------------------------------------------------------


def _agents(cluster: Cluster, nodes: Sequence[Object], further: Mapping[str, Sequence[str]]) -> dict[str, Way | str]:
    labels = {key: (*further.get(key, ()), *AGENTS.get(key, ())) for key in (*further, *AGENTS)}
    agents: dict[str, Object] = {}
    for key, values in labels.items():
        selector = f"{key} in ({','.join(dict.fromkeys(values))})"
        try:
            listed = cluster.list(path("pods"), labelSelector=selector, fieldSelector="status.phase=Running")
        except ForbiddenError as error:
            return {_name(node): str(error) for node in nodes}
        for pod in listed["items"]:
            if pod["spec"].get("hostNetwork") and pods.is_ready(pod):
                agents.setdefault(pod["spec"]["nodeName"], pod)
    return {
        _name(node): partial(pod_exec.run, cluster, agents[_name(node)])
        if _name(node) in agents
        else "no agent of a known pod network is ready on it (more can be named in agent_labels)"
        for node in nodes
    }


# --- probe_pod: a pod of ours, only when asked for ---------------------------------------------------------------------


@contextmanager
def _probe_pods(
    cluster: Cluster, nodes: Collection[str], probe: Mapping[str, str], deadline: Deadline
) -> Iterator[dict[str, Way | str]]:
    if not nodes:
        yield {}
        return
    namespace = probe["namespace"]
    url = path("pods", namespace=namespace)
    run = secrets.token_hex(4)
    selector = f"{RUN}={run}"
    remove_leftovers(cluster)
    found: dict[str, Way | str] = {}
    try:
        names: dict[str, str] = {}
        for node in nodes:
            body = _probe_pod(node, probe["image"], run, deadline)
            try:
                names[cluster.create(url, body)["metadata"]["name"]] = node
            except PodnetError as error:
                found[node] = str(error)
        ready = pods.wait(cluster, namespace, names, pods.is_settled, deadline, labelSelector=selector)
        for name, pod in ready.items():
            if pod and pods.is_ready(pod):
                found[names[name]] = partial(pod_exec.run, cluster, pod)
            else:
                with cluster.more_time():
                    found[names[name]] = pods.why_not_ready(cluster, pod) if pod else "its probe pod was removed"
        yield found
    finally:
        # One call for all, by label: it also finds what was created when the answer never arrived.
        with cluster.more_time():
            cluster.delete(url, labelSelector=selector, gracePeriodSeconds=0)


def _probe_pod(node: str, image: str, run: str, deadline: Deadline) -> Object:
    lifetime = int(deadline.seconds) + 60  # its own end, should nobody be left to remove it
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "podnet-probe-", **marks(run, lifetime)},
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": lifetime,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", str(lifetime)],
                    "resources": {"limits": {"cpu": "100m", "memory": "32Mi"}},
                }
            ],
        },
    }
