# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container printed, the last megabyte of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end, as printed; the last one of a process may have none."""

    moment: datetime
    text: bytes


class LogBuffer:
    """Lines of one run of a container; may be read while they arrive."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._dropped = 0  # how many lines went to keep the limit
        self._size = 0
        self._partial = b""
        self._ended = False
        self._changed = asyncio.Event()

    def write(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._add(line + b"\n")
        if len(self._partial) > LIMIT:
            self._add(self._partial)
            self._partial = b""
        self._notify()

    def end(self) -> None:
        if self._partial:
            self._add(self._partial)
            self._partial = b""
        self._ended = True
        self._notify()

    def lines(self) -> list[Line]:
        return list(self._lines)

    async def follow(self, skip: int) -> AsyncIterator[Line]:
        """Yield the lines after the first ``skip`` of :meth:`lines`, and those that come, until the process ends."""
        place = self._dropped + skip
        while True:
            changed = self._changed
            for line in list(self._lines)[max(0, place - self._dropped) :]:
                yield line
            place = self._dropped + len(self._lines)
            if self._ended:
                return
            await changed.wait()

    def _add(self, text: bytes) -> None:
        self._lines.append(Line(datetime.now(UTC), text))
        self._size += len(text)
        while self._size > LIMIT and len(self._lines) > 1:
            self._size -= len(self._lines.popleft().text)
            self._dropped += 1

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
