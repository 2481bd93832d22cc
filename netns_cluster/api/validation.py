# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API checks in the metadata of every object, in a real API server's words."""

from __future__ import annotations

import re
from typing import Any

from netns_cluster.api.errors import Cause

Object = dict[str, Any]

_LABEL_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_PATTERN = rf"{_LABEL_PATTERN}(\.{_LABEL_PATTERN})*"
_NAME_PATTERN = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    f"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL_PATTERN}')"
)
_SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
    f"with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN_PATTERN}')"
)
_VALUE_MESSAGE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'({_NAME_PATTERN})?')"
)
_KEY_MESSAGE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME_PATTERN}')"
)


def is_label(value: str) -> bool:
    return len(value) <= 63 and re.fullmatch(_LABEL_PATTERN, value) is not None


def is_subdomain(value: str) -> bool:
    return len(value) <= 253 and re.fullmatch(_SUBDOMAIN_PATTERN, value) is not None


def required(field: str) -> Cause:
    return Cause("FieldValueRequired", "Required value", field)


def invalid_value(field: str, value: Any, why: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {_quoted(value)}: {why}", field)


def unsupported_value(field: str, value: Any, supported: list[str]) -> Cause:
    choices = ", ".join(map(_quoted, supported))
    return Cause("FieldValueNotSupported", f"Unsupported value: {_quoted(value)}: supported values: {choices}", field)


def duplicate_value(field: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", f"Duplicate value: {_quoted(value)}", field)


def forbidden_field(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def check_label(field: str, value: str) -> list[Cause]:
    """Check an RFC 1123 label, the form of names of containers and namespaces."""
    if not value:
        return [required(field)]
    if len(value) > 63:
        return [invalid_value(field, value, "must be no more than 63 characters")]
    return [] if is_label(value) else [invalid_value(field, value, _LABEL_MESSAGE)]


def check_subdomain(field: str, value: str) -> list[Cause]:
    """Check an RFC 1123 subdomain, the form of most names."""
    if len(value) > 253:
        return [invalid_value(field, value, "must be no more than 253 characters")]
    return [] if is_subdomain(value) else [invalid_value(field, value, _SUBDOMAIN_MESSAGE)]


def check_labels(field: str, labels: dict[str, str]) -> list[Cause]:
    causes = []
    for key, value in labels.items():
        causes += check_qualified_name(field, key)
        if len(value) > 63:
            causes.append(invalid_value(field, value, "must be no more than 63 bytes"))
        if not re.fullmatch(f"({_NAME_PATTERN})?", value):
            causes.append(invalid_value(field, value, _VALUE_MESSAGE))
    return causes


def check_qualified_name(field: str, key: str) -> list[Cause]:
    """Check the key of a label, an annotation or a taint: a name of at most 63 characters, perhaps after PREFIX/."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_subdomain(prefix):
        return [invalid_value(field, key, f"prefix part {_SUBDOMAIN_MESSAGE}")]
    if not name:
        return [invalid_value(field, key, "name part must be non-empty"), invalid_value(field, key, _KEY_MESSAGE)]
    if len(name) > 63:
        return [invalid_value(field, key, "name part must be no more than 63 characters")]
    return [] if re.fullmatch(_NAME_PATTERN, name) else [invalid_value(field, key, _KEY_MESSAGE)]


def check_metadata(metadata: Object) -> list[Cause]:
    """Check labels and annotations."""
    causes = check_labels("metadata.labels", metadata.get("labels") or {})
    for key in metadata.get("annotations") or {}:
        causes += check_qualified_name("metadata.annotations", key.lower())
    return causes


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
