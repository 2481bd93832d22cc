"""The colours: enough contrast in light, in dark and on paper."""

from __future__ import annotations

import re

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.reports.style import STYLE

LIGHT, DARK, PAPER = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
GROUNDS = [(text, ground) for text in ("ink", "soft", "link", "way") for ground in ("ground", "paper")]
STATES = [
    (state, ground) for state in ("pass", "fail", "open", "info") for ground in (f"{state}-ground", "paper", "ground")
]


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, LIGHT | DARK, LIGHT | PAPER, LIGHT | DARK | PAPER])
@pytest.mark.parametrize(("text", "ground"), GROUNDS + STATES)
def test_every_text_stands_out_from_its_ground(theme, text, ground) -> None:
    assert contrast(theme[text], theme[ground]) >= 4.5


def test_dark_and_paper_have_a_colour_of_their_own_for_all_that_are_drawn() -> None:
    assert set(DARK) == set(LIGHT)
    assert set(PAPER) == set(LIGHT)


def test_paper_comes_last_so_that_a_dark_screen_prints_light() -> None:
    assert STYLE.index("prefers-color-scheme: dark") < STYLE.index("@media print")
