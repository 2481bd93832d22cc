# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API server's process: network, store, controllers and API of one cluster in one event loop.

    python -m netns_cluster.server CONFIG CONTROL-DESCRIPTOR

CONFIG is the JSON of a :class:`~netns_cluster.config.Config`, the descriptor the socket of the container runtime. When the
cluster is ready the credentials are in the state directory and one line of JSON in the ready descriptor: {"ready": true}, or
{"error": "..."}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import secrets
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import TextIO

import trustme
from aiohttp import web

from netns_cluster import kubeconfig
from netns_cluster.api.server import make_app
from netns_cluster.api.store import Store
from netns_cluster.config import Config, dns_addresses
from netns_cluster.controllers import initial
from netns_cluster.controllers.agents import AgentController
from netns_cluster.controllers.events import EventLog
from netns_cluster.controllers.kubelet import Kubelet
from netns_cluster.controllers.namespaces import NamespaceController
from netns_cluster.controllers.scheduler import Scheduler
from netns_cluster.network.dns import NameServer
from netns_cluster.network.network import ClusterNetwork
from netns_cluster.runtime.client import RuntimeClient
from netns_cluster.runtime.rootfs import busybox_version

HOST = "127.0.0.1"


async def serve(config: Config, control: socket.socket, ready: TextIO) -> None:
    """Bring the cluster up, say so, and serve until the process is ended."""
    shape = config.shape
    volumes = Path(config.directory, "images", "volumes")
    network = ClusterNetwork(shape, volumes)
    building = asyncio.ensure_future(network.build())
    token = secrets.token_urlsafe(32)
    ca = trustme.CA(organization_name="netns_cluster")
    store = Store()
    events = EventLog(store)
    runtime = RuntimeClient(control)
    name_servers = tuple(str(ip) for ip in dns_addresses(shape.families))
    kubelet = Kubelet(store, events, network, runtime, name_servers, volumes)
    await building
    initial.populate(store, shape, network, busybox_version(Path(config.busybox)))
    NameServer(store).serve(await network.dns_sockets())
    controllers = [
        asyncio.ensure_future(one)
        for one in (
            Scheduler(store, events).run(),
            kubelet.run(),
            NamespaceController(store).run(),
            AgentController(store).run(),
            events.expire_for_ever(),
        )
    ]
    runner = web.AppRunner(
        make_app(store, token, kubelet, initial.version_info()), access_log=None, handler_cancellation=True
    )
    await runner.setup()
    listener = socket.create_server((HOST, 0))
    await web.SockSite(runner, listener, ssl_context=_tls(ca)).start()
    url = f"https://{HOST}:{listener.getsockname()[1]}"
    entry = kubeconfig.entry(shape.name, url, ca.cert_pem.bytes(), token)
    kubeconfig.write(Path(config.directory, "kubeconfig"), json.dumps(entry, indent=2) + "\n")
    await _agents_ready(store, len(shape.nodes))
    # Let "up" go, and the next one begin. This fails when the first one is gone: then nothing half made stays.
    json.dump({"ready": True}, ready)
    ready.close()
    os.close(config.starting_descriptor)
    await asyncio.gather(*controllers)


def _tls(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(HOST, "localhost").configure_cert(context)
    return context


async def _agents_ready(store: Store, count: int) -> None:
    """Wait until an agent runs on every node: then it is known that pods run here."""
    running: set[str] = set()
    async for change in store.changes(0):
        if change.resource == "pods" and not change.removed:
            for container in change.object["status"].get("containerStatuses", []):
                if "running" in container["state"]:
                    running.add(change.key[1])
                elif message := container["state"].get("terminated", {}).get("message"):
                    raise RuntimeError(message)
        if len(running) >= count:
            return


def main() -> None:
    config = Config.from_json(sys.argv[1])
    os.set_inheritable(config.starting_descriptor, False)
    control = socket.socket(fileno=int(sys.argv[2]))
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _unused, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with open(config.ready_descriptor, "w", encoding="utf-8") as ready:
        os.set_inheritable(ready.fileno(), False)
        try:
            asyncio.run(serve(config, control, ready))
        except Exception as error:
            logging.exception("the cluster ends")
            if not ready.closed:
                json.dump({"error": f"{type(error).__name__}: {error}"}, ready)
            sys.exit(1)


if __name__ == "__main__":
    main()
