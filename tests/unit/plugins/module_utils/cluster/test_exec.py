from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import client, exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.exec import Output
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConnectionFailedError,
    DeadlineError,
    ExecError,
    ForbiddenError,
    NotFoundError,
    PodnetError,
    RejectedError,
    UnauthorizedError,
)

from tests.support.api_server import ApiServer, Printed, never_answering, printing, refusing, status
from tests.support.fixtures import PATIENCE
from tests.support.objects import Object, pod

BB1 = pod("bb1", "192.168.1.1")


@pytest.fixture(autouse=True)
def bb1(server: ApiServer) -> None:
    server.put(BB1)


def run(cluster: Cluster, *command: str, pod: Object = BB1, seconds: float = PATIENCE) -> Output:
    return exec.run(cluster, pod, list(command), Deadline(seconds))


def told(error: type[PodnetError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as raised:
        call()
    assert raised.type is error
    return str(raised.value)


def speaking(*messages: bytes | str) -> Callable[[web.Request], object]:
    """A server that sends these WebSocket messages and closes."""

    async def speak(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
        await socket.prepare(request)
        for message in messages:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        return socket

    return speak


def test_what_a_command_prints_comes_back_apart_with_its_exit_code(server: ApiServer, cluster: Cluster) -> None:
    server.programs["sh"] = printing(Printed("out\n", "err\n", 7))
    assert run(cluster, "sh", "-c", "exit 7") == Output(7, "out\n", "err\n")


def test_a_command_that_prints_nothing_is_a_success_too(server: ApiServer, cluster: Cluster) -> None:
    server.programs["true"] = printing("")
    assert run(cluster, "true") == Output(0, "", "")


def test_words_of_a_command_arrive_as_they_are(server: ApiServer, cluster: Cluster) -> None:
    server.programs["echo"] = printing("")
    words = ["echo", "a b", "&c=d", "é→", "$(id)", "", "+", "%20", "\n", "'\""]
    run(cluster, *words)
    assert server.commands() == [words]


def test_the_container_is_the_one_that_kubectl_takes(server: ApiServer, cluster: Cluster) -> None:
    server.programs["true"] = printing("")
    several = pod("two", "192.168.1.2")
    several["spec"]["containers"] = [{"name": "first", "image": "x"}, {"name": "second", "image": "x"}]
    server.put(several)
    run(cluster, "true", pod=several)
    several["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "second"}
    run(cluster, "true", pod=several)
    assert [request.query["container"] for request in server.requests] == [["first"], ["second"]]


def test_output_of_many_megabytes_comes_back_whole(server: ApiServer, cluster: Cluster) -> None:
    text = "".join(
        f"10.{number >> 8 & 255}.{number & 255}.0/24 via 172.18.0.3 dev eth0 proto 80 onlink\n"
        for number in range(100_000)
    )
    server.programs["ip"] = printing(text)
    assert run(cluster, "ip", "route").stdout == text


def test_a_character_cut_in_two_by_the_connection_is_put_together(server: ApiServer, cluster: Cluster) -> None:
    ended = b"\x03" + json.dumps({"status": "Success"}).encode()
    server.misbehave("EXEC", ".*", speaking(b"\x01\xe2\x86", b"\x02", b"\x01\x92", b"", ended))
    assert run(cluster, "true").stdout == "→"


def test_bytes_that_are_no_text_do_not_hide_the_rest(server: ApiServer, cluster: Cluster) -> None:
    server.programs["cat"] = printing(Printed(b"a\xff\x00b"))
    assert run(cluster, "cat").stdout == "a\ufffd\x00b"


def test_what_arrives_on_other_channels_is_left_alone(server: ApiServer, cluster: Cluster) -> None:
    ended = b"\x03" + json.dumps({"status": "Success"}).encode()
    server.misbehave("EXEC", ".*", speaking(b"\x00in", b"\x04resize", b"\xffclose", "\x01text frame", ended))
    assert run(cluster, "true") == Output(0, "text frame", "")


def test_a_program_that_the_image_does_not_have_is_named(server: ApiServer, cluster: Cluster) -> None:
    assert told(ExecError, lambda: run(cluster, "ping", "-c", "5", "192.168.1.2")) == (
        "ping -c 5 192.168.1.2 in pod default/bb1: the image has no program ping; use one that has it, such as busybox"
    )


def test_a_command_that_the_node_cannot_run_says_why(server: ApiServer, cluster: Cluster) -> None:
    refused = status(500, "InternalError", "container bb1 is not running")
    server.misbehave("EXEC", ".*", speaking(b"\x03" + json.dumps(refused).encode()))
    assert told(ExecError, lambda: run(cluster, "true")) == (
        "true in pod default/bb1 could not be run: container bb1 is not running; look at the pod's state and events"
    )


@pytest.mark.parametrize(
    "said", [b"no JSON", b"[]", b"null", b"{}", b'{"status": "Failure", "details": null}', b'{"details": 7}']
)
def test_an_end_that_is_not_understood_is_no_success(server: ApiServer, cluster: Cluster, said: bytes) -> None:
    server.misbehave("EXEC", ".*", speaking(b"\x03" + said))
    assert "true in pod default/bb1" in told(ExecError, lambda: run(cluster, "true"))


def test_a_connection_that_ends_before_the_command_is_no_success(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("EXEC", ".*", speaking(b"\x01half of the out"))
    assert told(ConnectionFailedError, lambda: run(cluster, "cat")) == (
        "the connection ended during cat in pod default/bb1, before the command did; try again"
    )


def test_a_connection_that_is_cut_before_the_status_is_no_success(server: ApiServer, cluster: Cluster) -> None:
    server.programs["cat"] = printing(Printed("half of the out", end="cut"))
    assert told(ConnectionFailedError, lambda: run(cluster, "cat")).startswith("the connection ")


def test_a_command_that_never_ends_is_not_waited_for(server: ApiServer, cluster: Cluster) -> None:
    server.programs["cat"] = printing(Printed("and then nothing", end="never"))
    assert told(DeadlineError, lambda: run(cluster, "cat", seconds=0.3)).startswith(
        "cat in pod default/bb1 did not end within 0.3 seconds"
    )


def test_a_command_that_prints_for_ever_is_not_waited_for(server: ApiServer, cluster: Cluster) -> None:
    async def babble(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        while not socket.closed:
            await socket.send_bytes(b"\x01yes\n" * 1000)
        return socket

    server.misbehave("EXEC", ".*", babble)
    told(DeadlineError, lambda: run(cluster, "yes", seconds=0.3))


def test_a_server_that_never_answers_an_exec_is_not_waited_for(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("EXEC", ".*", never_answering)
    told(DeadlineError, lambda: run(cluster, "true", seconds=0.3))


@pytest.mark.parametrize(
    ("code", "kind"), [(400, RejectedError), (401, UnauthorizedError), (403, ForbiddenError), (404, NotFoundError)]
)
def test_a_refused_exec_is_the_same_error_as_any_refused_call(
    server: ApiServer, cluster: Cluster, code: int, kind: type[PodnetError]
) -> None:
    server.misbehave("EXEC", ".*", refusing(code, status(code, "Reason", "the server's own words")))
    said = told(kind, lambda: run(cluster, "true"))
    assert code == 401 or said.startswith("the server's own words")


def test_an_exec_turned_away_comes_again_when_the_server_says(
    server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    server.misbehave("EXEC", ".*", refusing(429, "", retry_after="2"), times=1)
    server.programs["hostname"] = printing("bb1\n")
    assert run(cluster, "hostname").stdout == "bb1\n"
    assert pauses == [2.0]


def test_a_server_that_is_no_websocket_server_is_told_apart(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("EXEC", ".*", refusing(200, "<html>Welcome</html>"))
    with pytest.raises(PodnetError) as raised:
        run(cluster, "true")
    assert "HTTP 200" in str(raised.value)


def test_a_server_that_is_not_running_is_told_apart(server: ApiServer) -> None:
    with ApiServer() as gone:
        cluster = Cluster(endpoint({"host": gone.url}), Deadline(PATIENCE))
    said = told(ConnectionFailedError, lambda: run(cluster, "true"))
    assert said.startswith(f"no connection to {cluster.endpoint.server} for true in pod default/bb1: ")
    assert said.endswith("; is the cluster running, and does what is in between let WebSockets through?")


def test_the_token_opens_an_exec_too(server: ApiServer) -> None:
    server.accepts = "a-b"
    server.programs["hostname"] = printing("bb1\n")
    with Cluster(endpoint({"host": server.url, "api_key": "a-b"}), Deadline(PATIENCE)) as cluster:
        assert run(cluster, "hostname").stdout == "bb1\n"


def test_nothing_is_sent_once_the_time_is_over(server: ApiServer, cluster: Cluster) -> None:
    told(DeadlineError, lambda: run(cluster, "true", seconds=0))
    assert server.requests == []
