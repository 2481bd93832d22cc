# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults in routing tables, one for each cause: a row that leads 60 pods astray is one. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from ..network.cni import devices, gateways, is_host
from ..network.forwarding import Move
from ..network.path import Path, follow
from ..network.snapshot import Pod
from .facts import Facts
from .fault import Fault, host_prefix, listed
from .packets import Ways
from .reading import FAMILIES
from .routes import Judged, RouteJudge
from .rules import check_rules
from .verdict import NotProved

# What is said of the row to another node's block.
_OF_BLOCKS = ("missing-block-route", "wrong-next-hop", "next-hop-not-a-node", "blackholed-block")
_OF_PODS = ("missing-pod-route", "wrong-pod-interface", "blackholed-pod")


@dataclass(slots=True)
class RouteReport:
    """``pairs`` are those of nodes and pods' addresses, ``proved`` those of them where the node's tables lead to the pod."""

    faults: list[Fault] = field(default_factory=list)
    not_proved: list[NotProved] = field(default_factory=list)
    pairs: int = 0
    proved: int = 0


def check_routes(facts: Facts, ways: Ways) -> RouteReport:
    """Judge the tables of all nodes, in all families in which pods have addresses."""
    report = RouteReport()
    for bits in facts.families:
        judge = RouteJudge(facts, ways, bits)
        wrong: list[Judged] = []
        unsure = 0
        for name in judge.nodes:
            wrong_here, right = judge.judged(name)
            if bits not in facts.nodes[name].understood_rules:
                right = 0  # a rule may have other tables asked
            report.proved += right
            unsure += judge.targets.pods - right - sum(isinstance(item.target.at, Pod) for item in wrong_here)
            wrong += wrong_here
        report.pairs += len(facts.nodes) * judge.targets.pods
        report.faults += [*_faults(judge, wrong), *check_rules(judge)]
        report.not_proved += _unproved(facts, judge, unsure)
    return report


def _unproved(facts: Facts, judge: RouteJudge, unsure: int) -> Iterator[NotProved]:
    unread = facts.nodes.keys() - judge.nodes
    if unread:
        yield NotProved(f"{FAMILIES[judge.bits]} routes of {listed(unread)}", "their tables could not be read")
    if unsure:
        yield NotProved(
            f"the way from a node to a pod by {FAMILIES[judge.bits]} tables, for {unsure} pairs of them",
            "the tables do not show it: a tunnel's device, eBPF, Open vSwitch, the network outside the nodes,"
            " or a rule that is not known, decides",
        )


def _faults(judge: RouteJudge, wrong: Iterable[Judged]) -> Iterator[Fault]:
    groups: dict[Hashable, list[Judged]] = {}
    wrong = list(wrong)
    circles = {(item.node, item.move.row) for item in wrong if item.verdict == "routing-loop"}
    for item in wrong:
        # A row of a circle may lead some packets to where they end; two nodes' claims are compared elsewhere.
        is_told = item.verdict in _OF_BLOCKS and (item.node, item.move.row) in circles
        if item.verdict != "duplicate-block" and not is_told:
            groups.setdefault(_cause(judge, item), []).append(item)
    for group in _merged(judge, groups.values()):
        yield _Group(judge, group).fault()


def _cause(judge: RouteJudge, item: Judged) -> Hashable:
    """What the item has in common with others of one cause."""
    dst = None if item.move.row is None else item.move.row.dst
    if item.verdict == "missing-block-route":
        return item.verdict, item.node, _home(judge, item)
    if item.verdict in _OF_PODS:
        return item.verdict, item.node, _pod(item)
    if item.verdict == "pod-on-wrong-node":
        return item.verdict, _pod(item)
    if item.verdict == "routing-loop":
        return item.verdict, frozenset(_path(judge, item).nodes), dst
    return item.verdict, item.node, item.move.row and item.move.row.raw


