# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubelets of all nodes: each pod that has a node is run there by one worker."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from netns_cluster.api.store import Store
from netns_cluster.controllers import environment
from netns_cluster.controllers.events import EventLog
from netns_cluster.controllers.pod_worker import NodeServices, PodWorker
from netns_cluster.logbuffer import LogBuffer
from netns_cluster.network.network import ClusterNetwork
from netns_cluster.runtime.client import RunningProcess, RuntimeClient
from netns_cluster.runtime.messages import StartError

Object = dict[str, Any]


class Kubelet:
    """Follows the pods and serves their logs and commands."""

    def __init__(
        self,
        store: Store,
        events: EventLog,
        network: ClusterNetwork,
        runtime: RuntimeClient,
        name_servers: tuple[str, ...],
        volumes: Path,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._services = NodeServices(store, events, network, runtime, name_servers, volumes)
        self._workers: dict[str, PodWorker] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async for change in self._store.changes(0):
            if change.resource != "pods":
                continue
            pod = change.current or change.previous
            assert pod is not None  # noqa: S101 - a change has at least one of them
            worker = self._workers.get(pod["metadata"]["uid"])
            if change.current is None:
                if worker:
                    worker.remove()
            elif worker:
                worker.notice(change.current)
            elif pod["spec"].get("nodeName") in self._services.network.nodes:
                self._begin(pod)

    def _begin(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers[uid] = PodWorker(pod, self._services)
        task = asyncio.ensure_future(worker.run())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(uid, done))

    def _end(self, uid: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._workers[uid].removed:
            del self._workers[uid]
        if not task.cancelled() and (error := task.exception()):
            logging.error("the worker of pod %s failed", uid, exc_info=error)

    def log(self, pod: Object, container: str, *, previous: bool) -> LogBuffer | None:
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker is None or container not in worker.containers:
            return None
        one = worker.containers[container]
        return one.previous_log if previous else one.log or one.previous_log

    def is_running(self, pod: Object, container: str) -> bool:
        worker = self._workers.get(pod["metadata"]["uid"])
        return worker is not None and container in worker.containers and worker.containers[container].process is not None

    async def execute(
        self, pod: Object, container: str, argv: list[str], streams: list[int], *, terminal: bool
    ) -> RunningProcess:
        one = self._workers[pod["metadata"]["uid"]].containers[container]
        if one.process is None:
            raise StartError("sandbox", "the container has ended")
        process = environment.further_process(pod, one.spec, argv, terminal=terminal)
        return await self._runtime.join_container(one.process, process, streams)
