# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which addresses a node's own rows matter for: all for which a look-up in its own table gives something else, in short."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.facts import Facts
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.node_facts import Block, keep
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.reading import read_node
from ansible_collections.kubelab.podnet.plugins.module_utils.checks.targets import SharedView, Targets
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Cluster, Node, NodeSnapshot, Pod
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import number_address
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table_store import TableStore
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route
from hypothesis import given

from tests.unit.plugins.module_utils.checks.lab import MAIN4
from tests.unit.plugins.module_utils.network.generated_tables import Generated, interesting, pairs_of_tables

A, B = Node("a", ("172.18.0.1",)), Node("b", ("172.18.0.2",))
FILLING = "".join(f"10.9.{n}.0/24 via 172.18.0.9 dev eth0 \n" for n in range(40))
# Pods are in 10.0.1.0/26 on a and in 10.0.2.0/26 on b. Node c has none, and nodes d and e are as c is.
TABLE = f"""\
default via 172.18.0.254 dev eth0
10.0.1.0/26 via 172.18.0.1 dev eth0 proto 80 onlink
10.0.2.0/26 via 172.18.0.2 dev eth0 proto 80 onlink
10.0.3.0/26 dev tunl0
{FILLING}local 172.18.0.3 dev eth0 table local
"""


def facts_of(pods: Iterable[Pod], *nodes: NodeSnapshot) -> Facts:
    store = TableStore()
    known = [keep(read_node(node, store)) for node in (NodeSnapshot(A), NodeSnapshot(B), *nodes)]
    return Facts(Cluster("demo", "2026-11-23T12:00:00Z"), known, list(pods), {})


def pod(ip: str, node: str) -> Pod:
    return Pod("default", f"pod-{ip}", node, (ip,))


PODS = [pod("10.0.1.5", "a"), pod("10.0.1.6", "a"), pod("10.0.2.5", "b"), pod("10.0.3.5", "b"), pod("10.0.4.5", "b")]


def is_dull(row: Route | None) -> bool:
    """As in a cluster whose nodes do not name each other as next hops."""
    return row is None or row.dev == "tunl0" or row.dst.endswith("/0")


def changed_by(old: str, new: str) -> set[str]:
    """The addresses that may go another way on a node that has ``new`` where the base has ``old``."""
    facts = facts_of(PODS)
    store = TableStore()
    base = store.keep(TABLE, 32).base
    own = TABLE.replace(old, new, 1)
    assert own != TABLE
    kept = store.keep(own, 32)
    assert kept.base is base
    targets = Targets(facts, 32)
    places = SharedView(base, targets, facts, is_dull).changed_for(kept.open(), is_dull)
    return {number_address(32, targets.all[place].number) for place in places}


# Targets.


def test_targets_are_the_settled_pods_of_the_family_in_the_order_of_their_addresses() -> None:
    ended = Pod("default", "done", "a", ("10.0.0.1",), phase="Succeeded")
    host = Pod("default", "host", "a", ("172.18.0.1",), host_network=True)
    dual = Pod("default", "dual", "b", ("10.0.2.6", "fd00::6"))
    facts = facts_of([dual, ended, host, *PODS[2::-1]])
    targets = Targets(facts, 32)
    assert [target.address for target in targets.all] == [
        *("10.0.1.5", "10.0.1.6", "10.0.2.5", "10.0.2.6"),
    ]
    assert [target.at for target in Targets(facts, 128).all] == [dual]
    assert targets.pods == 4


def test_targets_are_found_by_node_and_by_network() -> None:
    targets = Targets(facts_of(PODS), 32)
    assert targets.of_node == {"a": [0, 1], "b": [2, 3, 4]}
    assert list(targets.within("10.0.1.0/26")) == [0, 1]
    assert list(targets.within("10.0.1.6/32")) == [1]
    assert list(targets.within("0.0.0.0/0")) == [0, 1, 2, 3, 4]
    assert list(targets.within("10.0.9.0/24")) == list(targets.within("::/0")) == []


def test_a_block_is_a_target_by_its_first_address_that_nobody_has() -> None:
    rows = "blackhole 10.0.1.0/30 proto 80 \n10.0.1.0 dev cali1 scope link \n10.0.1.1 dev cali2 scope link \n"
    node = NodeSnapshot(Node("c", ("172.18.0.3",)), printed={MAIN4: rows})
    targets = Targets(facts_of([pod("10.0.1.0", "c"), pod("10.0.1.1", "c")], node), 32)
    block = next(target for target in targets.all if isinstance(target.at, Block))
    assert (number_address(32, block.number), block.at.node) == ("10.0.1.2", "c")
    assert targets.pods == 2


