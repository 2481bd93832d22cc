# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records printed as ``ip route`` prints them: what the parser must undo, and a second opinion on what it read."""

from __future__ import annotations

from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import NextHop, Route


def print_route(route: Route) -> str:
    """The line or lines of iproute2."""
    words = [*([] if route.type == "unicast" else [route.type]), _host(route.dst)]
    words += ["from", _host(route.from_)] if route.from_ else []
    words += _valued(("encap", route.encap), ("tos", route.tos), ("nhid", route.nhid))
    words += _via(route.gateway, route.dst)
    words += _valued(
        ("dev", route.dev),
        ("table", route.table),
        ("proto", route.protocol),
        ("scope", route.scope),
        ("src", route.prefsrc),
        ("metric", route.metric),
    )
    words += route.flags
    words += _valued(("realms", route.realms), ("mark", route.mark), ("uid", route.uid))
    words += [] if route.expires is None else ["expires", f"{route.expires}sec"]
    words += _valued(("error", route.error))
    for name, value in (*((("mtu", route.mtu),) if route.mtu else ()), *route.metrics):
        printed = f"{value}ms" if name in ("rtt", "rttvar", "rto_min") else str(value)
        words += [name, *(["lock"] if name in route.locks else []), printed]
    words += _valued(("iif", route.iif), ("pref", route.pref))
    lines = [" ".join([*words, ""]), *(_nexthop(hop, route.dst) for hop in route.nexthops)]
    if route.cache is not None:
        lines.append(f"    cache <{','.join(route.cache)}> " if route.cache else "    cache ")
    return "\n".join(lines)


def print_busybox_route(route: Route) -> str:
    """The line of busybox, which leaves out a good part and prints two blanks before ``src`` and ``metric``."""
    words = [*([] if route.type == "unicast" else [route.type]), _host(route.dst)]
    words += _via(route.gateway, route.dst)
    words += _valued(("dev", route.dev), ("scope", route.scope))
    line = " ".join([*words, ""])
    line += f" src {route.prefsrc} " if route.prefsrc else ""
    if route.metric is not None:
        line += f" metric {route.metric if route.metric < 2**31 else route.metric - 2**32} "
    return line + "".join(f"{flag} " for flag in route.flags)


def _nexthop(hop: NextHop, dst: str) -> str:
    words = ["\tnexthop", *_valued(("encap", hop.encap)), *_via(hop.gateway, dst)]
    words += _valued(("realms", hop.realms), ("dev", hop.dev), ("weight", hop.weight))
    return " ".join([*words, *hop.flags, ""])


def _host(prefix: str) -> str:
    if prefix in ("0.0.0.0/0", "::/0"):
        return "default"
    return prefix.removesuffix("/128" if ":" in prefix else "/32")


def _via(gateway: str | None, dst: str) -> list[str]:
    if gateway is None:
        return []
    family = [] if (":" in gateway) == (":" in dst) else ["inet6" if ":" in gateway else "inet"]
    return ["via", *family, gateway]


def _valued(*options: tuple[str, str | int | None]) -> list[str]:
    return [word for name, value in options if value is not None for word in (name, str(value))]
