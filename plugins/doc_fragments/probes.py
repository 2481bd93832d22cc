# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that pod_ping and pod_traceroute share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  probes:
    description: What to probe from where.
    type: list
    elements: dict
    required: true
    suboptions:
      from:
        description: The pod (NAME or NAMESPACE/NAME) or the node (node/NAME) to start from.
        type: str
        required: true
      to:
        description: The pod (NAME or NAMESPACE/NAME), the node (node/NAME) or the IP address to reach.
        type: str
        required: true
      expect:
        description: What is to be found. If it is not, the task fails after all probes have been made.
        type: str
        choices: [reachable, unreachable]
        default: reachable
  namespace:
    description: The namespace of pods that are named without one.
    type: str
    default: default
notes:
  - Check mode measures too. A probe that waits for a pod that is not there or not ready, or for a probe pod, is skipped then.
"""