def _merged(judge: RouteJudge, groups: Iterable[list[Judged]]) -> list[list[Judged]]:
    """The groups, with those put together that are what one node does to all others, or all others do to one."""
    homes = {node for node in judge.targets.of_node if node is not None}

    def are_all_homes(items: list[Judged]) -> bool:
        return _homes(judge, items) == homes - {items[0].node}

    def are_all_nodes(items: list[Judged]) -> bool:
        found = _homes(judge, items)
        return len(found) == 1 and {item.node for item in items} == set(judge.nodes) - found

    def are_all_pods(items: list[Judged]) -> bool:
        own = [judge.targets.all[place].at for place in judge.targets.of_node[items[0].node]]
        return {_pod(item) for item in items} == {at.key for at in own if isinstance(at, Pod)}

    merged = _merge(groups, lambda item: item.verdict == "missing-block-route" and item.node, are_all_homes)
    merged = _merge(merged, lambda item: item.verdict in _OF_BLOCKS and _same_for_all(judge, item), are_all_nodes)
    return _merge(merged, lambda item: item.verdict == "missing-pod-route" and item.node, are_all_pods)


def _merge(
    groups: Iterable[list[Judged]], key: Callable[[Judged], Hashable], are_all: Callable[[list[Judged]], bool]
) -> list[list[Judged]]:
    """Put groups of one key together where they are all that there can be. Groups without a key stay as they are."""
    by_key: dict[Hashable, list[list[Judged]]] = {}
    merged: list[list[Judged]] = []
    for group in groups:
        by_key.setdefault(key(group[0]) or id(group), []).append(group)
    for parts in by_key.values():
        together = [item for part in parts for item in part]
        merged += [together] if len(parts) > 1 and are_all(together) else parts
    return merged


def _same_for_all(judge: RouteJudge, item: Judged) -> Hashable:
    via = None if item.move.row is None or item.verdict == "missing-block-route" else tuple(gateways(item.move.row))
    return item.verdict, _home(judge, item), via


def _homes(judge: RouteJudge, items: Iterable[Judged]) -> set[str]:
    return {home for home in (_home(judge, item) for item in items) if home is not None}


def _home(judge: RouteJudge, item: Judged) -> str | None:
    """The node that the row is about: where the pod runs, or for a row to a block the node that the block belongs to."""
    is_of_block = item.verdict in (*_OF_BLOCKS, "shadowed-block")
    block = judge.block(item.target) if is_of_block else None
    return item.target.at.node if block is None else block.node


def _pod(item: Judged) -> str | None:
    return item.target.at.key if isinstance(item.target.at, Pod) else None


def _path(judge: RouteJudge, item: Judged) -> Path:
    return follow(judge.facts.forwarding, item.node, item.target.address, item.target.at.node or "")


