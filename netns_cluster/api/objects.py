# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading and writing objects: the API's verbs, as functions of the store. Nothing here knows HTTP."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from netns_cluster.api import errors, namespaces, patches, pods, validation
from netns_cluster.api.errors import ApiError, Cause
from netns_cluster.api.resources import Resource, Target
from netns_cluster.api.selectors import Predicate, field_selector, label_selector
from netns_cluster.api.store import HistoryLostError, Store, timestamp

Object = dict[str, Any]

GENERATED_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
PATCHES: dict[str, Callable[[Object, Any], Object]] = {
    "application/json-patch+json": patches.json_patch,
    "application/merge-patch+json": patches.merge_patch,
    "application/strategic-merge-patch+json": patches.strategic_merge_patch,
}
_TOO_OLD = "The resourceVersion for the provided list is too old."
_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter."
)


@dataclass(frozen=True)
class Selection:
    """Which objects a list or a watch is about."""

    resource: Resource
    namespace: str | None
    name: str | None
    labels: Predicate
    fields: Predicate

    @classmethod
    def of(cls, target: Target, label_text: str, field_text: str) -> Selection:
        fields = field_selector(target.resource.name, field_text)
        return cls(target.resource, target.namespace, target.name, label_selector(label_text), fields)

    def takes(self, obj: Object) -> bool:
        metadata = obj["metadata"]
        return (
            (self.namespace is None or metadata.get("namespace") == self.namespace)
            and (self.name is None or metadata["name"] == self.name)
            and self.labels(obj)
            and self.fields(obj)
        )


@dataclass(frozen=True)
class Page:
    """A part of a list: the objects, and the list's metadata."""

    items: list[Object]
    metadata: Object


def get(store: Store, target: Target) -> Object:
    name = target.name or ""
    obj = store.get(target.resource.name, name, target.namespace or "")
    if obj is None:
        raise errors.not_found(target.resource.name, name)
    return obj


def list_page(store: Store, selection: Selection, query: dict[str, str]) -> Page:
    """Serve a list: ``limit``, ``continue``, ``resourceVersion`` and ``resourceVersionMatch``."""
    limit = number(query, "limit")
    start: tuple[str, str] | None = None
    if token := query.get("continue"):
        revision, start = _read_token(token)
        items = _items_at(store, selection.resource, revision, _CONTINUE_TOO_OLD)
    elif query.get("resourceVersionMatch") == "Exact":
        revision = number(query, "resourceVersion")
        check_revision(store, revision)
        items = _items_at(store, selection.resource, revision, _TOO_OLD)
    else:
        check_revision(store, number(query, "resourceVersion"))
        revision, items = store.revision, store.objects(selection.resource.name)
    items = [item for item in items if selection.takes(item)]
    if start is not None:
        items = [item for item in items if _place(item) > start]
    metadata: Object = {"resourceVersion": str(revision)}
    if limit and len(items) > limit:
        metadata["continue"] = _write_token(revision, _place(items[limit - 1]))
        metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return Page(items, metadata)


def check_revision(store: Store, revision: int) -> None:
    if revision > store.revision:
        raise errors.too_large_revision(revision, store.revision)


