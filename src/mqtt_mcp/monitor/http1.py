"""HTTP/1.0 and 1.1 and nothing else, and errors below the routes in the form of all others.

Hypercorn would also speak HTTP/2 and websockets on the same port, which no client of the monitor needs: what is not
there cannot be attacked. A request that offers an upgrade to HTTP/2 is answered over HTTP/1.1.
"""

from contextlib import suppress

import h11
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.h11 import H11Protocol

from mqtt_mcp.monitor import problem
from mqtt_mcp.monitor.security import SECURITY_HEADERS, problem_headers


class _Refused(Exception):
    """The connection has got its answer and is closed."""


class Http1(H11Protocol):
    """One connection's protocol."""

    async def handle(self, event: Event) -> None:
        """Take in bytes, or the end of the connection."""
        with suppress(_Refused):
            await super().handle(event)

    async def _check_protocol(self, event: h11.Request) -> None:
        """Refuse what is not HTTP/1, before anything is made for it."""
        is_websocket = any(name == b"upgrade" and b"websocket" in value.lower() for name, value in event.headers)
        # h11 bounds what is incomplete; a header section that arrives in one piece would pass.
        size = len(event.target) + sum(len(name) + len(value) + 4 for name, value in event.headers)
        if event.http_version not in {b"1.0", b"1.1"}:
            await self._refuse(400)
        if event.method == b"CONNECT":  # h11 waits for an agreement to it that Hypercorn never gives
            await self._refuse(405)
        if size > self.config.h11_max_incomplete_size:
            await self._refuse(431)
        if is_websocket:
            await self._refuse(403)

    async def _refuse(self, status_code: int) -> None:
        await self._send_error_response(status_code)
        await self.send(Closed())
        raise _Refused

    async def _send_error_response(self, status_code: int) -> None:
        if status_code >= 500:
            status_code = 400  # an encoding that nobody implements is an error of the client
        body = problem.encode(status_code)
        headers = [*problem_headers(body), (b"connection", b"close"), *SECURITY_HEADERS]
        headers += self.config.response_headers("h11")
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        # Nothing follows on this connection, so a HEAD request may be answered with a body too.
        await self.send(RawData(data=body))
