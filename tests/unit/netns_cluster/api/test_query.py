# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from netns_cluster.api.query import is_true


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "1", "", "yes"])
def test_whatever_is_not_false_is_true(value: str) -> None:
    assert is_true({"watch": value}, "watch")


@pytest.mark.parametrize("value", ["false", "False", "0"])
def test_false_and_0_are_false(value: str) -> None:
    assert not is_true({"watch": value}, "watch")


def test_a_parameter_that_is_not_there_is_false() -> None:
    assert not is_true({"follow": "true"}, "watch")
