# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests of a cluster's CNI, from files and URLs. Private to the collection: it may change at any time."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from pathlib import Path

from ansible.module_utils.urls import open_url
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.kind_config import (
    CALICO_URLS,
    CALICO_VERSION,
    calico_installation,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import CALICO, DEFAULT, Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ClusterError, InputError


def identities(wanted: Wanted) -> list[str]:
    """Name what makes up the CNI, so that two clusters have the same one when these are the same.

    A file is named by its last part and its content: the same file in another folder is the same, another content is not.

    :raises InputError: a file cannot be read.
    """
    if wanted.cni == (DEFAULT,):
        return [DEFAULT]
    if wanted.cni == (CALICO,):
        return [f"{CALICO} {CALICO_VERSION}"]
    return [source if _is_url(source) else _file_identity(source) for source in wanted.cni]


def documents(wanted: Wanted, deadline: Deadline) -> list[str]:
    """Return the manifests' text, in the order in which they are to be applied.

    :raises InputError: a file cannot be read.
    :raises ClusterError: a URL cannot be fetched.
    """
    if wanted.cni == (DEFAULT,):
        return []
    if wanted.cni == (CALICO,):
        return [*(_fetch(url, deadline) for url in CALICO_URLS), calico_installation(wanted.pod_subnet)]
    return [
        _fetch(source, deadline) if _is_url(source) else _read(source).decode(errors="replace") for source in wanted.cni
    ]


def _is_url(source: str) -> bool:
    return re.match(r"https?://", source) is not None


def _file_identity(source: str) -> str:
    return f"{os.path.basename(source)} (sha256 {hashlib.sha256(_read(source)).hexdigest()[:12]})"


def _read(source: str) -> bytes:
    try:
        return Path(source).expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"cni names the manifest {source}, which cannot be read: {error.strerror}") from None


def _fetch(url: str, deadline: Deadline) -> str:
    try:
        with open_url(url, timeout=deadline.remaining(f"fetching {url}")) as response:
            return str(response.read().decode())
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: no URL, or no text
        raise ClusterError(
            f"the manifest {url} cannot be fetched ({error}): check the URL and this machine's way out (https_proxy), "
            "or fetch it by hand and give its path in cni",
            cause="manifest-not-fetched",
        ) from None
