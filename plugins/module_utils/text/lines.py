# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the parsers share. Private to the collection: it may change at any time."""

from __future__ import annotations

from typing import Any, NamedTuple


class Unparsed(NamedTuple):
    """Text that a parser does not understand: ``line`` counts from 1, ``text`` is the line as printed."""

    line: int
    text: str

    def as_dict(self) -> dict[str, Any]:
        return self._asdict()
