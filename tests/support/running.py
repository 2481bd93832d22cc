"""Run an operation as a task does: arguments as Ansible hands them over, and a result that must be plain JSON."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

from tests.support.api_server import ApiServer

Result = dict[str, Any]


def run(operation: Operation, server: ApiServer, *, check_mode: bool = False, **arguments: Any) -> Result:
    """The result of a task against the server."""
    result = run_in_process(operation, {"host": server.url, **arguments}, check_mode=check_mode)
    assert json.loads(json.dumps(result)) == result, "the result is not plain JSON"
    return result


def succeed(operation: Operation, server: ApiServer, *, check_mode: bool = False, **arguments: Any) -> Result:
    """The result of a task that does not fail."""
    result = run(operation, server, check_mode=check_mode, **arguments)
    assert "failed" not in result, result["msg"]
    return result


def fail(operation: Operation, server: ApiServer, *, check_mode: bool = False, **arguments: Any) -> tuple[str, str]:
    """The error code and the message of a task that fails."""
    result = run(operation, server, check_mode=check_mode, **arguments)
    assert result.get("failed") is True, result
    assert "Traceback" not in result["msg"]
    return result["error"], result["msg"]
