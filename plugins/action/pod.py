# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of the module ``pod``: only one of the task's own name is loaded before Ansible forks."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.action.in_process import ActionModule

__all__ = ["ActionModule"]
