# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Address blocks: how each node gets a part of the pod network, and each pod an address of its node's part.

Calico gives a node a block of 64 addresses, /26 or /122, whose place in the pool follows from the node's name alone: the low
bits of Go's ``rand.NewSource(FNV-1(name)).Int63()`` (libcalico-go, lib/ipam: ``randomBlockGenerator``). For the lab's three
names those places are known from a real cluster; any other name gets one by a hash of it, the next free one when it is taken.
"""

from __future__ import annotations

import hashlib
import ipaddress
from pathlib import Path

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

BLOCK_SIZE = 64
CALICO_PLACES = {"demo-control-plane": 840, "demo-worker": 630, "demo-worker2": 485}
"""In a pool of 1,024 blocks: 192.168.210.0, 192.168.157.128 and 192.168.121.64 of 192.168.0.0/16."""

_PLACES = 1024  # of a larger pool only the first are used: no cluster here is that large


class PoolExhaustedError(Exception):
    """No block is free."""


class BlockPool:
    """The blocks of one pod network. A claimed block stays claimed."""

    def __init__(self, pool: Network) -> None:
        self._pool = pool
        self._count = min(pool.num_addresses // BLOCK_SIZE, _PLACES)
        self._claimed: set[int] = set()

    def claim(self, node: str) -> Network:
        """Return a free block for the node; its first claim gives the block that its name stands for.

        Raises :class:`PoolExhaustedError` when no block is left.
        """
        place = CALICO_PLACES.get(node, int.from_bytes(hashlib.sha256(node.encode()).digest()[:8], "big"))
        for step in range(self._count):
            candidate = (place + step) % self._count
            if candidate not in self._claimed:
                self._claimed.add(candidate)
                first = int(self._pool.network_address) + candidate * BLOCK_SIZE
                return ipaddress.ip_network((first, self._pool.max_prefixlen - 6))
        raise PoolExhaustedError(f"all {self._count} blocks of the pod network {self._pool} are taken")


class NodeAddresses:
    """The addresses of one node's blocks of one family, given out in order and again only after all others.

    Which of them are given out stands in a directory, as the CNI plugin host-local keeps it: a file of the name of each, and in
    ``last_reserved_ip.N`` the latest, N being the place of the family. An address whose file was lost is given out twice.
    """

    def __init__(self, node: str, pool: BlockPool, directory: Path, place: int = 0) -> None:
        self._node = node
        self._pool = pool
        self._directory = directory
        self._latest = directory / f"last_reserved_ip.{place}"
        self._addresses: list[Address] = []
        self.blocks: list[Network] = []
        self.claim_block()

    def claim_block(self) -> Network:
        block = self._pool.claim(self._node)
        self.blocks.append(block)
        # The first address of a block is what Calico gives to the node's own tunnel.
        self._addresses.extend(address for address in block if address != block.network_address)
        return block

    def take(self) -> tuple[Address, Network | None]:
        """Return an address, and the block that had to be claimed for it."""
        address, block = self._next_free(), None
        if address is None:
            block = self.claim_block()
            address = block[1]
        (self._directory / str(address)).touch()
        self._latest.write_text(f"{address}\n")
        return address, block

    def _next_free(self) -> Address | None:
        latest = self._latest.read_text().strip() if self._latest.exists() else ""
        first = next((place for place, address in enumerate(self._addresses, 1) if str(address) == latest), 0)
        for address in self._addresses[first:] + self._addresses[:first]:
            if not (self._directory / str(address)).exists():
                return address
        return None

    def give_back(self, address: Address) -> None:
        (self._directory / str(address)).unlink(missing_ok=True)
