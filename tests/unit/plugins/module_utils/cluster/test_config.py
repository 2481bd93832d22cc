from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import config
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import connect
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import endpoint
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ConfigError, ConnectionFailedError
from kubernetes.config import incluster_config

from tests.support.api_server import ApiServer
from tests.support.fixtures import PATIENCE, kubeconfig

SERVER = "https://127.0.0.1:6443"


def written(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def message(options: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigError) as raised:
        endpoint(options)
    return str(raised.value)


def encoded(blob: trustme.Blob) -> str:
    return base64.b64encode(blob.bytes()).decode()


# --- where the cluster is looked for -----------------------------------------------------------------------------------


def test_a_kubeconfig_file_leads_to_its_current_context(tmp_path: Path) -> None:
    found = endpoint({"kubeconfig": written(tmp_path / "config", kubeconfig(SERVER, {"token": "secret"}))})
    assert (found.name, found.server, found.authorization()) == ("lab", SERVER, {"authorization": "Bearer secret"})


def test_a_kubeconfig_may_be_given_as_a_dict() -> None:
    assert endpoint({"kubeconfig": kubeconfig(SERVER)}).server == SERVER


def test_reading_a_kubeconfig_given_as_a_dict_leaves_it_as_it_was() -> None:
    given = kubeconfig(SERVER, {"token": "secret"})
    endpoint({"kubeconfig": given})
    assert given == kubeconfig(SERVER, {"token": "secret"})


def test_kubeconfig_in_the_environment_is_read_when_no_option_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", written(tmp_path / "config", kubeconfig(SERVER)))
    assert endpoint({}).server == SERVER


def test_the_option_kubeconfig_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", written(tmp_path / "other", kubeconfig("https://127.0.0.9:6443")))
    assert endpoint({"kubeconfig": written(tmp_path / "config", kubeconfig(SERVER))}).server == SERVER


def test_without_any_option_or_variable_the_file_in_the_home_directory_is_read() -> None:
    written(Path(os.environ["HOME"]) / ".kube" / "config", kubeconfig(SERVER))
    assert endpoint({}).server == SERVER


def test_a_tilde_in_the_option_is_the_home_directory() -> None:
    written(Path(os.environ["HOME"]) / "lab.yaml", kubeconfig(SERVER))
    assert endpoint({"kubeconfig": "~/lab.yaml"}).server == SERVER


def test_host_and_api_key_need_no_file() -> None:
    found = endpoint({"host": SERVER + "/", "api_key": "secret"})
    assert (found.server, found.authorization()) == (SERVER, {"authorization": "Bearer secret"})


def test_host_and_api_key_alone_do_not_read_the_file_in_the_home_directory() -> None:
    written(Path(os.environ["HOME"]) / ".kube" / "config", "this: is [no YAML")
    assert endpoint({"host": SERVER, "api_key": "secret"}).server == SERVER


def test_options_override_what_the_file_says(tmp_path: Path) -> None:
    path = written(tmp_path / "config", kubeconfig(SERVER, {"token": "of-the-file"}))
    found = endpoint({"kubeconfig": path, "host": "https://127.0.0.2:6443", "api_key": "of-the-option"})
    assert (found.server, found.authorization()) == (
        "https://127.0.0.2:6443",
        {"authorization": "Bearer of-the-option"},
    )


def test_blanks_around_an_api_key_do_not_belong_to_it() -> None:
    assert endpoint({"host": SERVER, "api_key": " secret\n"}).authorization() == {"authorization": "Bearer secret"}


def test_in_a_pod_its_service_account_leads_to_its_own_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("secret\n")
    loader = incluster_config.InClusterConfigLoader
    monkeypatch.setattr(
        incluster_config,
        "InClusterConfigLoader",
        lambda **more: loader(
            **{**more, "token_filename": tmp_path / "token", "cert_filename": str(tmp_path / "ca.crt")}
        ),
    )
    found = endpoint({})
    assert (found.name, found.server) == ("in-cluster", "https://[fd00::1]:443")
    assert found.authorization()["authorization"].casefold() == "bearer secret"


def test_a_pod_without_a_service_account_token_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert message({}) == (
        "the pod's own service account cannot be used: Service token file does not exist. Mount its token "
        "(automountServiceAccountToken), or give kubeconfig"
    )


def test_with_nothing_named_anywhere_the_ways_to_name_a_cluster_are_listed() -> None:
    assert message({}) == (
        "no cluster is named: give kubeconfig, or host and api_key, or set KUBECONFIG (there is no ~/.kube/config)"
    )


# --- files that cannot be used -----------------------------------------------------------------------------------------


def test_a_kubeconfig_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert message({"kubeconfig": str(path)}) == (
        f"the kubeconfig file {path} does not exist; name one that does, or create the cluster first"
    )


def test_an_empty_kubeconfig_is_not_taken_for_a_cluster(tmp_path: Path) -> None:
    path = written(tmp_path / "config", "")
    assert message({"kubeconfig": path}).startswith(f"the kubeconfig file {path} is empty; write it anew")


def test_a_kubeconfig_that_is_no_yaml_is_named_with_the_place_in_it(tmp_path: Path) -> None:
    path = written(tmp_path / "config", "clusters: [\n  {name: lab\n")
    told = message({"kubeconfig": path})
    assert told.startswith(f"the kubeconfig file {path} is not YAML: ")
    assert "line 3" in told
    assert "\n" not in told


def test_a_kubeconfig_of_bytes_that_are_no_text_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe\x00apiVersion")
    assert message({"kubeconfig": str(path)}).startswith(f"the kubeconfig file {path} cannot be read: ")


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    assert "Is a directory" in message({"kubeconfig": str(tmp_path)})


@pytest.mark.parametrize(("content", "kind"), [("- a\n- b\n", "list"), ("just text", "str"), ("42", "int")])
def test_a_kubeconfig_that_is_no_mapping_says_what_it_is(tmp_path: Path, content: str, kind: str) -> None:
    path = written(tmp_path / "config", content)
    assert message({"kubeconfig": path}) == (
        f"the kubeconfig file {path} is no kubeconfig: it holds a {kind}, not a mapping"
    )


MALFORMED: dict[str, Any] = {
    "contexts is a mapping": {"contexts": {"name": "lab"}},
    "contexts is a text": {"contexts": "lab"},
    "a context has no name": {"contexts": [{"context": {"cluster": "lab", "user": "me"}}]},
    "a context is a text": {"contexts": ["lab"]},
    "a context's name is a number": {"contexts": [{"name": 7, "context": {"cluster": "lab", "user": "me"}}]},
    "a context is empty": {"contexts": [{"name": "lab", "context": None}]},
    "a context's body is a text": {"contexts": [{"name": "lab", "context": "lab"}]},
    "a context names no cluster": {"contexts": [{"name": "lab", "context": {"user": "me"}}]},
    "a context names a cluster that is not there": {
        "contexts": [{"name": "lab", "context": {"cluster": "gone", "user": "me"}}]
    },
    "clusters is missing": {"clusters": None},
    "a cluster is a text": {"clusters": [{"name": "lab", "cluster": "https://127.0.0.1:6443"}]},
    "a cluster has no server": {"clusters": [{"name": "lab", "cluster": {}}]},
    "a server is a number": {"clusters": [{"name": "lab", "cluster": {"server": 6443}}]},
    "a server is no URL": {"clusters": [{"name": "lab", "cluster": {"server": "127.0.0.1:6443"}}]},
    "an authority's file is a number": {
        "clusters": [{"name": "lab", "cluster": {"server": SERVER, "certificate-authority": 7}}]
    },
    "a user is a text": {"users": [{"name": "me", "user": "secret"}]},
    "a user is a list": {"users": [{"name": "me", "user": ["secret"]}]},
    "an exec plugin is a text": {"users": [{"name": "me", "user": {"exec": "aws"}}]},
    "an exec plugin has no command": {"users": [{"name": "me", "user": {"exec": {"apiVersion": "v1"}}}]},
    "current-context is a list": {"current-context": ["lab"]},
}


@pytest.mark.parametrize("source", ["file", "dict"])
@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_kubeconfig_is_an_explained_error(tmp_path: Path, change: dict[str, Any], source: str) -> None:
    content = {**kubeconfig(SERVER), **change}
    path = written(tmp_path / "config", content)
    told = message({"kubeconfig": path if source == "file" else content})
    assert (path if source == "file" else "given as a dict") in told or "of lab must be one like https://" in told
    assert "\n" not in told


def test_a_context_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    content = kubeconfig(SERVER)
    content["contexts"] += [{"name": "abc", "context": {"cluster": "lab", "user": "me"}}]
    path = written(tmp_path / "config", content)
    assert message({"kubeconfig": path, "context": "lba"}) == f"{path} has no context lba; it has abc, lab"


def test_a_kubeconfig_without_a_current_context_lists_what_may_be_named(tmp_path: Path) -> None:
    content = kubeconfig(SERVER)
    del content["current-context"]
    path = written(tmp_path / "config", content)
    assert message({"kubeconfig": path}) == f"{path} has no current context: name one of its contexts (lab)"
    assert endpoint({"kubeconfig": path, "context": "lab"}).server == SERVER


def test_a_kubeconfig_without_any_context_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "config", {"apiVersion": "v1", "kind": "Config"})
    assert message({"kubeconfig": path}) == f"{path} has no current context: name one of its contexts (none)"


