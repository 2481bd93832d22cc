"""How long a verdict takes: on the cluster of the lab, with its two pods, and what a cluster more costs in a fleet.

The latter is the time of a play with many clusters less that of a play with one, by their number, where an API server refuses
the connection at once. Of a cluster that answers, the checks come on top, side by side for as many as there are forks.
"""

from __future__ import annotations

import json
import socket
import subprocess
from functools import partial
from pathlib import Path
from statistics import median

from measure import FOLDER, ROOT, cluster, run, seconds, taking_turns

ROUNDS = 3
MORE = 40


def inventory(count: int, server: str) -> Path:
    """An inventory file with so many clusters, all of which are that server."""
    cluster = {"name": "fleet", "cluster": {"server": server}}
    context = {"name": "fleet", "context": {"cluster": "fleet", "user": "fleet"}}
    config = {
        "clusters": [cluster],
        "contexts": [context],
        "users": [{"name": "fleet", "user": {}}],
        "current-context": "fleet",
    }
    kubeconfig = FOLDER / "fleet.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    hosts = {f"cluster-{number}": {"podnet_kubeconfig": str(kubeconfig)} for number in range(count)}
    file = FOLDER / f"fleet-{count}.json"
    file.write_text(json.dumps({"all": {"hosts": hosts}}))
    return file


def validate_fleet(clusters: Path) -> None:
    """Validate a fleet. Raises AssertionError when it did not end as one does that nobody can look at."""
    command = ["ansible-playbook", "playbooks/fleet.yml", "-i", str(clusters), "-f", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "no connection to the API server" in done.stdout, done.stdout[-2000:] + done.stderr


def one_more() -> float:
    """Seconds of a cluster more in a fleet."""
    with socket.socket() as taken:  # and nobody listens there
        taken.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{taken.getsockname()[1]}"
        plays = {count: partial(validate_fleet, inventory(count, server)) for count in (1, 1 + MORE)}
        spent = taking_turns(ROUNDS, plays, seconds)
    return median((many - one) / MORE for one, many in zip(spent[1], spent[1 + MORE], strict=True))


def verdict() -> float:
    """Seconds of the playbook validate, from the command line on, on the three nodes of the lab with a pod on each worker."""
    with cluster("netns") as lab:
        kubeconfig = {"podnet_kubeconfig": str(lab.kubeconfig)}
        for node in lab.workers:
            overrides = json.dumps({"spec": {"nodeName": node}})
            pod = ("run", f"on-{node}", "--image=busybox", f"--overrides={overrides}", "--", "sleep", "3600")
            run("kubectl", *pod, KUBECONFIG=str(lab.kubeconfig))
        run("kubectl", "wait", "--for=condition=Ready", "pods", "--all", KUBECONFIG=str(lab.kubeconfig))
        validate = partial(run, "ansible-playbook", ROOT / "playbooks" / "validate.yml", "-e", json.dumps(kubeconfig))
        return median(seconds(validate) for _round in range(ROUNDS))


def times() -> list[tuple[str, float, float | None]]:
    """(what, seconds, the most it should be)."""
    return [
        ("a verdict on the lab's cluster on netns, from the command line on", verdict(), 4.0),
        ("a cluster more in a fleet, beside its checks", one_more(), 0.025),
    ]
