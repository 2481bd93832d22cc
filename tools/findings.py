# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints docs/findings.md: a section for each finding of the catalogue. `make docs` writes it there."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubelab.podnet.plugins.module_utils.checks.catalogue import CATALOGUE, Entry
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.verdict import PROMISES

_INTRODUCTION = """\
<!-- Written by `make docs` from plugins/module_utils/checks/catalogue.py: change it there. -->

# What a verdict can find

Each finding of `kubelab.podnet.network_validate` has one of these codes, which stay the same from version to version. In a
finding the remedy names the node and the pod to blame, for which `NODE` and `POD` stand here. What a finding refutes is one of
the three promises of pod networking:
"""


def page() -> Iterator[str]:
    yield _INTRODUCTION
    yield from (f"- {name}: {text}" for name, text in PROMISES.items())
    yield "\n| code | severity | |\n|---|---|---|"
    yield from (
        f"| [`{entry.code}`](#{entry.code}) | {entry.severity} | {entry.title} |" for entry in CATALOGUE.values()
    )
    yield from map(_section, CATALOGUE.values())


def _section(entry: Entry) -> str:
    facts = {
        "Severity": entry.severity,
        "Typical cause": entry.cause,
        "Remedy": entry.remedy.format(node="`NODE`", pod="`POD`"),
        "Refutes": ", ".join(entry.refutes) or "no promise",
    }
    lines = "".join(f"- **{name}:** {text}\n" for name, text in facts.items())
    return f"\n## {entry.code}\n\n**{entry.title}.** {entry.meaning}\n\n{lines}".rstrip()


if __name__ == "__main__":
    print("\n".join(page()))
