# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node's settings, links and neighbours do to packets that its tables lead right. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator

from ..network.cni import devices, gateways, is_default
from ..network.forwarding import Move
from ..network.interface_names import is_tunnel, recognise_interface
from ..network.path import follow
from ..network.table import address_number
from ..text.ip_address import Link
from .facts import Facts
from .fault import Fault, host_prefix, listed
from .node_facts import NodeFacts
from .reading import FAMILIES, device_setting

# Bytes that a tunnel puts around a packet, on IPv4: outer IP header and what the encapsulation has of its own.
_OVERHEAD = {"vxlan": 50, "geneve": 50, "ipip": 20, "sit": 20, "gre": 24, "wireguard": 60}
_FORWARDING = {32: "net.ipv4.ip_forward", 128: "net.ipv6.conf.all.forwarding"}


def check_hosts(facts: Facts) -> Iterator[Fault]:
    yield from _no_forwarding(facts)
    yield from _no_default_routes(facts)
    yield from _wrong_neighbours(facts)
    yield from _narrow_links(facts)
    yield from _strict_filters(facts)
    yield from _asymmetric_paths(facts)


def _no_forwarding(facts: Facts) -> Iterator[Fault]:
    for name, node in facts.nodes.items():
        for bits in facts.families:
            of_all = _FORWARDING[bits]
            # For IPv4 the kernel asks the device at which a packet comes in, for IPv6 the setting of all.
            arrivals = _arrivals(facts, name) if bits == 32 else ()
            of_devices = {device_setting(device, "forwarding"): device for device in arrivals}
            asked = {setting if setting in node.sysctls else of_all for setting in of_devices} or {of_all}
            shut = sorted(setting for setting in asked if node.sysctls.get(setting) == 0)
            # Whoever switches it off for all switches it off for each device.
            if len(shut) == len(asked) and node.sysctls.get(of_all) == 0:
                shut = [of_all]
            if shut:
                message = f"{name} does not forward {FAMILIES[bits]} packets"
                if of_all not in shut:
                    message += f" that come in at {listed([of_devices[setting] for setting in shut])}"
                lines = tuple(f"{setting} = 0" for setting in shut)
                yield Fault("ip-forward-disabled", message, lines, name, spares_own=True)


def _arrivals(facts: Facts, name: str) -> set[str]:
    """The devices of a node at which packets of pods come in, those of single pods aside."""
    links, from_nodes = facts.nodes[name].links, facts.devices_in(name)
    roles = {link: interface.role for link in links if (interface := recognise_interface(link))}
    # Where no row names a node and the CNI has no device for that, the network between the nodes brings pods' packets.
    if not from_nodes and not {"gateway", "cluster", "tunnel"}.intersection(roles.values()):
        from_nodes = {link.name for link in filter(_receives, links.values()) if facts.faces_senders(link)}
    return from_nodes | {link for link, role in roles.items() if role in ("bridge", "gateway", "cluster")}


def _no_default_routes(facts: Facts) -> Iterator[Fault]:
    for bits in facts.families or _families_of_nodes(facts):
        read = [name for name, node in facts.nodes.items() if bits in node.tables]
        lacking = [name for name in read if bits not in facts.nodes[name].default_routes]
        # Kubernetes needs a default route for IPv4. For IPv6 a cluster without a way out may be meant to have none.
        if bits == 128 and lacking == read:
            continue
        for name in lacking:
            rows = facts.forwarding[name].table(bits).where(is_default)
            lines = tuple(row.raw for row in rows) or (f"no default row in the {FAMILIES[bits]} tables of {name}",)
            message = f"{name} has no {FAMILIES[bits]} default route{' that its packets leave by' if rows else ''}"
            yield Fault("no-default-route", message, lines, name, to=_needing_default_route(facts, name, bits))


def _families_of_nodes(facts: Facts) -> list[int]:
    """The families in which pods will have addresses, before any does: those of the nodes' own."""
    found = {":" in address for node in facts.nodes.values() for address in node.node.addresses}
    return [bits for bits in FAMILIES if (bits == 128) in found]


