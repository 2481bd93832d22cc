# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The three kinds of patches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netns_cluster.api.errors import ApiError
from netns_cluster.api.patches import json_patch, merge_patch, strategic_merge_patch

JSON_OBJECTS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


# The examples of RFC 7386, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_examples_of_rfc_7386_show(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(JSON_OBJECTS, JSON_OBJECTS)
def test_a_merge_patch_applied_twice_is_one_applied_once_and_leaves_its_target_alone(target: Any, patch: Any) -> None:
    before = repr(target)
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
    assert repr(target) == before


def test_a_json_patch_changes_a_copy() -> None:
    obj = {"metadata": {"labels": {"a": "b"}}}
    patched = json_patch(obj, [{"op": "replace", "path": "/metadata/labels/a", "value": "c"}])
    assert patched["metadata"]["labels"] == {"a": "c"}
    assert obj["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({"op": "add"}, 400),
        ([{"op": "nonsense", "path": "/a"}], 400),
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/nosuch"}], 422),
    ],
)
def test_a_json_patch_that_is_none_or_does_not_fit_is_refused(operations: Any, code: int) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"a": 1}, operations)
    assert caught.value.code == code


def test_containers_are_merged_by_name() -> None:
    target = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
    patched = strategic_merge_patch(target, {"containers": [{"name": "b", "image": "z"}, {"name": "c", "image": "w"}]})
    assert patched["containers"] == [
        {"name": "a", "image": "x"},
        {"name": "b", "image": "z"},
        {"name": "c", "image": "w"},
    ]


def test_lists_without_a_key_are_replaced() -> None:
    assert strategic_merge_patch({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}
    taints = [{"key": "k", "effect": "NoSchedule"}]
    assert strategic_merge_patch({"taints": taints}, {"taints": []}) == {"taints": []}


def test_an_item_is_deleted_by_directive() -> None:
    target = {"volumes": [{"name": "a"}, {"name": "b"}]}
    patched = strategic_merge_patch(target, {"volumes": [{"name": "a", "$patch": "delete"}]})
    assert patched == {"volumes": [{"name": "b"}]}


def test_a_list_and_an_object_are_replaced_by_directive() -> None:
    target = {"env": [{"name": "a", "value": "1"}], "labels": {"a": "b"}}
    patched = strategic_merge_patch(
        target, {"env": [{"name": "b"}, {"$patch": "replace"}], "labels": {"$patch": "replace", "c": "d"}}
    )
    assert patched == {"env": [{"name": "b"}], "labels": {"c": "d"}}


def test_items_are_put_in_the_order_that_the_patch_asks_for() -> None:
    target = {"containers": [{"name": "a"}, {"name": "b"}]}
    patched = strategic_merge_patch(
        target,
        {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "image": "x"}]},
    )
    assert [one["name"] for one in patched["containers"]] == ["b", "a"]


def test_finalizers_are_joined_and_deleted_one_by_one() -> None:
    assert strategic_merge_patch({"finalizers": ["a"]}, {"finalizers": ["b", "a"]}) == {"finalizers": ["a", "b"]}
    assert strategic_merge_patch({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}) == {
        "finalizers": ["b"]
    }


def test_only_named_keys_are_retained() -> None:
    target = {"emptyDir": {}, "name": "v"}
    patched = strategic_merge_patch(
        target, {"$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}, "name": "v"}
    )
    assert patched == {"name": "v", "hostPath": {"path": "/x"}}


def test_null_removes_a_field() -> None:
    assert strategic_merge_patch({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": None}}) == {"labels": {"b": "2"}}


def test_an_item_without_its_key_is_a_bad_request() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        strategic_merge_patch({"containers": []}, {"containers": [{"image": "x"}]})


@given(JSON_OBJECTS, JSON_OBJECTS)
def test_a_strategic_merge_patch_leaves_its_target_alone(target: Any, patch: Any) -> None:
    before = repr(target)
    strategic_merge_patch(target, patch)
    assert repr(target) == before
