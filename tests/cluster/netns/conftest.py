# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real clusters of network namespaces for the tests of this folder, driven by the real kubectl and by plain HTTPS.

Clusters are noted down in a folder of the tests' own, so they are never in the way of anybody's.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netns_cluster import machine
from netns_cluster.errors import NetnsClusterError

ROOT = Path(__file__).parents[3]
KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
Object = dict[str, Any]


def reason_against() -> str:
    """Why there can be no such cluster here; empty if there can."""
    try:
        machine.check()
    except NetnsClusterError as error:
        return str(error)
    return "" if KUBECTL else "there is no kubectl"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if reason := reason_against():
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Command:
    """The command line, with a state directory of its own."""

    state: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "NETNS_CLUSTER_STATE": str(self.state), "PYTHONPATH": str(ROOT)}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "netns_cluster", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=self.environment, **{**pipes, **options})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def answer(self, *arguments: str) -> Any:
        """Run with --json and return what was answered, be it a failure."""
        return json.loads(self.run(*arguments, "--json").stdout)


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any


class Cluster:
    """A running cluster."""

    def __init__(self, description: Object) -> None:
        self.description = description
        self.kubeconfig = description["kubeconfig"]
        config = json.loads(Path(self.kubeconfig).read_text(encoding="utf-8"))
        self._server = config["clusters"][0]["cluster"]["server"]
        self._token = config["users"][0]["user"]["token"]
        self._home = Path(self.kubeconfig).parent / "home"  # kubectl caches there what it discovers
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=authority)

    def start_kubectl(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "KUBECONFIG": self.kubeconfig, "HOME": str(self._home)}
        return subprocess.Popen([str(KUBECTL), *arguments], env=environment, text=True, **options)

    def try_kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.start_kubectl(*arguments, **pipes) as process:
            output, errors = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl, which must succeed, and return what it printed."""
        result = self.try_kubectl(*arguments, stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def request(self, method: str, path: str, body: Any = None, token: str | None = "", **headers: str) -> Answer:
        """Send one request; ``token`` None sends none."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Content-Type", "application/json")
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self._token}"
        request = urllib.request.Request(self._server + path, data, sent, method=method)  # noqa: S310 - always https
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as response:  # noqa: S310
                return Answer(response.status, _decode(response.read()), response.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, _decode(error.read()), error.headers)

    def get(self, path: str) -> Any:
        answer = self.request("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    def agent(self, node: str) -> str:
        """Return the name of a node's agent pod."""
        query = f"fieldSelector=spec.nodeName%3D{node}&labelSelector=k8s-app%3Dnetns-node"
        (pod,) = self.get(f"/api/v1/namespaces/kube-system/pods?{query}")["items"]
        name: str = pod["metadata"]["name"]
        return name

    def on_node(self, node: str, *command: str) -> str:
        """Run a command on a node."""
        return self.kubectl("exec", "-n", "kube-system", self.agent(node), "--", *command)

    def run_pod(self, name: str, *command: str, node: str = "", namespace: str = "default", **spec: Any) -> Object:
        """Create a pod of busybox and wait until it is ready."""
        self.create_pod(name, *command, node=node, namespace=namespace, **spec)
        found: Object = eventually(lambda: is_ready(pod := self.pod(name, namespace)) and pod)
        return found

    def create_pod(self, name: str, *command: str, node: str = "", namespace: str = "default", **spec: Any) -> None:
        """Create a pod; ``container`` in the specification adds to its one container."""
        container = {"name": name, "image": "busybox:1.36", "command": list(command or ("sleep", "3600"))}
        container |= spec.pop("container", {})
        spec = {
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
            **({"nodeName": node} if node else {}),
            **spec,
        }
        answer = self.request(
            "POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": name}, "spec": spec}
        )
        assert answer.status == 201, answer.body

    def pod(self, name: str, namespace: str = "default") -> Object:
        found: Object = self.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        return found

    def delete_pods(self) -> None:
        for pod in self.get("/api/v1/namespaces/default/pods")["items"]:
            self.request("DELETE", f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")


def is_ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        return body.decode(errors="replace")


def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return what a condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "this did not come true"
        time.sleep(0.02)
    return result


@pytest.fixture(scope="session")
def state_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="netns-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def command(state_directory: Path) -> Iterator[Command]:
    """The command line; whatever clusters a test leaves are removed in the end."""
    command = Command(state_directory)
    yield command
    for cluster in command.answer("list")["clusters"]:
        command.run("down", "--name", cluster["name"])


@pytest.fixture(scope="session")
def demo(command: Command) -> Cluster:
    """The cluster of the lab."""
    return Cluster(command.answer("up", "--name", "demo")["cluster"])


@pytest.fixture
def cluster(demo: Cluster) -> Iterator[Cluster]:
    """The cluster of the lab, for a test that makes pods in it."""
    yield demo
    demo.delete_pods()
