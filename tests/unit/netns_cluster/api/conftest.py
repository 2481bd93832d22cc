# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small store, recorded answers of a real API server (Kubernetes 1.34.4), and short ways to say things."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netns_cluster.api import namespaces
from netns_cluster.api.resources import Target, resolve
from netns_cluster.api.store import Store

Object = dict[str, Any]


@pytest.fixture
def sample() -> Callable[[str], Any]:
    directory = Path(__file__).parent / "samples"
    return lambda name: json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def target() -> Callable[[str], Target]:
    """Return what a path below /api/v1 names."""

    def target_of(path: str) -> Target:
        found = resolve(f"/api/v1/{path}")
        assert found is not None
        return found

    return target_of


@pytest.fixture
def store() -> Store:
    """A store with the namespace default and two nodes."""
    store = Store()
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "default"}}
    store.create("namespaces", namespaces.with_defaults(namespace))
    for name in ("demo-worker", "demo-worker2"):
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
        store.create("nodes", {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {}, "status": {}})
    return store


@pytest.fixture
def pod() -> Callable[..., Object]:
    """Return a pod as a client writes it."""

    def write(name: str = "bb1", labels: dict[str, str] | None = None, **spec: Any) -> Object:
        container = {"name": "bb", "image": "busybox", "args": ["sleep", "3600"]}
        return {"metadata": {"name": name, "labels": labels or {}}, "spec": {"containers": [container], **spec}}

    return write
