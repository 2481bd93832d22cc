"""Every way to log in to a cluster, on a real API server; and what is said when it does not let somebody in."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import path
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import node_route_info, pod_info
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

# pylint: disable-next=unused-import,useless-import-alias
from tests.support.fixtures import no_cluster_of_the_machine as no_cluster_of_the_machine
from tests.support.proxy import Proxy

from .conftest import Live, Object, run, run_elsewhere

ADMINISTRATOR = "system:masters"  # the group that a kind cluster's own administrator is in, too


@dataclass(frozen=True)
class Means:
    """What there is to log in with: files and a token."""

    server: str
    ca_cert: str
    token: str
    content: Object

    def kubeconfig(self, user: Object | None = None, context: str = "lab", **cluster: Any) -> Object:
        """A kubeconfig with one context and no credentials but those given."""
        authority = {"certificate-authority-data": base64.b64encode(Path(self.ca_cert).read_bytes()).decode()}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            "clusters": [{"name": context, "cluster": {"server": self.server, **authority, **cluster}}],
            "users": [{"name": context, "user": user or {}}],
        }


@pytest.fixture(scope="module")
def means(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Means]:
    """An administrator's token, where the cluster's own kubeconfig has none by way of a service account."""
    ca_cert = tmp_path_factory.mktemp("authentication") / "ca.crt"
    ca_cert.write_bytes(base64.b64decode(live.authority))
    user = live.content["users"][0]["user"]
    if "token" in user:
        yield Means(live.server, str(ca_cert), user["token"], live.content)
        return
    name = "podnet-authentication"
    accounts = path("serviceaccounts", namespace="default")
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    with live.admin() as cluster:
        cluster.create(accounts, {"metadata": {"name": name}})
        try:
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
            subject = {"kind": "ServiceAccount", "namespace": "default", "name": name}
            cluster.create(bindings, {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]})
            token = cluster.create(f"{accounts}/{name}/token", {"spec": {}})["status"]["token"]
            found = Means(live.server, str(ca_cert), token, live.content)
            while asked(api_key=token, host=live.server, ca_cert=str(ca_cert)).get("failed"):
                cluster.deadline.remaining("waiting for the service account's rights")
            yield found
        finally:
            with cluster.more_time():
                cluster.delete(f"{bindings}/{name}")
                cluster.delete(f"{accounts}/{name}")


def asked(**options: Any) -> Object:
    """The result of a task that only somebody who is let in gets an answer to."""
    return run(pod_info.OPERATION, namespace="kube-system", **options)


def let_in(**options: Any) -> bool:
    result = asked(**options)
    assert not result.get("failed"), result
    return bool(result["pods"])


def turned_away(**options: Any) -> tuple[str, str]:
    """The error and the message of a task that fails."""
    result = asked(**options)
    assert result.get("failed"), "it was let in"
    assert not any(secret in result["msg"] for secret in secrets_of(options))
    return result["error"], result["msg"]


def secrets_of(options: Object) -> list[str]:
    return [options["api_key"]] if options.get("api_key") else []


def written(file: Path, content: Any) -> str:
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(file)


def plugin(folder: Path, credential: Object) -> str:
    """A credential plugin: a program that prints an ExecCredential."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": credential}
    program = folder / "log-in"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(answer))})\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


# --- ways in -----------------------------------------------------------------------------------------------------------


def test_nobody_is_let_in_without_credentials(means: Means) -> None:
    error, message = turned_away(host=means.server, ca_cert=means.ca_cert)
    # kind's API server lets anonymous people ask, and refuses them; the netns cluster does not know any.
    assert error in ("forbidden", "unauthorized")
    assert "system:anonymous" in message or "does not accept the credentials" in message


def test_a_kubeconfig_file_lets_in(live: Live) -> None:
    assert let_in(kubeconfig=str(live.kubeconfig))


def test_a_kubeconfig_given_as_a_dict_lets_in(live: Live) -> None:
    assert let_in(kubeconfig=live.content)


def test_a_context_is_chosen_by_its_name(means: Means, tmp_path: Path) -> None:
    file = means.kubeconfig({"token": "that of nobody"}, "nobody")
    for key, entries in means.kubeconfig({"token": means.token}, "somebody").items():
        if isinstance(entries, list):
            file[key] += entries

    assert let_in(kubeconfig=written(tmp_path / "config", file), context="somebody")
    assert turned_away(kubeconfig=str(tmp_path / "config"))[0] == "unauthorized"


