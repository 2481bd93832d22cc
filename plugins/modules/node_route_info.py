# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: node_route_info
short_description: Read the routing tables of nodes, and what each row is for
version_added: 0.1.0
description:
  - Runs C(ip route) on nodes, side by side, and gives what it printed, each row as a record, and what the row is for - whose
    pod or which node's pods it leads to.
  - A line that is not understood is returned as such, never left out.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.info
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
  - kubelab.podnet.cluster.nodes
options:
  nodes:
    description: The nodes to read; empty reads all nodes of the cluster.
    type: list
    elements: str
    default: []
  families:
    description: The address families to read.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: [ipv4]
  explain:
    description:
      - Whether to say of each row what it is for. This reads all nodes and pods of the cluster.
    type: bool
    default: true
  timeout:
    description: The most seconds that the task may take.
    type: int
    default: 60
notes:
  - With O(access=probe_pod) check mode makes no pod and skips.
seealso:
  - plugin: kubelab.podnet.explain_routes
    plugin_type: filter
  - plugin: kubelab.podnet.route_lookup
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the tables of all nodes
  kubelab.podnet.node_route_info:
  register: tables

- name: Show each row of demo-worker with what it is for
  ansible.builtin.debug:
    msg: "{{ item.raw }} -- {{ item.text }}"
  loop: "{{ (tables.nodes | selectattr('name', 'eq', 'demo-worker') | first).routes }}"
  loop_control:
    label: "{{ item.dst }}"

- name: Which row would carry packets from demo-worker to an address
  ansible.builtin.debug:
    msg: "{{ tables.nodes[0].routes | kubelab.podnet.route_lookup('192.168.121.73') }}"
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
    addresses:
      description: Its internal addresses.
      returned: when its table could be read
      type: list
      elements: str
    pod_cidrs:
      description: The ranges of pod addresses that its spec names; not every pod network uses them.
      returned: when its table could be read
      type: list
      elements: str
    access:
      description: The way by which the table was read.
      returned: when its table could be read
      type: str
      choices: [container, agent_pod, probe_pod]
    printed:
      description: For each family what C(ip route) printed.
      returned: when its table could be read
      type: dict
    routes:
      description:
        - The rows in the order printed, with the field names of C(ip -j route). Only fields that are set are there, but
          RV(nodes[].routes[].type), RV(nodes[].routes[].dst) and RV(nodes[].routes[].raw) always are.
      returned: when its table could be read
      type: list
      elements: dict
      contains:
        raw:
          description: The row as printed.
          type: str
        type:
          description: Its type, such as V(unicast) or V(blackhole).
          type: str
        dst:
          description: Its destination as a CIDR; V(0.0.0.0/0) for the default route.
          type: str
        gateway:
          description: The next hop.
          type: str
        dev:
          description: The interface.
          type: str
        purpose:
          description: What the row is for.
          returned: when O(explain=true)
          type: str
          choices: [default, node_network, local_pod, own_block, remote_block, service, other]
        text:
          description: The same as a sentence.
          returned: when O(explain=true)
          type: str
        pod:
          description: The pod that the row leads to, as NAMESPACE/NAME, else V(null).
          returned: when O(explain=true)
          type: str
        node:
          description: The node that the row leads to, else V(null).
          returned: when O(explain=true)
          type: str
        computed_interface:
          description: Whether the interface has the name that is computed for the pod; V(null) without such a rule.
          returned: when O(explain=true)
          type: bool
    unparsed:
      description: Lines that were not understood, with their family, number and text.
      returned: when its table could be read
      type: list
      elements: dict
    msg:
      description: What went wrong with this node, and the next step.
      returned: when it failed
      type: str
    error:
      description: A stable name of what went wrong.
      returned: when it failed
      type: str
  sample:
    - name: demo-worker
      addresses: [172.18.0.4]
      pod_cidrs: [192.168.157.128/26]
      access: container
      printed:
        ipv4: "192.168.157.134 dev cali98fd8882b62 scope link \n"
      routes:
        - raw: "192.168.157.134 dev cali98fd8882b62 scope link "
          type: unicast
          dst: 192.168.157.134/32
          dev: cali98fd8882b62
          scope: link
          purpose: local_pod
          text: pod default/bb1 is reached through its interface cali98fd8882b62
          pod: default/bb1
          node: demo-worker
          computed_interface: true
      unparsed: []
error:
  description: A stable name of what went wrong, C(items-failed) when it was with some of the nodes.
  returned: on failure
  type: str
  sample: no-node-access
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.node_route_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
