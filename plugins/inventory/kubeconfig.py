# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contexts of kubeconfig files as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubeconfig
short_description: The contexts of kubeconfig files as hosts
version_added: 0.1.0
description:
  - Each context of the files is a host, to run the playbooks C(kubelab.podnet.validate) and C(kubelab.podnet.fleet) on. No
    cluster is asked.
  - A host is called as its context, with each character that C(--limit) cannot select replaced by an underscore, as the colons
    of an EKS ARN. Where two contexts would have one name, the later ones get a number.
  - Hosts have the variables C(podnet_context), the name of the context as it is, and C(podnet_kubeconfig), the files. They are
    reached by C(ansible_connection=local).
author: The kubelab authors (@kubelab)
options:
  plugin:
    description: The name of this plugin, for which the file is.
    type: str
    required: true
    choices: [kubelab.podnet.kubeconfig]
  kubeconfigs:
    description:
      - The kubeconfig files, merged as kubectl merges those of E(KUBECONFIG). Paths are relative to the inventory file.
      - Empty takes those of E(KUBECONFIG), or C(~/.kube/config).
    type: list
    elements: str
    default: []
notes:
  - The inventory file's name ends in C(kubeconfig.yml) or C(kubeconfig.yaml).
"""

EXAMPLES = r"""
# fleet.kubeconfig.yml: all contexts that kubectl knows
---
plugin: kubelab.podnet.kubeconfig

# The contexts of two files beside this one
---
plugin: kubelab.podnet.kubeconfig
kubeconfigs:
  - staging.config
  - production.config
"""

import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import (
    MISSING_LIBRARY,
    default_kubeconfig,
    merged_kubeconfigs,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import PodnetError


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """A host for each context."""

    NAME = "kubelab.podnet.kubeconfig"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("kubeconfig.yml", "kubeconfig.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if MISSING_LIBRARY:
            raise AnsibleParserError(
                f"a library that kubeconfig files are read with does not import: {MISSING_LIBRARY}"
            )
        folder = os.path.dirname(os.path.abspath(path))
        given = [os.path.join(folder, os.path.expanduser(name)) for name in self.get_option("kubeconfigs")]
        kubeconfig = os.pathsep.join(given) or default_kubeconfig()
        try:
            contexts = [item["name"] for item in merged_kubeconfigs(kubeconfig).get("contexts") or ()]
        except PodnetError as error:
            raise AnsibleParserError(str(error)) from error
        for host, context in host_names(contexts).items():
            self.inventory.add_host(host)
            variables = {
                "podnet_context": context,
                "podnet_kubeconfig": kubeconfig,
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
            }
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)


def host_names(contexts: Iterable[str]) -> dict[str, str]:
    """Name of a host -> context, in their order."""
    named: dict[str, str] = {}
    for context in contexts:
        clean = re.sub(r"[^A-Za-z0-9_.-]", "_", context)
        name, number = clean, 1
        while name in named:
            number += 1
            name = f"{clean}_{number}"
        named[name] = context
    return named
