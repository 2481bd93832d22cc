"""Programs end with the call that started them, and so do their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import DeadlineError, MissingProgramError

# The shell and its child both hold the pipe open for as long as they live.
PARENT_AND_CHILD = 'exec 3> "$0"; sleep 60 & echo started >&3; echo last words; wait'


def test_what_a_program_is_given_and_what_it_prints_pass_through() -> None:
    code = (
        "import sys, os; print(sys.stdin.read().upper(), os.environ['X']); print('aside', file=sys.stderr); sys.exit(3)"
    )

    done = program.run([sys.executable, "-c", code], Deadline(20), stdin="text", environment={"X": "given"})

    assert (done.returncode, done.stdout, done.stderr) == (3, "TEXT given\n", "aside\n")


def test_output_that_is_no_utf8_is_no_crash() -> None:
    done = program.run([sys.executable, "-c", r"import os; os.write(1, b'\xff')"], Deadline(20))

    assert done.stdout == "\N{REPLACEMENT CHARACTER}"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingProgramError, match="no-such-program is not on PATH"):
        program.run(["no-such-program"], Deadline(20))


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return str(path)


@pytest.fixture
def written(pipe: str) -> Iterator[Callable[[], str]]:
    """All that was written to the pipe, once nobody holds it open any more: never, if somebody stays."""
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def read_to_the_end() -> str:
        os.set_blocking(descriptor, True)
        with os.fdopen(os.dup(descriptor)) as file:
            return file.read()

    yield read_to_the_end
    os.close(descriptor)


@pytest.mark.slow
def test_a_program_and_its_child_are_ended_when_the_time_is_over(pipe: str, written: Callable[[], str]) -> None:
    with pytest.raises(DeadlineError, match="did not end within 2 seconds") as caught:
        program.run(["sh", "-c", PARENT_AND_CHILD, pipe], Deadline(2))

    assert written() == "started\n"
    assert caught.value.details["output"] == ["last words"]


@pytest.mark.slow
def test_a_program_that_ignores_sigterm_is_killed(
    pipe: str, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_GRACE_SECONDS", 0.1)

    with pytest.raises(DeadlineError):
        program.run(["sh", "-c", f"trap '' TERM; {PARENT_AND_CHILD}", pipe], Deadline(2))

    assert written() == "started\n"


class InterruptionError(BaseException):
    pass


def test_a_program_and_its_child_are_ended_when_a_signal_interrupts_the_call(pipe: str) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise InterruptionError

    def interrupt_after_the_start() -> None:
        with open(pipe) as file:
            file.readline()
            os.kill(os.getpid(), signal.SIGTERM)
            file.read()  # ends when nobody holds the pipe open any more

    before = signal.signal(signal.SIGTERM, interrupt)
    thread = threading.Thread(target=interrupt_after_the_start, daemon=True)
    try:
        thread.start()
        with pytest.raises(InterruptionError):
            program.run(["sh", "-c", PARENT_AND_CHILD, pipe], Deadline(60))
    finally:
        signal.signal(signal.SIGTERM, before)

    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_program_is_ended_also_when_a_signal_came_just_before_its_output_was_read() -> None:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(["sleep", "60"], text=True, start_new_session=True, **pipes) as process:
        process._communication_started = True  # type: ignore[attr-defined]  # as communicate() leaves it then
        assert program._end(process) == ""
    assert process.returncode == -signal.SIGTERM
