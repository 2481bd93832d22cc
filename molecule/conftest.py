"""Fixtures for the verify steps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ephemeral() -> Path:
    """Where the scenario's playbooks left what modules returned."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
