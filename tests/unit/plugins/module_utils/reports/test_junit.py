"""JUnit XML, as CI servers read it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

from ansible_collections.kubelab.podnet.plugins.module_utils.reports.junit import junit, suite, unchecked_suite

from tests.unit.plugins.module_utils.reports.examples import FAILING, INCOMPLETE, PASSING


def read(*suites: Element) -> Element:
    return fromstring(junit(suites))  # noqa: S314 - made here


def cases(verdict) -> dict[str, Element]:
    root = read(suite("demo", verdict))
    return {case.get("name"): case for case in root.iter("testcase")}


def test_a_proved_promise_is_a_test_that_passes() -> None:
    found = cases(PASSING)
    assert list(found) == [
        "P1: pods talk to pods without NAT",
        "P2: nodes talk to pods without NAT",
        "P3: a pod sees itself at the address that others see",
    ]
    assert all(len(case) == 0 for case in found.values())


def test_a_refuted_promise_and_a_code_with_errors_fail() -> None:
    found = cases(FAILING)
    promise = found["P1: pods talk to pods without NAT"].find("failure")
    assert promise.get("message") == "packets from demo-worker to the pods of demo-worker2 are lost"
    failure = found["missing-block-route"].find("failure")
    assert failure.get("message").startswith("demo-worker has no route to 192.168.121.64/26")
    assert "default via 172.18.0.1 dev eth0" in failure.text
    assert "Restart the pod network's agent on demo-worker" in failure.text


def test_a_code_with_warnings_only_passes_and_prints_them() -> None:
    case = cases(FAILING)["strict-rp-filter"]
    assert case.find("failure") is None
    assert "rp_filter = 1" in case.find("system-out").text


def test_several_findings_of_a_code_are_one_test() -> None:
    first = FAILING.findings[0]
    second = replace(first, node="demo-worker3", message="demo-worker3 has no route either")
    failure = cases(replace(FAILING, findings=(first, second)))["missing-block-route"].find("failure")
    assert failure.get("message").endswith("(and 1 more)")
    assert "demo-worker3 has no route either" in failure.text


def test_what_is_not_proved_is_skipped_with_the_reason() -> None:
    found = cases(INCOMPLETE)
    assert (
        found["P1: pods talk to pods without NAT"]
        .find("skipped")
        .get("message")
        .startswith("the namespace podnet-probes")
    )
    skipped = found["that pod shop/checkout answers"].find("skipped").get("message")
    assert skipped == "node demo-worker, pod shop/checkout: policy: NetworkPolicy shop/default-deny selects it"


def test_the_same_thing_not_proved_on_two_nodes_is_one_test_with_both_reasons() -> None:
    item = INCOMPLETE.not_proved[0]
    twice = replace(INCOMPLETE, not_proved=(item, replace(item, node="demo-worker", reason="refused")))
    skipped = cases(twice)[item.what].find("skipped").get("message")
    assert skipped == f"node demo-worker2: {item.reason}; node demo-worker: refused"


def test_the_counts_are_those_of_the_tests() -> None:
    root = read(suite("one", FAILING), suite("two", INCOMPLETE), unchecked_suite("three", "no answer"))
    for parent in (root, *root):
        for name, path in (("tests", ".//testcase"), ("failures", ".//failure"), ("errors", ".//error")):
            assert int(parent.get(name)) == len(parent.findall(path)), (parent.get("name"), name)
    assert [found.get("skipped") for found in root] == ["1", "5", "0"]
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "14",
        "failures": "4",
        "errors": "1",
    }


def test_there_is_nothing_that_a_strict_reader_refuses() -> None:
    """The attributes that junit-10.xsd of Jenkins' xUnit plugin knows, of those that could be there."""
    known = {
        "testsuites": {"name", "time", "tests", "failures", "errors"},
        "testsuite": {"name", "time", "tests", "failures", "errors", "skipped", "timestamp"},
        "properties": set(),
        "property": {"name", "value"},
        "testcase": {"name", "classname", "time"},
        "failure": {"message", "type"},
        "error": {"message", "type"},
        "skipped": {"message"},
        "system-out": set(),
    }
    root = read(suite("one", FAILING), suite("two", INCOMPLETE), unchecked_suite("three", "no answer"))
    for found in root.iter():
        assert set(found.attrib) <= known[found.tag]


def test_a_suite_says_when_and_on_what_it_ran() -> None:
    (found,) = read(suite("shop", INCOMPLETE))
    assert found.get("name") == "shop"
    assert found.get("timestamp") == "2026-03-02T09:30:00"
    properties = {item.get("name"): item.get("value") for item in found.iter("property")}
    assert properties["emulated"] == "true"
    assert properties["kubernetes"] == "v1.34.0"
    assert {case.get("classname") for case in found.iter("testcase")} == {"podnet.shop"}


def test_hostile_evidence_leaves_the_document_well_formed() -> None:
    hostile = replace(FAILING.findings[0], message='<script>"&', evidence=("]]>", "\x00\x1b[1m\ufffe\ud800", "-->"))
    failure = cases(replace(FAILING, findings=(hostile,)))["missing-block-route"].find("failure")
    assert failure.get("message") == '<script>"&'
    assert "]]>\n\\u0000\\u001b[1m\\ufffe\\ud800\n-->" in failure.text
