# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts as JUnit XML, as CI servers read it. Private to the collection: it may change at any time.

There is no standard; this is what Jenkins (junit-10.xsd of its xUnit plugin), GitLab and GitHub's actions have in common.
A cluster is a test suite. A promise is a test case that passes, fails or, not proved, is skipped. Each code of findings is
a test case that fails with any error, and so is each thing that could not be proved, which is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.etree.ElementTree import Element

from ..checks.verdict import Finding, NotProved, Verdict
from . import wording
from .markup import element, xml_document


def junit(suites: Iterable[Element]) -> str:
    """The document of these suites."""
    made = list(suites)
    # Jenkins refuses a count of what was skipped here, and takes it of each suite.
    return xml_document(element("testsuites", made, name="kubelab.podnet", **_counts(made)))


def suite(cluster: str, verdict: Verdict) -> Element:
    """The test suite of one cluster, by the name that it is to have."""
    return _suite(
        cluster,
        _cases(cluster, verdict),
        timestamp=verdict.checked_at.removesuffix("Z"),
        properties=_properties(verdict),
    )


def unchecked_suite(cluster: str, reason: str) -> Element:
    """The test suite of a cluster that could not be checked: one error."""
    case = _case(cluster, "the cluster can be checked", element("error", message=reason, type="unchecked"))
    return _suite(cluster, [case])


def _suite(
    cluster: str, cases: Iterable[Element], timestamp: str | None = None, properties: Element | None = None
) -> Element:
    made = element("testsuite", properties, cases, name=cluster, timestamp=timestamp)
    counts = {**_counts([made]), "skipped": len(made.findall(".//skipped"))}
    made.attrib |= {name: str(count) for name, count in counts.items()}
    return made


def _counts(parents: list[Element]) -> dict[str, int]:
    def count(path: str) -> int:
        return sum(len(parent.findall(path)) for parent in parents)

    return {
        "tests": count(".//testcase"),
        "failures": count(".//failure"),
        "errors": count(".//error"),
        "time": 0,
    }


def _properties(verdict: Verdict) -> Element:
    values = {"verdict": verdict.verdict, "emulated": str(verdict.emulated).lower(), **verdict.versions}
    return element("properties", (element("property", name=name, value=value) for name, value in values.items()))


def _cases(cluster: str, verdict: Verdict) -> Iterator[Element]:
    for name, promise in verdict.promises.items():
        outcome = None
        if promise.state == "refuted":
            outcome = element("failure", promise.rests_on, message=promise.reason, type="refuted")
        elif promise.state == "not_proved":
            outcome = element("skipped", message=promise.reason)
        yield _case(cluster, wording.promise_title(name), outcome)
    for code, findings in groupby(
        sorted(verdict.findings, key=lambda finding: finding.code), lambda finding: finding.code
    ):
        yield _case(cluster, code, _found(list(findings)))
    for what, items in groupby(sorted(verdict.not_proved, key=lambda item: item.what), lambda item: item.what):
        yield _case(cluster, what, _skipped(list(items)))


def _case(cluster: str, name: str, outcome: Element | None) -> Element:
    return element("testcase", outcome, classname=f"podnet.{cluster}", name=name, time=0)


def _found(findings: list[Finding]) -> Element:
    """A failure with any error; what only warns is printed with a test that passes."""
    text = "\n\n".join(
        "\n".join((wording.sentence(finding.message), *finding.evidence, wording.sentence(finding.remedy)))
        for finding in findings
    )
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return element("system-out", text)
    more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
    return element("failure", text, message=f"{errors[0].message}{more}", type=errors[0].code)


def _skipped(items: list[NotProved]) -> Element:
    reasons = list(dict.fromkeys(": ".join(filter(None, (wording.place(item), item.reason))) for item in items))
    return element("skipped", message="; ".join(reasons))
