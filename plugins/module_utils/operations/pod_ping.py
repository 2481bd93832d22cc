# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pings from pods and nodes, side by side. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    DeadlineError,
    ExecError,
    InputError,
    PodnetError,
    UnexpectedError,
)
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
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import Ping, parse_ping

_REPLY_SECONDS = 2  # to wait for the last reply; on the way between pods a reply takes less than a millisecond
_NOT_ALLOWED = ("are you root", "socket: Operation not permitted", "socket: Permission denied", "cap_net_raw")


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    if parameters["count"] < 1:
        raise InputError(f"count must be at least 1, not {parameters['count']}")
    probes = read_probes(parameters)
    cluster, deadline = options.connect(parameters)
    with cluster, open_ends(cluster, probes, parameters, deadline, check_mode=task.check_mode) as ends:

        def measure(probe: Probe) -> dict[str, Any]:
            if task.check_mode and (missing := waits_for(ends, probe)):
                return {
                    "skipped": True,
                    "msg": f"would ping {probe.target} from {probe.source} once there is {missing}",
                }
            return ping(ends, probe, parameters["count"], deadline)

        outcomes = first_all_then_alone(measure, probes)
    return items.answer(
        "probes",
        [_judged(probe, outcome) for probe, outcome in zip(probes, outcomes, strict=True)],
        lambda probe: f"{probe['from']} to {probe['to']}",
        changed=False,
    )


def first_all_then_alone(
    measure: Callable[[Probe], dict[str, Any]], probes: Sequence[Probe]
) -> list[dict[str, Any] | PodnetError]:
    """Ping side by side. What lost replies is asked again by itself before it is called a loss.

    Replies get lost in the crowd: out of many pings at once some come back to a socket that is too busy to take them.
    """
    outcomes = items.side_by_side(measure, probes)
    for index, (probe, outcome) in enumerate(zip(probes, outcomes, strict=True)):
        if probe.expect == "reachable" and isinstance(outcome, dict) and _has_lost(outcome):
            (again,) = items.side_by_side(measure, [probe])
            if not isinstance(again, DeadlineError):  # else what was measured first stands
                outcomes[index] = {**again, "retried": True} if isinstance(again, dict) else again
    return outcomes


def ping(ends: Ends, probe: Probe, count: int, deadline: Deadline) -> dict[str, Any]:
    """Ping once: the fields that docs of the module pod_ping list, from ``address`` to ``printed``.

    :raises ExecError: when the ping does not run, or does not tell how it ended; other errors are those of the exec.
    """
    address = ends.target(probe.source, probe.target)
    command = ["ping", "-n", "-c", str(count), "-W", str(_REPLY_SECONDS), address]
    output = ends.run(probe.source, command, deadline)
    text = printed(output)
    ping = parse_ping(text)
    if any(reason in text for reason in _NOT_ALLOWED) and not ping.received:
        raise ExecError(
            f"{probe.source} may not send pings ({in_a_line(text)}); its container needs the capability NET_RAW, or probe "
            "from its node"
        )
    if ping.transmitted is None and not CANNOT_SEND.search(text):
        raise ExecError(
            f"ping of {address} in {probe.source} did not tell how it ended (exit code {output.exit_code}: {in_a_line(text)}); "
            "try it by hand, or use an image with another ping"
        )
    return {"address": address, "retried": False, **_measured(ping, count), "printed": text}


def _measured(ping: Ping, count: int) -> dict[str, Any]:
    """The figures of a ping; one that could not even send has lost what it was to send."""
    transmitted = count if ping.transmitted is None else ping.transmitted
    received = len(ping.replies) if ping.received is None else ping.received
    return {
        "reachable": received > 0,
        "transmitted": transmitted,
        "received": received,
        "loss_percent": 100.0 * (transmitted - received) / transmitted
        if ping.loss_percent is None
        else ping.loss_percent,
        "rtt_ms": ping.as_dict().get("rtt_ms"),
        "ttl": next((reply.ttl for reply in ping.replies), None),
        "errors": list(
            dict.fromkeys(
                f"{error.reason} (from {error.address})" if error.address else error.reason for error in ping.errors
            )
        ),
    }


def _has_lost(outcome: dict[str, Any]) -> bool:
    """Whether replies are missing; not by the percentage, which busybox rounds down to 0."""
    return not outcome.get("skipped") and outcome["received"] < outcome["transmitted"]


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
    if probe.expect == "reachable" and _has_lost(result):
        tried = ", asked again alone too" if result["retried"] else ", and no time was left to ask again alone"
        why = f" ({'; '.join(result['errors'])})" if result["errors"] else ""
        failure = f"{replies}{tried}{why}; look at the routes of both nodes (node_route_info)"
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
