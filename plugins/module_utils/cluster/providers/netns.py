# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""placeholder"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import MissingProgramError


class Netns:
    provider = "netns"
    emulated = True

    def __init__(self, name: str, deadline: Deadline) -> None:
        self.name = name
        self.context = name
        self._deadline = deadline

    def check(self) -> str:
        raise MissingProgramError("not yet")

    def unused(self, wanted: Wanted) -> list[str]:
        return []

    def exists(self) -> bool:
        return False

    def wanted_shape(self, wanted: Wanted) -> dict[str, Any]:
        return {}

    def shape(self) -> dict[str, Any]:
        return {}

    def create(self, wanted: Wanted) -> None: ...

    def wait_until_ready(self) -> None: ...

    def missing_images(self, images: Sequence[str]) -> list[str]:
        return []

    def load_images(self, images: Sequence[str]) -> None: ...

    def kubeconfig(self) -> str:
        return ""

    def nodes(self) -> list[dict[str, Any]]:
        return []

    def remove(self) -> None: ...
