"""The page on one cluster."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import Finding, NotProved
from ansible_collections.kubelab.podnet.plugins.module_utils.reports import cluster_report as module
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.cluster_report import cluster_report

from tests.unit.plugins.module_utils.reports.examples import (
    FAILING,
    FAILING_SNAPSHOT,
    INCOMPLETE,
    LAB,
    PASSING,
    lab_snapshot,
)
from tests.unit.plugins.module_utils.reports.reading import Node, read_page

PAGES = {
    "passing": cluster_report(PASSING, lab_snapshot()),
    "failing": cluster_report(FAILING, FAILING_SNAPSHOT),
    "incomplete": cluster_report(INCOMPLETE, lab_snapshot(emulated=True)),
    "without a snapshot": cluster_report(FAILING, None),
}


@pytest.fixture(params=PAGES, name="page")
def any_page(request) -> Node:
    return read_page(PAGES[request.param])


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("passing", "The pod network of demo works: all its promises are proved."),
        ("failing", "The pod network of demo is broken: 2 faults on demo-worker and demo-worker2."),
        ("incomplete", "Nothing is known to be broken in the pod network of demo, but not everything could be proved."),
    ],
)
def test_the_verdict_stands_first_in_one_sentence(name, sentence) -> None:
    header = read_page(PAGES[name]).one("header")
    assert header.one("h1").text == sentence


def test_a_single_fault_is_the_sentence_itself() -> None:
    verdict = replace(FAILING, findings=FAILING.findings[1:])
    page = read_page(cluster_report(verdict, None))
    assert page.one("h1").text == (
        "The pod network of demo is broken: demo-worker2 drops packets for pod kube-system/coredns-668d6bf9bc-4xk2p."
    )


def test_each_promise_says_how_it_stands_why_and_what_that_rests_on() -> None:
    first, _second, third = read_page(PAGES["failing"]).one(id="promises").all("li")
    assert first.text.startswith("✕ Refuted P1: pods talk to pods without NAT Why: packets from demo-worker")
    assert "Rests on the receiving probe's own view" in first.text
    assert third.text.startswith("✓ Proved P3:")
    assert "Why" not in third.text


def test_a_finding_shows_where_the_evidence_line_by_line_and_the_remedy() -> None:
    first = read_page(PAGES["failing"]).one(id="findings").all("article")[0]
    assert "missing-block-route" in first.text
    assert "node demo-worker" in first.text
    assert first.one("pre").children == ["\n".join(FAILING.findings[0].evidence)]
    assert "Restart the pod network's agent on demo-worker" in first.text


def test_errors_stand_before_warnings() -> None:
    backwards = replace(FAILING, findings=FAILING.findings[::-1])
    found = read_page(cluster_report(backwards, None)).one(id="findings").all("article")
    assert [article.attributes["class"] for article in found] == ["fail", "fail", "warning"]


def test_a_page_without_findings_says_so() -> None:
    assert read_page(PAGES["passing"]).one(id="findings").text == "Findings No fault was found."


def test_what_was_not_proved_stands_with_place_and_reason() -> None:
    items = read_page(PAGES["incomplete"]).one(id="not-proved").all("li")
    assert items[2].text == (
        "that pod shop/checkout answers node demo-worker, pod shop/checkout "
        "Why: policy: NetworkPolicy shop/default-deny selects it."
    )


def test_an_emulated_cluster_is_called_that_at_the_top_and_where_the_internet_shows() -> None:
    page = read_page(PAGES["incomplete"])
    assert "This cluster is emulated" in page.one("header").text
    assert "outside (8.8.8.8, emulated)" in page.one(id="reach").text
    assert "emulated" not in read_page(PAGES["passing"]).text


def test_an_explained_path_shows_each_step_with_its_row_and_where_it_is_lost() -> None:
    path = read_page(PAGES["failing"]).one(id="paths").all("article")[0]
    steps = path.all("li")
    assert steps[0].one("code").text == "default via 169.254.1.1 dev eth0"
    assert "Lost here" not in steps[0].text
    assert "✕ Lost here" in steps[1].text


def test_the_coverage_is_told_in_numbers() -> None:
    facts = {
        term.all("dt")[0].text: term.all("dd")[0].text for term in read_page(PAGES["failing"]).one("dl").all("div")
    }
    assert facts["Nodes read"] == "3 of 3"
    assert facts["Pods pinged"] == "5 of 7"
    assert facts["Pairs led to by routes"] == "18 of 21"
    assert facts["Pairs tried with packets"] == "10"
    assert facts["Checked"] == "2026-03-02 09:30:00 UTC"


def test_without_a_snapshot_the_page_says_what_it_lacks() -> None:
    page = read_page(PAGES["without a snapshot"])
    assert "made without a snapshot" in page.one("header").text
    assert [node.attributes["id"] for node in page.all("section")] == ["promises", "findings", "not-proved", "paths"]


def test_more_findings_than_a_page_can_hold_are_counted() -> None:
    many = tuple(replace(FAILING.findings[0], node=f"node-{number}") for number in range(module.MOST_ITEMS + 7))
    found = read_page(cluster_report(replace(FAILING, findings=many), None)).one(id="findings")
    assert len(found.all("article")) == module.MOST_ITEMS
    assert "And 7 more, in report.json." in found.text


# --- how it is made ---------------------------------------------------------------------------------------------------


def test_the_page_refers_to_nothing_outside_itself_and_runs_no_script(page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    assert not [name for node in page.all() for name in node.attributes if name.startswith("on")]
    assert not [node for node in page.all() if {"src", "srcset", "action"} & set(node.attributes)]
    assert all(node.attributes["href"].startswith("#") for node in page.all("a"))
    assert "url(" not in page.one("style").text
    assert "@import" not in page.one("style").text
    assert "default-src 'none'" in page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]


def test_the_page_has_language_title_and_landmarks(page) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert re.match(r"(Pass|Fail|Incomplete): pod network of demo", page.one("title").text)
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1


def test_headings_leave_out_no_level(page) -> None:
    levels = [int(node.tag[1]) for node in page.all() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_id_is_there_once_and_every_link_leads_to_one(page) -> None:
    identifiers = [node.attributes["id"] for node in page.all() if "id" in node.attributes]
    assert len(identifiers) == len(set(identifiers))
    linked = {node.attributes["href"][1:] for node in page.all("a")}
    named = {word for node in page.all() for word in node.attributes.get("aria-labelledby", "").split()}
    assert linked | named <= set(identifiers)


def test_every_table_has_a_caption_and_scoped_headings(page) -> None:
    for table in page.all("table"):
        assert table.one("caption").text
        assert all(cell.attributes.get("scope") in ("row", "col") for cell in table.all("th"))
        assert all(row.children[0].tag == "th" for row in table.all("tr"))


def test_every_box_that_scrolls_can_be_reached_by_keyboard_and_has_a_name(page) -> None:
    for box in page.all("div", class_="scroll"):
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["role"] == "region"
        assert box.attributes["aria-label"]


def test_every_status_has_a_sign_and_a_word_beside_its_colour(page) -> None:
    for mark in page.all(class_="status"):
        assert re.fullmatch(r"[✓✕?!i] \w[\w -]+", mark.text)


def test_the_same_input_gives_the_same_page() -> None:
    assert cluster_report(FAILING, FAILING_SNAPSHOT) == PAGES["failing"]


# --- hostile input ----------------------------------------------------------------------------------------------------

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;\u202egnp"


def test_hostile_names_and_evidence_stay_text() -> None:
    finding = Finding(HOSTILE, "error", HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE, "</pre>" + HOSTILE), HOSTILE)
    pair = FAILING.pairs[0]
    step = replace(pair.ways[0].steps[0], text=HOSTILE, rule=HOSTILE, row=HOSTILE, to=HOSTILE, measured=HOSTILE)
    way = replace(pair.ways[0], source=HOSTILE, target=HOSTILE, reason=HOSTILE, steps=(step,))
    verdict = replace(
        FAILING,
        cluster=HOSTILE,
        checked_at=HOSTILE,
        versions={HOSTILE: HOSTILE},
        findings=(finding,),
        not_proved=(NotProved(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        pairs=(replace(pair, source=HOSTILE, target=HOSTILE, reason=HOSTILE, ways=(way,), measured=(HOSTILE,)),),
    )
    _name, address, block, pods = LAB[0]
    lab = ((HOSTILE, address, block, ((HOSTILE, HOSTILE, pods[0][2]), *pods)), *LAB[1:])
    snapshot = lab_snapshot(lab, with_rows=[(HOSTILE, HOSTILE)], lost=[(HOSTILE, "demo-worker")])
    page = read_page(cluster_report(verdict, snapshot))
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert shown in page.one("h1").text
    assert shown in page.one(id="findings").one("pre").text
    assert shown in page.one(id="topology").text
    assert page.one(id="paths").text.count(shown) == 10
    assert shown in page.one(id="reach").text
    assert shown in page.one(id="tables").text
    assert not page.all("script")
    assert not page.all("img")
    assert not [node for node in page.all() if "onerror" in node.attributes]
    assert "\u202e" not in page.text
