"""One cluster for all tests of this folder that do not make their own.

PODNET_PROVIDER (kind or netns, else netns) says what it is made with. It is made by the module `cluster` when the first test
asks for it, and removed in the end. With PODNET_KUBECONFIG, it is the one of that file's current context, and stays. With
kind, PODNET_NODE_IMAGE names the node image, and KIND_KIT says that the image brings the pod network. Clusters are called
PODNET_TEST_PREFIX (else podnet), live and the provider.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, connect, path
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import cluster as cluster_operation
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds that the calls of one test may take together before it counts as hanging
Object = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """A cluster that runs, and what it takes to reach it as its administrator."""

    provider: str
    name: str
    kubeconfig: Path
    nodes: tuple[str, ...]

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(node for node in self.nodes if not node.endswith("control-plane"))

    @property
    def content(self) -> Object:
        """The kubeconfig, read."""
        content: Object = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        return content

    @property
    def server(self) -> str:
        return str(self.content["clusters"][0]["cluster"]["server"])

    @property
    def authority(self) -> str:
        """The certificate that the API server's is signed with, as base64."""
        return str(self.content["clusters"][0]["cluster"]["certificate-authority-data"])

    def admin(self) -> Cluster:
        return connect({"kubeconfig": str(self.kubeconfig)}, PATIENCE)

    def run(self, operation: Operation, *, check_mode: bool = False, **arguments: Any) -> Object:
        """The result of a task with all rights."""
        return run(operation, check_mode=check_mode, kubeconfig=str(self.kubeconfig), **arguments)


def run(operation: Operation, *, check_mode: bool = False, **arguments: Any) -> Object:
    """The result of a task in process, which must be plain JSON and no traceback."""
    result = run_in_process(operation, arguments, check_mode=check_mode)
    assert json.loads(json.dumps(result)) == result
    assert "Traceback" not in str(result.get("msg"))
    return result


def run_elsewhere(operation: str, arguments: Object, *command: str, **environment: str) -> Object:
    """The result of a task in a Python process of its own, started by a command (``unshare ...``) with further variables."""
    code = (
        "import importlib, json, sys\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process\n"
        "operations = 'ansible_collections.kubelab.podnet.plugins.module_utils.operations.'\n"
        "operation = importlib.import_module(operations + sys.argv[1]).OPERATION\n"
        "print(json.dumps(run_in_process(operation, json.loads(sys.argv[2]), check_mode=False)))\n"
    )
    done = subprocess.run(
        [*command, sys.executable, "-c", code, operation, json.dumps(arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build"), **environment},
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: Object = json.loads(done.stdout)
    return result


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    provider = os.environ.get("PODNET_PROVIDER", "netns")
    if given := os.environ.get("PODNET_KUBECONFIG"):
        yield _described(provider, Path(given))
        return
    kubeconfig = tmp_path_factory.mktemp("live") / "kubeconfig"
    arguments: Object = {
        "name": f"{os.environ.get('PODNET_TEST_PREFIX', 'podnet')}-live-{provider}",
        "provider": provider,
        "kubeconfig": str(kubeconfig),
    }
    removal = run_in_process(cluster_operation.OPERATION, {**arguments, "state": "absent"}, check_mode=True)
    if removal.get("failed"):
        pytest.skip(str(removal["msg"]))
    shape: Object = {}
    if provider == "kind":
        shape["node_image"] = os.environ.get("PODNET_NODE_IMAGE") or None
        if os.environ.get("KIND_KIT"):
            shape["cni"] = ["default"]
    try:
        made = run_in_process(cluster_operation.OPERATION, {**arguments, **shape}, check_mode=False)
        assert not made.get("failed"), made
        yield _described(provider, kubeconfig)
    finally:
        run_in_process(cluster_operation.OPERATION, {**arguments, "state": "absent"}, check_mode=False)


def _described(provider: str, kubeconfig: Path) -> Live:
    with connect({"kubeconfig": str(kubeconfig)}, PATIENCE) as cluster:
        names = tuple(node["metadata"]["name"] for node in cluster.list(path("nodes"))["items"])
        return Live(provider, cluster.name, kubeconfig, names)


@pytest.fixture
def kind_only(live: Live) -> None:
    """For what the netns cluster has not: rights, service accounts, client certificates."""
    if live.provider != "kind":
        pytest.skip(f"the {live.provider} cluster knows one user, who may do everything")
