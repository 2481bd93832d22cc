# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters of network namespaces on this machine, by the program netns_cluster that the collection brings.

Private to the collection: it may change at any time. The program is only ever started, never imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.nodes import Object, node_records
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import CALICO, Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ClusterError,
    InputError,
    MissingLibraryError,
    MissingProgramError,
)

# The collection's root, where netns_cluster stands beside plugins/. On another host there is no such folder: Ansible sends
# a module there in an archive, with the module_utils that it imports and nothing else.
_ROOT = Path(__file__).parents[4]
_IPV6_POD_SUBNET = "fd00:10:244::/56"
_CLEAN_UP_SECONDS = 60
_OUTPUT_LINES = 40  # of a program that crashed, in the failed result
_ERRORS = {"invalid-request": InputError, "missing-library": MissingLibraryError}
_UNUSED = {"cni": (CALICO,), "node_image": None, "images": ()}
"""The options that mean nothing here, and what they are when nobody set them."""


class Netns:
    """The netns cluster of one name, whether it is there or not."""

    provider = "netns"
    emulated = True

    def __init__(self, name: str, deadline: Deadline) -> None:
        self.name = name
        self.context = f"netns-{name}"
        self._deadline = deadline

    def check(self) -> str:
        """Say what there is to make clusters with.

        :raises MissingProgramError: this is not the controller, or not Ansible's own process.
        """
        self._cluster  # noqa: B018 - read to see whether it can be
        return "its nodes are network namespaces of this machine"

    def unused(self, wanted: Wanted) -> list[str]:
        """Name the options that were set and have no use here."""
        return [name for name, unset in _UNUSED.items() if getattr(wanted, name) != unset]

    def exists(self) -> bool:
        return self._cluster is not None

    def wanted_shape(self, wanted: Wanted) -> Object:
        """Return what was asked for in the words of :meth:`shape`."""
        families, subnets = wanted.ip_families, {"ipv4": wanted.pod_subnet, "ipv6": _IPV6_POD_SUBNET}
        used = [subnet for family, subnet in subnets.items() if families in (family, "dual")]
        return {"workers": wanted.workers, "ip_families": families, "pod_subnets": used}

    def shape(self) -> Object:
        """Return ``{workers, ip_families, pod_subnets}``."""
        return {key: self._there()[key] for key in ("workers", "ip_families", "pod_subnets")}

    def create(self, wanted: Wanted) -> None:
        """Make the cluster and wait until it is ready; whatever ends this early, what was made of it is removed.

        :raises ClusterError: it could not be made; the message says which setting of this machine is in the way, if one is.
        :raises InputError: there cannot be such a cluster.
        :raises MissingLibraryError: a library that the program needs does not import.
        """
        shape = self.wanted_shape(wanted)
        options = {
            "workers": shape["workers"],
            "ip-families": shape["ip_families"],
            "pod-subnet": ",".join(shape["pod_subnets"]),
        }
        try:
            answer = self._run(
                "up", f"--name={self.name}", *(f"--{option}={value}" for option, value in options.items())
            )
        except (ClusterError, InputError, MissingLibraryError):
            raise  # it answered: what it made of the cluster is removed, and a cluster that is there is somebody else's
        except BaseException:
            Netns(self.name, Deadline(_CLEAN_UP_SECONDS)).remove()
            raise
        self._cluster = answer["cluster"]

    def wait_until_ready(self) -> None:
        """A cluster that is there is ready."""

    def missing_images(self, images: Sequence[str]) -> list[str]:
        """None: pods run this machine's busybox."""
        return []

    def load_images(self, images: Sequence[str]) -> None:
        """There are none to load."""

    def kubeconfig(self) -> str:
        return Path(self._there()["kubeconfig"]).read_text(encoding="utf-8")

    def nodes(self) -> list[Object]:
        """Return ``{name, role, addresses}`` of each node, as the API has them."""
        with Cluster(endpoint({"kubeconfig": json.loads(self.kubeconfig())}), self._deadline) as cluster:
            return node_records(cluster.list(path("nodes"))["items"])

    def remove(self) -> None:
        self._run("down", f"--name={self.name}")
        self._cluster = None

    @cached_property
    def _cluster(self) -> Object | None:
        """What the program says of the running cluster, asked once."""
        clusters: list[Object] = self._run("list")["clusters"]
        return next((found for found in clusters if found["name"] == self.name and found["status"] == "running"), None)

    def _there(self) -> Object:
        if self._cluster is None:
            raise ClusterError(f"there is no netns cluster {self.name}", cause="no-cluster")
        return self._cluster

    def _run(self, command: str, *arguments: str) -> Object:
        if not (_ROOT / "netns_cluster").is_dir():
            raise MissingProgramError(
                "provider netns makes clusters on the controller only, in Ansible's own process: run the task there "
                "(connection: local, without become, async and environment), or use provider: kind",
                program="netns_cluster",
            )
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        }
        # -P: nothing in the folder that the task happens to run in takes the place of the program or of a library.
        words = [sys.executable, "-P", "-m", "netns_cluster", command, "--json", *arguments]
        done = program.run(words, self._deadline, environment=environment)
        try:
            answer: Object = json.loads(done.stdout)
        except json.JSONDecodeError:
            output = (done.stdout + done.stderr).splitlines()
            raise ClusterError(
                f"netns_cluster {command} ended without an answer: {output[-1] if output else 'it printed nothing'}",
                cause="unknown",
                output=output[-_OUTPUT_LINES:],
            ) from None
        if "error" in answer:
            raise _ERRORS.get(answer["error"], ClusterError)(answer["msg"], cause=answer["error"])
        return answer
