# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blocks of addresses, and addresses of blocks."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netns_cluster.network.blocks import BlockPool, NodeAddresses, PoolExhaustedError

LAB_POOL = ipaddress.ip_network("192.168.0.0/16")


@pytest.mark.parametrize(
    ("node", "block"),
    [
        ("demo-control-plane", "192.168.210.0/26"),
        ("demo-worker", "192.168.157.128/26"),
        ("demo-worker2", "192.168.121.64/26"),
    ],
)
def test_the_nodes_of_the_lab_get_the_blocks_that_calico_gives_them(node: str, block: str) -> None:
    assert str(BlockPool(LAB_POOL).claim(node)) == block


def test_a_smaller_pool_gives_the_place_that_the_low_bits_of_calicos_number_name() -> None:
    assert str(BlockPool(ipaddress.ip_network("10.1.0.0/20")).claim("demo-worker")) == "10.1.13.128/26"


def test_an_ipv6_block_has_the_same_low_digits_as_the_ipv4_block() -> None:
    assert str(BlockPool(ipaddress.ip_network("fd00:10:244::/56")).claim("demo-worker")) == "fd00:10:244::9d80/122"


def test_a_node_of_another_name_gets_the_same_block_in_every_new_cluster() -> None:
    assert BlockPool(LAB_POOL).claim("other-worker") == BlockPool(LAB_POOL).claim("other-worker")


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=4), max_size=16))
def test_no_block_is_claimed_twice_and_each_lies_in_the_pool(names: list[str]) -> None:
    pool = ipaddress.ip_network("10.0.0.0/22")
    blocks = BlockPool(pool)
    claimed = [blocks.claim(name) for name in names]
    assert len(set(claimed)) == len(names)
    assert all(block.prefixlen == 26 and block.subnet_of(pool) for block in claimed)


def test_a_pool_without_a_free_block_says_how_many_there_were() -> None:
    pool = BlockPool(ipaddress.ip_network("10.0.0.0/25"))
    pool.claim("a")
    pool.claim("b")
    with pytest.raises(PoolExhaustedError, match=r"all 2 blocks of the pod network 10\.0\.0\.0/25"):
        pool.claim("c")


@pytest.fixture
def addresses(tmp_path: Path) -> NodeAddresses:
    return NodeAddresses("demo-worker", BlockPool(LAB_POOL), tmp_path)


def test_the_first_pods_of_a_node_get_the_second_and_third_address_of_its_block(addresses: NodeAddresses) -> None:
    assert [str(addresses.take()[0]) for _unused in range(2)] == ["192.168.157.129", "192.168.157.130"]


def test_an_address_given_back_is_the_last_to_be_given_out_again(addresses: NodeAddresses) -> None:
    first, _unused = addresses.take()
    addresses.give_back(first)
    others = [addresses.take()[0] for _unused in range(62)]
    assert first not in others
    assert addresses.take()[0] == first


def test_a_node_whose_block_is_used_up_claims_another_one(addresses: NodeAddresses) -> None:
    for _unused in range(63):
        assert addresses.take()[1] is None
    address, block = addresses.take()
    assert block is not None
    assert address in block
    assert addresses.blocks[1] == block
    assert addresses.take()[0] == address + 1


def test_an_address_whose_reservation_was_lost_is_given_out_twice(addresses: NodeAddresses, tmp_path: Path) -> None:
    taken, _unused = addresses.take()
    addresses.take()
    (tmp_path / str(taken)).unlink()
    (tmp_path / "last_reserved_ip.0").write_text("192.168.157.128")
    assert addresses.take()[0] == taken
    for _unused in range(2):  # both pods end
        addresses.give_back(taken)


def test_the_families_of_a_node_share_a_directory(tmp_path: Path) -> None:
    pools = [BlockPool(LAB_POOL), BlockPool(ipaddress.ip_network("fd00:10:244::/56"))]
    both = [NodeAddresses("demo-worker", pool, tmp_path, place) for place, pool in enumerate(pools)]
    assert [str(family.take()[0]) for _unused in range(2) for family in both] == [
        "192.168.157.129",
        "fd00:10:244::9d81",
        "192.168.157.130",
        "fd00:10:244::9d82",
    ]
