"""Runs the tests and the lab with each Python, ansible-core and Kubernetes client that the collection promises to work with.

    python tests/matrix.py              all environments
    python tests/matrix.py 3.11         those of one Python, or several

Each environment is made by uv from requirements/matrix, under build/matrix, from an interpreter that is here; one whose
interpreter is missing is skipped. In each run the unit tests, the tests against a live netns cluster, and lab.yml on a
netns cluster of its own. What is printed is kept in build/log.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gates import LOGS, ROOT, Gate, Runner, attempt

CORES = {"3.11": "2.19", "3.12": "2.20", "3.13": "2.21"}
"""Python -> the ansible-core that requirements/matrix/common.in pairs it with."""

CLIENTS = ("kubernetes-35", "kubernetes-newest")
"""Sets of pins in requirements/matrix."""

_RUNS = "import ensurepip, ssl, sys; sys.exit('{}.{}'.format(*sys.version_info) != sys.argv[1])"


@dataclass(frozen=True)
class Environment:
    """One cell of the matrix."""

    python: str
    client: str

    @property
    def name(self) -> str:
        return f"Python {self.python}, ansible-core {CORES[self.python]}, {self.client.replace('-', ' ')}"

    @property
    def folder(self) -> Path:
        return ROOT / "build" / "matrix" / f"python-{self.python}-{self.client}"

    def make(self, interpreter: Path, run: Runner) -> None:
        """Make the environment, or leave one that was made from the same pins."""
        pins = ROOT / "requirements" / "matrix" / f"{self.client}.txt"
        wanted = f"{interpreter} {hashlib.sha256(pins.read_bytes()).hexdigest()}"
        stamp = self.folder / "stamp"
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        run("uv", "venv", "--clear", "--python", interpreter, self.folder)
        run("uv", "pip", "install", "--python", self.folder / "bin" / "python", "--require-hashes", "-r", pins)
        stamp.write_text(wanted)

    def gates(self) -> Iterator[Gate]:
        interpreter = find(self.python)
        reason = "" if interpreter else f"no Python {self.python} that runs was found"

        def gate(what: str, work: Callable[[Runner], None]) -> Gate:
            def run_here(run: Runner) -> None:
                assert interpreter
                self.make(interpreter, run)
                run.environment.update(
                    PATH=f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                    PROVIDER="netns",
                    PODNET_PROVIDER="netns",
                )
                work(run)

            return Gate(f"{what} with {self.name}", run_here, reason)

        yield gate("unit tests", unit)
        yield gate("live tests", live)
        yield gate("lab.yml", lab)


def unit(run: Runner) -> None:
    run("pytest", "-q", "-n", "2", "tests/unit")


def live(run: Runner) -> None:
    run("pytest", "-q", "tests/cluster")


def lab(run: Runner) -> None:
    # A cluster of this name may be somebody's: this one is noted down elsewhere.
    with tempfile.TemporaryDirectory(prefix="podnet-matrix-") as state:
        run.environment.update(NETNS_CLUSTER_STATE=state, XDG_STATE_HOME=state)
        provider = ["-e", "lab_cluster_provider=netns"]
        try:
            run("ansible-playbook", "lab.yml", *provider)
        finally:
            run("ansible-playbook", "lab.yml", "--tags", "down", *provider)


def find(version: str) -> Path | None:
    """An interpreter of that version that really runs: a version manager's shim may not."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(pyenv.glob(f"{version}.*/bin"))]
    for candidate in (folder / f"python{version}" for folder in folders):
        if candidate.is_file():
            done = subprocess.run([candidate, "-c", _RUNS, version], capture_output=True, check=False)
            if done.returncode == 0:
                return candidate
    return None


def main(arguments: Sequence[str]) -> int:
    if not set(arguments) <= set(CORES):
        print(__doc__, file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    environments = [Environment(python, client) for python in arguments or CORES for client in CLIENTS]
    outcomes = [attempt(gate) for environment in environments for gate in environment.gates()]
    print(", ".join(f"{outcomes.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if "failed" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
