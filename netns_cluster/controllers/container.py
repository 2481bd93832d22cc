# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One container of a pod: pulled, started, watched, started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from netns_cluster import images, pipes
from netns_cluster.api.store import timestamp
from netns_cluster.controllers import environment
from netns_cluster.controllers.status import ContainerStatus
from netns_cluster.logbuffer import LogBuffer
from netns_cluster.runtime.client import RunningProcess, RuntimeClient
from netns_cluster.runtime.messages import StartError

Object = dict[str, Any]

FIRST_DELAY, LONGEST_DELAY = 10.0, 300.0
"""Seconds of back-off, doubled each time, for restarts and pulls alike (kubernetes, pkg/kubelet)."""


@dataclass
class BackOff:
    """How long to wait before the next try. After a good run of ten minutes it begins anew."""

    delay: float = 0.0

    def next(self, ran_for: float = 0.0) -> float:
        """Return the delay before this try: none at first, then 10 s, 20 s, ... 300 s."""
        if ran_for > 2 * LONGEST_DELAY:
            self.delay = 0.0
        now = self.delay
        self.delay = min(max(2 * self.delay, FIRST_DELAY), LONGEST_DELAY)
        return now


@dataclass(frozen=True)
class Surroundings:
    """What a container needs from its pod and node."""

    runtime: RuntimeClient
    name_servers: tuple[str, ...]
    network: int
    pod: Callable[[], Object]
    publish: Callable[[], None]
    say: Callable[[str, str, str, str], None]
    """Kind, reason, message and field path of an event."""


