"""The matrix of who reaches whom."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.reports.markup import element, html_document
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.reach_matrix import MOST_ENDS, reach_matrix
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.view import Reach, view_of

from tests.unit.plugins.module_utils.reports.examples import FAILING_SNAPSHOT, lab_snapshot, large_lab
from tests.unit.plugins.module_utils.reports.reading import Node, read_page


def shown(reach: Reach) -> Node:
    return read_page(html_document(element("div", reach_matrix(reach))))


def cell(page: Node, source: str, target: str) -> str:
    heads = [head.text for head in page.one("thead").all("th")]
    row = next(row for row in page.one("tbody").all("tr") if row.all("th")[0].text == source)
    return row.all("td")[heads.index(target) - 1].text


def test_a_cell_says_by_sign_and_word_whether_packets_arrived() -> None:
    page = shown(view_of(FAILING_SNAPSHOT, ()).reach)
    assert cell(page, "pod on demo-worker", "pod on demo-worker2") == "✕ lost"
    assert cell(page, "pod on demo-worker2", "pod on demo-worker") == "✓ reached"
    assert cell(page, "node demo-worker", "outside (8.8.8.8)") == "· not measured"
    assert cell(page, "pod on demo-worker", "pod on demo-worker") == ""


def test_the_legend_explains_the_signs_that_are_there() -> None:
    legend = shown(view_of(lab_snapshot(), ()).reach).one("ul", class_="legend")
    assert [item.text for item in legend.all("li")] == ["✓ reached", "· not measured"]


def test_targets_that_are_no_probes_are_summed_up_and_the_lost_ones_named() -> None:
    text = shown(view_of(FAILING_SNAPSHOT, ()).reach).text
    assert "Of 4 further targets, most of them pods, 2 always answered." in text
    assert "default/bb2 did not always answer." in text


def test_a_matrix_too_large_for_a_page_becomes_a_list_of_what_is_lost() -> None:
    names = tuple(f"p/probe-{number}" for number in range(MOST_ENDS + 1))
    labels = {name: f"pod on node-{number}" for number, name in enumerate(names)}
    outcomes = {(source, target): "reached" for source in names for target in names if source != target}
    outcomes["p/probe-3", "p/probe-9"] = "lost"
    page = shown(Reach(names, names, labels, outcomes, 0, ()))
    assert f"{MOST_ENDS + 1} probes sent packets to each other: 14,519 of 14,520 ways work." in page.text
    assert [row.text for row in page.one("tbody").all("tr")] == ["pod on node-3 pod on node-9 lost"]


def test_nodes_are_named_without_the_domain_that_all_have() -> None:
    reach = view_of(lab_snapshot(large_lab(3)), ()).reach
    assert set(reach.labels.values()) >= {"pod on ip-10-0-0-2", "node ip-10-0-0-2"}
    assert "pod on demo-worker2" in view_of(lab_snapshot(), ()).reach.labels.values()


def test_the_legend_has_no_sign_that_is_not_there() -> None:
    ends = ("a", "b")
    reach = Reach(ends, ends, {"a": "node a", "b": "node b"}, {("a", "b"): "reached", ("b", "a"): "partly"}, 0, ())
    legend = shown(reach).one("ul", class_="legend")
    assert [item.text for item in legend.all("li")] == ["✓ reached", "! reached in part"]