def _needing_default_route(facts: Facts, name: str, bits: int) -> tuple[str, ...] | None:
    """Whose packets a node needs a default route for: None for those of all, where no rows lead to pods.

    A node stands in for its pods' gateway as long as it has a route to where that would be.
    """
    if not facts.blocks:
        return None
    outside = facts.cluster.outside_address
    to = [host_prefix(outside)] if outside else []
    if bits == 32 and facts.nodes[name].stands_in_for_gateway:
        to += _hosts_on(facts, name)
    return tuple(to)


def _wrong_neighbours(facts: Facts) -> Iterator[Fault]:
    known = set(facts.macs.values())
    for name, node in facts.nodes.items():
        for entry in node.neighbours:
            if entry.lladdr is None or "%" in entry.address or _is_gateway(entry.dev):
                continue
            number = address_number(entry.address)
            right = facts.macs.get(number)
            owner = facts.owner(*number) if right not in (None, entry.lladdr) else None
            # A cloud's router may answer for all nodes; it is neither fixed nor another node. So may any interface of a node
            # for all of that node's addresses.
            if owner not in (None, name) and (
                entry.state == "PERMANENT"
                or (entry.lladdr in known and entry.lladdr not in _macs_of(facts, owner or ""))
            ):
                message = f"{name} takes {entry.lladdr} for {owner} ({entry.address}), which is {right}"
                to = tuple(block.prefix for block in facts.blocks_of(owner or ""))
                yield Fault("wrong-neighbour", message, (entry.raw,), name, to=(*to, host_prefix(entry.address)))
            for pod in facts.book.pods_at_number(*number):
                macs = node.macs.get(pod.key)
                if macs and entry.lladdr not in macs and entry.state == "PERMANENT":
                    message = f"{name} takes {entry.lladdr} for pod {pod.key} ({entry.address}), which is {min(macs)}"
                    yield Fault("wrong-neighbour", message, (entry.raw,), name, pod.key, (host_prefix(entry.address),))


def _is_gateway(device: str) -> bool:
    """Whether the device is one of a CNI that has made-up neighbours behind it, such as Antrea's one MAC for all nodes."""
    interface = recognise_interface(device)
    return interface is not None and interface.role == "gateway"


def _macs_of(facts: Facts, node: str) -> set[str | None]:
    return {link.mac for link in facts.nodes[node].links.values()}


# MTU.


def _narrow_links(facts: Facts) -> Iterator[Fault]:
    largest = max((node.pod_mtu for node in facts.nodes.values() if node.pod_mtu), default=0)
    for name, node in facts.nodes.items():
        pod_mtu = node.pod_mtu or largest
        for device in sorted(facts.devices_out(name)):
            link = node.links.get(device)
            if link is None:
                continue
            if link.mtu < pod_mtu:
                message = f"{link.name} of {name} takes packets of {link.mtu} bytes, the pods send {pod_mtu}"
                yield Fault("mtu-too-small", message, (link.raw,), name)
            for below in _below(link, facts, node):
                if link.mtu + _OVERHEAD[link.kind or ""] > below.mtu:
                    message = (
                        f"{link.name} of {name} takes packets of {link.mtu} bytes and adds {_OVERHEAD[link.kind or '']},"
                        f" {below.name} below it takes {below.mtu}"
                    )
                    yield Fault("mtu-too-small", message, (link.raw, below.raw), name)


def _below(link: Link, facts: Facts, node: NodeFacts) -> Iterator[Link]:
    """The links that a tunnel's packets leave through: the one that it is bound to, or those with the node's addresses."""
    if link.kind not in _OVERHEAD:
        return
    for other in node.links.values():
        is_uplink = any(entry.address in node.node.addresses for entry in other.addresses)
        if other.name == link.underlay or (link.underlay is None and is_uplink):
            yield other


# Both ways of a pair of nodes.


