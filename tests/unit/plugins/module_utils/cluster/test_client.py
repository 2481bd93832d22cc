from __future__ import annotations

import asyncio
import base64
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import trustme
from aiohttp import web
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import client, exec
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, path
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    DeadlineError,
    ForbiddenError,
    InputError,
    NotFoundError,
    PodnetError,
    RejectedError,
    UnauthorizedError,
)

from tests.support.api_server import (
    ApiServer,
    breaking_off,
    never_answering,
    printing,
    refusing,
    saying,
    status,
)
from tests.support.fixtures import PATIENCE, kubeconfig
from tests.support.objects import pod, recorded
from tests.support.proxy import Proxy

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"


def hasty(server: ApiServer, seconds: float = 0.3) -> Cluster:
    return Cluster(endpoint({"host": server.url}), Deadline(seconds))


def told(error: type[PodnetError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as raised:
        call()
    assert raised.type is error
    return str(raised.value)


# --- what works --------------------------------------------------------------------------------------------------------


def test_an_object_is_read_as_the_server_gives_it(server: ApiServer, cluster: Cluster) -> None:
    assert cluster.get(path("nodes", "demo-worker"))["metadata"]["name"] == "demo-worker"


def test_a_long_collection_is_read_page_by_page_and_whole(server: ApiServer, cluster: Cluster) -> None:
    server.put(*(pod(f"p{number}") for number in range(1234)))
    listed = cluster.list(PODS)
    assert {item["metadata"]["name"] for item in listed["items"]} == {f"p{number}" for number in range(1234)}
    assert [request.query.get("continue") for request in server.requests] == [None, ["500"], ["1000"]]
    assert {tuple(request.query["limit"]) for request in server.requests} == {("500",)}


def test_an_empty_collection_is_an_empty_list(server: ApiServer, cluster: Cluster) -> None:
    assert cluster.list(PODS)["items"] == []


def test_a_list_that_a_server_writes_as_null_is_empty(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("GET", PODS, saying({"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": None}))
    assert cluster.list(PODS)["items"] == []


def test_a_list_whose_pages_expired_is_read_anew(server: ApiServer, cluster: Cluster) -> None:
    server.put(*(pod(f"p{number}") for number in range(600)))
    expired = status(410, "Expired", "The provided continue parameter is too old")

    async def expire(request: web.Request) -> web.StreamResponse:
        return web.json_response(expired, status=410)

    async def first_page(request: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"resourceVersion": "1", "continue": "old"}, "items": []})

    server.misbehave("GET", PODS, first_page, times=1)
    server.misbehave("GET", PODS, expire, times=1)
    assert len(cluster.list(PODS)["items"]) == 600


def test_names_and_values_reach_the_server_whatever_characters_they_hold(server: ApiServer, cluster: Cluster) -> None:
    with pytest.raises(NotFoundError):
        cluster.get(path("pods", "a b?c&d#ü", "näme"), labelSelector="a=b&c ü")
    (request,) = server.requests
    assert request.path == "/api/v1/namespaces/n%C3%A4me/pods/a%20b%3Fc%26d%23%C3%BC"
    assert request.query == {"labelSelector": ["a=b&c ü"]}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../secrets", "%2e%2e", "a%2fb"])
def test_a_name_that_would_lead_to_another_object_is_refused(name: str) -> None:
    """The API server takes none of these names either (IsValidPathSegmentName of k8s.io/apimachinery)."""
    for attempt in (
        lambda: path("pods", name, "default"),
        lambda: path("pods", "bb1", name),
        lambda: path("pods", namespace=name),
    ):
        assert repr(name) in told(InputError, attempt)


def test_a_merge_patch_removes_what_is_null(server: ApiServer, cluster: Cluster) -> None:
    server.put(pod("bb1", labels={"a": "1", "b": "2"}))
    patched = cluster.merge(path("pods", "bb1", "default"), {"metadata": {"labels": {"a": None, "c": "3"}}})
    assert patched["metadata"]["labels"] == {"b": "2", "c": "3"}
    assert server.requests[-1].headers["content-type"] == "application/merge-patch+json"


def test_many_threads_may_share_a_cluster(server: ApiServer, cluster: Cluster) -> None:
    with ThreadPoolExecutor(32) as pool:
        names = list(
            pool.map(lambda _unused: cluster.get(path("nodes", "demo-worker"))["metadata"]["name"], range(200))
        )
    assert names == ["demo-worker"] * 200


def test_calls_one_after_the_other_share_a_connection(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("GET", path("nodes", "demo-worker2"), refusing(403, recorded("403")))
    for _unused in range(5):
        cluster.get(path("nodes", "demo-worker"))
        told(ForbiddenError, lambda: cluster.get(path("nodes", "demo-worker2")))
    assert len({request.connection for request in server.requests}) == 1


def test_every_request_carries_the_token(server: ApiServer) -> None:
    server.accepts = "a-b"
    with Cluster(endpoint({"host": server.url, "api_key": "a-b"}), Deadline(PATIENCE)) as cluster:
        cluster.list(NODES)


# --- what the server refuses -------------------------------------------------------------------------------------------


def test_wrong_credentials_are_explained_with_where_they_did_not_fit(server: ApiServer) -> None:
    server.accepts = "another"
    with Cluster(endpoint({"kubeconfig": kubeconfig(server.url, {"token": "expired"})}), Deadline(PATIENCE)) as cluster:
        assert told(UnauthorizedError, lambda: cluster.list(NODES)) == (
            f"the API server {server.url} does not accept the credentials of lab; they are wrong or have expired: log in "
            "again, or name another context or api_key"
        )


def test_a_missing_right_is_named_with_what_to_do(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("GET", NODES, refusing(403, recorded("403")))
    assert told(ForbiddenError, lambda: cluster.list(NODES)) == (
        'nodes is forbidden: User "system:serviceaccount:default:default" cannot list resource "nodes" in API group "" at the '
        "cluster scope; grant that right (docs/rbac has roles for each use), or use other credentials"
    )


def test_what_admission_refuses_is_not_called_a_missing_right(server: ApiServer, cluster: Cluster) -> None:
    message = 'pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
    server.misbehave("POST", PODS, refusing(403, status(403, "Forbidden", message)))
    said = told(ForbiddenError, lambda: cluster.create(PODS, pod("x")))
    assert said.startswith(message)
    assert "grant that right" not in said


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("400_bad_json", RejectedError),
        ("404_namespace", NotFoundError),
        ("409_pod_exists", ConflictError),
        ("422_bad_label", RejectedError),
        ("422_bad_name", RejectedError),
    ],
)
def test_what_the_server_says_of_a_refusal_is_passed_on(
    server: ApiServer, cluster: Cluster, name: str, kind: type[ApiError]
) -> None:
    answer = recorded(name)
    server.misbehave("POST", PODS, refusing(answer["code"], answer))
    with pytest.raises(kind) as raised:
        cluster.create(PODS, pod("x"))
    assert str(raised.value) == answer["message"]
    assert (raised.value.status, raised.value.reason) == (answer["code"], answer["reason"])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><h1>Internal Server Error</h1></html>",
        "[]",
        "null",
        '"x"',
        '{"object": null}',
        '{"message": 7}',
        b"\xff\xfe",
        "{",
    ],
)
def test_a_500_is_reported_whatever_its_body_is(server: ApiServer, cluster: Cluster, body: str | bytes) -> None:
    server.misbehave("GET", NODES, refusing(500, body))
    said = told(ApiError, lambda: cluster.list(NODES))
    assert said.startswith(f"the API server {server.url} answered with HTTP 500: ")
    assert said.endswith("; try again, and look at its log if this goes on")


