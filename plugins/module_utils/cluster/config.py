# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From options, variables and files to the address of an API server and the means to log in.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    ConfigError,
    DeadlineError,
    InputError,
    MissingLibraryError,
    MissingProgramError,
)

try:
    import yaml
    from kubernetes import config as kubernetes_config
    from kubernetes.client import Configuration
    from kubernetes.config.config_exception import ConfigException
    from requests.utils import should_bypass_proxies  # as the Kubernetes client itself decides it
except ImportError as error:
    MISSING_LIBRARY: str | None = str(error)
else:
    MISSING_LIBRARY = None
    # libyaml's loader where PyYAML has it: ten times as fast, and a kubeconfig is read by every task.
    _SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Option of a task -> attribute of the client's configuration. They override what a kubeconfig file says.
_OVERRIDES = {
    "host": "host",
    "validate_certs": "verify_ssl",
    "ca_cert": "ssl_ca_cert",
    "client_cert": "cert_file",
    "client_key": "key_file",
    "proxy": "proxy",
}

_ENTRIES = {"clusters": "cluster", "users": "user", "contexts": "context"}  # list in a kubeconfig -> body of its items
_PLUGIN_SECONDS = 60.0  # a credential plugin may ask a server far away


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy: ``url`` may be shown, ``login`` (user and password) may not; it is None where the proxy wants none."""

    url: str
    login: tuple[str, str] | None = field(repr=False)

    def authorization(self) -> dict[str, str]:
        """The header that logs in to the proxy."""
        if not self.login:
            return {}
        return {"proxy-authorization": f"Basic {base64.b64encode(':'.join(self.login).encode()).decode()}"}


@dataclass(frozen=True)
class Endpoint:
    """One API server and how to log in to it: ``name`` is what a person calls it; ``proxy`` is None where none is used."""

    name: str
    server: str
    tls: ssl.SSLContext
    server_name: str | None
    proxy: Proxy | None
    configuration: Any

    def authorization(self) -> dict[str, str]:
        """The header that logs in, renewed by the client's own configuration when a token expires."""
        setting = self.configuration.auth_settings().get("BearerToken")
        # A file that a token comes from tends to end with a line feed, which no header may hold.
        return {"authorization": " ".join(setting["value"].split())} if setting and setting["value"] else {}


def endpoint(options: Mapping[str, Any], deadline: Deadline | None = None) -> Endpoint:
    """Find the API server that the options name, in kubectl's order: options, KUBECONFIG, ~/.kube/config, in-cluster.

    :param options: ``kubeconfig`` (a path or the content as a dict), ``context``, ``host``, ``api_key``, ``ca_cert``,
        ``client_cert``, ``client_key``, ``validate_certs``, ``proxy``; each may be missing or None.
    :param deadline: the task's, which a credential plugin has to keep as well; it never gets more than a minute.
    :raises ConfigError: when they, or the files behind them, name no usable server.
    :raises InputError: when the proxy is none by http.
    :raises MissingLibraryError: when the Kubernetes client does not import.
    """
    if MISSING_LIBRARY:
        raise MissingLibraryError(
            f"the Python library kubernetes does not import ({MISSING_LIBRARY}); install the collection's requirements.txt "
            "for the interpreter that runs the task (ansible_python_interpreter)"
        )
    configuration = Configuration()
    configuration.host = ""
    # Certificates that stand inside a kubeconfig reach TLS by way of files; these live for this block only.
    with tempfile.TemporaryDirectory(prefix="podnet-") as folder:
        try:
            seconds = Deadline(_PLUGIN_SECONDS) if deadline is None else deadline.within(_PLUGIN_SECONDS)
            name = _load(configuration, options, folder, seconds)
            host = configuration.host if options.get("host") is None else options["host"]
            if not _is_address(host):
                raise ConfigError(
                    f"the API server's address {host!r} of {name} must be one like https://127.0.0.1:6443"
                )
            for option, attribute in _OVERRIDES.items():
                if options.get(option) is not None:
                    setattr(configuration, attribute, options[option])
            if options.get("api_key"):
                configuration.api_key = {"authorization": options["api_key"]}
                configuration.api_key_prefix = {"authorization": "Bearer"}
                configuration.refresh_api_key_hook = None
            found = Endpoint(
                name=name,
                server=configuration.host.rstrip("/"),
                tls=_tls_context(configuration, name),
                server_name=configuration.tls_server_name,
                proxy=_proxy(configuration, name),
                configuration=configuration,
            )
            if not found.authorization().get("authorization", "").isascii():
                raise ConfigError(f"the token for {name} holds characters that no token has; copy it anew")
            return found
        finally:
            # The client remembers the files that it wrote for a certificate, and these are gone now.
            kubernetes_config.kube_config._cleanup_temp_files()  # pylint: disable=protected-access