def create(store: Store, target: Target, obj: Object, *, dry_run: bool) -> Object:
    """Check and store a new object."""
    resource, namespace = target.resource, target.namespace or ""
    obj = _without_nulls(obj)
    _check_identity(target, obj)
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _SERVER_OWNED}
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = generated_name(metadata["generateName"])
    name = metadata.get("name")
    if not name:
        cause = Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
        raise errors.invalid(resource.kind, "", [cause])
    if resource.namespaced:
        metadata["namespace"] = namespace
        _check_namespace(store, resource, name, namespace)
    obj = {**obj, "kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    if resource.name == "pods":
        obj = pods.with_defaults(obj)
        pods.validate(obj)
    else:
        obj = namespaces.with_defaults(obj)
        namespaces.validate(obj)
    if there := store.get(resource.name, name, namespace):
        raise errors.already_exists(resource.name, name, deleting="deletionTimestamp" in there["metadata"])
    if dry_run:
        return {**obj, "metadata": {**obj["metadata"], "creationTimestamp": timestamp()}}
    return store.create(resource.name, obj)


def patched(store: Store, target: Target, media_type: str, patch: Any) -> Object:
    """Return what a patch makes of an object, neither checked nor stored."""
    return PATCHES[media_type](get(store, target), patch)


def replace(store: Store, target: Target, obj: Object, *, dry_run: bool) -> Object:
    """Check and store an object in place of another: what the server owns stays, a stale resourceVersion is a conflict."""
    old = get(store, target)
    name = old["metadata"]["name"]
    obj = _without_nulls(obj)
    _check_identity(target, obj)
    written = obj.get("metadata", {})
    wanted = written.get("resourceVersion")
    if wanted and wanted != old["metadata"]["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise errors.conflict(target.resource.name, name, why)
    kept = {
        key: value for key, value in old["metadata"].items() if key in _SERVER_OWNED or key in ("name", "namespace")
    }
    metadata = {key: value for key, value in written.items() if key not in _SERVER_OWNED} | kept
    new = {**obj, "kind": old["kind"], "apiVersion": old["apiVersion"], "metadata": metadata}
    new = {**new, "spec": obj.get("spec", {}), "status": old["status"]}
    if target.resource.name == "pods":
        new = {**new, "spec": pods.with_defaults(new)["spec"]}
        pods.validate_update(new, old)
        if new["spec"] != old["spec"]:
            new["metadata"]["generation"] += 1
    elif causes := validation.check_metadata(metadata):
        raise errors.invalid(target.resource.kind, name, causes)
    return new if dry_run else store.update(target.resource.name, new)


def delete(store: Store, target: Target, options: Object, *, dry_run: bool) -> Object:
    """Delete a pod gracefully or at once, or begin to delete a namespace; return its last state."""
    old = get(store, target)
    metadata = old["metadata"]
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted = (options.get("preconditions") or {}).get(field)
        if wanted and wanted != metadata[field]:
            why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {metadata[field]}"
            raise errors.conflict(target.resource.name, metadata["name"], why)
    if target.resource.name == "namespaces":
        return _delete_namespace(store, old, dry_run=dry_run)
    return _delete_pod(store, old, options.get("gracePeriodSeconds"), dry_run=dry_run)


def _delete_pod(store: Store, pod: Object, asked: int | None, *, dry_run: bool) -> Object:
    metadata, spec = pod["metadata"], pod["spec"]
    grace: int = spec["terminationGracePeriodSeconds"] if asked is None else asked
    if grace < 0:
        raise errors.bad_request(f"gracePeriodSeconds must not be negative: {grace}")
    ended = pod["status"]["phase"] in ("Succeeded", "Failed")
    if ended or not spec.get("nodeName") or store.get("nodes", spec["nodeName"]) is None:
        grace = 0  # nothing runs that would need time
    if dry_run or (grace and metadata.get("deletionGracePeriodSeconds", grace + 1) <= grace):
        return pod
    if grace == 0:
        return store.delete("pods", metadata["name"], metadata["namespace"])
    end = datetime.now(UTC) + timedelta(seconds=grace)
    marks: Object = {"deletionTimestamp": timestamp(end), "deletionGracePeriodSeconds": grace}
    if "deletionTimestamp" not in metadata:
        marks["generation"] = metadata["generation"] + 1
    return store.update("pods", {**pod, "metadata": {**metadata, **marks}})


def _delete_namespace(store: Store, namespace: Object, *, dry_run: bool) -> Object:
    metadata = namespace["metadata"]
    if metadata["name"] in namespaces.SYSTEM:
        raise errors.forbidden("namespaces", metadata["name"], "this namespace may not be deleted")
    if dry_run or metadata.get("deletionTimestamp"):
        return namespace
    metadata = {**metadata, "deletionTimestamp": timestamp()}
    return store.update("namespaces", {**namespace, "metadata": metadata, "status": {"phase": "Terminating"}})


def generated_name(prefix: str) -> str:
    return prefix + "".join(secrets.choice(GENERATED_ALPHABET) for _unused in range(5))


def _without_nulls(value: Any) -> Any:
    """Return a JSON value as an API server reads it: null is what is not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _check_identity(target: Target, obj: Object) -> None:
    """Compare what the body says of itself with what the path says."""
    resource, metadata = target.resource, obj.get("metadata", {})
    version, kind = obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind
    if version != resource.api_version:
        why = (
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
        raise errors.bad_request(why)
    if kind != resource.kind:
        raise errors.bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')
    if target.namespace and metadata.get("namespace", target.namespace) != target.namespace:
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise errors.bad_request(message)
    if target.name and metadata.get("name", target.name) != target.name:
        message = f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        raise errors.bad_request(message)


def _check_namespace(store: Store, resource: Resource, name: str, namespace: str) -> None:
    obj = store.get("namespaces", namespace)
    if obj is None:
        raise errors.not_found("namespaces", namespace)
    if obj["metadata"].get("deletionTimestamp"):
        message = f"namespace {namespace} is being terminated"
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise errors.forbidden(resource.name, name, why, [Cause("NamespaceTerminating", message, "metadata.namespace")])


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _items_at(store: Store, resource: Resource, revision: int, message: str) -> list[Object]:
    try:
        return store.objects_at(resource.name, revision)
    except HistoryLostError as error:
        raise errors.expired(message) from error


def _write_token(revision: int, last: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": revision, "after": last}).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(fields["rv"]), (str(fields["after"][0]), str(fields["after"][1]))
    except (binascii.Error, ValueError, KeyError, TypeError, IndexError) as error:
        raise errors.bad_request(f"continue key is not valid: {error}") from error


def number(query: Mapping[str, str], name: str) -> int:
    """Return a number of a query, 0 when it is not there; raises a 400 for what is none."""
    text = query.get(name) or "0"
    if not (text.isascii() and text.isdigit()):
        reason = f'Invalid value: "{text}": must be a number'
        raise ApiError(400, "BadRequest", f"{name}: {reason}")
    return int(text)


_SERVER_OWNED = frozenset(
    "uid resourceVersion creationTimestamp generation deletionTimestamp deletionGracePeriodSeconds "  # noqa: SIM905
    "selfLink managedFields".split()
)
