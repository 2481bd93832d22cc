"""The roles of docs/rbac: each use succeeds with a token of exactly its rights, and names the one that is taken away."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster, connect, path
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import (
    network_validate,
    node_label,
    node_route_info,
    pod,
    pod_info,
    pod_ping,
    pod_traceroute,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

from .conftest import PATIENCE, ROOT, Live, Object, run

pytestmark = pytest.mark.usefixtures("kind_only")

ROLES = {
    role["metadata"]["name"]: role["rules"]
    for file in sorted((ROOT / "docs" / "rbac").glob("*.yml"))
    for role in yaml.safe_load_all(file.read_text(encoding="utf-8"))
}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Right(NamedTuple):
    """One verb of a role."""

    role: str
    group: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.role}: {self.verb} {self.resource}"


def rights(*roles: str) -> list[Right]:
    return [
        Right(role, group, resource, verb, tuple(rule.get("resourceNames", ())))
        for role in roles
        for rule in ROLES[role]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


@dataclass(frozen=True)
class Account:
    """Somebody with certain rights: ``namespace`` is where its pods are to be, ``options`` what its tasks log in with."""

    live: Live
    namespace: str
    options: Mapping[str, Any]

    def task(self, operation: Operation, **arguments: Any) -> Object:
        return run(operation, **self.options, **arguments)


@dataclass(frozen=True)
class Use:
    """The roles that one use takes, by where they are bound (``""`` is the whole cluster, ``here`` the account's namespace)."""

    roles: Mapping[str, tuple[str, ...]]
    tasks: Callable[[Account], Iterator[Object]]


# --- what is done ------------------------------------------------------------------------------------------------------


def lab(me: Account) -> Iterator[Object]:
    first, second = me.live.workers[:2]
    labels = [{"name": node, "labels": {me.namespace: node}} for node in (first, second)]
    pods: list[Object] = [
        {"name": name, "command": ["sleep", "3600"], "node_selector": {me.namespace: node}}
        for name, node in (("bb1", first), ("bb2", second))
    ]
    here = {"namespace": me.namespace}
    yield me.task(node_label.OPERATION, nodes=labels)
    yield me.task(pod.OPERATION, pods=pods, **here)
    yield me.task(pod.OPERATION, pods=[{**item, "labels": {"lab": "podnet"}} for item in pods], **here)
    yield me.task(pod_info.OPERATION, names=["bb1", "bb2"], **here)
    yield me.task(node_route_info.OPERATION, access="container")
    yield me.task(pod_ping.OPERATION, probes=[{"from": "bb1", "to": "bb2"}], count=1, **here)
    yield me.task(pod_traceroute.OPERATION, probes=[{"from": "bb2", "to": "bb1"}], **here)
    yield me.task(pod.OPERATION, pods=[{"name": item["name"]} for item in pods], state="absent", **here)
    yield me.task(node_label.OPERATION, nodes=labels, state="absent")


def reading(me: Account) -> Iterator[Object]:
    with me.live.admin() as cluster:
        some = cluster.list(path("pods", namespace="kube-system"))["items"][0]["metadata"]["name"]
    yield me.task(pod_info.OPERATION, names=[some], namespace="kube-system")
    yield me.task(pod_info.OPERATION, all_namespaces=True)
    yield me.task(node_route_info.OPERATION, access="container")
    yield me.task(node_route_info.OPERATION, access="agent_pod")


def probing(me: Account) -> Iterator[Object]:
    here = {"namespace": me.namespace}
    yield me.task(pod_ping.OPERATION, probes=[{"from": "bb1", "to": "bb2"}], count=1, **here)
    yield me.task(pod_traceroute.OPERATION, probes=[{"from": "bb2", "to": "bb1"}], **here)


def probing_from_nodes(me: Account) -> Iterator[Object]:
    yield me.task(
        pod_ping.OPERATION,
        probes=[{"from": f"node/{me.live.workers[0]}", "to": f"node/{me.live.workers[1]}"}],
        count=1,
        access="probe_pod",
        probe_namespace=me.namespace,
    )


def validating(me: Account) -> Iterator[Object]:
    yield me.task(network_validate.OPERATION, access="agent_pod", probe_namespace=me.namespace)


USES = {
    "lab": Use({"": ("podnet-lab",), "here": ("podnet-lab-pods",)}, lab),
    "read": Use({"": ("podnet-read",), "kube-system": ("podnet-agents",)}, reading),
    "probe": Use({"": ("podnet-probe",), "here": ("podnet-probe-sources",)}, probing),
    "probe pods": Use({"": ("podnet-probe",), "here": ("podnet-probe-pods",)}, probing_from_nodes),
    "validate": Use(
        {
            "": ("podnet-validate",),
            "kube-system": ("podnet-validate-system", "podnet-agents"),
            "here": ("podnet-probe-pods",),
        },
        validating,
    ),
}

# Without these the work goes on, and says less.
FOR_WORDS_ONLY = {("events", "list"), ("pods/log", "get")}
# The API groups that every cluster has; those of pod networks are as they are with any of these.
INSTALLED = ("", "networking.k8s.io")
# What one use takes of a role that several share.
NOT_FOR = {
    ("probe", "nodes", "get", "podnet-probe"),
    ("probe", "nodes", "list", "podnet-probe"),
    ("probe pods", "nodes", "list", "podnet-probe"),
    ("validate", "pods", "list", "podnet-probe-pods"),
}


def taken_away(*uses: str) -> Iterator[Any]:
    for name in uses:
        for right in rights(*(role for roles in USES[name].roles.values() for role in roles)):
            if (
                right.group not in INSTALLED
                or (right.resource, right.verb) in FOR_WORDS_ONLY
                or (name, right.resource, right.verb, right.role) in NOT_FOR
            ):
                continue
            yield pytest.param(name, right, id=f"{name} without {right.verb} {right.resource} of {right.role}")


# --- accounts ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rbac") / "ca.crt"
    file.write_bytes(base64.b64decode(live.authority))
    return file


@pytest.fixture
def account(live: Live, authority: Path) -> Iterator[Callable[..., Account]]:
    """Makes an account with the roles of a use but for one right, in a namespace of its own; all of it is removed."""
    made: list[str] = []
    labels: dict[str, None] = {}
    with live.admin() as cluster:

        def make(use: str, without: Right | None = None) -> Account:
            namespace = f"podnet-rbac-{secrets.token_hex(3)}"
            cluster.create(path("namespaces"), {"metadata": {"name": namespace}})
            made.append(path("namespaces", namespace))
            labels[namespace] = None
            accounts = path("serviceaccounts", namespace=namespace)
            cluster.create(accounts, {"metadata": {"name": "me"}})
            granted = []
            for where, roles in USES[use].roles.items():
                for role in roles:
                    left = [right for right in rights(role) if right != without]
                    made.extend(bind(cluster, namespace, where, left))
                    granted += [(namespace if where == "here" else where, right) for right in left]
            token = cluster.create(f"{accounts}/me/token", {"spec": {}})["status"]["token"]
            me = Account(live, namespace, {"host": live.server, "api_key": token, "ca_cert": str(authority)})
            wait_for(me, granted)
            return me

        yield make
        with cluster.more_time():
            for url in reversed(made):
                cluster.delete(url)
            for node in live.nodes:
                cluster.merge(path("nodes", node), {"metadata": {"labels": labels}})


def bind(cluster: Cluster, namespace: str, where: str, left: list[Right]) -> Iterator[str]:
    """Give the account ``me`` of a namespace these rights, and name what was made for that."""
    name = f"{namespace}-{secrets.token_hex(3)}"
    rules = [
        {
            "apiGroups": [right.group],
            "resources": [right.resource],
            "verbs": [right.verb],
            "resourceNames": list(right.names),
        }
        for right in left
    ]
    cluster.create(f"{_RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    yield f"{_RBAC}/clusterroles/{name}"
    scope = {"": "clusterrolebindings", "here": f"namespaces/{namespace}/rolebindings"}
    bindings = f"{_RBAC}/{scope.get(where, f'namespaces/{where}/rolebindings')}"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "me"}
    cluster.create(bindings, {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]})
    yield f"{bindings}/{name}"


