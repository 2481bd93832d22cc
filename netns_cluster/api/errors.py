# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of the API, each with the body that a real API server sends (k8s.io/apimachinery, pkg/api/errors)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


class ApiError(Exception):
    """Becomes a ``Status`` object; ``code`` is the HTTP status."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> Object:
        body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": str(self), "reason": self.reason}
        if self.details is not None:
            body["details"] = self.details
        return body | {"code": self.code}


@dataclass(frozen=True)
class Cause:
    """One thing wrong with one field. ``reason`` is FieldValueInvalid and the like."""

    reason: str
    message: str
    field: str


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, name: str, why: str, causes: Sequence[Cause] = ()) -> ApiError:
    details: Object = {"name": name, "kind": resource}
    if causes:
        details["causes"] = [_cause(cause) for cause in causes]
    return ApiError(403, "Forbidden", f'{resource} "{name}" is forbidden: {why}', details)


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def no_such_path(path: str) -> ApiError:
    message = (
        f"the server could not find the requested resource (a cluster of network namespaces does not serve {path})"
    )
    return ApiError(404, "NotFound", message, {})


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_acceptable() -> ApiError:
    message = "only the following media types are accepted: application/json"
    return ApiError(406, "NotAcceptable", message)


def already_exists(resource: str, name: str, *, deleting: bool) -> ApiError:
    message = f'{"object is being deleted: " * deleting}{resource} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, {"name": name, "kind": resource})


def conflict(resource: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, {"name": name, "kind": resource})


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def too_large(limit: int) -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def unsupported_media_type(note: str = "") -> ApiError:
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type" + note, {})


def invalid(kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422. Several causes stand in brackets in the message, each one once, and all of them in the details."""
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {"name": name, "kind": kind, "causes": [_cause(cause) for cause in causes]}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {text}', details)


def internal_error(message: str) -> ApiError:
    text = f"Internal error occurred: {message}"
    return ApiError(500, "InternalError", text, {"causes": [{"message": message}]})


def too_large_revision(asked: int, current: int) -> ApiError:
    message = f"Too large resource version: {asked}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return ApiError(504, "Timeout", "Timeout: " + message, {"causes": causes, "retryAfterSeconds": 1})


def _cause(cause: Cause) -> Object:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}
