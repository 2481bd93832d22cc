# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re
from ipaddress import ip_network

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.text import lines
from hypothesis import given
from hypothesis import strategies as st


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_prefix_reads_as_the_ipaddress_module_reads_it(address: object, length: int) -> None:
    network = ip_network(f"{address}/{min(length, 32 if '.' in str(address) else 128)}", strict=False)
    assert ip_network(lines.read_prefix(str(network))) == network
    assert ip_network(lines.read_prefix(str(address))) == ip_network(str(address))


@given(st.text(alphabet="0123456789abcdef.:/% x", max_size=24))
def test_what_is_read_as_a_prefix_is_one(text: str) -> None:
    try:
        prefix = lines.read_prefix(text)
    except (LookupError, ValueError, OSError):
        return
    assert ip_network(prefix) == ip_network(text)


@pytest.mark.parametrize("word", ["", "-1", "+1", "1_000", "1.0", "٣", " 1"])
def test_only_digits_make_a_number(word: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(word)}$"):
        lines.read_number(word)


@pytest.mark.parametrize("word", ["a" * 16, "a/b", "a:b", ".", ".."])
def test_an_interface_is_called_as_the_kernel_allows(word: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(word)}$"):
        lines.read_name(word)


def test_the_interface_behind_an_address_is_kept() -> None:
    assert lines.read_scoped_address("FE80::1%eth0") == "fe80::1%eth0"
