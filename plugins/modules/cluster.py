# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: Make and remove a lab cluster
version_added: 0.1.0
description:
  - Makes a Kubernetes cluster to learn and to test pod networking on, with a pod network, waits until its nodes, its CNI and
    its DNS are ready, and writes a kubeconfig file of its own for it.
  - A cluster of that name that is there already is left as it is. When it has another shape - workers, pod network, CNI, node
    image - that is an error that lists the differences; only O(state=absent) removes a cluster.
  - A task that fails or is interrupted while it makes a cluster removes what it made of it.
  - C(~/.kube/config) is never written.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.changes
options:
  name:
    description:
      - The cluster's name. Nodes are called after it, as in C(demo-control-plane), C(demo-worker) and C(demo-worker2).
    type: str
    default: demo
  state:
    description: Whether the cluster is to be there, or to be gone together with the kubeconfig file written for it.
    type: str
    choices: [present, absent]
    default: present
  provider:
    description:
      - V(kind) runs the nodes as containers of the Docker engine, by the program C(kind) 0.27 or newer.
      - V(netns) runs a stand-in made of network namespaces on the controller, with real kernel routes as Calico programs them,
        where there is no Docker engine. It runs pods of busybox only, and only where the task runs on the controller
        itself.
      - V(auto) takes a cluster of that name that is there; else V(kind) where the program and a running engine are there; else
        V(netns). RV(provider_reason) says why.
    type: str
    choices: [auto, kind, netns]
    default: auto
  workers:
    description: How many worker nodes there are besides the one control plane node, which runs the pods when there are none.
    type: int
    default: 2
  pod_subnet:
    description: The IPv4 network of the pods' addresses, with room for a /26 for each node.
    type: str
    default: 192.168.0.0/16
  cni:
    description:
      - The pod network of provider V(kind).
      - V(calico) is a fixed release of Calico, installed by its operator, without BGP and without tunnels between nodes of one
        subnet, with a block of 64 addresses for each node.
      - V(default) is what the node image brings, kindnet in kind's own.
      - Anything else is a list of manifests, as paths on the host that the task runs on or as URLs, applied in that order.
    type: list
    elements: str
    default: [calico]
  node_image:
    description: The node image of provider V(kind), which decides the version of Kubernetes. Without one it is that of C(kind).
    type: str
  images:
    description: Images of the Docker engine to load into all nodes, with provider V(kind).
    type: list
    elements: str
    default: []
  ip_families:
    description: The IP families of pods and nodes. Provider V(kind) makes V(ipv4) clusters only.
    type: str
    choices: [ipv4, ipv6, dual]
    default: ipv4
  kubeconfig:
    description:
      - The kubeconfig file to write, for its owner only. A file there that was not written for this cluster is an error.
      - By default C(kubelab.podnet/NAME.kubeconfig) in C($XDG_STATE_HOME), which is C(~/.local/state) when it is not set.
    type: path
  timeout:
    description: The most seconds that the task may take. Removing what was half made may take some more.
    type: int
    default: 600
notes:
  - The failures that are known, such as no right to the engine's socket, an image that cannot be pulled or used-up inotify
    limits, are told apart by RV(cause), and the message names the next step.
seealso:
  - name: kind
    description: Kubernetes in Docker.
    link: https://kind.sigs.k8s.io
"""

EXAMPLES = r"""
- name: The lab's cluster, on kind with Calico or on network namespaces
  kubelab.podnet.cluster:
  register: lab

- name: Its nodes
  ansible.builtin.command: kubectl --kubeconfig {{ lab.kubeconfig | quote }} get nodes
  changed_when: false

- name: A cluster with flannel and an image of one's own
  kubelab.podnet.cluster:
    name: flannel
    provider: kind
    pod_subnet: 10.244.0.0/16
    cni:
      - https://github.com/flannel-io/flannel/releases/download/v0.28.4/kube-flannel.yml
    images:
      - registry.example.org/shop:1.2
    kubeconfig: "{{ playbook_dir }}/flannel.kubeconfig"

- name: Both are gone
  kubelab.podnet.cluster:
    name: "{{ item.name }}"
    kubeconfig: "{{ item.kubeconfig | default(omit) }}"
    state: absent
  loop:
    - name: demo
    - name: flannel
      kubeconfig: "{{ playbook_dir }}/flannel.kubeconfig"
"""

RETURN = r"""
provider:
  description: The provider that was taken.
  returned: success
  type: str
  sample: kind
provider_reason:
  description: Why it is that provider.
  returned: success
  type: str
  sample: kind v0.33.0 and the Docker engine 29.1.0 are here
emulated:
  description: Whether the cluster is a stand-in, with busybox pods and an Internet of its own, and no real Kubernetes.
  returned: success
  type: bool
  sample: false
name:
  description: The cluster's name.
  returned: success
  type: str
  sample: demo
kubeconfig:
  description: The path of the kubeconfig file. In check mode, and with O(state=absent), it need not be there.
  returned: success
  type: str
  sample: /home/user/.local/state/kubelab.podnet/demo.kubeconfig
context:
  description: The context of the cluster in that file.
  returned: success
  type: str
  sample: kind-demo
nodes:
  description: The cluster's nodes. Empty when there is no cluster, as in check mode before it is made.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The node's name.
      type: str
      returned: always
    role:
      description: V(control-plane) or V(worker).
      type: str
      returned: always
    addresses:
      description: The node's own addresses.
      type: list
      elements: str
      returned: always
  sample:
    - {name: demo-control-plane, role: control-plane, addresses: [172.18.0.3]}
    - {name: demo-worker, role: worker, addresses: [172.18.0.4]}
    - {name: demo-worker2, role: worker, addresses: [172.18.0.2]}
diff:
  description: What was there before and what is there after.
  returned: success
  type: dict
  sample:
    before: {state: absent}
    after:
      state: present
      control_planes: 1
      workers: 2
      pod_subnet: 192.168.0.0/16
      cni: [calico v3.32.4]
      images: []
      kubeconfig: up to date
error:
  description: A stable name of what went wrong.
  returned: on failure
  type: str
  sample: cluster-failed
cause:
  description: A stable name of the problem behind a failure of the engine, of kind or of the cluster.
  returned: on failure, when there is a name for it
  type: str
  sample: inotify-limits
differences:
  description: For each part of the shape that differs, what was C(found) and what was C(asked).
  returned: on failure, when a cluster of another shape is there
  type: dict
  sample: {workers: {found: 1, asked: 2}}
not_ready:
  description: What was not ready when the time was over, one sentence each.
  returned: on failure, when a cluster did not get ready
  type: list
  elements: str
output:
  description: The last lines that the program that failed printed, and those of the nodes' logs.
  returned: on failure of a program
  type: list
  elements: str
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.cluster import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
