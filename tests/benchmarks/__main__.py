"""Runs the benchmarks, prints their table and writes it to build/bench/table.md.

    PYTHONPATH=build python tests/benchmarks                  all
    PYTHONPATH=build python tests/benchmarks parsing lab      those

Each file bench_NAME.py gives ``rows()``, ratios and the most they may be, or ``times()``, seconds and the most they should
be (or None), or both. A ratio that is too high ends this with exit status 1; times are shown only, since machines differ.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from measure import FOLDER, kubernetes_core, run

HERE = Path(__file__).resolve().parent
NAMES = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
LIBRARIES = ("ansible-core", "kubernetes", "jc")


def main(arguments: Sequence[str]) -> int:
    if not set(arguments) <= set(NAMES):
        print(f"{__doc__}\nThere are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [*machine(), "", "| what | measured | at most | |", "|---|---|---|---|"]
    missed = 0
    for name in arguments or NAMES:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        benchmark = importlib.import_module(f"bench_{name}")
        for what, value, most in benchmark.rows() if hasattr(benchmark, "rows") else ():
            missed += value > most
            lines.append(f"| {what} | {value:.2f} x | {most:.2f} x | {'met' if value <= most else 'MISSED'} |")
        for what, value, should in benchmark.times() if hasattr(benchmark, "times") else ():
            lines.append(
                f"| {what} | {span(value)} | {'' if should is None else span(should)} | {verdict(value, should)} |"
            )
    text = "\n".join(lines)
    (FOLDER / "table.md").write_text(f"{text}\n")
    print(text)
    return 1 if missed else 0


def verdict(value: float, should: float | None) -> str:
    """A time is never a failure: machines differ."""
    if should is None:
        return ""
    return "met" if value <= should else "above"


def span(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def machine() -> Iterator[str]:
    """What it was measured on, and with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    yield f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, load {load:.1f} at the start"
    manifests = (
        kubernetes_core().parents[1].glob("lib/*/site-packages/ansible_collections/kubernetes/core/MANIFEST.json")
    )
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    versions["kubernetes.core"] = json.loads(min(manifests).read_text())["collection_info"]["version"]
    versions["kubectl"] = json.loads(run("kubectl", "version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    yield f"Python {platform.python_version()}, {', '.join(f'{name} {version}' for name, version in versions.items())}"
    yield f"{datetime.now(UTC):%d %B %Y}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
