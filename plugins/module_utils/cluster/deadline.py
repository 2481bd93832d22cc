# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One bound on the time of everything that a task does. Private to the collection: it may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.kubelab.podnet.plugins.module_utils.errors import DeadlineError


class Deadline:
    """A moment that no call outlives.

    :param seconds: how long from now.
    :param clock: seconds that only grow; a test hands in its own.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self, doing: str) -> float:
        """Seconds left for what is being done; raises DeadlineError when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise self.passed(doing)
        return left

    def within(self, seconds: float) -> Deadline:
        """A deadline for a part of the work: so many seconds from now, but never later than this one."""
        return Deadline(min(seconds, max(self._end - self._clock(), 0)), self._clock)

    def passed(self, doing: str) -> DeadlineError:
        """The error for something that did not end in time."""
        seconds = round(self.seconds, 1)
        return DeadlineError(
            f"{doing} did not end within {seconds:g} seconds; give the task a longer timeout if it only needs more time"
        )
