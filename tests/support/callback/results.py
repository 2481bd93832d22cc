"""Writes the result of each task and of each item of a loop to the file that RESULTS names, one JSON object a line."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: notification
short_description: Results of tasks as JSON
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, result: Any, **_more: Any) -> None:
        record = {"task": result.task.name, "host": result.host.name, "result": result.result}
        with open(os.environ["RESULTS"], "a") as file:
            file.write(json.dumps(record, default=str) + "\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _write
