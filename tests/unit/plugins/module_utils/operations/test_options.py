from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_info import OPERATION

from tests.support.api_server import ApiServer
from tests.support.fixtures import kubeconfig
from tests.support.objects import namespace, pod
from tests.support.proxy import Proxy
from tests.support.running import fail


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ApiServer]:
    """A server with TLS that asks for certificates and for a token."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_OPTIONAL
    with ApiServer(tls) as server:
        server.accepts = "a-b-c"
        server.put(namespace("default"), pod("bb1", "192.168.1.1"))
        yield server


def names(**arguments: Any) -> list[str]:
    result = run_in_process(OPERATION, arguments, check_mode=False)
    assert "failed" not in result, result["msg"]
    return [item["name"] for item in result["pods"]]


@pytest.fixture
def ca_file(tmp_path: Path, authority: trustme.CA) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    return str(tmp_path / "ca.crt")


def test_host_key_and_authority_may_come_from_the_environment(
    secure: ApiServer, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", secure.url)
    monkeypatch.setenv("K8S_AUTH_API_KEY", "a-b-c")
    monkeypatch.setenv("K8S_AUTH_SSL_CA_CERT", ca_file)
    assert names() == ["bb1"]


def test_certificate_checks_may_be_turned_off_in_the_environment(
    secure: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "no")
    assert names(host=secure.url, api_key="a-b-c") == ["bb1"]


def test_a_client_certificate_may_come_from_the_environment(
    secure: ApiServer, ca_file: str, tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = authority.issue_cert("me@lab.example", common_name="me")
    person.cert_chain_pems[0].write_to_path(tmp_path / "me.crt")
    person.private_key_pem.write_to_path(tmp_path / "me.key")
    monkeypatch.setenv("K8S_AUTH_CERT_FILE", str(tmp_path / "me.crt"))
    monkeypatch.setenv("K8S_AUTH_KEY_FILE", str(tmp_path / "me.key"))
    assert names(host=secure.url, api_key="a-b-c", ca_cert=ca_file) == ["bb1"]
    assert [request.client for request in secure.requests] == ["me"]


def test_kubeconfig_and_context_may_come_from_the_environment(
    secure: ApiServer, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        content = kubeconfig(f"https://127.0.0.1:{taken.getsockname()[1]}")
        content["contexts"] += [{"name": "other", "context": {"cluster": "other", "user": "other"}}]
        content["clusters"] += [{"name": "other", "cluster": {"server": secure.url, "certificate-authority": ca_file}}]
        content["users"] += [{"name": "other", "user": {"token": "a-b-c"}}]
        (tmp_path / "config").write_text(yaml.safe_dump(content))
        monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(tmp_path / "config"))
        monkeypatch.setenv("K8S_AUTH_CONTEXT", "other")
        assert names() == ["bb1"]


def test_a_proxy_may_come_from_the_environment(
    secure: ApiServer, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("K8S_AUTH_PROXY", proxy.url)
        assert names(host=secure.url, api_key="a-b-c", ca_cert=ca_file) == ["bb1"]
        assert len(proxy.targets) == 1


def test_an_option_wins_over_the_environment(secure: ApiServer, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_API_KEY", "not-this-one")
    assert names(host=secure.url, api_key="a-b-c", ca_cert=ca_file) == ["bb1"]


def test_the_names_that_kubernetes_core_also_takes_are_taken(secure: ApiServer, ca_file: str) -> None:
    assert names(host=secure.url, api_key="a-b-c", ssl_ca_cert=ca_file, verify_ssl=True) == ["bb1"]


@pytest.mark.parametrize("timeout", [0, -5])
def test_a_timeout_that_leaves_no_time_is_refused(server: ApiServer, timeout: int) -> None:
    assert fail(OPERATION, server, timeout=timeout) == (
        "invalid-input",
        f"timeout must be at least 1 second, not {timeout}",
    )
    assert server.requests == []


def test_a_missing_kubeconfig_fails_the_task_with_its_own_code() -> None:
    result = run_in_process(OPERATION, {"kubeconfig": "/nowhere/config"}, check_mode=False)
    assert result == {
        "changed": False,
        "failed": True,
        "error": "invalid-kubeconfig",
        "msg": "the kubeconfig file /nowhere/config does not exist; name one that does, or create the cluster first",
    }
