# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of the module ``network_validate``."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.operations.network_validate import OPERATION
from ansible_collections.kubelab.podnet.plugins.plugin_utils.in_process import InProcess


class ActionModule(InProcess):
    operation = OPERATION
