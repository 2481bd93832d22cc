# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fields of the objects that clients may write, their types, and the errors of a real API server's decoder.

Only what this cluster reads is described down to its leaves; parts that it refuses or ignores are ``ANY``. Names and types are
those of k8s.io/api/core/v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netns_cluster.api.errors import bad_request

Object = dict[str, Any]


@dataclass(frozen=True)
class Scalar:
    """A leaf: the Go type's name, and the Python types of the JSON values that it takes."""

    go_type: str
    accepts: tuple[type, ...]


@dataclass(frozen=True)
class ListOf:
    """A list."""

    item: Schema


@dataclass(frozen=True)
class MapOf:
    """An object with free keys."""

    value: Schema


@dataclass(frozen=True)
class Struct:
    """An object with these fields."""

    name: str
    fields: dict[str, Schema]


Schema = Scalar | ListOf | MapOf | Struct

STRING = Scalar("string", (str,))
INT32 = Scalar("int32", (int,))
INT64 = Scalar("int64", (int,))
BOOL = Scalar("bool", (bool,))
QUANTITY = Scalar("resource.Quantity", (str, int, float))
ANY = Scalar("interface {}", (object,))
STRINGS = ListOf(STRING)
STRING_MAP = MapOf(STRING)


def _all(schema: Schema, names: str) -> dict[str, Schema]:
    return dict.fromkeys(names.split(), schema)


_METADATA = Struct(
    "ObjectMeta",
    _all(STRING, "name generateName namespace selfLink uid resourceVersion creationTimestamp deletionTimestamp")
    | _all(INT64, "generation deletionGracePeriodSeconds")
    | _all(STRING_MAP, "labels annotations")
    | _all(ListOf(ANY), "ownerReferences managedFields")
    | {"finalizers": STRINGS},
)
_ENV_SOURCE = Struct(
    "EnvVarSource",
    _all(ANY, "resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef")
    | {"fieldRef": Struct("ObjectFieldSelector", _all(STRING, "apiVersion fieldPath"))},
)
_CONTAINER_SECURITY = Struct(
    "SecurityContext",
    _all(BOOL, "privileged runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation")
    | _all(INT64, "runAsUser runAsGroup")
    | _all(ANY, "seLinuxOptions windowsOptions seccompProfile appArmorProfile procMount")
    | {"capabilities": Struct("Capabilities", _all(STRINGS, "add drop"))},
)
_CONTAINER = Struct(
    "Container",
    _all(STRING, "name image workingDir imagePullPolicy terminationMessagePath terminationMessagePolicy restartPolicy")
    | _all(STRINGS, "command args")
    | _all(BOOL, "stdin stdinOnce tty")
    | _all(ANY, "livenessProbe readinessProbe startupProbe lifecycle")
    | _all(ListOf(ANY), "envFrom resizePolicy volumeDevices restartPolicyRules")
    | {
        "env": ListOf(Struct("EnvVar", _all(STRING, "name value") | {"valueFrom": _ENV_SOURCE})),
        "ports": ListOf(
            Struct("ContainerPort", _all(STRING, "name protocol hostIP") | _all(INT32, "containerPort hostPort"))
        ),
        "resources": Struct("ResourceRequirements", _all(MapOf(QUANTITY), "limits requests") | {"claims": ListOf(ANY)}),
        "volumeMounts": ListOf(
            Struct(
                "VolumeMount",
                _all(STRING, "name mountPath subPath subPathExpr mountPropagation recursiveReadOnly")
                | {"readOnly": BOOL},
            )
        ),
        "securityContext": _CONTAINER_SECURITY,
    },
)
_REQUIREMENTS = ListOf(Struct("NodeSelectorRequirement", _all(STRING, "key operator") | {"values": STRINGS}))
_NODE_TERM = Struct("NodeSelectorTerm", _all(_REQUIREMENTS, "matchExpressions matchFields"))
_NODE_AFFINITY = Struct(
    "NodeAffinity",
    {
        "requiredDuringSchedulingIgnoredDuringExecution": Struct(
            "NodeSelector", {"nodeSelectorTerms": ListOf(_NODE_TERM)}
        ),
        "preferredDuringSchedulingIgnoredDuringExecution": ListOf(
            Struct("PreferredSchedulingTerm", {"weight": INT32, "preference": _NODE_TERM})
        ),
    },
)
_POD_SECURITY = Struct(
    "PodSecurityContext",
    _all(INT64, "runAsUser runAsGroup fsGroup")
    | _all(STRING, "supplementalGroupsPolicy fsGroupChangePolicy seLinuxChangePolicy")
    | _all(ANY, "seLinuxOptions windowsOptions seccompProfile appArmorProfile")
    | {"runAsNonRoot": BOOL, "supplementalGroups": ListOf(INT64), "sysctls": ListOf(ANY)},
)
_VOLUME = Struct(
    "Volume",
    _all(
        ANY,
        "hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim",
    )
    | _all(
        ANY, "rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk"
    )
    | _all(ANY, "photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image")
    | {"name": STRING},
)
_DNS_CONFIG = Struct(
    "PodDNSConfig",
    _all(STRINGS, "nameservers searches")
    | {"options": ListOf(Struct("PodDNSConfigOption", _all(STRING, "name value")))},
)
_POD_SPEC = Struct(
    "PodSpec",
    _all(STRING, "restartPolicy dnsPolicy serviceAccountName serviceAccount nodeName hostname subdomain schedulerName")
    | _all(STRING, "priorityClassName runtimeClassName preemptionPolicy hostnameOverride")
    | _all(INT64, "terminationGracePeriodSeconds activeDeadlineSeconds")
    | _all(BOOL, "automountServiceAccountToken hostNetwork hostPID hostIPC hostUsers shareProcessNamespace")
    | _all(BOOL, "setHostnameAsFQDN enableServiceLinks")
    | _all(
        ListOf(ANY),
        "initContainers ephemeralContainers readinessGates topologySpreadConstraints schedulingGates resourceClaims",
    )
    | _all(ANY, "os resources workloadRef")
    | {
        "priority": INT32,
        "containers": ListOf(_CONTAINER),
        "volumes": ListOf(_VOLUME),
        "nodeSelector": STRING_MAP,
        "affinity": Struct("Affinity", _all(ANY, "podAffinity podAntiAffinity") | {"nodeAffinity": _NODE_AFFINITY}),
        "securityContext": _POD_SECURITY,
        "imagePullSecrets": ListOf(Struct("LocalObjectReference", {"name": STRING})),
        "tolerations": ListOf(
            Struct("Toleration", _all(STRING, "key operator value effect") | {"tolerationSeconds": INT64})
        ),
        "hostAliases": ListOf(Struct("HostAlias", {"ip": STRING, "hostnames": STRINGS})),
        "dnsConfig": _DNS_CONFIG,
        "overhead": MapOf(QUANTITY),
    },
)
_NODE_SPEC = Struct(
    "NodeSpec",
    _all(STRING, "podCIDR providerID externalID")
    | {"podCIDRs": STRINGS, "unschedulable": BOOL, "configSource": ANY}
    | {"taints": ListOf(Struct("Taint", _all(STRING, "key value effect timeAdded")))},
)


