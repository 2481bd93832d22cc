# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster may look like, and the plan that follows."""

from __future__ import annotations

import pytest

from netns_cluster.config import Config, Shape
from netns_cluster.errors import InvalidRequestError


def test_the_default_is_the_cluster_of_the_lab() -> None:
    shape = Shape("demo")
    assert shape.nodes == ("demo-control-plane", "demo-worker", "demo-worker2")
    assert [str(shape.node_addresses(node)[0]) for node in shape.nodes] == ["172.18.0.3", "172.18.0.4", "172.18.0.2"]
    assert shape.pod_subnets == ("192.168.0.0/16",)


def test_a_cluster_without_workers_is_its_control_plane() -> None:
    assert Shape("a", workers=0).nodes == ("a-control-plane",)


def test_two_families_give_each_node_two_addresses_and_pods_two_subnets() -> None:
    shape = Shape("demo", ip_families="dual")
    assert [str(address) for address in shape.node_addresses("demo-worker")] == ["172.18.0.4", "fc00:f853:ccd:e793::4"]
    assert shape.pod_subnets == ("192.168.0.0/16", "fd00:10:244::/56")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "Demo"}, "cannot be a cluster's name"),
        ({"name": "a" * 41}, "at most 40"),
        ({"name": "../x"}, "cannot be a cluster's name"),
        ({"workers": -1}, "choose 0 to 50"),
        ({"workers": 51}, "choose 0 to 50"),
        ({"ip_families": "ipv5"}, "choose one of ipv4, ipv6, dual"),
        ({"pod_subnets": ("10.0.0.0/8", "10.0.0.0/8")}, "one for each family"),
        ({"pod_subnets": ("nonsense",)}, "is not a pod subnet"),
        ({"pod_subnets": ("fd00::/56",)}, "is not ipv4"),
        ({"pod_subnets": ("172.18.4.0/22",)}, "overlaps 172.18.0.0/16"),
        ({"pod_subnets": ("10.0.0.0/8",)}, "overlaps 10.96.0.0/16"),
        ({"pod_subnets": ("192.168.0.0/25",)}, "too small"),
    ],
)
def test_a_shape_that_cannot_be_says_why_and_what_to_choose(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        Shape(**{"name": "demo", **fields})  # type: ignore[arg-type]


def test_differences_are_told_in_words() -> None:
    differences = Shape("demo").differences(Shape("demo", workers=3))
    assert differences == ["workers: 2, asked for 3"]


def test_a_config_survives_its_way_through_a_command_line() -> None:
    config = Config(Shape("demo", ip_families="dual"), "/d", "/bin/busybox", 3, 4, 5)
    assert Config.from_json(config.to_json()) == config
