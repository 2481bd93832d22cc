# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a program on this machine: no shell, always with a deadline. Private to the collection: it may change at any time."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import MissingProgramError


def run(
    command: Sequence[str], deadline: Deadline, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code.

    :param environment: its variables; None gives it those of this process.
    :raises MissingProgramError: when it is not on PATH or may not be run, DeadlineError when it does not end in time: it is
        killed then, with what it started.
    """
    doing = " ".join(command)
    seconds = deadline.remaining(doing)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise MissingProgramError(
            f"the program {command[0]} is not on PATH; install it, or do without what needs it"
        ) from error
    except OSError as error:
        raise MissingProgramError(
            f"the program {command[0]} cannot be run: {error.strerror}; install it anew"
        ) from error
    with process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except BaseException as error:
            # All of them: a child of its own may hold the other end of the pipes, which closing them would wait for.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise deadline.passed(doing) from error
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
