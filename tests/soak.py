"""Runs what takes long, and says in the end how much of it passed.

    python tests/soak.py                    all
    python tests/soak.py checks             200 verdicts in a row on a healthy cluster, while all processors are kept busy
    python tests/soak.py properties         the property tests with many more inputs, those against a kernel among them

CHECKS is another number of verdicts. The cluster is one of network namespaces, with both families, and is removed in the end.
A verdict that is not a pass is told at once, and stands whole in build/log, as all that is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import cluster, network_validate, pod
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation
from gates import LOGS, Gate, GateFailedError, Runner, attempt

CHECKS = int(os.environ.get("CHECKS", "200"))

# A load ends with the process that started it, however that one ends.
_LOAD = "import os\nstarter = os.getppid()\nwhile os.getppid() == starter:\n    sum(range(100_000))\n"


def checks(run: Runner) -> None:
    seconds: list[float] = []
    passed = 0
    with run.log.open("a", buffering=1) as log, healthy_cluster() as kubeconfig, busy_processors():
        for number in range(1, CHECKS + 1):
            start = time.monotonic()
            verdict = run_in_process(network_validate.OPERATION, {"kubeconfig": kubeconfig}, check_mode=False)
            seconds.append(time.monotonic() - start)
            if verdict.get("error") == "interrupted":
                raise KeyboardInterrupt
            said = f"check {number}: {verdict.get('verdict', 'failed')} after {seconds[-1]:.1f} s"
            log.write(f"{said}\n")
            if verdict.get("verdict") == "pass":
                passed += 1
            else:
                log.write(f"{json.dumps(verdict, indent=2)}\n")
                print(said, *why(verdict), sep="\n    ", flush=True)
        log.write(f"{passed} of {CHECKS} passed in {median(seconds):.1f} s each, {max(seconds):.1f} s at most\n")
    if passed < CHECKS:
        raise GateFailedError(f"{passed} of {CHECKS} checks of a healthy cluster passed")


def why(verdict: dict[str, Any]) -> Iterator[str]:
    """What keeps a verdict from being a pass."""
    if "msg" in verdict:
        yield verdict["msg"]
    for kind in ("findings", "not_proved"):
        yield from (f"{kind}: {json.dumps(item)}" for item in verdict.get(kind, []))
    for name, promise in verdict.get("promises", {}).items():
        if promise["state"] != "proved":
            yield f"{name} is {promise['state']}: {promise['reason']}"


@contextmanager
def healthy_cluster() -> Iterator[str]:
    """The kubeconfig file of a cluster of three nodes, with a pod on each worker."""
    # A cluster of this name may be somebody's: this one is noted down elsewhere.
    with tempfile.TemporaryDirectory(prefix="podnet-soak-") as folder:
        os.environ["NETNS_CLUSTER_STATE"] = folder
        asked = {"name": "soak", "provider": "netns", "kubeconfig": f"{folder}/kubeconfig"}
        try:
            made = done(cluster.OPERATION, {**asked, "ip_families": "dual"})
            workers = [node["name"] for node in made["nodes"] if node["role"] == "worker"]
            pods = [{"name": name, "node": name, "command": ["sleep", "86400"]} for name in workers]
            done(pod.OPERATION, {"kubeconfig": made["kubeconfig"], "pods": pods})
            yield made["kubeconfig"]
        finally:
            done(cluster.OPERATION, {**asked, "state": "absent"})


def done(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a task that must not fail."""
    result = run_in_process(operation, arguments, check_mode=False)
    if result.get("failed"):
        raise GateFailedError(result["msg"])
    return result


@contextmanager
def busy_processors() -> Iterator[None]:
    """As many processes as there are processors, each of which would take one for itself."""
    loads = [subprocess.Popen([sys.executable, "-c", _LOAD]) for _processor in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def properties(run: Runner) -> None:
    run("pytest", "-q", "-n", "2", "-m", "hypothesis", "--hypothesis-profile", "soak", "tests/unit")


GATES = {"checks": Gate("checks under load", checks), "properties": Gate("property tests with many inputs", properties)}


def main(arguments: Sequence[str]) -> int:
    if not set(arguments) <= GATES.keys():
        print(__doc__, file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    outcomes = [attempt(GATES[name]) for name in arguments or GATES]
    print(", ".join(f"{outcomes.count(kind)} {kind}" for kind in ("passed", "failed")))
    return 1 if "failed" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