@pytest.mark.parametrize("host", ["127.0.0.1:6443", "ftp://127.0.0.1", "", "https://", "https://[::1", "https://a b"])
def test_an_address_that_is_no_url_of_an_api_server_is_refused(host: str) -> None:
    assert repr(host) in message({"host": host, "kubeconfig": kubeconfig(SERVER)})


# --- several files -----------------------------------------------------------------------------------------------------


def test_several_files_are_merged_and_the_first_that_names_something_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kubeconfig("https://127.0.0.1:1", {"token": "first"})
    second = kubeconfig("https://127.0.0.1:2", {"token": "second"})
    second["contexts"] += [{"name": "other", "context": {"cluster": "other", "user": "other"}}]
    second["clusters"] += [{"name": "other", "cluster": {"server": "https://127.0.0.1:3"}}]
    second["users"] += [{"name": "other", "user": {"token": "third"}}]
    second["current-context"] = "other"
    files = [written(tmp_path / "one", first), str(tmp_path / "not there"), "", written(tmp_path / "two", second)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    assert endpoint({}).server == "https://127.0.0.1:1"
    other = endpoint({"context": "other"})
    assert (other.server, other.authorization()) == ("https://127.0.0.1:3", {"authorization": "Bearer third"})


def test_a_current_context_may_come_from_the_second_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = kubeconfig(SERVER)
    del names["current-context"]
    files = [written(tmp_path / "one", names), written(tmp_path / "two", {"current-context": "lab"})]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    assert endpoint({}).server == SERVER


def test_a_file_with_empty_lists_such_as_kubectl_writes_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"clusters": None, "contexts": None, "users": None, "current-context": ""}
    files = [written(tmp_path / "one", empty), written(tmp_path / "two", kubeconfig(SERVER))]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    assert endpoint({}).server == SERVER


