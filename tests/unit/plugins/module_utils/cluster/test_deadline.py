from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import DeadlineError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_time_that_passes_is_taken_off_what_remains(clock: Clock) -> None:
    deadline = Deadline(60, clock)
    clock.now += 45
    assert deadline.remaining("waiting") == 15


def test_at_the_very_end_nothing_remains(clock: Clock) -> None:
    deadline = Deadline(60, clock)
    clock.now += 60
    with pytest.raises(DeadlineError) as raised:
        deadline.remaining("waiting for pods")
    assert str(raised.value) == (
        "waiting for pods did not end within 60 seconds; give the task a longer timeout if it only needs more time"
    )


def test_a_part_of_the_work_has_its_own_shorter_deadline(clock: Clock) -> None:
    part = Deadline(60, clock).within(10)
    clock.now += 9
    assert part.remaining("asking") == 1
    clock.now += 1
    with pytest.raises(DeadlineError, match="asking did not end within 10 seconds"):
        part.remaining("asking")


def test_a_part_ends_no_later_than_the_whole(clock: Clock) -> None:
    whole = Deadline(60, clock)
    clock.now += 55
    assert whole.within(10).remaining("asking") == 5


def test_the_seconds_of_a_part_are_told_without_many_digits(clock: Clock) -> None:
    whole = Deadline(60, clock)
    clock.now += 0.0123
    part = whole.within(100)
    assert "within 60 seconds" in str(part.passed("asking"))


def test_a_part_begun_after_the_end_of_the_whole_has_no_time_at_all(clock: Clock) -> None:
    whole = Deadline(60, clock)
    clock.now += 100
    with pytest.raises(DeadlineError):
        whole.within(10).remaining("asking")
