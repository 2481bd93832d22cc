# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pipes and terminals between the event loop and processes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator, Callable

_CHUNK = 32 * 1024


async def read(descriptor: int) -> AsyncIterator[bytes]:
    """Yield what arrives at a pipe or a terminal until its end."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    while True:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            await _ready(loop.add_reader, loop.remove_reader, descriptor)
            continue
        except OSError as error:
            if error.errno == errno.EIO:  # the other end of a terminal is closed
                return
            raise
        if not data:
            return
        yield data


async def write(descriptor: int, data: bytes) -> None:
    """Write all data, waiting while the pipe is full; nobody reading is no error."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BrokenPipeError):
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                await _ready(loop.add_writer, loop.remove_writer, descriptor)


async def _ready(watch: Callable[..., object], unwatch: Callable[[int], object], descriptor: int) -> None:
    """Wait until a descriptor can be read or written."""
    ready = asyncio.get_running_loop().create_future()
    watch(descriptor, _settle, ready)
    try:
        await ready
    finally:
        unwatch(descriptor)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def open_terminal() -> tuple[int, int]:
    """Return our end and the process's end of a new terminal."""
    return pty.openpty()


def resize(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
