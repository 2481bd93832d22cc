# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and addresses."""

from __future__ import annotations

import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from netns_cluster.api.store import Store
from netns_cluster.network.dns import NameServer


@pytest.fixture
def server() -> NameServer:
    store = Store()
    addresses = [{"type": "InternalIP", "address": "172.18.0.4"}, {"type": "InternalIP", "address": "fc00::4"}]
    hostname = {"type": "Hostname", "address": "demo-worker"}
    store.create("nodes", {"metadata": {"name": "demo-worker"}, "status": {"addresses": [*addresses, hostname]}})
    for name, ip, phase, host_network in (
        ("bb1", "192.168.157.129", "Running", False),
        ("done", "192.168.157.130", "Succeeded", False),
        ("agent", "172.18.0.4", "Running", True),
    ):
        metadata = {"name": name, "namespace": "default"}
        status = {"phase": phase, "podIPs": [{"ip": ip}]}
        store.create("pods", {"metadata": metadata, "spec": {"hostNetwork": host_network}, "status": status})
    store.create(
        "services", {"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIPs": ["10.96.0.1"]}}
    )
    return NameServer(store)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("demo-worker", ["172.18.0.4", "fc00::4"]),
        ("172-18-0-4.demo-worker.node.lab.internal", ["172.18.0.4"]),
        ("192-168-157-129.bb1.default.pod.lab.internal", ["192.168.157.129"]),
        ("192-168-157-129.default.pod.cluster.local", ["192.168.157.129"]),
        ("kubernetes.default.svc.cluster.local", ["10.96.0.1"]),
        ("emulated-internet.lab.internal", ["8.8.8.8", "2001:4860:4860::8888"]),
        ("192-168-157-130.done.default.pod.lab.internal", []),
        ("nosuch.default.svc.cluster.local", []),
        ("example.org", []),
    ],
)
def test_names_have_addresses(server: NameServer, name: str, addresses: list[str]) -> None:
    assert [str(address) for address in server.addresses_of(name)] == addresses


@pytest.mark.parametrize(
    ("reverse", "name"),
    [
        ("4.0.18.172.in-addr.arpa", "172-18-0-4.demo-worker.node.lab.internal"),
        ("129.157.168.192.in-addr.arpa", "192-168-157-129.bb1.default.pod.lab.internal"),
        ("1.0.96.10.in-addr.arpa", "kubernetes.default.svc.cluster.local"),
        ("8.8.8.8.in-addr.arpa", "emulated-internet.lab.internal"),
        ("1.1.1.1.in-addr.arpa", None),
        ("nonsense", None),
    ],
)
def test_addresses_have_names(server: NameServer, reverse: str, name: str | None) -> None:
    assert server.name_of(reverse) == name


def ask(server: NameServer, name: str, kind: str) -> DNSRecord:
    return DNSRecord.parse(server.answer(DNSRecord.question(name, kind).pack()))


def test_a_question_is_answered_in_the_form_of_the_protocol(server: NameServer) -> None:
    reply = ask(server, "KUBERNETES.default.svc.cluster.local", "A")
    assert (reply.header.rcode, [str(record.rdata) for record in reply.rr]) == (RCODE.NOERROR, ["10.96.0.1"])


def test_a_name_without_an_address_of_the_family_exists_all_the_same(server: NameServer) -> None:
    reply = ask(server, "kubernetes.default.svc.cluster.local", "AAAA")
    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


def test_an_unknown_name_does_not_exist(server: NameServer) -> None:
    for name, kind in (("example.org", "A"), ("1.1.1.1.in-addr.arpa", "PTR")):
        assert ask(server, name, kind).header.rcode == RCODE.NXDOMAIN


def test_an_address_is_answered_with_a_name(server: NameServer) -> None:
    (record,) = ask(server, "4.0.18.172.in-addr.arpa", "PTR").rr
    assert QTYPE[record.rtype] == "PTR"
    assert str(record.rdata) == "172-18-0-4.demo-worker.node.lab.internal."
