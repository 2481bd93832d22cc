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
class Items:
    """A list."""

    item: Schema


@dataclass(frozen=True)
class Mapping:
    """An object with free keys."""

    value: Schema


@dataclass(frozen=True)
class Struct:
    """An object with these fields."""

    name: str
    fields: dict[str, Schema]


Schema = Scalar | Items | Mapping | Struct

STRING = Scalar("string", (str,))
INT32 = Scalar("int32", (int,))
INT64 = Scalar("int64", (int,))
BOOL = Scalar("bool", (bool,))
QUANTITY = Scalar("resource.Quantity", (str, int, float))
INT_OR_STRING = Scalar("intstr.IntOrString", (int, str))
ANY = Scalar("interface {}", (object,))
STRINGS = Items(STRING)
STRING_MAP = Mapping(STRING)

_METADATA = Struct(
    "ObjectMeta",
    dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), STRING)
    | dict.fromkeys(("creationTimestamp", "deletionTimestamp"), STRING)
    | {"generation": INT64, "deletionGracePeriodSeconds": INT64, "labels": STRING_MAP, "annotations": STRING_MAP}
    | {"ownerReferences": Items(ANY), "finalizers": STRINGS, "managedFields": Items(ANY)},
)
_KEY_REFERENCE = Struct("SecretKeySelector", {"name": STRING, "key": STRING, "optional": BOOL})
_ENV = Struct(
    "EnvVar",
    {
        "name": STRING,
        "value": STRING,
        "valueFrom": Struct(
            "EnvVarSource",
            {
                "fieldRef": Struct("ObjectFieldSelector", {"apiVersion": STRING, "fieldPath": STRING}),
                "resourceFieldRef": ANY,
                "configMapKeyRef": _KEY_REFERENCE,
                "secretKeyRef": _KEY_REFERENCE,
                "fileKeyRef": ANY,
            },
        ),
    },
)
_CONTAINER_SECURITY = Struct(
    "SecurityContext",
    {
        "capabilities": Struct("Capabilities", {"add": STRINGS, "drop": STRINGS}),
        "runAsUser": INT64,
        "runAsGroup": INT64,
        "procMount": STRING,
    }
    | dict.fromkeys(("seLinuxOptions", "windowsOptions", "seccompProfile", "appArmorProfile"), ANY)
    | dict.fromkeys(("privileged", "runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation"), BOOL),
)
_CONTAINER = Struct(
    "Container",
    dict.fromkeys(("name", "image", "workingDir", "imagePullPolicy"), STRING)
    | dict.fromkeys(("terminationMessagePath", "terminationMessagePolicy", "restartPolicy"), STRING)
    | dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe", "lifecycle"), ANY)
    | dict.fromkeys(("envFrom", "resizePolicy", "volumeDevices", "restartPolicyRules"), Items(ANY))
    | {
        "command": STRINGS,
        "args": STRINGS,
        "env": Items(_ENV),
        "ports": Items(
            Struct(
                "ContainerPort",
                {"name": STRING, "containerPort": INT32, "hostPort": INT32, "protocol": STRING, "hostIP": STRING},
            )
        ),
        "resources": Struct(
            "ResourceRequirements",
            {"limits": Mapping(QUANTITY), "requests": Mapping(QUANTITY), "claims": Items(ANY)},
        ),
        "volumeMounts": Items(
            Struct(
                "VolumeMount",
                dict.fromkeys(("name", "mountPath", "subPath", "subPathExpr", "mountPropagation"), STRING)
                | {"readOnly": BOOL, "recursiveReadOnly": STRING},
            )
        ),
        "securityContext": _CONTAINER_SECURITY,
        "stdin": BOOL,
        "stdinOnce": BOOL,
        "tty": BOOL,
    },
)
_EXPRESSIONS = Items(
    Struct("NodeSelectorRequirement", {"key": STRING, "operator": STRING, "values": STRINGS}),
)
_NODE_TERM = Struct("NodeSelectorTerm", {"matchExpressions": _EXPRESSIONS, "matchFields": _EXPRESSIONS})
_AFFINITY = Struct(
    "Affinity",
    {
        "nodeAffinity": Struct(
            "NodeAffinity",
            {
                "requiredDuringSchedulingIgnoredDuringExecution": Struct(
                    "NodeSelector", {"nodeSelectorTerms": Items(_NODE_TERM)}
                ),
                "preferredDuringSchedulingIgnoredDuringExecution": Items(
                    Struct("PreferredSchedulingTerm", {"weight": INT32, "preference": _NODE_TERM})
                ),
            },
        ),
        "podAffinity": ANY,
        "podAntiAffinity": ANY,
    },
)
_VOLUME_KINDS = (
    "hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd "
    "flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk photonPersistentDisk "
    "projected portworxVolume scaleIO storageos csi ephemeral image"
)
_POD_SPEC = Struct(
    "PodSpec",
    dict.fromkeys(
        ("restartPolicy", "dnsPolicy", "serviceAccountName", "serviceAccount", "nodeName", "hostname"), STRING
    )
    | dict.fromkeys(("subdomain", "schedulerName", "priorityClassName", "runtimeClassName", "preemptionPolicy"), STRING)
    | {
        "hostnameOverride": STRING,
        "terminationGracePeriodSeconds": INT64,
        "activeDeadlineSeconds": INT64,
        "priority": INT32,
    }
    | dict.fromkeys(("automountServiceAccountToken", "hostNetwork", "hostPID", "hostIPC", "hostUsers"), BOOL)
    | dict.fromkeys(("shareProcessNamespace", "setHostnameAsFQDN", "enableServiceLinks"), BOOL)
    | dict.fromkeys(
        ("initContainers", "ephemeralContainers", "readinessGates", "topologySpreadConstraints"), Items(ANY)
    )
    | dict.fromkeys(("schedulingGates", "resourceClaims"), Items(ANY))
    | dict.fromkeys(("os", "resources", "workloadRef"), ANY)
    | {
        "volumes": Items(Struct("Volume", {"name": STRING} | dict.fromkeys(_VOLUME_KINDS.split(), ANY))),
        "containers": Items(_CONTAINER),
        "nodeSelector": STRING_MAP,
        "affinity": _AFFINITY,
        "securityContext": Struct(
            "PodSecurityContext",
            dict.fromkeys(("seLinuxOptions", "windowsOptions", "seccompProfile", "appArmorProfile"), ANY)
            | dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), INT64)
            | dict.fromkeys(("supplementalGroupsPolicy", "fsGroupChangePolicy", "seLinuxChangePolicy"), STRING)
            | {"runAsNonRoot": BOOL, "supplementalGroups": Items(INT64), "sysctls": Items(ANY)},
        ),
        "imagePullSecrets": Items(Struct("LocalObjectReference", {"name": STRING})),
        "tolerations": Items(
            Struct(
                "Toleration",
                {"key": STRING, "operator": STRING, "value": STRING, "effect": STRING, "tolerationSeconds": INT64},
            )
        ),
        "hostAliases": Items(Struct("HostAlias", {"ip": STRING, "hostnames": STRINGS})),
        "dnsConfig": Struct(
            "PodDNSConfig",
            {
                "nameservers": STRINGS,
                "searches": STRINGS,
                "options": Items(Struct("PodDNSConfigOption", {"name": STRING, "value": STRING})),
            },
        ),
        "overhead": Mapping(QUANTITY),
    },
)
_TAINT = Struct("Taint", dict.fromkeys(("key", "value", "effect", "timeAdded"), STRING))


