# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API does with a pod that a client writes: defaults, validation, updates."""

from __future__ import annotations

import copy
import json
from typing import Any

from netns_cluster import images
from netns_cluster.api import validation as check
from netns_cluster.api.errors import Cause, invalid

Object = dict[str, Any]

_DEFAULT_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{condition}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for condition in ("not-ready", "unreachable")
]
_UNSUPPORTED_SPEC = {
    "initContainers": "init containers",
    "ephemeralContainers": "ephemeral containers",
    "topologySpreadConstraints": "topology spread constraints",
    "schedulingGates": "scheduling gates",
    "readinessGates": "readiness gates",
    "resourceClaims": "resource claims",
    "hostPID": "pods that share the host's process ids",
    "hostIPC": "pods that share the host's IPC",
    "shareProcessNamespace": "containers that share process ids",
    "runtimeClassName": "runtime classes",
    "priorityClassName": "priority classes",
}
_UNSUPPORTED_CONTAINER = {
    "livenessProbe": "probes",
    "readinessProbe": "probes",
    "startupProbe": "probes",
    "lifecycle": "lifecycle hooks",
    "envFrom": "environments from config maps and secrets",
    "restartPolicy": "restart policies of single containers",
    "volumeDevices": "block devices",
}
_MUTABLE_MESSAGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
)


def with_defaults(pod: Object) -> Object:
    """Return a pod as the API stores a new one: every default filled in, status Pending."""
    spec = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    } | {key: value for key, value in pod.get("spec", {}).items() if value is not None}
    spec["serviceAccount"] = spec["serviceAccountName"]
    spec["containers"] = [_container_with_defaults(container, spec) for container in spec.get("containers") or []]
    tolerations = list(spec.get("tolerations") or [])
    tolerated = {toleration.get("key") for toleration in tolerations}
    spec["tolerations"] = tolerations + [default for default in _DEFAULT_TOLERATIONS if default["key"] not in tolerated]
    status = {"phase": "Pending", "qosClass": qos_class(spec)}
    return {**pod, "metadata": {**pod["metadata"], "generation": 1}, "spec": spec, "status": status}


def _container_with_defaults(container: Object, spec: Object) -> Object:
    image = container.get("image", "")
    defaults = {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always" if images.pulled_always(image) else "IfNotPresent",
    }
    container = defaults | {key: value for key, value in container.items() if value is not None}
    if container.get("ports"):
        container["ports"] = [{"protocol": "TCP", **port} for port in container["ports"]]
        if spec.get("hostNetwork"):
            container["ports"] = [{"hostPort": port.get("containerPort"), **port} for port in container["ports"]]
    return container


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by what the containers request."""
    resources = [container.get("resources") or {} for container in spec["containers"]]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    for one in resources:
        limits = one.get("limits") or {}
        if not {"cpu", "memory"} <= limits.keys() or (one.get("requests") or limits) != limits:
            return "Burstable"
    return "Guaranteed"


def validate(pod: Object) -> None:
    """Raise a 422 that names everything that is wrong with a new pod."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    causes = check.check_subdomain("metadata.name", name) + check.check_metadata(pod["metadata"])
    causes += _check_volumes(spec)
    if not spec["containers"]:
        causes.append(check.required("spec.containers"))
    names: set[str] = set()
    for place, container in enumerate(spec["containers"]):
        field = f"spec.containers[{place}]"
        causes += _check_container(field, container, {volume.get("name") for volume in spec.get("volumes") or []})
        if container.get("name") and container["name"] in names:
            causes.append(check.duplicate_value(f"{field}.name", container["name"]))
        names.add(container.get("name", ""))
    causes += _check_spec(spec)
    if causes:
        raise invalid("Pod", name, causes)


def _check_spec(spec: Object) -> list[Cause]:
    causes = []
    choices = {
        "restartPolicy": ["Always", "OnFailure", "Never"],
        "dnsPolicy": ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    }
    for field, supported in choices.items():
        if spec[field] not in supported:
            causes.append(check.unsupported_value(f"spec.{field}", spec[field], supported))
    causes += check.check_labels("spec.nodeSelector", spec.get("nodeSelector") or {})
    if spec.get("nodeName"):
        causes += check.check_subdomain("spec.nodeName", spec["nodeName"])
    if spec["terminationGracePeriodSeconds"] < 0:
        why = "must be greater than or equal to 0"
        causes.append(
            check.invalid_value("spec.terminationGracePeriodSeconds", spec["terminationGracePeriodSeconds"], why)
        )
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        why = "must be between 1 and 2147483647, inclusive"
        causes.append(check.invalid_value("spec.activeDeadlineSeconds", deadline, why))
    causes += [_unsupported(f"spec.{field}", what) for field, what in _UNSUPPORTED_SPEC.items() if spec.get(field)]
    affinity = spec.get("affinity") or {}
    for field in ("podAffinity", "podAntiAffinity"):
        if affinity.get(field):
            causes.append(_unsupported(f"spec.affinity.{field}", "affinity between pods"))
    if (spec.get("securityContext") or {}).get("sysctls"):
        causes.append(_unsupported("spec.securityContext.sysctls", "sysctls of pods"))
    return causes