def _is_address(text: Any) -> bool:
    try:
        parts = urlsplit(text)
        return bool(re.fullmatch(r"https?://\S+", text) and parts.hostname and parts.port != 0)
    except (ValueError, TypeError, AttributeError):  # the last two where a kubeconfig holds no text
        return False


def _proxy(configuration: Any, name: str) -> Proxy | None:
    proxy = configuration.proxy
    if not proxy or should_bypass_proxies(configuration.host, no_proxy=configuration.no_proxy):
        return None
    # TLS to the proxy itself is not spoken: websocket-client cannot do it.
    if not _is_address(proxy) or urlsplit(proxy).scheme != "http":
        shown = re.sub(r"^(\w+://)?.*@", r"\1", str(proxy))
        raise InputError(f"the proxy {shown!r} for {name} cannot be used: give one like http://127.0.0.1:3128")
    parts = urlsplit(proxy)
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), login)


def _load(configuration: Any, options: Mapping[str, Any], folder: str, deadline: Deadline) -> str:
    """Fill the configuration from where the options point, and say how that place is called."""
    kubeconfig, context = options.get("kubeconfig"), options.get("context")
    if options.get("host") and kubeconfig is None and context is None:
        return str(options["host"])
    if isinstance(kubeconfig, Mapping):
        source = "the kubeconfig given as a dict"
        _check(kubeconfig, source)
        return _load_kubeconfig(configuration, dict(kubeconfig), context, source, folder, deadline)
    if kubeconfig is None and not _default_kubeconfig_exists():
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            try:
                kubernetes_config.load_incluster_config(client_configuration=configuration)
            except ConfigException as error:
                raise ConfigError(
                    f"the pod's own service account cannot be used: {error} Mount its token "
                    "(automountServiceAccountToken), or give kubeconfig"
                ) from error
            return "in-cluster"
        raise ConfigError(
            "no cluster is named: give kubeconfig, or host and api_key, or set KUBECONFIG (there is no ~/.kube/config)"
        )
    paths = os.path.expanduser(str(kubeconfig)) if kubeconfig is not None else default_kubeconfig()
    return _load_kubeconfig(configuration, merged_kubeconfigs(paths), context, paths, folder, deadline)


def default_kubeconfig() -> str:
    """The paths that kubectl reads when it is given none."""
    return os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")


def _default_kubeconfig_exists() -> bool:
    return any(os.path.exists(path) for path in default_kubeconfig().split(os.pathsep) if path)


def merged_kubeconfigs(paths: str) -> dict[str, Any]:
    """Read kubeconfig files and merge them as kubectl does: the first file that names something wins.

    Relative paths inside a file are relative to that file.

    :param paths: separated as in KUBECONFIG; those that do not exist are passed over, but not all may be.
    :raises ConfigError: when none exists, or one is no kubeconfig.
    """
    merged: dict[str, Any] = {}
    existing = [path for path in paths.split(os.pathsep) if path and os.path.exists(path)]
    if not existing:
        raise ConfigError(
            f"the kubeconfig file {paths} does not exist; name one that does, or create the cluster first"
        )
    for path in existing:
        for key, value in _read_kubeconfig(path).items():
            if key in _ENTRIES:
                known = {item["name"] for item in merged.setdefault(key, [])}
                merged[key] += [item for item in value or () if item["name"] not in known]
            elif not merged.get(key):
                merged[key] = value
    return merged


