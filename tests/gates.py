"""Runs the quality gates and says in the end what passed, failed and was skipped.

    python tests/gates.py quick     lint, types, layers, unit tests: the daily loop
    python tests/gates.py all       these, the collection's own tests, and the scenarios on each cluster that is there

PROVIDER=kind or netns narrows the clusters down, KIND_KIT is the folder of a kit for kind (see the Makefile). What a gate
prints is shown when it fails, and always kept in build/log. Some gates run side by side: of all, those on the last cluster that
is there, which take as long as all others together.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "log"
PACKAGE = "ansible_collections.kubelab.podnet.plugins"
UNIT = Path("tests/unit/plugins/module_utils")
PARTS = ("operations", "cluster")
"""What takes as long as all other unit tests, since some of its tests wait for a deadline."""
SCENARIOS = ("default", "pods", "routes", "connectivity", "lab", "validate", "faults")


class GateFailedError(Exception):
    """A gate's command failed."""


@dataclass(frozen=True)
class Gate:
    """A named check: commands one after the other, or a function; ``skip`` is the reason why it does not run."""

    name: str
    run: Callable[[Runner], None]
    skip: str = ""


@dataclass
class Runner:
    """Runs the commands of one gate with their output in its log."""

    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(map(str, command))}\n")
            log.flush()
            done = subprocess.run(
                [str(word) for word in command],
                cwd=cwd,
                env={**os.environ, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise GateFailedError(f"{command[0]} ended with exit code {done.returncode}")


# --- gates without a cluster -------------------------------------------------------------------------------------------


def lint(run: Runner) -> None:
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")


def types(run: Runner) -> None:
    run("mypy", "-p", PACKAGE, "-p", "netns_cluster", MYPYPATH="build")


def layers(run: Runner) -> None:
    run("lint-imports", PYTHONPATH="build")


def unit(part: str) -> Gate:
    """The unit tests of a part; without one, those that are of none of :data:`PARTS`."""
    where = [UNIT / part] if part else ["tests/unit", *(f"--ignore={UNIT / other}" for other in PARTS)]
    return Gate(f"unit tests of {part or 'all else'}", lambda run: run("pytest", "-q", "-m", "not slow", *where))


def slow(run: Runner) -> None:
    run("pytest", "-q", "-n", "2", "-m", "slow", "tests/unit")


def install(run: Runner, place: Path) -> Path:
    """Build the collection, and install what is shipped of it in a folder of its own; returns the tree."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    run("ansible-galaxy", "collection", "build", ROOT, "--output-path", place, cwd=place)
    (archive,) = place.glob("*.tar.gz")
    run("ansible-galaxy", "collection", "install", "--offline", "-p", place, archive, cwd=place)
    return place / "ansible_collections" / "kubelab" / "podnet"


def sanity(run: Runner) -> None:
    _place_pip_bootstrap()
    tree = install(run, ROOT / "build" / "sanity")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    # Inside a tree that git ignores, ansible-test would ask git for the files, and find none.
    run("git", "init", "-q", cwd=tree)
    run("git", "add", "-A", cwd=tree)
    run("ansible-test", "sanity", "--color", "no", "--python", version, cwd=tree)


def _place_pip_bootstrap() -> None:
    """Give ansible-test the script that it would download to put pip into its environments: a network may not reach it."""
    script = (
        "import ensurepip, subprocess, sys\n"
        "ensurepip.bootstrap(default_pip=True)\n"
        "wanted = [word for word in sys.argv[1:] if word not in ('--no-setuptools', '--no-wheel')]\n"
        "sys.exit(subprocess.call([sys.executable, '-m', 'pip', 'install', *wanted]))\n"
    )
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):  # of ansible-core 2.19 and 2.20, and of 2.21
        file = cache / f"get_pip_{version}.py"
        if not file.exists():
            file.write_text(script)


def ansible_lint(run: Runner) -> None:
    # Without a profile, which would only leave rules out, such as args, which finds misspelt options.
    run("ansible-lint", "--offline", "--strict", "-q")


def docs(run: Runner) -> None:
    run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")


def installed(run: Runner) -> None:
    """Build the collection, install the result elsewhere, and run a playbook of it by its full name."""
    place = ROOT / "build" / "installed"
    install(run, place)
    # From another folder and with settings of its own, so that nothing of this tree is used.
    (place / "ansible.cfg").touch()
    run.environment.update(ANSIBLE_CONFIG=str(place / "ansible.cfg"), ANSIBLE_COLLECTIONS_PATH=str(place))
    run("ansible-playbook", "kubelab.podnet.lab", "--check", "-e", "lab_cluster_name=nowhere", cwd=place)
    if _why_not("netns"):
        return
    cluster = {"name": "podnet-installed", "provider": "netns", "kubeconfig": str(place / "kubeconfig")}
    variables = json.dumps({f"lab_cluster_{key}": value for key, value in cluster.items()})
    run("ansible-playbook", "kubelab.podnet.lab", "-e", variables, cwd=place)
    run("ansible-playbook", "kubelab.podnet.lab", "-e", variables, "--tags", "down", cwd=place)
    if (place / "kubeconfig").exists():
        raise GateFailedError("the tag down left the kubeconfig file of the cluster")


# --- gates on a cluster ------------------------------------------------------------------------------------------------


def on_cluster(provider: str) -> list[Gate]:
    """The tests against a live cluster of one provider, and the molecule scenarios on it."""
    environment = {
        "PROVIDER": provider,
        "PODNET_PROVIDER": provider,
        # Else that of the scenario, in which those on the other cluster may be at work.
        "MOLECULE_EPHEMERAL_DIRECTORY": str(ROOT / "build" / "molecule" / provider),
    }
    reason = _why_not(provider)

    def live(run: Runner) -> None:
        run.environment.update(environment)
        # The tests of the netns cluster itself make clusters of their own.
        others = [] if provider == "netns" else ["--ignore", "tests/cluster/netns"]
        run("pytest", "-q", "--durations=20", *others, "tests/cluster")

    def scenarios(run: Runner) -> None:
        run.environment.update(environment)
        run("molecule", "test", *(word for name in SCENARIOS for word in ("-s", name)))

    return [Gate(f"live tests on {provider}", live, reason), Gate(f"molecule on {provider}", scenarios, reason)]


def _why_not(provider: str) -> str:
    chosen = os.environ.get("PROVIDER", "auto")
    if chosen not in ("auto", provider):
        return f"PROVIDER={chosen}"
    if provider == "kind":
        if shutil.which("kind") is None:
            return "kind is not installed"
        if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
            return "no container engine runs"
    return ""


# --- running -----------------------------------------------------------------------------------------------------------

QUICK = [
    [Gate("lint", lint), Gate("types", types), Gate("layers", layers), unit("")],
    *([unit(part)] for part in PARTS),
]
COLLECTION = [
    Gate("slow unit tests", slow),
    Gate("ansible-test sanity", sanity),
    Gate("ansible-lint", ansible_lint),
    Gate("antsibull-docs", docs),
    Gate("build, install, run by name", installed),
]


def attempt(gate: Gate) -> str:
    """Run one gate, say how it ended, and return passed, failed or skipped."""
    if gate.skip:
        print(f"skipped          {gate.name}: {gate.skip}", flush=True)
        return "skipped"
    log = LOGS / f"{gate.name.replace(' ', '-').replace(',', '')}.log"
    log.unlink(missing_ok=True)
    started = time.monotonic()
    try:
        gate.run(Runner(log))
    except GateFailedError as error:
        lines = log.read_text(errors="replace").splitlines()[-60:]
        print(f"FAILED  {time.monotonic() - started:6.1f} s  {gate.name}: {error}; its last lines ({log}):", flush=True)
        print("\n".join(f"    {line}" for line in lines), flush=True)
        return "failed"
    print(f"ok      {time.monotonic() - started:6.1f} s  {gate.name}{_count(log)}", flush=True)
    return "passed"


def _count(log: Path) -> str:
    """What pytest says it ran."""
    closing = [line for line in log.read_text(errors="replace").splitlines() if " passed" in line and " in " in line]
    return f" ({closing[-1].strip('= ').partition(' in ')[0]})" if closing else ""


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in (["quick"], ["all"]):
        print(__doc__, file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    lanes = QUICK
    clusters = [on_cluster("netns"), on_cluster("kind")] if arguments[0] == "all" else []
    if clusters:
        there = [gates for gates in clusters if not gates[0].skip] or clusters
        others = [gate for gates in clusters if gates is not there[-1] for gate in gates]
        lanes = [[*chain(*QUICK), *COLLECTION, *others], there[-1]]
    outcomes: dict[str, str] = {}

    def run_lane(gates: Sequence[Gate]) -> None:
        for gate in gates:
            outcomes[gate.name] = attempt(gate)

    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        list(pool.map(run_lane, lanes))
    for gates in clusters:
        print("; ".join(f"{gate.name}: {outcomes[gate.name]}{gate.skip and f' ({gate.skip})'}" for gate in gates))
    results = list(outcomes.values())
    print(", ".join(f"{results.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if "failed" in results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
