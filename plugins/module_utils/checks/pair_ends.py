# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ends of a pair that is to be explained, as they are found in a cluster. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..errors import InputError
from ..network.places import Pair, Place
from ..network.snapshot import Node, Pod
from .fault import listed
from .packets import End

_MOST_NAMES = 10
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PairEnd:
    """One end: ``node`` is where it is, None for an address that nobody in the cluster has.

    ``pod`` is None for a node, and for a pod on the host network, which has its node's addresses and tables.
    """

    place: Place
    addresses: tuple[str, ...]
    node: str | None
    pod: Pod | None

    def at(self, address: str) -> End | str:
        """The end at one of its addresses, as measurements name it; the address itself where nobody has it."""
        return address if self.node is None else End(address, self.node, self.pod.key if self.pod else None)

    def __str__(self) -> str:
        return str(self.at(self.place.name))


class Leg(NamedTuple):
    """One direction of a pair in one family: from an address of one end to an address of the other."""

    direction: Literal["there", "back"]
    source: PairEnd
    source_address: str
    target: PairEnd
    address: str

    @property
    def start(self) -> str:
        """The node that it starts on: it does at an end that is in the cluster."""
        return self.source.node or ""


class PairEnds:
    """Finds what places name. ``node_at`` tells which node has an address, ``cluster`` is for messages."""

    def __init__(
        self, cluster: str, nodes: Iterable[Node], pods: Iterable[Pod], node_at: Callable[[str], str | None]
    ) -> None:
        self._cluster = cluster
        self._nodes: Mapping[str, Node] = {node.name: node for node in nodes}
        self._pods: Mapping[str, Pod] = {pod.key: pod for pod in pods}
        self._node_at = node_at

    def legs(self, pair: Pair) -> list[Leg]:
        """Both directions of a pair, for each family that both ends have.

        :raises InputError: when an end is not there, or both are the same.
        """
        source, target = self._find(pair.source), self._find(pair.target)
        if (source.node, source.pod) == (target.node, target.pod):
            raise InputError(f"pairs: {pair.source} and {pair.target} are the same; name two ends")
        return list(_legs(source, target))

    def _find(self, place: Place) -> PairEnd:
        match place.kind:
            case "node":
                if place.name not in self._nodes:
                    raise InputError(f"pairs: {self._is_not_there(place)}; its nodes: {_some(self._nodes)}")
                return PairEnd(place, self._nodes[place.name].addresses, place.name, None)
            case "pod":
                return self._at_pod(place, self._pod(place))
        pod = next((pod for pod in self._pods.values() if place.name in _addresses(pod)), None)
        return PairEnd(place, (place.name,), pod.node if pod else self._node_at(place.name), pod)

    def _pod(self, place: Place) -> Pod:
        if place.reference in self._pods:
            return self._pods[place.reference]
        namespaces = {pod.namespace for pod in self._pods.values()}
        there = f"namespaces with pods: {_some(namespaces)}"
        if place.namespace in namespaces:
            names = [pod.name for pod in self._pods.values() if pod.namespace == place.namespace]
            there = f"pods in {place.namespace}: {_some(names)}"
        raise InputError(f"pairs: {self._is_not_there(place)}; {there}")

    def _at_pod(self, place: Place, pod: Pod) -> PairEnd:
        if pod.node is None or not (pod.host_network or _addresses(pod)):
            raise InputError(f"pairs: {place} has no address, it is {pod.phase}; explain it once it runs")
        if pod.host_network:
            return PairEnd(place, self._nodes[pod.node].addresses, pod.node, None)
        return PairEnd(place, pod.ips, pod.node, pod)

    def _is_not_there(self, place: Place) -> str:
        return f"{place} is not in the cluster {self._cluster}"


def _addresses(pod: Pod) -> tuple[str, ...]:
    """The addresses that a pod has to itself; one that has ended is still listed with those that it had."""
    return () if pod.host_network or pod.phase in _ENDED else pod.ips


def _some(names: Iterable[str]) -> str:
    return listed(set(names), _MOST_NAMES) or "none"


def _legs(source: PairEnd, target: PairEnd) -> Iterator[Leg]:
    for is_v6 in (False, True):
        there = next((address for address in source.addresses if (":" in address) is is_v6), None)
        back = next((address for address in target.addresses if (":" in address) is is_v6), None)
        if there is not None and back is not None:
            yield Leg("there", source, there, target, back)
            if target.node is not None:
                yield Leg("back", target, back, source, there)
