"""An HTTP proxy on loopback that tunnels (CONNECT), and records to where and for whom."""

from __future__ import annotations

import http.client
import socket
import socketserver
import threading
from types import TracebackType


class Proxy:
    """``url`` is where it listens, ``targets`` the addresses that it was asked for, ``logins`` what it was logged in with."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.logins: list[str | None] = []
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                method, target, _version = self.rfile.readline().decode().split()
                headers = http.client.parse_headers(self.rfile)
                proxy.targets.append(target)
                proxy.logins.append(headers["proxy-authorization"])
                if method != "CONNECT":
                    self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n")
                    return
                host, _unused, port = target.rpartition(":")
                with socket.create_connection((host, int(port))) as remote:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(remote, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, remote)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
