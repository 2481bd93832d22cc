from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster import program
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import DeadlineError, MissingProgramError

PATIENCE = 10.0


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", script, *arguments]


def test_what_a_program_prints_and_its_exit_code_come_back_apart() -> None:
    done = program.run(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), Deadline(PATIENCE)
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_no_shell_reads_the_arguments() -> None:
    done = program.run(python("import sys; print(sys.argv[1])", "$(id); `id` | * ; \"'"), Deadline(PATIENCE))
    assert done.stdout == "$(id); `id` | * ; \"'\n"


def test_bytes_that_are_no_text_do_not_stop_the_rest() -> None:
    done = program.run(python("import sys; sys.stdout.buffer.write(b'a\\xff\\xfeb')"), Deadline(PATIENCE))
    assert done.stdout == "a\ufffd\ufffdb"


def test_a_program_that_asks_for_input_gets_none() -> None:
    done = program.run(python("import sys; print(repr(sys.stdin.read()))"), Deadline(PATIENCE))
    assert done.stdout == "''\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every directory")
def test_a_directory_on_path_that_may_not_be_looked_into_does_not_make_a_program_be_there(tmp_path: Path) -> None:
    tmp_path.chmod(0)

    with pytest.raises(MissingProgramError, match="no-such-program is not on PATH"):
        program.run(["no-such-program"], Deadline(PATIENCE), environment={"PATH": str(tmp_path)})


def test_a_program_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(MissingProgramError) as raised:
        program.run(["no-such-program", "--version"], Deadline(PATIENCE))
    assert str(raised.value) == "the program no-such-program is not on PATH; install it, or do without what needs it"


def test_a_program_that_may_not_be_run_is_an_error_of_this_collection(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_text("not a program")
    with pytest.raises(MissingProgramError, match=r"cannot be run: .*Permission denied"):
        program.run([str(locked)], Deadline(PATIENCE))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The path of a FIFO that a program holds open for writing as long as it lives, and our end of it."""
    path = str(tmp_path / "witness")
    os.mkfifo(path)
    ours = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, ours
    os.close(ours)


def assert_that_none_is_left(ours: int) -> None:
    poll = select.poll()
    poll.register(ours, select.POLLHUP)
    try:
        assert os.read(ours, 1) == b"", "it wrote something"
    except BlockingIOError:  # somebody has the FIFO open: perhaps just about to die
        assert poll.poll(5000), "a process that was to be killed still runs"


STAY = "import os, signal, sys; os.open(sys.argv[1], os.O_WRONLY); signal.pause()"


def test_a_program_that_does_not_end_is_killed(witness: tuple[str, int]) -> None:
    with pytest.raises(DeadlineError, match=r"did not end within 0\.5 seconds"):
        program.run(python(STAY, witness[0]), Deadline(0.5))
    assert_that_none_is_left(witness[1])


def test_what_a_program_started_is_killed_with_it_and_not_waited_for(witness: tuple[str, int]) -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STAY!r}, sys.argv[1]])"
    with pytest.raises(DeadlineError):
        program.run(python(script, witness[0]), Deadline(0.5))
    assert_that_none_is_left(witness[1])


def test_nothing_is_started_once_the_time_is_over(tmp_path: Path) -> None:
    with pytest.raises(DeadlineError):
        program.run(["touch", str(tmp_path / "started")], Deadline(0))
    assert not (tmp_path / "started").exists()


def test_variables_may_be_given_to_it() -> None:
    done = program.run(python("import os; print(os.environ['WHO'])"), Deadline(PATIENCE), environment={"WHO": "me"})
    assert done.stdout == "me\n"
