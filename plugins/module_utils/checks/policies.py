# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which policies are for a pod. What one may forbid is no fault when it does not arrive. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..network.snapshot import Pod, Policy


def policies_for(pod: Pod, policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """The policies that select the pod, or may: those of a kind whose selectors are not read here may select any pod.

    Pods on the host network are outside of most policies' reach, but not of all kinds'.
    """
    return tuple(policy for policy in policies if _selects(policy, pod))


def _selects(policy: Policy, pod: Pod) -> bool:
    if policy.namespace not in (None, pod.namespace):
        return False
    if policy.kind == "NetworkPolicy" and pod.host_network:
        return False
    return policy.pod_selector is None or selector_matches(policy.pod_selector, pod.labels)


def selector_matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector of the Kubernetes API holds of labels. What is not understood may hold."""
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or ()
    if isinstance(wanted, Mapping) and any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(expression, labels) for expression in expressions if isinstance(expression, Mapping))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression.get("key", ""), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True