def wait_for(me: Account, granted: list[tuple[str, Right]]) -> None:
    """An API server takes a moment to know of new roles and bindings."""
    with connect(me.options, PATIENCE) as cluster:
        for namespace, right in granted:
            resource, _slash, subresource = right.resource.partition("/")
            asked = {"group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb}
            asked |= {"namespace": namespace, "name": "".join(right.names)}
            review = {"spec": {"resourceAttributes": asked}}
            url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            while not cluster.create(url, review)["status"]["allowed"]:
                cluster.deadline.remaining(f"waiting for the right to {right}")


@pytest.fixture
def with_pods(live: Live) -> Callable[[Account], Account]:
    """Puts the lab's pods into an account's namespace, whatever the account may do itself."""

    def put(me: Account) -> Account:
        pods = [
            {"name": name, "node": node, "command": ["sleep", "3600"]}
            for name, node in zip(("bb1", "bb2"), live.workers, strict=False)
        ]
        made = live.run(pod.OPERATION, pods=pods, namespace=me.namespace)
        assert not made.get("failed"), made
        return me

    return put


def failure(results: Iterable[Object]) -> Object | None:
    """What the first task says that fails: for a list, its first item that does."""
    for result in results:
        if result.get("failed"):
            items = [item for kind in ("nodes", "pods", "probes") for item in result.get(kind, ()) if "error" in item]
            found: Object = items[0] if items else result
            return found
    return None


def asks_for_create_at_websockets(live: Live) -> bool:
    """Kubernetes 1.35 began to ask for ``create pods/exec`` as well where an exec comes over a WebSocket."""
    with live.admin() as cluster:
        (node, *_others) = cluster.list(path("nodes"))["items"]
    return tuple(map(int, node["status"]["nodeInfo"]["kubeletVersion"].lstrip("v").split(".")[:2])) >= (1, 35)


# --- tests -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", USES)
def test_a_use_needs_no_more_than_its_roles(
    use: str, account: Callable[..., Account], with_pods: Callable[[Account], Account]
) -> None:
    me = account(use)
    if use == "probe":
        with_pods(me)

    results = list(USES[use].tasks(me))

    assert failure(results) is None
    assert not any(result.get("not_proved") for result in results)


@pytest.mark.parametrize(("use", "right"), list(taken_away("lab", "read", "probe", "probe pods")))
def test_a_right_that_is_missing_is_named(
    use: str, right: Right, live: Live, account: Callable[..., Account], with_pods: Callable[[Account], Account]
) -> None:
    if (right.resource, right.verb) == ("pods/exec", "create") and not asks_for_create_at_websockets(live):
        pytest.skip("this Kubernetes does not ask for it")
    me = account(use, without=right)
    if use == "probe":
        with_pods(me)

    failed = failure(USES[use].tasks(me))

    assert failed is not None
    assert f'cannot {right.verb} resource "{right.resource}" in API group ""' in failed["msg"]
    assert f"system:serviceaccount:{me.namespace}:me" in failed["msg"]
    assert "docs/rbac" in failed["msg"]
    # A node that cannot be reached is one error, whatever closed each way to it.
    closed = use == "probe pods" and right.verb == "create"
    assert failed["error"] == ("no-node-access" if closed else "forbidden")


@pytest.mark.parametrize(("use", "right"), list(taken_away("validate")))
def test_a_verdict_names_the_right_that_is_missing(
    use: str, right: Right, live: Live, account: Callable[..., Account]
) -> None:
    if (right.resource, right.verb) == ("pods/exec", "create") and not asks_for_create_at_websockets(live):
        pytest.skip("this Kubernetes does not ask for it")
    (result,) = USES[use].tasks(account(use, without=right))

    if result.get("failed"):
        assert result["error"] == "forbidden"
        said = [result["msg"]]
    else:
        said = [item["reason"] for item in result["not_proved"]]
    resource = f'cannot {right.verb} resource "{right.resource}" in API group "{right.group}"'
    assert any(resource in reason for reason in said), said


def test_without_the_right_to_list_nodes_hops_keep_their_addresses(
    account: Callable[..., Account], with_pods: Callable[[Account], Account]
) -> None:
    me = with_pods(account("probe", without=Right("podnet-probe", "", "nodes", "list")))

    traced = me.task(pod_traceroute.OPERATION, probes=[{"from": "bb2", "to": "bb1"}], namespace=me.namespace)

    assert not traced.get("failed"), traced
    *hops, target = traced["probes"][0]["path"]
    assert target == f"pod {me.namespace}/bb1"
    assert hops
    assert not any(hop.startswith("node ") for hop in hops)


CRASHING = {
    "metadata": {"name": "broken"},
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "main",
                "image": "busybox",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", "echo no milk left; exit 3"],
                # Without it the pod may be seen ready in the moment between its start and its end.
                "readinessProbe": {"exec": {"command": ["false"]}},
            }
        ],
    },
}
WITHOUT_ITS_VOLUME = {
    "metadata": {"name": "broken"},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "busybox",
                "imagePullPolicy": "IfNotPresent",
                "volumeMounts": [{"name": "settings", "mountPath": "/settings"}],
            }
        ],
        "volumes": [{"name": "settings", "configMap": {"name": "shopping-list"}}],
    },
}


# A pod that has ended is waited for no longer; one that lacks its volume is, for as long as the task may take.
@pytest.mark.parametrize(
    ("definition", "timeout", "right", "said"),
    [
        pytest.param(CRASHING, 60, Right("podnet-lab-pods", "", "pods/log", "get"), "no milk left", id="log"),
        pytest.param(
            *(WITHOUT_ITS_VOLUME, 10, Right("podnet-lab-pods", "", "events", "list"), '"shopping-list" not found'),
            id="events",
        ),
    ],
)
def test_rights_for_words_only_make_an_error_say_more(
    definition: Object, timeout: int, right: Right, said: str, account: Callable[..., Account]
) -> None:
    failed = []
    for without in (None, right):
        me = account("lab", without)
        results = [me.task(pod.OPERATION, pods=[{"definition": definition}], namespace=me.namespace, timeout=timeout)]
        failed.append(failure(results) or {})

    assert [item["error"] for item in failed] == ["pod-not-ready", "pod-not-ready"]
    assert said in failed[0]["msg"]
    assert said not in failed[1]["msg"]
