# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lines that make the network."""

from __future__ import annotations

import ipaddress

from netns_cluster.network import commands


def test_the_interface_of_the_labs_first_pod_has_the_name_that_calico_gave_it() -> None:
    assert commands.pod_interface("default", "bb1") == "cali98fd8882b62"


def test_a_node_has_the_hardware_address_that_docker_would_give_it() -> None:
    assert commands.mac_of(ipaddress.ip_address("172.18.0.4")) == "02:42:ac:12:00:04"


def test_what_leaves_the_pod_network_is_masqueraded_and_nothing_else() -> None:
    rules = commands.masquerade([ipaddress.ip_network("192.168.0.0/16")])
    assert "ip saddr 192.168.0.0/16 ip daddr != 192.168.0.0/16 masquerade" in rules


def test_a_cluster_without_ipv6_switches_it_off_before_the_first_link() -> None:
    assert commands.base_parameters(("ipv4",))["net/ipv6/conf/default/disable_ipv6"] == "1"
    assert commands.base_parameters(("ipv4", "ipv6"))["net/ipv6/conf/default/disable_ipv6"] == "0"


def test_the_dns_address_of_a_node_is_none_that_the_node_would_sign_its_icmp_errors_with() -> None:
    four, six = ipaddress.ip_address("10.96.0.10"), ipaddress.ip_address("fd00:10:96::a")
    lines = commands.node([four, six], [four, six], [four, six])
    assert "addr add 10.96.0.10 dev lo scope host" in lines
    assert "addr add fd00:10:96::a dev lo preferred_lft 0 noprefixroute" in lines
