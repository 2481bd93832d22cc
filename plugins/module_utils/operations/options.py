# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that several modules share. Private to the collection: it may change at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import client
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError

# Names, aliases and variables are those of kubernetes.core, so that its users need no second set.
CLUSTER: dict[str, dict[str, Any]] = {
    "kubeconfig": {"type": "raw", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "host": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_HOST"])},
    "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["K8S_AUTH_API_KEY"])},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"], "fallback": (env_fallback, ["K8S_AUTH_VERIFY_SSL"])},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": (env_fallback, ["K8S_AUTH_SSL_CA_CERT"])},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": (env_fallback, ["K8S_AUTH_CERT_FILE"])},
    "client_key": {"type": "path", "aliases": ["key_file"], "fallback": (env_fallback, ["K8S_AUTH_KEY_FILE"])},
    "proxy": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_PROXY"])},
}

NODE_ACCESS: dict[str, dict[str, Any]] = {
    "access": {"type": "str", "choices": ["auto", "container", "agent_pod", "probe_pod"], "default": "auto"},
    "agent_labels": {"type": "dict", "default": {}},
    "probe_namespace": {"type": "str", "default": "default"},
    "probe_image": {"type": "str", "default": "busybox"},
}


def timeout(seconds: int) -> dict[str, dict[str, Any]]:
    """The option ``timeout`` with its default in seconds."""
    return {"timeout": {"type": "int", "default": seconds}}


def node_access(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of NODE_ACCESS as node_access.open_nodes takes them."""
    return {
        "access": parameters["access"],
        "agent_labels": {
            str(key): [str(value) for value in (values if isinstance(values, list) else [values])]
            for key, values in parameters["agent_labels"].items()
        },
        "probe": {"namespace": parameters["probe_namespace"], "image": parameters["probe_image"]},
    }


def labels(values: Mapping[Any, Any], owner: str) -> dict[str, str]:
    """Labels as Kubernetes takes them, which is as YAML writes them: a bare ``true`` is the text ``true``.

    :raises InputError: for a value that is no text, number or truth.
    """
    for key, value in values.items():
        if not isinstance(value, str | int | float):
            raise InputError(f"label {key} of {owner} cannot be {json.dumps(value)}; give it a text")
    return {str(key): json.dumps(value) if isinstance(value, bool) else str(value) for key, value in values.items()}


def connect(parameters: Mapping[str, Any]) -> tuple[Cluster, Deadline]:
    """The cluster that the parameters name, and the task's deadline, which is that of all calls to the cluster, too."""
    if parameters["timeout"] < 1:
        raise InputError(f"timeout must be at least 1 second, not {parameters['timeout']}")
    cluster = client.connect(parameters, parameters["timeout"])
    return cluster, cluster.deadline
