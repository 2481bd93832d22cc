"""The roles that only look, on an API server that never answers: they end with their timeout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.api_server import ApiServer, never_answering
from tests.support.playbook import Play

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("role", ["routes", "connectivity"])
def test_each_call_of_a_role_ends_with_its_timeout(tmp_path: Path, server: ApiServer, role: str) -> None:
    server.misbehave("GET", ".*", never_answering)
    variables = {f"{role}_cluster": {"host": server.url}, f"{role}_timeout": 1}
    with Play(tmp_path, {"roles": [{"role": f"kubelab.podnet.{role}", "vars": variables}]}) as play:
        play.output()
        told = [result["msg"] for result in play.results().values() if result.get("error") == "deadline-exceeded"]
    assert len(told) == {"routes": 1, "connectivity": 2}[role]
    assert all("did not end within 1 seconds" in message for message in told)
