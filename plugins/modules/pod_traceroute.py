# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: pod_traceroute
short_description: Trace the paths of packets from pods and nodes
version_added: 0.1.0
description:
  - Traces the way to pods, nodes and addresses, one trace after the other with one packet a hop, and names the hops after
    nodes and pods.
  - Routers answer about once a second, so a hop that is silent once is no fault; it is asked a second time after a pause.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.info
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
  - kubelab.podnet.cluster.nodes
  - kubelab.podnet.probes
options:
  max_hops:
    description: The most hops to look at.
    type: int
    default: 15
  timeout:
    description: The most seconds that the task may take.
    type: int
    default: 120
seealso:
  - module: kubelab.podnet.pod_ping
"""

EXAMPLES = r"""
- name: The path from bb2 to bb1
  kubelab.podnet.pod_traceroute:
    probes:
      - {from: bb2, to: bb1}
  register: trace

- name: Show it by names
  ansible.builtin.debug:
    msg: "{{ trace.probes[0].path | join(' > ') }}"
"""

RETURN = r"""
probes:
  description: The probes, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    from:
      description: Where it started, as NAMESPACE/NAME of a pod or node/NAME.
      returned: always
      type: str
    to:
      description: What it was to reach, in the same notation.
      returned: always
      type: str
    expect:
      description: What was expected.
      returned: always
      type: str
    address:
      description: The address that was probed.
      returned: when it ran
      type: str
    retried:
      description: Whether it was asked a second time, alone.
      returned: when it ran
      type: bool
    reached:
      description: Whether the target itself answered.
      returned: when it ran
      type: bool
    loop:
      description: Whether the packets went in a circle.
      returned: when it ran
      type: bool
    path:
      description:
        - The hops by name, such as V(node demo-worker).
        - The bare address stands where nobody is known to have it, V(*) where none answered.
      returned: when it ran
      type: list
      elements: str
    hops:
      description: The hops as measured.
      returned: when it ran
      type: list
      elements: dict
      contains:
        ttl:
          description: The number of the hop, from 1.
          type: int
        probes:
          description: The answer of each packet that was sent, here one a hop.
          type: list
          elements: dict
          contains:
            address:
              description: Who answered; V(null) for nobody.
              type: str
            name:
              description: The node or pod that has this address, V(null) where none is known.
              type: str
            rtt_ms:
              description: The time of the round trip in milliseconds; V(null) when nobody answered.
              type: float
            annotation:
              description: What the answer said beside, such as V(!H) for a host that cannot be reached, else V(null).
              type: str
    target:
      description: The target in the words of the command, V(null) when it did not say.
      returned: when it ran
      type: str
    errors:
      description: What the command said of failures of its own.
      returned: when it ran
      type: list
      elements: str
    unparsed:
      description: Lines that were not understood, with their number and text.
      returned: when it ran
      type: list
      elements: dict
    msg:
      description: What went wrong with this probe, and the next step.
      returned: when it failed, or was skipped in check mode
      type: str
    error:
      description: A stable name of what went wrong; C(unexpected) when the measurement is not what was expected.
      returned: when it failed
      type: str
    skipped:
      description: Whether the probe was left out in check mode.
      returned: when it was
      type: bool
    printed:
      description: What the command printed.
      returned: when it ran
      type: str
  sample:
    - from: default/bb2
      to: default/bb1
      expect: reachable
      address: 192.168.157.134
      retried: false
      reached: true
      loop: false
      path: [node demo-worker2, node demo-worker, pod default/bb1]
error:
  description: A stable name of what went wrong.
  returned: on failure
  type: str
  sample: unexpected
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_traceroute import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
