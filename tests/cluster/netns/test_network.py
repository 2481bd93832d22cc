# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network as packets find it: untranslated between pods, broken by real commands, mended by them, in both families."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import Cluster, Command, eventually


@pytest.fixture(scope="module")
def addresses(demo: Cluster) -> Iterator[tuple[str, str]]:
    """The addresses of bb1 on demo-worker and of bb2 on demo-worker2."""
    admin = {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
    pods = [
        demo.run_pod(name, node=node, container=admin)
        for name, node in (("bb1", "demo-worker"), ("bb2", "demo-worker2"))
    ]
    yield pods[0]["status"]["podIP"], pods[1]["status"]["podIP"]
    demo.delete_pods()


def reaches(cluster: Cluster, pod: str, target: str) -> bool:
    return cluster.try_kubectl("exec", pod, "--", "ping", "-c", "1", "-W", "1", target).returncode == 0


def test_distances_are_those_of_a_routed_network(demo: Cluster, addresses: tuple[str, str]) -> None:
    bb1, bb2 = addresses
    neighbour = demo.run_pod("bb3", node="demo-worker")["status"]["podIP"]
    distances = {
        "own node to pod": demo.on_node("demo-worker", "ping", "-c", "1", bb1),
        "pod to pod of one node": demo.kubectl("exec", "bb1", "--", "ping", "-c", "1", neighbour),
        "pod to pod of another node": demo.kubectl("exec", "bb1", "--", "ping", "-c", "1", bb2),
        "node to pod of another node": demo.on_node("demo-worker", "ping", "-c", "1", bb2),
    }
    found = {what: int(re.search(r"ttl=(\d+)", text)[1]) for what, text in distances.items()}  # type: ignore[index]
    assert list(found.values()) == [64, 63, 62, 63]


def seen_by_receiver(cluster: Cluster, receiver: str, *send: str) -> str:
    """Return the address that a connection to port 9000 of a pod comes from."""
    with cluster.start_kubectl(
        "exec", receiver, "--", "timeout", "5", "nc", "-l", "-p", "9000", stdout=subprocess.DEVNULL
    ) as listener:
        eventually(lambda: ":2328" in cluster.kubectl("exec", receiver, "--", "cat", "/proc/net/tcp6"))
        with cluster.start_kubectl("exec", *send, stdout=subprocess.DEVNULL) as sender:

            def connection() -> list[str]:
                rows = [
                    line.split()
                    for line in cluster.kubectl("exec", receiver, "--", "cat", "/proc/net/tcp6").splitlines()
                ]
                return next((row for row in rows if row[1].endswith(":2328") and not row[2].endswith(":0000")), [])

            peer = eventually(connection)[2].partition(":")[0]
            sender.kill()
        listener.kill()
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(peer[-8:])))


def test_a_pod_sees_the_very_address_that_talks_to_it(demo: Cluster, addresses: tuple[str, str]) -> None:
    connect = "sleep 3 | nc"
    assert seen_by_receiver(demo, "bb2", "bb1", "--", "sh", "-c", f"{connect} {addresses[1]} 9000") == addresses[0]
    agent = ("-n", "kube-system", demo.agent("demo-worker"))
    node = seen_by_receiver(demo, "bb1", *agent, "--", "sh", "-c", f"{connect} {addresses[0]} 9000")
    assert node == "172.18.0.4"


def test_the_emulated_internet_is_behind_the_nodes_translation(demo: Cluster, addresses: tuple[str, str]) -> None:
    assert reaches(demo, "bb1", "8.8.8.8")
    demo.on_node("demo-worker", "nft", "flush", "chain", "ip", "nat", "POSTROUTING")
    assert not reaches(demo, "bb1", "8.8.8.8")
    assert reaches(demo, "bb1", addresses[1])
    rule = "ip saddr 192.168.0.0/16 ip daddr != 192.168.0.0/16 masquerade"
    demo.on_node("demo-worker", "nft", "add", "rule", "ip", "nat", "POSTROUTING", rule)
    assert reaches(demo, "bb1", "8.8.8.8")


def test_names_are_resolved_from_pods_and_nodes(demo: Cluster, addresses: tuple[str, str]) -> None:
    assert "10.96.0.1" in demo.kubectl("exec", "bb1", "--", "nslookup", "kubernetes.default.svc.cluster.local")
    name = "172-18-0-2.demo-worker2.node.lab.internal"
    assert f"Name:\t{name}\nAddress: 172.18.0.2" in demo.kubectl("exec", "bb1", "--", "nslookup", f"{name}.")
    assert "bb2.default.pod.lab.internal" in demo.kubectl("exec", "bb1", "--", "nslookup", addresses[1])
    assert "emulated-internet.lab.internal" in demo.on_node("demo-worker", "nslookup", "8.8.8.8")
    assert "NXDOMAIN" in demo.try_kubectl("exec", "bb1", "--", "nslookup", "example.org.").stdout
    assert demo.kubectl("exec", "bb1", "--", "ping", "-c", "1", "demo-worker2").startswith(
        "PING demo-worker2 (172.18.0.2)"
    )


