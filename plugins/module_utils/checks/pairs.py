# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single pairs explained: the steps there and back, what was measured, where packets are lost. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from ..network.cni import holds
from ..network.places import Pair
from ..network.table import address_number
from .facts import Facts
from .fault import Fault, Loss
from .packets import End, forbidding, loss_on, sent_from
from .pair_ends import Leg, PairEnds
from .tries import Tries, tries_of
from .verdict import ExplainedPair, ExplainedWay, Step
from .walk import Walk, walk

_ENDS_IN_LOSS = ("lost", "loop")


def explain_pairs(facts: Facts, faults: Sequence[Fault], pairs: Sequence[Pair]) -> tuple[ExplainedPair, ...]:
    """Explain pairs, in their order. ``faults`` are those of the verdict, the most important first.

    :raises InputError: for an end that is not there, saying what is.
    """
    if not pairs:
        return ()
    nodes = (node.node for node in facts.nodes.values())
    ends = PairEnds(facts.cluster.name, nodes, facts.pods, lambda address: facts.owner(*address_number(address)))
    return tuple(_explain(facts, faults, pair, ends.legs(pair)) for pair in pairs)


def _explain(facts: Facts, faults: Sequence[Fault], pair: Pair, legs: Sequence[Leg]) -> ExplainedPair:
    sent = [_as_sent(facts, leg) for leg in legs]
    families = [_Family(facts, faults, list(some)) for _bits, some in groupby(sent, key=_bits)]
    ways = tuple(way for family in families for way in family.ways)
    arrivals = {family.arrives for family in families}
    return ExplainedPair(
        source=pair.source.reference,
        target=pair.target.reference,
        arrives=False if False in arrivals else True if arrivals == {True} else None,
        reason=_reason(ways, arrivals) if ways else f"{pair.source} and {pair.target} have no address family in common",
        ways=ways,
        findings=tuple(dict.fromkeys(fault.code for family in families for fault in family.suspects)),
        measured=tuple(line for family in families for tries in family.tries for line in tries.lines),
    )


def _as_sent(facts: Facts, leg: Leg) -> Leg:
    """The direction with the address that a node sends from: into a tunnel it is another one than that it is known by."""
    there = leg.direction == "there"
    source, own, address = (
        (leg.source, leg.source_address, leg.address) if there else (leg.target, leg.address, leg.source_address)
    )
    if source.pod is not None or source.node is None:
        return leg
    own = sent_from(facts, End(own, source.node, None), address)
    return leg._replace(source_address=own) if there else leg._replace(address=own)


def _bits(leg: Leg) -> int:
    return address_number(leg.address)[0]


def _reason(ways: Sequence[ExplainedWay], arrivals: set[bool | None]) -> str:
    """What matters most, in one sentence."""
    several = len({way.family for way in ways}) > 1
    for outcomes, doubt in ((_ENDS_IN_LOSS, ""), (("unsure",), "not known for sure: ")):
        for way in ways:
            if way.outcome in outcomes:
                return f"the way {way.direction}{f' by {way.family}' if several else ''} is {doubt}{way.reason}"
    return (
        "packets get there and back" if arrivals == {True} else "the tables lead there and back; nothing was measured"
    )


class _Blame(NamedTuple):
    """A fault, and the step at which it loses packets: by the places of its way and in this."""

    fault: Fault
    way: int
    step: int


