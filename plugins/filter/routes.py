# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that tell what routing tables and pods mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.explain import explain_routes
from ansible_collections.kubelab.podnet.plugins.module_utils.network.plain import (
    addresses_by_pod,
    nodes_from_plain,
    pods_from_plain,
    routes_from_plain,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route


def _rows(routes: Any) -> Sequence[Any]:
    """The routes as dicts: those given, or those of the text given."""
    if isinstance(routes, str):
        parsed = parse_ip_route(routes)
        if parsed.unparsed:
            line = parsed.unparsed[0]
            raise ValueError(
                f"line {line.line} of the table is not understood: {line.text!r}; "
                "read the text with the filter parse_ip_route, and give its routes when the line does not matter"
            )
        return [route.as_dict() for route in parsed.routes]
    return _list(
        routes, "routes", "the key routes of what parse_ip_route or node_route_info gives, or the text of ip route"
    )


def _list(value: Any, what: str, expected: str) -> Sequence[Any]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise ValueError(f"{what} must be a list: {expected}")
    return value


def _route_lookup(routes: Any, address: Any) -> Any:
    rows = _rows(routes)
    records = routes_from_plain(rows)
    if not isinstance(address, str):
        raise ValueError("the address must be a string, such as '192.168.157.134'")
    found = RouteTable(records).lookup(address)
    return next((row for row, record in zip(rows, records, strict=True) if record is found), None)


def _explain_routes(routes: Any, node: Any, nodes: Any, pods: Any) -> list[dict[str, Any]]:
    rows = _rows(routes)
    known = nodes_from_plain(
        _list(nodes, "nodes", "dicts with name, addresses and pod_cidrs, as node_route_info gives them")
    )
    own = next((record for record in known if record.name == node), None)
    if own is None:
        raise ValueError(
            f"node {node!r} is not among the nodes ({', '.join(record.name for record in known) or 'none'})"
        )
    book = AddressBook(known, pods_from_plain(_list(pods, "pods", "the key pods of what pod_info gives")))
    explained = explain_routes(routes_from_plain(rows), own, book)
    return [{**row, **record.explanation()} for row, record in zip(rows, explained, strict=True)]


def _pod_ips(pods: Any) -> dict[str, list[str]]:
    return addresses_by_pod(
        _list(pods, "pods", "the key pods of what pod_info gives, or Pod objects of the Kubernetes API")
    )


def _filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise AnsibleTemplatePluginError(f"kubelab.podnet.{name}: {error}") from error

    return run


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "route_lookup": _filter("route_lookup", _route_lookup),
            "explain_routes": _filter("explain_routes", _explain_routes),
            "pod_ips": _filter("pod_ips", _pod_ips),
        }
