# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that modules share: how they behave."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  platform:
    platforms: posix
    support: full
    description: The task runs where the API server can be reached, by default on the controller.
requirements:
  - python >= 3.11
notes:
  - With a local connection, and without become, async, environment or an interpreter of its own, the task runs inside
    Ansible's own process. Otherwise it runs as an ordinary module on the host.
"""

    CHANGES = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: In check mode nothing is changed; what would change is reported.
  diff_mode:
    support: full
    description: The difference between what is and what is to be is returned under RV(ignore:diff).
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode; reading and measuring take place in check mode too.
  diff_mode:
    support: N/A
    description: Nothing is changed, so there is no difference.
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/kubelab.podnet.podnet) in C(module_defaults) to set options of all these modules at once.
    support: full
    membership:
      - kubelab.podnet.podnet
"""
