"""Who reaches whom among the probe pods of a cluster: one exec a probe, beside a loop of ``kubectl exec`` with one a pair.

Both ping each pair once, on the same pods.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from statistics import median

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, connect, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import (
    ProbePod,
    Settings,
    Wish,
    open_probes,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.items import side_by_side
from measure import Cluster as Lab
from measure import cluster, ratio, run, taking_turns

ROUNDS = 3
NODES = 20


def one_exec_a_probe(probes: list[ProbePod], lab: Lab, api: Cluster) -> None:
    def measure(probe: ProbePod) -> int:
        wishes = [Wish("ping", other.addresses[0]) for other in probes if other is not probe]
        measured = probe.measure(wishes, "", api.deadline)
        return sum(result.outcome != "lost" for result in measured.results)

    arrived = side_by_side(measure, probes)
    if arrived != [len(probes) - 1] * len(probes):
        raise AssertionError(f"something was lost: {arrived}")


def one_exec_a_pair(probes: list[ProbePod], lab: Lab, api: Cluster) -> None:
    for source, target in permutations(probes, 2):
        namespace, _slash, name = source.key.partition("/")
        ping = ["ping", "-n", "-c", "1", "-W", "1", target.addresses[0]]
        run("kubectl", "exec", "-n", namespace, name, "--", *ping, KUBECONFIG=str(lab.kubeconfig))


@cache
def measured() -> dict[str, list[float]]:
    """Seconds of each way, one value a round."""
    with cluster("netns", NODES - 1) as lab, connect({"kubeconfig": str(lab.kubeconfig)}, 600) as api:
        nodes = api.list(path("nodes"))["items"]
        with open_probes(api, nodes, Settings(image="busybox"), api.deadline) as found:
            probes = [item.in_pod_network for item in found.values() if isinstance(item.in_pod_network, ProbePod)]
            ways = {"mesh": one_exec_a_probe, "loop": one_exec_a_pair}
            return taking_turns(ROUNDS, {name: lambda way=way: way(probes, lab, api) for name, way in ways.items()})


def rows() -> list[tuple[str, float, float]]:
    """(what, ratio, the most it may be): N execs in the place of N x (N - 1)."""
    what = f"the mesh of {NODES} probe pods, to a loop of kubectl exec over the pairs"
    return [(what, ratio(measured()["mesh"], measured()["loop"]), 1 / NODES)]


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most it should be)."""
    return [
        (f"the mesh of {NODES} probe pods", median(measured()["mesh"]), None),
        ("the same by a loop of kubectl exec over the pairs", median(measured()["loop"]), None),
    ]
