# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP connections whose read timeout is one over a whole answer. Private to the collection: it may change at any time.

A socket gives its timeout to each piece that comes, and so as much time as it likes to a server that sends a byte now and then.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

from ansible_collections.kubelab.podnet.plugins.module_utils.cluster.config import MISSING_LIBRARY


class _Bounded(io.RawIOBase):
    """What comes from a socket, for as long as its timeout is when the reading begins."""

    def __init__(self, source: io.RawIOBase, sock: socket.socket) -> None:
        self._source = source
        self._sock = sock
        timeout = sock.gettimeout()
        self._end = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock))


POOLS: dict[str, Any] = {}
"""What a PoolManager makes its connections by: its ``pool_classes_by_scheme``."""

if not MISSING_LIBRARY:
    import urllib3

    class _Connection(urllib3.connection.HTTPConnection):
        response_class = _Answer

    class _TlsConnection(urllib3.connection.HTTPSConnection):
        response_class = _Answer

    class _Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = _Connection

    class _TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = _TlsConnection

    POOLS.update(http=_Pool, https=_TlsPool)
