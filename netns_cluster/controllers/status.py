# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pod's status, worked out from the states of its containers as a kubelet does. Pure: records in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from netns_cluster.api.store import timestamp

Object = dict[str, Any]


@dataclass
class ContainerStatus:
    """What is known of one container. States are those of the API: waiting, running or terminated."""

    name: str
    image: str
    image_id: str = ""
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Object = field(default_factory=dict)
    restart_count: int = 0
    container_id: str = ""
    resources: Object = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return "running" in self.state

    def as_json(self) -> Object:
        status: Object = {"name": self.name, "state": self.state, "lastState": self.last_state, "ready": self.running}
        status |= {"restartCount": self.restart_count, "image": self.image, "imageID": self.image_id}
        if self.container_id:
            status |= {"containerID": self.container_id, "resources": self.resources}
        return status | {"started": self.running}


@dataclass(frozen=True)
class Failure:
    """Why a pod as a whole failed, whatever its containers did."""

    reason: str
    message: str


def phase_of(containers: Sequence[ContainerStatus], restart_policy: str) -> str:
    """Pending, Running, Succeeded or Failed (kubernetes, pkg/kubelet: getPhase)."""
    ended = [one.state["terminated"] for one in containers if "terminated" in one.state]
    if len(ended) == len(containers):
        failed = any(one["exitCode"] for one in ended)
        if restart_policy == "Never" or (restart_policy == "OnFailure" and not failed):
            return "Failed" if failed else "Succeeded"
        return "Running"
    never_ran = [one for one in containers if "waiting" in one.state and not one.last_state]
    return "Pending" if never_ran else "Running"


def pod_status(
    pod: Object,
    containers: Sequence[ContainerStatus],
    host_ips: Sequence[str],
    pod_ips: Sequence[str],
    failure: Failure | None = None,
    *,
    network_ready: bool = True,
) -> Object:
    """Return the whole status of a pod that is on a node."""
    previous = pod["status"]
    policy = pod["spec"]["restartPolicy"] if network_ready else "Never"  # without its network nothing is started again
    phase = "Failed" if failure else phase_of(containers, policy)
    generation = pod["metadata"]["generation"]
    status: Object = {"observedGeneration": generation, "phase": phase}
    conditions = _conditions(previous.get("conditions", []), phase, containers, network_ready)
    status["conditions"] = [{**one, "observedGeneration": generation} for one in conditions]
    if failure:
        status |= {"reason": failure.reason, "message": failure.message}
    status |= {"hostIP": host_ips[0], "hostIPs": [{"ip": ip} for ip in host_ips]}
    if pod_ips:
        status |= {"podIP": pod_ips[0], "podIPs": [{"ip": ip} for ip in pod_ips]}
    status["startTime"] = previous.get("startTime") or timestamp()
    status["containerStatuses"] = sorted((one.as_json() for one in containers), key=lambda one: str(one["name"]))
    return status | {"qosClass": previous["qosClass"]}


def _conditions(
    previous: list[Object], phase: str, containers: Sequence[ContainerStatus], network_ready: bool
) -> list[Object]:
    unready = [one.name for one in containers if not one.running]
    extra: Object = {}
    if phase in ("Succeeded", "Failed"):
        extra = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    elif unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        extra = {"reason": "ContainersNotReady", "message": message}
    ready = _truth(not extra)
    wanted = [
        {"type": "PodReadyToStartContainers", "status": _truth(network_ready and phase not in ("Succeeded", "Failed"))},
        {"type": "Initialized", "status": "True"} | ({"reason": "PodCompleted"} if phase == "Succeeded" else {}),
        {"type": "Ready", "status": ready, **extra},
        {"type": "ContainersReady", "status": ready, **extra},
        {"type": "PodScheduled", "status": "True"},
    ]
    before = {one["type"]: one for one in previous}
    for one in wanted:
        old = before.get(one["type"], {})
        since = old["lastTransitionTime"] if old.get("status") == one["status"] else timestamp()
        one |= {"lastProbeTime": None, "lastTransitionTime": since}
    return wanted


def _truth(value: bool) -> str:
    return "True" if value else "False"