class _Family:
    """The ways there and back in one family. ``suspects`` are the faults that can have lost packets which did not arrive."""

    def __init__(self, facts: Facts, faults: Sequence[Fault], legs: Sequence[Leg]) -> None:
        self._facts = facts
        self._legs = legs
        self.tries = [tries_of(facts, leg) for leg in legs]
        self._walks = [_with_answers(walk(facts, leg), tries) for leg, tries in zip(legs, self.tries, strict=True)]
        self._is_lost = any(tries.arrived is False for tries in self.tries)
        self._arrived = [self._has_arrived(tries) for tries in self.tries]
        loss = self._loss()
        self.suspects = [fault for fault in faults if not all(self._arrived) and fault.explains(loss)]
        self._conclude()

    @property
    def ways(self) -> Iterator[ExplainedWay]:
        for leg, found in zip(self._legs, self._walks, strict=True):
            family: Literal["IPv4", "IPv6"] = "IPv6" if ":" in leg.address else "IPv4"
            yield ExplainedWay(
                leg.direction, family, leg.source_address, leg.address, found.end, found.reason, found.steps
            )

    @property
    def arrives(self) -> bool | None:
        """Whether packets get from the source to the target, and replies back."""
        measured = next((tries.arrived for tries in self.tries if tries.arrived is not None), None)
        if measured is None and any(found.end in _ENDS_IN_LOSS for found in self._walks):
            return False
        return measured

    def _has_arrived(self, tries: Tries) -> bool | None:
        """Whether packets were seen to take this way: those that were sent on it, or else the replies to those on the other."""
        if tries.arrived is None and any(other.arrived for other in self.tries):
            return True
        return tries.arrived

    def _loss(self) -> Loss:
        """The packets of this family, as they are when they are lost."""
        leg = self._legs[0]
        nodes = frozenset(step.node for found in self._walks for step in found.steps if step.node)
        source = End(leg.source_address, leg.start, leg.source.pod.key if leg.source.pod else None)
        return loss_on(self._facts, nodes, source, leg.target.at(leg.address), "")

    # What tables and measurements come to together.

    def _conclude(self) -> None:
        for place, (found, arrived) in enumerate(zip(self._walks, self._arrived, strict=True)):
            if arrived:
                self._walks[place] = _proved(found)
            elif found.end in _ENDS_IN_LOSS:
                self._walks[place] = replace(found, reason=_lost(found, self._cause(found)))
        if any(found.end in _ENDS_IN_LOSS for found in self._walks):
            return
        blame = next(self._blamed(), None)
        if blame is not None:
            found = self._walks[blame.way]
            step = replace(found.steps[blame.step], to=None, lost=True)
            lost = Walk((*found.steps[: blame.step], step), "lost", blame.fault.message)
            self._walks[blame.way] = replace(lost, reason=_lost(lost, blame.fault))
        elif self._is_lost or self.suspects:
            for place, arrived in enumerate(self._arrived):
                if not arrived:
                    self._walks[place] = replace(self._walks[place], end="unsure", reason=self._doubt(place))

    def _blamed(self) -> Iterator[_Blame]:
        """The steps that faults stand at: first where their evidence is the row that decides, then where the blamed element is.

        Without a measurement only a row that is wrong tells of a loss, and only where the tables lead nowhere else.
        """
        places = [
            (way, number, step)
            for way, found in enumerate(self._walks)
            for number, step in enumerate(found.steps)
            if not self._arrived[way] and (self._is_lost or number in found.unsure)
        ]
        for fault in self.suspects:
            yield from (_Blame(fault, way, number) for way, number, step in places if _decides(fault, step))
        for fault in self.suspects if self._is_lost else ():
            if fault.code == "packets-dropped":
                yield from (_Blame(fault, way, number) for way, number in self._broken_traces())
            for way, number, step in places:
                if _is_at(fault, step) and _is_for(fault, self._legs[way]):
                    yield _Blame(fault, way, number)

    def _broken_traces(self) -> Iterator[tuple[int, int]]:
        """The ways whose traceroute ends early, and the steps that were the last to answer.

        One that ends just before the target proves nothing: the target's answer to it may be what was lost.
        """
        for way, found in enumerate(self._walks):
            last = max((number for number, step in enumerate(found.steps) if step.measured), default=None)
            if last is not None and last < len(found.steps) - 2:
                yield way, last

    def _cause(self, found: Walk) -> Fault | None:
        """The fault that has packets lost where the tables show that they are."""
        decisive = found.steps if found.end == "loop" else found.steps[-1:]
        by_row = [fault for fault in self.suspects if any(_decides(fault, step) for step in decisive)]
        by_place = [fault for fault in self.suspects if _is_at(fault, found.steps[-1])]
        return next(iter(by_row + by_place), None)

    def _doubt(self, place: int) -> str:
        """Why it is not known how a way ends."""
        leg, answers = self._legs[place], self.tries[place].answers
        pods = [end.pod.key if end.pod is not None else None for end in (leg.source, leg.target)]
        policy = forbidding(self._facts, *pods)
        if self.suspects:
            unmeasured = "" if self._is_lost else ", and nothing was measured"
            return f"{self.suspects[0].message} ({self.suspects[0].code}){unmeasured}"
        if policy is not None:
            return f"packets are lost, which {policy} may want"
        last = max(answers, key=lambda name: answers[name], default=None)
        hint = f"; {last} is the last to answer a traceroute" if last else ""
        return f"packets are lost, and no row, setting or policy that was read explains it{hint}"


def _with_answers(found: Walk, tries: Tries) -> Walk:
    """The walk, with what a traceroute saw of its steps."""
    steps = []
    for step in found.steps:
        ttl = tries.answers.get(step.pod or step.node or "")
        steps.append(replace(step, measured=f"hop {ttl} of the traceroute") if ttl is not None else step)
    return replace(found, steps=tuple(steps))


def _proved(found: Walk) -> Walk:
    """A way that packets were seen to take."""
    if found.end == "delivered":
        return replace(found, reason="packets arrive, and the tables lead there")
    steps = tuple(replace(step, lost=False) for step in found.steps)
    if found.end == "unsure":
        return Walk(steps, "delivered", "packets arrive, by a way that tables do not show all of")
    return Walk(steps, "unsure", f"packets arrive, though by the tables they should not: {found.reason}")


def _lost(found: Walk, fault: Fault | None) -> str:
    """Where packets are lost, and why."""
    step = found.steps[-1]
    where = f"{'caught in a circle' if found.end == 'loop' else 'lost'} at {_place(step)}"
    return f"{where}{f' ({fault.code})' if fault is not None else ''}: {found.reason}"


def _place(step: Step) -> str:
    return f"node {step.node}" if step.node else f"pod {step.pod}"


def _decides(fault: Fault, step: Step) -> bool:
    """Whether the fault is about the row or the rule that decides at the step."""
    lines = {line.strip() for line in fault.evidence}
    for line in (step.row, step.rule):
        if line is not None and (f"on {step.node}: {line}" in lines or (fault.node == step.node and line in lines)):
            return True
    return False


def _is_at(fault: Fault, step: Step) -> bool:
    """Whether the step is at the element that the fault blames."""
    if fault.pod is not None and step.pod is not None:
        return step.pod == fault.pod
    return fault.node is not None and step.node == fault.node


def _is_for(fault: Fault, leg: Leg) -> bool:
    """Whether the fault loses packets in that direction."""
    return fault.to is None or any(holds(prefix, leg.address) for prefix in fault.to)
