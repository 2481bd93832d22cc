# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of one pod on its node: network, volumes, containers, and the end of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netns_cluster.api.store import NotStoredError, Store
from netns_cluster.controllers.container import PodContainer, Surroundings
from netns_cluster.controllers.environment import volume_name
from netns_cluster.controllers.events import EventLog, Source
from netns_cluster.controllers.status import ContainerStatus, Failure, pod_status
from netns_cluster.network.network import ClusterNetwork, PodNetwork
from netns_cluster.runtime.client import RuntimeClient

Object = dict[str, Any]


@dataclass(frozen=True)
class NodeServices:
    """What all workers share."""

    store: Store
    events: EventLog
    network: ClusterNetwork
    runtime: RuntimeClient
    name_servers: tuple[str, ...]
    volumes: Path


class PodWorker:
    """Runs one pod. ``notice`` and ``remove`` tell it what became of the pod's object."""

    def __init__(self, pod: Object, services: NodeServices) -> None:
        self.containers: dict[str, PodContainer] = {}
        self.removed = False
        self._pod = pod
        self._services = services
        self._source = Source("kubelet", pod["spec"]["nodeName"])
        self._network: PodNetwork | None = None
        self._failure: Failure | None = None
        self._grace: float | None = None  # seconds that the containers have to end; None as long as they need not
        self._ending = asyncio.Event()  # set when that changes

    def notice(self, pod: Object) -> None:
        self._pod = pod
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is not None:
            self._end_within(grace)

    def remove(self) -> None:
        """The object is gone: whatever runs is killed at once."""
        self.removed = True
        self._end_within(0)

    def _end_within(self, seconds: float) -> None:
        self._grace = seconds if self._grace is None else min(seconds, self._grace)
        self._ending.set()

    async def run(self, predecessor: asyncio.Task[None] | None) -> None:
        """Live the pod's life, after the end of an earlier pod of the same name: their interfaces have one name, too."""
        if predecessor:
            await asyncio.wait([predecessor])
        self.notice(self._pod)
        self._publish(network_ready=False)
        try:
            self._network = await self._connect()
            await self._run_containers(self._network)
        except Exception as error:
            logging.exception("pod %s", self._pod["metadata"]["name"])
            self._failure = Failure("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
            self._say("Warning", self._failure.reason, self._failure.message)
        finally:
            await self._clean_up()
        await self._leave()

    async def _connect(self) -> PodNetwork:
        spec, metadata, network = self._pod["spec"], self._pod["metadata"], self._services.network
        if spec.get("hostNetwork"):
            return network.host_network(spec["nodeName"])
        return await network.attach(spec["nodeName"], metadata["namespace"], metadata["name"])

    async def _run_containers(self, network: PodNetwork) -> None:
        services, spec = self._services, self._pod["spec"]
        for volume in spec.get("volumes") or []:
            directory = services.volumes / volume_name(self._pod, volume["name"])
            directory.mkdir()
            directory.chmod(0o777)
        around = Surroundings(
            services.runtime,
            services.name_servers,
            network.namespace,
            lambda: self._pod_with(network),
            self._publish,
            self._say,
        )
        self.containers = {container["name"]: PodContainer(container, around) for container in spec["containers"]}
        tasks = [asyncio.ensure_future(container.run()) for container in self.containers.values()]
        done = asyncio.gather(*tasks)
        deadline = asyncio.ensure_future(self._enforce_deadline())
        ending = asyncio.ensure_future(self._end_containers())
        try:
            await done
        finally:
            deadline.cancel()
            ending.cancel()

    def _pod_with(self, network: PodNetwork) -> Object:
        """Return the pod as its containers see it: with its addresses, which are published when the first of them runs."""
        ips = [str(ip) for ip in network.addresses]
        addresses = {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
        return {**self._pod, "status": {**self._pod["status"], **addresses}}

    async def _enforce_deadline(self) -> None:
        """Fail the pod when it has been active for longer than it may."""
        seconds = self._pod["spec"].get("activeDeadlineSeconds")
        if seconds is None:
            return
        await asyncio.sleep(seconds)
        message = "Pod was active on the node longer than the specified deadline"
        self._failure = Failure("DeadlineExceeded", message)
        self._say("Normal", "DeadlineExceeded", message)
        self._end_within(self._pod["spec"]["terminationGracePeriodSeconds"])

    async def _end_containers(self) -> None:
        """Wait for the order to end; then SIGTERM, and SIGKILL when the grace is over. The grace may get shorter meanwhile."""
        await self._ending.wait()
        begin = asyncio.get_running_loop().time()
        for container in self.containers.values():
            if container.process and self._grace:
                self._say("Normal", "Killing", f"Stopping container {container.spec['name']}", _path(container))
            await container.stop()
        while (left := begin + (self._grace or 0) - asyncio.get_running_loop().time()) > 0:
            self._ending.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), left)
        for container in self.containers.values():
            await container.kill()

    async def _clean_up(self) -> None:
        if self._network:
            await self._services.network.detach(self._network)
        for volume in self._pod["spec"].get("volumes") or []:
            shutil.rmtree(self._services.volumes / volume_name(self._pod, volume["name"]), ignore_errors=True)

    async def _leave(self) -> None:
        """Publish the pod's end, and remove its object when somebody deleted it, now or later."""
        self._publish(network_ready=False)
        while not self.removed and "deletionTimestamp" not in self._pod["metadata"]:
            self._ending.clear()
            await self._ending.wait()
        if not self.removed:
            metadata = self._pod["metadata"]
            with contextlib.suppress(NotStoredError):
                self._services.store.update(
                    "pods", {**self._pod, "metadata": metadata | {"deletionGracePeriodSeconds": 0}}
                )
                self._services.store.delete("pods", metadata["name"], metadata["namespace"])
            self.removed = True

    def _publish(self, *, network_ready: bool = True) -> None:
        """Write the pod's status, unless the object is gone or another pod has its name."""
        metadata, services = self._pod["metadata"], self._services
        current = services.store.get("pods", metadata["name"], metadata["namespace"])
        if current is None or current["metadata"]["uid"] != metadata["uid"]:
            return
        node = services.network.nodes[current["spec"]["nodeName"]]
        status = pod_status(
            current,
            [self._container_status(container) for container in current["spec"]["containers"]],
            [str(ip) for ip in node.addresses],
            [str(ip) for ip in self._network.addresses] if self._network else [],
            self._failure,
            network_ready=network_ready,
        )
        self._pod = services.store.update("pods", {**current, "status": status})

    def _container_status(self, spec: Object) -> ContainerStatus:
        container = self.containers.get(spec["name"])
        return container.status if container else ContainerStatus(spec["name"], spec["image"])

    def _say(self, kind: str, reason: str, message: str, field_path: str = "") -> None:
        self._services.events.record(self._source, self._pod, kind, reason, message, field_path)


def _path(container: PodContainer) -> str:
    return f"spec.containers{{{container.spec['name']}}}"
