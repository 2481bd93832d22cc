# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfig files: the entry of a cluster is written beside others, and taken out again."""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from netns_cluster.errors import InvalidRequestError

Object = dict[str, Any]

_LISTS = ("clusters", "contexts", "users")


def context_name(cluster: str) -> str:
    return f"netns-{cluster}"


def entry(cluster: str, url: str, ca: bytes, token: str) -> Object:
    """Return a kubeconfig with the one cluster."""
    name = context_name(cluster)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": url, "certificate-authority-data": base64.b64encode(ca).decode()}}
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "preferences": {},
        "users": [{"name": name, "user": {"token": token}}],
    }


def write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def check(path: Path) -> None:
    """Raise :class:`~netns_cluster.errors.InvalidRequestError` for a file that no entry can be added to."""
    _read(path)
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not os.access(there, os.W_OK):
        raise InvalidRequestError(f"{path} cannot be written: name another file with --kubeconfig")


def merge(path: Path, added: Object) -> bool:
    """Put an entry into a file, make it the current one, keep all others; return whether the file changed."""
    config = _read(path)
    merged = {**added, **config, "current-context": added["current-context"]}
    for key in _LISTS:
        names = {item["name"] for item in added[key]}
        merged[key] = [item for item in config.get(key) or [] if item.get("name") not in names] + added[key]
    if merged == config:
        return False
    write(path, _dump(merged))
    return True


def remove(path: Path, cluster: str) -> None:
    """Take a cluster's entry out of a file; a file without any other entry goes."""
    if not path.exists():
        return
    config, name = _read(path), context_name(cluster)
    for key in _LISTS:
        config[key] = [item for item in config.get(key) or [] if item.get("name") != name]
    if not any(config[key] for key in _LISTS):
        path.unlink()
        return
    if config.get("current-context") == name:
        config["current-context"] = ""
    write(path, _dump(config))


# Importing yaml takes longer than all else that "up" does before it starts a cluster, and most often no file is merged.


def _dump(config: Object) -> str:
    import yaml

    text: str = yaml.safe_dump(config, sort_keys=False)
    return text


def _read(path: Path) -> Object:
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be read ({error.strerror}): name another file with --kubeconfig"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{path} is not a kubeconfig file, so no entry is added to it: {error}") from error
    if config is not None and not isinstance(config, dict):
        raise InvalidRequestError(f"{path} is not a kubeconfig file, so no entry is added to it: name another file")
    return config or {}
