# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parameters in a request's address."""

from __future__ import annotations

from collections.abc import Mapping


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Whether a parameter is there and true: all but ``0`` and ``false`` is, such as ``True``, which Python clients send.

    See Convert_Slice_string_To_bool of k8s.io/apimachinery.
    """
    return name in query and query[name].lower() not in ("0", "false")
