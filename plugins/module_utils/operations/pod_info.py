# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods as they are. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, Object, path
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    InputError,
    MissingLibraryError,
    NotFoundError,
    PodnetError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items, options
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.records import pod_result

try:
    import jmespath
except ImportError as error:
    _MISSING_JMESPATH: str | None = str(error)
else:
    _MISSING_JMESPATH = None


def _run(task: Task) -> dict[str, Any]:
    parameters = task.parameters
    superfluous = [name for name in ("all_namespaces", "label_selector", "field_selector") if parameters[name]]
    if parameters["names"] and superfluous:
        raise InputError(f"names says which pods are read: leave {', '.join(superfluous)} out")
    query = _compiled(parameters["query"])
    cluster, _deadline = options.connect(parameters)
    with cluster:
        if parameters["names"]:
            found = _named(cluster, parameters["namespace"], parameters["names"])
        else:
            selectors = {"labelSelector": parameters["label_selector"], "fieldSelector": parameters["field_selector"]}
            url = path("pods", namespace=None if parameters["all_namespaces"] else parameters["namespace"])
            found = list(cluster.list(url, **{key: value for key, value in selectors.items() if value})["items"])
    results = []
    for name, pod in zip(parameters["names"] or found, found, strict=True):
        if isinstance(pod, PodnetError):
            results.append({"namespace": parameters["namespace"], "name": name, **items.failed(pod)})
        else:
            results.append(pod_result(pod))
    answer = items.answer("pods", results, lambda pod: f"pod {pod['namespace']}/{pod['name']}", changed=False)
    if query is not None:
        try:
            answer["query_result"] = query.search(found)
        except jmespath.exceptions.JMESPathError as error:
            raise InputError(f"query cannot be applied to the pods: {error}") from error
    return answer


def _named(cluster: Cluster, namespace: str, names: list[str]) -> list[Object | PodnetError]:
    def read(name: str) -> Object:
        try:
            return cluster.get(path("pods", name, namespace))
        except NotFoundError as error:
            raise NotFoundError(
                f"pod {namespace}/{name} is not in the cluster {cluster.name}; create it first, or name its namespace",
                error.status,
                error.reason,
            ) from error

    return items.side_by_side(read, names)


def _compiled(expression: str | None) -> Any:
    if expression is None:
        return None
    if _MISSING_JMESPATH:
        raise MissingLibraryError(
            f"query needs the Python library jmespath ({_MISSING_JMESPATH}); install it or leave query out"
        )
    try:
        return jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise InputError(f"query is no JMESPath expression: {' '.join(str(error).split())}") from error


OPERATION = Operation(
    options={
        "names": {"type": "list", "elements": "str", "default": []},
        "namespace": {"type": "str", "default": "default"},
        "all_namespaces": {"type": "bool", "default": False},
        "label_selector": {"type": "str"},
        "field_selector": {"type": "str"},
        "query": {"type": "str"},
        **options.timeout(30),
        **options.CLUSTER,
    },
    run=_run,
)
