"""A kubeconfig file of the cluster's own: private, and never somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.providers.kubeconfig_file import KubeconfigFile
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError, NotOursError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "demo.kubeconfig"


def test_what_is_written_is_for_its_owner_only_and_nothing_else_is_left(path: Path) -> None:
    KubeconfigFile(str(path), "demo").write("apiVersion: v1\n")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().endswith("\napiVersion: v1\n")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_is_missing_then_up_to_date_then_outdated(path: Path) -> None:
    file = KubeconfigFile(str(path), "demo")
    assert file.state("content") == "missing"
    file.write("content")

    assert KubeconfigFile(str(path), "demo").state("content") == "up to date"
    assert KubeconfigFile(str(path), "demo").state("other content") == "outdated"


def test_a_file_that_others_may_read_is_outdated(path: Path) -> None:
    KubeconfigFile(str(path), "demo").write("content")
    path.chmod(0o644)

    assert KubeconfigFile(str(path), "demo").state("content") == "outdated"


def test_the_file_that_was_written_is_ours_and_goes(path: Path) -> None:
    KubeconfigFile(str(path), "demo").write("content")
    file = KubeconfigFile(str(path), "demo")

    assert file.is_ours()
    file.check()
    file.remove()
    assert not path.exists()
    assert not KubeconfigFile(str(path), "demo").is_ours()


@pytest.mark.parametrize("content", ["apiVersion: v1\n", "# a comment\n"])
def test_a_file_that_somebody_else_wrote_is_not_ours(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    file = KubeconfigFile(str(path), "demo")

    assert not file.is_ours()
    with pytest.raises(NotOursError, match="not what was written for the cluster demo"):
        file.check()


def test_the_file_of_another_cluster_is_not_ours(path: Path) -> None:
    KubeconfigFile(str(path), "other").write("content")

    assert not KubeconfigFile(str(path), "demo").is_ours()


def test_an_empty_file_may_be_written(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    KubeconfigFile(str(path), "demo").check()


def test_the_users_own_kubeconfig_is_refused_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / "link").symlink_to(".kube/config")

    for name in ("~/.kube/config", str(tmp_path / ".kube" / ".." / ".kube" / "config"), str(tmp_path / "link")):
        with pytest.raises(InputError, match="never written"):
            KubeconfigFile(name, "demo")


def test_a_path_that_cannot_be_a_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        KubeconfigFile(str(tmp_path), "demo")


def test_whether_a_file_can_be_written_is_known_before_and_leaves_nothing(path: Path) -> None:
    KubeconfigFile(str(path), "demo").check_writable()
    assert not path.parent.exists()
    assert list(path.parent.parent.iterdir()) == []

    nowhere = KubeconfigFile("/proc/podnet/demo.kubeconfig", "demo")  # no folder can be made there, not even by root
    for attempt in (nowhere.check_writable, lambda: nowhere.write("content")):
        with pytest.raises(
            InputError, match=r"kubeconfig is /proc/podnet/demo.kubeconfig, which cannot be written: .+; give"
        ):
            attempt()


def test_a_file_that_cannot_take_its_place_leaves_nothing_beside_it(path: Path) -> None:
    file = KubeconfigFile(str(path), "demo")
    path.mkdir(parents=True)

    with pytest.raises(InputError, match="cannot be written: Is a directory; give"):
        file.write("content")
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_removed_is_named(path: Path) -> None:
    file = KubeconfigFile(str(path), "demo")
    path.mkdir(parents=True)

    with pytest.raises(InputError, match=r"demo.kubeconfig, which cannot be removed: .+; remove it by hand"):
        file.remove()


def test_without_a_path_each_cluster_has_a_file_below_the_users_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert KubeconfigFile(None, "demo").path == tmp_path / "kubelab.podnet" / "demo.kubeconfig"

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KubeconfigFile(None, "demo").path == tmp_path / ".local/state/kubelab.podnet/demo.kubeconfig"
