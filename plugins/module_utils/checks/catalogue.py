# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every finding that a verdict can hold. docs/findings.md is written from it. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .verdict import Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of finding.

    ``meaning``, ``cause`` and ``remedy`` are whole sentences; in the remedy ``{node}`` and ``{pod}`` stand for the elements to
    blame. ``refutes`` are the promises that cannot hold with it. ``loses_packets`` says whether packets that get lost can be
    a symptom of it.
    """

    code: str
    title: str
    meaning: str
    cause: str
    remedy: str
    refutes: tuple[str, ...] = ()
    loses_packets: bool = True
    severity: Severity = "error"


_TALK = ("P1", "P2")

_ENTRIES = (
    Entry(
        "missing-block-route",
        "A node has no route to another node's pods",
        "The node's table has no row that leads to the block, or the pod CIDR, of another node, so packets for the pods there"
        " leave by a wider row, such as the default route, or are refused. Other nodes have such a row.",
        "The CNI's agent on the node does not run or has lost its session to the other nodes, or somebody removed the row.",
        "Restart the CNI's agent on {node}, which writes its routes anew, and look in its log for why they were not there.",
        _TALK,
    ),
    Entry(
        "wrong-next-hop",
        "A block is routed to the wrong node",
        "The row for another node's pods leads to a node that does not have them, though the right one is in the same network.",
        "A row written by hand, an agent that works with old data, or a node that came back under another address.",
        "Remove the row on {node} and restart the CNI's agent there, which writes the right one.",
        _TALK,
    ),
    Entry(
        "next-hop-not-a-node",
        "A block is routed to an address that is no node's",
        "The row for another node's pods has a next hop that no node of the cluster has.",
        "The other node was given a new address, or was replaced, and the row is still that for the old one.",
        "Remove the row on {node} and restart the CNI's agent there; compare the node addresses that the CNI has on record with"
        " those of kubectl get nodes -o wide.",
        _TALK,
    ),
    Entry(
        "missing-pod-route",
        "A node has no route to one of its own pods",
        "The pod runs, yet its node has no row for its address, so packets for it are dropped at the node's block, or leave the"
        " node again. For an address that is borrowed from another node's block it is that node which lacks the row.",
        "The row was removed, or the CNI's agent did not see the pod.",
        "Restart the CNI's agent on {node}; if the row does not come back, delete the pod {pod} so that it gets a new network.",
        _TALK,
    ),
    Entry(
        "wrong-pod-interface",
        "A pod's address leads to the wrong interface of its node",
        "The row for the pod's address leaves through an interface that is not the pod's own.",
        "A row written by hand, or one that is left over from a pod that had the address before.",
        "Remove the row on {node} and restart the CNI's agent there; if it does not come right, delete the pod {pod}.",
        _TALK,
    ),
    Entry(
        "stale-pod-route",
        "A route to a pod that is not there",
        "The node has a row to a pod interface for an address that no pod of the cluster has. The next pod with that address"
        " can be cut off by it.",
        "The CNI's agent did not run when the pod was deleted, or somebody added the row.",
        "Remove the row on {node}: ip route del ADDRESS.",
        loses_packets=False,
    ),
    Entry(
        "blackholed-pod",
        "A node drops all packets for a pod",
        "A row of the type blackhole, unreachable or prohibit is for the pod's address alone.",
        "Somebody isolated the pod, or a security tool did.",
        "Find out who added the row on {node}, then remove it: ip route del TYPE ADDRESS.",
        _TALK,
    ),
    Entry(
        "blackholed-block",
        "A node drops all packets for another node's pods",
        "A row of the type blackhole, unreachable or prohibit is for the block of another node.",
        "A row written by hand, or a block that was this node's and is now another's.",
        "Remove the row on {node} and restart the CNI's agent there, which writes the right one.",
        _TALK,
    ),
    Entry(
        "shadowed-block",
        "A more specific route leads part of a block astray",
        "The row for another node's block is right, but a longer prefix inside the block leads somewhere else and wins.",
        "A route of a VPN, of a second network or of an admin that overlaps with the pods' addresses.",
        "Remove the longer prefix on {node}, or move what it is for to addresses outside the pod ranges.",
        _TALK,
    ),
    Entry(
        "duplicate-block",
        "Several nodes claim one block",
        "Several nodes hold the same addresses for their own pods, so each drops the packets for the pods of the others.",
        "The CNI's address management lost or restored old data, or two nodes were given one pod CIDR.",
        "Find the rightful owner (for Calico: calicoctl ipam check), then take the claim from every other node and restart the"
        " CNI's agent there.",
        _TALK,
    ),
    Entry(
        "overlapping-ranges",
        "Pod addresses overlap with another network",
        "The pod ranges share addresses with the nodes' network, with the service range, or with a network that a node is in."
        " Which of the two a packet reaches depends on the node that sends it.",
        "The pod range was chosen without regard to the networks around, or a bridge or VPN was added later.",
        "Give the pods, the services and the nodes ranges that are apart; move a network that was added on {node} elsewhere.",
    ),
    Entry(
        "no-default-route",
        "A node has no default route",
        "Packets for addresses outside the cluster are refused on the node, for itself and for its pods. Pods whose gateway is"
        " on no interface, as Calico's, reach nobody: without a route to it the kernel does not answer for it.",
        "The route was lost when the network was restarted, DHCP did not renew it, or one that drops packets wins over it.",
        "Add the route on {node}: ip route add default via GATEWAY; make it permanent in the node's network configuration."
        " Remove a default route that drops packets.",
    ),
    Entry(
        "pod-no-default-route",
        "A pod has no default route",
        "The pod can send to nobody, as its own table has no default route; so it does not answer either.",
        "Something in the pod that may change its network removed the route, or the CNI did not finish its set-up.",
        "Delete the pod {pod} so that it gets a new network; look for a container in it with the capability NET_ADMIN.",
        _TALK,
    ),
    Entry(
        "pod-address-mismatch",
        "A pod has another address than the API says",
        "None of the pod's interfaces has an address that status.podIPs lists: what others dial is not what the pod is.",
        "The address was changed inside the pod, or the pod got a new network of which the API was not told.",
        "Delete the pod {pod} so that it gets a new network.",
        ("P1", "P2", "P3"),
    ),
    Entry(
        "duplicate-pod-ip",
        "Two pods have one address",
        "The API lists the same address for several running pods: packets for it reach at most one of them.",
        "The CNI's address management lost or restored old data, or two nodes were given one pod CIDR.",
        "Delete one of the pods, {pod} for one, so that it gets a new address; then check the CNI's address management.",
        ("P1", "P2", "P3"),
    ),
    Entry(
        "pod-on-wrong-node",
        "A node takes a pod for its own that runs elsewhere",
        "The node's table leads to one of its own interfaces for the address of a pod that runs on another node.",
        "The row is left over from a pod that had the address here, or the API is behind.",
        "Remove the row on {node} and restart the CNI's agent there.",
        _TALK,
    ),
    Entry(
        "ip-rule-override",
        "A rule takes packets for pods to another table",
        "A rule of the routing policy has another table asked before the main one, and there packets for pods are led astray"
        " or refused.",
        "Policy routing of a VPN, of a second uplink or of an admin that does not leave the pod ranges out.",
        "Remove the rule on {node} (ip rule del), or put one for the pod ranges before it: ip rule add to RANGE lookup main.",
        _TALK,
    ),
    Entry(
        "two-cnis",
        "Routes of two CNIs stand side by side",
        "The node holds routes to pods that two different CNIs wrote. Those of the one that is no longer in use"
        " can lead packets astray.",
        "The CNI was replaced without a restart of the nodes.",
        "Remove what the old CNI left on {node}: its routes, its interfaces and its files in /etc/cni/net.d;"
        " or restart the node.",
        loses_packets=False,
    ),
    Entry(
        "ip-forward-disabled",
        "A node does not forward packets",
        "Forwarding is switched off on the node, so its pods can talk to nobody but to each other at most, and not even to the"
        " node where that stands in for their gateway. For IPv4 each device has a setting of its own, which decides on what"
        " comes in there: it may be off for single devices, or on for those of the pods while net.ipv4.ip_forward is 0, which"
        " is no fault.",
        "A sysctl file, a hardening tool or the network manager switched it off after the CNI had switched it on.",
        "Set to 1 on {node} what the evidence shows as 0: sysctl -w net.ipv4.ip_forward=1, or net.ipv4.conf.DEVICE.forwarding=1"
        " (IPv6: net.ipv6.conf.all.forwarding=1); find the file in /etc/sysctl.d that says otherwise.",
        _TALK,
    ),
    Entry(
        "strict-rp-filter",
        "A node drops packets that come in by another way than they would leave by",
        "The strict reverse-path filter is on for an interface at which packets of pods come in, while packets for those pods"
        " leave through another one.",
        "The distribution or a hardening tool sets rp_filter=1, on a node with several interfaces or a tunnel.",
        "Set it to loose on {node}: sysctl -w net.ipv4.conf.DEVICE.rp_filter=2, or make both ways use one interface.",
        _TALK,
    ),
    Entry(
        "proxy-arp-disabled",
        "A node does not answer for its pods' gateway",
        "The pods' gateway 169.254.1.1 is on no interface: the node must answer for it, but proxy_arp is off on the pod's"
        " interface. The pod goes mute once its ARP entry expires.",
        "A sysctl file or a hardening tool switched it off.",
        "Switch it on on {node}: sysctl -w net.ipv4.conf.DEVICE.proxy_arp=1, or restart the CNI's agent there.",
        _TALK,
    ),
    Entry(
        "pod-interface-down",
        "A pod's interface is down or gone",
        "The node's end of the pod's cable, or the pod's own end, is switched off or is not there any more.",
        "Somebody or something switched it off; the CNI has no reason to.",
        "Switch it on on {node} (ip link set DEVICE up), or delete the pod {pod} so that it gets a new network.",
        _TALK,
    ),
    Entry(
        "wrong-neighbour",
        "A next hop is resolved to the wrong link-layer address",
        "The node's neighbour table has another link-layer address for a node or a pod than its interface has, so packets go to"
        " somebody else.",
        "A static entry for a machine that was replaced, a tunnel end that was made anew, or two machines with one address.",
        "Remove the entry on {node}: ip neigh del ADDRESS dev DEVICE; for a tunnel restart the CNI's agent there.",
        _TALK,
    ),
    Entry(
        "mtu-too-small",
        "The path is narrower than the pods' packets",
        "A link on the path takes smaller packets than the pods send. Small requests work; large answers get stuck or are"
        " slow.",
        "The MTU of the pods was not set for the tunnel's overhead, or that of an interface was changed later.",
        "Give the link on {node} the larger MTU, or set the CNI's MTU to what the path takes less the tunnel's overhead.",
        loses_packets=False,
    ),
    Entry(
        "unexpected-snat",
        "A source address is translated on the way to a pod",
        "A pod sees a connection come from another address than that of the pod or node which made it.",
        "A masquerade rule that does not leave out the pod ranges, such as kube-proxy's with a wrong clusterCIDR.",
        "Find the rule on {node} (nft list ruleset, iptables-save -t nat) and leave the pod ranges out of it.",
        _TALK,
        loses_packets=False,
    ),
    Entry(
        "unexpected-dnat",
        "Packets for a pod are delivered to somebody else",
        "A connection that was made to a pod's address arrived at another pod, or at a node.",
        "A translation rule on the node that overlaps with the pods' addresses.",
        "Find the rule on {node} (nft list ruleset, iptables-save -t nat) and leave the pod ranges out of it.",
        _TALK,
    ),
    Entry(
        "missing-egress-snat",
        "Pods do not get out of the cluster, though nodes do",
        "The node reaches an address outside the cluster and its pods do not: packets leave, or should, with the pods' own"
        " address, which nobody outside can answer.",
        "The masquerade rule for the pod range is missing: natOutgoing is off, or the rule was flushed.",
        "Switch outgoing translation on (Calico: natOutgoing of the IPPool; others: ip-masq), or restart the CNI's agent on"
        " {node}, which writes the rule anew.",
        loses_packets=False,
    ),
    Entry(
        "packets-dropped",
        "Packets are lost though every table is right",
        "Packets do not arrive, or replies do not come back, and no route, rule, setting or policy that was read explains it.",
        "A firewall rule on a node or between nodes, a security group, or a broken data path of the CNI.",
        "Look at the filter rules on {node} (nft list ruleset, iptables-save) and at what is between the nodes; tcpdump on both"
        " nodes shows how far the packets get.",
        _TALK,
    ),
    Entry(
        "routing-loop",
        "Nodes send packets for a pod in a circle",
        "Following the tables, or the packets, one comes back to a node that was passed before.",
        "Two nodes each take the other for the way to the pod; mostly one row that was written by hand.",
        "Remove the row on {node} and restart the CNI's agent there.",
        _TALK,
    ),
    Entry(
        "asymmetric-path",
        "There and back take different ways",
        "Packets between two nodes take a way there that is not the way back reversed. Firewalls that keep state and strict"
        " reverse-path filters drop such packets.",
        "A host route on one of the nodes, or a router that knows a way which the other side does not use.",
        "Remove the row on {node} that makes the difference, or give the other side its counterpart.",
        loses_packets=False,
    ),
    Entry(
        "dns-broken",
        "The cluster's DNS does not answer",
        "Probes that reach other pods get no answer from the cluster's DNS service.",
        "CoreDNS does not run, kube-proxy does not serve its address, or a firewall drops UDP port 53.",
        "Look at the pods of CoreDNS (kubectl -n kube-system get pods -l k8s-app=kube-dns) and at kube-proxy on {node}.",
        loses_packets=False,
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}
"""The entries by code, in the order in which they are worth reading."""
