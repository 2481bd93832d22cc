# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that read what ip route, ping and traceroute printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ping import parse_ping
from ansible_collections.kubelab.podnet.plugins.module_utils.text.traceroute import parse_traceroute


def _of_text(name: str, parse: Callable[[str], Any]) -> Callable[[Any], dict[str, Any]]:
    def read(text: Any) -> dict[str, Any]:
        if not isinstance(text, str):
            raise AnsibleTemplatePluginError(
                f"kubelab.podnet.{name} takes the text that a command printed: "
                "give it the key stdout of a result, not stdout_lines and not the whole result"
            )
        plain: dict[str, Any] = parse(text).as_dict()
        return plain

    return read


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "parse_ip_route": _of_text("parse_ip_route", parse_ip_route),
            "parse_ping": _of_text("parse_ping", parse_ping),
            "parse_traceroute": _of_text("parse_traceroute", parse_traceroute),
        }