def test_relative_paths_in_a_file_are_relative_to_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    folder = tmp_path / "there"
    user = {"tokenFile": "secrets/token"}
    path = written(folder / "config", kubeconfig(SERVER, user, **{"certificate-authority": "ca.crt"}))
    authority.cert_pem.write_to_path(folder / "ca.crt")
    written(folder / "secrets" / "token", "secret\n")
    monkeypatch.chdir(tmp_path)
    for name in (path, "there/config"):
        assert endpoint({"kubeconfig": name}).authorization() == {"authorization": "Bearer secret"}


def test_an_authority_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "config", kubeconfig(SERVER, **{"certificate-authority": "gone.crt"}))
    told = message({"kubeconfig": path})
    assert told.startswith(f"context lab of {path} cannot be used: ")
    assert str(tmp_path / "gone.crt") in told


# --- certificates ------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(authority: trustme.CA) -> Any:
    """A server with TLS that also asks for the client's certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "kubernetes.default").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_OPTIONAL
    with ApiServer(tls) as server:
        yield server


def ask(options: Mapping[str, Any]) -> None:
    with connect(options, PATIENCE) as cluster:
        cluster.list("/api/v1/nodes")


def test_certificates_inside_a_kubeconfig_log_in_and_leave_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: ApiServer, authority: trustme.CA
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    person = authority.issue_cert("me@lab.example", common_name="me")
    user = {
        "client-certificate-data": encoded(person.cert_chain_pems[0]),
        "client-key-data": encoded(person.private_key_pem),
    }
    content = kubeconfig(secure.url, user, **{"certificate-authority-data": encoded(authority.cert_pem)})
    ask({"kubeconfig": content})
    assert [request.client for request in secure.requests] == ["me"]
    assert list(tmp_path.iterdir()) == []
    ask({"kubeconfig": content})  # the client library remembers no file that is gone
    assert [request.client for request in secure.requests] == ["me", "me"]


def test_certificates_in_files_log_in_by_options_too(tmp_path: Path, secure: ApiServer, authority: trustme.CA) -> None:
    person = authority.issue_cert("me@lab.example", common_name="me")
    person.cert_chain_pems[0].write_to_path(tmp_path / "me.crt")
    person.private_key_pem.write_to_path(tmp_path / "me.key")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    files = {"ca_cert": tmp_path / "ca.crt", "client_cert": tmp_path / "me.crt", "client_key": tmp_path / "me.key"}
    ask({"host": secure.url, **{option: str(path) for option, path in files.items()}})
    assert [request.client for request in secure.requests] == ["me"]


def test_a_server_that_an_unknown_authority_signed_is_not_trusted(secure: ApiServer) -> None:
    other = kubeconfig(secure.url, **{"certificate-authority-data": encoded(trustme.CA().cert_pem)})
    with pytest.raises(ConnectionFailedError) as raised:
        ask({"kubeconfig": other})
    assert f"the TLS connection to {secure.url} failed: " in str(raised.value)
    assert "certificate verify failed" in str(raised.value)
    assert "ca_cert" in str(raised.value)
    assert secure.requests == []


def test_validate_certs_false_takes_any_certificate(secure: ApiServer) -> None:
    ask({"host": secure.url, "validate_certs": False})
    ask({"kubeconfig": kubeconfig(secure.url, **{"insecure-skip-tls-verify": True})})
    assert len(secure.requests) == 2


def test_validate_certs_true_wins_over_a_kubeconfig_that_skips_it(secure: ApiServer) -> None:
    with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
        ask({"kubeconfig": kubeconfig(secure.url, **{"insecure-skip-tls-verify": True}), "validate_certs": True})


def test_a_certificate_for_another_name_is_not_trusted(secure: ApiServer, authority: trustme.CA) -> None:
    content = kubeconfig(
        secure.url.replace("127.0.0.1", "localhost"), **{"certificate-authority-data": encoded(authority.cert_pem)}
    )
    with pytest.raises(ConnectionFailedError, match="not valid for 'localhost'"):
        ask({"kubeconfig": content})


def test_tls_server_name_says_which_name_the_certificate_must_have(secure: ApiServer, authority: trustme.CA) -> None:
    trusted = {"certificate-authority-data": encoded(authority.cert_pem)}
    url = secure.url.replace("127.0.0.1", "localhost")
    ask({"kubeconfig": kubeconfig(url, **trusted, **{"tls-server-name": "kubernetes.default"})})
    with pytest.raises(ConnectionFailedError, match=r"'elsewhere\.example' doesn't match"):
        ask({"kubeconfig": kubeconfig(url, **trusted, **{"tls-server-name": "elsewhere.example"})})


def test_an_authority_that_is_no_certificate_is_an_error_before_any_connection(tmp_path: Path) -> None:
    path = written(tmp_path / "ca.crt", "no certificate")
    told = message({"host": SERVER, "ca_cert": path})
    assert told.startswith(f"the certificates for {SERVER} cannot be loaded ({path}): ")


def test_certificate_data_that_is_no_base64_is_malformed() -> None:
    content = kubeconfig(SERVER, **{"certificate-authority-data": "###"})
    assert "the certificates for lab cannot be loaded" in message({"kubeconfig": content})


def test_a_key_that_does_not_fit_its_certificate_is_an_error(tmp_path: Path, authority: trustme.CA) -> None:
    authority.issue_cert("one@lab.example").cert_chain_pems[0].write_to_path(tmp_path / "one.crt")
    authority.issue_cert("two@lab.example").private_key_pem.write_to_path(tmp_path / "two.key")
    told = message({"host": SERVER, "client_cert": str(tmp_path / "one.crt"), "client_key": str(tmp_path / "two.key")})
    assert "one.crt" in told
    assert "KEY_VALUES_MISMATCH" in told


# --- credential plugins ------------------------------------------------------------------------------------------------

PLUGIN = "client.authentication.k8s.io/v1"


def plugin(script: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": PLUGIN, "command": sys.executable, "args": ["-c", script], **more}}


def credential(status: dict[str, str]) -> str:
    return json.dumps({"apiVersion": PLUGIN, "kind": "ExecCredential", "status": status})


def test_a_credential_plugin_gives_the_token() -> None:
    found = endpoint({"kubeconfig": kubeconfig(SERVER, plugin(f"print({credential({'token': 'secret'})!r})"))})
    assert found.authorization() == {"authorization": "Bearer secret"}


def test_a_credential_plugin_gets_its_own_environment() -> None:
    script = (
        "import json, os; "
        f"print(json.dumps({{'apiVersion': '{PLUGIN}', 'kind': 'ExecCredential', 'status': {{'token': os.environ['WHO']}}}}))"
    )
    user = plugin(script, env=[{"name": "WHO", "value": "me"}])
    assert endpoint({"kubeconfig": kubeconfig(SERVER, user)}).authorization() == {"authorization": "Bearer me"}


def test_a_credential_plugin_may_give_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: ApiServer, authority: trustme.CA
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    person = authority.issue_cert("me@lab.example", common_name="me")
    answer = credential(
        {
            "clientCertificateData": person.cert_chain_pems[0].bytes().decode(),
            "clientKeyData": person.private_key_pem.bytes().decode(),
        }
    )
    trusted = {"certificate-authority-data": encoded(authority.cert_pem)}
    ask({"kubeconfig": kubeconfig(secure.url, plugin(f"print({answer!r})"), **trusted)})
    assert [request.client for request in secure.requests] == ["me"]
    assert list(tmp_path.iterdir()) == []


def test_a_credential_plugin_that_fails_is_named_with_what_it_said() -> None:
    told = message({"kubeconfig": kubeconfig(SERVER, plugin("import sys; sys.exit('your session has expired')"))})
    assert "context lab of the kubeconfig given as a dict" in told
    assert sys.executable in told
    assert "your session has expired" in told


def test_a_credential_plugin_that_is_not_installed_is_named() -> None:
    user = {"exec": {"apiVersion": PLUGIN, "command": "no-such-plugin", "installHint": "install it from the shop"}}
    told = message({"kubeconfig": kubeconfig(SERVER, user)})
    assert "no-such-plugin" in told
    assert "install it from the shop" in told


@pytest.mark.parametrize(
    "printed",
    [
        "no JSON",
        "[]",
        "{}",
        '{"kind": "ExecCredential", "apiVersion": "x", "status": {}}',
        credential({}),
        credential({"token": ""}),
    ],
)
def test_a_credential_plugin_whose_answer_is_of_no_use_is_named(printed: str) -> None:
    told = message({"kubeconfig": kubeconfig(SERVER, plugin(f"print({printed!r})"))})
    assert sys.executable in told


def test_a_relative_credential_plugin_is_relative_to_its_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "there" / "bin" / "login"
    written(script, f"#!{sys.executable}\nprint({credential({'token': 'secret'})!r})\n")
    script.chmod(0o755)
    user = {"exec": {"apiVersion": PLUGIN, "command": "bin/login"}}
    path = written(tmp_path / "there" / "config", kubeconfig(SERVER, user))
    monkeypatch.chdir(tmp_path)
    assert endpoint({"kubeconfig": path}).authorization() == {"authorization": "Bearer secret"}


def test_a_credential_plugin_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_PLUGIN_SECONDS", 0.3)
    told = message({"kubeconfig": kubeconfig(SERVER, plugin("import signal; signal.pause()"))})
    assert "did not end within 0.3 seconds" in told


def test_a_credential_plugin_has_no_more_time_than_the_task() -> None:
    content = kubeconfig(SERVER, plugin("import signal; signal.pause()"))
    with pytest.raises(ConfigError, match=r"did not end within 0\.3 seconds"):
        connect({"kubeconfig": content}, 0.3)


def test_a_credential_plugin_that_wants_to_know_the_cluster_is_told() -> None:
    script = (
        "import json, os; cluster = json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']['cluster']; "
        f"print(json.dumps({{'apiVersion': '{PLUGIN}', 'status': {{'token': cluster['server'] + "
        "cluster['config']['region']}}))"
    )
    settings = [{"name": "client.authentication.k8s.io/exec", "extension": {"region": "/here"}}]
    content = kubeconfig(SERVER, plugin(script, provideClusterInfo=True), extensions=settings)
    assert endpoint({"kubeconfig": content}).authorization() == {"authorization": f"Bearer {SERVER}/here"}


def test_an_api_key_takes_the_place_of_the_plugins_token() -> None:
    content = kubeconfig(SERVER, plugin(f"print({credential({'token': 'secret'})!r})"))
    found = endpoint({"kubeconfig": content, "api_key": "mine"})
    assert found.authorization() == {"authorization": "Bearer mine"}


def test_a_user_with_name_and_password_logs_in_by_them() -> None:
    found = endpoint({"kubeconfig": kubeconfig(SERVER, {"username": "me", "password": "secret"})})
    assert found.authorization() == {"authorization": "Basic " + base64.b64encode(b"me:secret").decode()}


def test_a_token_with_characters_that_no_header_takes_is_refused() -> None:
    assert message({"host": SERVER, "api_key": "sécrèt→"}) == (
        f"the token for {SERVER} holds characters that no token has; copy it anew"
    )
