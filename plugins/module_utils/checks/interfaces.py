# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong between a node and its own pods, and inside these. Private to the collection.

These checks ask about one node only and run while it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..network.cni import is_default, is_for_half
from ..network.interface_names import computed_prefixes, pod_interface_name, recognise_interface
from ..network.snapshot import Pod
from ..network.table import address_number
from ..text.ip_address import Link
from ..text.ip_route import Route
from .fault import Fault, host_prefix, listed
from .reading import FAMILIES, Inside, Reading, asks_for_gateway, device_setting, has_gateway, is_settled


def check_pods_of(reading: Reading) -> Iterator[Fault]:
    """What is wrong with the pods of a node, each by itself."""
    pods = [pod for pod in reading.snapshot.pods if is_settled(pod)]
    prefixes = computed_prefixes(reading.links)
    names = [[pod_interface_name(prefix, pod.namespace, pod.name) for prefix in prefixes] for pod in pods]
    # Where one of a prefix is there, all should be.
    in_use = [place for place in range(len(prefixes)) if any(found[place] in reading.links for found in names)]
    ends = [(pod, _interface(pod, found, reading)) for pod, found in zip(pods, names, strict=True)]
    yield from _mute_gateways(ends, reading)
    yield from _shut_ends(ends, reading)
    for (pod, link), found in zip(ends, names, strict=True):
        inside = reading.insides.get(pod.key)
        down = _down(pod, link, inside, found[in_use[0]] if in_use else None, reading)
        if down is not None:
            yield down
        elif inside is not None:
            yield from _wrong_inside(pod, inside)


def _interface(pod: Pod, names: Iterable[str], reading: Reading) -> Link | None:
    """The node's end of the pod's cable: by the pod's own end, its computed name, or the row for its address."""
    inside = reading.insides.get(pod.key)
    if inside is not None and inside.interface is not None:
        return inside.interface
    for name in names:
        if name in reading.pod_links:
            return reading.pod_links[name]
    rows = (_row(address, reading) for address in pod.ips)
    devices = (row.dev for row in rows if row is not None and row.dev is not None)
    return next((reading.pod_links[device] for device in devices if device in reading.pod_links), None)


def _row(address: str, reading: Reading) -> Route | None:
    bits, number = address_number(address)
    return reading.tables[bits].find(bits, number) if bits in reading.tables else None


def _down(pod: Pod, link: Link | None, inside: Inside | None, expected: str | None, reading: Reading) -> Fault | None:
    ends = [link] if inside is None else [link, *(end for end in inside.links if _is_pods_end(end, pod, link))]
    dead = [end for end in ends if end is not None and not end.is_up]
    if dead:
        message = f"the interface {dead[0].name} of pod {pod.key} is down"
        return _of_pod("pod-interface-down", pod, message, [end.raw for end in dead])
    if link is None and expected and not any(_leads_on(address, reading) for address in pod.ips):
        lines = [f"no {expected} among the interfaces of {pod.node}"]
        return _of_pod("pod-interface-down", pod, f"the interface {expected} of pod {pod.key} is gone", lines)
    return None


def _is_pods_end(end: Link, pod: Pod, link: Link | None) -> bool:
    """Whether a link inside a pod is the one with its address; others may be down as they please."""
    is_other_end = link is not None and end.peer == f"if{link.index}"
    return is_other_end or any(entry.address in pod.ips for entry in end.addresses)


def _leads_on(address: str, reading: Reading) -> bool:
    """Whether a row of the node's leads somewhere for that address, if only to a bridge."""
    row = _row(address, reading)
    return row is not None and row.type == "unicast" and not is_default(row)


def _mute_gateways(ends: list[tuple[Pod, Link | None]], reading: Reading) -> Iterator[Fault]:
    """Pods whose gateway nobody answers for, as far as they are known to have Calico's."""
    settings = reading.snapshot.sysctls
    if settings.get("net.ipv4.conf.all.proxy_arp") or has_gateway(reading.links):
        return
    mute, others = [], 0
    for pod, link in ends:
        if link is None or not link.name.startswith("cali") or not _has_ipv4(pod):
            continue
        name = device_setting(link.name, "proxy_arp")
        if name in settings:
            if settings[name]:
                others += 1
            else:
                mute.append((pod, link, f"{name} = 0"))
    if not others and not any(asks_for_gateway(inside) for inside in reading.insides.values()):
        return
    if len(mute) > 1 and not others:
        node = reading.snapshot.node.name
        hosts = tuple(host_prefix(address) for pod, _link, _line in mute for address in pod.ips)
        message = f"{node} does not answer for the gateway of any of its {len(mute)} pods"
        yield Fault("proxy-arp-disabled", message, tuple(line for _pod, _link, line in mute), node, to=hosts)
        return
    for pod, link, line in mute:
        message = f"{pod.node} does not answer for the gateway of pod {pod.key}, on {link.name}"
        yield _of_pod("proxy-arp-disabled", pod, message, [line])


