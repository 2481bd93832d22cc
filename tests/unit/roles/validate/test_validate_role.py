"""The role validate in a play, on a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot_file import write_snapshot

from tests.support.playbook import Play
from tests.unit.plugins.module_utils.checks.lab import Lab

pytestmark = pytest.mark.slow


def test_a_pair_is_shown_step_by_step_with_the_one_where_it_is_lost(tmp_path: Path) -> None:
    lab = Lab()
    lab.ask("default/bb1", "default/bb2")
    lab.delete_route("demo-worker", "192.168.121.64/26")
    lab.lose_between(lab.addresses_on("demo-worker"), lab.addresses_on("demo-worker2"))
    write_snapshot(lab.snapshot(), tmp_path / "snapshot.jsonl")
    variables = {
        "validate_snapshot": str(tmp_path / "snapshot.jsonl"),
        "validate_report_dir": str(tmp_path / "report"),
        "validate_pairs": [{"from": "bb1", "to": "bb2"}],
    }
    with Play(tmp_path, {"roles": [{"role": "kubelab.podnet.validate", "vars": variables}]}) as play:
        printed = play.output()
    shown = next(result["msg"] for task, result in play.results().items() if task.endswith("Show the verdict"))
    start = next(place for place, line in enumerate(shown) if line.startswith("From default/bb1 to default/bb2: "))
    assert shown[start : start + 4] == [
        "From default/bb1 to default/bb2: the way there is lost at node demo-worker (missing-block-route): demo-worker has no"
        " route to the pods of demo-worker2 (192.168.121.64/26)",
        "  there, IPv4 192.168.157.134 > 192.168.121.73: lost",
        "    pod default/bb1 sends the packet to its node demo-worker  | default via 169.254.1.1 dev eth0",
        "    node demo-worker sends the packet to 172.18.0.1 at eth0 by its default route; no table shows its way from there"
        "  | default via 172.18.0.1 dev eth0  <- lost here",
    ]
    assert "missing-block-route" in printed
    assert "Explained paths" in (tmp_path / "report" / "report.html").read_text()
