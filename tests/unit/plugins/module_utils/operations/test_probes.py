from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import InputError
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probes import Place, place, read_probes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bb1", Place("pod", "lab", "bb1")),
        ("other/bb1", Place("pod", "other", "bb1")),
        ("pod/bb1", Place("pod", "lab", "bb1")),
        ("pod/other/bb1", Place("pod", "other", "bb1")),
        ("pod", Place("pod", "lab", "pod")),
        ("node", Place("pod", "lab", "node")),
        ("pod/pod/pod", Place("pod", "pod", "pod")),
        ("web-0.my-app", Place("pod", "lab", "web-0.my-app")),
        ("node/demo-worker", Place("node", "", "demo-worker")),
        ("node/ip-10-0-0-1.eu-west-1.compute.internal", Place("node", "", "ip-10-0-0-1.eu-west-1.compute.internal")),
        ("8.8.8.8", Place("address", "", "8.8.8.8")),
        ("fd00:0:0::1", Place("address", "", "fd00::1")),
        ("FE80::1%eth0", Place("address", "", "fe80::1%eth0")),
    ],
)
def test_every_notation_of_an_end_is_read(text: str, found: Place) -> None:
    assert place(text, "lab") == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "<no value>",
        "None",
        "-c",
        "--help",
        "bb1 bb2",
        "bb1\n",
        "bb1;reboot",
        "$(reboot)",
        "BB1",
        "b_1",
        "bb1-",
        ".",
        "..",
        "../bb1",
        "a/b/c",
        "pod/a/b/c",
        "pod/",
        "node/",
        "/bb1",
        "bb1/",
        "node/a/b",
        "node/../pods",
        "8.8.8.8/32",
        "[fd00::1]",
        "fe80::1%",
        "fe80::1%eth0;reboot",
        "fe80::1%-c",
        "fe80::1%a b",
        "example.com:80",
        "http://example.com",
        "bücher",
    ],
)
def test_what_is_no_end_is_refused_with_what_may_stand_there(text: str) -> None:
    with pytest.raises(InputError) as raised:
        place(text, "lab")
    assert (
        f"{text!r} is no end of a probe; give a pod (NAME, NAMESPACE/NAME), a node (node/NAME) or an IP address"
        in str(raised.value)
    )


@pytest.mark.parametrize("text", ["", "<no value>", "None"])
def test_what_templates_make_of_a_missing_address_is_told_as_that(text: str) -> None:
    with pytest.raises(InputError, match="the pod had no address yet when this was written"):
        place(text, "lab")


@pytest.mark.parametrize(
    ("text", "reference", "shown"),
    [
        ("bb1", "lab/bb1", "pod lab/bb1"),
        ("pod/other/bb1", "other/bb1", "pod other/bb1"),
        ("node/demo-worker", "node/demo-worker", "node demo-worker"),
        ("8.8.8.8", "8.8.8.8", "8.8.8.8"),
        ("fd00::1", "fd00::1", "fd00::1"),
    ],
)
def test_an_end_is_shown_so_that_it_can_be_read_again(text: str, reference: str, shown: str) -> None:
    found = place(text, "lab")
    assert (found.reference, str(found)) == (reference, shown)
    assert place(found.reference, "elsewhere") == found


def probes(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"probes": [{"from": a, "to": b, "expect": "reachable"} for a, b in pairs], "namespace": "lab"}


def test_probes_are_read_in_their_order() -> None:
    read = read_probes(probes(("bb1", "bb2"), ("node/demo-worker", "8.8.8.8")))
    assert [probe.shown() for probe in read] == [
        {"from": "lab/bb1", "to": "lab/bb2", "expect": "reachable"},
        {"from": "node/demo-worker", "to": "8.8.8.8", "expect": "reachable"},
    ]


def test_a_probe_cannot_start_from_an_address() -> None:
    with pytest.raises(InputError) as raised:
        read_probes(probes(("8.8.8.8", "bb1")))
    assert str(raised.value) == ("a probe cannot start from the address 8.8.8.8; name the pod or the node that has it")
