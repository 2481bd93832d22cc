# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The edge between Ansible and the operations: one way in for a module, one for the action plugin.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InterruptedTaskError, PodnetError
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task

# Ansible's parent process passes on the signal that it got itself, then sends SIGTERM to what still runs.
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Module(AnsibleModule):  # type: ignore[misc]
    """A module that refuses arguments as run_in_process does."""

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        if "error" not in result:  # called by Ansible's own constructor
            result = _refusal(self.validation_result)
            msg = result.pop("msg")
        super().fail_json(msg, **result)
        raise AssertionError("unreachable")


def run_module(operation: Operation) -> None:
    """Run an operation as a module: read its arguments from Ansible, print its result, end the process."""
    module = _Module(argument_spec=operation.options, supports_check_mode=True, **operation.rules)
    result = _result(operation, Task(module.params, module.check_mode))
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def run_in_process(operation: Operation, arguments: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Run an operation inside Ansible and return its result: what the module of that name would print.

    Secrets (``no_log`` in the argument spec) are masked in the whole result, in messages too.
    """
    validated = ArgumentSpecValidator(operation.options, **operation.rules).validate(dict(arguments))
    # The only place where core keeps them; AnsibleModule itself takes them from here.
    secrets = validated._no_log_values  # pylint: disable=protected-access
    if validated.error_messages:
        result = _refusal(validated)
    else:
        result = _result(operation, Task(validated.validated_parameters, check_mode))
    masked: dict[str, Any] = remove_values(result, secrets)
    return masked


def _result(operation: Operation, task: Task) -> dict[str, Any]:
    try:
        with _interruptible():
            return operation.run(task)
    except PodnetError as error:
        return _failure(str(error), error.code, error.details)
    except InterruptedTaskError as error:
        return _failure(str(error), error.code, {})


def _refusal(validated: ValidationResult) -> dict[str, Any]:
    messages = (
        f"unsupported options: {error.msg}" if isinstance(error, UnsupportedError) else error.msg
        for error in validated.errors.errors
    )
    return _failure("; ".join(messages), "invalid-input", {})


def _failure(message: str, code: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"changed": False, **details, "failed": True, "msg": message, "error": code}


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a signal raise InterruptedTaskError in the operation, once: its clean-up is not to be interrupted as well."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        for number in _ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise InterruptedTaskError(f"the task was ended by {signal.Signals(signum).name}; run it again to go on")

    previous = {number: signal.signal(number, interrupt) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
