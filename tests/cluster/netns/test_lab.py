# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab, typed by hand as its document has it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .conftest import Cluster

SELECTOR = '{{"spec": {{ "nodeSelector": {{"alias": "{alias}"}}}}}}'


def test_every_task_of_the_lab_shows_what_its_document_shows(cluster: Cluster, tmp_path: Path) -> None:
    kubectl = cluster.kubectl

    # Task 1: deploy pods
    kubectl("label", "node", "demo-worker", "alias=firstWorker", "--overwrite")
    kubectl("label", "node", "demo-worker2", "alias=secondWorker", "--overwrite")
    for name, alias in (("bb1", "firstWorker"), ("bb2", "secondWorker")):
        overrides = "--overrides=" + SELECTOR.format(alias=alias)
        manifest = tmp_path / f"{name}.yaml"
        manifest.write_text(
            kubectl("run", name, "--image=busybox", overrides, "--dry-run=client", "-o", "yaml", "--", "sleep", "3600")
        )
        assert kubectl("apply", "-f", str(manifest)) == f"pod/{name} created\n"
        assert kubectl("apply", "-f", str(manifest)) == f"pod/{name} unchanged\n"
    kubectl("wait", "--for=condition=Ready", "pod/bb1", "pod/bb2", "--timeout=20s")

    # Task 2: check the nodes' selection, and the pods' addresses
    table = kubectl("get", "pods", "bb1", "bb2", "-n", "default", "-o", "wide")
    assert re.search(
        r"^bb1 +1/1 +Running +0 +\S+ +192\.168\.157\.\d+ +demo-worker +<none> +<none>$", table, re.MULTILINE
    )
    assert re.search(
        r"^bb2 +1/1 +Running +0 +\S+ +192\.168\.121\.\d+ +demo-worker2 +<none> +<none>$", table, re.MULTILINE
    )
    template = ("-o", "go-template", "--template", "{{.status.podIP}}")
    bb1, bb2 = (kubectl("get", "pod", name, *template) for name in ("bb1", "bb2"))

    # Task 3: the node's routes
    assert cluster.on_node("demo-worker", "ip", "route").splitlines() == [
        "default via 172.18.0.1 dev eth0 ",
        "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.4 ",
        "192.168.121.64/26 via 172.18.0.2 dev eth0 proto 80 onlink ",
        "blackhole 192.168.157.128/26 proto 80 ",
        f"{bb1} dev cali98fd8882b62 scope link ",
        "192.168.210.0/26 via 172.18.0.3 dev eth0 proto 80 onlink ",
    ]

    # Task 4: connectivity
    internet = kubectl("exec", "bb1", "--", "ping", "-c", "2", "-i", "0.2", "8.8.8.8")
    assert "2 packets transmitted, 2 packets received, 0% packet loss" in internet
    other = kubectl("exec", "bb1", "--", "ping", "-c", "2", "-i", "0.2", bb2)
    assert f"64 bytes from {bb2}: seq=0 ttl=62" in other

    # Task 5: traceroute
    first, *hops = kubectl("exec", "bb2", "--", "traceroute", bb1).splitlines()
    assert first == f"traceroute to {bb1} ({bb1}), 30 hops max, 46 byte packets"
    names = [re.match(r" \d  (\S+) \((\S+)\)", hop).groups() for hop in hops]  # type: ignore[union-attr]
    assert names == [
        ("172-18-0-2.demo-worker2.node.lab.internal", "172.18.0.2"),
        ("172-18-0-4.demo-worker.node.lab.internal", "172.18.0.4"),
        (f"{bb1.replace('.', '-')}.bb1.default.pod.lab.internal", bb1),
    ]

    # Task 6: delete the pods; sleep as a first process lets its grace period pass
    assert "deleted" in kubectl("delete", "pod", "bb1", "bb2", "--grace-period=1")
    assert json.loads(kubectl("get", "pods", "-o", "json"))["items"] == []
    assert "cali" not in cluster.on_node("demo-worker", "ip", "route")
