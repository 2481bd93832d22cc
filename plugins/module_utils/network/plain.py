# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain JSON types, as they come back from a play, read as records again. Private to the collection.

Every function raises ValueError with a sentence that names the item, what is wrong with it and what was expected. Keys
that a record does not have are passed over, so that a module's whole result can be handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..text.ip_route import NextHop, Route
from .snapshot import Node, Pod
from .table import prefix_number


def routes_from_plain(plain: Iterable[Any]) -> list[Route]:
    """Routes as the filter parse_ip_route and the module node_route_info give them; what a look-up or an explanation uses."""
    return [_route(_Item(f"routes[{index}]", item)) for index, item in enumerate(plain)]


def nodes_from_plain(plain: Iterable[Any]) -> list[Node]:
    """Nodes with ``name`` and, where known, ``addresses`` and ``pod_cidrs``."""
    items = [_Item(f"nodes[{index}]", item) for index, item in enumerate(plain)]
    return [Node(item.required("name"), item.texts("addresses"), item.texts("pod_cidrs")) for item in items]


def pods_from_plain(plain: Iterable[Any]) -> list[Pod]:
    """Pods with ``namespace``, ``name`` and, where known, ``node``, ``ips``, ``host_network`` and ``phase``."""
    items = [_Item(f"pods[{index}]", item) for index, item in enumerate(plain)]
    return [
        Pod(
            item.required("namespace"),
            item.required("name"),
            item.text("node"),
            item.texts("ips"),
            bool(item.plain.get("host_network")),
            item.text("phase") or "Running",
        )
        for item in items
    ]


def addresses_by_pod(plain: Iterable[Any]) -> dict[str, list[str]]:
    """``namespace/name`` -> addresses, of pods as above or as the Kubernetes API returns them (metadata, status)."""
    addresses = {}
    for index, item in enumerate(plain):
        pod = _Item(f"pods[{index}]", item)
        found = pod.texts("ips")
        status: Mapping[str, Any] = pod.plain
        if "metadata" in pod.plain:
            status = pod.plain.get("status") or {}
            found = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
            pod = _Item(f"pods[{index}].metadata", pod.plain["metadata"])
        key = f"{pod.required('namespace')}/{pod.required('name')}"
        if not found:
            why = status.get("msg") or f"its phase is {status.get('phase') or 'not known'}"
            raise ValueError(f"pod {key} has no address: {why}; wait until it runs, or leave it out of the list")
        addresses[key] = list(found)
    return addresses


def _route(item: _Item) -> Route:
    dst = item.required("dst")
    try:
        prefix_number(dst)
    except ValueError as error:
        raise ValueError(f"{item.name}: dst {error}; read the table with the filter parse_ip_route") from None
    hops = [_Item(f"{item.name}.nexthops[{index}]", hop) for index, hop in enumerate(item.sequence("nexthops"))]
    return Route(
        raw=item.text("raw") or "",
        dst=dst,
        type=item.text("type") or "unicast",
        gateway=item.text("gateway"),
        dev=item.text("dev"),
        protocol=item.text("protocol"),
        scope=item.text("scope"),
        prefsrc=item.text("prefsrc"),
        metric=item.number("metric"),
        table=item.text("table"),
        flags=item.texts("flags"),
        nexthops=tuple(NextHop(hop.text("gateway"), hop.text("dev"), flags=hop.texts("flags")) for hop in hops),
        from_=item.text("from"),
        tos=item.text("tos"),
        encap=item.text("encap"),
        pref=item.text("pref"),
        deleted=bool(item.plain.get("deleted")),
    )


class _Item:
    """A dict out of a play, with the name by which a message can point at it."""

    def __init__(self, name: str, plain: Any) -> None:
        if not isinstance(plain, Mapping):
            raise ValueError(f"{name} is {_kind(plain)}, a dict is needed")
        self.name = name
        self.plain = plain

    def required(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise ValueError(f"{self.name} has no {key}")
        return value

    def text(self, key: str) -> str | None:
        value = self.plain.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{self.name}.{key} is {_kind(value)}, a string is needed")
        return value

    def number(self, key: str) -> int | None:
        value = self.plain.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ValueError(f"{self.name}.{key} is {_kind(value)}, a number is needed")
        return value

    def sequence(self, key: str) -> Sequence[Any]:
        value = self.plain.get(key) or ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ValueError(f"{self.name}.{key} is {_kind(value)}, a list is needed")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.sequence(key)
        for value in values:
            if not isinstance(value, str):
                raise ValueError(f"{self.name}.{key} holds {_kind(value)}, strings are needed")
        return tuple(values)


def _kind(value: Any) -> str:
    """What a play calls the value's type."""
    names = {
        bool: "a boolean",
        str: "a string",
        int: "a number",
        float: "a number",
        Mapping: "a dict",
        Sequence: "a list",
    }
    return next(
        (name for kind, name in names.items() if isinstance(value, kind)),
        "null" if value is None else type(value).__name__,
    )
