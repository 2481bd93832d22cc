# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose address it is: the nodes and pods of a cluster, found by address. Private to the collection."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .snapshot import Node, Pod
from .table import PrefixMap, address_number, prefix_number

# A pod that ended keeps its address in the API; the network has given it to others.
_ENDED = {"Succeeded", "Failed"}


class AddressBook:
    """Nodes and pods by address. Made once for a cluster, asked for each row of each node's table.

    Pods on the host network hold their node's addresses and are not listed, nor are pods that have ended.
    Raises ValueError naming the node or pod whose address or pod CIDR is none.
    """

    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        self._node_at: dict[tuple[int, int], str] = {}
        self._pods_at: dict[tuple[int, int], list[Pod]] = {}
        self._pods_on: dict[str, list[Pod]] = {}
        cidr_owners: dict[str, tuple[int, str | None]] = {}
        for node in nodes:
            try:
                for address in node.addresses:
                    self._node_at[address_number(address)] = node.name
                for cidr in node.pod_cidrs:
                    # Two nodes with one CIDR: whose it is cannot be told.
                    cidr_owners[cidr] = prefix_number(cidr)[2], None if cidr in cidr_owners else node.name
            except ValueError as error:
                raise ValueError(f"node {node.name}: {error}") from None
        for pod in pods:
            if not pod.host_network and pod.phase not in _ENDED:
                self._add(pod)
        self._cidr_owners = PrefixMap(cidr_owners.items())
        self._sorted = {
            bits: sorted(number for family, number in self._pods_at if family == bits) for bits in (32, 128)
        }

    def _add(self, pod: Pod) -> None:
        if pod.node is not None:
            self._pods_on.setdefault(pod.node, []).append(pod)
        try:
            for address in pod.ips:
                self._pods_at.setdefault(address_number(address), []).append(pod)
        except ValueError as error:
            raise ValueError(f"pod {pod.key}: {error}") from None

    def node_at(self, address: str) -> str | None:
        """The name of the node that has the address."""
        return self._node_at.get(address_number(address))

    def pods_at(self, address: str) -> list[Pod]:
        """The pods that report the address: one, none, or several while the API is behind."""
        return self.pods_at_number(*address_number(address))

    def pods_at_number(self, bits: int, number: int) -> list[Pod]:
        """:meth:`pods_at` for an address as ``address_number`` gives it."""
        return self._pods_at.get((bits, number), [])

    def pods_on(self, node: str) -> list[Pod]:
        """The pods on that node, those without an address yet among them."""
        return self._pods_on.get(node, [])

    def nodes_with_pods_in(self, prefix: str) -> set[str]:
        """The names of the nodes whose pods hold addresses in the prefix."""
        bits, start, end = self._pods_in(prefix)
        numbers = self._sorted[bits][start:end]
        return {pod.node for number in numbers for pod in self._pods_at[bits, number] if pod.node is not None}

    def has_pods_in(self, prefix: str) -> bool:
        """Whether any pod holds an address in the prefix."""
        _bits, start, end = self._pods_in(prefix)
        return start < end

    def _pods_in(self, prefix: str) -> tuple[int, int, int]:
        """The family, and where the addresses of pods in the prefix begin and end among those of its family."""
        bits, first, length = prefix_number(prefix)
        numbers = self._sorted[bits]
        return bits, bisect_left(numbers, first), bisect_right(numbers, first | ((1 << bits - length) - 1))

    def node_of_pod_cidr(self, prefix: str) -> str | None:
        """The name of the node whose pod CIDR is, or holds, the prefix."""
        bits, first, length = prefix_number(prefix)
        owner = self._cidr_owners.match(bits, first)
        return owner[1] if owner is not None and owner[0] <= length else None
