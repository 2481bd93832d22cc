# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of this machine, run to their end or ended with all that they started: no shell, always with a deadline.

Private to the collection: it may change at any time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import MissingProgramError

_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_SECONDS = 5  # between SIGTERM and SIGKILL
_OUTPUT_LINES = 40  # of a program that was ended, in the failed result


def run(
    command: Sequence[str], deadline: Deadline, *, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit status; what ends this call early ends the program and its children, too.

    :param environment: its variables; None gives it those of this process.
    :raises MissingProgramError: it is not on PATH, or may not be run.
    :raises DeadlineError: it was ended because its time was over.
    """
    doing = " ".join([os.path.basename(command[0]), *command[1:4]])
    seconds = deadline.remaining(doing)
    process: subprocess.Popen[str] | None = None
    try:
        with _signals_put_off():
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command knows no deadline
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=environment,
                start_new_session=True,  # a process group of its own: it is ended as a whole
            )
        stdout, stderr = process.communicate(stdin, timeout=seconds)
    except OSError as error:
        # "Permission denied" may also be about a directory on PATH that this user may not look into.
        if shutil.which(command[0], os.F_OK, (environment or os.environ).get("PATH")) is None:
            why = "is not on PATH; install it, or do without what needs it"
        else:
            why = f"cannot be run: {error.strerror}; install it anew"
        raise MissingProgramError(f"the program {command[0]} {why}", program=command[0]) from error
    except BaseException as error:
        printed = _end(process) if process else ""
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        passed = deadline.passed(doing)
        passed.details["output"] = printed.splitlines()[-_OUTPUT_LINES:]
        raise passed from None
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Let what a signal raises wait until the program that is being started is known, so that it can be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only
        return
    came: list[int] = []
    previous = {number: signal.signal(number, lambda late, frame: came.append(late)) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def _end(process: subprocess.Popen[str]) -> str:
    """End a program and what is left of its group, and return all that it printed."""
    output = ""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if process.returncode is None:
            with suppress(subprocess.TimeoutExpired):
                try:
                    output = "".join(process.communicate(timeout=_GRACE_SECONDS))
                except AttributeError:  # Popen cannot go on reading where a signal came just before it began to
                    process.wait(_GRACE_SECONDS)
    return output
