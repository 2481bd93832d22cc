# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verdict in words that a person would say. Private to the collection: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..checks.verdict import PROMISES, Finding, NotProved, Verdict

EMULATED = (
    "This cluster is emulated: its nodes and pods are network namespaces on one machine, and so is the Internet that they "
    "reach. The verdict is about this stand-in, not about a real cluster."
)

ALL_PROVED = "Everything that was to be proved is proved or refuted."

STATES = {"proved": "proved", "refuted": "refuted", "not_proved": "not proved"}


def headline(verdict: Verdict) -> str:
    """The whole verdict in one sentence."""
    network = f"the pod network of {verdict.cluster}"
    if verdict.verdict == "pass":
        return f"T{network[1:]} works: all its promises are proved."
    if verdict.verdict == "incomplete":
        return f"Nothing is known to be broken in {network}, but not everything could be proved."
    errors = [finding for finding in verdict.findings if finding.severity == "error"]
    if len(errors) == 1:
        return f"T{network[1:]} is broken: {errors[0].message}."
    return f"T{network[1:]} is broken: {counted(len(errors), 'fault')}{_places(errors)}."


def _places(findings: Iterable[Finding]) -> str:
    nodes = sorted({finding.node for finding in findings if finding.node})
    return f" on {listed(nodes)}" if nodes else ""


def promises_in_short(verdict: Verdict) -> str:
    """Which promises are proved, refuted and not proved, in one line."""
    parts = []
    for state, words in STATES.items():
        names = [name for name, promise in verdict.promises.items() if promise.state == state]
        if names:
            parts.append(f"{listed(names)} {'is' if len(names) == 1 else 'are'} {words}")
    return sentence("; ".join(parts))


def promise_title(name: str) -> str:
    """What a promise says: ``P1: pods talk to pods without NAT``."""
    return f"{name}: {PROMISES[name]}" if name in PROMISES else name


def place(item: Finding | NotProved) -> str:
    """Where it is: ``node demo-worker, pod default/bb1``; empty for the cluster as a whole."""
    return ", ".join(f"{kind} {name}" for kind, name in (("node", item.node), ("pod", item.pod)) if name)


def sentence(text: str) -> str:
    """The text with a full stop. Its first letter stays small: it may be that of a name."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def moment(checked_at: str) -> str:
    """RFC 3339 as people write it: ``2026-03-02 09:30:00 UTC``."""
    return checked_at.replace("T", " ").replace("Z", " UTC")


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each name without the domain, where all have the same."""
    names = list(names)
    shared = len({name.partition(".")[2] for name in names}) == 1
    return {name: name.partition(".")[0] if shared else name for name in names}


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 fault``, ``3 faults``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Names as a person lists them; of more than four the first three, and how many more there are."""
    shown = list(names) if len(names) <= 4 else [*names[:3], f"{len(names) - 3:,} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
