# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: pod_ping
short_description: Ping from pods and nodes
version_added: 0.1.0
description:
  - Pings pods, nodes and addresses from pods and nodes, all side by side, and compares with what is expected.
  - A ping that lost a reply is repeated alone before the loss is reported, since many pings at once lose some by themselves.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.info
  - kubelab.podnet.attributes.actiongroup
  - kubelab.podnet.cluster
  - kubelab.podnet.cluster.nodes
  - kubelab.podnet.probes
options:
  count:
    description: How many packets each ping sends, one a second.
    type: int
    default: 5
  timeout:
    description: The most seconds that the task may take.
    type: int
    default: 60
seealso:
  - module: kubelab.podnet.pod_traceroute
"""

EXAMPLES = r"""
- name: From one pod of the lab to the other, and to the Internet
  kubelab.podnet.pod_ping:
    probes:
      - {from: bb1, to: bb2}
      - {from: bb1, to: 8.8.8.8}

- name: From a node to a pod that a policy is to keep closed
  kubelab.podnet.pod_ping:
    probes:
      - {from: node/demo-worker, to: payments/db-0, expect: unreachable}
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
    reachable:
      description: Whether any reply came.
      returned: when it ran
      type: bool
    transmitted:
      description: How many packets were sent.
      returned: when it ran
      type: int
    received:
      description: How many replies came.
      returned: when it ran
      type: int
    loss_percent:
      description: How many of a hundred packets were not answered.
      returned: when it ran
      type: float
    rtt_ms:
      description: The times of the round trips in milliseconds, as min, avg and max; V(null) when no reply came.
      returned: when it ran
      type: dict
    ttl:
      description:
        - The time to live that the replies came with, V(null) when none came. A target that sends 64 is 64 minus this many
          routers away; 62 is a pod on another node.
      returned: when it ran
      type: int
    errors:
      description: What the command said of failures on the way.
      returned: when it ran
      type: list
      elements: str
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
    - from: default/bb1
      to: default/bb2
      expect: reachable
      address: 192.168.121.73
      retried: false
      reachable: true
      transmitted: 5
      received: 5
      loss_percent: 0.0
      rtt_ms: {min: 0.092, avg: 0.113, max: 0.141}
      ttl: 62
      errors: []
error:
  description: A stable name of what went wrong.
  returned: on failure
  type: str
  sample: unexpected
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.pod_ping import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
