# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pings from pods and nodes, side by side. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ExecError, PodnetError, UnexpectedError
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import (
    PROBES,
    Ends,
    Probe,
    open_ends,
    read_probes,
    waits_for,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import Ping, parse_ping

_REPLY_SECONDS = 2  # to wait for the last reply; on the way between pods a reply takes less than a millisecond
_NOT_ALLOWED = ("permission denied", "Operation not permitted", "are you root")


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    probes = read_probes(parameters)
    cluster, deadline = options.connect(parameters)
    with cluster, open_ends(cluster, probes, parameters, deadline, check_mode=task.check_mode) as ends:

        def measure(probe: Probe) -> dict[str, Any]:
            if task.check_mode and (missing := waits_for(ends, probe)):
                return {
                    "skipped": True,
                    "msg": f"would ping {probe.target} from {probe.source} once there is {missing}",
                }
            return _ping(ends, probe, parameters["count"], deadline)

        outcomes = items.side_by_side(measure, probes)
        # Replies get lost in the crowd: out of many pings at once some come back to a socket that is too busy to take
        # them. What failed is asked again by itself before it is called a loss.
        for index, (probe, outcome) in enumerate(zip(probes, outcomes, strict=True)):
            if isinstance(outcome, dict) and probe.expect == "reachable" and outcome.get("loss_percent"):
                outcomes[index] = items.side_by_side(measure, [probe])[0]
                if isinstance(again := outcomes[index], dict):
                    again["retried"] = True
    return items.answer(
        "probes",
        [_judged(probe, outcome) for probe, outcome in zip(probes, outcomes, strict=True)],
        lambda probe: f"{probe['from']} to {probe['to']}",
        changed=False,
    )


def _ping(ends: Ends, probe: Probe, count: int, deadline: Deadline) -> dict[str, Any]:
    address = ends.target(probe.source, probe.target)
    command = ["ping", "-n", "-c", str(count), "-W", str(_REPLY_SECONDS), address]
    output = ends.run(probe.source, command, deadline)
    printed = output.stdout + output.stderr
    ping = parse_ping(printed)
    if any(text in printed for text in _NOT_ALLOWED) and not ping.received:
        raise ExecError(
            f"{probe.source} may not send pings ({printed.strip()}); its container needs the capability NET_RAW, or probe from "
            "its node"
        )
    return {"address": address, "retried": False, **_measured(ping, count), "printed": printed}


def _measured(ping: Ping, count: int) -> dict[str, Any]:
    """The figures of a ping; one that could not even send (no route, a blackhole) is one that lost everything."""
    received = ping.received or 0
    ttl = next((reply.ttl for reply in ping.replies), None)
    return {
        "reachable": received > 0,
        "transmitted": ping.transmitted if ping.transmitted is not None else count,
        "received": received,
        "loss_percent": ping.loss_percent if ping.loss_percent is not None else 100.0,
        "rtt_ms": ping.as_dict().get("rtt_ms"),
        "ttl": ttl,
        "errors": list(
            dict.fromkeys(
                f"{error.reason} (from {error.address})" if error.address else error.reason for error in ping.errors
            )
        ),
    }


def _judged(probe: Probe, outcome: dict[str, Any] | PodnetError) -> dict[str, Any]:
    if isinstance(outcome, PodnetError):
        return {**probe.shown(), **items.failed(outcome)}
    result = {**probe.shown(), **outcome}
    if result.get("skipped"):
        return result
    failure = None
    replies = (
        f"{result['received']} of {result['transmitted']} pings from {probe.source} to {probe.target} were answered"
    )
    if probe.expect == "reachable" and result["loss_percent"]:
        why = f" ({'; '.join(result['errors'])})" if result["errors"] else ""
        failure = f"{replies}, asked again alone too{why}; look at the routes of both nodes (node_route_info)"
    elif probe.expect == "unreachable" and result["reachable"]:
        failure = f"{replies}, though it is to be unreachable; look for the rule or policy that should keep them apart"
    return {**result, **items.failed(UnexpectedError(failure))} if failure else result


OPERATION = Operation(
    options={
        **PROBES,
        "count": {"type": "int", "default": 5},
        **options.timeout(60),
        **options.NODE_ACCESS,
        **options.CLUSTER,
    },
    run=_run,
)
