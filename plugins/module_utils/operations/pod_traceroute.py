# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths of packets from pods and nodes, one after the other. Private to the collection: it may change at any time."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    DeadlineError,
    ExecError,
    ForbiddenError,
    InputError,
    PodnetError,
    UnexpectedError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import (
    CANNOT_SEND,
    PROBES,
    Ends,
    Probe,
    in_a_line,
    open_ends,
    printed,
    read_probes,
    waits_for,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import node_record, pod_record
from ansible_collections.kubelab.podnet.plugins.module_utils.text.traceroute import parse_traceroute

# A router answers one sender about once a second (net.ipv4.icmp_ratelimit), and keeps a few answers in store: one packet
# a hop, and a pause before a second try, leave it enough.
_PAUSE_SECONDS = 2.0
_REPLY_SECONDS = 1


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    if not 1 <= parameters["max_hops"] <= 255:
        raise InputError(f"max_hops must be from 1 to 255, not {parameters['max_hops']}")
    probes = read_probes(parameters)
    cluster, deadline = options.connect(parameters)
    with cluster, open_ends(cluster, probes, parameters, deadline, check_mode=task.check_mode) as ends:
        book = _address_book(ends)
        results = []
        # One after the other: traces that run at the same time use up each other's answers.
        for probe in probes:
            if task.check_mode and (missing := waits_for(ends, probe)):
                message = f"would trace the path from {probe.source} to {probe.target} once there is {missing}"
                results.append({**probe.shown(), "skipped": True, "msg": message})
                continue
            try:
                results.append(_judged(probe, _trace_again(ends, probe, parameters["max_hops"], deadline), book))
            except PodnetError as error:
                results.append({**probe.shown(), **items.failed(error)})
    return items.answer("probes", results, lambda probe: f"{probe['from']} to {probe['to']}", changed=False)


def _address_book(ends: Ends) -> AddressBook:
    """Whose addresses the hops may be: those of all nodes, and of the pods that the probes name."""
    pods = [found for place, found in ends.objects.items() if place.kind == "pod" and isinstance(found, dict)]
    try:
        nodes = ends.cluster.list(path("nodes"))["items"]
    except ForbiddenError:  # hops keep their bare addresses then
        nodes = []
    return AddressBook(map(node_record, nodes), map(pod_record, pods))


def _trace_again(ends: Ends, probe: Probe, max_hops: int, deadline: Deadline) -> dict[str, Any]:
    """A second trace fills in what the first one did not see."""
    shown = trace(ends, probe, max_hops, deadline)
    retried = False
    if probe.expect == "reachable" and (not shown["reached"] or any(map(_is_silent, shown["hops"]))):
        with suppress(DeadlineError):  # then what was seen first stands
            time.sleep(min(_PAUSE_SECONDS, deadline.remaining("traceroute")))
            shown = _better(shown, trace(ends, probe, max_hops, deadline))
            retried = True
    return {**shown, "retried": retried}


def _better(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Of two traces the second, with its silent hops filled in; the first when only that one reached the target."""
    base, other = (first, second) if first["reached"] and not second["reached"] else (second, first)
    known = {hop["ttl"]: hop for hop in other["hops"]}
    return {**base, "hops": [known.get(hop["ttl"], hop) if _is_silent(hop) else hop for hop in base["hops"]]}


def trace(ends: Ends, probe: Probe, max_hops: int, deadline: Deadline) -> dict[str, Any]:
    """Trace once: ``address``, ``printed``, and what of that was understood.

    :raises ExecError: when traceroute does not run, or does not tell how it ended; other errors are those of the exec.
    """
    address = ends.target(probe.source, probe.target)
    command = ["traceroute", "-n", "-q", "1", "-w", str(_REPLY_SECONDS), "-m", str(max_hops), address]
    output = ends.run(probe.source, command, deadline)
    text = printed(output)
    traced = parse_traceroute(text)
    if "socket: Operation not permitted" in text or "are you root" in text:
        raise ExecError(
            f"{probe.source} may not trace ({in_a_line(text)}); its container needs NET_RAW, or trace from its node"
        )
    is_whole = traced.hops and output.exit_code == 0
    if not traced.reached and not is_whole and not CANNOT_SEND.search(text):
        raise ExecError(
            f"traceroute to {address} in {probe.source} did not tell how it ended (exit code {output.exit_code}: "
            f"{in_a_line(text)}); try it by hand, or use an image with another traceroute"
        )
    return {**traced.as_dict(), "address": address, "printed": text}


def _is_silent(hop: dict[str, Any]) -> bool:
    return all(probe.get("address") is None for probe in hop["probes"])


def _judged(probe: Probe, result: dict[str, Any], book: AddressBook) -> dict[str, Any]:
    for hop in result["hops"]:
        for answer in hop["probes"]:
            answer["name"] = _owner(answer.get("address"), book)
    result["path"] = [
        next((answer["name"] or answer["address"] for answer in hop["probes"] if answer.get("address")), "*")
        for hop in result["hops"]
    ]
    failure = None
    shown = " > ".join(result["path"]) or "; ".join(result["errors"]) or "no hop answered"
    if probe.expect == "reachable" and not result["reached"]:
        why = "the path is a loop" if result["loop"] else "the path ends before it"
        failure = f"packets from {probe.source} do not reach {probe.target}, {why}: {shown}; look at the last routes"
    elif probe.expect == "unreachable" and result["reached"]:
        failure = (
            f"packets from {probe.source} reach {probe.target}, though they are not to: {shown}; look for the rule or policy "
            "that should keep them apart"
        )
    result = {**probe.shown(), **result}
    return {**result, **items.failed(UnexpectedError(failure))} if failure else result


def _owner(address: str | None, book: AddressBook) -> str | None:
    """Whose address a hop has: a node's, a pod's, or one that a node took for itself out of its pod CIDR (a bridge)."""
    if address is None:
        return None
    node = book.node_at(address)
    if node:
        return f"node {node}"
    pods = book.pods_at(address)
    if pods:
        return f"pod {pods[0].namespace}/{pods[0].name}"
    node = book.node_of_pod_cidr(f"{address}/{128 if ':' in address else 32}")
    return f"node {node}" if node else None


OPERATION = Operation(
    options={
        **PROBES,
        "max_hops": {"type": "int", "default": 15},
        **options.timeout(120),
        **options.NODE_ACCESS,
        **options.CLUSTER,
    },
    run=_run,
)
