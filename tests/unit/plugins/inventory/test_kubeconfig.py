from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubelab.podnet.plugins.inventory.kubeconfig import host_names

ROOT = Path(__file__).parents[4]


def kubeconfig(path: Path, *contexts: str) -> str:
    entries = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts]
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "contexts": entries}))
    return str(path)


def inventory(file: Path, **variables: str) -> dict[str, Any]:
    """What ansible-inventory makes of a file."""
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "--inventory", file, "--list"],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    listed: dict[str, Any] = json.loads(done.stdout)
    return {"stderr": done.stderr, **listed.get("_meta", {}).get("hostvars", {})}


def plain(value: Any) -> Any:
    return value["__ansible_unsafe"] if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("context", "host"),
    [
        ("kind-demo", "kind-demo"),
        ("arn:aws:eks:eu-west-1:0123:cluster/shop", "arn_aws_eks_eu-west-1_0123_cluster_shop"),
        ("admin@prod [eu]", "admin_prod__eu_"),
        ("gke_project_zone_name.1", "gke_project_zone_name.1"),
    ],
)
def test_a_context_becomes_a_name_that_limit_can_select(context: str, host: str) -> None:
    assert host_names([context]) == {host: context}


def test_contexts_of_one_clean_name_stay_apart() -> None:
    assert host_names(["a:b", "a/b", "a_b"]) == {"a_b": "a:b", "a_b_2": "a/b", "a_b_3": "a_b"}


@pytest.mark.slow
def test_each_context_of_the_files_is_a_host(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "one", "first", "arn:second")
    kubeconfig(tmp_path / "two", "third")
    file = tmp_path / "fleet.kubeconfig.yml"
    file.write_text("plugin: kubelab.podnet.kubeconfig\nkubeconfigs: [one, two]\n")
    hosts = inventory(file)
    assert set(hosts) == {"stderr", "first", "arn_second", "third"}
    assert plain(hosts["arn_second"]["podnet_context"]) == "arn:second"
    assert plain(hosts["third"]["podnet_kubeconfig"]) == f"{tmp_path}/one:{tmp_path}/two"
    assert plain(hosts["first"]["ansible_connection"]) == "local"


@pytest.mark.slow
def test_without_files_those_of_kubectl_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig.yml"
    file.write_text("plugin: kubelab.podnet.kubeconfig\n")
    hosts = inventory(file, KUBECONFIG=kubeconfig(tmp_path / "mine", "here"))
    assert plain(hosts["here"]["podnet_context"]) == "here"


@pytest.mark.slow
def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig.yml"
    file.write_text("plugin: kubelab.podnet.kubeconfig\nkubeconfigs: [nowhere]\n")
    assert "nowhere does not exist" in inventory(file)["stderr"]
