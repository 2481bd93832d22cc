"""Fixtures that several folders of tests share; each folder's conftest.py names those that it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import client
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline

from tests.support.api_server import ApiServer
from tests.support.objects import namespace, node

PATIENCE = 10.0  # seconds that a call of a test may take before it counts as hanging


@pytest.fixture(autouse=True)
def no_cluster_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the kubeconfig, the variables and the proxies of whoever runs the tests."""
    for name in (
        "KUBECONFIG",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        *(f"K8S_AUTH_{name}" for name in ("KUBECONFIG", "CONTEXT", "HOST", "API_KEY", "VERIFY_SSL", "PROXY")),
        *(f"K8S_AUTH_{name}" for name in ("SSL_CA_CERT", "CERT_FILE", "KEY_FILE")),
        *(name for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (proxy, proxy.upper())),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def short_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a task's seconds last a fifth of one: a timeout, which is a whole number, is reached sooner."""
    monkeypatch.setattr(client, "Deadline", lambda seconds: Deadline(seconds / 5))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A cluster like the lab's: three nodes, a namespace, no pod."""
    with ApiServer() as server:
        server.put(
            namespace("default"),
            node("demo-control-plane", "172.18.0.2"),
            node("demo-worker", "172.18.0.3"),
            node("demo-worker2", "172.18.0.4"),
        )
        yield server


@pytest.fixture
def cluster(server: ApiServer) -> Iterator[Cluster]:
    with Cluster(endpoint({"host": server.url}), Deadline(PATIENCE)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority for servers and people of the tests."""
    return trustme.CA()


def kubeconfig(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """A kubeconfig with one context, ``lab``."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "clusters": [{"name": "lab", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "me", "user": user or {}}],
    }
