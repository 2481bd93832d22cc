# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots as JSON Lines: the cluster on the first line, then one node a line. Private to the collection.

A line holds the fields of its record by name; those that have their default are left out. The first line also says
``"snapshot": 1``, the version of the format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .snapshot import Cluster, NodeSnapshot, Snapshot

VERSION = 1

_KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}

Reader = Callable[[Any], Any]


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot, one node in memory at a time. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps({"snapshot": VERSION, **_plain_record(snapshot.cluster)}) + "\n")
        for node in snapshot.nodes:
            file.write(json.dumps(_plain_record(node)) + "\n")


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot in a file. Its nodes are read from the file, one at a time, whenever they are iterated over.

    Raises OSError, and ValueError naming the line and what is wrong with it, here and while the nodes are read.
    """
    with path.open("rb") as file:
        first = _read_object(file.readline(), 1)
    if first.pop("snapshot", None) != VERSION:
        raise ValueError(f'line 1: it does not say "snapshot": {VERSION}, the version of the format that is read here')
    cluster: Cluster = _read_record(Cluster, first, 1)
    return Snapshot(cluster, _NodesOfFile(path))


@dataclass(frozen=True, slots=True)
class _NodesOfFile:
    path: Path

    def __iter__(self) -> Iterator[NodeSnapshot]:
        line_of: dict[str, int] = {}
        with self.path.open("rb") as file:
            file.readline()
            for number, line in enumerate(file, 2):
                node: NodeSnapshot = _read_record(NodeSnapshot, _read_object(line, number), number)
                if node.node.name in line_of:
                    raise ValueError(
                        f"line {number}: node {node.node.name} is on line {line_of[node.node.name]} already"
                    )
                line_of[node.node.name] = number
                yield node


def _plain_record(record: Any) -> dict[str, Any]:
    return {
        field.name: _plain(value)
        for field in fields(record)
        if (value := getattr(record, field.name)) != _default(field)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _plain_record(value) if is_dataclass(value) else value


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _read_object(line: bytes, number: int) -> dict[str, Any]:
    try:
        plain = json.loads(line.decode())
    except ValueError as error:
        raise ValueError(f"line {number}: no JSON in UTF-8: {error}") from None
    if not isinstance(plain, dict):
        raise ValueError(f"line {number}: {_kind(plain)}, an object is needed")
    return plain


def _read_record(record: Any, plain: dict[str, Any], number: int) -> Any:
    try:
        return _reader(record)(plain)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


@cache
def _reader(hint: Any) -> Reader:
    """What turns plain JSON into a value of that type, or raises ValueError saying what is wrong with it."""
    if is_dataclass(hint):
        return _record_reader(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        inner = _reader(next(argument for argument in arguments if argument is not NoneType))
        return lambda plain: None if plain is None else inner(plain)
    if origin is tuple:
        return _list_reader(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping_reader(arguments[1])
    return partial(_checked, kind=hint)


def _record_reader(record: Any) -> Reader:
    hints = get_type_hints(record)
    readers = {field.name: _reader(hints[field.name]) for field in fields(record)}
    # What is of one of these types is as it is to be.
    kinds = {name: get_args(hint) if get_origin(hint) is UnionType else (hint,) for name, hint in hints.items()}
    required = [field.name for field in fields(record) if _default(field) is MISSING]

    def read(plain: Any) -> Any:
        values: dict[str, Any] = _checked(plain, dict)
        for name in required:
            if name not in values:
                raise ValueError(f"it has no {name}")
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"{name!r} is nothing that is known here")
            if type(value) not in kinds[name]:  # pylint: disable=unidiomatic-typecheck
                try:
                    values[name] = readers[name](value)
                except ValueError as error:
                    raise ValueError(f"in {name}: {error}") from None
        return record(**values)

    return read


def _list_reader(item_reader: Reader) -> Reader:
    def read(plain: Any) -> tuple[Any, ...]:
        return tuple(map(item_reader, _checked(plain, list)))

    return read


def _mapping_reader(hint: Any) -> Reader:
    def read(plain: Any) -> dict[str, Any]:
        values: dict[str, Any] = _checked(plain, dict)
        if hint is not Any:
            for value in values.values():
                _checked(value, hint)
        return values

    return read


def _checked(plain: Any, kind: type) -> Any:
    # Of what is read from JSON, nothing is of a derived type: a boolean is no number.
    if type(plain) is not kind:  # pylint: disable=unidiomatic-typecheck
        raise ValueError(f"it is {_kind(plain)}, {_KINDS[kind]} is needed")
    return plain


def _kind(plain: Any) -> str:
    return _KINDS.get(type(plain), "null")
