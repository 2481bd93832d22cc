"""Records that come back from a play as plain JSON types."""

from __future__ import annotations

import json

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.explain import explain_routes
from ansible_collections.kubelab.podnet.plugins.module_utils.network.plain import (
    nodes_from_plain,
    pods_from_plain,
    routes_from_plain,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Node, Pod
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

# One row for each field that a look-up or an explanation looks at.
TABLE = """\
default via 172.18.0.1 dev eth0 metric 5
default via 172.18.0.3 dev eth0 metric 500
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4
10.1.0.0/16 via 172.18.0.2 dev eth0 table 100
10.2.0.0/16 tos 0x10 via 172.18.0.2 dev eth0
10.3.0.0/16 via 172.18.0.2 dev eth0 dead linkdown
10.4.0.0/16 encap mpls 100 via 172.18.0.2 dev eth0
10.5.0.0/16 metric 20
\tnexthop via 172.18.0.2 dev eth0 weight 1 dead
\tnexthop via 172.18.0.3 dev eth0 weight 3 dead
10.244.1.7 dev veth87514986 scope host
192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink
blackhole 192.168.157.128/26 proto 80
Deleted 10.6.0.0/16 via 172.18.0.2 dev eth0
default from fd00::/64 via fc00::1 dev eth0 metric 1024 pref medium
fd00:1::/64 via fc00::1 dev eth0 metric 1024 pref low
fd00:1::/64 via fc00::2 dev eth0 metric 1024 pref high
"""


def test_routes_mean_the_same_after_a_way_through_json() -> None:
    routes = parse_ip_route(TABLE).routes
    node = Node("demo-worker", ("172.18.0.4",))
    book = AddressBook([node, Node("demo-worker2", ("172.18.0.2",))], [])
    returned = routes_from_plain(json.loads(json.dumps([route.as_dict() for route in routes])))
    explained = [row.explanation() for row in explain_routes(routes, node, book)]
    assert [row.explanation() for row in explain_routes(returned, node, book)] == explained


def test_nodes_and_pods_of_module_results_are_read_with_what_they_hold() -> None:
    node = {"name": "demo-worker", "addresses": ["172.18.0.4"], "pod_cidrs": ["10.244.1.0/24"], "access": "container"}
    assert nodes_from_plain([node, {"name": "failed", "msg": "no access"}]) == [
        Node("demo-worker", ("172.18.0.4",), ("10.244.1.0/24",)),
        Node("failed"),
    ]
    pod = {
        "namespace": "default",
        "name": "bb1",
        "node": None,
        "ips": [],
        "host_network": True,
        "phase": "Pending",
        "ready": False,
    }
    assert pods_from_plain([pod]) == [Pod("default", "bb1", None, (), host_network=True, phase="Pending")]


def test_a_boolean_is_no_metric() -> None:
    with pytest.raises(ValueError, match=r"routes\[0\].metric is a boolean, a number is needed"):
        routes_from_plain([{"dst": "10.0.0.0/8", "metric": True}])
