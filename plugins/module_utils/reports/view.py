# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a report shows of a snapshot: nodes with their rows explained, and who reached whom. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..checks.verdict import Finding
from ..network.address_book import AddressBook
from ..network.cni import devices
from ..network.explain import ExplainedRoute, explain_routes
from ..network.snapshot import Cluster, Node, NodeSnapshot, Pod, Probe, Snapshot
from ..network.table import RouteTable
from ..text.ip_route import parse_ip_route
from .wording import short_names

MOST_NODES = 60
"""Of a larger cluster only the nodes that the verdict speaks of are shown, or FEWEST_NODES, to show any."""

FEWEST_NODES = 6

ROUTE_COMMANDS = ("ip -4 route show table all", "ip -6 route show table all")

Outcome = Literal["reached", "partly", "lost"]


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node, the pods on it, and its rows. ``unread`` says what could not be read, or understood, and why."""

    node: Node
    pods: tuple[Pod, ...]
    rows: tuple[ExplainedRoute, ...]
    unread: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def uplink(self) -> str | None:
        """The device of the default route that the kernel's own rules lead to; further uplinks and CNIs have others."""
        defaults = RouteTable(row.route for row in self.rows if row.purpose == "default")
        chosen = (defaults.find(bits, 0) for bits in (32, 128))
        return next((dev for route in chosen if route is not None for dev in devices(route)), None)

    @property
    def blocks(self) -> list[str]:
        """The node's own blocks of pod addresses, as its rows tell them, else as its spec does."""
        own = [row.route.dst for row in self.rows if row.purpose == "own_block"]
        return list(dict.fromkeys(own or self.node.pod_cidrs))

    @property
    def next_hops(self) -> list[ExplainedRoute]:
        """The rows that lead to other nodes' pods."""
        return [row for row in self.rows if row.purpose == "remote_block"]

    @property
    def networked_pods(self) -> list[Pod]:
        """The pods that have addresses of their own."""
        return [pod for pod in self.pods if pod.ips and not pod.host_network]

    def interface(self, pod: Pod) -> str | None:
        """The device that leads to the pod, None where its row does not tell."""
        return next((row.route.dev for row in self.rows if row.purpose == "local_pod" and row.pod == pod.key), None)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who reached whom among the probes: ``outcomes`` by (source, target), ``labels`` say what each of these is.

    ``others_answered`` counts the further targets that answered whoever asked, ``others_lost`` names the rest of them.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    labels: Mapping[str, str]
    outcomes: Mapping[tuple[str, str], Outcome]
    others_answered: int
    others_lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """``nodes`` are those shown, of ``node_count``; ``node_of`` says on which node a pod (``namespace/name``) is."""

    nodes: tuple[NodeView, ...]
    node_count: int
    node_of: Mapping[str, str]
    reach: Reach


def view_of(snapshot: Snapshot, matter: Sequence[str]) -> View:
    """What to show of the snapshot; ``matter`` are the nodes and pods that the verdict speaks of, the most important first.

    Raises ValueError when the snapshot is from a file that is malformed.
    """
    nodes: list[Node] = []
    pods: list[Pod] = []
    probes: list[_Probing] = []
    for record in snapshot.nodes:
        nodes.append(record.node)
        pods += record.pods
        if record.probe is not None:
            probes.append(_Probing(record.probe.pod, "pod on", record.node.name, record.probe))
        if record.host_probe is not None:
            probes.append(_Probing(record.node.name, "node", record.node.name, record.host_probe))
    book = AddressBook(nodes, pods)
    node_of = {pod.key: pod.node for pod in pods if pod.node}
    wanted = _wanted([node.name for node in nodes], [node_of.get(name, name) for name in matter])
    shown = (record for record in snapshot.nodes if record.node.name in wanted)
    reach = _reach(probes, snapshot.cluster)
    return View(tuple(_node_view(record, book) for record in shown), len(nodes), node_of, reach)


def blamed_rows(finding: Finding) -> set[str]:
    """The lines of a finding's evidence as rows of its node's table would read."""
    return {line.strip().removeprefix(f"on {finding.node}: ") for line in finding.evidence}


def _wanted(names: list[str], matter: list[str]) -> set[str]:
    if len(names) <= MOST_NODES:
        return set(names)
    known = set(names)
    chosen = [name for name in dict.fromkeys(matter) if name in known][:MOST_NODES]
    return set(chosen) | set(names[: max(FEWEST_NODES - len(chosen), 0)])


def _node_view(record: NodeSnapshot, book: AddressBook) -> NodeView:
    rows: list[ExplainedRoute] = []
    unread = dict(record.unread)
    for command in ROUTE_COMMANDS:
        parsed = parse_ip_route(record.printed.get(command, ""))
        rows += explain_routes(parsed.routes, record.node, book)
        unread |= {line.text: f"a line of {command} that is not understood" for line in parsed.unparsed}
    return NodeView(record.node, record.pods, tuple(rows), unread)


class _Probing(NamedTuple):
    """A probe: ``key`` is what the matrix knows it by, for one on the host network its node's name."""

    key: str
    kind: str
    node: str
    probe: Probe


def _reach(probes: Sequence[_Probing], cluster: Cluster) -> Reach:
    names = short_names(probing.node for probing in probes)
    labels = {probing.key: f"{probing.kind} {names[probing.node]}" for probing in probes}
    if cluster.outside_address is not None:
        emulated = ", emulated" if cluster.emulated else ""
        labels[cluster.outside_address] = f"outside ({cluster.outside_address}{emulated})"
    keys = {probing.probe.pod: probing.key for probing in probes}
    answers: dict[tuple[str, str], list[Outcome]] = {}
    for probing in probes:
        for target, outcome in _measured(probing.probe):
            answers.setdefault((probing.key, keys.get(target, target)), []).append(outcome)
    outcomes = {ends: _together(found) for ends, found in answers.items()}
    among = {(source, target): outcome for (source, target), outcome in outcomes.items() if target in labels}
    reached = {target for _source, target in among}
    others = {target for _source, target in outcomes if target not in labels}
    lost = tuple(sorted({target for (_source, target), outcome in outcomes.items() if outcome != "reached"} & others))
    targets = tuple(key for key in labels if key in reached)
    return Reach(tuple(probing.key for probing in probes), targets, labels, among, len(others) - len(lost), lost)


def _measured(probe: Probe) -> Iterator[tuple[str, Outcome]]:
    for ping in probe.pings:
        if ping.size is None:
            some: Outcome = "partly" if ping.received else "lost"
            yield ping.target, "reached" if ping.received >= ping.transmitted else some
    for connection in probe.connections:
        yield connection.target, "reached" if connection.ok else "lost"


def _together(outcomes: list[Outcome]) -> Outcome:
    """One outcome for all that was sent to a target: by ping and TCP, in each family."""
    return outcomes[0] if len(set(outcomes)) == 1 else "partly"
