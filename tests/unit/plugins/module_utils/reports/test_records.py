"""Verdicts as they come back from a play."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.records import verdict_from_plain

from tests.unit.plugins.module_utils.reports.examples import FAILING, INCOMPLETE, PASSING


@pytest.mark.parametrize("verdict", [PASSING, FAILING, INCOMPLETE])
def test_a_verdict_survives_the_way_through_a_play(verdict) -> None:
    assert verdict_from_plain(verdict.as_dict()) == verdict


def test_further_keys_of_a_task_result_are_passed_over() -> None:
    assert verdict_from_plain({**PASSING.as_dict(), "changed": False, "failed": False}) == PASSING


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("verdict",), "good", "verdict.verdict is 'good', it must be one of pass, fail, incomplete"),
        (("emulated",), "no", "verdict.emulated is 'no', which is no boolean"),
        (("coverage", "nodes"), True, "verdict.coverage.nodes is True, which is no number"),
        (("promises", "P1"), None, "verdict.promises.P1 is None, which is no dictionary"),
        (("findings", 0, "evidence"), "line", r"verdict.findings\[0\].evidence is 'line', which is no list"),
        (("findings", 1, "message"), 5, r"verdict.findings\[1\].message is 5, which is no string"),
        (
            ("pairs", 0, "ways", 0, "steps", 1, "lost"),
            None,
            r"verdict.pairs\[0\].ways\[0\].steps\[1\].lost is None, which is no boolean",
        ),
    ],
)
def test_what_is_wrong_is_named(path, value, reason) -> None:
    plain = copy.deepcopy(FAILING.as_dict())
    place = plain
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=reason):
        verdict_from_plain(plain)


@pytest.mark.parametrize("key", ["findings", "coverage", "pairs"])
def test_what_is_missing_is_named(key) -> None:
    plain = PASSING.as_dict()
    del plain[key]
    with pytest.raises(ValueError, match=f"verdict has no {key}"):
        verdict_from_plain(plain)


def test_what_is_no_verdict_at_all_is_told() -> None:
    with pytest.raises(ValueError, match="verdict is 'pass', which is no dictionary"):
        verdict_from_plain("pass")
