# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which CNI a row of a node's routing table speaks of, and what that CNI means by it. Private to the collection.

Only the form of the row is looked at: its device, type, next hop. A CNI's form is a sign, no proof: who knows the nodes
and the pods holds them against it (see explain.py).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..text.ip_route import NextHop, Route
from .interface_names import Interface, recognise_interface
from .table import USUAL_TABLES, address_number, prefix_number, table_of

# cluster: the addresses of all pods, this node's included. None: the CNI's, but none of these.
Meaning = Literal["local_pod", "own_block", "remote_block", "cluster", "service"]


class Sign(NamedTuple):
    cni: str
    meaning: Meaning | None


# Route protocols of Calico: felix writes 80, which has no name; its BIRD, and any other BIRD, 12. Alone they prove
# nothing: a table of names on the host may rename them, and busybox prints none.
_BIRD_PROTOCOLS = {"bird", "12"}
_CALICO_PROTOCOLS = {"80", *_BIRD_PROTOCOLS}

# bits -> (first bits of the range, how many they are)
_LINK_RANGES = {32: ((0xA9FE, 16), (0xE, 4)), 128: ((0x3FA, 10), (0xFF, 8))}

# Where Antrea and OVN-Kubernetes send packets for Services (VirtualServiceIPv4/v6, the masquerade dummy next hops).
_SERVICE_GATEWAYS = {
    "169.254.0.253": "antrea",
    "169.254.169.253": "antrea",
    "fc01::aabb:ccdd:eeff": "antrea",
    "169.254.0.4": "ovn-kubernetes",
    "169.254.169.4": "ovn-kubernetes",
    "fd69::4": "ovn-kubernetes",
}


def is_host(prefix: str) -> bool:
    """Whether the prefix is one address."""
    return prefix.endswith("/128" if ":" in prefix else "/32")


def is_default(route: Route) -> bool:
    """Whether the row is for all packets that no other row is for."""
    return route.dst.endswith("/0")


def is_usual_default(route: Route) -> bool:
    """Whether the row is a default route of the node's uplink: a further uplink, or a CNI, has one in a table of its own."""
    return is_default(route) and table_of(route) in USUAL_TABLES


def is_for_half(route: Route) -> bool:
    """Whether the row is for all packets that no other row is for, or for half of them: two halves may stand for the whole."""
    return prefix_number(route.dst)[2] <= 1


def is_block_sized(prefix: str) -> bool:
    """Whether the prefix may be a block of Calico's: /20 to /31, /116 to /127 (its blockSize, a single address aside)."""
    bits, _unused, length = prefix_number(prefix)
    return bits - 12 <= length < bits


def holds(prefix: str, address: str) -> bool:
    """Whether the address is in the prefix."""
    bits, first, length = prefix_number(prefix)
    family, number = address_number(address)
    return family == bits and number >> (bits - length) == first >> (bits - length)


def is_link_local_or_multicast(prefix: str) -> bool:
    """Whether the prefix is one that each link has for itself: 169.254.0.0/16, fe80::/10, 224.0.0.0/4, ff00::/8."""
    bits, first, length = prefix_number(prefix)
    ranges = _LINK_RANGES[bits]
    return any(length >= size and first >> (bits - size) == start for start, size in ranges)


def devices(route: Route) -> list[str]:
    """The devices that packets leave through: one, several for a multipath route, none for a blackhole in IPv4."""
    return [dev for dev in (route.dev, *(hop.dev for hop in living_hops(route))) if dev]


def gateways(route: Route) -> list[str]:
    """The next hops' addresses: several for a multipath route, none for what is connected."""
    several = [hop.gateway for hop in living_hops(route) if hop.gateway]
    return [route.gateway, *several] if route.gateway else several


def living_hops(route: Route) -> list[NextHop]:
    """The next hops of a multipath route that the kernel sends packets to: not those whose device is down."""
    return [hop for hop in route.nexthops if "dead" not in hop.flags]


def is_direct(route: Route) -> bool:
    """Whether the row has no next hop: packets go straight to the address, or nowhere."""
    return route.gateway is None and not route.nexthops


def leads_to_host(route: Route) -> bool:
    """Whether packets to one address go straight to it, as those to a pod do on its node."""
    return route.type == "unicast" and is_direct(route) and is_host(route.dst)


def is_by_bird(route: Route) -> bool:
    """Whether BIRD wrote the row: Calico's, or one of an admin's that announces whatever networks."""
    return route.protocol in _BIRD_PROTOCOLS


def looks_written_by_cni(route: Route) -> bool:
    """Whether a row with a next hop has a mark that CNIs leave: a sign only where that next hop is a node.

    Calico's protocols, Cilium's kernel on a row that the kernel would not have made; onlink where busybox prints none.
    """
    if route.protocol is None:
        return "onlink" in route.flags
    return route.protocol in _CALICO_PROTOCOLS or route.protocol == "kernel"


def sign_of(route: Route) -> Sign | None:
    """What the row's own form tells, None when it is of no CNI's making, as the default route."""
    if route.dst.endswith("/0"):
        return None
    if route.type == "blackhole" and route.protocol in _CALICO_PROTOCOLS and is_block_sized(route.dst):
        return Sign("calico", "own_block")
    interface = next((known for known in map(recognise_interface, devices(route)) if known), None)
    if interface is not None and interface.role == "services":
        return Sign(interface.owner, "service")
    if route.type != "unicast":
        return None
    if interface is not None:
        own = is_link_local_or_multicast(route.dst)
        return Sign(interface.owner, None if own else _meaning(route, interface))
    return _sign_without_device(route)


def _meaning(route: Route, interface: Interface) -> Meaning | None:
    via = gateways(route)
    if any(gateway in _SERVICE_GATEWAYS for gateway in via):
        # The service gateway's own row leads to itself.
        return None if is_host(route.dst) and route.dst.partition("/")[0] in via else "service"
    match interface.role:
        case "pod":
            return "local_pod" if is_host(route.dst) and not via else None
        case "bridge":
            return "own_block" if not via and not is_host(route.dst) else None
        case "gateway":
            return _meaning_on_gateway(route, interface, via)
        case "tunnel":
            return "remote_block" if via or not is_host(route.dst) else None
        case "cluster":
            # Kube-OVN: the connected row is the network that joins the nodes, the pods are behind a gateway or a static row.
            joins = interface.owner == "kube-ovn" and not via and route.protocol != "static"
            return "cluster" if not is_host(route.dst) and not joins else None
    return None


def _meaning_on_gateway(route: Route, interface: Interface, via: list[str]) -> Meaning | None:
    if is_host(route.dst):
        # Antrea on EKS and AKS (policyOnly): a row for each pod, all on one device.
        return "local_pod" if interface.owner == "antrea" and not via else None
    if not via:
        return "own_block"
    # Cilium: own and other pods go via the node's own address on cilium_host, which lies in its own block.
    if interface.owner == "cilium" and all(holds(route.dst, gateway) for gateway in via):
        return "own_block"
    return "remote_block"


def _sign_without_device(route: Route) -> Sign | None:
    via = gateways(route)
    if not via:
        if is_host(route.dst) and route.scope == "host" and (route.dev or "").startswith("veth"):
            return Sign("kindnet", "local_pod")  # the ptp plugin's host route, which kindnet is built on
        return None
    service = next((_SERVICE_GATEWAYS[gateway] for gateway in via if gateway in _SERVICE_GATEWAYS), None)
    if service is not None and not is_host(route.dst):
        return Sign(service, "service")
    if route.protocol == "80" and "onlink" in route.flags and not is_host(route.dst):
        return Sign("calico", "remote_block")
    return None
