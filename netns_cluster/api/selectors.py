# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Label and field selectors, as the API's queries and a pod's node selector write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from netns_cluster.api.errors import bad_request

Object = dict[str, Any]
Predicate = Callable[[Object], bool]
Getter = Callable[[Object], str | None]

_SET_REQUIREMENT = re.compile(r"\s*(?P<key>[^\s,=!()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)\s*(?:,|$)")
_REQUIREMENT = re.compile(
    r"\s*(?P<absent>!)?\s*(?P<key>[^\s,=!()<>]+)\s*(?:(?P<operator>==|=|!=|<|>)\s*(?P<value>[^\s,=!()]*)\s*)?(?:,|$)"
)


def _involved(name: str) -> Getter:
    return lambda event: event["involvedObject"].get(name)


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

FIELDS: dict[str, dict[str, Getter]] = {
    "pods": {
        "spec.nodeName": lambda pod: pod["spec"].get("nodeName"),
        "spec.restartPolicy": lambda pod: pod["spec"]["restartPolicy"],
        "spec.schedulerName": lambda pod: pod["spec"]["schedulerName"],
        "spec.serviceAccountName": lambda pod: pod["spec"]["serviceAccountName"],
        "spec.hostNetwork": lambda pod: "true" if pod["spec"].get("hostNetwork") else "false",
        "status.phase": lambda pod: pod["status"]["phase"],
        "status.podIP": lambda pod: pod["status"].get("podIP"),
        "status.nominatedNodeName": lambda pod: None,
    },
    "nodes": {"spec.unschedulable": lambda node: "true" if node["spec"].get("unschedulable") else "false"},
    "namespaces": {"status.phase": lambda namespace: namespace["status"]["phase"]},
    "events": {
        **{f"involvedObject.{name}": _involved(name) for name in _INVOLVED},
        "reason": lambda event: event["reason"],
        "type": lambda event: event["type"],
        "source": lambda event: event["source"]["component"],
        "reportingComponent": lambda event: event["reportingComponent"],
    },
}
"""What may be selected by, per resource; the object's name and namespace always may."""


def matches_requirement(labels: Mapping[str, str], key: str, operator: str, values: list[str]) -> bool:
    """Judge one requirement; the operators are those of node affinity: In, NotIn, Exists, DoesNotExist, Gt, Lt."""
    value = labels.get(key)
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    if operator == "NotIn":
        return value not in values
    if value is None:
        return False
    if operator == "In":
        return value in values
    try:
        return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
    except ValueError:
        return False


def label_selector(text: str) -> Predicate:
    """Return a predicate on objects; raises a 400 for what is no selector."""
    requirements: list[tuple[str, str, list[str]]] = []
    position = 0
    while position < len(text):
        match = _SET_REQUIREMENT.match(text, position) or _REQUIREMENT.match(text, position)
        if match is None:
            raise bad_request(f"unable to parse requirement: found {text[position:]!r} in the label selector {text!r}")
        requirements.append(_requirement(match))
        position = match.end()
    return lambda obj: all(matches_requirement(obj["metadata"].get("labels") or {}, *one) for one in requirements)


def _requirement(match: re.Match[str]) -> tuple[str, str, list[str]]:
    fields = match.groupdict()
    key, operator = fields["key"], fields["operator"]
    if "values" in fields:
        values = [value.strip() for value in fields["values"].split(",")]
        return key, "In" if operator == "in" else "NotIn", values
    if operator is None:
        return key, "DoesNotExist" if fields["absent"] else "Exists", []
    return key, {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}[operator], [fields["value"]]


def field_selector(resource: str, text: str) -> Predicate:
    """Return a predicate on objects; raises a 400 for a field that cannot be selected by."""
    wanted: list[tuple[Getter, bool, str]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        name, operator, value = match.groups()
        wanted.append((_field(resource, name), operator != "!=", value))
    return lambda obj: all(((get(obj) or "") == value) == equal for get, equal, value in wanted)


def _field(resource: str, name: str) -> Getter:
    if name in ("metadata.name", "metadata.namespace"):
        return lambda obj: obj["metadata"].get(name.partition(".")[2])
    get = FIELDS.get(resource, {}).get(name)
    if get is None:
        raise bad_request(f"field label not supported: {name}")
    return get
