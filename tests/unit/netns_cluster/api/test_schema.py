# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of fields, and fields that do not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netns_cluster.api import schema
from netns_cluster.api.errors import ApiError

Object = dict[str, Any]


def test_a_pod_as_people_write_it_has_no_unknown_field(pod: Callable[..., Object]) -> None:
    assert (
        schema.check("Pod", pod(nodeSelector={"a": "b"}, hostNetwork=True, tolerations=[{"operator": "Exists"}])) == []
    )


def test_misspelt_fields_are_named_by_their_place() -> None:
    pod = {"spec": {"nodeSelctor": {}, "containers": [{"name": "a"}, {"imag": "x"}]}, "metdata": {}}
    assert sorted(schema.check("Pod", pod)) == ["metdata", "spec.containers[1].imag", "spec.nodeSelctor"]
    assert schema.strict_error("Pod", ["spec.nodeSelctor"]) == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.nodeSelctor"'
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"containers": [{"args": ["sleep", 3600]}]},
            "number into Go struct field Container.spec.containers.args of type string",
        ),
        ({"containers": {}}, "object into Go struct field PodSpec.spec.containers of type []v1.Container"),
        ({"nodeSelector": {"a": True}}, "bool into Go struct field PodSpec.spec.nodeSelector of type string"),
        ({"hostNetwork": "yes"}, "string into Go struct field PodSpec.spec.hostNetwork of type bool"),
        ({"priority": True}, "bool into Go struct field PodSpec.spec.priority of type int32"),
        ([], "array into Go struct field Pod.spec of type v1.PodSpec"),
    ],
)
def test_a_wrong_type_is_told_as_go_tells_it(spec: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        schema.check("Pod", {"spec": spec})
    assert str(caught.value) == f'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal {message}'


def test_null_is_a_field_that_is_not_there() -> None:
    assert schema.check("Pod", {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}}) == []


def test_quantities_are_strings_or_numbers() -> None:
    limits = {"cpu": 1, "memory": "64Mi"}
    assert schema.check("Pod", {"spec": {"containers": [{"resources": {"limits": limits}}]}}) == []
