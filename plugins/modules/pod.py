# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: pod
short_description: Deploy and delete pods, many at once
version_added: 0.1.0
description:
  - Creates pods, all at once, and waits for all of them by one watch until they are ready; or deletes them and waits until
    they are gone.
  - A pod that does not get ready is explained, by its selector, image, exit code or network.
  - Pods that this module made carry the label C(app.kubernetes.io/managed-by=kubelab.podnet). Only these are ever replaced
    or deleted. A pod of the same name that somebody else made is an error.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.changes
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
options:
  pods:
    description: The pods.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The pod's name. Needed unless O(pods[].definition) has one.
        type: str
      namespace:
        description: Its namespace; by default that of O(pods[].definition), else O(namespace).
        type: str
      image:
        description: The image of its one container; by default V(busybox). It is pulled only where a node does not have it.
        type: str
      command:
        description: The arguments of its one container, such as V([sleep, "3600"]). By default what the image runs.
        type: list
        elements: str
      node:
        description: The node to run on. The scheduler is not asked.
        type: str
      node_selector:
        description: Labels that the node has to have.
        type: dict
      labels:
        description: Labels of the pod, next to C(run) with its name as value.
        type: dict
      host_network:
        description: Whether the pod uses its node's network.
        type: bool
      definition:
        description:
          - The whole pod as the Kubernetes API takes it, in place of the fields above.
          - The label and the annotation by which this module knows its own pods are added.
        type: dict
  namespace:
    description: The namespace of pods that are given without one. It must exist.
    type: str
    default: default
  state:
    description:
      - V(present) creates what is missing. A pod of ours with another definition, or one that has ended, is replaced; where
        only labels or annotations differ it is changed.
      - V(absent) deletes.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait until the pods are ready, or gone.
    type: bool
    default: true
  timeout:
    description: The most seconds that the task may wait.
    type: int
    default: 120
notes:
  - Pods made from the short fields have a grace period of one second, so that they are gone at once when deleted. A C(sleep)
    that is the first process of a container ignores the signal to end and would take the usual 30 seconds.
seealso:
  - module: kubelab.podnet.pod_info
  - module: kubelab.podnet.pod_ping
"""

EXAMPLES = r"""
- name: Deploy the lab's two pods
  kubelab.podnet.pod:
    pods:
      - name: bb1
        command: [sleep, "3600"]
        node_selector: {alias: firstWorker}
      - name: bb2
        command: [sleep, "3600"]
        node_selector: {alias: secondWorker}

- name: Deploy a pod by its whole definition
  kubelab.podnet.pod:
    pods:
      - definition: "{{ lookup('file', 'bb1.yaml') | from_yaml }}"

- name: Delete the lab's two pods
  kubelab.podnet.pod:
    pods: [{name: bb1}, {name: bb2}]
    state: absent
"""

RETURN = r"""
pods:
  description:
    - The pods, in the order asked for. Those that are to be present have the fields that M(kubelab.podnet.pod_info) returns
      too, except those that check mode did not create.
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
    action:
      description: What was done, or in check mode would be.
      returned: always
      type: str
      choices: [none, create, update, replace, delete]
    changed:
      description: Whether anything was done to this pod.
      returned: always
      type: bool
    node:
      description: The node that it is on.
      returned: when it is there
      type: str
    ip:
      description: Its first address.
      returned: when it is there
      type: str
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
      action: create
      changed: true
      node: demo-worker
      ip: 192.168.157.134
      ips: [192.168.157.134]
      host_ip: 172.18.0.4
      host_network: false
      phase: Running
      ready: true
      labels: {run: bb1, app.kubernetes.io/managed-by: kubelab.podnet}
      images: [busybox]
error:
  description: A stable name of what went wrong, C(items-failed) when it was with some of the pods.
  returned: on failure
  type: str
  sample: pod-not-ready
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
