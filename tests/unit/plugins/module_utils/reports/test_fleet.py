"""Several clusters in one overview."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.files import fleet_files
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.fleet import Member, fleet_report, headline, merged

from tests.unit.plugins.module_utils.reports.examples import FAILING, INCOMPLETE, PASSING
from tests.unit.plugins.module_utils.reports.reading import read_page

GOOD = Member("shop-eu", PASSING, report="shop-eu/report.html")
BAD = Member("shop-us", FAILING, report="shop-us/report.html")
OPEN = Member("lab", INCOMPLETE, report="lab/report.html")
SILENT = Member("far", reason="the API server did not answer within 10 s")
ALL = (GOOD, SILENT, OPEN, BAD)


@pytest.mark.parametrize(
    ("members", "verdict", "sentence"),
    [
        ([GOOD], "pass", "1 pod network works: all promises are proved."),
        ([GOOD, GOOD], "pass", "2 pod networks work: all promises are proved."),
        ([GOOD, BAD], "fail", "1 of 2 pod networks is broken."),
        (ALL, "fail", "1 of 4 pod networks is broken; 1 could not be checked."),
        (
            [GOOD, OPEN],
            "incomplete",
            "None of 2 pod networks is known to be broken, but of 1 not everything could be proved.",
        ),
        ([GOOD, SILENT], "incomplete", "None of 2 pod networks is known to be broken, but 1 could not be checked."),
    ],
)
def test_the_fleet_is_as_its_worst_cluster(members, verdict, sentence) -> None:
    assert merged(members)["verdict"] == verdict
    assert headline(members) == sentence


def test_the_worst_clusters_stand_first_and_are_linked_to_their_reports() -> None:
    rows = read_page(fleet_report(ALL)).one(id="clusters").one("tbody").all("tr")
    assert [row.all("th")[0].text for row in rows] == ["shop-us", "far", "lab", "shop-eu"]
    assert rows[0].one("a").attributes["href"] == "shop-us/report.html"
    assert not rows[1].all("a")


def test_a_cluster_that_could_not_be_checked_says_why() -> None:
    page = read_page(fleet_report(ALL))
    assert "Not checked not known: the API server did not answer within 10 s" in page.one(id="clusters").text
    assert "the API server did not answer within 10 s far" in page.one(id="not-proved").text


def test_a_fault_that_several_clusters_have_is_one_row() -> None:
    other = Member("shop-ap", replace(FAILING, findings=FAILING.findings[:1]))
    rows = read_page(fleet_report([BAD, other])).one(id="findings").one("tbody").all("tr")
    assert rows[0].text.startswith("missing-block-route shop-us and shop-ap demo-worker has no route")
    assert len(rows) == 3


def test_emulated_clusters_are_named_at_the_top() -> None:
    assert "Emulated: lab." in read_page(fleet_report(ALL)).one("header").text


def test_the_json_has_the_clusters_in_the_order_given() -> None:
    clusters = merged(ALL)["clusters"]
    assert [cluster["cluster"] for cluster in clusters] == ["shop-eu", "far", "lab", "shop-us"]
    assert clusters[1] == {
        "cluster": "far",
        "verdict": "unchecked",
        "report": None,
        "reason": "the API server did not answer within 10 s",
    }
    assert clusters[3]["promises"] == {"P1": "refuted", "P2": "refuted", "P3": "proved"}
    assert clusters[3]["findings"][0]["code"] == "missing-block-route"
    assert clusters[2]["not_proved"] == 3


@pytest.mark.parametrize("report", ["javascript:alert(1)", "https://example.org/x", '"><script>'])
def test_a_link_leads_to_a_file_beside_the_page_and_nowhere_else(report) -> None:
    page = read_page(fleet_report([replace(BAD, name=report, report=report)]))
    (link,) = page.one(id="clusters").all("a")
    assert ":" not in link.attributes["href"]
    assert not page.all("script")


def test_the_files_are_three() -> None:
    assert set(fleet_files(ALL)) == {"fleet.json", "fleet.xml", "fleet.html"}
