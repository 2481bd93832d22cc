# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a program on this machine: no shell, always with a deadline. Private to the collection: it may change at any time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import MissingProgramError


def run(command: Sequence[str], deadline: Deadline) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code.

    :raises MissingProgramError: when it is not on PATH, DeadlineError when it does not end in time (it is killed then).
    """
    doing = " ".join(command)
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline.remaining(doing),
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingProgramError(
            f"the program {command[0]} is not on PATH; install it, or do without what needs it"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise deadline.passed(doing) from error
