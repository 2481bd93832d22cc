# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probe pods: two on each node, one in the pod network and one on the host network. Private to the collection: it may change.

A probe pod answers TCP connections with the connection as it sees it, the row of its own /proc/net/tcp or tcp6, and measures
when it is asked to. Both are constant scripts for busybox's shell: what differs from one run to the next comes as arguments.
"""

from __future__ import annotations

import calendar
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import exec as pod_exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    ExecError,
    ForbiddenError,
    NotFoundError,
    PodnetError,
)

RUN = "kubelab.podnet/probe-run"
"""The label of what one run made; its value is the same for all of it."""

_OWNER = "kubelab.podnet/owner"  # annotation: PLACE PID EXPIRY of the run, the last one in seconds since 1970
_NAMESPACE_PREFIX = "podnet-probe-"
_ON_HOST = "-host"  # ends the name of the pod on the host network
_THREADS = 16  # that make pods side by side
_UNDER_WAY = 5  # seconds that an interrupted run gives to the calls that make pods: what they make is then removed, too
_WORKERS = 8  # in the shell of one probe; more lose replies by themselves

# What a container runtime grants by default, but for NET_RAW. "drop: [ALL], add: [NET_RAW]" would read better, and is
# refused in a namespace of the profile baseline.
_DROPPED = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
_CONFINED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_BASELINE: Object = {**_CONFINED, "capabilities": {"drop": list(_DROPPED)}}
_RESTRICTED: Object = {**_CONFINED, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "runAsUser": 65534}

# Arguments: the pod's name. Run for each connection, which is its standard input and output.
_ANSWER = r"""
inode=$(readlink /proc/self/fd/0)
inode=${inode#*[}
echo "$0 $(grep -h " ${inode%]} " /proc/net/tcp /proc/net/tcp6 2>/dev/null)"
"""

# Arguments: the port, the pod's name, and _ANSWER. busybox has a large nc, which serves on with -lk, and a small one, which
# does with more than one l: their number is the length of its queue.
_LISTEN = r"""
many=-llllllll
nc --help 2>&1 | grep -q -e -lk && many=-lk
exec nc $many -p "$0" -e sh -c "$2" "$1"
"""

# Arguments: workers, port, name to look up, then what to do: a letter and an address each.
#   p ping, s ping with the largest packets of this pod, whole, c connect, t trace, l look the name up (at the address, which is
#   the name server)
# Each line of the output is: what, address, outcome, text; a text of several lines has tabs between them.
#   ok: at the first try; again: at the second, which had the line for itself; lost: neither
# Not every ping can forbid that packets are cut up: where it cannot, nothing is said of large ones.
# In the end it says what the pod knows of its own network: for each command "see EXIT-CODE COMMAND", then what it printed,
# each line after a blank.
_MEASURE = r"""
workers=$1 port=$2 name=$3
shift 3
mtu=
! ping -c 1 -M do 127.0.0.1 >/dev/null 2>&1 || mtu=$(ip link show dev eth0 | sed -n 's/.* mtu \([0-9]*\).*/\1/p')
line='
'
say() { # OUTCOME: most texts are a single line, which no further program needs to look at
  case $text in *"$line"*) text=$(echo "$text" | tr '\n' '\t') ;; esac
  echo "$what $address $1 $text"
}
once() { # WHAT ADDRESS, sets text; false when it is to be tried again. The second round sends more, and waits for longer.
  case $1 in
    ping)
      text=$(ping -n -c $round -i 0.2 -W 1 "$2" 2>&1) || return 1
      [ $round = 2 ] || { text=${text#*ttl=}; text=${text%% *}; } ;;
    size)
      case $2 in *:*) headers=48 ;; *) headers=28 ;; esac
      text=$(echo "$mtu"; ping -n -c $round -i 0.2 -W 1 -M do -s $((mtu - headers)) "$2" 2>&1) ;;
    connect)
      text=$(timeout $((round + 2)) nc -w $round "$2" "$port" </dev/null 2>&1)
      case $text in podnet-probe-*) ;; *) return 1 ;; esac ;;
    trace)
      text=$(timeout 3 traceroute -n -q 1 -w 1 -m 8 "$2" 2>&1)
      return 0 ;;
    lookup)
      text=$(timeout $((round * 2 - 1)) nslookup "$name" "$2" 2>&1) ;;
  esac
}
try() { # TARGET
  address=${1#?}
  case $1 in p*) what=ping ;; s*) what=size ;; c*) what=connect ;; t*) what=trace ;; l*) what=lookup ;; esac
  if once $what "$address"; then say $well; else say $badly; fi
}
share() { # WORKER TARGET...: every so many-th target is this worker's
  number=$1
  shift
  for target; do
    number=$((number + 1))
    [ $((number % workers)) != 0 ] || try "$target"
  done
}
all() {
  worker=0
  while [ $worker -lt $workers ]; do
    share $worker "$@" &
    worker=$((worker + 1))
  done
  wait
}
# A trace into the void takes its time, in which the others go on. Only one runs at a time: busybox takes an answer to one
# for an answer to another.
traces= others=
for target; do
  case $target in
    t*) traces="$traces $target" ;;
    s*) [ -z "$mtu" ] || others="$others $target" ;;
    *) others="$others $target" ;;
  esac
