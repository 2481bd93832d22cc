# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which container images this cluster can run, and what they turn into.

There are no images here: every busybox image is run by the busybox of the machine, and ``netns-node`` is that busybox beside
the machine's own iproute2 and nft.
"""

from __future__ import annotations

import re

NODE_IMAGE = "netns-node"
IMAGE_IDS = {"busybox": "host-busybox", NODE_IMAGE: "host-tools"}

_REFERENCE = re.compile(
    r"(?:(?P<registry>[a-z0-9][-a-z0-9.]*(?::[0-9]+)?)/)??(?P<path>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.IGNORECASE,
)


def kind_of(image: str) -> str | None:
    """Return ``busybox`` or ``netns-node``, whatever registry, tag or digest is named; None for what cannot be run."""
    match = _REFERENCE.fullmatch(image)
    name = match["path"].rpartition("/")[2] if match else None
    return name if name in IMAGE_IDS else None


def is_valid(image: str) -> bool:
    return _REFERENCE.fullmatch(image) is not None


def full_name(image: str) -> str:
    """Return the image as a container runtime names it: busybox -> docker.io/library/busybox:latest."""
    first, slash, _unused = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif not ("." in first or ":" in first or first == "localhost"):
        image = f"docker.io/{image}"
    return image if has_tag(image) else f"{image}:latest"


def has_tag(image: str) -> bool:
    return "@" in image or ":" in image.rpartition("/")[2]


def pulled_always(image: str) -> bool:
    """Whether a pod that says nothing pulls the image each time: no tag, or the tag latest."""
    return is_valid(image) and (not has_tag(image) or image.endswith(":latest"))


def refusal(image: str) -> str:
    """Say why an image is not run, in the form of a failed pull."""
    return (
        f'failed to pull and unpack image "{image}": this cluster of network namespaces pulls no images: '
        f"it runs busybox, of any registry, tag or digest, by the busybox of the machine"
    )
