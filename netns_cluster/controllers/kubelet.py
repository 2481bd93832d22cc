# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubelets of all nodes: each pod that has a node is run there by one worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from netns_cluster.api.store import Key, Store, key_of
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
        self._tasks: dict[Key, asyncio.Task[None]] = {}  # of the latest pod of each name

    async def run(self) -> None:
        async for change in self._store.changes(0):
            if change.resource != "pods":
                continue
            pod = change.object
            worker = self._workers.get(pod["metadata"]["uid"])
            if worker and change.removed:
                worker.remove()
            elif worker:
                worker.notice(pod)
            elif not change.removed and pod["spec"].get("nodeName") in self._services.network.nodes:
                self._begin(pod)

    def _begin(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers[uid] = PodWorker(pod, self._services)
        key = key_of(pod)
        task = self._tasks[key] = asyncio.ensure_future(worker.run(self._tasks.get(key)))
        task.add_done_callback(lambda _unused: self._end(uid, key, task))

    def _end(self, uid: str, key: Key, task: asyncio.Task[None]) -> None:
        del self._workers[uid]
        if self._tasks[key] is task:
            del self._tasks[key]

    def log(self, pod: Object, container: str, *, previous: bool) -> LogBuffer | None:
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker is None or container not in worker.containers:
            return None
        one = worker.containers[container]
        return one.previous_log if previous else one.log or one.previous_log

    def is_running(self, pod: Object, container: str) -> bool:
        worker = self._workers.get(pod["metadata"]["uid"])
        return (
            worker is not None and container in worker.containers and worker.containers[container].process is not None
        )

    async def execute(
        self, pod: Object, container: str, argv: list[str], streams: list[int], *, terminal: bool
    ) -> RunningProcess:
        one = self._workers[pod["metadata"]["uid"]].containers[container]
        if one.process is None:
            raise StartError("sandbox", "the container has ended")
        process = environment.further_process(pod, one.spec, argv, terminal=terminal)
        return await self._runtime.join_container(one.process, process, streams)
