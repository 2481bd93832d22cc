# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that modules share: how they reach a cluster and its nodes."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary.
      - Without it the cluster is looked for as kubectl does, in E(KUBECONFIG), then in C(~/.kube/config), then in the pod's own
        service account where the task runs in a pod.
      - The variable E(K8S_AUTH_KUBECONFIG) is used when the option is not set.
    type: raw
  context:
    description:
      - The context of the kubeconfig file; by default its current one.
      - The variable E(K8S_AUTH_CONTEXT) is used when the option is not set.
    type: str
  host:
    description:
      - The address of the API server, such as V(https://10.0.0.1:6443). With O(api_key) no kubeconfig file is needed.
      - The variable E(K8S_AUTH_HOST) is used when the option is not set.
    type: str
  api_key:
    description:
      - A bearer token to log in with.
      - The variable E(K8S_AUTH_API_KEY) is used when the option is not set.
    type: str
  validate_certs:
    description:
      - Whether to check the API server's certificate. By default what the kubeconfig file says, else it is checked.
      - The variable E(K8S_AUTH_VERIFY_SSL) is used when the option is not set.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description:
      - Path of the authority's certificate that the API server's certificate is checked with.
      - The variable E(K8S_AUTH_SSL_CA_CERT) is used when the option is not set.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a certificate to log in with.
      - The variable E(K8S_AUTH_CERT_FILE) is used when the option is not set.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key of O(client_cert).
      - The variable E(K8S_AUTH_KEY_FILE) is used when the option is not set.
    type: path
    aliases: [key_file]
  proxy:
    description:
      - The address of an HTTP proxy to reach the API server through, such as V(http://127.0.0.1:3128). A user and a password
        that stand in it log in to it - V(http://USER:PASSWORD@127.0.0.1:3128). One by C(https) cannot be used.
      - The variable E(K8S_AUTH_PROXY) is used when the option is not set.
    type: str
requirements:
  - kubernetes >= 35.0.0 (Python)
  - PyYAML >= 6.0 (Python)
"""

    NODES = r"""
options:
  access:
    description:
      - How to run a command on a node.
      - V(container) runs it in the node's container on this machine, as C(docker exec) does. For clusters made by kind.
      - V(agent_pod) runs it in the host-network pod that the pod network has on that node (calico-node, kindnet, cilium,
        antrea-agent, kube-flannel and others).
      - V(probe_pod) makes a host-network pod on each node for that, and removes it afterwards.
      - V(auto) tries V(container), then V(agent_pod), for each node by itself.
    type: str
    choices: [auto, container, agent_pod, probe_pod]
    default: auto
  agent_labels:
    description:
      - >-
        Labels of further agents to try, as a dictionary of label keys with the list of their values, such as
        C({"k8s-app": ["my-cni"]}).
    type: dict
    default: {}
  probe_namespace:
    description: The namespace of the pods that V(probe_pod) makes; it must admit host-network pods.
    type: str
    default: default
  probe_image:
    description: The image of the pods that V(probe_pod) makes; it needs C(sleep), C(ip), C(ping) and C(traceroute).
    type: str
    default: busybox
"""
