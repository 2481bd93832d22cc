# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a container waits before it is started again."""

from __future__ import annotations

from netns_cluster.controllers.container import BackOff


def test_the_first_restart_is_at_once_and_each_later_one_twice_as_late_up_to_five_minutes() -> None:
    back_off = BackOff()
    assert [back_off.next(0) for _unused in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


def test_after_a_good_run_the_delays_begin_anew() -> None:
    back_off = BackOff()
    for _unused in range(5):
        back_off.next(0)
    assert back_off.next(601) == 0
    assert back_off.next(0) == 10