def test_kubeconfig_in_the_environment_may_name_several_files(
    means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = means.kubeconfig({"token": means.token})
    parts = [{**whole, "users": []}, {"apiVersion": "v1", "kind": "Config", "users": whole["users"]}]
    files = [written(tmp_path / f"config-{number}", part) for number, part in enumerate(parts)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([files[0], str(tmp_path / "not there"), files[1]]))

    assert let_in()


def test_an_address_a_token_and_an_authority_let_in(means: Means) -> None:
    assert let_in(host=means.server, api_key=means.token, ca_cert=means.ca_cert)


def test_a_token_takes_the_place_of_what_a_kubeconfig_says(means: Means) -> None:
    assert let_in(kubeconfig=means.kubeconfig({"token": "that of nobody"}), api_key=means.token)


@pytest.mark.usefixtures("kind_only")
def test_a_certificate_and_its_key_let_in(means: Means, tmp_path: Path) -> None:
    user = means.content["users"][0]["user"]
    files = {}
    for option in ("client-certificate", "client-key"):
        files[option] = tmp_path / option
        files[option].write_bytes(base64.b64decode(user[f"{option}-data"]))

    assert let_in(
        host=means.server,
        ca_cert=means.ca_cert,
        client_cert=str(files["client-certificate"]),
        client_key=str(files["client-key"]),
    )


def test_without_validation_no_authority_is_needed(means: Means) -> None:
    assert let_in(host=means.server, api_key=means.token, validate_certs=False)


def test_a_proxy_carries_calls_and_commands(live: Live, means: Means) -> None:
    with Proxy() as proxy:
        read = run(
            node_route_info.OPERATION,
            host=means.server,
            api_key=means.token,
            ca_cert=means.ca_cert,
            proxy=proxy.url,
            nodes=[live.workers[0]],
            access="agent_pod",
            explain=False,
        )

        assert not read.get("failed"), read
        assert set(proxy.targets) == {means.server.removeprefix("https://")}
        assert len(proxy.targets) >= 2, "the command did not go through the proxy"


def test_the_variables_of_kubernetes_core_are_read(
    live: Live, means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_variables(**variables: str) -> bool:
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(f"K8S_AUTH_{name}", value)
            return let_in()

    file = written(tmp_path / "config", means.kubeconfig({"token": means.token}) | {"current-context": ""})
    with Proxy() as proxy:
        assert with_variables(KUBECONFIG=file, CONTEXT="lab")
        assert with_variables(HOST=means.server, API_KEY=means.token, SSL_CA_CERT=means.ca_cert)
        assert with_variables(HOST=means.server, API_KEY=means.token, VERIFY_SSL="false")
        assert proxy.targets == []
        assert with_variables(KUBECONFIG=str(live.kubeconfig), PROXY=proxy.url)
        assert proxy.targets == [means.server.removeprefix("https://")]


@pytest.mark.usefixtures("kind_only")
def test_the_variables_for_a_certificate_are_read(
    means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = means.content["users"][0]["user"]
    for variable, key in (("CERT_FILE", "client-certificate-data"), ("KEY_FILE", "client-key-data")):
        (tmp_path / variable).write_bytes(base64.b64decode(user[key]))
        monkeypatch.setenv(f"K8S_AUTH_{variable}", str(tmp_path / variable))

    assert let_in(host=means.server, ca_cert=means.ca_cert)


def test_a_credential_plugin_lets_in(means: Means, tmp_path: Path) -> None:
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": plugin(tmp_path, {"token": means.token}),
        "interactiveMode": "Never",
    }

    assert let_in(kubeconfig=written(tmp_path / "config", means.kubeconfig({"exec": command})))


@pytest.mark.usefixtures("kind_only")
def test_a_credential_plugin_may_give_a_certificate(means: Means, tmp_path: Path) -> None:
    user = means.content["users"][0]["user"]
    certificate = {
        f"{name}Data": base64.b64decode(user[f"{key}-data"]).decode()
        for name, key in (("clientCertificate", "client-certificate"), ("clientKey", "client-key"))
    }
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": plugin(tmp_path, certificate)}

    assert let_in(kubeconfig=written(tmp_path / "config", means.kubeconfig({"exec": command})))


def test_a_pod_logs_in_with_its_own_service_account(means: Means, tmp_path: Path) -> None:
    """With the files and variables that a kubelet gives a pod, in a mount namespace where they are at their place."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    written(tmp_path / "token", means.token)
    shutil.copy(means.ca_cert, tmp_path / "ca.crt")
    host, _unused, port = means.server.removeprefix("https://").rpartition(":")
    script = (
        'mount -t tmpfs none "$(readlink -f /var/run)" && folder=/var/run/secrets/kubernetes.io/serviceaccount && '
        'mkdir -p $folder && cp "$0"/* $folder && exec "$@"'
    )

    result = run_elsewhere(
        "pod_info",
        {"namespace": "kube-system"},
        *("unshare", "-rm", "sh", "-c", script, str(tmp_path)),
        KUBERNETES_SERVICE_HOST=host,
        KUBERNETES_SERVICE_PORT=port,
    )

    assert not result.get("failed"), result
    assert result["pods"]


# --- turned away -------------------------------------------------------------------------------------------------------


def on_control_plane(live: Live, file: str) -> bytes:
    """A file of the control plane's node, which is a container of this machine."""
    (node,) = set(live.nodes) - set(live.workers)
    return subprocess.run(["docker", "exec", node, "cat", file], capture_output=True, check=True).stdout


@pytest.mark.usefixtures("kind_only")
def test_an_expired_token_is_told_from_other_errors(live: Live, means: Means) -> None:
    key = serialization.load_pem_private_key(on_control_plane(live, "/etc/kubernetes/pki/sa.key"), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    header, claims, _signature = means.token.split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    begin = content["iat"] - 7200
    expired = {**content, "iat": begin, "nbf": begin, "exp": begin + 3600}

    def signed(claims: Object) -> str:
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        signature = key.sign(f"{header}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{header}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    assert let_in(host=means.server, ca_cert=means.ca_cert, api_key=signed(content))
    error, message = turned_away(host=means.server, ca_cert=means.ca_cert, api_key=signed(expired))
    assert error == "unauthorized"
    assert "have expired" in message
    assert "log in again" in message


def test_a_token_that_is_none_is_turned_away(means: Means) -> None:
    error, message = turned_away(host=means.server, ca_cert=means.ca_cert, api_key="that of nobody")

    assert error == "unauthorized"
    assert means.server in message


def certificate(
    issuer: x509.Name, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, until: datetime, folder: Path
) -> Object:
    """An administrator's certificate and its key as options, signed with an authority's key."""
    own = ec.generate_private_key(ec.SECP256R1())
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ADMINISTRATOR),
        x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
    ]
    made = (
        x509.CertificateBuilder(issuer, x509.Name(subject), own.public_key(), x509.random_serial_number())
        .not_valid_before(until - timedelta(days=2))
        .not_valid_after(until)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = {"client_cert": folder / "client.crt", "client_key": folder / "client.key"}
    files["client_cert"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files["client_key"].write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {option: str(file) for option, file in files.items()}


@pytest.mark.usefixtures("kind_only")
@pytest.mark.parametrize(("days", "lets_in"), [(1, True), (-1, False)], ids=["valid", "expired"])
def test_an_expired_certificate_is_turned_away(
    live: Live, means: Means, tmp_path: Path, days: int, lets_in: bool
) -> None:
    key = serialization.load_pem_private_key(on_control_plane(live, "/etc/kubernetes/pki/ca.key"), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    issuer = x509.load_pem_x509_certificate(Path(means.ca_cert).read_bytes()).subject
    files = certificate(issuer, key, datetime.now(UTC) + timedelta(days=days), tmp_path)

    if lets_in:
        assert let_in(host=means.server, ca_cert=means.ca_cert, **files)
        return
    error, message = turned_away(host=means.server, ca_cert=means.ca_cert, **files)
    assert error == "unauthorized"
    assert "have expired" in message


@pytest.mark.usefixtures("kind_only")
def test_a_certificate_of_another_authority_is_turned_away(means: Means, tmp_path: Path) -> None:
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    files = certificate(
        issuer, ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) + timedelta(days=1), tmp_path
    )

    error, message = turned_away(host=means.server, ca_cert=means.ca_cert, **files)

    assert error == "unauthorized"
    assert "does not accept the credentials" in message


def test_a_certificate_without_its_key_is_named(means: Means, tmp_path: Path) -> None:
    authority = trustme.CA()
    other = trustme.CA().issue_cert("admin@example.org")
    files = [tmp_path / "client.crt", tmp_path / "other.key"]
    authority.issue_cert("admin@example.org").cert_chain_pems[0].write_to_path(str(files[0]))
    other.private_key_pem.write_to_path(str(files[1]))

    error, message = turned_away(
        host=means.server, ca_cert=means.ca_cert, client_cert=str(files[0]), client_key=str(files[1])
    )

    assert error == "invalid-kubeconfig"
    assert str(files[1]) in message


def test_an_api_server_that_another_authority_signed_is_not_talked_to(means: Means, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.crt"))

    error, message = turned_away(host=means.server, ca_cert=str(tmp_path / "other.crt"), api_key=means.token)

    assert error == "connection-failed"
    assert "CERTIFICATE_VERIFY_FAILED" in message
    assert "ca_cert" in message


def test_a_proxy_that_is_not_there_is_named(means: Means) -> None:
    with Proxy() as proxy:
        gone = proxy.url

    error, message = turned_away(host=means.server, ca_cert=means.ca_cert, api_key=means.token, proxy=gone)

    assert error == "connection-failed"
    assert gone in message
