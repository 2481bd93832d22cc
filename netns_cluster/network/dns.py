# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster's name server: names of nodes, pods and services, and back from addresses.

    demo-worker, 172-18-0-4.demo-worker.node.lab.internal        a node
    192-168-157-129.bb1.default.pod.lab.internal                 a pod
    192-168-157-129.default.pod.cluster.local                    a pod, as Kubernetes names it
    kubernetes.default.svc.cluster.local                         a service

It answers on every node at the cluster's DNS service address. It asks nobody else: any other name does not exist.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

from dnslib import AAAA, PTR, QTYPE, RCODE, RR, A, DNSError, DNSRecord

from netns_cluster.api.store import Store
from netns_cluster.config import INTERNET
from netns_cluster.controllers.environment import CLUSTER_DOMAIN
from netns_cluster.network.blocks import Address

Object = dict[str, Any]

LAB_DOMAIN = "lab.internal"
INTERNET_NAME = f"emulated-internet.{LAB_DOMAIN}"
TTL = 5


class NameServer:
    """Looks names up in the store each time: there is nothing to keep up to date."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def serve(self, sockets: Iterable[socket.socket]) -> None:
        """Answer at each socket from now on."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            loop.add_reader(sock, self._receive, sock)

    def _receive(self, sock: socket.socket) -> None:
        try:
            packet, client = sock.recvfrom(4096)
            sock.sendto(self.answer(packet), client)
        except (DNSError, OSError):
            return  # not a question, or nobody there to hear the answer

    def answer(self, packet: bytes) -> bytes:
        """Return the answer to a question in DNS form (RFC 1035)."""
        request = DNSRecord.parse(packet)
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE.get(request.q.qtype)
        if kind == "PTR":
            target = self.name_of(name)
            if target:
                reply.add_answer(RR(request.q.qname, QTYPE.PTR, rdata=PTR(target), ttl=TTL))
        else:
            addresses = self.addresses_of(name)
            for address in addresses:
                wanted = "A" if address.version == 4 else "AAAA"
                if kind == wanted:
                    record = A(str(address)) if address.version == 4 else AAAA(str(address))
                    reply.add_answer(RR(request.q.qname, getattr(QTYPE, wanted), rdata=record, ttl=TTL))
            target = "known" if addresses else None
        if target is None:
            reply.header.rcode = RCODE.NXDOMAIN
        result: bytes = reply.pack()
        return result

    def addresses_of(self, name: str) -> list[Address]:
        """Return the addresses of a name, none for one that does not exist."""
        for node in self._store.objects("nodes"):
            addresses = _node_addresses(node)
            if name == node["metadata"]["name"]:
                return addresses
            if found := [address for address in addresses if name == _node_name(node, address)]:
                return found
        if name.endswith(f".svc.{CLUSTER_DOMAIN}"):
            return self._service_addresses(name.removesuffix(f".svc.{CLUSTER_DOMAIN}"))
        if name == INTERNET_NAME:
            return list(INTERNET.values())
        return [address for pod, address in self._pod_addresses() if name in _pod_names(pod, address)]

    def name_of(self, reverse_name: str) -> str | None:
        """Return the name of an address; the question is like 4.0.18.172.in-addr.arpa."""
        for node in self._store.objects("nodes"):
            for address in _node_addresses(node):
                if address.reverse_pointer == reverse_name:
                    return _node_name(node, address)
        for pod, address in self._pod_addresses():
            if address.reverse_pointer == reverse_name:
                return _pod_names(pod, address)[0]
        for service in self._store.objects("services"):
            metadata = service["metadata"]
            for ip in service["spec"]["clusterIPs"]:
                if ipaddress.ip_address(ip).reverse_pointer == reverse_name:
                    return f"{metadata['name']}.{metadata['namespace']}.svc.{CLUSTER_DOMAIN}"
        return INTERNET_NAME if reverse_name in (ip.reverse_pointer for ip in INTERNET.values()) else None

    def _service_addresses(self, name: str) -> list[Address]:
        service_name, _unused, namespace = name.partition(".")
        service = self._store.get("services", service_name, namespace)
        return [ipaddress.ip_address(ip) for ip in service["spec"]["clusterIPs"]] if service else []

    def _pod_addresses(self) -> Iterable[tuple[Object, Address]]:
        for pod in self._store.objects("pods"):
            if not pod["spec"].get("hostNetwork") and pod["status"].get("phase") not in ("Succeeded", "Failed"):
                for entry in pod["status"].get("podIPs", []):
                    yield pod, ipaddress.ip_address(entry["ip"])


def _node_addresses(node: Object) -> list[Address]:
    entries = node["status"]["addresses"]
    return [ipaddress.ip_address(entry["address"]) for entry in entries if entry["type"] == "InternalIP"]


def _dashed(address: Address) -> str:
    return str(address).replace(".", "-").replace(":", "-")


def _node_name(node: Object, address: Address) -> str:
    return f"{_dashed(address)}.{node['metadata']['name']}.node.{LAB_DOMAIN}"


def _pod_names(pod: Object, address: Address) -> tuple[str, str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    own = f"{_dashed(address)}.{name}.{namespace}.pod.{LAB_DOMAIN}"
    return own, f"{_dashed(address)}.{namespace}.pod.{CLUSTER_DOMAIN}"
