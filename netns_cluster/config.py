# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster is made of, and the plan of addresses that follows from it."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from netns_cluster.errors import InvalidRequestError
from netns_cluster.network.blocks import BLOCK_SIZE, Address, Network

Family = Literal["ipv4", "ipv6"]
FAMILIES: dict[str, tuple[Family, ...]] = {"ipv4": ("ipv4",), "ipv6": ("ipv6",), "dual": ("ipv4", "ipv6")}

POD_SUBNETS: dict[Family, str] = {"ipv4": "192.168.0.0/16", "ipv6": "fd00:10:244::/56"}
NODE_SUBNETS: dict[Family, Network] = {
    "ipv4": ipaddress.ip_network("172.18.0.0/16"),
    "ipv6": ipaddress.ip_network("fc00:f853:ccd:e793::/64"),
}
SERVICE_SUBNETS: dict[Family, Network] = {
    "ipv4": ipaddress.ip_network("10.96.0.0/16"),
    "ipv6": ipaddress.ip_network("fd00:10:96::/112"),
}
INTERNET: dict[Family, Address] = {
    "ipv4": ipaddress.ip_address("8.8.8.8"),
    "ipv6": ipaddress.ip_address("2001:4860:4860::8888"),
}
MAX_WORKERS = 50

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Shape:
    """What a user chooses. ``pod_subnets`` has one CIDR per family, in the order of the families."""

    name: str
    workers: int = 2
    ip_families: str = "ipv4"
    pod_subnets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill in the default subnets; raise :class:`~netns_cluster.errors.InvalidRequestError` for what cannot be."""
        if not _NAME.fullmatch(self.name):
            raise InvalidRequestError(
                f"{self.name!r} cannot be a cluster's name: use at most 40 of a-z, 0-9 and '-', with '-' neither first nor last"
            )
        if not 0 <= self.workers <= MAX_WORKERS:
            raise InvalidRequestError(f"{self.workers} workers are not possible: choose 0 to {MAX_WORKERS}")
        families = FAMILIES.get(self.ip_families)
        if families is None:
            raise InvalidRequestError(f"no such IP families {self.ip_families!r}: choose one of {', '.join(FAMILIES)}")
        subnets = self.pod_subnets or tuple(POD_SUBNETS[family] for family in families)
        if len(subnets) != len(families):
            raise InvalidRequestError(f"{len(subnets)} pod subnets for {self.ip_families}: give one for each family")
        object.__setattr__(self, "pod_subnets", tuple(map(_checked_subnet, subnets, families, [self.workers] * 2)))

    @property
    def families(self) -> tuple[Family, ...]:
        return FAMILIES[self.ip_families]

    @cached_property
    def control_plane(self) -> str:
        return f"{self.name}-control-plane"

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, as kind forms them."""
        numbers = ["", *range(2, self.workers + 1)][: self.workers]
        return (self.control_plane, *(f"{self.name}-worker{number}" for number in numbers))

    def node_addresses(self, node: str) -> tuple[Address, ...]:
        """One address per family. The last worker comes first, so that the lab's nodes have the lab document's addresses."""
        order = (self.nodes[-1], *self.nodes[:-1])
        place = 2 + order.index(node)
        return tuple(NODE_SUBNETS[family][place] for family in self.families)

    def differences(self, other: Shape) -> list[str]:
        """What differs, in words: ``workers: 2, asked for 3``."""
        mine, others = self.as_json(), other.as_json()
        return [f"{key}: {mine[key]}, asked for {others[key]}" for key in mine if mine[key] != others[key]]

    def as_json(self) -> dict[str, str | int | list[str]]:
        return {
            "name": self.name,
            "workers": self.workers,
            "ip_families": self.ip_families,
            "pod_subnets": list(self.pod_subnets),
        }


def reservations(node: str) -> str:
    """The name of the volume that holds the files of which addresses a node gave out."""
    return f"{node}.reservations"


def gateway_addresses(families: Sequence[Family]) -> tuple[Address, ...]:
    return tuple(NODE_SUBNETS[family][1] for family in families)


def dns_addresses(families: Sequence[Family]) -> tuple[Address, ...]:
    return tuple(SERVICE_SUBNETS[family][10] for family in families)


def _checked_subnet(text: str, family: Family, workers: int) -> str:
    try:
        subnet = ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidRequestError(f"{text!r} is not a pod subnet: {error}") from error
    if f"ipv{subnet.version}" != family:
        raise InvalidRequestError(
            f"the pod subnet {text} is not {family}: give one subnet for each family, in their order"
        )
    for other in (NODE_SUBNETS[family], SERVICE_SUBNETS[family]):
        if subnet.overlaps(other):
            raise InvalidRequestError(f"the pod subnet {text} overlaps {other}, which nodes or services use")
    if subnet.num_addresses < BLOCK_SIZE * (workers + 1):
        raise InvalidRequestError(
            f"the pod subnet {text} is too small: each node needs a block of {BLOCK_SIZE} addresses"
        )
    return str(subnet)


@dataclass(frozen=True)
class Config:
    """What the processes of a cluster are told. The descriptors are open files that they inherit from the command line:

    a pipe to answer ``up`` through, and the two locks of :class:`~netns_cluster.state.ClusterState`.
    """

    shape: Shape
    directory: str
    busybox: str
    ready_descriptor: int
    starting_descriptor: int
    alive_descriptor: int

    @property
    def descriptors(self) -> tuple[int, int, int]:
        return self.ready_descriptor, self.starting_descriptor, self.alive_descriptor

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Config:
        fields = json.loads(text)
        shape = fields.pop("shape")
        return cls(shape=Shape(**{**shape, "pod_subnets": tuple(shape["pod_subnets"])}), **fields)
