"""One task of a play beside the nearest module of kubernetes.core.

The time of one task is that of a play with six such tasks less that of a play with one, by five: what a play costs by
itself is left out. It is the time of the processors: these tasks do little but compute, and what else the machine does
would drown the difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

from measure import FOLDER, cluster, kubernetes_core, processor_seconds, ratio, run, taking_turns

ROUNDS = 3
MORE = 5
Task = Mapping[str, Any]


def pairs(node: str, agent: str) -> dict[str, tuple[Task, Task]]:
    """What is done -> our task, and theirs."""
    definition = {"metadata": {"labels": {"alias": "firstWorker"}}}
    return {
        "read the pods of a namespace": (
            {"kubelab.podnet.pod_info": {"namespace": "default"}},
            {"kubernetes.core.k8s_info": {"kind": "Pod", "namespace": "default"}},
        ),
        "label a node that has the label": (
            {"kubelab.podnet.node_label": {"nodes": [{"name": node, "labels": {"alias": "firstWorker"}}]}},
            {"kubernetes.core.k8s": {"state": "patched", "kind": "Node", "name": node, "definition": definition}},
        ),
        "read a node's routing table": (
            {"kubelab.podnet.node_route_info": {"nodes": [node]}},
            {"kubernetes.core.k8s_exec": {"namespace": "kube-system", "pod": agent, "command": "ip route"}},
        ),
    }


def play(name: str, task: Task, count: int) -> Path:
    """A playbook file with that many times the task."""
    file = FOLDER / f"{name}-{count}.yml"
    content = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [task] * count,
    }
    file.write_text(json.dumps([content]))
    return file


@cache
def measured() -> dict[str, tuple[list[float], list[float]]]:
    """What is done -> seconds of one task of ours and of theirs, one value a round."""
    playbooks = {"ours": Path("ansible-playbook"), "theirs": kubernetes_core()}
    result = {}
    with cluster("netns") as lab:
        query = ["-l", "k8s-app=netns-node", "--field-selector", f"spec.nodeName={lab.workers[0]}", "-o", "name"]
        agents = run("kubectl", "get", "pods", "-n", "kube-system", *query, KUBECONFIG=str(lab.kubeconfig))
        for what, tasks in pairs(lab.workers[0], agents.strip().removeprefix("pod/")).items():
            plays = {
                (whose, count): partial(
                    run, playbooks[whose], play(whose, task, count), K8S_AUTH_KUBECONFIG=str(lab.kubeconfig)
                )
                for whose, task in zip(playbooks, tasks, strict=True)
                for count in (1, 1 + MORE)
            }
            times = taking_turns(ROUNDS, plays, processor_seconds)
            ours, theirs = (
                [(many - one) / MORE for one, many in zip(times[whose, 1], times[whose, 1 + MORE], strict=True)]
                for whose in playbooks
            )
            result[what] = ours, theirs
    return result


def rows() -> list[tuple[str, float, float]]:
    """(what, ratio, the most it may be)."""
    return [
        (f"a task to {what}, to kubernetes.core", ratio(ours, theirs), 0.1)
        for what, (ours, theirs) in measured().items()
    ]


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most it should be)."""
    result: list[tuple[str, float, float | None]] = []
    for what, (ours, theirs) in measured().items():
        result.append((f"a task to {what}", median(ours), 0.025))
        result.append(("the same by kubernetes.core", median(theirs), None))
    return result
