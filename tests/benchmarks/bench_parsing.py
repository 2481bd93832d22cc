"""Route tables of a large Calico cluster: our parser's time as a ratio to jc's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from ipaddress import IPv4Address
from statistics import median
from time import process_time

import jc
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

NODES = 4_999
PODS = 110
LINES = 2 + (NODES - 1) + 1 + PODS


def node_table(cluster: int, node: int) -> str:
    """What ``ip route`` prints on a node: 5,111 lines. Each cluster has networks of its own, so none was seen before."""
    pool = int(IPv4Address("10.0.0.0")) + cluster * 2**19
    nodes = int(IPv4Address("172.16.0.2")) + cluster * 2**13
    lines = ["default via 172.16.0.1 dev eth0 "]
    for other in range(NODES):
        block = pool + 64 * other
        if other != node:
            lines.append(f"{IPv4Address(block)}/26 via {IPv4Address(nodes + other)} dev eth0 proto 80 onlink ")
            continue
        lines.append(f"blackhole {IPv4Address(block)}/26 proto 80 ")
        # A /26 holds 64 pods; the others sit on addresses that their blocks lend.
        for pod in range(PODS):
            interface = "cali" + hashlib.sha1(f"{cluster}/{node}/{pod}".encode()).hexdigest()[:11]  # noqa: S324
            lines.append(f"{IPv4Address(block + pod)} dev {interface} scope link ")
    lines.append(f"172.16.0.0/12 dev eth0 proto kernel scope link src {IPv4Address(nodes + node)} ")
    return "\n".join(lines) + "\n"


def seconds(parse: Callable[[str], object], tables: list[str]) -> float:
    start = process_time()
    for table in tables:
        parse(table)
    return process_time() - start


def read_by_jc(table: str) -> object:
    return jc.parse("ip_route", table, quiet=True)


def ratio(nodes: int, rounds: int, first_cluster: int) -> float:
    """Median of interleaved rounds, each on the tables of a cluster that neither has seen."""
    ratios = []
    for cluster in range(first_cluster, first_cluster + rounds):
        tables = [node_table(cluster, node) for node in range(nodes)]
        theirs = seconds(read_by_jc, tables)
        ratios.append(seconds(parse_ip_route, tables) / theirs)
        parsed = parse_ip_route(tables[-1])
        if len(parsed.routes) != LINES or parsed.unparsed:
            raise AssertionError("a table was not read in full")
    return median(ratios)


def rows() -> list[tuple[str, float, float]]:
    """(what, ratio to jc's time, the most it may be)."""
    return [
        (f"a route table of {LINES:,} lines never seen before, to jc", ratio(1, 15, 0), 1.0),
        (f"the tables of 100 nodes of one cluster, {LINES:,} lines each, to jc", ratio(100, 3, 15), 0.25),
    ]
