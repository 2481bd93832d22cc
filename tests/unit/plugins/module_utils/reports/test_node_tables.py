"""Each node's table on the page."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kubelab.podnet.plugins.module_utils.reports.markup import element, html_document
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.node_tables import node_tables
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.view import view_of

from tests.unit.plugins.module_utils.reports.examples import FAILING, FAILING_SNAPSHOT, V4, lab_snapshot
from tests.unit.plugins.module_utils.reports.reading import Node, read_page


def shown(snapshot, findings=()) -> Node:
    return read_page(html_document(element("div", node_tables(view_of(snapshot, ()), findings))))


def test_each_row_stands_as_printed_with_what_it_is_for() -> None:
    (_control_plane, worker, _worker2) = shown(lab_snapshot()).all("details")
    rows = {row.all("th")[0].text: row.all("td")[0].text for row in worker.one("tbody").all("tr")}
    assert rows["192.168.157.134 dev cali98fd8882b62 scope link"] == (
        "pod default/bb1 is reached through its interface cali98fd8882b62"
    )
    assert len(rows) == 10


def test_a_row_that_a_finding_rests_on_bears_its_code() -> None:
    worker2 = shown(FAILING_SNAPSHOT, FAILING.findings).all("details")[2]
    (row,) = [row for row in worker2.one("tbody").all("tr") if "blackhole 192.168.210.1" in row.text]
    assert "✕ see blackholed-pod" in row.text
    assert "✕ 1 fault" in worker2.one("summary").text


def test_the_same_row_on_another_node_is_not_blamed() -> None:
    first, worker, last = shown(FAILING_SNAPSHOT, FAILING.findings).all("details")
    assert "see missing-block-route" in worker.text
    assert "missing-block-route" not in first.text + last.text


def test_of_evidence_from_several_nodes_only_the_blamed_one_s_is_marked() -> None:
    rows = tuple(f"on {node}: blackhole 192.168.210.1" for node in ("demo-worker", "demo-worker2"))
    snapshot = lab_snapshot(with_rows=[("demo-worker", rows[0][16:]), ("demo-worker2", rows[0][16:])])
    _first, worker, worker2 = shown(snapshot, [replace(FAILING.findings[1], evidence=rows)]).all("details")
    assert "see blackholed-pod" not in worker.text
    assert "see blackholed-pod" in worker2.text


def test_a_long_table_is_cut_but_keeps_what_a_finding_rests_on() -> None:
    rows = [
        ("demo-worker", f"10.{number // 250}.{number % 250}.0/24 via 172.18.0.9 dev eth0") for number in range(2000)
    ]
    finding = replace(FAILING.findings[0], evidence=(rows[-1][1],))
    worker = shown(lab_snapshot(with_rows=rows), [finding]).all("details")[1]
    assert len(worker.one("tbody").all("tr")) == 1001
    assert rows[-1][1] in worker.text
    assert "1,001 of 2,010 rows; the snapshot has all" in worker.one("caption").text


def test_what_could_not_be_read_stands_with_the_reason() -> None:
    snapshot = lab_snapshot()
    silent = replace(snapshot.nodes[1], printed={}, unread={V4: "no way to run a command on this node"})
    worker = shown(replace(snapshot, nodes=(snapshot.nodes[0], silent))).all("details")[1]
    assert "No table could be read." in worker.text
    assert f"{V4} : no way to run a command on this node" in worker.text