def test_a_redirect_is_not_followed(server: ApiServer, cluster: Cluster) -> None:
    """Whoever answers with one is no API server, and is not to get the token."""
    server.misbehave("GET", NODES, refusing(302, "moved", location="https://127.0.0.1:1/login"))
    assert "answered with HTTP 302" in told(ApiError, lambda: cluster.list(NODES))


# --- a server that is busy ---------------------------------------------------------------------------------------------


class Pauses(list[float]):
    """The pauses that the client makes, none of which passes for real; ``now`` is the clock that they move."""

    now = 0.0

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.now += seconds


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr(client.time, "sleep", pauses)
    return pauses


def test_a_call_turned_away_comes_again_when_the_server_says(
    server: ApiServer, cluster: Cluster, pauses: Pauses
) -> None:
    server.misbehave("GET", NODES, refusing(429, "Too many requests", retry_after="3"), times=2)
    assert len(cluster.list(NODES)["items"]) == 3
    assert pauses == [3.0, 3.0]


@pytest.mark.parametrize("header", ["", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "-1", "0", "00"])
def test_a_call_turned_away_without_a_usable_time_comes_again_after_a_second(
    server: ApiServer, cluster: Cluster, pauses: Pauses, header: str
) -> None:
    server.misbehave("GET", NODES, refusing(429, "", retry_after=header), times=1)
    cluster.list(NODES)
    assert pauses == [1.0]