class PodContainer:
    """Keeps one container running as its pod's restart policy says, until it is stopped."""

    def __init__(self, spec: Object, around: Surroundings) -> None:
        self.spec = spec
        self.status = ContainerStatus(spec["name"], spec["image"], resources=spec["resources"])
        self.process: RunningProcess | None = None
        self.log: LogBuffer | None = None
        self.previous_log: LogBuffer | None = None
        self._around = around
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Return when the container ended for good."""
        await self._pull()
        back_off = BackOff()
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await self._run_once()
            except environment.ConfigurationError as error:
                self._say("Warning", "Failed", f"Error: {error}")
                self._wait_for("CreateContainerConfigError", str(error))
                await self._stops_within(FIRST_DELAY)
                continue
            if not self._restarts():
                return
            delay = back_off.next(asyncio.get_running_loop().time() - began)
            if delay and not self._stopping.is_set():
                await self._back_off(delay)
            self.status.restart_count += not self._stopping.is_set()

    def _restarts(self) -> bool:
        policy = self._around.pod()["spec"]["restartPolicy"]
        failed = bool(self.status.state["terminated"]["exitCode"])
        return bool(policy == "Always" or (policy == "OnFailure" and failed))

    async def stop(self) -> None:
        """Ask the container to end: SIGTERM, which a first process that does not handle it never gets."""
        self._stopping.set()
        if self.process:
            await self._around.runtime.signal(self.process, signal.SIGTERM)

    async def kill(self) -> None:
        self._stopping.set()
        if self.process:
            await self._around.runtime.signal(self.process, signal.SIGKILL)

    async def _pull(self) -> None:
        """Return when there is an image to run: at once, or never."""
        image = self.spec["image"]
        kind = images.kind_of(image)
        if kind:
            self.status.image_id = images.IMAGE_IDS[kind]
            self.status.image = images.full_name(image)
            return
        if not images.is_valid(image):
            why = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
            await self._wait_in_vain("InspectFailed", "InvalidImageName", why)
        elif self.spec["imagePullPolicy"] == "Never":
            why = f'Container image "{image}" is not present with pull policy of Never'
            await self._wait_in_vain("ErrImageNeverPull", "ErrImageNeverPull", why)
        else:
            await self._pull_in_vain(image)

    async def _wait_in_vain(self, event: str, reason: str, why: str) -> None:
        self._say("Warning", event, why)
        self._say("Warning", "Failed", f"Error: {reason}")
        self._wait_for(reason, why)
        await self._stopping.wait()

    async def _pull_in_vain(self, image: str) -> None:
        back_off = BackOff(FIRST_DELAY)
        refusal = images.refusal(image)
        while not self._stopping.is_set():
            self._say("Normal", "Pulling", f'Pulling image "{image}"')
            self._say("Warning", "Failed", f'Failed to pull image "{image}": {refusal}')
            self._say("Warning", "Failed", "Error: ErrImagePull")
            self._wait_for("ErrImagePull", refusal)
            delay = back_off.next()
            if await self._stops_within(min(delay, 1.0)):
                return
            self._say("Normal", "BackOff", f'Back-off pulling image "{image}"')
            self._say("Warning", "Failed", "Error: ImagePullBackOff")
            self._wait_for("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {refusal}')
            if await self._stops_within(delay - 1.0):
                return

    async def _back_off(self, delay: float) -> None:
        metadata = self._around.pod()["metadata"]
        pod = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self._say("Warning", "BackOff", f"Back-off restarting failed container {self.spec['name']} in pod {pod}")
        message = f"back-off {_go_duration(delay)} restarting failed container={self.spec['name']} pod={pod}"
        self._wait_for("CrashLoopBackOff", message)
        await self._stops_within(delay)

    async def _run_once(self) -> None:
        """Start the process and wait for its end. Raises ConfigurationError when it cannot be created."""
        self.previous_log, self.log = self.log or self.previous_log, None
        image = self.spec["image"]
        self._say("Normal", "Pulled", f'Container image "{image}" is run by {_RUN_BY[images.kind_of(image)]}')
        started_at = timestamp()
        try:
            self.process, output = await self._start(self._around.pod())
        except StartError as error:
            self._fail_start(error)
            return
        self._say("Normal", "Created", f"Created container: {self.spec['name']}")
        self._say("Normal", "Started", f"Started container {self.spec['name']}")
        self._enter({"running": {"startedAt": started_at}})
        if self._stopping.is_set():  # it was stopped while it started
            await self.kill()
        code = await self.process.exited
        await output
        self.process = None
        self._terminate({"exitCode": code, "reason": "Error" if code else "Completed"}, started_at)

    async def _start(self, pod: Object) -> tuple[RunningProcess, asyncio.Task[None]]:
        container = environment.container_of(pod, self.spec, self._around.name_servers)
        process = environment.main_process(pod, self.spec)
        if process.terminal:
            reader, writer = pipes.open_terminal()
        else:
            reader, writer = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        streams = [writer if process.terminal else null, writer, writer]
        try:
            running = await self._around.runtime.start_container(container, process, streams, self._around.network)
        except StartError:
            os.close(reader)
            raise
        finally:
            os.close(null)
            os.close(writer)
        self.log = LogBuffer()
        return running, asyncio.ensure_future(_copy(reader, self.log))

    def _fail_start(self, error: StartError) -> None:
        program = (self.spec.get("command") or self.spec.get("args") or ["sh"])[0]
        why = f"failed to start container: {error.describe(program)}"
        self._say("Normal", "Created", f"Created container: {self.spec['name']}")
        self._say("Warning", "Failed", f"Error: {why}")
        self.status.container_id = _new_id()  # a real runtime has made the container by then, and never started it
        self._terminate({"exitCode": 128, "reason": "StartError", "message": why}, _NEVER)

    def _terminate(self, terminated: Object, started_at: str) -> None:
        end = {"startedAt": started_at, "finishedAt": timestamp(), "containerID": self.status.container_id}
        self._enter({"terminated": {**terminated, **end}})

    def _enter(self, state: Object) -> None:
        status = self.status
        if "terminated" in status.state:
            status.last_state = status.state
        if "running" in state:
            status.container_id = _new_id()
        status.state = state
        self._around.publish()

    def _wait_for(self, reason: str, message: str) -> None:
        self._enter({"waiting": {"reason": reason, "message": message}})

    async def _stops_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _say(self, kind: str, reason: str, message: str) -> None:
        self._around.say(kind, reason, message, self._path)

    @property
    def _path(self) -> str:
        return f"spec.containers{{{self.spec['name']}}}"


_NEVER = "1970-01-01T00:00:00Z"
_RUN_BY: dict[str | None, str] = {
    "busybox": "the busybox of this machine",
    images.NODE_IMAGE: "the tools of this machine",
}


async def _copy(descriptor: int, log: LogBuffer) -> None:
    async for data in pipes.read(descriptor):
        log.write(data)
    log.end()
    os.close(descriptor)


def _new_id() -> str:
    return f"netns://{uuid4().hex}{uuid4().hex}"


def _go_duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