def _shut_ends(ends: list[tuple[Pod, Link | None]], reading: Reading) -> Iterator[Fault]:
    """Pods whose packets get no further than to their node, which forwards those that come in elsewhere."""
    settings = reading.snapshot.sysctls
    others = (name for name in reading.links if name not in reading.pod_links)
    # Where nothing is forwarded, that is one finding, of the node.
    if settings.get("net.ipv4.ip_forward") == 0 and not any(
        settings.get(device_setting(name, "forwarding")) for name in others
    ):
        return
    shut = [
        (pod, link)
        for pod, link in ends
        if link is not None
        and settings.get(device_setting(link.name, "forwarding")) == 0
        and _is_routed(link)
        and _has_ipv4(pod)
    ]
    if not shut:
        return
    first, node = shut[0][0], reading.snapshot.node.name
    whose = f"pod {first.key}" if len(shut) == 1 else f"{len(shut)} of its pods"
    message = (
        f"{node} does not forward packets of {whose}, which come in at {listed([link.name for _pod, link in shut])}"
    )
    lines = tuple(f"{device_setting(link.name, 'forwarding')} = 0" for _pod, link in shut)
    hosts = tuple(host_prefix(address) for pod, _link in shut for address in pod.ips if ":" not in address)
    yield Fault("ip-forward-disabled", message, lines, node, first.key if len(shut) == 1 else None, to=hosts)


def _is_routed(link: Link) -> bool:
    """Whether it is the kernel's forwarding that takes on what comes in: that of no bridge, nor a program of Cilium's."""
    interface = recognise_interface(link.name)
    return link.master is None and (interface is None or interface.owner != "cilium")


def _has_ipv4(pod: Pod) -> bool:
    return any(":" not in address for address in pod.ips)


def _wrong_inside(pod: Pod, inside: Inside) -> Iterator[Fault]:
    own = [(link, entry) for link in inside.links for entry in link.addresses if entry.scope == "global"]
    missing = [address for address in pod.ips if address not in {entry.address for _link, entry in own}]
    if inside.links and missing:
        lines = [f"{link.name}: {entry.address}/{entry.prefix_length}" for link, entry in own]
        message = f"pod {pod.key} does not have {' and '.join(missing)}, which the API says is its address"
        yield _of_pod("pod-address-mismatch", pod, message, lines or ["no address"])
    for bits in {address_number(address)[0] for address in pod.ips} & inside.routes.keys():
        # A VPN in the pod may well have two halves for the whole.
        if not any(route.type == "unicast" and is_for_half(route) for route in inside.routes[bits]):
            message = f"pod {pod.key} has no default route for {FAMILIES[bits]}"
            yield _of_pod("pod-no-default-route", pod, message, [route.raw for route in inside.routes[bits]])
    yield from _wrong_gateways(pod, inside)
    outside = inside.interface
    for link in inside.links:
        if outside is not None and link.peer == f"if{outside.index}" and link.mtu > outside.mtu:
            message = (
                f"pod {pod.key} sends packets of {link.mtu} bytes, its node's end {outside.name} takes {outside.mtu}"
            )
            yield _of_pod("mtu-too-small", pod, message, [link.raw, outside.raw])


def _wrong_gateways(pod: Pod, inside: Inside) -> Iterator[Fault]:
    """Where a fixed entry of the pod's says that its gateway is somebody else than its node."""
    gateways = {route.gateway for routes in inside.routes.values() for route in routes}
    right = inside.interface.mac if inside.interface else None
    for entry in inside.neighbours:
        is_wrong = entry.address in gateways and entry.state == "PERMANENT" and entry.lladdr != right
        if right is not None and is_wrong:
            message = f"pod {pod.key} takes {entry.lladdr} for its gateway {entry.address}, which is {right}"
            yield _of_pod("wrong-neighbour", pod, message, [entry.raw])


def _of_pod(code: str, pod: Pod, message: str, lines: list[str]) -> Fault:
    return Fault(code, message, tuple(lines), pod.node, pod.key)
