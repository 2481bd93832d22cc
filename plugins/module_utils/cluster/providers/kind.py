# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters of kind on the Docker engine. Private to the collection: it may change at any time.

Manifests are applied, and the cluster is read, by the kubectl of the node image, run in the control plane's container: it is
always there and always of the cluster's own version, and kind installs its default CNI in the same way.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import kind_problems, program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers import kind_config, manifests
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.nodes import Object, node_records
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ClusterError,
    DeadlineError,
    InputError,
    MissingProgramError,
    PodnetError,
)

# The first release that loads images into nodes with containerd 2, which node images have since Kubernetes 1.32.
_MINIMUM_VERSION = (0, 27)
_PROGRAMS = {
    "docker": "https://docs.docker.com/engine/install",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start",
}
_ANSWER_SECONDS = 30  # for what is answered at once, or never
_CLEAN_UP_SECONDS = 120
_POLL_SECONDS = 1
_APPLY_TRIES = 30
_REMOVE_TRIES = 30
_OUTPUT_LINES = 40  # of a failed program's output in a failed result


class Kind:
    """The kind cluster of one name, whether it is there or not."""

    provider = "kind"
    emulated = False

    def __init__(self, name: str, deadline: Deadline) -> None:
        self.name = name
        self.context = f"kind-{name}"
        self._deadline = deadline

    def check(self) -> str:
        """Say what there is to make clusters with.

        :raises MissingProgramError: docker or kind is not on PATH, or kind is too old.
        :raises ClusterError: the Docker engine does not answer.
        """
        for name, source in _PROGRAMS.items():
            if shutil.which(name) is None:
                raise MissingProgramError(f"the program {name} is not on PATH: install it ({source})", program=name)
        printed = self._kind("version").stdout
        version = re.search(r"v(\d+)\.(\d+)\S*", printed)
        if version is None or (int(version[1]), int(version[2])) < _MINIMUM_VERSION:
            needed = ".".join(map(str, _MINIMUM_VERSION))
            raise MissingProgramError(
                f"`kind version` says {printed.strip()!r}: install kind {needed} or newer", program="kind"
            )
        engine = self._docker("version", "--format={{.Server.Version}}")
        if engine.returncode:
            raise _failure("`docker version` failed", engine)
        return f"kind {version[0]} and the Docker engine {engine.stdout.strip()} are here"

    def unused(self, wanted: Wanted) -> list[str]:
        """Name the options that have no use here: none; raise InputError for what kind cannot do."""
        if wanted.ip_families != "ipv4":
            raise InputError(
                f"ip_families is {wanted.ip_families}: provider kind makes IPv4 clusters, netns the others"
            )
        return []

    def exists(self) -> bool:
        return bool(self._containers())

    def wanted_shape(self, wanted: Wanted) -> Object:
        """Return what was asked for in the words of :meth:`shape`; ``node_image`` only where one was asked for."""
        shape: Object = {"control_planes": 1, "workers": wanted.workers, "pod_subnet": wanted.pod_subnet}
        shape["cni"] = manifests.identities(wanted)
        return shape | ({"node_image": wanted.node_image} if wanted.node_image else {})

    def shape(self) -> Object:
        """Return what the cluster is like, as :func:`kind_config.shape` does.

        :raises ClusterError: a node's container does not run, or the API server cannot be asked.
        """
        containers: list[Object] = json.loads(self._docker_ok("container", "inspect", *self._containers()))
        stopped = {c["Name"].lstrip("/"): c["State"]["FinishedAt"] for c in containers if not c["State"]["Running"]}
        if stopped:
            raise ClusterError(
                f"nodes of the cluster {self.name} are not running (since {min(stopped.values())}): start them with "
                f"`docker start {' '.join(stopped)}`, or remove the cluster with state: absent",
                cause="nodes-stopped",
            )
        return kind_config.shape(containers, self._read("configmaps", "--namespace=kube-system"))

    def create(self, wanted: Wanted) -> None:
        """Make the cluster and wait until it is ready; whatever ends this early, what was made of it is removed.

        :raises ClusterError: it could not be made.
        :raises DeadlineError: it was not ready in time.
        """
        documents = manifests.documents(wanted, self._deadline)
        documents.append(kind_config.record(manifests.identities(wanted)))
        self._image_ids(wanted.images)  # what is missing is better said before the cluster is made
        with self._removed_if_unfinished():
            self._create(kind_config.cluster_config(wanted))
            for document in documents:
                self._apply(document)
            self.wait_until_ready()

    def _create(self, config: str) -> None:
        created = self._kind("create", "cluster", f"--name={self.name}", "--config=-", "--retain", stdin=config)
        if created.returncode:
            raise _failure(
                f"the cluster {self.name} could not be created", created, self._within(_ANSWER_SECONDS)._logs()
            )

    @contextmanager
    def _removed_if_unfinished(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # Made by somebody else since it was looked for: not ours to remove.
            if not (isinstance(error, ClusterError) and error.details.get("cause") == "already-exists"):
                try:
                    self._within(_CLEAN_UP_SECONDS)._remove_half_made()
                except PodnetError as left:
                    raise ClusterError(f"{error}. What was made of the cluster is still there: {left}") from error
            raise

    def _remove_half_made(self) -> None:
        self.remove()
        # The engine may have begun a node for a client that was ended, and shows it a moment later.
        self._pause("it is to be removed")
        self.remove()

    def wait_until_ready(self) -> None:
        """Wait until nodes, CNI and DNS work.

        :raises DeadlineError: they did not in time; the message says which do not, and since when.
        """
        missing: list[str] = []
        try:
            while missing := self._unready():
                self._pause(missing[0])
        except DeadlineError:
            if not missing:
                raise
            raise self._too_late(missing + self._within(_ANSWER_SECONDS)._held_up()) from None

    def _held_up(self) -> list[str]:
        try:
            return kind_problems.held_up(self._read("pods", "--all-namespaces"))
        except PodnetError:
            return []  # this is about the details of a failure only

    def _unready(self) -> list[str]:
        nodes = [name for name, role in self._containers().items() if role in ("control-plane", "worker")]
        return kind_problems.unready(self._read("nodes,daemonsets,deployments", "--all-namespaces"), nodes)

    def missing_images(self, images: Sequence[str]) -> list[str]:
        """Return those images that some node does not have, or has in another version than the engine.

        :raises ClusterError: the engine does not have one.
        """
        ids = self._image_ids(images)
        nodes = [node["name"] for node in self.nodes()] if ids else []
        listings = [self._docker_ok("exec", node, "ctr", "--namespace=k8s.io", "images", "ls") for node in nodes]
        return [image for image in ids if not all(kind_config.has_image(text, image, ids[image]) for text in listings)]

    def load_images(self, images: Sequence[str]) -> None:
        loaded = self._kind("load", "docker-image", f"--name={self.name}", *images)
        if loaded.returncode:
            raise _failure(f"images could not be loaded into the cluster {self.name}", loaded)

    def kubeconfig(self) -> str:
        printed = self._kind("get", "kubeconfig", f"--name={self.name}")
        if printed.returncode:
            raise _failure(f"the kubeconfig of the cluster {self.name} could not be read", printed)
        return printed.stdout

    def nodes(self) -> list[Object]:
        """Return ``{name, role, addresses}`` of each node; its container has the same name."""
        return node_records(self._read("nodes"))

    def remove(self) -> None:
        """Remove the cluster.

        :raises ClusterError: something of it is still there.
        """
        # More than once: the engine does not remove what it is still making.
        for _try in range(_REMOVE_TRIES):
            deleted = self._kind("delete", "cluster", f"--name={self.name}")
            if not self._containers():
                return
            self._pause("its containers are still there")
        raise _failure(f"the cluster {self.name} could not be removed", deleted)

    def _within(self, seconds: float) -> Kind:
        """The same cluster with a time of its own: for what is to be done when the task's own is over."""
        return Kind(self.name, Deadline(seconds))

    def _pause(self, reason: str) -> None:
        """Wait a moment; when the time is over, say what was waited for."""
        try:
            self._deadline.remaining(reason)
        except DeadlineError:
            raise self._too_late([reason]) from None
        time.sleep(_POLL_SECONDS)

    def _too_late(self, reasons: list[str]) -> DeadlineError:
        # In the message the first, and the last: a pod that says why, where there is one.
        shown = "; ".join(dict.fromkeys([reasons[0], reasons[-1]]))
        return DeadlineError(
            f"the cluster {self.name} was not ready within {self._deadline.seconds:g} seconds ({shown}): "
            "mend that, or give the task a longer timeout",
            cause="not-ready",
            not_ready=reasons,
        )

    def _apply(self, document: str) -> None:
        # What one manifest defines is served a moment later: the first use may come too early.
        for _try in range(_APPLY_TRIES):
            applied = self._kubectl("apply", "--server-side", "--filename=-", stdin=document)
            if "no matches for kind" not in applied.stderr:
                break
            self._pause(kind_problems.last_error(applied.stderr))
        if applied.returncode:
            raise _failure(f"a manifest could not be applied to the cluster {self.name}", applied)

    def _read(self, *what: str) -> list[Object]:
        """Return objects of the API; wait for the API server, which takes a while after a restart of the engine."""
        while True:
            try:
                printed = self._kubectl("get", *what, "--output=json", "--request-timeout=10s")
            except DeadlineError:
                raise self._too_late(["its API server does not answer"]) from None
            if not printed.returncode:
                items: list[Object] = json.loads(printed.stdout)["items"]
                return items
            if "admin.conf: no such file" in printed.stderr:
                raise _failure(f"the cluster {self.name} cannot be used", printed)
            self._pause(f"its API server: {kind_problems.last_error(printed.stderr)}")

    def _logs(self) -> str:
        """What the nodes printed last: why systemd or the kubelet did not come up there."""
        commands = [
            command
            for container in self._containers()
            for command in (
                ("logs", "--tail=50", container),
                ("exec", container, "journalctl", "--no-pager", "--unit=kubelet", "--lines=50"),
            )
        ]
        return "\n".join(_output(self._docker(*command)) for command in commands)

    def _image_ids(self, images: Sequence[str]) -> dict[str, str]:
        ids = {}
        for image in images:
            inspected = self._docker("image", "inspect", "--format={{.Id}}", image)
            if inspected.returncode:
                raise ClusterError(
                    f"the image {image} is not in the Docker engine, to be loaded from there: `docker pull {image}`",
                    cause="image-not-in-engine",
                )
            ids[image] = inspected.stdout.strip()
        return ids

    def _containers(self) -> dict[str, str]:
        """Return name and role of each of the cluster's containers, running or not, by kind's own labels."""
        wanted = f"--filter=label=io.x-k8s.kind.cluster={self.name}"
        shown = '--format={{.Names}} {{.Label "io.x-k8s.kind.role"}}'
        rows = (line.partition(" ") for line in self._docker_ok("ps", "--all", wanted, shown).splitlines())
        return {name: role for name, _blank, role in rows}

    @cached_property
    def _control_plane(self) -> str:
        for name, role in self._containers().items():
            if role == "control-plane":
                return name
        raise ClusterError(
            f"the cluster {self.name} has no control plane: remove it with state: absent, and run the task again",
            cause="creation-unfinished",
        )

    def _kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *arguments]
        command = ["docker", "exec", "--interactive", self._control_plane, *kubectl]
        return program.run(command, self._deadline, stdin=stdin)

    def _docker_ok(self, *arguments: str) -> str:
        done = self._docker(*arguments)
        if done.returncode:
            raise _failure(f"`docker {arguments[0]}` failed", done)
        return done.stdout

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return program.run(["docker", *arguments], self._deadline.within(_ANSWER_SECONDS))

    def _kind(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        # kind writes to KUBECONFIG, else to ~/.kube/config, when it creates and when it deletes.
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "KUBECONFIG": os.path.join(folder, "config"),
                "KIND_EXPERIMENTAL_PROVIDER": "docker",
            }
            return program.run(["kind", *arguments], self._deadline, stdin=stdin, environment=environment)


def _output(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join(part.strip() for part in (done.stdout, done.stderr) if part.strip())


def _failure(what: str, done: subprocess.CompletedProcess[str], logs: str = "") -> ClusterError:
    output = f"{_output(done)}\n{logs}".strip()
    problem = kind_problems.explain(output)
    tail = output.splitlines()[-_OUTPUT_LINES:]
    if problem:
        return ClusterError(f"{what}: {problem}", cause=problem.cause, output=tail)
    return ClusterError(f"{what}: {kind_problems.last_error(_output(done))}", cause="unknown", output=tail)