def _read_kubeconfig(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.load(file, _SafeLoader)  # noqa: S506 - safe: both loaders are YAML's safe ones
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the kubeconfig file {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"the kubeconfig file {path} is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        raise ConfigError(f"the kubeconfig file {path} is empty; write it anew, for example with kind get kubeconfig")
    _check(content, f"the kubeconfig file {path}")
    folder = os.path.dirname(os.path.abspath(path))
    for cluster in content.get("clusters") or []:
        _make_absolute(cluster.get("cluster"), folder, "certificate-authority")
    for user in content.get("users") or []:
        _make_absolute(user.get("user"), folder, "client-certificate", "client-key", "tokenFile")
        plugin = (user.get("user") or {}).get("exec")
        if isinstance(plugin, dict) and "/" in str(plugin.get("command")):  # else it is found on PATH
            _make_absolute(plugin, folder, "command")
    return dict(content)


def _check(content: Any, source: str) -> None:
    """Refuse what does not have the shape of a kubeconfig."""
    if not isinstance(content, Mapping):
        raise ConfigError(f"{source} is no kubeconfig: it holds a {type(content).__name__}, not a mapping")
    for key, body in _ENTRIES.items():
        items = content.get(key) or []
        if not isinstance(items, list) or not all(
            isinstance(item, Mapping)
            and isinstance(item.get("name"), str)
            and isinstance(item.get(body) or {}, Mapping)
            for item in items
        ):
            raise ConfigError(f"{source} is no kubeconfig: {key} is not a list of entries with a name and a {body}")


def _make_absolute(entry: dict[str, Any] | None, folder: str, *keys: str) -> None:
    for key in keys:
        if entry and isinstance(entry.get(key), str):
            entry[key] = os.path.join(folder, entry[key])


def _load_kubeconfig(
    configuration: Any, content: dict[str, Any], context: str | None, source: str, folder: str, deadline: Deadline
) -> str:
    contexts = sorted(item["name"] for item in content.get("contexts") or [])
    chosen = context or content.get("current-context")
    if not chosen:
        raise ConfigError(
            f"{source} has no current context: name one of its contexts ({', '.join(contexts) or 'none'})"
        )
    if chosen not in contexts:
        raise ConfigError(f"{source} has no context {chosen}; it has {', '.join(contexts) or 'none'}")
    where = f"context {chosen} of {source}"
    try:
        kubernetes_config.load_kube_config_from_dict(
            _logged_in(content, chosen, deadline),
            context=chosen,
            client_configuration=configuration,
            persist_config=False,
            temp_file_path=folder,
        )
    except (ConfigException, ConfigError) as error:
        raise ConfigError(f"{where} cannot be used: {error}") from error
    except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:  # what malformed entries raise
        raise ConfigError(f"{where} is malformed: {type(error).__name__}: {error}") from error
    if proxy := _cluster_of(_bodies(content), chosen).get("proxy-url"):
        configuration.proxy = proxy  # client 35 does not read it
    return str(chosen)


def _bodies(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The clusters, users and contexts of a kubeconfig, by name."""
    return {
        key: {item["name"]: item.get(body) or {} for item in content.get(key) or ()} for key, body in _ENTRIES.items()
    }


def _cluster_of(named: Mapping[str, Mapping[str, Any]], context: str) -> Mapping[str, Any]:
    cluster: Mapping[str, Any] = named["clusters"].get(named["contexts"][context].get("cluster"), {})
    return cluster


def _logged_in(content: dict[str, Any], chosen: str, deadline: Deadline) -> dict[str, Any]:
    """The kubeconfig with what the context's credential plugin gives, where it has one, in the plugin's place.

    The client would run the plugin as well, but only logs what goes wrong with it, and waits for it for ever.
    """
    named = _bodies(content)
    context = named["contexts"][chosen]
    user = named["users"].get(context.get("user"), {})
    if "exec" not in user or "token" in user or "tokenFile" in user:
        return content
    given = _credential(user["exec"], _cluster_of(named, chosen), deadline)
    return {**content, "users": [{"name": context["user"], "user": given}]}


def _credential(plugin: Mapping[str, Any], cluster: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Run a credential plugin, and return what it gives in the shape of a kubeconfig's user.

    See "client-go credential plugins" in https://kubernetes.io/docs/reference/access-authn-authz/authentication/
    """
    command = [plugin["command"], *(plugin.get("args") or ())]
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        settings = {item["name"]: item["extension"] for item in cluster.get("extensions") or ()}
        spec["cluster"] = {**cluster, "config": settings.get("client.authentication.k8s.io/exec")}
    variables = {item["name"]: item["value"] for item in plugin.get("env") or ()}
    request = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}
    environment = {**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(request)}
    try:
        done = program.run(command, deadline, environment=environment)
    except (MissingProgramError, DeadlineError) as error:
        hint = f" ({plugin['installHint'].strip()})" if plugin.get("installHint") else ""
        raise ConfigError(f"its credential plugin gives nothing: {error}{hint}") from error
    try:
        status = json.loads(done.stdout)["status"] if done.returncode == 0 else {}
        certificates = {
            f"client-{name}-data": base64.b64encode(status[key].encode()).decode()
            for name, key in (("certificate", "clientCertificateData"), ("key", "clientKeyData"))
            if status.get(key)
        }
        credential = {"token": status["token"]} if status.get("token") else {}
    except (ValueError, TypeError, LookupError, AttributeError):
        certificates = credential = {}
    if not credential and not certificates:
        said = " | ".join(done.stderr.strip().splitlines()[-3:]) or "without a reason"  # stdout may hold secrets
        raise ConfigError(
            f"its credential plugin {command[0]} ended with exit code {done.returncode} and no credential ({said}); log in "
            "with it again"
        )
    return {**credential, **certificates}


def _tls_context(configuration: Any, name: str) -> ssl.SSLContext:
    try:
        if configuration.verify_ssl and configuration.host.startswith("https:"):
            context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
            # Python 3.13 began to refuse authorities without the key identifiers that RFC 5280 asks for; kubectl takes
            # them, and the authorities of many a cluster lack them.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        else:  # not the default context: to read all authorities of the machine takes 50 ms
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file]
        raise ConfigError(
            f"the certificates for {name} cannot be loaded ({', '.join(filter(None, files))}): {error}"
        ) from error
    return context
