# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lab clusters: made, found as they were asked for, removed. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.kind import Kind
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.kubeconfig_file import KubeconfigFile
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.netns import Netns
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ClusterError,
    MissingProgramError,
    PodnetError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task


class LabCluster(Protocol):
    """The cluster of one name by one provider, whether it is there or not."""

    provider: str
    emulated: bool
    name: str
    context: str

    def check(self) -> str:
        """Say what there is to make clusters with; raise a PodnetError when it cannot be used."""

    def unused(self, wanted: Wanted) -> list[str]:
        """Name the options that this provider has no use for; raise InputError for what it cannot do."""

    def exists(self) -> bool: ...

    def wanted_shape(self, wanted: Wanted) -> dict[str, Any]:
        """Return what was asked for, in the words of :meth:`shape`."""

    def shape(self) -> dict[str, Any]:
        """Return what the cluster is like, without what cannot be read."""

    def create(self, wanted: Wanted) -> None:
        """Make the cluster and wait until it is ready; what ends that early removes what was made of it."""

    def wait_until_ready(self) -> None: ...

    def missing_images(self, images: Sequence[str]) -> list[str]: ...

    def load_images(self, images: Sequence[str]) -> None: ...

    def kubeconfig(self) -> str: ...

    def nodes(self) -> list[dict[str, Any]]: ...

    def remove(self) -> None: ...


def _run(task: Task) -> dict[str, Any]:
    wanted = Wanted.checked(task.parameters)
    file = KubeconfigFile(task.parameters["kubeconfig"], wanted.name)
    cluster, reason = _choose(task.parameters["provider"], wanted.name, Deadline(task.parameters["timeout"]))
    result = {
        "provider": cluster.provider,
        "provider_reason": reason,
        "emulated": cluster.emulated,
        "name": wanted.name,
        "context": cluster.context,
        "kubeconfig": str(file.path),
    }
    if task.parameters["state"] == "absent":
        return result | _absent(cluster, file, check_mode=task.check_mode)
    unused = cluster.unused(wanted)
    if "images" in unused:
        wanted = replace(wanted, images=())
    warnings = [f"Provider {cluster.provider} has no use for the option {option}." for option in unused]
    file.check()
    done = _present(cluster, wanted, file, check_mode=task.check_mode)
    warnings += done.pop("warnings")
    return result | done | ({"warnings": warnings} if warnings else {})


def _choose(provider: str, name: str, deadline: Deadline) -> tuple[LabCluster, str]:
    """Return the cluster of that name by the provider asked for, and why it is that one."""
    kind, netns = Kind(name, deadline), Netns(name, deadline)
    if provider == "kind":
        return kind, f"it was asked for; {kind.check()}"
    if provider == "netns":
        return netns, f"it was asked for; {netns.check()}"
    try:
        reason = kind.check()
    except PodnetError as error:
        reason = f"kind cannot be used: {error}"
    else:
        if kind.exists() or not _is_there(netns):
            return kind, reason
        return netns, "a netns cluster of this name is there already"
    try:
        netns.check()
    except PodnetError as error:
        raise ClusterError(
            f"no provider can be used. {reason}. netns cannot be used: {error}", cause="no-provider"
        ) from None
    return netns, reason


def _is_there(netns: LabCluster) -> bool:
    try:
        return netns.exists()
    except MissingProgramError:
        return False  # it is known on the controller only


def _present(cluster: LabCluster, wanted: Wanted, file: KubeconfigFile, *, check_mode: bool) -> dict[str, Any]:
    asked = cluster.wanted_shape(wanted)
    found = cluster.shape() if cluster.exists() else None
    before: dict[str, Any] = {"state": "absent"}
    after = {"state": "present", **(found or asked), "images": list(wanted.images), "kubeconfig": "up to date"}
    if found is not None:
        _refuse_another_shape(wanted.name, asked, found)
        cluster.wait_until_ready()
    else:
        file.check_writable()  # before a cluster is made that nobody would find the way to
        if check_mode:
            return {"changed": True, "nodes": [], "warnings": [], "diff": {"before": before, "after": after}}
        cluster.create(wanted)
    kubeconfig = cluster.kubeconfig()
    file_state = file.state(kubeconfig)
    missing = cluster.missing_images(wanted.images)
    if found is not None:
        images = [image for image in wanted.images if image not in missing]
        before = {**after, "images": images, "kubeconfig": file_state}
    if not check_mode:
        if file_state != "up to date":
            file.write(kubeconfig)
        if missing:
            cluster.load_images(missing)
    unread = [key for key in asked if key not in (found or asked)]
    return {
        "changed": before != after,
        "nodes": cluster.nodes(),
        "warnings": [
            f"The {key} of the cluster {wanted.name} could not be read, and was not compared." for key in unread
        ],
        "diff": {"before": before, "after": after},
    }


def _refuse_another_shape(name: str, asked: dict[str, Any], found: dict[str, Any]) -> None:
    differences = {key: value for key, value in asked.items() if key in found and found[key] != value}
    if differences:
        words = "; ".join(
            f"{key} is {_words(found[key])}, and {_words(value)} is asked for" for key, value in differences.items()
        )
        raise ClusterError(
            f"a cluster {name} is there with another shape ({words}): ask for what is there, choose another name, "
            "or remove it first with state: absent",
            cause="another-shape",
            differences={key: {"found": found[key], "asked": value} for key, value in differences.items()},
        )


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _absent(cluster: LabCluster, file: KubeconfigFile, *, check_mode: bool) -> dict[str, Any]:
    exists, ours = cluster.exists(), file.is_ours()
    if exists and not check_mode:
        cluster.remove()
    if ours and not check_mode:
        file.remove()
    before = {"state": "present" if exists else "absent", "kubeconfig": "there" if ours else "missing"}
    after = {"state": "absent", "kubeconfig": "missing"}
    return {"changed": before != after, "nodes": [], "diff": {"before": before, "after": after}}


OPERATION = Operation(
    options={
        "name": {"type": "str", "default": "demo"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "provider": {"type": "str", "choices": ["auto", "kind", "netns"], "default": "auto"},
        "workers": {"type": "int", "default": 2},
        "pod_subnet": {"type": "str", "default": "192.168.0.0/16"},
        "cni": {"type": "list", "elements": "str", "default": ["calico"]},
        "node_image": {"type": "str"},
        "images": {"type": "list", "elements": "str", "default": []},
        "ip_families": {"type": "str", "choices": ["ipv4", "ipv6", "dual"], "default": "ipv4"},
        "kubeconfig": {"type": "path"},
        "timeout": {"type": "int", "default": 600},
    },
    run=_run,
)