class _Group:
    """Judged items of one cause, to be told as one fault."""

    def __init__(self, judge: RouteJudge, items: list[Judged]) -> None:
        self.judge = judge
        self.items = items
        self.first = items[0]
        self.code = items[0].verdict
        self.row = items[0].move.row
        self.nodes = sorted({item.node for item in items})
        self.homes = sorted(_homes(judge, items))
        self.pods = sorted({pod for pod in map(_pod, items) if pod})

    def fault(self) -> Fault:
        match self.code:
            case "missing-block-route" | "wrong-next-hop" | "next-hop-not-a-node" | "blackholed-block":
                return self._of_block()
            case "shadowed-block":
                return self._shadow()
            case "pod-on-wrong-node":
                return self._elsewhere()
            case "routing-loop":
                return self._loop()
        return self._of_pod()

    def _of_block(self) -> Fault:
        is_everyones = len(self.nodes) > 1
        whose = f"the pods of {self.homes[0]} ({', '.join(self._blocks())})"
        if self.code == "missing-block-route":
            subject = "no other node has a" if is_everyones else f"{self.nodes[0]} has no"
            message = f"{subject} route to {whose if len(self.homes) == 1 else 'the pods of any other node'}"
        else:
            subject = "all other nodes" if is_everyones else self.nodes[0]
            message = f"{subject} {_does(self.first.move, f'packets for {whose}', is_everyones)}"
        blamed = self.homes[0] if is_everyones else self.nodes[0]
        return Fault(self.code, message, self._rows(), blamed, to=tuple(self._blocks()))

    def _shadow(self) -> Fault:
        dst = self.row.dst if self.row else self.first.target.address
        what = f"packets for {dst}, a part of what {self.homes[0]} has for its pods,"
        pod = self.pods[0] if len(self.pods) == 1 and is_host(dst) else None
        message = f"{self.nodes[0]} {_does(self.first.move, what)}"
        return Fault(self.code, message, self._rows(), self.nodes[0], pod, (dst,))

    def _of_pod(self) -> Fault:
        node, address = self.nodes[0], self.first.target.address
        pod = f"pod {self.pods[0]} ({address})"
        is_own = self.homes == [node]
        if self.code == "blackholed-pod":
            message = f"{node} drops packets for {pod}"
        elif self.code == "wrong-pod-interface":
            message = f"{node} {_does(self.first.move, f'packets for its {pod}')}, not to the pod's interface"
        elif not is_own:
            message = (
                f"{node} has no route to {pod}, which runs on {self.homes[0]} with an address from {node}'s own block"
            )
        elif len(self.pods) > 1:
            message = f"{node} has no route to any of its {len(self.pods)} pods"
        else:
            message = f"{node} has no route to its {pod}"
        return Fault(
            self.code, message, self._rows(), node, self.pods[0] if len(self.pods) == 1 else None, self._hosts()
        )

    def _elsewhere(self) -> Fault:
        home = self.homes[0]
        holder = next((node for node in self.nodes if node != home), None) or _path(self.judge, self.first).nodes[-1]
        pod = f"pod {self.pods[0]} ({self.first.target.address})"
        message = f"{holder} takes {pod} for one of its own, though it runs on {home}"
        return Fault(self.code, message, self._rows(), holder, self.pods[0], self._hosts())

    def _loop(self) -> Fault:
        path = _path(self.judge, self.first)
        rows = [f"on {hop.node}: {hop.move.row.raw}" for hop in path.hops if hop.move and hop.move.row]
        pod = self.pods[0] if len(self.pods) == 1 and self.row is not None and is_host(self.row.dst) else None
        what = f"pod {pod} ({self.first.target.address})" if pod else ", ".join(self._blocks())
        message = f"packets for {what} go in a circle: {' -> '.join(path.nodes)}"
        to = tuple(self._blocks()) if pod is None else self._hosts()
        return Fault(self.code, message, tuple(rows), self.nodes[0], pod, to)

    # Parts of what is said.

    def _blocks(self) -> list[str]:
        """What the targets' nodes have for their pods, as far as it is known; else the addresses themselves."""
        prefixes = set()
        for item in self.items:
            block = self.judge.block(item.target)
            prefixes.add(block.prefix if block else host_prefix(item.target.address))
        return sorted(prefixes)

    def _hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host_prefix(item.target.address) for item in self.items))

    def _rows(self) -> tuple[str, ...]:
        """The rows that decide, and what another node has in their place where a node lacks one."""
        several = len(self.nodes) > 1
        lines = []
        for item in self.items:
            row = item.move.row
            line = f"no row for {item.target.address}" if row is None else row.raw
            lines.append(f"on {item.node}: {line}" if several else line)
        if self.code == "missing-block-route":
            lines += self._example()
        return tuple(dict.fromkeys(lines))

    def _example(self) -> Iterator[str]:
        home = _home(self.judge, self.first)
        for name in self.judge.nodes:
            if name not in (*self.nodes, home):
                for move in self.judge.facts.forwarding[name].moves(self.first.target.address)[-1:]:
                    if move.row is not None and move.nodes == {home}:
                        yield f"on {name}: {move.row.raw}"
                        return


def _does(move: Move, what: str, several: bool = False) -> str:
    """What a node does with packets: "sends packets for ... to demo-worker2"."""
    plural = "" if several else "s"
    row = move.row
    if row is None or move.kind == "dropped":
        return f"drop{plural} {what}"
    match move.kind:
        case "own":
            return f"keep{plural} {what} for itself, on {row.dev}"
        case "node":
            where = f"to {' or '.join(sorted(move.nodes))}"
        case "stranger":
            where = f"to {' or '.join(gateways(row))}, which is no node's address"
        case _:
            where = f"out through {' or '.join(devices(row))}"
    return f"send{plural} {what} {where}"
