# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: pod_info
short_description: Where pods are and what addresses they have
version_added: 0.1.0
description:
  - Reads pods by name, or all that selectors match, and gives what the pod network is about in a few plain fields.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.info
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
options:
  names:
    description: The pods to read; one that is not there is an error. Empty reads all that the selectors match.
    type: list
    elements: str
    default: []
  namespace:
    description: The namespace of the pods.
    type: str
    default: default
  all_namespaces:
    description: Whether to read the pods of all namespaces. Not together with O(names).
    type: bool
    default: false
  label_selector:
    description: Only pods whose labels match, in kubectl's notation, such as V(run in (bb1, bb2)).
    type: str
  field_selector:
    description: Only pods whose fields match, in kubectl's notation, such as V(spec.nodeName=demo-worker).
    type: str
  query:
    description:
      - A JMESPath expression that is applied to the list of pods as the Kubernetes API returns them.
      - What it gives stands under RV(query_result).
    type: str
  timeout:
    description: The most seconds that the task may take.
    type: int
    default: 30
requirements:
  - jmespath >= 1.0.0 (Python), for O(query)
seealso:
  - module: kubelab.podnet.node_route_info
"""

EXAMPLES = r"""
- name: Read the lab's two pods
  kubelab.podnet.pod_info:
    names: [bb1, bb2]
  register: placement

- name: Which pods of the cluster run on one node
  kubelab.podnet.pod_info:
    all_namespaces: true
    field_selector: spec.nodeName=demo-worker

- name: Anything else that the API knows of pods
  kubelab.podnet.pod_info:
    query: "[?status.phase=='Running'].{pod: metadata.name, since: status.startTime}"
"""

RETURN = r"""
pods:
  description: The pods, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    namespace:
      description: The pod's namespace.
      returned: always
      type: str
    name:
      description: The pod's name.
      returned: always
      type: str
    node:
      description: The node that it is on; V(null) before it is scheduled.
      returned: when the pod was found
      type: str
    ip:
      description: Its first address; V(null) before its network is set up.
      returned: when the pod was found
      type: str
    ips:
      description: All its addresses.
      returned: when the pod was found
      type: list
      elements: str
    host_ip:
      description: The address of its node.
      returned: when the pod was found
      type: str
    host_network:
      description: Whether it uses its node's network.
      returned: when the pod was found
      type: bool
    phase:
      description: What the API says of its life, such as V(Running).
      returned: when the pod was found
      type: str
    ready:
      description: Whether it runs, has an address and is not being deleted.
      returned: when the pod was found
      type: bool
    labels:
      description: Its labels.
      returned: when the pod was found
      type: dict
    images:
      description: The images of its containers.
      returned: when the pod was found
      type: list
      elements: str
    msg:
      description: What went wrong with this pod, and the next step.
      returned: when it failed
      type: str
    error:
      description: A stable name of what went wrong.
      returned: when it failed
      type: str
  sample:
    - namespace: default
      name: bb1
      node: demo-worker
      ip: 192.168.157.134
      ips: [192.168.157.134]
      host_ip: 172.18.0.4
      host_network: false
      phase: Running
      ready: true
      labels: {run: bb1, app.kubernetes.io/managed-by: kubelab.podnet}
      images: [busybox]
query_result:
  description: What O(query) gives.
  returned: when O(query) is set
  type: raw
  sample: [{pod: bb1, since: "2026-01-01T00:00:00Z"}]
error:
  description: A stable name of what went wrong, C(items-failed) when it was with some of the pods.
  returned: on failure
  type: str
  sample: not-found
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
