from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    InputError,
    InterruptedTaskError,
    ItemsFailedError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import items

A_GOOD = {"name": "a", "ip": "192.168.1.1"}
A_BAD = {"name": "b", "msg": "b is not there", "error": "not-found"}


def by_name(item: dict[str, str]) -> str:
    return f"pod {item['name']}"


def test_outcomes_stand_in_the_order_of_the_items_whichever_ends_first() -> None:
    later = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert later.wait(5)
        elif number == 2:
            later.set()
        return number * 10

    assert items.side_by_side(work, [0, 1, 2]) == [0, 10, 20]


def test_items_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(20)
    assert items.side_by_side(lambda _unused: together.wait(5) >= 0, range(20)) == [True] * 20


def test_hundreds_of_items_are_all_worked_on() -> None:
    assert items.side_by_side(lambda number: number, range(500)) == list(range(500))


def test_no_items_give_no_outcomes() -> None:
    assert items.side_by_side(lambda number: number, []) == []


def test_one_item_that_fails_does_not_keep_the_others_from_being_done() -> None:
    error = InputError("not b")

    def work(name: str) -> str:
        if name == "b":
            raise error
        return name

    assert items.side_by_side(work, ["a", "b", "c"]) == ["a", error, "c"]


def test_a_mistake_in_our_own_code_is_not_taken_for_a_failed_item() -> None:
    with pytest.raises(ZeroDivisionError):
        items.side_by_side(lambda number: 1 // number, [1, 0])


def test_what_waits_is_not_begun_once_an_item_shows_a_mistake() -> None:
    begun = threading.Event()
    go_on = threading.Event()
    worked_on: list[int] = []

    def work(number: int) -> None:
        worked_on.append(number)
        if number == 0:
            begun.wait(5)
            raise ZeroDivisionError
        begun.set()
        go_on.wait(5)

    with pytest.raises(ZeroDivisionError):
        items.side_by_side(work, range(1000))
    go_on.set()
    assert len(worked_on) < 1000


def test_a_signal_reaches_a_task_that_waits_for_its_items() -> None:
    forever = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        raise InterruptedTaskError("ended")

    def work(number: int) -> None:
        if number == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        forever.wait(60)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        for _try in range(20):  # when it comes just before the wait begins is a matter of luck
            with pytest.raises(InterruptedTaskError):
                items.side_by_side(work, range(3))
    finally:
        signal.signal(signal.SIGTERM, before)
        forever.set()


def test_an_interrupted_process_does_not_wait_for_calls_under_way() -> None:
    script = (
        "import threading\n"
        "from ansible_collections.kubelab.podnet.plugins.module_utils.operations.items import side_by_side\n"
        "def work(number):\n"
        "    if number == 0: raise SystemExit(7)\n"
        "    threading.Event().wait()\n"
        "side_by_side(work, range(3))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, timeout=60, check=False)
    assert done.returncode == 7


def test_the_details_of_an_error_are_part_of_the_failed_item() -> None:
    assert items.failed(InputError("no", known=["a"])) == {"msg": "no", "error": "invalid-input", "known": ["a"]}


def test_items_without_an_error_are_the_answer() -> None:
    assert items.answer("pods", [A_GOOD], by_name, changed=True) == {"pods": [A_GOOD], "changed": True}


def test_one_item_that_failed_alone_speaks_for_the_task() -> None:
    with pytest.raises(ItemsFailedError) as raised:
        items.answer("pods", [A_BAD], by_name, changed=False)
    assert str(raised.value) == "b is not there"


def test_failed_items_are_named_and_all_results_are_kept() -> None:
    with pytest.raises(ItemsFailedError) as raised:
        items.answer("pods", [A_GOOD, A_BAD], by_name, changed=True)
    assert str(raised.value) == "1 of 2 pods failed: pod b: b is not there"
    assert raised.value.details == {"pods": [A_GOOD, A_BAD], "changed": True}


def test_an_item_that_stands_twice_is_refused() -> None:
    items.refuse_duplicates("pods", ["pod a/x", "pod b/x"])
    with pytest.raises(InputError, match="pod a/x stands twice in pods; name it once"):
        items.refuse_duplicates("pods", ["pod a/x", "pod b/x", "pod a/x"])
