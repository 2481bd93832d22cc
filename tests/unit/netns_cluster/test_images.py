# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images are run."""

from __future__ import annotations

import pytest

from netns_cluster import images

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36",
        "docker.io/library/busybox",
        "registry.example:5000/mirror/busybox:latest",
        f"busybox@{DIGEST}",
        f"localhost/busybox:1@{DIGEST}",
    ],
)
def test_busybox_is_run_whatever_registry_tag_or_digest_is_named(image: str) -> None:
    assert images.kind_of(image) == "busybox"


@pytest.mark.parametrize(
    "image", ["nginx", "busybox-extras", "busybox/nginx", "BusyBox image", "", "nosuch.invalid/none:1"]
)
def test_nothing_else_is_run(image: str) -> None:
    assert images.kind_of(image) is None


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("me/busybox", "docker.io/me/busybox:latest"),
        ("quay.io/me/busybox", "quay.io/me/busybox:latest"),
        ("localhost:5000/busybox", "localhost:5000/busybox:latest"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
    ],
)
def test_the_full_name_is_the_one_that_a_container_runtime_reports(image: str, name: str) -> None:
    assert images.full_name(image) == name


def test_an_image_without_a_tag_is_pulled_always_one_with_a_tag_is_not() -> None:
    assert images.pulled_always("busybox")
    assert images.pulled_always("registry:5000/busybox")
    assert images.pulled_always("busybox:latest")
    assert not images.pulled_always("busybox:1.36")
    assert not images.pulled_always(f"busybox@{DIGEST}")


def test_a_reference_with_a_blank_is_no_image() -> None:
    assert not images.is_valid("busy box")
    assert images.is_valid("nosuch.invalid/none:1")


def test_a_refusal_says_what_this_cluster_can_run() -> None:
    assert "it runs busybox" in images.refusal("nginx")
