# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: network_validate
short_description: Prove or refute the pod network of a cluster
version_added: 0.1.0
description:
  - Looks at a whole cluster - its API, the tables of its nodes, what packets of probe pods do - and returns one verdict, with
    each fault named, its evidence and its remedy.
  - Three promises of Kubernetes are proved or refuted. P1 is that pods talk to pods without NAT, P2 that nodes talk to pods
    without NAT, P3 that a pod sees itself at the address that others see.
  - Tables tell where packets are sent; that they arrive, untranslated, only packets prove. For these two probe pods are made on
    each node, one in the pod network and one on the host network, and removed at the end.
  - Up to 20 pods that did not answer a ping of a probe are looked into - C(ip addr), C(ip route), C(ip neigh) and
    C(cat /etc/resolv.conf) are run in them, which changes nothing. Where that is not allowed it is left out.
  - What cannot be read, is refused or cannot be proved is returned under RV(not_proved) with the reason, and the rest goes on.
  - The task does not fail because of what it finds; the role C(kubelab.podnet.validate) does.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.changes
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
  - kubelab.podnet.cluster.nodes
attributes:
  check_mode:
    description:
      - No probe pod is made and no file is written; tables are read and judged, and the verdict says what is not proved without
        probe pods. Pairs are explained by the tables alone.
  diff_mode:
    support: none
    description: What is measured anew each time has no difference to show.
options:
  probe:
    description:
      - Whether to make probe pods. Without them no promise can be proved, only refuted, and nothing is measured for O(pairs).
    type: bool
    default: true
  probe_namespace:
    description:
      - The namespace of the probe pods. It must admit host-network pods for what concerns P2.
      - When it is empty, or not there, a namespace is made for the run and removed at the end.
    type: str
    default: ""
  probe_image:
    description:
      - The image of the probe pods, with the programs of busybox - C(sh), C(nc), C(ping), C(traceroute), C(nslookup), C(ip).
      - Where its C(ping) is that of iputils, which can forbid that packets are cut up, the probes also measure whether packets
        as large as pods send them get through. Otherwise the MTU of the links on the way decides.
      - It may stand in another registry and name a digest.
    type: str
    default: busybox
  probe_pull_secrets:
    description: Names of the secrets, in O(probe_namespace), to pull O(probe_image) with.
    type: list
    elements: str
    default: []
  probe_labels:
    description: Further labels of the probe pods.
    type: dict
    default: {}
  probe_annotations:
    description: Annotations of the probe pods, such as one that keeps a service mesh out of them.
    type: dict
    default: {}
  access:
    description:
      - How to run a command on a node.
      - V(container) runs it in the node's container on this machine, as C(docker exec) does. For clusters made by kind.
      - V(agent_pod) runs it in the host-network pod that the pod network has on that node (calico-node, kindnet, cilium,
        antrea-agent, kube-flannel and others).
      - V(probe_pod) runs it in the probe pod on that node's host network. Its busybox prints less of a table than iproute2.
      - V(auto) tries V(container), then V(agent_pod), for each node by itself.
    type: str
    choices: [auto, container, agent_pod, probe_pod]
    default: auto
  pairs:
    description:
      - Pairs to explain, each to be found in RV(pairs). At each step it is said where the packet is, which row decides, where
        it goes on to and what was measured, and where it is lost.
      - The pods that are named are pinged and traced from, where their images have these programs.
    type: list
    elements: dict
    default: []
    suboptions:
      from:
        description: The pod (NAME in the namespace default, or NAMESPACE/NAME) or the node (node/NAME) to start from.
        type: str
        required: true
      to:
        description: The pod (NAME or NAMESPACE/NAME), the node (node/NAME) or the IP address to reach.
        type: str
        required: true
  outside:
    description:
      - An address outside of the cluster that pods and nodes are to reach, such as V(8.8.8.8).
      - Nothing outside is pinged when it is empty.
    type: str
    default: ""
  dns_name:
    description: The name that each probe looks up in the cluster's DNS; none when it is empty.
    type: str
    default: kubernetes.default.svc.cluster.local
  snapshot_dest:
    description:
      - A file to write all that was read and measured to, as JSON Lines. It holds no secret, but names and addresses.
      - Its folder is made when it is not there.
    type: path
  snapshot_src:
    description: A file that O(snapshot_dest) wrote, to judge in place of a cluster. No cluster is asked.
    type: path
  timeout:
    description:
      - The most seconds that the task may take; commands get four fifths of it, so that one that hangs does not hide the rest.
    type: int
    default: 120
notes:
  - Probe pods end by themselves a minute after O(timeout). What a run that was killed left is removed by the next.
  - Probe pods have no capability but NET_RAW, no service account token and a read-only root. Where not even that is
    admitted they run as the profile C(restricted) asks, without pings.
seealso:
  - module: kubelab.podnet.pod_ping
  - module: kubelab.podnet.node_route_info
"""

EXAMPLES = r"""
- name: Judge the pod network
  kubelab.podnet.network_validate:
  register: network

- name: Show what is wrong, and what to do about it
  ansible.builtin.debug:
    msg: "{{ item.code }}: {{ item.message }} -- {{ item.remedy }}"
  loop: "{{ network.findings }}"
  loop_control:
    label: "{{ item.code }}"

- name: Reach out of the cluster as well, and keep what was seen
  kubelab.podnet.network_validate:
    outside: 8.8.8.8
    snapshot_dest: /tmp/demo.snapshot

- name: Judge a snapshot from elsewhere, without the cluster
  kubelab.podnet.network_validate:
    snapshot_src: /tmp/demo.snapshot

