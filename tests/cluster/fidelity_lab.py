"""A small lab on the cluster under test, and the means to ask for what it shows, with what differs from run to run masked."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import Endpoint, endpoint

from .conftest import PATIENCE, Live, Object

# On a container and its image, what a real cluster and netns_cluster tell by their natures.
_NATURE = re.compile(r"^ +(Container ID|Image ID): .*\n", re.MULTILINE)
_MASKS = [
    (re.compile(r"\d+\.\d+\.\d+\.\d+"), "IP"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID"),
    (re.compile(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"), "TIME"),
    (re.compile(r"\b(\d+[dhms])+\b"), "AGE"),
    (re.compile(r"\b\d+\.\d{3}\b"), "MS"),
    (re.compile(r" +"), " "),
    (re.compile(r" +$", re.MULTILINE), ""),
]


class Said(NamedTuple):
    """What kubectl printed, and how it ended."""

    code: int
    output: str
    errors: str


class Answer(NamedTuple):
    status: int
    body: Any


@dataclass
class Lab:
    """Pods in a namespace of their own, on the first two workers of a cluster."""

    live: Live
    home: Path
    namespace: str = field(default_factory=lambda: f"fidelity-{secrets.token_hex(3)}")

    def __post_init__(self) -> None:
        self.first, self.second = self.live.workers[:2]
        self._endpoint: Endpoint = endpoint({"kubeconfig": str(self.live.kubeconfig)})
        self._http = urllib3.PoolManager(ssl_context=self._endpoint.tls)
        authority = base64.b64decode(self.live.authority).decode()
        self.beginning = str(self.get("/api/v1/nodes")["metadata"]["resourceVersion"])
        self._anonymous = urllib3.PoolManager(ssl_context=ssl.create_default_context(cadata=authority))

    def kubectl(self, *arguments: str, stdin: str = "") -> Said:
        """Run kubectl in the lab's namespace, and mask what it says."""
        code, output, errors = self.kubectl_unmasked(*arguments, stdin=stdin)
        return Said(code, self.masked(output), self.masked(errors))

    def kubectl_unmasked(self, *arguments: str, stdin: str = "") -> Said:
        environment = {**os.environ, "KUBECONFIG": str(self.live.kubeconfig), "HOME": str(self.home)}
        done = subprocess.run(
            [shutil.which("kubectl") or "kubectl", "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def masked(self, text: str) -> str:
        """Names of this cluster shortened (``worker``), addresses, times, identifiers and the width of columns masked."""
        text = text.replace(self.namespace, "fidelity").replace(self.live.nodes[0].removesuffix("control-plane"), "")
        text = _NATURE.sub("", text)
        for pattern, word in _MASKS:
            text = pattern.sub(word, text)
        return text

    def request(
        self, method: str, path: str, body: Any = None, media: str = "application/json", accept: str = "*/*"
    ) -> Answer:
        """Send one request, whose body may be bytes that are no JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {**self._endpoint.authorization(), "Content-Type": media, "Accept": accept}
        response = self._http.request(method, self._endpoint.server + path, body=data, headers=headers, retries=False)
        return Answer(response.status, response.json())

    def request_as(self, token: str, path: str) -> Answer:
        """Send one request with another token than the administrator's credentials."""
        headers = {"Authorization": f"Bearer {token}"}
        response = self._anonymous.request("GET", self._endpoint.server + path, headers=headers, retries=False)
        return Answer(response.status, response.json())

    def get(self, path: str) -> Object:
        answer = self.request("GET", path)
        assert answer.status == 200, answer.body
        body: Object = answer.body
        return body

    @property
    def pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def pod(self, name: str) -> Object:
        return self.get(f"{self.pods}/{name}")

    def pod_once(self, name: str, reached: Callable[[Object], bool]) -> Object:
        """The pod as it was when something was true of it for the first time, be it now or to come."""
        query = {"fieldSelector": f"metadata.name={name}", "resourceVersion": self.beginning}
        for change in self.watch(self.pods, **query):
            if reached(change["object"]):
                pod: Object = change["object"]
                return pod
        raise AssertionError(f"pod {name} did not get there: {self.pod(name)['status']}")

    def node_address(self, name: str) -> str:
        addresses = self.get(f"/api/v1/nodes/{name}")["status"]["addresses"]
        return next(str(one["address"]) for one in addresses if one["type"] == "InternalIP")

    def watch(self, path: str, **query: str) -> Iterator[Object]:
        """Yield the events of a watch until the server ends it."""
        url = f"{self._endpoint.server}{path}?{urlencode({'watch': '1', 'timeoutSeconds': '30', **query})}"
        response = self._http.request(
            "GET", url, headers=self._endpoint.authorization(), preload_content=False, retries=False
        )
        try:
            for line in response:
                yield json.loads(line)
        finally:
            response.close()

    def events(self, pod: str, wanted: set[tuple[str, str, str, str]]) -> set[tuple[str, str, str, str]]:
        """What is said of a pod (type, reason, message, component), as soon as it is what is wanted, or after half a minute."""
        found: set[tuple[str, str, str, str]] = set()
        path = f"/api/v1/namespaces/{self.namespace}/events"
        for change in self.watch(path, fieldSelector=f"involvedObject.name={pod}"):
            event = change["object"]
            message = self.masked(event["message"])
            # Each cluster has its own words for how it comes to an image, and why it does not.
            message = "" if event["reason"] == "Pulled" else re.sub(r'(Failed to pull image "\S+"): .*', r"\1", message)
            found.add((event["type"], event["reason"], message, event["source"]["component"]))
            if found == wanted:
                break
        return found


def status(code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> Object:
    """The body of an error."""
    body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    body |= {"message": message, "reason": reason, "code": code}
    return body | ({"details": details} if details is not None else {})


def pod_of(name: str, *command: str, node: str = "", image: str = "busybox", **spec: Any) -> Object:
    """A pod of one container; no token is mounted, for netns_cluster has none."""
    container = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
    if command:
        container["command"] = list(command)  # type: ignore[assignment]
    whole = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        **({"nodeName": node} if node else {}),
        **spec,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"run": name}}, "spec": whole}
