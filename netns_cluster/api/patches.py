# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The three ways to change an object by a patch: JSON patch, merge patch, strategic merge patch.

Strategic merge patches merge lists of objects by a key that depends on the field. The keys are those of the API's types
(k8s.io/api, ``patchMergeKey``), directives those of k8s.io/apimachinery, pkg/util/strategicpatch.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from netns_cluster.api.errors import ApiError, bad_request

Object = dict[str, Any]

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "ownerReferences": "uid",
    "conditions": "type",
    "addresses": "type",
    "podIPs": "ip",
    "hostIPs": "ip",
    "secrets": "name",
}
"""Field -> what its items are told apart by. ``ports`` differs: see :func:`_merge_key`."""

MERGED_PRIMITIVES = frozenset({"finalizers", "podCIDRs"})
_ORDER, _DELETE, _RETAIN = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys"


def json_patch(obj: Object, operations: Any) -> Object:
    """RFC 6902. Raises 400 for what is no patch, 422 for one that does not fit the object."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        result: Object = jsonpatch.JsonPatch(operations).apply(obj)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"invalid JSON patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, "Invalid", message, {}) from error
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Object, patch: Object) -> Object:
    """Merge like a merge patch, lists by their keys, with the directives that kubectl apply writes."""
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target)
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            field = key.removeprefix(_DELETE)
            result[field] = [item for item in result.get(field, []) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            present = result.get(key)
            result[key] = strategic_merge_patch(present if isinstance(present, dict) else {}, value)
        elif isinstance(value, list):
            present = result.get(key)
            result[key] = _merge_lists(
                key, present if isinstance(present, list) else [], value, patch.get(_ORDER + key)
            )
        else:
            result[key] = value
    return result


def _merge_key(field: str, items: list[Any]) -> str | None:
    if field == "ports":  # of a container or of a service
        return "containerPort" if any("containerPort" in item for item in items) else "port"
    return MERGE_KEYS.get(field)


def _merge_lists(field: str, present: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    if field in MERGED_PRIMITIVES:
        return list(dict.fromkeys([*present, *patch]))
    items = [*present, *patch]
    key = _merge_key(field, items) if all(isinstance(item, dict) for item in items) else None
    if key is None:
        return copy.deepcopy(patch)
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = {item.get(key): item for item in present}
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        if item.get("$patch") == "delete":
            merged.pop(item[key], None)
        else:
            merged[item[key]] = strategic_merge_patch(merged.get(item[key], {}), item)
    if order is None:
        return list(merged.values())
    places = {entry[key]: place for place, entry in enumerate(order) if key in entry}
    return sorted(merged.values(), key=lambda item: places.get(item.get(key), len(places)))