def test_a_node_has_the_tools_and_parameters_that_faults_are_made_with(demo: Cluster) -> None:
    assert "iproute2" in demo.on_node("demo-worker", "ip", "-V")
    assert "iproute2" in demo.on_node("demo-worker", "sh", "-c", "timeout 5 ip -V")
    assert demo.on_node("demo-worker", "ip", "rule").splitlines()[-1] == "32767:\tfrom all lookup default"
    assert demo.on_node("demo-worker", "sysctl", "-n", "net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter") == "1\n0\n"
    links = demo.on_node("demo-worker", "ip", "-br", "link")
    assert re.search(r"^eth0@if\d+ +UP +02:42:ac:12:00:04", links, re.MULTILINE)


def test_a_node_that_loses_its_record_of_an_address_gives_that_out_twice(
    demo: Cluster, addresses: tuple[str, str]
) -> None:
    bb1, bb2 = addresses
    before = ipaddress.ip_address(bb1) - 1
    records = "cd /var/lib/cni/networks/netns"
    demo.on_node("demo-worker", "sh", "-ec", f"{records}; mv {bb1} /tmp/; echo {before} > last_reserved_ip.0")
    assert demo.run_pod("twin", node="demo-worker")["status"]["podIP"] == bb1
    demo.kubectl("delete", "pod", "twin")
    assert not reaches(demo, "bb1", bb2)  # its row was the twin's
    mend = f"{records}; mv /tmp/{bb1} .; ip route add {bb1} dev cali98fd8882b62 scope link"
    demo.on_node("demo-worker", "sh", "-ec", mend)
    assert reaches(demo, "bb1", bb2)


BREAK_AND_MEND = {
    "block route gone": (
        "ip route del 192.168.121.64/26",
        "ip route add 192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink",
    ),
    "more specific row": ("ip route add blackhole {bb2}/32", "ip route del blackhole {bb2}/32"),
    "pod's interface down": (
        "ip link set cali98fd8882b62 down",
        "ip link set cali98fd8882b62 up && ip route add {bb1} dev cali98fd8882b62 scope link",
    ),
    "no forwarding": ("sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1"),
    "packets dropped": (
        "nft add table ip broken && nft 'add chain ip broken f {{ type filter hook forward priority 0; policy drop; }}'",
        "nft delete table ip broken",
    ),
    "rule to an empty table": (
        "ip route add unreachable default table 99 && ip rule add to 192.168.121.64/26 lookup 99",
        "ip rule del to 192.168.121.64/26 lookup 99 && ip route flush table 99",
    ),
    "wrong neighbour": (
        "ip neigh replace 172.18.0.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "ip neigh del 172.18.0.2 dev eth0",
    ),
}


@pytest.mark.parametrize("fault", BREAK_AND_MEND)
def test_a_real_command_breaks_the_network_and_another_one_mends_it(
    demo: Cluster, addresses: tuple[str, str], fault: str
) -> None:
    bb1, bb2 = addresses
    table = demo.on_node("demo-worker", "ip", "route")
    broken, mended = (command.format(bb1=bb1, bb2=bb2) for command in BREAK_AND_MEND[fault])
    assert reaches(demo, "bb1", bb2)
    demo.on_node("demo-worker", "sh", "-c", broken)
    assert not reaches(demo, "bb1", bb2)
    demo.on_node("demo-worker", "sh", "-c", mended)
    assert eventually(lambda: reaches(demo, "bb1", bb2))
    assert sorted(demo.on_node("demo-worker", "ip", "route").splitlines()) == sorted(table.splitlines())


def test_a_pods_own_network_can_be_broken_from_inside(demo: Cluster, addresses: tuple[str, str]) -> None:
    demo.kubectl("exec", "bb1", "--", "ip", "route", "del", "default")
    assert not reaches(demo, "bb1", addresses[1])
    demo.kubectl("exec", "bb1", "--", "ip", "route", "add", "default", "via", "169.254.1.1", "dev", "eth0")
    assert reaches(demo, "bb1", addresses[1])