def _check_container(field: str, container: Object, volumes: set[str | None]) -> list[Cause]:
    causes = check.check_label(f"{field}.name", container.get("name", ""))
    image = container.get("image", "")
    if not image:
        causes.append(check.required(f"{field}.image"))
    elif image != image.strip():
        causes.append(check.invalid_value(f"{field}.image", image, "must not have leading or trailing whitespace"))
    policies = ["Always", "IfNotPresent", "Never"]
    if container["imagePullPolicy"] not in policies:
        causes.append(check.unsupported_value(f"{field}.imagePullPolicy", container["imagePullPolicy"], policies))
    for place, port in enumerate(container.get("ports") or []):
        if not 0 < port.get("containerPort", 0) < 65536:
            why = "must be between 1 and 65535, inclusive"
            causes.append(
                check.invalid_value(f"{field}.ports[{place}].containerPort", port.get("containerPort", 0), why)
            )
    causes += _check_environment(f"{field}.env", container.get("env") or [])
    causes += _check_mounts(f"{field}.volumeMounts", container.get("volumeMounts") or [], volumes)
    causes += [
        _unsupported(f"{field}.{key}", what) for key, what in _UNSUPPORTED_CONTAINER.items() if container.get(key)
    ]
    return causes


def _check_environment(field: str, variables: list[Object]) -> list[Cause]:
    causes = []
    for place, variable in enumerate(variables):
        if not variable.get("name"):
            causes.append(check.required(f"{field}[{place}].name"))
        source = variable.get("valueFrom") or {}
        if source and "fieldRef" not in source:
            causes.append(_unsupported(f"{field}[{place}].valueFrom", "values other than fieldRef"))
    return causes


def _check_mounts(field: str, mounts: list[Object], volumes: set[str | None]) -> list[Cause]:
    causes = []
    for place, mount in enumerate(mounts):
        name = mount.get("name", "")
        if name not in volumes:
            causes.append(Cause("FieldValueNotFound", f'Not found: "{name}"', f"{field}[{place}].name"))
        if not mount.get("mountPath"):
            causes.append(check.required(f"{field}[{place}].mountPath"))
        elif not mount["mountPath"].startswith("/") or ".." in mount["mountPath"].split("/"):
            causes.append(_unsupported(f"{field}[{place}].mountPath", "place for a volume but an absolute path"))
        if mount.get("subPath") or mount.get("subPathExpr"):
            causes.append(_unsupported(f"{field}[{place}].subPath", "mounts of parts of volumes"))
    return causes


def _check_volumes(spec: Object) -> list[Cause]:
    causes = []
    names: set[str] = set()
    for place, volume in enumerate(spec.get("volumes") or []):
        field = f"spec.volumes[{place}]"
        causes += check.check_label(f"{field}.name", volume.get("name", ""))
        if volume.get("name") in names:
            causes.append(check.duplicate_value(f"{field}.name", volume["name"]))
        names.add(volume.get("name", ""))
        kinds = [key for key, value in volume.items() if key != "name" and value is not None]
        causes += [
            _unsupported(f"{field}.{kind}", "volumes other than emptyDir") for kind in kinds if kind != "emptyDir"
        ]
    return causes


def _unsupported(field: str, what: str) -> Cause:
    return check.forbidden_field(field, f"a cluster of network namespaces has no {what}")


def validate_update(new: Object, old: Object) -> None:
    """Raise a 422 when an update changes what cannot be changed."""
    name = old["metadata"]["name"]
    causes = check.check_metadata(new["metadata"])
    allowed = copy.deepcopy(old["spec"])
    wanted = new["spec"]
    for place, (mine, other) in enumerate(zip(allowed["containers"], wanted["containers"], strict=False)):
        if mine["image"] != other.get("image"):
            causes.append(_unsupported(f"spec.containers[{place}].image", "way to change the image of a pod"))
            mine["image"] = other.get("image")
    if allowed.get("activeDeadlineSeconds") != wanted.get("activeDeadlineSeconds"):
        causes.append(_unsupported("spec.activeDeadlineSeconds", "way to change the deadline of a pod"))
        allowed["activeDeadlineSeconds"] = wanted.get("activeDeadlineSeconds")
    if all(toleration in wanted.get("tolerations", []) for toleration in old["spec"]["tolerations"]):
        allowed["tolerations"] = wanted["tolerations"]
    if allowed != wanted:
        causes.append(check.forbidden_field("spec", _MUTABLE_MESSAGE + _difference(allowed, wanted)))
    if causes:
        raise invalid("Pod", name, causes)


def _difference(old: Object, new: Object) -> str:
    """Show the fields that differ, as a real API server does, without its context lines."""
    lines = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            name = f'"{key[0].upper()}{key[1:]}"'
            lines += [f"- {name}: {json.dumps(old.get(key))},\n", f"+ {name}: {json.dumps(new.get(key))},\n"]
    return "".join(f"  {line}" if line[0] not in "-+" else line for line in lines)
