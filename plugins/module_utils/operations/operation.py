# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shape that every operation has. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """What an operation is asked to do: validated parameters, and whether anything may be changed."""

    parameters: dict[str, Any]
    check_mode: bool = False


@dataclass(frozen=True)
class Operation:
    """One module: its argument spec, and the function behind it.

    ``run`` returns the result as plain JSON types, with ``changed``, and raises a
    :class:`~ansible_collections.kubelab.podnet.plugins.module_utils.errors.PodnetError` when it fails. It never ends the
    process. ``rules`` are the further arguments of Ansible's argument spec, such as ``mutually_exclusive``.
    """

    options: dict[str, Any]
    run: Callable[[Task], dict[str, Any]]
    rules: dict[str, Any] = field(default_factory=dict)
