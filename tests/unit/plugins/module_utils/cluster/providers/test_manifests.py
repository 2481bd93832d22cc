"""The manifests of a CNI, by file and by URL (from a server on loopback)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.deadline import Deadline
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers import manifests
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.wanted import Wanted
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import ClusterError, InputError


def wanted(*cni: str) -> Wanted:
    return Wanted("demo", 2, "192.168.0.0/16", cni, None, (), "ipv4")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "net.yaml").write_text("kind: Served\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_files_and_urls_are_read_in_the_order_given(tmp_path: Path, server: str) -> None:
    file = tmp_path / "first.yaml"
    file.write_text("kind: First\n")

    assert manifests.documents(wanted(str(file), f"{server}/net.yaml"), Deadline(10)) == [
        "kind: First\n",
        "kind: Served\n",
    ]


def test_the_default_cni_needs_no_manifest() -> None:
    assert manifests.documents(wanted("default"), Deadline(10)) == []
    assert manifests.identities(wanted("default")) == ["default"]


def test_calico_is_named_with_its_version() -> None:
    [identity] = manifests.identities(wanted("calico"))

    assert identity.startswith("calico v3.")


def test_a_file_is_the_same_in_another_folder_but_not_with_another_content(tmp_path: Path) -> None:
    files = [tmp_path / folder / "net.yaml" for folder in ("a", "b", "c")]
    for file, content in zip(files, ("kind: X", "kind: X", "kind: Y"), strict=True):
        file.parent.mkdir()
        file.write_text(content)

    same, also, other = (manifests.identities(wanted(str(file))) for file in files)

    assert same == also != other


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml, which cannot be read: No such file"):
        manifests.identities(wanted(str(tmp_path / "gone.yaml")))


def test_a_url_that_gives_nothing_is_an_error_with_the_next_step(server: str) -> None:
    with pytest.raises(ClusterError, match=r"gone\.yaml cannot be fetched .*404.* give its path in cni"):
        manifests.documents(wanted(f"{server}/gone.yaml"), Deadline(10))


def test_a_url_that_is_none_is_an_error_with_the_next_step() -> None:
    with pytest.raises(ClusterError, match=r"http://\[x cannot be fetched .*: check the URL"):
        manifests.documents(wanted("http://[x"), Deadline(10))


def test_a_server_that_is_not_there_is_an_error_with_the_next_step() -> None:
    with pytest.raises(ClusterError, match=r"cannot be fetched .*refused"):
        manifests.documents(wanted("http://127.0.0.1:1/net.yaml"), Deadline(10))
