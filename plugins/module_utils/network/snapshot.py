# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a cluster, as plain records. Private to the collection: it may change at any time.

    Snapshot
    ├── cluster: Cluster           what holds for all nodes
    │   └── policies: Policy
    └── nodes: NodeSnapshot        one for each node, read one at a time
        ├── node: Node             what the API says of it
        ├── pods: Pod              what the API says of the pods on it
        ├── printed, sysctls       what its own commands said
        ├── insides: PodInside      what pods that are no probes say of themselves, and measured
        └── probe, host_probe: Probe
            └── pings, connections, traceroutes, lookups

Everything may be missing: what could not be read stands, with the reason, in the ``unread`` of the record it belongs to,
under the name of the command, sysctl or field (``{"ip rule": "no way to run a command on this node"}``). Addresses are in
canonical form. No secret has a place in any of these records. Nothing changes them, though those of which a cluster has
thousands are not frozen: a frozen one takes five times as long to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

NODE_COMMANDS = (
    "ip -4 route show table all",
    "ip -6 route show table all",
    "ip rule",
    "ip -6 rule",
    "ip addr",
    "ip neigh",
)
"""The keys of :attr:`NodeSnapshot.printed`. Under ``ip addr`` stands what ``ip -d addr`` printed, where ``ip`` knows ``-d``."""

POD_COMMANDS = ("ip addr", "ip -4 route", "ip -6 route", "ip neigh", "resolv.conf")
"""The keys of :attr:`Probe.printed` and :attr:`PodInside.printed`; the last one is the content of ``/etc/resolv.conf``."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node: ``addresses`` are its InternalIPs, ``pod_cidrs`` what its spec carries (not every CNI uses them).

    ``ready`` is its condition Ready, ``schedulable`` is False once it is cordoned, ``age`` is in seconds.
    """

    name: str
    addresses: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()
    ready: bool = True
    schedulable: bool = True
    age: int | None = None


@dataclass(slots=True)
class Pod:
    """A pod: ``node`` is None before it is scheduled, ``ips`` is empty before its network is set up.

    ``ready`` is its condition Ready, ``deleting`` is True from the request to delete it on, ``age`` is in seconds.
    """

    namespace: str
    name: str
    node: str | None = None
    ips: tuple[str, ...] = ()
    host_network: bool = False
    phase: str = "Running"
    ready: bool = True
    deleting: bool = False
    age: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``namespace/name``, as results and messages name a pod."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that may forbid traffic of pods, of any kind that is installed.

    ``namespace`` is None for a policy of the whole cluster. ``pod_selector`` is a LabelSelector of the Kubernetes API
    (``matchLabels``, ``matchExpressions``; empty selects every pod of the namespace), None where the kind selects pods in a
    language of its own: it is then taken to select any. ``types`` are ``Ingress`` and ``Egress``.
    """

    kind: str
    name: str
    namespace: str | None = None
    pod_selector: Mapping[str, Any] | None = None
    types: tuple[str, ...] = ("Ingress", "Egress")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What holds for all nodes.

    ``checked_at`` is the time of the snapshot as RFC 3339 in UTC. ``versions`` are by product (``kubernetes``, ``cni``,
    ``kubelab.podnet``). ``pod_ranges`` and ``service_ranges`` are CIDRs as far as the cluster declares them. ``dns_address``
    is the cluster's DNS service, ``dns_name`` the name that the probes looked up there. ``outside_address`` is what the
    probes pinged outside the cluster, None when nothing was to be pinged.
    """

    name: str
    checked_at: str
    emulated: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    pod_ranges: tuple[str, ...] = ()
    service_ranges: tuple[str, ...] = ()
    dns_address: str | None = None
    dns_name: str | None = None
    policies: tuple[Policy, ...] = ()
    outside_address: str | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ProbePing:
    """Echo requests from a probe to one address.

    ``target`` is whose address it is: ``namespace/name`` of a pod, the name of a node, or the address itself. ``ttl`` is that
    of the replies, None when none came. ``retried`` says that these are the figures of a second try, alone, after a loss.
    ``errors`` are what ``ping`` said, as printed. ``size`` is the whole IP packet in bytes and is set, with fragmentation
    forbidden, when the ping is to measure the MTU of the path.
    """

    target: str
    address: str
    transmitted: int
    received: int
    ttl: int | None = None
    retried: bool = False
    errors: tuple[str, ...] = ()
    size: int | None = None


@dataclass(slots=True)
class ProbeConnection:
    """A TCP connection that a probe tried to make, ``target`` as in :class:`ProbePing`.

    ``answered_by`` is the probe that answered, as ``namespace/name``, and ``seen`` the sender's address as that probe's own
    ``/proc/net/tcp`` or ``tcp6`` shows it; None where the answer does not tell.
    """

    target: str
    address: str
    port: int
    ok: bool
    answered_by: str | None = None
    seen: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeTraceroute:
    """A traceroute from a probe, ``target`` as in :class:`ProbePing`, ``printed`` as the command printed it."""

    target: str
    address: str
    printed: str


@dataclass(frozen=True, slots=True)
class ProbeLookup:
    """A name looked up in the cluster's DNS. ``addresses`` is empty and ``error`` set when there was no answer."""

    name: str
    addresses: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe pod saw of itself and measured; ``pod`` is its ``namespace/name``, ``printed`` is by POD_COMMANDS."""

    pod: str
    printed: Mapping[str, str] = field(default_factory=dict)
    pings: tuple[ProbePing, ...] = ()
    connections: tuple[ProbeConnection, ...] = ()
    traceroutes: tuple[ProbeTraceroute, ...] = ()
    lookups: tuple[ProbeLookup, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodInside:
    """What a pod that is no probe says of its own network: ``pod`` is its ``namespace/name``, ``printed`` by POD_COMMANDS.

    Worth reading in a pod that does not answer, where its image has the commands: nothing else shows a route that is missing
    inside it. ``pings`` and ``traceroutes`` are there for a pair that was to be explained.
    """

    pod: str
    printed: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    pings: tuple[ProbePing, ...] = ()
    traceroutes: tuple[ProbeTraceroute, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """A node, the pods on it (probes among them), and what was read there.

    ``printed`` are raw texts by NODE_COMMANDS. ``sysctls`` are numbers by the names that ``sysctl`` prints
    (``net.ipv4.ip_forward``, ``net.ipv6.conf.all.forwarding``, ``net.ipv4.conf.DEVICE.forwarding``, ``.rp_filter`` and
    ``.proxy_arp``, the last two also for the devices ``all``; a dot in a device's name is a slash). ``access`` is the way by
    which they were read. ``probe`` is the probe in the pod network, ``host_probe`` the one on the host network.
    """

    node: Node
    pods: tuple[Pod, ...] = ()
    access: str | None = None
    printed: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, int] = field(default_factory=dict)
    insides: tuple[PodInside, ...] = ()
    probe: Probe | None = None
    host_probe: Probe | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cluster at one moment. ``nodes`` may be iterated any number of times: a tuple, or a file read again each time."""

    cluster: Cluster
    nodes: Iterable[NodeSnapshot]
