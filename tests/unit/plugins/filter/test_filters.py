"""The filters as functions: what they hand on, and what they say to bad input."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.kubelab.podnet.plugins.filter import parse, routes

FILTERS = parse.FilterModule().filters() | routes.FilterModule().filters()

TABLE = """\
default via 172.18.0.1 dev eth0
10.50.0.0/16 metric 20 mtu 1400
\tnexthop via 172.18.0.2 dev eth0 weight 1
\tnexthop via 172.18.0.3 dev eth0 weight 3
blackhole 192.168.157.128/26 proto 80
"""
NODES = [{"name": "demo-worker", "addresses": ["172.18.0.4"]}]
BB1 = {"namespace": "default", "name": "bb1", "node": "demo-worker", "ips": ["192.168.157.134"], "ready": True}
BB1_OBJECT = {
    "metadata": {"namespace": "default", "name": "bb1", "labels": {}},
    "status": {
        "phase": "Running",
        "podIP": "192.168.157.134",
        "podIPs": [{"ip": "192.168.157.134"}, {"ip": "fd00::6"}],
    },
}


def run(name: str, *args: Any) -> Any:
    return FILTERS[name](*args)


def refusal(name: str, *args: Any) -> str:
    with pytest.raises(AnsibleFilterError) as caught:
        run(name, *args)
    return str(caught.value)


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_documented_in_a_file_of_its_name(name: str) -> None:
    path = routes.__file__.replace("routes.py", f"{name}.yml")
    with open(path) as file:
        documented = yaml.safe_load(file)
    assert documented["DOCUMENTATION"]["name"] == name
    assert f"kubelab.podnet.{name}" in documented["EXAMPLES"]
    assert documented["RETURN"]["_value"]["description"]


# What was printed.


def test_a_table_is_given_as_records_and_what_was_not_understood() -> None:
    parsed = run("parse_ip_route", "default via 172.18.0.1 dev eth0\nnonsense\n")
    assert [route["dst"] for route in parsed["routes"]] == ["0.0.0.0/0"]
    assert parsed["unparsed"] == [{"line": 2, "text": "nonsense"}]


@pytest.mark.parametrize("name", ["parse_ip_route", "parse_ping", "parse_traceroute"])
def test_an_empty_output_is_no_error(name: str) -> None:
    assert isinstance(run(name, ""), dict)


@pytest.mark.parametrize("name", ["parse_ip_route", "parse_ping", "parse_traceroute"])
def test_what_is_no_text_is_refused_with_what_to_give_instead(name: str) -> None:
    expected = f"kubelab.podnet.{name} takes the text that a command printed: give it the key stdout of a result"
    assert refusal(name, ["a", "b"]).startswith(expected)
    assert refusal(name, {"stdout": ""}).startswith(expected)
    assert refusal(name, None).startswith(expected)


# Look-ups.


def test_a_look_up_returns_the_row_as_it_was_given() -> None:
    rows = run("parse_ip_route", TABLE)["routes"]
    rows[1]["note"] = "mine"
    assert run("route_lookup", rows, "10.50.1.1") is rows[1]


def test_a_look_up_in_a_text_returns_a_record_with_all_its_fields() -> None:
    found = run("route_lookup", TABLE, "10.50.1.1")
    assert (found["mtu"], found["metric"], [hop["weight"] for hop in found["nexthops"]]) == (1400, 20, [1, 3])


def test_a_look_up_without_an_answer_is_none() -> None:
    assert run("route_lookup", "10.0.0.0/8 dev eth0\n", "8.8.8.8") is None
    assert run("route_lookup", [], "8.8.8.8") is None


def test_a_text_with_a_line_that_is_not_understood_is_refused_since_that_line_might_decide() -> None:
    message = refusal("route_lookup", f"{TABLE}10.50.0.0/24 nonsense\n", "10.50.0.1")
    assert "line 6 of the table is not understood: '10.50.0.0/24 nonsense'" in message


@pytest.mark.parametrize(
    ("rows", "address", "message"),
    [
        ([], "bb1", "'bb1' is not an IPv4 or IPv6 address"),
        ([], None, "the address must be a string, such as '192.168.157.134'"),
        (
            {"routes": []},
            "8.8.8.8",
            "routes must be a list: the key routes of what parse_ip_route or node_route_info gives",
        ),
        (None, "8.8.8.8", "routes must be a list"),
        (["default via 172.18.0.1"], "8.8.8.8", "routes[0] is a string, a dict is needed"),
        ([{"dev": "eth0"}], "8.8.8.8", "routes[0] has no dst"),
        ([{"dst": "default"}], "8.8.8.8", "routes[0]: dst 'default' is not a network in CIDR form"),
        ([{"dst": "10.0.0.0/8", "metric": "20"}], "8.8.8.8", "routes[0].metric is a string, a number is needed"),
        ([{"dst": "10.0.0.0/8", "flags": "dead"}], "8.8.8.8", "routes[0].flags is a string, a list is needed"),
        ([{"dst": "10.0.0.0/8", "nexthops": [1]}], "8.8.8.8", "routes[0].nexthops[0] is a number, a dict is needed"),
    ],
)
def test_bad_input_of_a_look_up_is_refused_with_what_is_wrong(rows: Any, address: Any, message: str) -> None:
    assert refusal("route_lookup", rows, address).startswith(f"kubelab.podnet.route_lookup: {message}")


# Explanations.


def test_rows_keep_their_fields_and_get_an_explanation() -> None:
    rows = [{"dst": "192.168.157.134/32", "dev": "cali98fd8882b62", "scope": "link", "mtu": 1450, "note": "mine"}]
    assert run("explain_routes", rows, "demo-worker", NODES, [BB1]) == [
        {
            **rows[0],
            "purpose": "local_pod",
            "text": "pod default/bb1 is reached through its interface cali98fd8882b62",
            "pod": "default/bb1",
            "node": "demo-worker",
            "computed_interface": True,
        }
    ]


def test_a_text_is_explained_too_and_so_are_rows_that_were_explained_before() -> None:
    once = run("explain_routes", TABLE, "demo-worker", NODES, [BB1])
    assert [row["purpose"] for row in once] == ["default", "other", "own_block"]
    assert run("explain_routes", once, "demo-worker", NODES, [BB1]) == once


def test_multipath_rows_survive_the_way_through_plain_types() -> None:
    (row,) = run("explain_routes", [run("parse_ip_route", TABLE)["routes"][1]], "demo-worker", NODES, [])
    assert row["text"] == "packets for 10.50.0.0/16 go to 172.18.0.2 through eth0 or to 172.18.0.3 through eth0"


@pytest.mark.parametrize(
    ("node", "nodes", "pods", "message"),
    [
        ("demo-worker9", NODES, [], "node 'demo-worker9' is not among the nodes (demo-worker)"),
        ("demo-worker", [], [], "node 'demo-worker' is not among the nodes (none)"),
        ("demo-worker", NODES[0], [], "nodes must be a list: dicts with name, addresses and pod_cidrs"),
        ("demo-worker", NODES, {"pods": []}, "pods must be a list: the key pods of what pod_info gives"),
        ("demo-worker", [{"addresses": []}], [], "nodes[0] has no name"),
        (
            "demo-worker",
            [{"name": "demo-worker", "addresses": "172.18.0.4"}],
            [],
            "nodes[0].addresses is a string, a list is",
        ),
        (
            "demo-worker",
            [{"name": "demo-worker", "addresses": ["x"]}],
            [],
            "node demo-worker: 'x' is not an IPv4 or IPv6 address",
        ),
        ("demo-worker", NODES, [{"name": "bb1"}], "pods[0] has no namespace"),
        ("demo-worker", NODES, [BB1 | {"ips": [1]}], "pods[0].ips holds a number, strings are needed"),
        (
            "demo-worker",
            NODES,
            [BB1 | {"ips": ["<no value>"]}],
            "pod default/bb1: '<no value>' is not an IPv4 or IPv6 address",
        ),
    ],
)
def test_bad_input_of_an_explanation_is_refused_with_what_is_wrong(
    node: Any, nodes: Any, pods: Any, message: str
) -> None:
    assert refusal("explain_routes", TABLE, node, nodes, pods).startswith(f"kubelab.podnet.explain_routes: {message}")


# Addresses of pods.


def test_addresses_are_given_by_name_for_pods_of_the_module_and_of_the_api() -> None:
    assert run("pod_ips", [BB1]) == {"default/bb1": ["192.168.157.134"]}
    assert run("pod_ips", [BB1_OBJECT]) == {"default/bb1": ["192.168.157.134", "fd00::6"]}
    assert run("pod_ips", []) == {}


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        (
            BB1 | {"ips": [], "phase": "Pending"},
            "pod default/bb1 has no address: its phase is Pending; wait until it runs",
        ),
        (
            {
                "namespace": "default",
                "name": "bb1",
                "msg": "pod default/bb1 is not in the cluster",
                "error": "not-found",
            },
            "pod default/bb1 has no address: pod default/bb1 is not in the cluster;",
        ),
        ({**BB1_OBJECT, "status": {"phase": "Pending"}}, "pod default/bb1 has no address: its phase is Pending;"),
        (
            {"metadata": {"name": "bb1"}, "status": {"podIPs": [{"ip": "10.0.0.1"}]}},
            "pods[0].metadata has no namespace",
        ),
    ],
)
def test_a_pod_without_an_address_is_an_error_that_names_it(pod: dict[str, Any], message: str) -> None:
    assert refusal("pod_ips", [pod]).startswith(f"kubelab.podnet.pod_ips: {message}")


def test_a_whole_result_in_place_of_its_list_is_refused_with_the_key_to_take() -> None:
    assert refusal("pod_ips", {"pods": [BB1]}).startswith(
        "kubelab.podnet.pod_ips: pods must be a list: the key pods of"
    )
