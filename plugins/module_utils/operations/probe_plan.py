# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which probe measures what: every pair of probes, every pod, a few paths. Private to the collection: it may change."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import ProbePod, Wish
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Pod


@dataclass(frozen=True)
class ProbeAt:
    """A probe and the node that it is on."""

    node: str
    on_host: bool
    probe: ProbePod


def plan(
    probes: Sequence[ProbeAt],
    pods: Sequence[Pod],
    outside: str,
    name_servers: Sequence[str],
    from_nodes: Collection[tuple[str, str]] = (),
) -> Mapping[str, list[Wish]]:
    """What each probe, by the name of its pod, is to do.

    - Every probe pings and connects to every other, in all families that both have: the mesh. Probes in the pod network send
      each other packets as large as pods send them, too.
    - Every other ready pod in the pod network is pinged twice: from its own node, by the probe on the host network, and from
      the pod network of another node, as far as there is one.
    - Every probe traces the path to one probe pod, that of the next node; looks the name up; pings the outside address.
    - Further addresses are pinged and traced from the host network of a node.

    :param pods: all pods; probes among them are known by their addresses.
    :param from_nodes: a node and a further address each.
    """
    wishes: dict[str, list[Wish]] = {}
    in_pods = [probe for probe in probes if not probe.on_host]
    probed = {address for probe in probes for address in probe.probe.addresses}
    others = [pod for pod in pods if pod.ready and not pod.host_network and not probed.intersection(pod.ips)]
    for at in probes:
        far = [probe for probe in probes if probe.probe.name != at.probe.name]
        asked = [address for node, address in from_nodes if at.on_host and node == at.node]
        wishes[at.probe.name] = [
            # What may have to be waited for longest comes first.
            *(Wish("trace", address) for address in _next(at, in_pods)),
            *(Wish("lookup", address) for address in name_servers),
            *(
                Wish(kind, address)
                for probe in far
                for address in probe.probe.addresses
                for kind in ("ping", "connect")
            ),
            *(
                Wish("size", address)
                for probe in far
                if not (at.on_host or probe.on_host)
                for address in probe.probe.addresses
            ),
            *(Wish("ping", address) for pod in others if at.on_host and pod.node == at.node for address in pod.ips),
            *(Wish("ping", address) for address in [outside] if address),
            *(Wish(kind, address) for address in asked for kind in ("ping", "trace")),
        ]
    for number, pod in enumerate(others):
        elsewhere = [probe for probe in in_pods if probe.node != pod.node] or in_pods
        if elsewhere:
            wishes[elsewhere[number % len(elsewhere)].probe.name] += [Wish("ping", address) for address in pod.ips]
    return {
        at.probe.name: [
            wish for wish in dict.fromkeys(wishes[at.probe.name]) if _version(wish.address) in _families(at)
        ]
        for at in probes
    }


def _next(at: ProbeAt, in_pods: Sequence[ProbeAt]) -> list[str]:
    """The addresses of the probe pod on the node after this one, in a ring; none where there is no other."""
    nodes = [probe.node for probe in in_pods]
    if at.node not in nodes:
        return in_pods[0].probe.addresses if in_pods else []
    following = in_pods[(nodes.index(at.node) + 1) % len(in_pods)]
    return following.probe.addresses if following.node != at.node else []


def _families(at: ProbeAt) -> set[int]:
    return {_version(address) for address in at.probe.addresses}


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version
