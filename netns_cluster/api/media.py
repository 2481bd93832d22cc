# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Media types: which form of an answer a client accepts, and which forms of a body are read."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from netns_cluster.api.errors import bad_request, not_acceptable

Object = dict[str, Any]

TABLE = "Table"
PARTIAL = "PartialObjectMetadata"
PARTIAL_LIST = "PartialObjectMetadataList"
DISCOVERY = "APIGroupDiscoveryList"

_GO_ERRORS = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting value": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
}
"""What Python says of broken JSON -> what Go says."""


def negotiate(accept: str, forms: Collection[str]) -> tuple[str, str]:
    """Return the first form of the Accept header that is offered, and its version; ("", "") is the plain object.

    Raises a 406 when nothing that is accepted is JSON.
    """
    for entry in (accept or "*/*").split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        if media_type not in ("application/json", "application/*", "*/*"):
            continue
        fields = dict(parameter.partition("=")[::2] for parameter in parameters)
        form, version = fields.get("as", ""), fields.get("v", "")
        if not form:
            return "", ""
        if form in forms and version in ("v1", "v2", "v2beta1"):
            return form, version
    raise not_acceptable()


def read_json(body: bytes, kind: str) -> Any:
    """Parse a body; raises the 400 of a real API server for what is no JSON."""
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {error}") from error
    except json.JSONDecodeError as error:
        why = f"couldn't get version/kind; json parse error: {_go_error(error)} ({_summary(body)})"
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {why}") from error


def read_object(body: bytes, kind: str) -> Object:
    obj = read_json(body, kind)
    if not isinstance(obj, dict):
        message = "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct"
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {message} ({_summary(body)})")
    return obj


def _go_error(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return "unexpected end of JSON input"
    return f"invalid character '{error.doc[error.pos]}' {_GO_ERRORS.get(error.msg, 'in JSON')}"


def _summary(body: bytes) -> str:
    """The beginning of a body, in hex unless it looks like an object."""
    if not body:
        return "<empty>"
    text = body[:30].decode(errors="replace") if body.startswith(b"{") else body[:30].hex()
    return text + (" ..." if len(body) > 30 else "")
