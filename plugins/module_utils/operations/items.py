# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The items of a list: run side by side, answered in order, every one of them. Private to the collection: it may change."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError, ItemsFailedError, PodnetError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_THREADS = 32
_SIGNAL_SECONDS = 0.5  # a signal that comes just before the wait for a thread is noticed after it only


def side_by_side(work: Callable[[Item], Outcome], items: Iterable[Item]) -> list[Outcome | PodnetError]:
    """Do the work for all items in threads. What an item raised as a PodnetError stands in its place.

    Not by an executor of the standard library: Python waits for its threads before it ends, so that a task that is ended by a
    signal would live on until the slowest call gives up. These threads end with the process.
    """
    waiting = deque(enumerate(items))
    count = len(waiting)
    done: SimpleQueue[tuple[int, Outcome | BaseException]] = SimpleQueue()

    def attempt() -> None:
        with suppress(IndexError):  # nothing is waiting any more
            while True:
                index, item = waiting.popleft()
                try:
                    done.put((index, work(item)))
                except BaseException as error:
                    done.put((index, error))

    for _unused in range(min(count, _THREADS)):
        Thread(target=attempt, daemon=True).start()
    outcomes: dict[int, Outcome | PodnetError] = {}
    try:
        while len(outcomes) < count:
            try:
                index, outcome = done.get(timeout=_SIGNAL_SECONDS)
            except Empty:
                continue
            if isinstance(outcome, BaseException) and not isinstance(outcome, PodnetError):
                raise outcome
            outcomes[index] = outcome
    finally:
        waiting.clear()
    return [outcomes[index] for index in range(count)]


def refuse_duplicates(kind: str, names: Iterable[str]) -> None:
    """Raise InputError when an item of the option ``kind`` stands there twice: the two would change it side by side."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{name} stands twice in {kind}; name it once")
        seen.add(name)


def failed(error: PodnetError) -> dict[str, Any]:
    """What a failed item says in its result."""
    return {"msg": str(error), "error": error.code, **error.details}


def answer(
    kind: str, results: Sequence[dict[str, Any]], name: Callable[[dict[str, Any]], str], **more: Any
) -> dict[str, Any]:
    """The task's result: all items under ``kind``.

    :raises ItemsFailedError: with the same result, when an item carries an ``error``; its message names those items.
    """
    bad = [item for item in results if "error" in item]
    if not bad:
        return {kind: list(results), **more}
    if len(results) == 1:
        message = bad[0]["msg"]
    else:
        message = f"{len(bad)} of {len(results)} {kind} failed: " + "; ".join(
            f"{name(item)}: {item['msg']}" for item in bad
        )
    raise ItemsFailedError(message, **{kind: list(results), **more})
