"""Whose address it is."""

from __future__ import annotations

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Node, Pod

NODES = [
    Node("demo-worker", ("172.18.0.4", "fc00::4"), ("10.244.1.0/24",)),
    Node("demo-worker2", ("172.18.0.2",), ("10.244.2.0/24",)),
]
BB1 = Pod("default", "bb1", "demo-worker", ("192.168.157.134", "fd00::6"))
BB2 = Pod("default", "bb2", "demo-worker2", ("192.168.121.73",))
BOOK = AddressBook(NODES, [BB1, BB2])


def test_nodes_and_pods_are_found_by_any_of_their_addresses() -> None:
    assert BOOK.node_at("fc00::4") == "demo-worker"
    assert BOOK.pods_at("192.168.157.134") == BOOK.pods_at("fd00::6") == [BB1]
    assert BOOK.node_at("192.168.157.134") is None
    assert BOOK.pods_at("172.18.0.4") == []


def test_an_ipv6_address_is_the_same_however_it_is_written() -> None:
    assert BOOK.pods_at("FD00:0:0::0006") == [BB1]


def test_an_ipv4_address_is_not_the_ipv6_address_of_that_number() -> None:
    assert AddressBook([], [Pod("default", "six", None, ("::1.2.3.4",))]).pods_at("1.2.3.4") == []


@pytest.mark.parametrize(
    ("prefix", "nodes"),
    [
        ("192.168.121.64/26", {"demo-worker2"}),
        ("192.168.0.0/16", {"demo-worker", "demo-worker2"}),
        ("192.168.157.134/32", {"demo-worker"}),
        ("192.168.157.128/30", set()),
        ("192.168.157.132/30", {"demo-worker"}),
        ("0.0.0.0/0", {"demo-worker", "demo-worker2"}),
        ("fd00::/64", {"demo-worker"}),
    ],
)
def test_the_nodes_whose_pods_lie_in_a_prefix(prefix: str, nodes: set[str]) -> None:
    assert BOOK.nodes_with_pods_in(prefix) == nodes


def test_a_part_of_a_pod_cidr_belongs_to_its_node_and_a_network_around_it_does_not() -> None:
    assert BOOK.node_of_pod_cidr("10.244.2.0/24") == "demo-worker2"
    assert BOOK.node_of_pod_cidr("10.244.2.128/26") == "demo-worker2"
    assert BOOK.node_of_pod_cidr("10.244.2.0/23") is None
    assert BOOK.node_of_pod_cidr("10.244.3.0/24") is None


def test_a_pod_cidr_that_two_nodes_claim_is_neithers() -> None:
    twice = [Node("a", (), ("10.244.1.0/24",)), Node("b", (), ("10.244.1.0/24",))]
    assert AddressBook(twice, []).node_of_pod_cidr("10.244.1.0/24") is None


def test_pods_without_an_address_are_known_by_their_node() -> None:
    starting = Pod("default", "new", "demo-worker")
    assert AddressBook(NODES, [starting]).pods_on("demo-worker") == [starting]


def test_pods_on_the_host_network_and_pods_that_ended_are_left_out() -> None:
    agent = Pod("kube-system", "agent", "demo-worker", ("172.18.0.4",), host_network=True)
    done = [Pod("default", phase, "demo-worker", ("10.0.0.1",), phase=phase) for phase in ("Succeeded", "Failed")]
    book = AddressBook(NODES, [agent, *done])
    assert book.pods_at("172.18.0.4") == book.pods_at("10.0.0.1") == book.pods_on("demo-worker") == []


def test_what_is_no_address_is_refused_with_the_name_of_its_owner() -> None:
    with pytest.raises(ValueError, match=r"^pod default/bb3: 'x' is not an IPv4 or IPv6 address$"):
        AddressBook([], [Pod("default", "bb3", "demo-worker", ("x",))])
    with pytest.raises(ValueError, match=r"^node demo-worker: '10.0.0.1/8' is not a network"):
        AddressBook([Node("demo-worker", (), ("10.0.0.1/8",))], [])
