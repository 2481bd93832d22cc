"""Facts for the verify steps: what the kernel and the API say, read past the collection itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import testinfra

PROVIDER = os.environ["PROVIDER"]
NAME = f"podnet-{PROVIDER}"
KUBECONFIG = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "build" / "molecule" / f"{PROVIDER}.kubeconfig"
WORKERS = (f"{NAME}-worker", f"{NAME}-worker2")
NODES = (f"{NAME}-control-plane", *WORKERS)


def kubectl(*words: str) -> dict[str, Any]:
    """What the API says, by kubectl."""
    command = ["kubectl", "--kubeconfig", str(KUBECONFIG), *words, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def pod_host(name: str, namespace: str = "default") -> Any:
    """A pod to run commands in."""
    return testinfra.get_host(f"kubectl://{name}?namespace={namespace}&kubeconfig={KUBECONFIG}")


def node_host(name: str) -> Any:
    """A node to run commands on: a container with kind, the agent's pod with netns."""
    if PROVIDER == "kind":
        return testinfra.get_host(f"docker://{name}")
    agents = kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=netns-node")["items"]
    (agent,) = (pod for pod in agents if pod["spec"]["nodeName"] == name)
    return pod_host(agent["metadata"]["name"], "kube-system")


def evidence(host: Any, command: str) -> str:
    """Run a command, print what it said for whoever reads a failure, and return it."""
    done = host.run(command)
    print(f"$ {command}\n{done.stdout}{done.stderr}")
    assert done.rc == 0, f"{command} ended with {done.rc}: {done.stderr}"
    return str(done.stdout)
