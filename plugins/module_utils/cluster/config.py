# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From options, variables and files to the address of an API server and the means to log in.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ConfigError, MissingLibraryError

try:
    import yaml
    from kubernetes import config as kubernetes_config
    from kubernetes.client import Configuration
    from kubernetes.config.config_exception import ConfigException
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


@dataclass(frozen=True)
class Endpoint:
    """One API server and how to log in to it: ``name`` is what a person calls it."""

    name: str
    server: str
    tls: ssl.SSLContext
    server_name: str | None
    proxy: str | None
    no_proxy: str | None
    configuration: Any

    def authorization(self) -> dict[str, str]:
        """The header that logs in, renewed by the client's own configuration when a token expires."""
        setting = self.configuration.auth_settings().get("BearerToken")
        return {"authorization": setting["value"]} if setting and setting["value"] else {}


def endpoint(options: Mapping[str, Any]) -> Endpoint:
    """Find the API server that the options name, in kubectl's order: options, KUBECONFIG, ~/.kube/config, in-cluster.

    :param options: ``kubeconfig`` (a path or the content as a dict), ``context``, ``host``, ``api_key``, ``ca_cert``,
        ``client_cert``, ``client_key``, ``validate_certs``, ``proxy``; each may be missing or None.
    :raises ConfigError: when they, or the files behind them, name no usable server.
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
            name = _load(configuration, options, folder)
            for option, attribute in _OVERRIDES.items():
                if options.get(option) is not None:
                    setattr(configuration, attribute, options[option])
            if options.get("api_key"):
                configuration.api_key = {"authorization": options["api_key"]}
                configuration.api_key_prefix = {"authorization": "Bearer"}
                configuration.refresh_api_key_hook = None
            if not configuration.host.startswith(("https://", "http://")):
                raise ConfigError(f"the API server's address {configuration.host!r} of {name} must start with https://")
            return Endpoint(
                name=name,
                server=configuration.host.rstrip("/"),
                tls=_tls_context(configuration, name),
                server_name=configuration.tls_server_name,
                proxy=configuration.proxy,
                no_proxy=configuration.no_proxy,
                configuration=configuration,
            )
        finally:
            # The client remembers the files that it wrote for a certificate, and these are gone now.
            kubernetes_config.kube_config._cleanup_temp_files()  # pylint: disable=protected-access


def _load(configuration: Any, options: Mapping[str, Any], folder: str) -> str:
    """Fill the configuration from where the options point, and say how that place is called."""
    kubeconfig, context = options.get("kubeconfig"), options.get("context")
    if options.get("host") and kubeconfig is None and context is None:
        return str(options["host"])
    if isinstance(kubeconfig, Mapping):
        return _load_kubeconfig(configuration, dict(kubeconfig), context, "the kubeconfig given as a dict", folder)
    if kubeconfig is None and not _default_kubeconfig_exists():
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            try:
                kubernetes_config.load_incluster_config(client_configuration=configuration)
            except ConfigException as error:
                raise ConfigError(f"the pod's own service account cannot be used: {error}") from error
            return "in-cluster"
        raise ConfigError(
            "no cluster is named: give kubeconfig, or host and api_key, or set KUBECONFIG (there is no ~/.kube/config)"
        )
    paths = os.path.expanduser(str(kubeconfig)) if kubeconfig is not None else _default_kubeconfig()
    return _load_kubeconfig(configuration, _merged_files(paths), context, paths, folder)


def _default_kubeconfig() -> str:
    return os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")


def _default_kubeconfig_exists() -> bool:
    return any(os.path.exists(path) for path in _default_kubeconfig().split(os.pathsep) if path)


def _merged_files(paths: str) -> dict[str, Any]:
    """Read kubeconfig files and merge them as kubectl does: the first file that names something wins.

    Relative paths inside a file are relative to that file.
    """
    merged: dict[str, Any] = {}
    existing = [path for path in paths.split(os.pathsep) if path and os.path.exists(path)]
    if not existing:
        raise ConfigError(
            f"the kubeconfig file {paths} does not exist; name one that does, or create the cluster first"
        )
    for path in existing:
        for key, value in _read_kubeconfig(path).items():
            if isinstance(value, list):
                known = {item["name"] for item in merged.get(key, ())}
                merged.setdefault(key, []).extend(item for item in value if item["name"] not in known)
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
    if not isinstance(content, dict):
        raise ConfigError(
            f"the kubeconfig file {path} is no kubeconfig: it holds a {type(content).__name__}, not a mapping"
        )
    for key in ("clusters", "users", "contexts"):
        named = content.get(key) or []
        if not isinstance(named, list) or not all(isinstance(item, dict) and "name" in item for item in named):
            raise ConfigError(f"the kubeconfig file {path} is no kubeconfig: {key} is not a list of named entries")
    folder = os.path.dirname(os.path.abspath(path))
    for cluster in content.get("clusters") or []:
        _make_absolute(cluster.get("cluster"), folder, "certificate-authority")
    for user in content.get("users") or []:
        _make_absolute(user.get("user"), folder, "client-certificate", "client-key", "tokenFile")
    return content


def _make_absolute(entry: dict[str, Any] | None, folder: str, *keys: str) -> None:
    for key in keys:
        if entry and entry.get(key):
            entry[key] = os.path.join(folder, entry[key])


def _load_kubeconfig(configuration: Any, content: dict[str, Any], context: str | None, source: str, folder: str) -> str:
    contexts = sorted(item["name"] for item in content.get("contexts") or [])
    chosen = context or content.get("current-context")
    if not chosen:
        raise ConfigError(
            f"{source} has no current context: name one of its contexts ({', '.join(contexts) or 'none'})"
        )
    if chosen not in contexts:
        raise ConfigError(f"{source} has no context {chosen}; it has {', '.join(contexts) or 'none'}")
    try:
        kubernetes_config.load_kube_config_from_dict(
            content, context=chosen, client_configuration=configuration, persist_config=False, temp_file_path=folder
        )
    except ConfigException as error:
        raise ConfigError(f"context {chosen} of {source} cannot be used: {error}") from error
    except (ValueError, TypeError, KeyError, OSError) as error:  # what malformed certificates and entries raise
        raise ConfigError(f"context {chosen} of {source} is malformed: {type(error).__name__}: {error}") from error
    return str(chosen)


def _tls_context(configuration: Any, name: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        # Python 3.13 began to refuse authorities without the key identifiers that RFC 5280 asks for; kubectl takes
        # them, and the authorities of many a cluster lack them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not configuration.verify_ssl:
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
