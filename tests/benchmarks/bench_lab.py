"""The lab's Tasks 1 to 6 on a running cluster: lab.yml beside a script of kubectl and a playbook of kubernetes.core."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from statistics import median

from measure import PROVIDERS, ROOT, cluster, kubernetes_core, ratio, run, taking_turns

ROUNDS = 3
LAB = Path(__file__).parent / "lab"
BUDGETS = {
    "netns": {"the script as typed": 0.75, "the script, its pods ending in a second": 0.75, "kubernetes.core": 0.4},
    "kind": {"the script as typed": 0.35, "kubernetes.core": 0.4},
}


@cache
def measured(provider: str) -> dict[str, list[float]]:
    """Seconds of each way to run the lab, one value a round."""
    theirs = kubernetes_core()
    with cluster(provider) as lab:
        first, second = lab.workers
        labels = [
            {"name": first, "labels": {"alias": "firstWorker"}},
            {"name": second, "labels": {"alias": "secondWorker"}},
        ]
        ours = {
            "podnet_kubeconfig": str(lab.kubeconfig),
            "pods_node_labels": labels,
            "connectivity_outside": lab.outside,
        }
        same = {"node1": first, "node2": second, "outside": lab.outside}
        script = partial(run, LAB / "script.sh", first, second, lab.outside, KUBECONFIG=str(lab.kubeconfig))
        return taking_turns(
            ROUNDS,
            {
                "lab.yml": partial(run, "ansible-playbook", ROOT / "lab.yml", "-e", json.dumps(ours)),
                "the script as typed": lambda: script("30"),
                "the script, its pods ending in a second": lambda: script("1"),
                "kubernetes.core": partial(
                    run,
                    theirs,
                    LAB / "kubernetes_core.playbook",
                    "-e",
                    json.dumps(same),
                    K8S_AUTH_KUBECONFIG=str(lab.kubeconfig),
                ),
            },
        )


def rows() -> list[tuple[str, float, float]]:
    """(what, ratio, the most it may be)."""
    return [
        (f"lab.yml on {provider}, to {other}", ratio(measured(provider)["lab.yml"], measured(provider)[other]), budget)
        for provider in PROVIDERS
        for other, budget in BUDGETS[provider].items()
    ]


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most it should be)."""
    return [
        (f"the lab on {provider} by {what}", median(values), None)
        for provider in PROVIDERS
        for what, values in measured(provider).items()
    ]
