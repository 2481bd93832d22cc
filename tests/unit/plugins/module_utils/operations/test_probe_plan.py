from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.client import Cluster
from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.probe_pods import ProbePod, Wish
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Pod
from ansible_collections.kubelab.podnet.plugins.module_utils.operations import probe_plan
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.probe_plan import ProbeAt

from tests.support.objects import pod


def at(cluster: Cluster, node: str, *addresses: str, on_host: bool = False) -> ProbeAt:
    name = f"probe-{node}{'-host' if on_host else ''}"
    return ProbeAt(node, on_host, ProbePod(cluster, pod(name, *addresses, node=node), 62000))


def two_nodes(cluster: Cluster) -> list[ProbeAt]:
    return [
        at(cluster, "one", "192.168.1.1"),
        at(cluster, "one", "172.18.0.1", on_host=True),
        at(cluster, "two", "192.168.2.1"),
        at(cluster, "two", "172.18.0.2", on_host=True),
    ]


def running(name: str, node: str, *ips: str, ready: bool = True, host_network: bool = False) -> Pod:
    return Pod("default", name, node, ips, ready=ready, host_network=host_network)


def targets(wishes: Mapping[str, list[Wish]], probe: str, kind: str) -> list[str]:
    return [wish.address for wish in wishes[probe] if wish.kind == kind]


def test_every_probe_pings_and_dials_every_other_and_not_itself(cluster: Cluster) -> None:
    wishes = probe_plan.plan(two_nodes(cluster), [], "", [])
    addresses = {"192.168.1.1", "172.18.0.1", "192.168.2.1", "172.18.0.2"}
    for probe in two_nodes(cluster):
        for kind in ("ping", "connect"):
            assert set(targets(wishes, probe.probe.name, kind)) == addresses - set(probe.probe.addresses)


def test_probes_in_the_pod_network_send_each_other_large_packets(cluster: Cluster) -> None:
    wishes = probe_plan.plan(two_nodes(cluster), [], "", [])
    assert {name: targets(wishes, name, "size") for name in wishes} == {
        "probe-one": ["192.168.2.1"],
        "probe-one-host": [],
        "probe-two": ["192.168.1.1"],
        "probe-two-host": [],
    }


def test_a_pod_is_pinged_by_its_own_node_and_from_another(cluster: Cluster) -> None:
    pods = [running(f"p{number}", "one", f"192.168.1.{number}") for number in range(10, 14)]
    wishes = probe_plan.plan(two_nodes(cluster), pods, "", [])
    for pinged in pods:
        (address,) = pinged.ips
        assert [name for name in wishes if address in targets(wishes, name, "ping")] == ["probe-one-host", "probe-two"]


def test_pods_are_spread_over_the_probes(cluster: Cluster) -> None:
    probes = [at(cluster, f"n{number}", f"192.168.{number}.1") for number in range(4)]
    pods = [running(f"p{number}", "n0", f"192.168.0.{number + 10}") for number in range(30)]
    wishes = probe_plan.plan(probes, pods, "", [])
    counts = [len(targets(wishes, f"probe-n{number}", "ping")) - 3 for number in range(4)]
    assert counts == [0, 10, 10, 10]


def test_the_only_node_pings_its_own_pods(cluster: Cluster) -> None:
    wishes = probe_plan.plan([at(cluster, "one", "192.168.1.1")], [running("p", "one", "192.168.1.9")], "", [])
    assert wishes == {"probe-one": [Wish("ping", "192.168.1.9")]}


def test_pods_that_are_not_ready_or_share_the_hosts_network_are_left_out(cluster: Cluster) -> None:
    pods = [
        running("starting", "one", "192.168.1.8", ready=False),
        running("agent", "one", "172.18.0.1", host_network=True),
    ]
    wishes = probe_plan.plan(two_nodes(cluster), pods, "", [])
    assert wishes == probe_plan.plan(two_nodes(cluster), [], "", [])


def test_a_probe_is_no_pod_to_ping_a_third_time(cluster: Cluster) -> None:
    wishes = probe_plan.plan(two_nodes(cluster), [running("probe-one", "one", "192.168.1.1")], "", [])
    assert targets(wishes, "probe-two", "ping").count("192.168.1.1") == 1


def test_every_probe_traces_one_path_to_another_node(cluster: Cluster) -> None:
    wishes = probe_plan.plan(two_nodes(cluster), [], "", [])
    assert targets(wishes, "probe-one", "trace") == targets(wishes, "probe-one-host", "trace") == ["192.168.2.1"]
    assert targets(wishes, "probe-two", "trace") == ["192.168.1.1"]


def test_a_host_without_a_probe_in_its_pod_network_traces_to_one_elsewhere(cluster: Cluster) -> None:
    probes = [at(cluster, "one", "192.168.1.1"), at(cluster, "two", "172.18.0.2", on_host=True)]
    wishes = probe_plan.plan(probes, [], "", [])
    assert targets(wishes, "probe-two-host", "trace") == ["192.168.1.1"]


def test_the_outside_and_the_name_server_are_asked_by_every_probe(cluster: Cluster) -> None:
    wishes = probe_plan.plan(two_nodes(cluster), [], "8.8.8.8", ["10.96.0.10"])
    for name in wishes:
        assert "8.8.8.8" in targets(wishes, name, "ping")
        assert targets(wishes, name, "lookup") == ["10.96.0.10"]


def test_a_probe_measures_only_in_families_that_it_has(cluster: Cluster) -> None:
    probes = [
        at(cluster, "one", "192.168.1.1", "fd00::1"),
        at(cluster, "two", "192.168.2.1"),
        at(cluster, "three", "192.168.3.1", "fd00::3"),
    ]
    wishes = probe_plan.plan(probes, [running("p", "two", "192.168.2.9", "fd00::9")], "8.8.8.8", [])
    assert targets(wishes, "probe-one", "connect") == ["192.168.2.1", "192.168.3.1", "fd00::3"]
    assert "fd00::1" not in targets(wishes, "probe-two", "ping")


def test_further_addresses_are_pinged_and_traced_from_the_host_network_of_their_node(cluster: Cluster) -> None:
    asked = [("one", "8.8.8.8"), ("one", "192.168.2.1"), ("none", "192.168.1.1")]
    wishes = probe_plan.plan(two_nodes(cluster), [], "", [], asked)
    usual = probe_plan.plan(two_nodes(cluster), [], "", [])
    assert wishes == {
        **usual,
        "probe-one-host": [*usual["probe-one-host"], Wish("ping", "8.8.8.8"), Wish("trace", "8.8.8.8")],
    }
