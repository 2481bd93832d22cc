"""docs/verdict.schema.json describes what report.json holds."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import (
    Coverage,
    ExplainedWay,
    Finding,
    NotProved,
    Promise,
    Step,
    Verdict,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.files import report_files

from tests.unit.plugins.module_utils.reports.examples import FAILING, INCOMPLETE, PASSING

SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "verdict.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("verdict", [PASSING, FAILING, INCOMPLETE])
def test_report_json_is_as_the_schema_says(verdict) -> None:
    VALIDATOR.validate(json.loads(report_files(verdict, None)["report.json"]))


@pytest.mark.parametrize(
    ("record", "described"),
    [
        (Verdict, SCHEMA),
        (Promise, SCHEMA["$defs"]["promise"]),
        (NotProved, SCHEMA["$defs"]["not_proved"]),
        (Finding, SCHEMA["$defs"]["finding"]),
        (Coverage, SCHEMA["$defs"]["coverage"]),
        (ExplainedWay, SCHEMA["$defs"]["way"]),
        (Step, SCHEMA["$defs"]["step"]),
    ],
)
def test_the_schema_has_every_field_and_requires_it(record, described) -> None:
    names = {field.name for field in fields(record)}
    assert set(described["properties"]) == names
    assert set(described["required"]) == names
    assert described["additionalProperties"] is False


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "good"),
        (("more",), 1),
        (("promises", "P4"), {"state": "proved", "reason": None, "rests_on": "nothing"}),
        (("promises", "P1", "state"), "maybe"),
        (("findings", 0, "code"), "Missing Route"),
        (("findings", 0, "evidence"), "one line"),
        (("coverage", "nodes"), -1),
        (("pairs", 0, "arrives"), "yes"),
        (("pairs", 0, "ways", 0, "outcome"), "somewhere"),
        (("pairs", 0, "ways", 0, "steps", 0, "row"), 5),
    ],
)
def test_what_is_no_verdict_is_refused(path, value) -> None:
    plain = copy.deepcopy(FAILING.as_dict())
    VALIDATOR.validate(plain)
    place = plain
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(plain)
