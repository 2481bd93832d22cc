# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: node_label
short_description: Add, change and remove labels of nodes
version_added: 0.1.0
description:
  - Brings labels of any number of nodes to the values given, all nodes side by side.
  - Labels that are not named stay as they are.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.changes
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
options:
  nodes:
    description: The nodes and what their labels are to be.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The node's name.
        type: str
        required: true
      labels:
        description: Label keys with their values.
        type: dict
        required: true
  state:
    description: V(present) gives the labels these values. V(absent) removes them, whatever their values are.
    type: str
    choices: [present, absent]
    default: present
  overwrite:
    description: Whether a label that has another value may be changed. If not, that is an error, as with kubectl.
    type: bool
    default: true
  timeout:
    description: The most seconds that the task may take.
    type: int
    default: 30
seealso:
  - module: kubelab.podnet.pod
"""

EXAMPLES = r"""
- name: Label the lab's two workers
  kubelab.podnet.node_label:
    nodes:
      - name: demo-worker
        labels: {alias: firstWorker}
      - name: demo-worker2
        labels: {alias: secondWorker}

- name: Take the labels away again
  kubelab.podnet.node_label:
    nodes:
      - name: demo-worker
        labels: {alias: firstWorker}
      - name: demo-worker2
        labels: {alias: secondWorker}
    state: absent
"""

RETURN = r"""
nodes:
  description: The nodes, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The node's name.
      returned: always
      type: str
    changed:
      description: Whether a label of this node was changed.
      returned: always
      type: bool
    labels:
      description: Those of the labels asked for that the node has now.
      returned: when the node was found and its labels could be set
      type: dict
    msg:
      description: What went wrong with this node, and the next step.
      returned: when it failed
      type: str
    error:
      description: A stable name of what went wrong.
      returned: when it failed
      type: str
  sample:
    - {name: demo-worker, changed: true, labels: {alias: firstWorker}}
    - {name: demo-worker2, changed: true, labels: {alias: secondWorker}}
error:
  description: A stable name of what went wrong, C(items-failed) when it was with some of the nodes.
  returned: on failure
  type: str
  sample: items-failed
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.node_label import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
