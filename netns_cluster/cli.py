# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line: ``python -m netns_cluster up|down|list``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netns_cluster import clusters
from netns_cluster.config import FAMILIES, MAX_WORKERS, Shape
from netns_cluster.errors import NetnsClusterError

_EPILOG = """With --json the answer is one JSON object on standard output:
  up, down  {"changed": true, "cluster": {"name": "demo", "status": "running", "server": "https://127.0.0.1:...", ...}}
  list      {"clusters": [{...}]}
  a failure {"error": "other-shape", "msg": "..."}, with exit status 1
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0, 1 when it failed, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        answer, text = _COMMANDS[options.command](options)
    except NetnsClusterError as error:
        _print_failure(options, error.code, str(error))
        return 1
    except KeyboardInterrupt:
        _print_failure(options, "interrupted", "interrupted: what was half made is removed")
        return 130
    print(json.dumps(answer) if options.json else text)
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer in JSON")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="demo", help="the cluster's name (default: %(default)s)")
    parser = argparse.ArgumentParser(
        prog="python -m netns_cluster",
        description="Clusters whose nodes and pods are network namespaces of this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", parents=[named, common], help="have a cluster, ready to use")
    up.add_argument(
        "--workers", type=int, default=2, help=f"how many workers, 0 to {MAX_WORKERS} (default: %(default)s)"
    )
    up.add_argument(
        "--kubeconfig", type=Path, metavar="PATH", help="add the cluster to this file, as its current context"
    )
    up.add_argument("--ip-families", choices=list(FAMILIES), default="ipv4", help="default: %(default)s")
    up.add_argument(
        "--pod-subnet", metavar="CIDR[,CIDR]", default="", help="where pods get their addresses, one per family"
    )
    commands.add_parser("down", parents=[named, common], help="remove a cluster; one that is not there is no error")
    commands.add_parser("list", parents=[common], help="show all clusters")
    return parser


def _up(options: argparse.Namespace) -> tuple[Any, str]:
    subnets = tuple(filter(None, options.pod_subnet.split(",")))
    outcome = clusters.up(Shape(options.name, options.workers, options.ip_families, subnets), options.kubeconfig)
    cluster = outcome.cluster
    kubeconfig = options.kubeconfig or cluster["kubeconfig"]
    head = f"cluster {cluster['name']} is ready" if outcome.changed else f"cluster {cluster['name']} was ready already"
    text = f"{head}: {', '.join(cluster['nodes'])}\nexport KUBECONFIG={kubeconfig}"
    return {"changed": outcome.changed, "cluster": cluster}, text


def _down(options: argparse.Namespace) -> tuple[Any, str]:
    outcome = clusters.down(options.name)
    text = f"cluster {options.name} is removed" if outcome.changed else f"there is no cluster {options.name}"
    return {"changed": outcome.changed, "cluster": outcome.cluster}, text


def _list(_unused: argparse.Namespace) -> tuple[Any, str]:
    found = clusters.clusters()
    rows = [("NAME", "STATUS", "NODES", "FAMILIES", "SERVER")]
    for one in found:
        rows.append(
            (
                one["name"],
                one["status"],
                str(len(one.get("nodes", []))),
                one.get("ip_families", ""),
                one.get("server", ""),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return {"clusters": found}, "\n".join(lines) if found else "no clusters"


_COMMANDS = {"up": _up, "down": _down, "list": _list}


def _print_failure(options: argparse.Namespace, code: str, message: str) -> None:
    if options.json:
        print(json.dumps({"error": code, "msg": message}))
    else:
        print(f"error: {message}", file=sys.stderr)
