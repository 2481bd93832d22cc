# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accept headers and broken bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netns_cluster.api import media, protobuf
from netns_cluster.api.errors import ApiError

FORMS = (media.TABLE, media.PARTIAL)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", ("", "")),
        ("*/*", ("", "")),
        ("application/json", ("", "")),
        ("application/vnd.kubernetes.protobuf,application/json", ("", "")),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", ("Table", "v1")),
        (
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io",
            ("Table", "v1"),
        ),
        ("application/json;as=Nonsense;v=v1, application/json", ("", "")),
    ],
)
def test_the_first_form_that_is_offered_is_taken(accept: str, form: tuple[str, str]) -> None:
    assert media.negotiate(accept, FORMS) == form


def test_a_client_that_takes_no_json_gets_none() -> None:
    with pytest.raises(ApiError, match="only the following media types are accepted") as caught:
        media.negotiate("application/yaml", FORMS)
    assert caught.value.code == 406


def test_a_broken_body_is_told_as_a_real_api_server_tells_it(sample: Callable[[str], Any]) -> None:
    with pytest.raises(ApiError) as caught:
        media.read_object(b"{nope", "Pod")
    assert caught.value.status() == sample("400_bad_json")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "unexpected end of JSON input (<empty>)"),
        (b'{"a": 1', "unexpected end of JSON input"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a": 1 "b"}', "invalid character '\"' after object key:value pair"),
        (b'{"a": nope}', "invalid character 'n' looking for beginning of value"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_as_go_says_it(body: bytes, why: str) -> None:
    with pytest.raises(ApiError) as caught:
        media.read_object(body, "Pod")
    assert why in str(caught.value)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        media.read_object(body, "Pod")
    assert caught.value.code == 400


# As kubectl 1.34 sends it for: kubectl create namespace t1
CREATE_NAMESPACE = bytes.fromhex(
    "6b3873000a0f0a02763112094e616d657370616365121a0a120a02743112001a0022002a0032003800420012001a020a001a002200"
)


def test_the_namespace_that_kubectl_creates_is_read() -> None:
    assert protobuf.read_namespace(CREATE_NAMESPACE, "Namespace") == {"metadata": {"name": "t1"}}


def test_labels_are_read_and_unknown_fields_stepped_over() -> None:
    entry = b"\x0a\x01a\x12\x01b"
    metadata = b"\x0a\x01x" + b"\x38\x80\x01" + b"\x5a" + bytes([len(entry)]) + entry
    namespace = b"\x0a" + bytes([len(metadata)]) + metadata
    body = b"k8s\x00\x12" + bytes([len(namespace)]) + namespace
    assert protobuf.read_namespace(body, "Namespace") == {"metadata": {"name": "x", "labels": {"a": "b"}}}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"k8s\x00", b"k8s\x00\x12\x50", b"k8s\x00\x12\x03\x0a\x01\xff", b"k8s\x00\x13\x00"]
)
def test_what_is_no_protobuf_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        protobuf.read_namespace(body, "Namespace")
    assert caught.value.code == 400


def test_protobuf_of_other_kinds_is_not_read() -> None:
    with pytest.raises(ApiError, match="reads protobuf for namespaces only") as caught:
        protobuf.read_namespace(CREATE_NAMESPACE, "Pod")
    assert caught.value.code == 415