done
round=1 well=ok badly=failed
(workers=1; all $traces) &
first=$(all $others)
echo "$first" | grep -v '^[a-z]* [^ ]* failed '
# A crowd loses some by itself. The second try has the line for itself: the next one starts when an answer would be here, but
# does not wait for one that does not come.
round=2 well=again badly=lost
for target in $(echo "$first" | sed -n 's/^\([a-z]\)[a-z]* \([^ ]*\) failed .*/\1\2/p'); do
  try "$target" &
  sleep 0.05
done
wait
see() {
  printed=$("$@" 2>&1)
  echo "see $? $*"
  [ -z "$printed" ] || echo "$printed" | sed 's/^/ /'
}
see ip addr
see ip -4 route
see ip -6 route
see ip neigh
see cat /etc/resolv.conf
"""


class Wish(NamedTuple):
    """One thing for a probe to do: ``kind`` is ping, size (a ping with large packets), connect, trace or lookup."""

    kind: str
    address: str


_ADDRESS_BYTES = 7500  # of an exec: servers and proxies take 8 KB at least


@dataclass(frozen=True)
class Settings:
    """What a user can say of probe pods. Without a ``namespace`` one is made for the run."""

    image: str
    namespace: str = ""
    pull_secrets: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbePod:
    """A probe pod that is ready, as the API gives it."""

    cluster: Cluster
    pod: Object
    port: int

    @property
    def name(self) -> str:
        return str(self.pod["metadata"]["name"])

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.pod['metadata']['namespace']}/{self.name}"

    @property
    def addresses(self) -> list[str]:
        return [item["ip"] for item in self.pod["status"]["podIPs"]]

    def measure(self, wishes: Sequence[Wish], name: str, deadline: Deadline) -> Measured:
        """Do what is wished, several at a time; a failure is tried again, alone, before it is told.

        :param name: what lookups look up.
        :raises ExecError: when the script does not run; other errors are those of the exec.
        """
        measured = Measured()
        for some in _portions([wish.kind[0] + wish.address for wish in wishes]):
            arguments = [str(_WORKERS), str(self.port), name, *some]
            output = pod_exec.run(self.cluster, self.pod, ["sh", "-c", _MEASURE, "podnet-probe", *arguments], deadline)
            if "\nsee " not in output.stdout:
                said = output.stderr.strip() or f"exit code {output.exit_code}"
                raise ExecError(f"the script of probe pod {self.key} did not get to its end: {said}")
            measured.read(output.stdout)
        return measured


def _portions(words: Sequence[str]) -> list[list[str]]:
    """The words in as few lists as the address of an exec leaves room for; one empty list when there are none."""
    left = _ADDRESS_BYTES - len(urlencode({"command": _MEASURE})) - 400
    portions: list[list[str]] = [[]]
    room = left
    for word in words:
        size = len(urlencode({"command": word})) + 1
        if size > room:
            portions.append([])
            room = left
        portions[-1].append(word)
        room -= size
    return portions


class Result(NamedTuple):
    """The outcome of a wish: ``what`` is the kind of this; ``outcome`` is ok, again (at the second try) or lost.

    The text of a ping that was ok is the TTL of the reply; of a connection it is the name of the pod that answered and the
    row of its /proc/net/tcp; otherwise it is what the program printed, after the size of the packets in a line of its own
    where that was wished.
    """

    what: str
    address: str
    outcome: str
    text: str


@dataclass
class Measured:
    """What a probe pod measured, and what it says of its own network: command -> exit code and what it printed."""

    results: list[Result] = field(default_factory=list)
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def read(self, printed: str) -> None:
        """Add what the script printed."""
        command = ""
        for line in printed.splitlines():
            if line.startswith(" "):
                code, text = self.seen[command]
                self.seen[command] = (code, f"{text}{line[1:]}\n")
            elif line.startswith("see "):
                number, command = line.removeprefix("see ").split(" ", 1)
                self.seen[command] = (int(number), "")
            elif line.count(" ") >= 3:
                what, address, outcome, text = line.split(" ", 3)
                self.results.append(Result(what, address, outcome, text.strip("\t").replace("\t", "\n")))


@dataclass(frozen=True)
class NodeProbes:
    """The two probe pods of a node; a text in place of one says why there is none."""

    in_pod_network: ProbePod | str
    on_host: ProbePod | str


@contextmanager
def open_probes(
    cluster: Cluster, nodes: Sequence[Object], settings: Settings, deadline: Deadline
) -> Iterator[dict[str, NodeProbes]]:
    """Make the probe pods of the given nodes (API objects), by the node's name; they are removed at the end, whatever happens.

    What runs that were killed left behind is removed first.

    :param deadline: also how long a pod may take to get ready, half of it.
    :raises PodnetError: when the namespace cannot be made; a pod that cannot stands with its reason.
    """
    run = _Run(cluster, settings, int(deadline.seconds) + 60, _free_port(remove_leftovers(cluster)))
    try:
        run.open_namespace()
        yield run.make_pods(nodes, deadline)
    finally:
        run.remove()


def marks(run: str, lifetime: int) -> Object:
    """Labels and annotations of what a run makes, by which the next one knows what is left of it, should it be killed.

    :param lifetime: seconds that the run may take.
    """
    owner = f"{_place()} {os.getpid()} {int(time.time()) + lifetime}"
    return {"labels": {**pods.MANAGED_BY, RUN: run}, "annotations": {_OWNER: owner}}


class _Run:
    """What one run makes: its pods, and its namespace unless it is given one that is there."""

    def __init__(self, cluster: Cluster, settings: Settings, lifetime: int, port: int) -> None:
        self._cluster = cluster
        self._settings = settings
        self._lifetime = lifetime  # seconds until the pods end by themselves, should nobody be left to remove them
        self._id = secrets.token_hex(4)
        self._namespace = settings.namespace or _NAMESPACE_PREFIX + self._id
        self._doomed: list[tuple[str, dict[str, str]]] = []  # what a DELETE is asked for at the end: path and query
        self._under_way: set[str] = set()  # names of the pods that are being made
        self._changed = Condition()
        self._is_over = False
        self._port = port
        self._marks = marks(self._id, lifetime)

    def open_namespace(self) -> None:
        pods_of_run = (path("pods", namespace=self._namespace), {"labelSelector": f"{RUN}={self._id}"})
        if self._settings.namespace and self._is_there():
            self._doomed = [pods_of_run]
            return
        # Set before it is made: the signal that ends a task may come before the answer.
        self._doomed = [pods_of_run, (path("namespaces", self._namespace), {})]
        try:
            self._cluster.create(path("namespaces"), self._namespace_body())
        except ConflictError:
            self._doomed = [pods_of_run]  # somebody else was faster
        except ApiError:
            self._doomed = []  # it was refused; after any other error it may have been made, and only the answer was lost
            raise

    def _is_there(self) -> bool:
        try:
            self._cluster.get(path("namespaces", self._namespace))
        except NotFoundError:
            return False
        return True

    def _namespace_body(self) -> Object:
        # Pods on the host network are admitted nowhere else.
        labels = {**self._marks["labels"], "pod-security.kubernetes.io/enforce": "privileged"}
        return {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {**self._marks, "name": self._namespace, "labels": labels},
        }

    def make_pods(self, nodes: Sequence[Object], deadline: Deadline) -> dict[str, NodeProbes]:
        names = {_name(node): f"podnet-probe-{self._id}-{number}" for number, node in enumerate(nodes)}
        wanted = [(f"{name}{suffix}", node) for node, name in names.items() for suffix in ("", _ON_HOST)]
        reasons: dict[str, str] = {}

        def create(pod_name: str, node: str) -> None:
            try:
                with self._noted(pod_name) as is_wanted:
                    if is_wanted:
                        self._create_surely(pod_name, node)
            except PodnetError as error:
                reasons[pod_name] = f"its probe pod was not admitted: {error}"

        pool = ThreadPoolExecutor(max_workers=_THREADS)
        try:
            list(pool.map(lambda pair: create(*pair), wanted))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        ready = pods.wait(
            self._cluster,
            self._namespace,
            [pod_name for pod_name, dummy in wanted if pod_name not in reasons],
            pods.is_settled,
            deadline.within(deadline.seconds / 2),
            labelSelector=f"{RUN}={self._id}",
        )

        def found(name: str) -> ProbePod | str:
            pod = ready.get(name)
            if pod is None:
                return reasons.get(name, "its probe pod was removed by somebody else")
            if pods.is_ready(pod):
                return ProbePod(self._cluster, pod, self._port)
            with self._cluster.more_time():
                return pods.why_not_ready(self._cluster, pod)

        return {node: NodeProbes(found(name), found(name + _ON_HOST)) for node, name in names.items()}

    @contextmanager
    def _noted(self, name: str) -> Iterator[bool]:
        """Note that a pod is being made; False when the run is over already, so that none is to be made any more."""
        self._under_way.add(name)
        try:
            yield not self._is_over
        finally:
            with self._changed:
                self._under_way.discard(name)
                self._changed.notify_all()

    def _create_surely(self, name: str, node: str) -> None:
        """Create a pod; once more when the connection breaks, since under its name it cannot be made twice."""
        try:
            self._create(name, node)
        except ConnectionFailedError:
            with suppress(ConflictError):  # only the answer was lost
                self._create(name, node)

    def _create(self, name: str, node: str) -> None:
        url, host_network = path("pods", namespace=self._namespace), name.endswith(_ON_HOST)
        try:
            self._cluster.create(url, self._pod(name, node, _BASELINE, host_network=host_network))
        except ForbiddenError:
            if host_network:
                raise
            # The profile restricted admits no pings, but TCP.
            self._cluster.create(url, self._pod(name, node, _RESTRICTED, host_network=False))

    def _pod(self, name: str, node: str, security: Object, *, host_network: bool) -> Object:
        container = {
            "name": "probe",
            "image": self._settings.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", _LISTEN, str(self._port), name, _ANSWER],
            "securityContext": security,
            "resources": {
                "requests": {"cpu": "10m", "memory": "16Mi"},
                "limits": {"cpu": "500m", "memory": "64Mi"},
            },
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "labels": {**self._settings.labels, **self._marks["labels"]},
                "annotations": {**self._settings.annotations, **self._marks["annotations"]},
            },
            "spec": {
                "nodeName": node,
                "hostNetwork": host_network,
                "restartPolicy": "Never",
                "activeDeadlineSeconds": self._lifetime,
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "tolerations": [{"operator": "Exists"}],
                "imagePullSecrets": [{"name": secret} for secret in self._settings.pull_secrets],
                "containers": [container],
            },
        }

    def remove(self) -> None:
        """Remove all that was made: the pods by their label, which also finds one whose answer never arrived.

        The namespace would take its pods along, but some time later, in which the next run would take them for somebody's.
        """
        self._is_over = True
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, _UNDER_WAY)
        with self._cluster.more_time(), ExitStack() as stack:  # each of them, also when another one fails
            for url, query in reversed(self._doomed):
                stack.callback(self._delete, url, query)

    def _delete(self, url: str, query: Mapping[str, str]) -> None:
        with suppress(NotFoundError):  # it was never made, or is gone already
            self._cluster.delete(url, **query)


def _free_port(others: Sequence[Object]) -> int:
    """A port that no probe of another run serves, not even one that is about to go: those on the host network would clash."""
    words = {word for pod in others for container in pod["spec"]["containers"] for word in container.get("command", ())}
    # Outside of what nodes use for Services (NodePort) and for their own connections.
    return secrets.choice([port for port in range(61001, 65001) if str(port) not in words])


def _name(node: Object) -> str:
    return str(node["metadata"]["name"])


# --- what killed runs left ----------------------------------------------------------------------------------------------


def remove_leftovers(cluster: Cluster) -> list[Object]:
    """Remove the pods and namespaces of runs that are over and did not get to remove them; returns all pods of runs.

    A run is over when its time is, or when its process was here and is gone: others may be at work right now.
    """
    found: dict[str, list[Object]] = {"pods": [], "namespaces": []}
    for kind in found:
        try:
            found[kind] = cluster.list(path(kind), labelSelector=RUN)["items"]
        except ForbiddenError:
            continue  # who may not look made nothing there
        over = [item["metadata"] for item in found[kind] if _is_over(item["metadata"], time.time(), _is_running)]
        doomed = {
            (path(kind, namespace=metadata["namespace"]), f"{RUN}={metadata['labels'][RUN]}")
            if kind == "pods"
            else (path(kind, metadata["name"]), "")
            for metadata in over
            if "deletionTimestamp" not in metadata
        }
        for url, selector in sorted(doomed):
            # It goes already, or is somebody else's to remove.
            with suppress(NotFoundError, ConflictError, ForbiddenError):
                cluster.delete(url, **({"labelSelector": selector} if selector else {}))
    return found["pods"]


def _is_over(metadata: Mapping[str, Any], now: float, is_running: Callable[[int], bool]) -> bool:
    try:
        place, process, expiry = metadata["annotations"][_OWNER].split()
        return now > int(expiry) or (place == _place() and not is_running(int(process)))
    except (KeyError, ValueError, TypeError):  # the annotation was edited: an hour is longer than any run
        created = calendar.timegm(time.strptime(metadata["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
        return now > created + 3600


def _place() -> str:
    """Where a process number means the same process: this machine, and on Linux the namespace; containers may share a name."""
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, which runs
    return True
