"""Whole tables of nodes, explained row by row.

Those of our own are in ``tables/``, each with what must come out. To write the expected files anew after a change that
is wanted, set ``WRITE_EXPECTED=1`` and read the difference. Tables from public sources are read where they are.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.kubelab.podnet.plugins.module_utils.network.address_book import AddressBook
from ansible_collections.kubelab.podnet.plugins.module_utils.network.cni import sign_of
from ansible_collections.kubelab.podnet.plugins.module_utils.network.explain import ExplainedRoute, explain_routes
from ansible_collections.kubelab.podnet.plugins.module_utils.network.snapshot import Node, Pod
from ansible_collections.kubelab.podnet.plugins.module_utils.text.ip_route import parse_ip_route

TABLES = Path(__file__).parent / "tables"
GOLDEN = Path(__file__).parents[1] / "text" / "golden"
SAMPLES = Path(__file__).parents[6] / "shared" / "samples"

LAB_NODES = [
    Node("demo-worker", ("172.18.0.4", "fc00:f853:ccd:e793::4"), ("192.168.1.0/24",)),
    Node("demo-worker2", ("172.18.0.2", "fc00:f853:ccd:e793::2"), ("192.168.2.0/24",)),
    Node("demo-control-plane", ("172.18.0.3", "fc00:f853:ccd:e793::3"), ("192.168.0.0/24",)),
]
LAB_PODS = [
    Pod("default", "bb1", "demo-worker", ("192.168.157.134", "fd00:10:244:9d80::6")),
    Pod("default", "bb2", "demo-worker2", ("192.168.121.73", "fd00:10:244:7940::9")),
]
KIND_NODES = [
    Node("demo-worker", ("172.18.0.3", "fc00:f853:ccd:e793::3"), ("192.168.1.0/24",)),
    Node("demo-worker2", ("172.18.0.2", "fc00:f853:ccd:e793::2"), ("192.168.2.0/24",)),
    Node("demo-control-plane", ("172.18.0.4", "fc00:f853:ccd:e793::4"), ("192.168.0.0/24",)),
]
KIND_PODS = [
    Pod("default", "bb1", "demo-worker", ("192.168.157.133",)),
    Pod("default", "bb2", "demo-worker2", ("192.168.121.66",)),
    Pod("default", "host1", "demo-worker", ("172.18.0.3",), host_network=True),
]
FLANNEL_NODES = [
    Node("demo-worker", ("172.18.0.2", "fc00:f853:ccd:e793::2"), ("10.244.1.0/24",)),
    Node("demo-worker2", ("172.18.0.7", "fc00:f853:ccd:e793::7"), ("10.244.2.0/24",)),
    Node("demo-control-plane", ("172.18.0.4", "fc00:f853:ccd:e793::4"), ("10.244.0.0/24",)),
]
FLANNEL_PODS = [Pod("default", "bb1", "demo-worker", ("10.244.1.7",))]

LAB, KIND, FLANNEL = (LAB_NODES, LAB_PODS), (KIND_NODES, KIND_PODS), (FLANNEL_NODES, FLANNEL_PODS)
CLUSTERS = {
    "lab": LAB,
    "calico_all_tables": LAB,
    "calico_busybox": LAB,
    "odd": LAB,
    "odd_v6_json": LAB,
    "kind_all_tables": KIND,
    "kind_busybox": KIND,
    "flannel_all_tables": FLANNEL,
}


def explain(name: str, nodes: list[Node], pods: list[Pod]) -> list[ExplainedRoute]:
    parsed = parse_ip_route((TABLES / f"{name}.txt").read_text())
    assert not parsed.unparsed
    return explain_routes(parsed.routes, nodes[0], AddressBook(nodes, pods))


def line(explained: ExplainedRoute) -> str:
    computed = {True: "computed", False: "not computed", None: "-"}[explained.computed_interface]
    return " | ".join((explained.purpose, explained.node or "-", explained.pod or "-", computed, explained.text))


@pytest.mark.parametrize("name", CLUSTERS)
def test_each_row_is_explained_as_expected(name: str) -> None:
    lines = [line(explained) for explained in explain(name, *CLUSTERS[name])]
    expected = TABLES / f"{name}.explained"
    if os.environ.get("WRITE_EXPECTED"):
        expected.write_text("".join(f"{line}\n" for line in lines))
    assert lines == expected.read_text().splitlines()


@pytest.mark.parametrize("dialect", ["kind_details", "kind_json"])
def test_a_table_is_explained_alike_in_every_form_of_iproute2(dialect: str) -> None:
    plain = [line(explained) for explained in explain("kind", KIND_NODES, KIND_PODS)]
    assert [line(explained) for explained in explain(dialect, KIND_NODES, KIND_PODS)] == plain


LETTERS = {
    "default": "d",
    "node_network": "n",
    "local_pod": "p",
    "own_block": "o",
    "remote_block": "r",
    "service": "s",
    "other": "-",
}

# Golden table of the parser -> cluster, the node's place in it, and the purpose of each row by its letter.
OURS = {
    "route_calico_00_seed_nooverlay_proto80": (LAB, 0, "dnropppr"),
    "route_local_calico_w1_busybox": (LAB, 0, "dnroppr"),
    "route_local_calico_w1_iproute2_N": (LAB, 0, "dnroppr"),
    "route_local_calico_w1_iproute2_detail": (LAB, 0, "dnroppr"),
    "route_local_calico_w1_iproute2_json_detail": (LAB, 0, "dnroppr"),
    "route_local_calico_w1_iproute2_oneline_stats": (LAB, 0, "dnroppr"),
    "route_local_calico_w1_tableall_iproute2": (LAB, 0, "dnroppr---n-nrppo---d--n---------"),
    "route_local_calico_w1_v6_busybox": (LAB, 0, "nrppo---d------"),
    "route_local_calico_w1_v6_iproute2_json": (LAB, 0, "nrppo---d"),
    "route_local_flannel_controlplane_iproute2": (FLANNEL, 2, "dorrn"),
    "route_local_flannel_controlplane_iproute2_json": (FLANNEL, 2, "dorrn"),
    "route_local_flannel_controlplane_tableall": (FLANNEL, 2, "dorrn-----n-n-d-n--"),
    "route_local_flannel_controlplane_v6_iproute2": (FLANNEL, 2, "n-d"),
    "route_local_flannel_worker_iproute2": (FLANNEL, 0, "drorn"),
    "route_local_flannel_worker_iproute2_json": (FLANNEL, 0, "drorn"),
    "route_local_flannel_worker_tableall": (FLANNEL, 0, "drorn-----n-n-d-n--"),
    "route_local_flannel_worker_v6_iproute2": (FLANNEL, 0, "n-d"),
    "route_local_get_w1_to_bb2": (LAB, 0, "r"),
    "route_local_kind_controlplane_details": (KIND, 2, "dnrro"),
    "route_local_kind_controlplane_tableall": (KIND, 2, "dnrro---n--n-d-n--"),
    "route_local_kind_controlplane_v6_iproute2": (KIND, 2, "n-d"),
    "route_local_kind_pod_bb1_busybox": (KIND, 0, "dn"),
    "route_local_kind_worker2_iproute2": (KIND, 1, "dnoprr"),
    "route_local_kind_worker2_iproute2_json": (KIND, 1, "dnoprr"),
    "route_local_kind_worker_busybox": (KIND, 0, "d-nroppppr"),
    "route_local_kind_worker_details": (KIND, 0, "dnropppr"),
    "route_local_kind_worker_iproute2": (KIND, 0, "dnropppr"),
    "route_local_kind_worker_iproute2_json": (KIND, 0, "dnropppr"),
    "route_local_kind_worker_tableall": (KIND, 0, "dnropppr---n--n-d-n--"),
    "route_local_kind_worker_v6_iproute2": (KIND, 0, "n-d"),
    "route_local_odd_busybox": (LAB, 0, "dd-----------------nrropprr-"),
    "route_local_odd_iproute2": (LAB, 0, "dd-----------------nrropprr-"),
    "route_local_odd_iproute2_detail": (LAB, 0, "dd-----------------nrropprr-"),
    "route_local_odd_oneline_iproute2": (LAB, 0, "dd-----------------nrropprr-"),
    "route_local_odd_v6_busybox": (LAB, 0, "-------nrppo----d--------"),
    "route_local_odd_v6_iproute2_json": (LAB, 0, "-------nrppo----d"),
    "route_local_pod_bb1_busybox": (LAB, 0, "dn"),
    "route_local_pod_bb1_iproute2": (LAB, 0, "dn"),
}
# What has the name of a table and holds no routes: other forms, errors, nothing.
NO_ROUTES = {
    *("route_local_calico_w1_busybox_route_n", "route_local_odd_procnet"),
    *("route_local_get_fibmatch", "route_local_odd_table100_missing_iproute2"),
    *("route_local_empty_busybox", "route_local_empty_iproute2_json"),
    *("route_err_01_fib_table_missing", "route_odd_07_mpls_family"),
}


@pytest.mark.parametrize("name", OURS)
def test_each_row_of_our_own_tables_is_classified_in_every_dialect(name: str) -> None:
    (nodes, pods), place, purposes = OURS[name]
    routes = parse_ip_route((GOLDEN / f"{name}.txt").read_text()).routes
    explained = explain_routes(routes, nodes[place], AddressBook(nodes, pods))
    assert "".join(LETTERS[row.purpose] for row in explained) == purposes


def test_none_of_our_own_tables_is_left_out() -> None:
    assert {path.stem for path in GOLDEN.glob("route_*.txt")} - NO_ROUTES == set(OURS)


# sample -> the node's own address, the CNIs that its table speaks of, and the purpose of each row by its letter.
# Nothing is known of pods and other nodes there, so rows that only they would explain are "other".
PUBLIC = {
    "antrea_01_packetwalk_worker1": ("10.79.1.201", "antrea", "dnror-"),
    "antrea_02_packetwalk_worker2": ("10.79.1.202", "antrea", "dnrro-"),
    "antrea_04_docs_service_onlink": ("", "antrea", "-ss"),
    "antrea_05_issue3946_eks_policyonly": ("10.138.3.41", "antrea", "dnppppppppppppppppppppp-"),
    "aws_01_docs_proposal_host": ("10.0.104.183", "aws-vpc-cni", "dnppp"),
    "aws_02_docs_proposal_table_eni1": ("", "", "d"),
    "aws_04_issue1750_ipv6_pod_inpod": ("", "", "d-n"),
    "aws_05_issue1750_ipv6_pod_inpod_v6": ("", "", "-n--d"),
    "aws_07_eks_table3": ("", "", "dn"),
    "aws_08_cilium_chained_ipv6": ("", "aws-vpc-cni", "ddp-"),
    "azure_01_docs_transparent": ("10.240.0.4", "azure-cni", "pppppp---"),
    "azure_02_docs_bridge": ("10.240.0.4", "azure-cni", "dn-"),
    "azure_04_aks_kubenet_cbr0": ("10.224.0.4", "kubenet", "dnno--"),
    "calico_01_docs_proto80_onlink": ("10.0.0.10", "calico", "dnnrr-"),
    "calico_03_docs_openstack_tap_oldstyle_doublespace": ("192.168.8.3", "", "d---n-n-"),
    "calico_04_docs_egress_multipath_throw": ("", "", "d--"),
    "calico_06_felix_fv_comment": ("172.17.0.7", "calico", "doprrn"),
    "calico_10_issue9010_ipip_borrowed_32": ("", "calico", "rrrropppppppprrppppppppp"),
    "calico_12_issue772_bird_old_mixed": ("172.31.27.45", "calico", "d---noppp"),
    "calico_13_issue2612_overlap_24_over_26": ("", "calico", "or"),
    "calico_15_bird61_ip_monitor": ("", "calico", "rror"),
    "calico_16_blog_vxlan_w2": ("", "calico", "dropp"),
    "cilium_01_issue38950_native": ("162.55.47.109", "cilium", "d--o----n--"),
    "cilium_02_issue26588_missing_peers": ("192.168.100.3", "cilium", "d--n"),
    "cilium_04_kuberouter_proto17": ("172.0.117.198", "kube-router cilium", "drorr"),
    "cilium_05_issue12113_azure_lxc_node1": ("10.240.0.35", "cilium", "dnppp-pp---"),
    "cilium_07_native_peer_via_node": ("", "cilium", "o-r"),
    "cilium_08_vxlan_node1_full": ("192.168.100.61", "cilium", "dro-rrn"),
    "flannel_01_issue1029_vxlan": ("192.168.56.74", "flannel", "d-rrrrorn"),
    "flannel_02_issue545_old16": ("192.168.31.102", "flannel", "dor-n-"),
    "flannel_04_docker0_flannel": ("192.168.1.102", "flannel", "d-rron"),
    "flannel_05_vagrant_two_nics": ("10.240.0.101", "flannel", "d-orn--"),
    "frr_01_nhid_multipath_ovnk_e2e": ("", "", "-"),
    "frr_02_nhid_single_ovnk_e2e": ("", "", "-"),
    "generic_genie_table_all": ("192.168.1.212", "", "d---n-s-"),
    "generic_jc_centos-7.7": ("10.0.2.15", "", "dn--"),
    "generic_ntc_linux_ip_route_show": ("10.0.0.1", "", "ddd-nn-----d"),
    "generic_ntc_linux_ip_route_show2": ("172.30.1.112", "", "dddd-n"),
    "gke_01_dpv2_gke_ifaces": ("10.128.0.20", "gke", "dpppppppppppn--"),
    "gke_01_dpv2_table2004": ("", "", "-"),
    "ipvlan_01_issue70_table_all": ("", "", "d-n-------------d"),
    "kindnet_01_tkng_worker2": ("", "kindnet", "drrppppp"),
    "kindnet_02_tkng_inpod": ("", "", "d-n"),
    "kindnet_04_single_node": ("172.18.0.2", "kindnet", "dppppn"),
    "kindnet_05_worker_observed": ("172.18.0.2", "kindnet", "drrppppppn"),
    "kindnet_07_two_cidrs_same_nexthop": ("192.168.50.131", "kindnet", "drprrn--"),
    "kindnet_08_annotated_and_error": ("172.20.0.5", "kindnet", "drrrpn"),
    "kubenet_01_kops_aws": ("10.0.113.206", "kubenet", "dno-"),
    "kubeovn_01_default_join": ("", "kube-ovn", "--"),
    "kubeovn_02_docs_v6": ("", "kube-ovn", "--"),
    "mixed_01_calico_to_antrea_conflict": ("", "antrea calico", "drrrrrrrrrrro"),
    "odd_01_ipv6_ra_expires_hoplimit": ("", "", "---d"),
    "odd_02_ipv6_double_space_old": ("", "", "--n-d"),
    "odd_04_kernel_bug_via_254_128": ("10.0.2.15", "", "d-n"),
    "odd_05_source_specific_from": ("", "", "d"),
    "ovnk_01_docs_kubeadm_brex": ("192.168.123.1", "", "d-n"),
    "ovnk_02_docs_multivtep_tables": ("", "", "------"),
    "ovnk_04_ocp412_worker": ("192.168.10.163", "ovn-kubernetes", "dro---sn"),
    "ovnk_05_pr3136_upgrade": ("10.0.128.4", "ovn-kubernetes", "dnro----"),
    "tke_01_eni_plus_cbr0": ("10.168.1.4", "aws-vpc-cni kubenet", "dnpp--o"),
    "weave_01_kind_worker2": ("172.18.0.4", "weave", "d-n"),
    "weave_02_node01": ("172.25.0.47", "weave", "d-n-"),
}
# The other nodes, for tables that only make sense with them: address -> pod CIDRs.
OTHERS: dict[str, dict[str, tuple[str, ...]]] = {
    "calico_15_bird61_ip_monitor": {"192.168.2.1": (), "192.168.2.4": ()},
    "cilium_07_native_peer_via_node": {"192.168.43.153": ()},
    "kindnet_01_tkng_worker2": {"172.18.0.10": ("10.244.0.0/24",), "172.18.0.11": ("10.244.1.0/24",)},
    "kindnet_05_worker_observed": {"172.18.0.3": ("10.244.0.0/24",), "172.18.0.4": ("10.244.1.0/24",)},
    "kindnet_07_two_cidrs_same_nexthop": {
        "192.168.50.130": ("10.244.0.0/24",),
        "192.168.50.128": ("10.244.2.0/24", "10.244.3.0/24"),
    },
    "kindnet_08_annotated_and_error": {
        "172.20.0.2": ("10.244.0.0/24",),
        "172.20.0.3": ("10.244.1.0/24",),
        "172.20.0.4": ("10.244.2.0/24",),
    },
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public tables are not part of the repository")
@pytest.mark.parametrize("name", PUBLIC)
def test_public_tables_of_every_cni_are_classified_row_by_row(name: str) -> None:
    address, cnis, purposes = PUBLIC[name]
    routes = parse_ip_route((SAMPLES / f"route_{name}.txt").read_text()).routes
    node = Node("here", (address,) if address else ())
    others = [Node(f"at-{gateway}", (gateway,), cidrs) for gateway, cidrs in OTHERS.get(name, {}).items()]
    explained = explain_routes(routes, node, AddressBook([node, *others], []))
    assert "".join(LETTERS[row.purpose] for row in explained) == purposes
    signs = dict.fromkeys(sign.cni for sign in map(sign_of, routes) if sign is not None)
    assert [cni for cni in signs if cni != "kube-proxy"] == cnis.split()
    assert all(row.text for row in explained)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public tables are not part of the repository")
def test_no_public_table_is_left_out() -> None:
    public = {f"route_{name}" for name in PUBLIC}
    assert {path.stem for path in SAMPLES.glob("route_*.txt")} - NO_ROUTES == {*OURS, *public}
