"""Run ansible-playbook for real, and read what its tasks returned."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180.0  # seconds that a play may take before it counts as hanging
_MARK = "PODNET_TEST_PLAY"

Results = dict[str, dict[str, Any]]


class Play:
    """A play on localhost, or a playbook that it imports, that is under way, and ended with the ``with`` block."""

    def __init__(self, folder: Path, play: Mapping[str, Any], inventory: str = "", **environment: str) -> None:
        self._results = folder / "results.jsonl"
        self._mark = uuid.uuid4().hex
        own = {} if "import_playbook" in play else {"hosts": "localhost", "gather_facts": False}
        (folder / "play.yml").write_text(json.dumps([{**own, **play}]))
        # The interpreter is that of Ansible itself, as in each inventory of ours.
        (folder / "hosts").write_text(
            "localhost ansible_connection=local\n"
            f"{inventory}\n[all:vars]\nansible_python_interpreter='{{{{ ansible_playbook_python }}}}'\n"
        )
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))
        }
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts", "play.yml", "--diff"],
            cwd=folder,
            env={
                **inherited,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build"),
                "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "support" / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "results",
                "ANSIBLE_ASYNC_DIR": str(folder / "jobs"),
                "ANSIBLE_NOCOLOR": "1",
                "RESULTS": str(self._results),
                _MARK: self._mark,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a process group of its own, as a shell gives it: Ctrl-C goes to all of it
        )

    def __enter__(self) -> Play:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.communicate()

    def output(self) -> str:
        """Wait for the end, and return what the play printed."""
        printed: str = self.process.communicate(timeout=PATIENCE)[0]
        return printed

    def results(self) -> Results:
        """What each task returned, by the task's name."""
        lines = self._results.read_text().splitlines()
        return {record["task"]: record["result"] for record in map(json.loads, lines)}

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def processes(self) -> list[int]:
        """The processes that the play started, its own included, as far as they run."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{_MARK}={self._mark}" in (folder / "environ").read_text(errors="replace"):
                    found.append(int(folder.name))
            except OSError:  # it has ended meanwhile, or is not ours
                continue
        return found

    def wait_until_nothing_is_left(self) -> None:
        """Wait until none of its processes runs any more."""
        for number in self.processes():
            with suppress(ProcessLookupError):
                process = os.pidfd_open(number)
                try:
                    assert select.select([process], [], [], PATIENCE)[0], f"process {number} is left"
                finally:
                    os.close(process)


def play(folder: Path, tasks: list[dict[str, Any]], *, inventory: str = "", **more: Any) -> tuple[Results, str]:
    """Run tasks to their end; their results by name, and what was printed."""
    environment = more.pop("environment_of_ansible", {})
    with Play(folder, {"tasks": tasks, **more}, inventory, **environment) as running:
        printed = running.output()
        return running.results(), printed
