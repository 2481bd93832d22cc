# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verdict in plain JSON types, as it comes back from a play or a file, read as a record again. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..checks.verdict import ExplainedPair, Verdict


def verdict_from_plain(plain: Any) -> Verdict:
    """The verdict that ``Verdict.as_dict`` gave; further keys, such as those of a task's result, are passed over.

    Raises ValueError naming the field that is missing or is not what it should be.
    """
    read: Verdict = _read(Verdict, plain, "verdict")
    return read


def _read(hint: Any, plain: Any, name: str) -> Any:
    """The plain value as what the type hint says; ``name`` is the field's, for the message."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _read_record(hint, _checked(Mapping, plain, name), name)
    if origin is UnionType:
        inner = next(argument for argument in arguments if argument is not NoneType)
        return None if plain is None else _read(inner, plain, name)
    if origin is Literal:
        if plain not in arguments:
            raise ValueError(f"{name} is {plain!r}, it must be one of {', '.join(arguments)}")
        return plain
    if origin is tuple:
        return tuple(_read(arguments[0], item, f"{name}[{i}]") for i, item in enumerate(_checked(list, plain, name)))
    if origin is Mapping:
        return {key: _read(arguments[1], item, f"{name}.{key}") for key, item in _checked(Mapping, plain, name).items()}
    return _checked(hint, plain, name)


def _read_record(record: Any, plain: Mapping[str, Any], name: str) -> Any:
    hints = get_type_hints(record)
    values = {}
    for field in fields(record):
        key = {"source": "from", "target": "to"}.get(field.name, field.name) if record is ExplainedPair else field.name
        if key not in plain:
            raise ValueError(f"{name} has no {key}")
        values[field.name] = _read(hints[field.name], plain[key], f"{name}.{key}")
    return record(**values)


def _checked(kind: Any, plain: Any, name: str) -> Any:
    # A boolean is an int to Python.
    if not isinstance(plain, kind) or (kind is int and isinstance(plain, bool)):
        raise ValueError(f"{name} is {plain!r:.60}, which is no {_KINDS[kind]}")
    return plain


_KINDS = {bool: "boolean", int: "number", str: "string", list: "list", Mapping: "dictionary"}
