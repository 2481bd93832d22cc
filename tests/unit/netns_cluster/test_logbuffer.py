# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container printed."""

from __future__ import annotations

import asyncio

from netns_cluster.logbuffer import LIMIT, LogBuffer


def texts(buffer: LogBuffer) -> list[bytes]:
    return [line.text for line in buffer.lines()]


def test_a_line_is_there_when_its_end_is() -> None:
    buffer = LogBuffer()
    buffer.write(b"one\ntw")
    assert texts(buffer) == [b"one\n"]
    buffer.write(b"o\n")
    assert texts(buffer) == [b"one\n", b"two\n"]


def test_what_was_printed_without_a_newline_is_there_after_the_end() -> None:
    buffer = LogBuffer()
    buffer.write(b"no newline")
    buffer.end()
    assert texts(buffer) == [b"no newline"]


def test_the_oldest_lines_go_when_there_is_too_much() -> None:
    buffer = LogBuffer()
    line = b"x" * 1023 + b"\n"
    for _unused in range(2 * LIMIT // len(line)):
        buffer.write(line)
    buffer.write(b"last\n")
    assert sum(map(len, texts(buffer))) <= LIMIT
    assert texts(buffer)[-1] == b"last\n"


def test_a_follower_gets_each_later_line_once_and_ends_with_the_process() -> None:
    async def scenario() -> list[bytes]:
        buffer = LogBuffer()
        buffer.write(b"before\n")
        seen: list[bytes] = []

        async def follow() -> None:
            async for line in buffer.follow(skip=len(buffer.lines())):
                seen.append(line.text)

        follower = asyncio.ensure_future(follow())
        await asyncio.sleep(0)
        buffer.write(b"during\n")
        await asyncio.sleep(0)
        buffer.write(b"at the end")
        buffer.end()
        await follower
        return seen

    assert asyncio.run(scenario()) == [b"during\n", b"at the end"]