- name: Explain why one pod does not reach another
  kubelab.podnet.network_validate:
    pairs:
      - {from: web/front-0, to: web/back-0}
      - {from: node/demo-worker, to: 8.8.8.8}
  register: network

- name: Say where packets are lost
  ansible.builtin.debug:
    msg: "{{ network.pairs[0].reason }}"

- name: Take the probe image from a registry of one's own, and keep Istio out
  kubelab.podnet.network_validate:
    probe_image: registry.example.com/tools/busybox:1.36
    probe_pull_secrets: [registry]
    probe_namespace: network-checks
    probe_labels: {sidecar.istio.io/inject: "false"}
"""

RETURN = r"""
verdict:
  description:
    - V(fail) with any finding that is an error, V(pass) when every promise is proved, V(incomplete) otherwise.
  returned: success
  type: str
  choices: [pass, fail, incomplete]
cluster:
  description: The name of the cluster, that of the context.
  returned: success
  type: str
  sample: kind-demo
checked_at:
  description: When it was looked at, in UTC.
  returned: success
  type: str
  sample: "2026-11-23T18:10:08Z"
emulated:
  description: Whether the cluster is made of network namespaces, with an emulated Internet.
  returned: success
  type: bool
versions:
  description: Versions by product.
  returned: success
  type: dict
  sample: {kubernetes: v1.34.4, cni: "kindnet (kindnetd:v20250512)"}
promises:
  description: P1, P2 and P3, each with its C(state) (C(proved), C(refuted), C(not_proved)), C(reason) and C(rests_on).
  returned: success
  type: dict
  sample:
    P1: {state: proved, reason: null, rests_on: "6 connections between 3 probe pods"}
not_proved:
  description: What could not be proved, each with C(what), C(reason), C(node) and C(pod).
  returned: success
  type: list
  elements: dict
findings:
  description: What is wrong, one item for each cause.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: The stable name of the fault; docs/findings.md lists all.
      type: str
      sample: missing-block-route
    severity:
      description: How bad it is.
      type: str
      choices: [error, warning, info]
    cluster:
      description: The cluster's name.
      type: str
    node:
      description: The node to blame, V(null) when it is none in particular.
      type: str
    pod:
      description: The pod to blame as NAMESPACE/NAME, V(null) when it is none in particular.
      type: str
    message:
      description: What is wrong, in one sentence.
      type: str
    evidence:
      description: Lines as printed or measured.
      type: list
      elements: str
    remedy:
      description: What to do about it.
      type: str
coverage:
  description: How many nodes, pods and pairs of a node and a pod's address there are, and how many of them were judged.
  returned: success
  type: dict
  sample: {nodes: 3, nodes_read: 3, pods: 5, pods_pinged: 5, probes: 6, pairs: 15, pairs_by_routes: 15, pairs_by_packets: 12}
pairs:
  description: The pairs of O(pairs), explained, in the order asked for.
  returned: success
  type: list
  elements: dict
  contains:
    from:
      description: Where it starts, as NAMESPACE/NAME of a pod or node/NAME.
      type: str
    to:
      description: What is to be reached, in the same notation, or an address.
      type: str
    arrives:
      description:
        - V(true) where packets were seen to arrive, V(false) where they did not, or the tables lose them.
        - V(null) where neither tells. Tables alone prove that packets are sent the right way, not that they arrive.
      type: bool
    reason:
      description: What matters most, in one sentence.
      type: str
    ways:
      description:
        - The way there and the way back, in each family that both ends have. There is no way back from an address that
          nobody in the cluster has.
      type: list
      elements: dict
      contains:
        direction:
          description: Whether it is the way there or back.
          type: str
          choices: [there, back]
        family:
          description: The family of the addresses.
          type: str
          choices: [IPv4, IPv6]
        source:
          description: The address that packets are from.
          type: str
        target:
          description: The address that packets are for.
          type: str
        outcome:
          description:
            - What the tables say, unless what was measured proves more.
            - V(unsure) where packets go into what tables do not show, such as the network outside, and nothing was measured;
              or where what was measured is not what the tables say.
          type: str
          choices: [delivered, lost, loop, unsure]
        reason:
          description: Why it is so; for V(lost) also where, and the code of the finding that explains it.
          type: str
        steps:
          description: The steps, up to the one where the packet is lost.
          type: list
          elements: dict
          contains:
            node:
              description: The node that the packet is on, V(null) in a pod.
              type: str
            pod:
              description: The pod that the packet is in, V(null) on a node.
              type: str
            rule:
              description: The line of C(ip rule) that led to the row, V(null) where there are only the usual rules.
              type: str
            row:
              description: The row that decides, as printed; V(null) where there is none, or it is not known.
              type: str
            next_hop:
              description: The next hop of the row, V(null) where it leads on without one.
              type: str
            device:
              description: The interface that the packet leaves through, V(null) where it does not leave.
              type: str
            to:
              description: The node, pod or address that this leads to, V(null) where it leads nowhere.
              type: str
            text:
              description: The step in a sentence.
              type: str
            measured:
              description: What a traceroute saw of the step, V(null) where none did.
              type: str
            lost:
              description: Whether the packet does not get on from here.
              type: bool
    findings:
      description: The codes of the findings that can have lost packets which did not arrive.
      type: list
      elements: str
    measured:
      description: What was measured between the two, and what could not be and why, in lines.
      type: list
      elements: str
error:
  description: A stable name of what went wrong.
  returned: on failure
  type: str
  sample: connection-failed
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.network_validate import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