def test_a_creation_turned_away_is_sent_again_too(server: ApiServer, cluster: Cluster, pauses: Pauses) -> None:
    server.misbehave("POST", PODS, refusing(429, "", retry_after="1"), times=1)
    assert cluster.create(PODS, pod("bb1"))["metadata"]["name"] == "bb1"


def test_a_server_that_stays_busy_ends_with_the_deadline(server: ApiServer, pauses: Pauses) -> None:
    server.misbehave("GET", NODES, refusing(429, "", retry_after="7"))
    with Cluster(endpoint({"host": server.url}), Deadline(60, lambda: pauses.now)) as cluster:
        said = told(DeadlineError, lambda: cluster.list(NODES))
    assert said.startswith(f"GET {NODES} (the API server is too busy) did not end within 60 seconds")
    assert pauses[-1] == 60 - 8 * 7


# --- connections that fail ---------------------------------------------------------------------------------------------


def test_a_server_that_is_not_running_is_told_apart(server: ApiServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: whoever connects is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Cluster(endpoint({"host": url}), Deadline(PATIENCE)) as cluster:
            assert told(ConnectionFailedError, lambda: cluster.list(NODES)) == (
                f"no connection to the API server {url}: [Errno 111] Connection refused; is the cluster running, and is "
                "this its address?"
            )


def test_a_name_that_leads_nowhere_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Cluster(endpoint({"host": "https://nowhere.invalid:6443"}), Deadline(PATIENCE)) as cluster:
        said = told(ConnectionFailedError, lambda: cluster.list(NODES))
    assert said.startswith("no connection to the API server https://nowhere.invalid:6443: ")
    assert "0x" not in said, "no address of a Python object"


def test_a_server_that_never_takes_the_connection_ends_with_the_deadline() -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # one connection waits to be accepted; those after it get no answer at all
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with Cluster(endpoint({"host": url}), Deadline(0.3)) as cluster:
            assert told(ConnectionFailedError, lambda: cluster.list(NODES)) == (
                f"{url} does not answer; is this its address, and is a firewall in between?"
            )


def test_a_server_that_never_answers_ends_with_the_deadline(server: ApiServer) -> None:
    server.misbehave("GET", NODES, never_answering)
    with hasty(server) as cluster:
        assert told(DeadlineError, lambda: cluster.list(NODES)) == (
            f"GET {NODES} on {server.url} did not end within 0.3 seconds; give the task a longer timeout if it only "
            "needs more time"
        )


def test_after_the_deadline_only_calls_that_must_be_made_are_made(server: ApiServer) -> None:
    with hasty(server, seconds=0) as cluster:
        told(DeadlineError, lambda: cluster.list(NODES))
        assert server.requests == []
        with cluster.more_time():
            assert len(cluster.list(NODES)["items"]) == 3
        told(DeadlineError, lambda: cluster.list(NODES))


def test_a_server_that_sends_byte_by_byte_for_ever_ends_with_the_deadline(server: ApiServer) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    server.misbehave("GET", NODES, drip)
    with hasty(server) as cluster:
        told(DeadlineError, lambda: cluster.list(NODES))


def test_a_server_that_sends_a_byte_now_and_then_ends_with_the_deadline() -> None:
    class Drip(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            with suppress(OSError):
                for _unused in range(100):
                    self.wfile.write(b"x")
                    over.wait(0.05)

    over = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as slow:
        threading.Thread(target=slow.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            with Cluster(endpoint({"host": f"http://127.0.0.1:{slow.server_address[1]}"}), Deadline(0.3)) as cluster:
                told(DeadlineError, lambda: cluster.list(NODES))
        finally:
            over.set()
            slow.shutdown()


def test_an_answer_that_breaks_off_in_its_middle_is_no_answer(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("GET", NODES, breaking_off)
    said = told(ConnectionFailedError, lambda: cluster.list(NODES))
    assert said.startswith(f"{server.url} broke off in the middle of its answer to GET {NODES}; try again (")
    assert "0x" not in said, "no address of a Python object"


@pytest.mark.parametrize(
    "body", ["<html>Welcome to nginx!</html>", "", "[]", "null", "7", '"text"', '{"kind": "NodeList', b"\xff\xfe"]
)
def test_an_answer_that_is_no_object_of_the_api_is_told_apart(
    server: ApiServer, cluster: Cluster, body: str | bytes
) -> None:
    server.misbehave("GET", NODES, saying(body))
    for call in (lambda: cluster.list(NODES), lambda: cluster.get(NODES)):
        said = told(ConnectionFailedError, call)
        assert f"{server.url} answered GET {NODES} with something that is not a Kubernetes object" in said


@pytest.mark.parametrize(
    "body", [{}, {"hello": "world"}, {"items": []}, {"metadata": {}, "items": 7}, {"metadata": None}]
)
def test_an_object_of_something_else_is_not_taken_for_a_list(server: ApiServer, cluster: Cluster, body: object) -> None:
    server.misbehave("GET", NODES, saying(json.dumps(body)))
    said = told(ConnectionFailedError, lambda: cluster.list(NODES))
    assert f"{server.url} answered GET {NODES} with something that is not a" in said


def test_an_object_of_something_else_is_not_taken_for_one_of_the_api(server: ApiServer, cluster: Cluster) -> None:
    server.misbehave("GET", ".*", saying('{"hello": "world"}'))
    assert "not a Kubernetes object" in told(ConnectionFailedError, lambda: cluster.get(path("nodes", "demo-worker")))


@pytest.mark.parametrize(
    "line",
    ["<html>Welcome to nginx!</html>", "", "[]", "7", "{}", '{"type": "ADDED"}', '{"type": "ERROR", "object": 7}'],
)
def test_a_line_that_is_no_event_is_told_apart(server: ApiServer, cluster: Cluster, line: str) -> None:
    server.misbehave("WATCH", PODS, saying(f"{line}\n"))
    said = told(ConnectionFailedError, lambda: list(cluster.watch(PODS, "1", Deadline(PATIENCE))))
    assert f"{server.url} answered GET {PODS} with something that is not an event of a watch" in said


def test_https_spoken_to_a_server_of_plain_http_is_explained(server: ApiServer) -> None:
    with Cluster(endpoint({"host": server.url.replace("http", "https")}), Deadline(PATIENCE)) as cluster:
        said = told(ConnectionFailedError, lambda: cluster.list(NODES))
    assert "the TLS connection to https://127.0.0.1" in said
    assert said.endswith(
        "check that this is the API server's address and port, and that it takes this client certificate if there is one"
    )


def test_a_server_that_breaks_off_while_tls_begins_is_not_taken_for_one_that_is_not_trusted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:

        def break_off() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.recv(1)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

        done = pool.submit(break_off)
        host = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with Cluster(endpoint({"host": host}), Deadline(PATIENCE)) as cluster:
            said = told(ConnectionFailedError, lambda: cluster.list(NODES))
        done.result()
    assert said.startswith(f"the TLS connection to {host} failed: ")
    assert said.endswith("it broke off; try again")


def test_a_server_whose_authority_is_not_known_is_refused_with_the_option_to_give_it(secure: ApiServer) -> None:
    with Cluster(endpoint({"host": secure.url}), Deadline(PATIENCE)) as cluster:
        said = told(ConnectionFailedError, lambda: cluster.list(NODES))
    assert "give the authority that signed its certificate as ca_cert or in the kubeconfig" in said


# --- through a proxy ---------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ApiServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ApiServer(tls) as server:
        server.put(pod("bb1", "192.168.1.1"))
        server.programs["hostname"] = printing("bb1\n")
        yield server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def trusted(authority: trustme.CA) -> dict[str, str]:
    return {"certificate-authority-data": base64.b64encode(authority.cert_pem.bytes()).decode()}


def through_all_ways(cluster: Cluster) -> None:
    cluster.list(PODS)
    exec.run(cluster, pod("bb1"), ["hostname"], Deadline(PATIENCE))


@pytest.mark.parametrize("way", ["option", "kubeconfig", "environment"])
def test_all_traffic_goes_through_the_proxy_that_is_named(
    secure: ApiServer, proxy: Proxy, trusted: dict[str, str], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, object] = {"kubeconfig": kubeconfig(secure.url, **trusted)}
    if way == "option":
        options["proxy"] = proxy.url
    elif way == "kubeconfig":
        options["kubeconfig"] = kubeconfig(secure.url, **trusted, **{"proxy-url": proxy.url})
    else:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with Cluster(endpoint(options), Deadline(PATIENCE)) as cluster:
        through_all_ways(cluster)
    assert proxy.targets == [secure.url.removeprefix("https://")] * 2


def test_no_proxy_keeps_an_address_away_from_the_proxy(
    secure: ApiServer, proxy: Proxy, trusted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Cluster(endpoint({"kubeconfig": kubeconfig(secure.url, **trusted)}), Deadline(PATIENCE)) as cluster:
        through_all_ways(cluster)
    assert proxy.targets == []


@pytest.mark.parametrize(
    ("userinfo", "login"), [("me:s3cret", "me:s3cret"), ("me", "me:"), ("m%40e:gr%C3%BC%E2%82%AC", "m@e:grü€")]
)
def test_the_user_of_a_proxy_logs_in_to_it_by_all_ways(
    secure: ApiServer, proxy: Proxy, trusted: dict[str, str], userinfo: str, login: str
) -> None:
    named = proxy.url.replace("//", f"//{userinfo}@")
    with Cluster(
        endpoint({"kubeconfig": kubeconfig(secure.url, **trusted), "proxy": named}), Deadline(PATIENCE)
    ) as cluster:
        through_all_ways(cluster)
    sent = [base64.b64decode((header or "").removeprefix("Basic ")).decode() for header in proxy.logins]
    assert [text.removesuffix(":") for text in sent] == [login.removesuffix(":")] * 2


def test_a_proxy_that_is_not_there_is_named(secure: ApiServer, trusted: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{taken.getsockname()[1]}"
        named = proxy.replace("//", "//me:s3cret@")
        options = {"kubeconfig": kubeconfig(secure.url, **trusted), "proxy": named}
        with Cluster(endpoint(options), Deadline(PATIENCE)) as cluster:
            said = told(ConnectionFailedError, lambda: cluster.list(PODS))
            assert "s3cret" not in repr(cluster.endpoint)
    assert said.startswith(f"the proxy {proxy} does not lead to {secure.url}: ")
    assert "check its address and its user and password" in said
    assert "s3cret" not in said
    assert "0x" not in said, "no address of a Python object"


@pytest.mark.parametrize(
    "proxy", ["https://127.0.0.1:3128", "socks5://127.0.0.1:1080", "127.0.0.1:3128", "http://", "none"]
)
def test_a_proxy_that_cannot_be_used_is_an_error_before_any_connection(secure: ApiServer, proxy: str) -> None:
    with pytest.raises(InputError) as raised:
        Cluster(endpoint({"host": secure.url, "proxy": proxy}), Deadline(PATIENCE))
    assert proxy in str(raised.value)


@pytest.mark.parametrize("proxy", ["https://me:s3cret@127.0.0.1:3128", "me:s3cret@127.0.0.1:3128"])
def test_the_password_of_a_proxy_that_cannot_be_used_is_not_shown(secure: ApiServer, proxy: str) -> None:
    with pytest.raises(InputError) as raised:
        endpoint({"host": secure.url, "proxy": proxy})
    assert "127.0.0.1:3128' for" in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("proxy", [7, ["http://127.0.0.1:3128"], {"http": "x"}])
def test_a_proxy_url_that_is_no_text_is_an_error_that_names_it(secure: ApiServer, proxy: object) -> None:
    with pytest.raises(InputError) as raised:
        endpoint({"kubeconfig": kubeconfig(secure.url, **{"proxy-url": proxy})})
    assert "for lab cannot be used: give one like http://" in str(raised.value)
