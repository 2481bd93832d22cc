# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node's own commands say: tables, rules, links, settings. Private to the collection: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.node_access import NodeShell
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ExecError, PodnetError
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import NODE_COMMANDS
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_address import parse_ip_address

_FORMS: Mapping[str, Sequence[list[str]]] = {
    **{command: [command.split()] for command in NODE_COMMANDS},
    "ip addr": [["ip", "-d", "addr"], ["ip", "addr"]],  # busybox knows no -d
}
_FOR_ALL = (
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/forwarding",
    "/proc/sys/net/ipv4/conf/all/rp_filter",
    "/proc/sys/net/ipv4/conf/all/proxy_arp",
)
_FILES_AT_ONCE = 80  # keeps the address of an exec below 8 KB, which is what servers and proxies take at least
_SETTING = re.compile(r"/proc/sys/net/(ipv[46])/(?:conf/(?P<device>[^/]+)/)?(?P<name>\w+):(?P<value>-?\d+)")


@dataclass
class NodeOutput:
    """The fields of a NodeSnapshot of the same names."""

    access: str | None = None
    printed: dict[str, str] = field(default_factory=dict)
    sysctls: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def read_node(shell: NodeShell, deadline: Deadline) -> NodeOutput:
    """Run all that is asked of a node there, one command after the other. Never raises: what fails stands in ``unread``."""
    found = NodeOutput()
    for command, forms in _FORMS.items():
        try:
            found.access, found.printed[command] = _first(shell, forms, deadline)
        except PodnetError as error:
            found.unread[command] = str(error)
    try:
        found.sysctls = _read_sysctls(shell, found.printed.get("ip addr", ""), deadline)
    except PodnetError as error:
        found.unread["sysctls"] = str(error)
    return found


def _first(shell: NodeShell, forms: Sequence[list[str]], deadline: Deadline) -> tuple[str, str]:
    """The way and the text of the first form of a command that the node's program takes."""
    said = ""
    for form in forms:
        access, output = shell.run(form, deadline)
        if output.exit_code == 0:
            return access, output.stdout
        said = f"{' '.join(form)} on node {shell.node} failed: {(output.stderr or output.stdout).strip()}"
    raise ExecError(said)


def _read_sysctls(shell: NodeShell, links: str, deadline: Deadline) -> dict[str, int]:
    files = [*_FOR_ALL]
    for link in parse_ip_address(links).links:
        # A node stands in for a gateway towards Calico's pods only, and other nodes' packets do not come in at these.
        rest = "proxy_arp" if link.name.startswith("cali") else "rp_filter"
        files += [f"/proc/sys/net/ipv4/conf/{link.name}/{name}" for name in ("forwarding", rest)]
    found: dict[str, int] = {}
    for start in range(0, len(files), _FILES_AT_ONCE):
        # grep writes the file's name before its content, and reads on when a device is gone by now.
        _way, output = shell.run(["grep", "-H", "", *files[start : start + _FILES_AT_ONCE]], deadline)
        found.update(_settings(output.stdout))
    if not found:
        raise ExecError(f"the settings of node {shell.node} cannot be read: {(output.stderr or output.stdout).strip()}")
    return found


def _settings(printed: str) -> Iterator[tuple[str, int]]:
    """``/proc/sys/net/ipv4/conf/eth0.100/rp_filter:1`` as ``net.ipv4.conf.eth0/100.rp_filter``, 1: the names of sysctl."""
    for match in _SETTING.finditer(printed):
        device = f"conf.{match['device'].replace('.', '/')}." if match["device"] else ""
        yield f"net.{match[1]}.{device}{match['name']}", int(match["value"])
