# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration that kubeadm leaves in the cluster. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def subnet(config_map: Mapping[str, Any], name: str) -> str | None:
    """What ``podSubnet`` or ``serviceSubnet`` is in the ConfigMap kubeadm-config: a CIDR, or two with a comma.

    It is YAML, of which one line is wanted: no library is needed for that.
    """
    configuration = (config_map.get("data") or {}).get("ClusterConfiguration", "")
    found = re.search(rf"^\s+{name}:\s*[\"']?([^\s\"'#]+)", configuration, re.MULTILINE)
    return found[1] if found else None
