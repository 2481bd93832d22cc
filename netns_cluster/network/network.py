# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster's network: a gateway, an emulated Internet, a namespace per node and per pod.

Its methods are awaited by the API server's one event loop; the work is done one step after the other in one thread, because
entering a network namespace concerns a whole thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from netns_cluster.config import INTERNET, Shape, dns_addresses, gateway_addresses, reservations
from netns_cluster.network import commands, namespaces
from netns_cluster.network.blocks import Address, BlockPool, Network, NodeAddresses

P = ParamSpec("P")
R = TypeVar("R")

DNS_PORT = 53


@dataclass
class NodeNetwork:
    """A node: its namespace, its own addresses, and what it gives to pods, both per family."""

    name: str
    namespace: int
    addresses: tuple[Address, ...]
    pods: list[NodeAddresses]


@dataclass(frozen=True)
class PodNetwork:
    """A pod's namespace and addresses; for a pod of the host network those of its node, with no interface of its own."""

    node: str
    namespace: int
    addresses: tuple[Address, ...]
    interface: str | None


class ClusterNetwork:
    """All namespaces of one cluster. ``volumes`` is the directory of what containers can have mounted."""

    def __init__(self, shape: Shape, volumes: Path) -> None:
        self._shape = shape
        self._volumes = volumes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
        self._others: list[int] = []
        self.nodes: dict[str, NodeNetwork] = {}

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def build(self) -> None:
        """Make gateway, Internet and nodes."""
        await self._run(self._build)

    async def dns_sockets(self) -> list[socket.socket]:
        """Return a bound UDP socket for each node and family: the cluster's name server is on every node."""
        return await self._run(self._dns_sockets)

    async def attach(self, node: str, namespace: str, name: str) -> PodNetwork:
        """Make a pod's namespace and connect it to its node."""
        return await self._run(self._attach, self.nodes[node], namespace, name)

    async def detach(self, pod: PodNetwork) -> None:
        """Take a pod off its node. Its addresses are given out again only after all others."""
        await self._run(self._detach, pod)

    def host_network(self, node: str) -> PodNetwork:
        return PodNetwork(node, self.nodes[node].namespace, self.nodes[node].addresses, interface=None)

    def _build(self) -> None:
        shape = self._shape
        pools = [ipaddress.ip_network(subnet) for subnet in shape.pod_subnets]
        block_pools = [BlockPool(pool) for pool in pools]
        for name in shape.nodes:
            directory = self._volumes / reservations(name)
            directory.mkdir(parents=True)
            pods = [NodeAddresses(name, pool, directory, place) for place, pool in enumerate(block_pools)]
            self.nodes[name] = NodeNetwork(name, self._create(), shape.node_addresses(name), pods)
        gateway, internet = self._create(), self._create()
        self._others += [gateway, internet]
        self._build_gateway(gateway, internet)
        namespaces.enter(internet)
        namespaces.ip(commands.internet(INTERNET[family] for family in shape.families))
        rules = commands.masquerade(pools)
        for node in self.nodes.values():
            self._build_node(node, rules)

    def _create(self) -> int:
        namespace = namespaces.create()
        namespaces.sysctl(commands.base_parameters(self._shape.families))
        return namespace

    def _build_gateway(self, gateway: int, internet: int) -> None:
        nodes = dict(enumerate(self.nodes.values(), start=1))
        lines = commands.gateway(
            gateway_addresses(self._shape.families),
            {number: commands.mac_of(node.addresses[0]) for number, node in nodes.items()},
            namespaces.reference(internet),
            {number: namespaces.reference(node.namespace) for number, node in nodes.items()},
        )
        namespaces.enter(gateway)
        namespaces.sysctl(commands.router_parameters(self._shape.families))
        namespaces.ip(lines, peers=[internet, *(node.namespace for node in nodes.values())])

    def _build_node(self, node: NodeNetwork, rules: str) -> None:
        families = self._shape.families
        lines = commands.node(node.addresses, gateway_addresses(families), dns_addresses(families))
        for place in range(len(families)):
            for other in self.nodes.values():
                for block in other.pods[place].blocks:
                    lines.append(self._block_route(node, other, block, place))
        namespaces.enter(node.namespace)
        namespaces.sysctl(commands.router_parameters(families))
        namespaces.ip(lines)
        namespaces.nft(rules)

    @staticmethod
    def _block_route(node: NodeNetwork, owner: NodeNetwork, block: Network, place: int) -> str:
        return commands.own_block(block) if owner is node else commands.remote_block(block, owner.addresses[place])

    def _dns_sockets(self) -> list[socket.socket]:
        sockets = []
        for node in self.nodes.values():
            namespaces.enter(node.namespace)
            sockets += [namespaces.udp_socket(str(ip), DNS_PORT) for ip in dns_addresses(self._shape.families)]
        return sockets

    def _attach(self, node: NodeNetwork, namespace: str, name: str) -> PodNetwork:
        addresses = tuple(self._take_address(node, place) for place in range(len(self._shape.families)))
        pod = PodNetwork(node.name, self._create(), addresses, commands.pod_interface(namespace, name))
        assert pod.interface  # noqa: S101 - for the type checker: this pod has one
        lines = commands.pod_node_side(pod.interface, addresses, namespaces.reference(pod.namespace))
        try:
            namespaces.enter(node.namespace)
            namespaces.ip(lines, peers=[pod.namespace])
            namespaces.sysctl(commands.pod_interface_parameters(pod.interface, self._shape.families))
            namespaces.enter(pod.namespace)
            namespaces.ip(commands.pod_side(addresses))
        except BaseException:
            self._detach(pod)
            raise
        return pod

    def _take_address(self, node: NodeNetwork, place: int) -> Address:
        address, new_block = node.pods[place].take()
        if new_block:
            for other in self.nodes.values():
                namespaces.enter(other.namespace)
                namespaces.ip([self._block_route(other, node, new_block, place)])
        return address

    def _detach(self, pod: PodNetwork) -> None:
        if pod.interface is None:
            return
        node = self.nodes[pod.node]
        # The interface may be gone already: somebody may have removed it to see what happens.
        namespaces.enter(node.namespace)
        with contextlib.suppress(namespaces.NetworkError):
            namespaces.ip([f"link delete {pod.interface}"])
        os.close(pod.namespace)
        for pool, address in zip(node.pods, pod.addresses, strict=True):
            pool.give_back(address)
