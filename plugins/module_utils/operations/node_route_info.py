# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Routing tables of nodes, read on the nodes and explained. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell, open_nodes
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ExecError, NotFoundError, PodnetError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.explain import explain_routes
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import in_a_line, printed
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import node_record, pod_record
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

_COMMANDS = {"ipv4": ["ip", "-4", "route"], "ipv6": ["ip", "-6", "route"]}


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    if task.check_mode and parameters["access"] == "probe_pod":
        return {
            "changed": False,
            "skipped": True,
            "msg": f"would make a pod in namespace {parameters['probe_namespace']} on each node, to read its routes there",
        }
    cluster, deadline = options.connect(parameters)
    with cluster:
        known = {node["metadata"]["name"]: node for node in cluster.list(path("nodes"))["items"]}
        names = parameters["nodes"] or list(known)
        wanted = [known[name] for name in names if name in known]
        book = None
        if parameters["explain"]:
            pods = cluster.list(path("pods"))["items"]
            book = AddressBook(map(node_record, known.values()), map(pod_record, pods))
        with open_nodes(cluster, wanted, deadline, **options.node_access(parameters)) as shells:
            outcomes = items.side_by_side(
                lambda name: _read(name, known, shells, parameters["families"], book, deadline), names
            )
    results = [
        {"name": name, **items.failed(outcome)} if isinstance(outcome, PodnetError) else outcome
        for name, outcome in zip(names, outcomes, strict=True)
    ]
    return items.answer("nodes", results, lambda node: f"node {node['name']}", changed=False)


def _read(
    name: str,
    known: dict[str, Object],
    shells: dict[str, NodeShell],
    families: list[str],
    book: AddressBook | None,
    deadline: Deadline,
) -> dict[str, Any]:
    if name not in known:
        raise NotFoundError(f"node {name} is not in the cluster (nodes: {', '.join(known)})", 404, "NotFound")
    node = node_record(known[name])
    result: dict[str, Any] = {
        "name": name,
        "addresses": list(node.addresses),
        "pod_cidrs": list(node.pod_cidrs),
        "printed": {},
        "routes": [],
        "unparsed": [],
    }
    for family in families:
        command = _COMMANDS[family]
        result["access"], output = shells[name].run(command, deadline)
        if output.exit_code != 0:
            raise ExecError(f"{' '.join(command)} on node {name} failed: {in_a_line(printed(output))}")
        parsed = parse_ip_route(output.stdout)
        rows = explain_routes(parsed.routes, node, book) if book else parsed.routes
        result["printed"][family] = output.stdout
        result["routes"] += [row.as_dict() for row in rows]
        result["unparsed"] += [{"family": family, **line.as_dict()} for line in parsed.unparsed]
    return result


OPERATION = Operation(
    options={
        "nodes": {"type": "list", "elements": "str", "default": []},
        "families": {"type": "list", "elements": "str", "choices": ["ipv4", "ipv6"], "default": ["ipv4"]},
        "explain": {"type": "bool", "default": True},
        **options.timeout(60),
        **options.NODE_ACCESS,
        **options.CLUSTER,
    },
    run=_run,
)
