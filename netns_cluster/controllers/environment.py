# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container finds around it: its environment, /etc/hosts, /etc/resolv.conf, and what it may do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from netns_cluster import images
from netns_cluster.config import reservations
from netns_cluster.linux import CAPABILITIES
from netns_cluster.runtime.messages import DEFAULT_CAPABILITIES, Container, Process, Volume
from netns_cluster.runtime.rootfs import HOST_TOOLS_SEARCH_PATH, SEARCH_PATH

Object = dict[str, Any]

CLUSTER_DOMAIN = "cluster.local"
RESERVATIONS = "/var/lib/cni/networks/netns"
_HOSTS = (
    "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][\w.-]*)\)")


class ConfigurationError(Exception):
    """A container that cannot be created as it is described: CreateContainerConfigError."""


def container_of(pod: Object, container: Object, name_servers: Sequence[str]) -> Container:
    """Return what surrounds a container's processes."""
    spec = pod["spec"]
    security = container.get("securityContext") or {}
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    host_tools = images.kind_of(container["image"]) == images.NODE_IMAGE
    return Container(
        hostname=spec["nodeName"] if spec.get("hostNetwork") else spec.get("hostname") or pod["metadata"]["name"][:63],
        files={"/etc/hosts": hosts_file(pod), "/etc/resolv.conf": resolv_conf(pod, name_servers)},
        volumes=[
            Volume(volume_name(pod, mount["name"]), mount["mountPath"], bool(mount.get("readOnly")))
            for mount in container.get("volumeMounts") or []
            if mount["name"] in volumes
        ]
        + ([Volume(reservations(spec["nodeName"]), RESERVATIONS, read_only=False)] if host_tools else []),
        read_only=bool(security.get("readOnlyRootFilesystem")),
        privileged=bool(security.get("privileged")),
        host_tools=host_tools,
    )


def volume_name(pod: Object, volume: str) -> str:
    return f"{pod['metadata']['uid']}.{volume}"


def main_process(pod: Object, container: Object) -> Process:
    """Return a container's first process. A busybox image without a command runs ``sh``."""
    env = environment(pod, container)
    argv = [expand(word, env) for word in (container.get("command") or []) + (container.get("args") or [])]
    return _process(pod, container, argv or ["sh"], env)


def further_process(pod: Object, container: Object, argv: list[str], *, terminal: bool) -> Process:
    """Return a command that is executed in a running container."""
    env = environment(pod, container) | ({"TERM": "xterm"} if terminal else {})
    return _process(pod, container, argv, env, terminal=terminal)


def _process(
    pod: Object, container: Object, argv: list[str], env: dict[str, str], *, terminal: bool = False
) -> Process:
    security = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    uid = security.get("runAsUser") or 0
    if security.get("runAsNonRoot") and uid == 0:
        why = "container has runAsNonRoot and image will run as root"
        raise ConfigurationError(
            f'{why} (pod: "{pod["metadata"]["name"]}_{pod["metadata"]["namespace"]}", container: {container["name"]})'
        )
    return Process(
        argv=argv,
        env=env,
        cwd=container.get("workingDir") or "/",
        uid=uid,
        gid=security.get("runAsGroup") or 0,
        capabilities=sorted(capabilities(security)),
        no_new_privileges=security.get("allowPrivilegeEscalation") is False,
        terminal=terminal or bool(container.get("tty")),
    )


def capabilities(security: Object) -> set[str]:
    """Return what root keeps: the runtime's defaults, plus what is added, minus what is dropped."""
    if security.get("privileged"):
        return set(CAPABILITIES)
    wanted = security.get("capabilities") or {}
    add, drop = ({name.upper().removeprefix("CAP_") for name in wanted.get(key) or []} for key in ("add", "drop"))
    kept = set() if "ALL" in drop else set(DEFAULT_CAPABILITIES) - drop
    return kept | (set(CAPABILITIES) - drop if "ALL" in add else add)


def environment(pod: Object, container: Object) -> dict[str, str]:
    path = HOST_TOOLS_SEARCH_PATH if images.kind_of(container["image"]) == images.NODE_IMAGE else SEARCH_PATH
    env = {"PATH": path, "HOSTNAME": pod["metadata"]["name"], "HOME": "/root"}
    for variable in container.get("env") or []:
        source = variable.get("valueFrom")
        value = _field(pod, source["fieldRef"]["fieldPath"]) if source else expand(variable.get("value") or "", env)
        env[variable["name"]] = value
    return env


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace $(NAME) by variables; $$ is a dollar, an unknown name stays as it is."""

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[1] is None else env.get(match[1], match[0])

    return _REFERENCE.sub(replacement, text)


def _field(pod: Object, path: str) -> str:
    """Return the value of a fieldRef."""
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path == "status.podIPs":
        return ",".join(entry["ip"] for entry in pod["status"].get("podIPs", []))
    section, _unused, key = path.partition(".")
    if (section, key) not in _DOWNWARD_FIELDS:
        raise ConfigurationError(f"unsupported fieldPath: {path}")
    return str(pod[section].get(key, ""))


_DOWNWARD_FIELDS = {
    *(("metadata", key) for key in ("name", "namespace", "uid")),
    *(("spec", key) for key in ("nodeName", "serviceAccountName")),
    *(("status", key) for key in ("hostIP", "podIP")),
}


def hosts_file(pod: Object) -> str:
    if pod["spec"].get("hostNetwork"):
        own = f"{pod['status'].get('hostIP', '')}\t{pod['spec']['nodeName']}\n"
    else:
        own = "".join(f"{entry['ip']}\t{pod['metadata']['name']}\n" for entry in pod["status"].get("podIPs", []))
    aliases = pod["spec"].get("hostAliases") or []
    return _HOSTS + own + "".join(f"{alias['ip']}\t{' '.join(alias.get('hostnames') or [])}\n" for alias in aliases)


def resolv_conf(pod: Object, name_servers: Sequence[str]) -> str:
    """Write the resolver's configuration for the pod's DNS policy; a node's own names the same server, without search."""
    spec = pod["spec"]
    config = spec.get("dnsConfig") or {}
    policy = spec["dnsPolicy"]
    servers, searches, options = list(name_servers), list[str](), list[str]()
    if policy == "None":
        servers = []
    elif policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.get("hostNetwork")):
        namespace = pod["metadata"]["namespace"]
        searches = [f"{namespace}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
        options = ["ndots:5"]
    servers += config.get("nameservers") or []
    searches += config.get("searches") or []
    for option in config.get("options") or []:
        options.append(option["name"] + (f":{option['value']}" if option.get("value") else ""))
    lines = [f"search {' '.join(searches)}"] if searches else []
    lines += [f"nameserver {server}" for server in dict.fromkeys(servers)]
    lines += [f"options {' '.join(options)}"] if options else []
    return "\n".join(lines) + "\n"
