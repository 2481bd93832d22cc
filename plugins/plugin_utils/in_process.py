# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module of this collection inside Ansible where that does the same as running it on the host. Private to it."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import MISSING_LIBRARY
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation


class InProcess(ActionBase):  # type: ignore[misc]
    """The action of a module of the collection: a class derived from this one names its operation.

    Ansible's parent process loads the action that bears a task's name, once, and each worker that it forks inherits what was
    imported with it. Imported in ``run()``, or behind plugin_routing, which only the workers follow, the Kubernetes client
    would be imported by each task again (0.7 s).
    """

    operation: ClassVar[Operation]
    _supports_async = True

    def __init_subclass__(cls) -> None:
        # What is there by now stays for good. Without this, Ansible and each worker that it forks would look through all of it
        # again at every collection of garbage, and copy its memory by that: a fifteenth of the lab's time.
        gc.collect()
        gc.freeze()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._wants_a_process_of_its_own(task_vars):
            name = self._task.resolved_action or self._task.action
            result.update(
                self._execute_module(module_name=name, task_vars=task_vars, wrap_async=bool(self._task.async_val))
            )
        else:
            result.update(run_in_process(self.operation, self._task.args, check_mode=self._task.check_mode))
        return result

    def _wants_a_process_of_its_own(self, task_vars: dict[str, Any]) -> bool:
        return bool(
            self._connection.transport != "local"
            or self._connection.become is not None
            or self._task.async_val
            or any(self._task.environment or ())
            or MISSING_LIBRARY
            or self._has_a_foreign_interpreter(task_vars)
        )

    def _has_a_foreign_interpreter(self, task_vars: dict[str, Any]) -> bool:
        delegated = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        interpreter = delegated.get("ansible_python_interpreter", task_vars.get("ansible_python_interpreter"))
        interpreter = self._templar.template(interpreter)
        # A name such as "auto" asks for discovery: any interpreter will do, so this one does.
        return bool(interpreter) and os.path.isabs(interpreter) and interpreter != sys.executable
