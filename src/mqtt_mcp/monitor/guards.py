"""Guards against three faults of quart-trio 0.12.0 and Hypercorn 0.18.0 under trio. Each has a test that fails without.

1. *Connections that are never closed.* On the last byte of a body Hypercorn recycles the connection, and on the way
   sends the application ``http.disconnect``. Quart-Trio answers that by cancelling the request, in whose task the
   recycling runs: it stops half way, so ``Connection: close`` is not honoured and the idle timer is never set again.
   ``GuardedQuart`` lets a request whose last byte is handed over end by itself.
2. *A peer that does not read.* Hypercorn shields its writes from cancellation, without limit: one stalled browser
   keeps the server from ever ending. ``Writes`` bounds them.
3. *A fault of one connection ends the server.* An exception outside of the application (a header that is no ASCII in
   a websocket handshake, a path that is no ASCII over HTTP/2) leaves the connection's task and cancels all others.
   ``GuardedConnection`` keeps it, and speaks HTTP/1 only (``http1``).

Nothing is replaced in the libraries: the guards are classes that ``server`` uses in place of theirs.
"""

import logging
from collections.abc import Awaitable, Callable

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, ConnectionState
from hypercorn.utils import parse_socket_addr
from quart.asgi import ASGIHTTPConnection
from quart.wrappers import Request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection

from mqtt_mcp.monitor.http1 import Http1

logger = logging.getLogger(__name__)

_SLICE_BYTES = 64 * 1024
_LAST_WORDS_S = 1.0


class _PatientRequest(TrioASGIHTTPConnection):
    """One request whose task is not cancelled once its last byte is handed over."""

    _finishing = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request."""

        async def watched(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                self._finishing = True
            await send(message)

        await super().__call__(receive, watched)

    async def handle_messages(  # type: ignore[override]  # as in the class above, whose signature is not its parent's
        self, nursery: trio.Nursery, request: Request, receive: ASGIReceiveCallable
    ) -> None:
        """Take what comes in; the end of it cancels a request that is still being answered."""
        await ASGIHTTPConnection.handle_messages(self, request, receive)
        if not self._finishing:
            nursery.cancel_scope.cancel()


class GuardedQuart(QuartTrio):
    """Quart with the first guard."""

    asgi_http_class = _PatientRequest


class Writes:
    """The writes of one server that are under way, each with a limit.

    Args:
        timeout_s: Time a peer may take for the next 64 kB.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._last_deadline = float("inf")
        self._scopes: set[trio.CancelScope] = set()

    async def send_all(self, send: Callable[[memoryview], Awaitable[None]], data: bytes) -> bool:
        """Send everything; False: the peer was too slow, and part of it may have gone.

        Cancellation: none, so that no answer is cut in the middle; the limit ends it.
        """
        rest = memoryview(data)
        while rest:
            deadline = min(trio.current_time() + self._timeout_s, self._last_deadline)
            with trio.CancelScope(deadline=deadline, shield=True) as scope:
                self._scopes.add(scope)
                try:
                    await send(rest[:_SLICE_BYTES])
                finally:
                    self._scopes.discard(scope)
            if scope.cancelled_caught:
                return False
            rest = rest[_SLICE_BYTES:]
        return True

    def end_within(self, seconds: float) -> None:
        """Give all writes, those to come included, no more than this from now on."""
        self._last_deadline = min(self._last_deadline, trio.current_time() + seconds)
        for scope in self._scopes:
            scope.deadline = min(scope.deadline, self._last_deadline)


class GuardedConnection(TCPServer):
    """One connection with the second and third guard.

    Args:
        app: The application.
        config: Hypercorn's.
        context: The server's.
        writes: The server's.
        stream: The connection.

    Attributes:
        idle_since_s: Since when no request is being answered; None: one is.
    """

    def __init__(
        self, app: ASGIWrapper, config: Config, context: WorkerContext, writes: Writes, stream: trio.SocketStream
    ) -> None:
        # Hypercorn's annotation names its TLS stream only; it takes both.
        super().__init__(app, config, context, ConnectionState({}), stream)  # type: ignore[arg-type]
        self._plain_stream = stream
        self._writes = writes
        self._scope = trio.CancelScope()
        self.idle_since_s: float | None = trio.current_time()

    def end(self) -> None:
        """End it now, whatever it does."""
        self._scope.cancel()

    async def run(self) -> None:
        """Serve the connection until it ends. A fault in it is a line in the log."""
        try:
            with self._scope:
                await self._run()
        except OSError:
            pass  # the peer has gone
        except Exception:
            logger.exception("a connection failed")

    async def _run(self) -> None:
        socket = self._plain_stream.socket
        client = parse_socket_addr(socket.family, socket.getpeername())
        server = parse_socket_addr(socket.family, socket.getsockname())
        try:
            async with TaskGroup() as task_group:
                self._task_group = task_group
                self.protocol = Http1(  # type: ignore[assignment]  # the same two methods as the wrapper it stands for
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    ConnectionState(self.state),
                    False,
                    client,
                    server,
                    self.protocol_send,
                )
                await self.idle_task.restart(task_group, self._idle_timeout)
                await self._read_data()
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        """Carry out what the protocol wants."""
        if isinstance(event, Updated):
            self.idle_since_s = trio.current_time() if event.idle else None
        if not isinstance(event, RawData):
            await super().protocol_send(event)
            return
        async with self.send_lock:
            try:
                alive = await self._writes.send_all(self._plain_stream.send_all, event.data)
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
                alive = False  # the peer has gone, or another task is closing the connection
            if not alive:
                with trio.move_on_after(_LAST_WORDS_S, shield=True):
                    await trio.aclose_forcefully(self._plain_stream)
                    await self.protocol.handle(Closed())
