# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Label and field selectors."""

from __future__ import annotations

import pytest

from netns_cluster.api.errors import ApiError
from netns_cluster.api.selectors import field_selector, label_selector, matches_requirement

LABELED = {"metadata": {"labels": {"app": "web", "tier": "front", "size": "5"}}}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("none!=web", True),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("!app", False),
        ("app in (db, web)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("none notin (db)", True),
        ("none in (db)", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app in (web),!none,tier!=back", True),
        ("example.org/role=", False),
        ("size>4", True),
        ("size<4", False),
        ("app>4", False),
    ],
)
def test_label_selectors_match_as_the_api_defines_them(selector: str, matches: bool) -> None:
    assert label_selector(selector)(LABELED) is matches


@pytest.mark.parametrize("selector", ["app=web=db", "app in web", "=web", "app in (web", ",", "a b"])
def test_what_is_no_label_selector_is_a_bad_request(selector: str) -> None:
    with pytest.raises(ApiError, match="unable to parse requirement") as caught:
        label_selector(selector)
    assert caught.value.code == 400


def test_an_object_without_labels_matches_what_asks_for_their_absence() -> None:
    assert label_selector("!app")({"metadata": {"labels": None}})


POD = {
    "metadata": {"name": "bb1", "namespace": "default"},
    "spec": {"nodeName": "demo-worker", "restartPolicy": "Always", "hostNetwork": True},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=bb1", True),
        ("metadata.namespace!=default", False),
        ("spec.nodeName=demo-worker,status.phase=Running", True),
        ("spec.nodeName=", False),
        ("status.phase!=Running", False),
        ("spec.hostNetwork=true", True),
    ],
)
def test_field_selectors_match_the_fields_that_a_real_api_server_knows(selector: str, matches: bool) -> None:
    assert field_selector("pods", selector)(POD) is matches


def test_a_pod_without_a_node_is_found_by_the_empty_name() -> None:
    pod = {**POD, "spec": {"restartPolicy": "Always"}}
    assert field_selector("pods", "spec.nodeName=")(pod)


def test_a_field_that_cannot_be_selected_by_is_a_bad_request() -> None:
    with pytest.raises(ApiError, match=r"field label not supported: spec\.foo") as caught:
        field_selector("pods", "spec.foo=bar")
    assert caught.value.code == 400


def test_events_are_found_by_what_they_are_about() -> None:
    event = {"metadata": {"name": "x"}, "involvedObject": {"kind": "Pod", "name": "bb1", "uid": "1"}}
    select = field_selector("events", "involvedObject.name=bb1,involvedObject.uid=1")
    assert select(event)
    assert not select({**event, "involvedObject": {"name": "bb1", "uid": "2"}})


@pytest.mark.parametrize(
    ("operator", "values", "matches"), [("Gt", ["4"], True), ("Lt", ["4"], False), ("Gt", ["x"], False)]
)
def test_numbers_are_compared_as_numbers(operator: str, values: list[str], matches: bool) -> None:
    assert matches_requirement({"size": "12"}, "size", operator, values) is matches
