"""What the lab showed, beside what the API and the kernel say."""

from __future__ import annotations

from pathlib import Path

import pytest
from facts import NODES, WORKERS, evidence, kubectl, node_host


@pytest.fixture(scope="module")
def shown(ephemeral: Path) -> str:
    """What lab.yml printed."""
    text = (ephemeral / "lab.txt").read_text()
    print(text)
    return text


@pytest.mark.parametrize(("pod", "node"), [("bb1", WORKERS[0]), ("bb2", WORKERS[1])])
def test_the_placement_is_shown(shown: str, pod: str, node: str) -> None:
    address = kubectl("get", "pod", pod)["status"]["podIP"]
    (line,) = (line.split() for line in shown.splitlines() if f" {pod} " in line and " Ready " in line)
    assert line[-2:] == [address, node]


@pytest.mark.parametrize("node", NODES)
def test_each_row_of_each_node_is_shown_with_what_it_is_for(shown: str, node: str) -> None:
    for row in evidence(node_host(node), "ip -4 route").splitlines():
        (line, *_rest) = (line for line in shown.splitlines() if row.strip() in line)
        assert line.split(row.strip(), 1)[1].strip(), f"{row} is shown without an explanation"


def test_the_pings_and_the_path_are_shown(shown: str) -> None:
    assert shown.count("5 of 5 answered") == 2
    assert f"default/bb2 -> node {WORKERS[1]} -> node {WORKERS[0]} -> pod default/bb1" in shown


def test_the_labels_are_on_the_nodes() -> None:
    labels = [kubectl("get", "node", node)["metadata"]["labels"].get("alias") for node in WORKERS]
    assert labels == ["firstWorker", "secondWorker"]