def _kind(name: str, spec: Schema) -> Struct:
    return Struct(name, {"kind": STRING, "apiVersion": STRING, "metadata": _METADATA, "spec": spec, "status": ANY})


SCHEMAS: dict[str, Struct] = {
    "Pod": _kind("Pod", _POD_SPEC),
    "Namespace": _kind("Namespace", Struct("NamespaceSpec", {"finalizers": STRINGS})),
    "Node": _kind(
        "Node",
        Struct(
            "NodeSpec",
            {"podCIDR": STRING, "podCIDRs": STRINGS, "providerID": STRING, "externalID": STRING, "unschedulable": BOOL}
            | {"taints": Items(_TAINT), "configSource": ANY},
        ),
    ),
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
    expected = _json_type(schema)
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise _WrongTypeError(f"{_json_name(value)} into Go struct field {struct}.{go_path} of type {_go_type(schema)}")
    if isinstance(schema, Items):
        for place, item in enumerate(value):
            _check(schema.item, item, struct, go_path, f"{path}[{place}]", unknown)
    elif isinstance(schema, Mapping):
        for key, item in value.items():
            _check(schema.value, item, struct, go_path, f"{path}.{key}", unknown)
    elif isinstance(schema, Struct):
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if key in schema.fields:
                _check(schema.fields[key], item, schema.name, f"{go_path}.{key}" if go_path else key, below, unknown)
            else:
                unknown.append(below)


def _json_type(schema: Schema) -> tuple[type, ...]:
    if isinstance(schema, Scalar):
        return schema.accepts
    return (list,) if isinstance(schema, Items) else (dict,)


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}[type(value)]


def _go_type(schema: Schema) -> str:
    if isinstance(schema, Scalar):
        return schema.go_type
    if isinstance(schema, Items):
        return f"[]{_go_type(schema.item)}"
    if isinstance(schema, Mapping):
        return f"map[string]{_go_type(schema.value)}"
    return f"v1.{schema.name}"