def test_without_proxy_arp_the_pod_finds_no_gateway(demo: Cluster, addresses: tuple[str, str]) -> None:
    setting = "net.ipv4.conf.cali98fd8882b62.proxy_arp"
    demo.on_node("demo-worker", "sysctl", "-w", f"{setting}=0")
    demo.kubectl("exec", "bb1", "--", "ip", "neigh", "flush", "dev", "eth0")
    assert not reaches(demo, "bb1", addresses[1])
    demo.on_node("demo-worker", "sysctl", "-w", f"{setting}=1")
    assert eventually(lambda: reaches(demo, "bb1", addresses[1]))


def test_the_name_server_of_a_node_can_be_cut_off(demo: Cluster, addresses: tuple[str, str]) -> None:
    demo.on_node("demo-worker", "ip", "addr", "del", "10.96.0.10/32", "dev", "lo")
    broken = demo.try_kubectl("exec", "bb1", "--", "timeout", "2", "nslookup", "demo-worker2.")
    demo.on_node("demo-worker", "ip", "addr", "add", "10.96.0.10/32", "dev", "lo", "scope", "host")
    assert broken.returncode != 0
    assert "172.18.0.2" in demo.kubectl("exec", "bb1", "--", "nslookup", "demo-worker2.")


@pytest.mark.parametrize(
    ("families", "internet", "rows"),
    [
        (
            "dual",
            {"ping": "8.8.8.8", "ping6": "2001:4860:4860::8888"},
            [
                "default via fc00:f853:ccd:e793::1 dev eth0 metric 1024 pref medium",
                "blackhole fd00:10:244::9d80/122 dev lo proto 80 metric 1024 pref medium",
                "fd00:10:244::7940/122 via fc00:f853:ccd:e793::2 dev eth0 proto 80 metric 1024 onlink pref medium",
                "fd00:10:244::9d81 dev cali98fd8882b62 metric 1024 pref medium",
            ],
        ),
        ("ipv6", {"ping6": "2001:4860:4860::8888"}, ["fd00:10:244::9d81 dev cali98fd8882b62 metric 1024 pref medium"]),
    ],
)
def test_clusters_of_other_families_work_alike(
    command: Command, families: str, internet: dict[str, str], rows: list[str]
) -> None:
    # The lab's name gives the lab's blocks; a state directory of its own keeps it apart from the other cluster of that name.
    apart = Command(command.state / families)
    cluster = Cluster(apart.answer("up", "--name", "demo", "--ip-families", families)["cluster"])
    try:
        pods = [cluster.run_pod(name, node=node) for name, node in (("bb1", "demo-worker"), ("bb2", "demo-worker2"))]
        assert len(pods[0]["status"]["podIPs"]) == len(internet)
        table = cluster.on_node("demo-worker", "ip", "-6", "route")
        assert [row for row in rows if row not in [line.strip() for line in table.splitlines()]] == []
        for entry in pods[1]["status"]["podIPs"]:
            assert "ttl=62" in cluster.kubectl("exec", "bb1", "--", "ping", "-c", "1", entry["ip"])
        for program, target in internet.items():
            cluster.kubectl("exec", "bb1", "--", program, "-c", "1", target)
        six = pods[1]["status"]["podIPs"][-1]["ip"]
        hops = cluster.kubectl("exec", "bb1", "--", "traceroute6", "-n", "-q", "1", six).splitlines()[1:]
        assert [hop.split()[1] for hop in hops] == ["fc00:f853:ccd:e793::4", "fc00:f853:ccd:e793::2", six]
        assert "demo-worker2.node.lab.internal" in cluster.kubectl(
            "exec", "bb1", "--", "nslookup", "fc00:f853:ccd:e793::2"
        )
    finally:
        apart.run("down", "--name", "demo")


def test_a_node_whose_block_is_used_up_gets_another_one_that_all_nodes_know(command: Command) -> None:
    small = Cluster(command.answer("up", "--name", "small", "--workers", "1", "--pod-subnet", "10.9.0.0/24")["cluster"])
    names = [f"p{number}" for number in range(64)]
    for name in names:
        small.create_pod(name, node="small-worker")
    small.kubectl("wait", "--for=condition=Ready", "pods", "--all", "--timeout=30s")
    own = small.on_node("small-worker", "ip", "route")
    assert own.count("blackhole") == 2
    table = small.on_node("small-control-plane", "ip", "route")
    assert table.count("via 172.18.0.2 dev eth0 proto 80 onlink") == 2
    addresses = {pod["status"]["podIP"] for pod in small.get("/api/v1/namespaces/default/pods")["items"]}
    assert len(addresses) == 64
    assert all(f"{address} dev cali" in own for address in addresses)
    command.run("down", "--name", "small")
