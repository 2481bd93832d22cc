"""The operations of all modules, by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ansible_collections.kubelab.podnet.plugins import action
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation

OPERATIONS: dict[str, Operation] = {
    file.stem: import_module(f"{action.__name__}.{file.stem}").ActionModule.operation
    for file in sorted(Path(action.__path__[0]).glob("*.py"))
}
