"""The netns cluster: how long until three nodes are ready, and until a pod runs."""

from __future__ import annotations

import sys
import time
from functools import partial
from statistics import median

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, connect, path
from measure import cluster, run, seconds

ROUNDS = 5
NETNS = (sys.executable, "-m", "netns_cluster")
NAME = "bench-ready"


def up_seconds() -> float:
    """From the command line to three nodes that are ready, Python's start among it."""
    try:
        return seconds(lambda: run(*NETNS, "up", "--name", NAME, "--workers", "2"))
    finally:
        run(*NETNS, "down", "--name", NAME)


def run_pod(api: Cluster, name: str) -> None:
    """Create a pod and look until it runs."""
    container = {"name": name, "image": "busybox", "command": ["sleep", "3600"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    url = path("pods", namespace="default")
    api.create(url, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    while api.get(path("pods", name, "default"))["status"].get("phase") != "Running":
        time.sleep(0.002)


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most it should be)."""
    ready = median(up_seconds() for _round in range(ROUNDS))
    with cluster("netns") as lab, connect({"kubeconfig": str(lab.kubeconfig)}, 60) as api:
        running = median(seconds(partial(run_pod, api, f"pod-{turn}")) for turn in range(ROUNDS))
    return [("a netns cluster of 3 nodes is ready", ready, 1.0), ("a pod on it runs", running, 0.1)]