def _strict_filters(facts: Facts) -> Iterator[Fault]:
    """Where packets of another node's pods come in at another device than packets for them leave through."""
    for name, node in facts.nodes.items():
        strict = {link for link in node.links if _is_strict(node, link)}
        if not strict or len(facts.devices_out(name) | facts.devices_in(name)) < 2:
            continue
        found: dict[str, dict[str, str]] = {}
        for other in facts.nodes:
            for arrival, line in _mismatches(facts, name, other) if other != name else ():
                found.setdefault(arrival, {})[other] = line
        for arrival in strict & found.keys():
            setting = device_setting(arrival, "rp_filter")
            message = f"{name} drops packets of other nodes' pods at {arrival}, as those for them leave through another device"
            lines = (f"{setting} = {node.sysctls.get(setting)}", *found[arrival].values())
            to = [prefix for other in found[arrival] for prefix in _hosts_on(facts, other)]
            yield Fault("strict-rp-filter", message, lines, name, to=tuple(to))


def _hosts_on(facts: Facts, name: str) -> Iterator[str]:
    """The IPv4 addresses of a node and its pods, as CIDRs."""
    pods = (address for pod in facts.book.pods_on(name) for address in pod.ips)
    yield from (host_prefix(address) for address in (*facts.nodes[name].node.addresses, *pods) if ":" not in address)


def _is_strict(node: NodeFacts, link: str) -> bool:
    """The kernel takes the larger one of the device's value and that of all; 1 is strict, 2 loose."""
    return max(node.sysctls.get(device_setting(device, "rp_filter"), 0) for device in ("all", link)) == 1


def _mismatches(facts: Facts, name: str, other: str) -> Iterator[tuple[str, str]]:
    """The device at which packets from another node come in, and the row for the way back, where that has another one."""
    there, back = _move(facts, other, name), _move(facts, name, other)
    if there is None or back is None or there.row is None or back.row is None or there.nodes != {name}:
        return
    sent_through = there.row.dev
    for link in filter(_receives, facts.nodes[name].links.values()):
        holds_gateway = any(entry.address in gateways(there.row) for entry in link.addresses)
        is_arrival = link.name == sent_through if is_tunnel(sent_through) else holds_gateway
        if is_arrival and devices(back.row) and link.name not in devices(back.row):
            yield link.name, back.row.raw


def _receives(link: Link) -> bool:
    """Whether packets of others can come in at the link: a node may hold its addresses on lo or a dummy, too."""
    return "LOOPBACK" not in link.flags and link.kind != "dummy"


def _move(facts: Facts, source: str, target: str) -> Move | None:
    """Where a node sends IPv4 packets for the pods of another one, by the first of these."""
    for pod in facts.book.pods_on(target):
        for address in pod.ips:
            if ":" not in address:
                moves = facts.forwarding[source].moves(address)
                return moves[-1] if moves else None
    return None


def _asymmetric_paths(facts: Facts) -> Iterator[Fault]:
    """Where a node reaches another one's own address through a third, and that one comes back another way."""
    for name, hop in facts.next_hops():
        via = facts.owner(*address_number(hop.gateway))
        if via is None or via == name or hop.dst.endswith("/0"):
            continue
        own = [address for address in facts.nodes[name].node.addresses if (":" in address) == (":" in hop.dst)]
        for other, address in facts.nodes_in(hop.dst):
            if other in (name, via) or not own:
                continue
            there = follow(facts.forwarding, name, address, other)
            back = follow(facts.forwarding, other, own[0], name)
            if there.nodes != back.nodes[::-1] and there.end == back.end == "delivered":
                message = (
                    f"{name} reaches {other} by {' -> '.join(there.nodes)}, the way back is {' -> '.join(back.nodes)}"
                )
                rows = [
                    f"on {step.node}: {step.move.row.raw}" for step in there.hops[:-1] if step.move and step.move.row
                ]
                yield Fault("asymmetric-path", message, tuple(rows), name, to=(host_prefix(address),))
