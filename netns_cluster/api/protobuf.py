# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one body that kubectl sends as protobuf: the namespace of ``kubectl create namespace``.

After four magic bytes stands a message ``Unknown`` (k8s.io/apimachinery, pkg/runtime) whose field 2 is the object. Of the
namespace only the metadata is read, field 1; of that name (1), generateName (2), labels (11) and annotations (12).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netns_cluster.api.errors import bad_request, unsupported_media_type

Object = dict[str, Any]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_namespace(body: bytes, kind: str) -> Object:
    """Return the namespace; raises a 415 for any other kind, a 400 for what is no protobuf."""
    if kind != "Namespace":
        raise unsupported_media_type(" (a cluster of network namespaces reads protobuf for namespaces only)")
    if not body.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        unknown = dict(_fields(body[len(_MAGIC) :]))
        return {"metadata": _metadata(dict(_fields(unknown[2])).get(1, b""))}
    except (KeyError, IndexError, ValueError) as error:
        raise bad_request(f"the protobuf message cannot be read: {error}") from error


def _metadata(message: bytes) -> Object:
    metadata: Object = {"labels": {}, "annotations": {}}
    for number, value in _fields(message):
        if number in (1, 2):
            metadata["name" if number == 1 else "generateName"] = value.decode()
        elif number in (11, 12):
            entry = dict(_fields(value))
            metadata["labels" if number == 11 else "annotations"][entry[1].decode()] = entry.get(2, b"").decode()
    return {key: value for key, value in metadata.items() if value}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each length-delimited field; others are stepped over."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("a field is longer than the message")
            yield tag >> 3, message[place : place + length]
            place += length
        elif kind == _VARINT:
            _unused, place = _varint(message, place)
        elif kind in (_FIXED32, _FIXED64):
            place += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return a number and the place after it."""
    value = shift = 0
    while message[place] & 0x80:
        value |= (message[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | message[place] << shift, place + 1
