# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster's network as an administrator would type it: lines for ``ip -batch``, rules for ``nft -f``, kernel parameters.

The rows that result are those of a Calico node without encapsulation: blocks of other nodes with protocol 80 via the node that
has them, the own block blackholed, one host route for each pod on an interface named after the pod.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from netns_cluster.config import NODE_SUBNETS, Family
from netns_cluster.network.blocks import Address, Network

POD_MTU = 1450
CALICO_PROTOCOL = 80
CALI_MAC = "ee:ee:ee:ee:ee:ee"
CALI_LINK_LOCAL = "fe80::ecee:eeff:feee:eeee"  # what the kernel makes of CALI_MAC
POD_GATEWAY = "169.254.1.1"
UPLINK = {"ipv4": ("198.51.100.1/30", "198.51.100.2/30"), "ipv6": ("2001:db8::1/126", "2001:db8::2/126")}
"""The link between gateway and emulated Internet, in ranges that are set aside for documentation (RFC 5737, RFC 3849)."""


def pod_interface(namespace: str, name: str) -> str:
    """Return the name that Calico gives to the node's end of a pod's link."""
    return "cali" + hashlib.sha1(f"{namespace}.{name}".encode(), usedforsecurity=False).hexdigest()[:11]


def mac_of(address: Address) -> str:
    """Return the hardware address that Docker derives from an IPv4 address; for IPv6 the same of its last four bytes."""
    return "02:42:" + address.packed[-4:].hex(":")


def family_of(address: Address | Network) -> Family:
    return "ipv4" if address.version == 4 else "ipv6"


def base_parameters(families: Sequence[Family]) -> dict[str, str]:
    """Parameters of every namespace, to be set before its first link: addresses usable at once, no stray IPv6."""
    values = {}
    for scope in ("all", "default"):
        values[f"net/ipv6/conf/{scope}/disable_ipv6"] = "0" if "ipv6" in families else "1"
        values[f"net/ipv6/conf/{scope}/accept_dad"] = "0"
        values[f"net/ipv6/conf/{scope}/accept_ra"] = "0"
    return values


def router_parameters(families: Sequence[Family]) -> dict[str, str]:
    """Parameters of gateway and nodes. A new namespace inherits rp_filter from the host, so it is set here."""
    values = {"net/ipv4/ip_forward": "1"}
    for scope in ("all", "default"):
        values[f"net/ipv4/conf/{scope}/rp_filter"] = "0"
    if "ipv6" in families:
        values["net/ipv6/conf/all/forwarding"] = "1"
        values["net/ipv6/conf/default/forwarding"] = "1"
    return values


def gateway(
    addresses: Iterable[Address], node_macs: Mapping[int, str], internet: str, peers: Mapping[int, str]
) -> list[str]:
    """The network that all nodes are on. ``node_macs`` and ``peers`` map a node's number to its MAC and namespace."""
    own = list(addresses)
    lines = ["link set lo up", "link add br0 type bridge", f"link set br0 address {mac_of(own[0])}", "link set br0 up"]
    lines += [
        f"addr add {address}/{NODE_SUBNETS[family_of(address)].prefixlen} dev br0 {_flags(address)}" for address in own
    ]
    for number, mac in node_macs.items():
        lines.append(f"link add node{number} type veth peer name eth0 address {mac} netns {peers[number]}")
        lines.append(f"link set node{number} master br0 up")
    lines += [f"link add uplink type veth peer name eth0 netns {internet}", "link set uplink up"]
    for address in own:
        near, far = UPLINK[family_of(address)]
        lines += [f"addr add {near} dev uplink", f"route add default via {far.partition('/')[0]}"]
    return lines


def internet(addresses: Iterable[Address]) -> list[str]:
    """The emulated Internet. It knows the way to the nodes' network only: what arrives with a pod's address gets no answer."""
    lines = ["link set lo up", "link set eth0 up"]
    for address in addresses:
        family = family_of(address)
        near, far = UPLINK[family]
        lines += [
            f"addr add {far} dev eth0",
            f"addr add {address} dev lo",
            f"route add {NODE_SUBNETS[family]} via {near.partition('/')[0]}",
        ]
    return lines


def node(addresses: Iterable[Address], gateways: Iterable[Address], dns: Iterable[Address]) -> list[str]:
    lines = ["link set lo up", "link set eth0 up"]
    for address, via, service in zip(addresses, gateways, dns, strict=True):
        lines.append(f"addr add {address}/{NODE_SUBNETS[family_of(address)].prefixlen} dev eth0 {_flags(address)}")
        # Were this address as good as others, the node would sign its ICMP errors with it: each hop of a traceroute.
        lines.append(
            f"addr add {service} dev lo " + ("scope host" if service.version == 4 else "preferred_lft 0 noprefixroute")
        )
        lines.append(f"route add default via {via} dev eth0")
    return lines


def own_block(block: Network) -> str:
    return f"route add blackhole {block} proto {CALICO_PROTOCOL}"


def remote_block(block: Network, via: Address) -> str:
    return f"route add {block} via {via} dev eth0 proto {CALICO_PROTOCOL} onlink"


def masquerade(pools: Iterable[Network]) -> str:
    """Source NAT for what leaves the pod network, as Calico's natOutgoing has it: not for pod to pod, nor for node to pod."""
    rules = []
    for pool in pools:
        ip = "ip" if pool.version == 4 else "ip6"
        rules.append(
            f"table {ip} nat {{\n  chain POSTROUTING {{\n    type nat hook postrouting priority 100; policy accept;\n"
            f"    {ip} saddr {pool} {ip} daddr != {pool} masquerade\n  }}\n}}\n"
        )
    return "".join(rules)


def pod_node_side(interface: str, addresses: Iterable[Address], pod: str) -> list[str]:
    lines = [
        f"link add {interface} mtu {POD_MTU} address {CALI_MAC} type veth peer name eth0 mtu {POD_MTU} netns {pod}",
        f"link set {interface} up",
    ]
    for address in addresses:
        # As every CNI: where another pod's row for the address stands already, the new pod is right.
        lines.append(
            f"route replace {address} dev {interface} " + ("scope link" if address.version == 4 else "metric 1024")
        )
    return lines


def pod_interface_parameters(interface: str, families: Sequence[Family]) -> dict[str, str]:
    """As Calico's Felix sets them: the node answers for the pods' gateway, and without the kernel's random delay."""
    if "ipv4" not in families:
        return {}
    return {
        f"net/ipv4/conf/{interface}/proxy_arp": "1",
        f"net/ipv4/neigh/{interface}/proxy_delay": "0",
    }


def pod_side(addresses: Iterable[Address]) -> list[str]:
    lines = ["link set lo up", "link set eth0 up"]
    for address in addresses:
        lines.append(f"addr add {address}/{address.max_prefixlen} dev eth0 {'' if address.version == 4 else 'nodad'}")
        if address.version == 4:
            lines += [f"route add {POD_GATEWAY} dev eth0 scope link", f"route add default via {POD_GATEWAY} dev eth0"]
        else:
            lines.append(f"route add default via {CALI_LINK_LOCAL} dev eth0")
    return lines


def _flags(address: Address) -> str:
    return "brd +" if address.version == 4 else "nodad"