def _kind(name: str, spec: Schema) -> Struct:
    return Struct(name, _all(STRING, "kind apiVersion") | {"metadata": _METADATA, "spec": spec, "status": ANY})


SCHEMAS = {
    "Pod": _kind("Pod", _POD_SPEC),
    "Namespace": _kind("Namespace", Struct("NamespaceSpec", {"finalizers": STRINGS})),
    "Node": _kind("Node", _NODE_SPEC),
}


def check(kind: str, obj: Object) -> list[str]:
    """Check the types of all fields; return the paths of those that do not exist. Raises a 400 for a wrong type."""
    unknown: list[str] = []
    try:
        _check(SCHEMAS[kind], obj, SCHEMAS[kind].name, "", "", unknown)
    except _WrongTypeError as error:
        raise bad_request(
            f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal {error}'
        ) from error
    return unknown


def strict_error(kind: str, unknown: list[str]) -> str:
    return f'{kind} in version "v1" cannot be handled as a {kind}: strict decoding error: {describe_unknown(unknown)}'


def describe_unknown(unknown: list[str]) -> str:
    return ", ".join(f'unknown field "{path}"' for path in unknown)


class _WrongTypeError(Exception):
    pass


def _check(schema: Schema, value: Any, struct: str, go_path: str, path: str, unknown: list[str]) -> None:
    """``go_path`` is the path as Go prints it, without indexes; ``struct`` the type that holds the field."""
    if value is None or schema is ANY:
        return
    if not _fits(schema, value):
        raise _WrongTypeError(f"{_json_name(value)} into Go struct field {struct}.{go_path} of type {_go_type(schema)}")
    if isinstance(schema, ListOf):
        for place, item in enumerate(value):
            _check(schema.item, item, struct, go_path, f"{path}[{place}]", unknown)
    elif isinstance(schema, MapOf):
        for key, item in value.items():
            _check(schema.value, item, struct, go_path, f"{path}.{key}", unknown)
    elif isinstance(schema, Struct):
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if key in schema.fields:
                _check(schema.fields[key], item, schema.name, f"{go_path}.{key}" if go_path else key, below, unknown)
            else:
                unknown.append(below)


def _fits(schema: Schema, value: Any) -> bool:
    if isinstance(schema, Scalar):
        return isinstance(value, schema.accepts) and (bool in schema.accepts or not isinstance(value, bool))
    return isinstance(value, list if isinstance(schema, ListOf) else dict)


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}[type(value)]


def _go_type(schema: Schema) -> str:
    if isinstance(schema, Scalar):
        return schema.go_type
    if isinstance(schema, ListOf):
        return f"[]{_go_type(schema.item)}"
    if isinstance(schema, MapOf):
        return f"map[string]{_go_type(schema.value)}"
    return f"v1.{schema.name}"
