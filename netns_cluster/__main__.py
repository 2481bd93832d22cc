# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the command line."""

from __future__ import annotations

import sys

from netns_cluster.cli import main

if __name__ == "__main__":
    sys.exit(main())