def test_a_block_that_is_full_is_no_target() -> None:
    node = NodeSnapshot(Node("c", ("172.18.0.3",)), printed={MAIN4: "blackhole 10.0.1.0/31 proto 80 \n"})
    targets = Targets(facts_of([pod("10.0.1.0", "c"), pod("10.0.1.1", "c")], node), 32)
    assert len(targets.all) == targets.pods == 2


# What the shared rows tell.


def test_shared_rows_lead_home_or_show_nothing_or_depend_on_the_node_that_asks() -> None:
    facts = facts_of([*PODS, pod("10.0.1.7", "b")])
    view = SharedView(TableStore().keep(TABLE, 32).base, Targets(facts, 32), facts, is_dull)

    def addresses(places: set[int]) -> list[str]:
        return [number_address(32, view.targets.all[place].number) for place in sorted(places)]

    assert addresses(view.clear) == ["10.0.1.5", "10.0.1.6", "10.0.2.5"]
    assert addresses(view.dull) == ["10.0.3.5", "10.0.4.5"]
    assert addresses(view.open) == ["10.0.1.7"]
    assert view.clear_pods == 3


# What a node's own rows change.


def test_on_a_node_with_the_same_rows_nothing_changes() -> None:
    assert changed_by("local 172.18.0.3 dev", "local 172.18.0.4 dev") == set()


def test_a_row_that_is_gone_changes_what_it_decided() -> None:
    assert changed_by("10.0.1.0/26 via 172.18.0.1 dev eth0 proto 80 onlink\n", "") == {"10.0.1.5", "10.0.1.6"}


def test_a_longer_prefix_changes_what_it_holds() -> None:
    own = "10.0.1.6 dev cali1 scope link\n10.0.2.0/26 via"
    assert changed_by("10.0.2.0/26 via", own) == {"10.0.1.6"}


def test_a_shorter_prefix_changes_only_what_no_longer_one_decides() -> None:
    own = "10.0.0.0/16 via 172.18.0.2 dev eth0\n10.0.2.0/26 via"
    assert changed_by("10.0.2.0/26 via", own) == {"10.0.4.5"}


def test_a_shorter_prefix_in_the_table_local_is_asked_before_a_longer_one_in_main() -> None:
    own = "local 10.0.0.0/23 dev lo table local\nlocal 172.18.0.3"
    assert changed_by("local 172.18.0.3", own) == {"10.0.1.5", "10.0.1.6"}


def test_a_row_in_a_table_that_no_usual_rule_asks_changes_nothing() -> None:
    assert changed_by("local 172.18.0.3", "10.0.1.6 dev eth1 table 100\nlocal 172.18.0.3") == set()


def test_a_row_that_serves_no_packet_changes_nothing() -> None:
    assert changed_by("10.0.2.0/26 via", "10.0.1.6 dev cali1 dead linkdown\n10.0.2.0/26 via") == set()


def test_a_row_that_shows_no_way_changes_nothing_in_the_place_of_another_one() -> None:
    assert changed_by("10.0.3.0/26 dev tunl0", "10.0.3.0/26 dev tunl0 src 172.18.0.4") == set()
    assert changed_by("default via 172.18.0.254", "default via 172.18.0.253") == set()


def test_a_row_that_shows_no_way_changes_what_another_one_led_somewhere() -> None:
    assert changed_by("10.0.2.0/26 via 172.18.0.2 dev eth0", "10.0.2.0/26 dev tunl0") == {"10.0.2.5"}


def test_a_row_that_shows_a_way_changes_what_showed_none() -> None:
    assert changed_by("10.0.3.0/26 dev tunl0", "10.0.3.0/26 via 172.18.0.2 dev eth0") == {"10.0.3.5"}


def is_dull_by_device(row: Route | None) -> bool:
    return row is None or row.dev == "eth1"


@pytest.mark.slow
@given(pairs_of_tables)
def test_no_address_is_missed_that_a_node_looks_up_otherwise(generated: Generated) -> None:
    bits, (first, second) = generated
    numbers = sorted(interesting(bits, first, second))
    facts = facts_of(pod(number_address(bits, number), "a") for number in numbers)
    targets = Targets(facts, bits)
    store = TableStore()
    store.keep(first, bits)
    kept = store.keep(second, bits)
    table, view = kept.open(), SharedView(kept.base, targets, facts, is_dull_by_device)
    changed = set(view.changed_for(table, is_dull_by_device))
    for place, target in enumerate(targets.all):
        before, now = kept.base.table.find(bits, target.number), table.find(bits, target.number)
        assert place in changed or now == before or (is_dull_by_device(now) and is_dull_by_device(before))
