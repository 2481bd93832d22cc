# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table that is kept as its difference to another one answers as it would by itself, whatever the difference is."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table import RouteTable
from ansible_collections.kubelab.podnet.plugins.module_utils.network.table_store import TableStore
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import Route, parse_ip_route
from hypothesis import given

from tests.unit.plugins.module_utils.network.generated_tables import Generated, interesting, pairs_of_tables, printed

pytestmark = pytest.mark.slow


@given(pairs_of_tables)
def test_each_address_is_looked_up_as_in_the_table_itself(generated: Generated) -> None:
    bits, (first, second) = generated
    store = TableStore()
    for text in (first, second):
        found = store.keep(text, bits).open()
        whole = RouteTable(parse_ip_route(text).routes)
        for number in interesting(bits, first, second):
            assert found.find(bits, number) == whole.find(bits, number), printed(bits, number)
            for name in ("main", "100"):
                assert found.find_in(name, bits, number) == whole.find_in(name, bits, number), printed(bits, number)


@given(pairs_of_tables)
def test_no_row_is_lost_nor_any_line_that_is_not_understood(generated: Generated) -> None:
    bits, (first, second) = generated
    store = TableStore()
    for text in (first, second):
        found, parsed = store.keep(text, bits).open(), parse_ip_route(text)
        assert Counter([*found.where(is_any), *found.hosts.values()]) == Counter(parsed.routes)
        assert Counter(found.unparsed) == Counter(line.text for line in parsed.unparsed)


def is_any(_route: Route) -> bool:
    return True
