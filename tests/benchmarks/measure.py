"""What the benchmarks share: clusters, commands, and times of runs that take turns."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import cluster as cluster_operation

Name = TypeVar("Name")
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
KIT = os.environ.get("KIND_KIT", "")
PROVIDERS = ("netns", "kind") if KIT else ("netns",)
"""What the lab is measured on. With the folder of a kit for kind (see the Makefile) that is kind, too."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs; ``outside`` is an address outside of it to ping."""

    provider: str
    kubeconfig: Path
    workers: tuple[str, ...]
    outside: str


@contextmanager
def cluster(provider: str, workers: int = 2) -> Iterator[Cluster]:
    """A cluster with that many workers, removed in the end."""
    file = FOLDER / f"{provider}.kubeconfig"
    asked = {"name": f"bench-{provider}", "provider": provider, "workers": workers, "kubeconfig": str(file)}
    kind = {"node_image": os.environ.get("PODNET_NODE_IMAGE"), "cni": ["default"]} if provider == "kind" else {}
    try:
        made = run_in_process(cluster_operation.OPERATION, {**asked, **kind}, check_mode=False)
        if made.get("failed"):
            sys.exit(f"no cluster: {made['msg']}")
        names = tuple(node["name"] for node in made["nodes"] if node["role"] == "worker")
        outside = run(Path(KIT) / "outside", "up").strip() if provider == "kind" else "8.8.8.8"
        yield Cluster(provider, Path(made["kubeconfig"]), names, outside)
    finally:
        run_in_process(cluster_operation.OPERATION, {**asked, "state": "absent"}, check_mode=False)


def run(*command: str | Path, **environment: str) -> str:
    """What a command printed on standard output; the end of all when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(
            f"{' '.join(words)} ended with exit code {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds(work: Callable[[], object]) -> float:
    """The time that the processors spent on the programs that the work ran, and on theirs."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = spent()
    work()
    return spent() - start


def taking_turns(
    rounds: int,
    works: Mapping[Name, Callable[[], object]],
    measure: Callable[[Callable[[], object]], float] = seconds,
) -> dict[Name, list[float]]:
    """Seconds of each work in each round. They take turns, so that what else the machine does falls on all of them."""
    times: dict[Name, list[float]] = {name: [] for name in works}
    for _round in range(rounds):
        for name, work in works.items():
            times[name].append(measure(work))
    return times


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios of the rounds."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def kubernetes_core() -> Path:
    """The ``ansible-playbook`` of an environment with kubernetes.core, made from its pins when it is not there as they say."""
    pins = ROOT / "requirements" / "bench.txt"
    folder = FOLDER / "kubernetes.core"
    wanted = f"{sys.version} {hashlib.sha256(pins.read_bytes()).hexdigest()}"
    stamp = folder / "stamp"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run("uv", "venv", "--python", sys.executable, folder)
        run("uv", "pip", "install", "--python", folder / "bin" / "python", "--require-hashes", "-r", pins)
        stamp.write_text(wanted)
    return folder / "bin" / "ansible-playbook"
