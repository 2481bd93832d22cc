# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes from pods and nodes to pods, nodes and addresses: what ping and traceroute have in common.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import exec as pod_exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell, open_nodes
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    InputError,
    NotFoundError,
    PodnetError,
    PodNotReadyError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.places import Pair, Place
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import options

PROBES: dict[str, dict[str, Any]] = {
    "probes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "from": {"type": "str", "required": True},
            "to": {"type": "str", "required": True},
            "expect": {"type": "str", "choices": ["reachable", "unreachable"], "default": "reachable"},
        },
    },
    "namespace": {"type": "str", "default": "default"},
}

# RFC 1123, as Kubernetes takes it: a namespace is a label, a pod or a node a subdomain.
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_SCOPED_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9][\w.-]*)?", re.ASCII)


# How ping and traceroute say that the kernel takes no packet for an address: there is no route, a blackhole, or a firewall
# on the way out.
CANNOT_SEND = re.compile(r"\b(connect|send|sendto|sendmsg)\b.*: ")


def place(text: str, namespace: str) -> Place:
    """Read one end of a probe: NAME, NAMESPACE/NAME, pod/NAME, pod/NAMESPACE/NAME, node/NAME or an IP address.

    :raises InputError: when it is none of these.
    """
    if _SCOPED_ADDRESS.fullmatch(text):
        with suppress(ValueError):
            return Place("address", "", str(ipaddress.ip_address(text)))
    words = text.split("/")
    kind = words.pop(0) if len(words) > 1 and words[0] in ("pod", "node") else "pod"
    if kind == "node":
        namespace = ""
    elif len(words) == 2:
        namespace = words.pop(0)
    if len(words) != 1 or not _NAME.fullmatch(words[0]) or (kind == "pod" and not _NAMESPACE.fullmatch(namespace)):
        raise InputError(
            f"{text!r} is no end of a probe; give a pod (NAME, NAMESPACE/NAME), a node (node/NAME) or an IP address"
            + (" (the pod had no address yet when this was written)" if text in ("", "<no value>", "None") else "")
        )
    return Place(kind, namespace, words[0])


@dataclass
class Ends:
    """The pods and nodes that probes name, as they were found; what was not found is an error in its place."""

    cluster: Cluster
    objects: Mapping[Place, Object | PodnetError]
    shells: Mapping[str, NodeShell] = field(default_factory=dict)

    def object(self, where: Place) -> Object:
        """The pod or node of a place; raises what was raised when it was read."""
        found = self.objects[where]
        if isinstance(found, PodnetError):
            raise found
        return found

    def addresses(self, where: Place) -> list[str]:
        """The addresses of a place, first the preferred one; raises PodNotReadyError for a pod that has none yet."""
        if where.kind == "address":
            return [where.name]
        found = self.object(where)
        if where.kind == "node":
            return [item["address"] for item in found["status"].get("addresses", ()) if item["type"] == "InternalIP"]
        if not found["status"].get("podIPs") or pods.is_finished(found):
            raise PodNotReadyError(pods.why_not_ready(self.cluster, found))
        return [item["ip"] for item in found["status"]["podIPs"]]

    def target(self, source: Place, target: Place) -> str:
        """The address to probe: the target's first one of a family that the source has too."""
        families = {ipaddress.ip_address(address).version for address in self.addresses(source)}
        for address in self.addresses(target):
            if ipaddress.ip_address(address).version in families:
                return address
        raise InputError(f"{source} and {target} have no address family in common")

    def run(self, source: Place, command: list[str], deadline: Deadline) -> pod_exec.Output:
        """Run a command at a place."""
        if source.kind == "node":
            return self.shells[source.name].run(command, deadline)[1]
        return pod_exec.run(self.cluster, self.object(source), command, deadline)


def printed(output: pod_exec.Output) -> str:
    """All that a command printed, its errors last, on lines of their own."""
    gap = "\n" if output.stdout and output.stderr and not output.stdout.endswith("\n") else ""
    return output.stdout + gap + output.stderr


def in_a_line(text: str) -> str:
    """What was printed, or the first of it, for a message."""
    line = " | ".join(line.strip() for line in text[:1000].splitlines() if line.strip())
    return line[:300] or "it printed nothing"


class Probe(NamedTuple):
    """One item of the option ``probes``."""

    source: Place
    target: Place
    expect: str

    def shown(self) -> dict[str, Any]:
        """How the probe stands in its result."""
        return {"from": self.source.reference, "to": self.target.reference, "expect": self.expect}


def read_probes(parameters: Mapping[str, Any]) -> list[Probe]:
    """The probes that a task asks for; raises InputError for one that cannot be read."""
    return [Probe(*read_pair(item, parameters["namespace"]), item["expect"]) for item in parameters["probes"]]


def read_pair(item: Mapping[str, Any], namespace: str = "default") -> Pair:
    """From where to where; raises InputError for an end that cannot be read, or where there is nothing to start from."""
    source = place(item["from"], namespace)
    if source.kind == "address":
        raise InputError(f"a probe cannot start from the address {source}; name the pod or the node that has it")
    return Pair(source, place(item["to"], namespace))


@contextmanager
def open_ends(
    cluster: Cluster, probes: list[Probe], parameters: Mapping[str, Any], deadline: Deadline, *, check_mode: bool
) -> Iterator[Ends]:
    """Read the pods and nodes that the probes name, once each, and find a way to each node that a probe starts from.

    In check mode no way is opened that would make a pod.
    """
    objects: dict[Place, Object | PodnetError] = {}
    for probe in probes:
        for where in probe[:2]:
            if where.kind != "address" and where not in objects:
                objects[where] = _find(cluster, where)
    nodes = [objects[source] for source in dict.fromkeys(probe.source for probe in probes) if source.kind == "node"]
    found = [node for node in nodes if not isinstance(node, PodnetError)]
    if check_mode and parameters["access"] == "probe_pod":
        found = []
    with open_nodes(cluster, found, deadline, **options.node_access(parameters)) as shells:
        yield Ends(cluster, objects, shells)


def waits_for(ends: Ends, probe: Probe) -> str | None:
    """What a probe in check mode waits for that check mode does not make: a pod that is not there yet, or a probe pod."""
    for where in (probe.source, probe.target):
        found = ends.objects.get(where)
        if where.kind == "pod" and (
            isinstance(found, NotFoundError) or (isinstance(found, dict) and not pods.is_ready(found))
        ):
            return str(where)
    if (
        probe.source.kind == "node"
        and isinstance(ends.objects[probe.source], dict)
        and probe.source.name not in ends.shells
    ):
        return f"a probe pod on {probe.source}"
    return None


def _find(cluster: Cluster, where: Place) -> Object | PodnetError:
    try:
        return cluster.get(path(f"{where.kind}s", where.name, where.namespace or None))
    except NotFoundError as error:
        message = f"{where} is not in the cluster {cluster.name}; check its name, or create it first"
        return NotFoundError(message, error.status, error.reason)
    except PodnetError as error:
        return error
