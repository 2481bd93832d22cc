# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab cluster is to be. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError

CALICO = "calico"
DEFAULT = "default"
BLOCK_PREFIX = 26  # a node's block of pod addresses, as Calico gives them out and as lab.md's tables show them

# kind's own rule, and its own limit beyond which host names get too long; a first character that is no option's.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,49}")
# A rough form of the grammar of image references: enough that one is never taken for an option.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_SERVICE_SUBNET = ip_network("10.96.0.0/16")  # kind's own


@dataclass(frozen=True, slots=True)
class Wanted:
    """A lab cluster as it was asked for; what is in it has been checked.

    ``cni`` is ``("calico",)``, ``("default",)`` or a list of manifests. ``node_image`` is None for kind's own.
    ``ip_families`` is ipv4, ipv6 or dual; ``pod_subnet`` is an IPv4 network.
    """

    name: str
    workers: int
    pod_subnet: str
    cni: tuple[str, ...]
    node_image: str | None
    images: tuple[str, ...]
    ip_families: str

    @classmethod
    def checked(cls, parameters: dict[str, Any]) -> Wanted:
        """Make one of the module's parameters.

        :raises InputError: something is not what it has to be.
        """
        name, workers, cni = parameters["name"], parameters["workers"], tuple(parameters["cni"])
        if not _NAME.fullmatch(name):
            raise InputError(
                f"the cluster name {name!r} cannot be used: up to 50 of a-z, 0-9, '-' and '.', no mark first"
            )
        if workers < 0:
            raise InputError(f"workers is {workers}: give 0 or more (with 0 the control plane runs the pods)")
        if not cni or (len(cni) > 1 and {CALICO, DEFAULT} & set(cni)):
            raise InputError(f"cni is {list(cni)}: give `{CALICO}`, `{DEFAULT}`, or a list of manifests")
        images = tuple(dict.fromkeys(parameters["images"]))
        for image in (*images, *filter(None, [parameters["node_image"]])):
            if not _IMAGE.fullmatch(image):
                raise InputError(f"{image!r} is not the name of an image")
        subnet = _checked_subnet(parameters["pod_subnet"], nodes=workers + 1)
        return cls(name, workers, subnet, cni, parameters["node_image"], images, parameters["ip_families"])


def _checked_subnet(text: str, nodes: int) -> str:
    try:
        subnet: IPv4Network | IPv6Network = ip_network(text)
    except ValueError as error:
        raise InputError(f"pod_subnet {text!r} is not a network: {error}") from None
    if not isinstance(subnet, IPv4Network):
        raise InputError(f"pod_subnet {text} is not an IPv4 network")
    if subnet.prefixlen > BLOCK_PREFIX or 2 ** (BLOCK_PREFIX - subnet.prefixlen) < nodes:
        raise InputError(f"pod_subnet {text} has no /{BLOCK_PREFIX} for each of {nodes} nodes: give a larger one")
    if subnet.overlaps(_SERVICE_SUBNET):
        raise InputError(
            f"pod_subnet {text} overlaps with {_SERVICE_SUBNET}, the addresses of services: give another one"
        )
    return str(subnet)
