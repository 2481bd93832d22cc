from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import probe_pods
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import (
    RUN,
    Measured,
    NodeProbes,
    ProbePod,
    Settings,
    Wish,
    marks,
    open_probes,
    remove_leftovers,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConnectionFailedError,
    DeadlineError,
    ExecError,
    ForbiddenError,
    InterruptedTaskError,
    PodnetError,
)

from tests.support.api_server import (
    ApiServer,
    Handler,
    Printed,
    breaking_off,
    never_answering,
    printing,
    refusing,
    status,
)
from tests.support.fixtures import PATIENCE
from tests.support.objects import MANAGED_BY, Object, namespace, pod

HERE = Settings(image="busybox", namespace="checks")


@pytest.fixture
def checks(server: ApiServer) -> ApiServer:
    server.put(namespace("checks"))
    return server


def create_namespaces(server: ApiServer) -> None:
    async def create(request: web.Request) -> web.StreamResponse:
        return web.json_response(server.store(json.loads(await request.read())), status=201)

    server.misbehave("POST", "/api/v1/namespaces", create)


def refuse_pods(server: ApiServer, is_refused: Callable[[Object], bool]) -> None:
    """Answer as admission does; what is not refused is created."""

    async def admit(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        if is_refused(body):
            message = f'pods "{body["metadata"]["name"]}" is forbidden: violates PodSecurity "restricted:latest"'
            return web.json_response(status(403, "Forbidden", message), status=403)
        return server._create(body, "Pod", "checks")

    server.misbehave("POST", ".*/pods", admit)


def opened(server: ApiServer, cluster: Cluster, settings: Settings = HERE) -> dict[str, NodeProbes]:
    with open_probes(cluster, server.all("Node"), settings, Deadline(PATIENCE)) as probes:
        return probes


def created_pods(server: ApiServer) -> list[Object]:
    return [request.body for request in server.requests if request.method == "POST" and request.path.endswith("/pods")]


# --- pods and namespaces ------------------------------------------------------------------------------------------------


def test_each_node_gets_a_probe_in_the_pod_network_and_one_on_the_host(checks: ApiServer, cluster: Cluster) -> None:
    probes = opened(checks, cluster)
    assert set(probes) == {"demo-control-plane", "demo-worker", "demo-worker2"}
    for node, found in probes.items():
        assert isinstance(found.in_pod_network, ProbePod)
        assert isinstance(found.on_host, ProbePod)
        assert found.in_pod_network.pod["spec"]["nodeName"] == found.on_host.pod["spec"]["nodeName"] == node
        assert found.on_host.pod["spec"]["hostNetwork"]
        assert not found.in_pod_network.pod["spec"]["hostNetwork"]


def test_a_probe_is_admitted_by_a_baseline_namespace_and_can_ping(checks: ApiServer, cluster: Cluster) -> None:
    opened(checks, cluster)
    spec = created_pods(checks)[0]["spec"]
    security = spec["containers"][0]["securityContext"]
    assert "NET_RAW" not in security["capabilities"]["drop"]
    assert "ALL" not in security["capabilities"]["drop"]
    assert len(security["capabilities"]["drop"]) == 13
    assert "add" not in security["capabilities"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] > PATIENCE
    assert spec["containers"][0]["resources"]["limits"]


def test_a_probe_refused_by_admission_asks_for_less(checks: ApiServer, cluster: Cluster) -> None:
    refuse_pods(
        checks,
        lambda body: body["spec"]["containers"][0]["securityContext"]["capabilities"]["drop"] != ["ALL"],
    )
    found = opened(checks, cluster)["demo-worker"]
    assert isinstance(found.in_pod_network, ProbePod)
    security = found.in_pod_network.pod["spec"]["containers"][0]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert "was not admitted" in str(found.on_host)
    assert "PodSecurity" in str(found.on_host)


def test_what_a_user_says_of_probes_is_in_them(checks: ApiServer, cluster: Cluster) -> None:
    settings = Settings(
        image="registry.example/busybox@sha256:0",
        namespace="checks",
        pull_secrets=["mine"],
        labels={"team": "net", "app.kubernetes.io/managed-by": "me"},
        annotations={"sidecar.istio.io/inject": "false"},
    )
    opened(checks, cluster, settings)
    made = created_pods(checks)[0]
    assert made["spec"]["containers"][0]["image"] == "registry.example/busybox@sha256:0"
    assert made["spec"]["imagePullSecrets"] == [{"name": "mine"}]
    assert made["metadata"]["labels"].items() >= {"team": "net", **MANAGED_BY}.items()
    assert made["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"


def test_pods_are_removed_and_a_namespace_that_was_there_stays(checks: ApiServer, cluster: Cluster) -> None:
    checks.put(pod("theirs", "10.0.0.9", namespace="checks"))
    opened(checks, cluster)
    assert [item["metadata"]["name"] for item in checks.all("Pod")] == ["theirs"]
    assert "checks" in [item["metadata"]["name"] for item in checks.all("Namespace")]


@pytest.mark.parametrize("name", ["", "wanted"])
def test_a_namespace_that_is_not_there_is_made_and_removed(server: ApiServer, cluster: Cluster, name: str) -> None:
    create_namespaces(server)
    with open_probes(cluster, server.all("Node"), Settings("busybox", name), Deadline(PATIENCE)):
        (made,) = (item for item in server.all("Namespace") if item["metadata"]["name"] != "default")
        assert re.fullmatch(name or "podnet-probe-[0-9a-f]{8}", made["metadata"]["name"])
        assert made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
        assert len(server.all("Pod")) == 6
    assert [item["metadata"]["name"] for item in server.all("Namespace")] == ["default"]
    assert server.all("Pod") == []


def test_a_namespace_that_may_not_be_made_is_an_error_and_nothing_is_deleted(
    server: ApiServer, cluster: Cluster
) -> None:
    server.misbehave("POST", "/api/v1/namespaces", refusing(403, status(403, "Forbidden", "namespaces is forbidden")))
    with (
        pytest.raises(ForbiddenError),
        open_probes(cluster, server.all("Node"), Settings("busybox"), Deadline(PATIENCE)),
    ):
        pass
    assert server.changes() == ["POST /api/v1/namespaces"]


@pytest.mark.parametrize("is_made", [True, False])
@pytest.mark.parametrize(("ending", "error"), [(breaking_off, ConnectionFailedError), (never_answering, DeadlineError)])
def test_a_namespace_whose_answer_was_lost_is_removed_if_it_was_made(
    server: ApiServer, ending: Handler, error: type[PodnetError], is_made: bool
) -> None:
    async def create(request: web.Request) -> web.StreamResponse:
        if is_made:
            server.store(json.loads(await request.read()))
        return await ending(request)

    server.misbehave("POST", "/api/v1/namespaces", create)
    with Cluster(endpoint({"host": server.url}), Deadline(0.5)) as cluster, pytest.raises(error):
        opened(server, cluster, Settings(image="busybox"))
    assert [item["metadata"]["name"] for item in server.all("Namespace")] == ["default"]


@pytest.mark.parametrize("error", [PodnetError("a failure"), InterruptedTaskError("a signal")])
def test_probes_are_removed_when_the_work_ends_early(checks: ApiServer, cluster: Cluster, error: BaseException) -> None:
    with (
        pytest.raises(type(error)),
        open_probes(cluster, checks.all("Node"), HERE, Deadline(PATIENCE)),
    ):
        raise error
    assert checks.all("Pod") == []


@pytest.mark.parametrize("is_made", [True, False])
def test_a_connection_that_breaks_once_costs_no_probe(checks: ApiServer, cluster: Cluster, is_made: bool) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        if is_made:
            checks._create(json.loads(await request.read()), "Pod", "checks")
        return await breaking_off(request)

    checks.misbehave("POST", ".*/pods", break_off, times=1)
    for found in opened(checks, cluster).values():
        assert isinstance(found.in_pod_network, ProbePod)
        assert isinstance(found.on_host, ProbePod)
    assert len(created_pods(checks)) == 7
    assert checks.all("Pod") == []


def test_a_probe_that_is_being_made_when_a_signal_comes_is_removed_too(
    checks: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for, removed, removal = threading.Event(), [], probe_pods._Run.remove

    async def answer_late(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        await asyncio.to_thread(waited_for.wait, PATIENCE)
        return checks._create(body, "Pod", "checks")

    def interrupt(*_unused: object) -> None:
        raise InterruptedTaskError("a signal")

    def remove(run: Any) -> None:
        waited_for.set()
        removal(run)

    def delete(url: str, **query: Any) -> Object:
        removed.append(len(checks.all("Pod")))
        return Cluster.delete(cluster, url, **query)

    monkeypatch.setattr(probe_pods._Run, "remove", remove)
    monkeypatch.setattr(cluster, "delete", delete)
    checks.misbehave("POST", ".*/pods", answer_late, times=1)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(InterruptedTaskError):
            opened(checks, cluster)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert removed == [len(created_pods(checks))]
    assert checks.all("Pod") == []


def test_a_probe_that_does_not_get_ready_says_why_and_the_others_work(checks: ApiServer, cluster: Cluster) -> None:
    become_ready = checks.kubelet

    def kubelet(made: Object) -> list[Object]:
        if made["metadata"]["name"].endswith("-0"):
            return [{**made, "status": {"phase": "Failed", "reason": "OutOfpods"}}]
        return list(become_ready(made))

    checks.kubelet = kubelet
    found = opened(checks, cluster)
    (bad,) = (probes.in_pod_network for probes in found.values() if isinstance(probes.in_pod_network, str))
    assert "OutOfpods" in bad
    assert sum(isinstance(probes.in_pod_network, ProbePod) for probes in found.values()) == 2


# --- what killed runs left ----------------------------------------------------------------------------------------------


def left_by(owner: str, name: str = "left", run: str = "aaaa") -> Object:
    made = pod(name, "10.0.0.9", namespace="checks", labels={**MANAGED_BY, RUN: run})
    made["metadata"]["annotations"] = {"kubelab.podnet/owner": owner}
    made["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    return made


def here() -> str:
    return str(marks("aaaa", 1)["annotations"]["kubelab.podnet/owner"]).split(" ", 1)[0]


def dead_process() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def test_what_a_killed_run_left_is_removed(checks: ApiServer, cluster: Cluster) -> None:
    later = int(time.time()) + 1000
    checks.put(left_by(f"{here()} {dead_process()} {later}"))
    space = namespace("podnet-probe-left")
    space["metadata"]["labels"] = {**MANAGED_BY, RUN: "aaaa"}
    space["metadata"]["annotations"] = {"kubelab.podnet/owner": f"{here()} {dead_process()} {later}"}
    checks.put(space)
    remove_leftovers(cluster)
    assert checks.all("Pod") == []
    assert "podnet-probe-left" not in [item["metadata"]["name"] for item in checks.all("Namespace")]


def test_what_is_past_its_time_is_removed_wherever_it_came_from(checks: ApiServer, cluster: Cluster) -> None:
    checks.put(left_by("elsewhere 1 1000"))
    remove_leftovers(cluster)
    assert checks.all("Pod") == []


def test_the_probes_of_a_run_under_way_are_left_alone(checks: ApiServer, cluster: Cluster) -> None:
    later = int(time.time()) + 1000
    checks.put(
        left_by(f"{here()} {os.getpid()} {later}", "here"),
        left_by(f"elsewhere 1 {later}", "there", "bbbb"),
        left_by(f"{socket.gethostname()}/1 {dead_process()} {later}", "in-another-container", "cccc"),
    )
    remove_leftovers(cluster)
    assert checks.changes() == []


def test_no_port_is_served_that_a_probe_of_another_run_still_serves(checks: ApiServer, cluster: Cluster) -> None:
    other = left_by(f"elsewhere 1 {int(time.time()) + 1000}")
    other["spec"]["containers"][0]["command"] = [str(port) for port in range(61001, 65001) if port != 64000]
    checks.put(other)
    probes = opened(checks, cluster).values()
    assert {probe.port for each in probes for probe in (each.in_pod_network, each.on_host)} == {64000}


def test_an_owner_that_cannot_be_read_is_judged_by_age(checks: ApiServer, cluster: Cluster) -> None:
    checks.put(left_by("who knows"))
    remove_leftovers(cluster)
    assert checks.all("Pod") == []


def test_leftovers_that_may_not_be_looked_for_are_no_failure(checks: ApiServer, cluster: Cluster) -> None:
    for kind in ("pods", "namespaces"):
        refusal: Handler = refusing(403, status(403, "Forbidden", "no"))
        checks.misbehave("GET", f"/api/v1/{kind}", refusal)
    remove_leftovers(cluster)


# --- measuring ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def probe(checks: ApiServer, cluster: Cluster) -> Iterator[ProbePod]:
    with open_probes(cluster, checks.all("Node"), HERE, Deadline(PATIENCE)) as probes:
        found = probes["demo-worker"].in_pod_network
        assert isinstance(found, ProbePod)
        yield found


def test_what_the_script_prints_is_read(checks: ApiServer, probe: ProbePod) -> None:
    lines = [
        "ping 10.0.0.1 ok 62",
        "ping 10.0.0.2 lost PING 10.0.0.2\t\t2 packets transmitted\t",
        "see 0 ip addr",
        " 1: lo",
        " 2: eth0",
        "see 1 ip -6 route",
    ]
    checks.programs["sh"] = printing("".join(f"{line}\n" for line in lines))
    measured = probe.measure([Wish("ping", "10.0.0.1"), Wish("ping", "10.0.0.2")], "a.name", Deadline(PATIENCE))
    assert measured.results == [
        ("ping", "10.0.0.1", "ok", "62"),
        ("ping", "10.0.0.2", "lost", "PING 10.0.0.2\n\n2 packets transmitted"),
    ]
    assert measured.seen == {"ip addr": (0, "1: lo\n2: eth0\n"), "ip -6 route": (1, "")}


def test_a_script_that_breaks_off_is_an_error(checks: ApiServer, probe: ProbePod) -> None:
    checks.programs["sh"] = printing(Printed("ping 10.0.0.1 ok 62\n", "sh: out of memory", 1))
    with pytest.raises(ExecError, match="out of memory"):
        probe.measure([], "a.name", Deadline(PATIENCE))


def test_many_wishes_go_in_requests_that_every_server_takes(checks: ApiServer, probe: ProbePod) -> None:
    checks.programs["sh"] = printing("\nsee 0 ip addr\n")
    wishes = [Wish("ping", f"fd00:10:244:1234:5678:9abc:def0:{number:x}") for number in range(1000)]
    probe.measure(wishes, "kubernetes.default.svc.cluster.local", Deadline(PATIENCE))
    execs = [request.command for request in checks.requests if request.method == "EXEC"]
    assert sum(word.startswith("pfd00") for command in execs for word in command) == 1000
    lengths = [len(urlencode([("command", word) for word in command])) for command in execs]
    assert 6000 < max(lengths) < 7600


# --- the scripts, run by a real busybox ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which busybox's programs are found, and no others."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("busybox is not installed")
    folder = tmp_path_factory.mktemp("bin")
    for applet in subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (folder / applet).symlink_to(program)
    return {"PATH": str(folder)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def listening(busybox: dict[str, str]) -> Iterator[int]:
    """The port of a listener that runs as in a probe pod."""
    port = free_port()
    command = ["sh", "-c", probe_pods._LISTEN, str(port), "podnet-probe-x-0", probe_pods._ANSWER]
    shell = str(Path(busybox["PATH"]) / "sh")
    with subprocess.Popen(command, executable=shell, env=busybox, stderr=subprocess.DEVNULL) as listener:
        try:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield port
        finally:
            listener.kill()


def measured(busybox: dict[str, str], port: int, *wishes: Wish, workers: int = 4) -> Measured:
    words = [wish.kind[0] + wish.address for wish in wishes]
    done = subprocess.run(
        ["sh", "-c", probe_pods._MEASURE, "podnet-probe", str(workers), str(port), "localhost", *words],
        executable=Path(busybox["PATH"]) / "sh",
        env=busybox,
        capture_output=True,
        text=True,
        check=True,
    )
    found = Measured()
    found.read(done.stdout)
    return found


def test_a_connection_is_answered_with_the_row_of_the_receiver(busybox: dict[str, str], listening: int) -> None:
    (result,) = measured(busybox, listening, Wish("connect", "127.0.0.1")).results
    assert (result.what, result.address, result.outcome) == ("connect", "127.0.0.1", "ok")
    name, _blank, row = result.text.partition(" ")
    assert name == "podnet-probe-x-0"
    assert f"0100007F:{listening:04X} " in row


def test_connections_to_nobody_are_tried_twice_and_told(busybox: dict[str, str]) -> None:
    (result,) = measured(busybox, free_port(), Wish("connect", "127.0.0.1")).results
    assert result.outcome == "lost"
    assert "refused" in result.text


def test_all_wishes_are_done_whatever_the_number_of_workers(busybox: dict[str, str], listening: int) -> None:
    for workers in (1, 3, 8):
        wishes = [Wish("connect", f"127.0.0.{number}") for number in range(1, 12)]
        found = measured(busybox, listening, *wishes, workers=workers)
        assert sorted(result.address for result in found.results) == sorted(wish.address for wish in wishes)
        assert {result.outcome for result in found.results} <= {"ok", "again"}


def test_a_probe_says_what_it_knows_of_its_own_network(busybox: dict[str, str]) -> None:
    found = measured(busybox, 1)
    assert set(found.seen) == {"ip addr", "ip -4 route", "ip -6 route", "ip neigh", "cat /etc/resolv.conf"}
    assert found.seen["ip addr"][0] == 0
    assert "127.0.0.1/8" in found.seen["ip addr"][1]
    assert found.results == []


# Another namespace is at the other end of eth0: the way to 10.0.0.2 is as wide as that, the one to 10.0.0.3 is narrower.
WIDE_AND_NARROW = """
unshare --net sleep 60 &
far=$!
trap 'kill $far' EXIT
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add eth0 mtu 1450 type veth peer name eth0 mtu 1450 netns $far
ip address add 10.0.0.1/24 dev eth0
ip link set eth0 up
ip link set lo up
nsenter --target $far --net sh -ec 'ip addr add 10.0.0.2/24 dev eth0; ip addr add 10.0.0.3/24 dev eth0; ip link set eth0 up'
ip route add 10.0.0.3 dev eth0 mtu 1300
"$@"
"""


@pytest.fixture
def iputils(busybox: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Variables with which busybox's programs are found, and a ping that can forbid that packets are cut up."""
    program = shutil.which("ping")
    told = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout if program else ""
    if program is None or "iputils" not in told:
        pytest.skip("there is no ping of iputils")
    (tmp_path / "ping").symlink_to(program)
    return {"PATH": f"{tmp_path}:{busybox['PATH']}"}


def measured_in_a_namespace(variables: dict[str, str], *wishes: Wish) -> Measured:
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to make network namespaces")
    words = [wish.kind[0] + wish.address for wish in wishes]
    # The shell is the machine's: Debian's busybox runs its own programs whatever the path says.
    measure = [str(shutil.which("sh")), "-c", probe_pods._MEASURE, "podnet-probe", "4", "1", "x", *words]
    command = [*alone, "sh", "-ec", WIDE_AND_NARROW, "sh", "env", f"PATH={variables['PATH']}", *measure]
    found = Measured()
    found.read(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def test_large_packets_are_sent_whole_where_ping_can_forbid_to_cut_them_up(iputils: dict[str, str]) -> None:
    wishes = [Wish(kind, address) for address in ("10.0.0.2", "10.0.0.3") for kind in ("ping", "size")]
    found = measured_in_a_namespace(iputils, *wishes)
    outcomes = {(result.what, result.address): result for result in found.results}
    assert {key: result.outcome for key, result in outcomes.items()} == {
        ("ping", "10.0.0.2"): "ok",
        ("size", "10.0.0.2"): "ok",
        ("ping", "10.0.0.3"): "ok",
        ("size", "10.0.0.3"): "lost",
    }
    assert outcomes["size", "10.0.0.2"].text.startswith("1450\n")
    assert "1300" in outcomes["size", "10.0.0.3"].text


def test_busyboxs_ping_cannot_and_says_nothing_of_large_packets(busybox: dict[str, str]) -> None:
    found = measured_in_a_namespace(busybox, Wish("ping", "10.0.0.2"), Wish("size", "10.0.0.3"))
    assert [(result.what, result.outcome) for result in found.results] == [("ping", "ok")]
