"""The monitor's web server: the port, the connections and the way out.

Owns listening and shutting down. Serves each connection with Hypercorn's protocol code under our guards, in a nursery
of its own; Hypercorn's own ``serve`` is not used, because a fault in one connection ends it. A failure of the monitor
never reaches the hub, and nothing is ever printed: standard output belongs to the protocol.
"""

import errno
import logging
import socket
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.app import make_app
from mqtt_mcp.monitor.guards import GuardedConnection, Writes
from mqtt_mcp.monitor.hosts import plain_address
from mqtt_mcp.monitor.limits import DEFAULTS, Limits
from mqtt_mcp.monitor.metrics import Metrics
from mqtt_mcp.monitor.pages import STATIC
from mqtt_mcp.monitor.port_owner import owner_of_port
from mqtt_mcp.monitor.security import Security
from mqtt_mcp.monitor.source import Source

logger = logging.getLogger(__name__)

_BACKLOG = 128
_SEND_BUFFER_BYTES = 256 * 1024


class PortTaken(Exception):
    """The port is in use.

    Args:
        port: The first one tried.
        by: The process that holds it, as far as that can be told; otherwise empty.
    """

    def __init__(self, port: int, by: str) -> None:
        super().__init__(f"port {port} is in use" + (f" by {by}" if by else ""))
        self.port = port
        self.by = by


def bind(host: str, port: int, *, tries: int = 1) -> socket.socket:
    """Listen on a port; from the moment of this call on connections queue up until ``run_monitor`` takes them.

    Args:
        host: Address of this machine.
        port: Port; 0: any free one.
        tries: How many ports to try, this one and those after it.

    Raises:
        PortTaken: All of them are in use.
        OSError: The address is not of this machine, or the port needs privileges.
    """
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + max(tries, 1), 65536)):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            # A port whose last connections are still winding down counts as free; one that is listened on does not.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Connections inherit it. Left alone, the system would hold megabytes for each peer that does not read.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            sock.bind((host, candidate))
            sock.listen(_BACKLOG)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return sock
    raise PortTaken(port, owner_of_port(port))


def url_of(sock: socket.socket) -> str:
    """Where a browser on this machine finds the page."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def run_monitor(
    source: Source,
    feed: Feed,
    sock: socket.socket,
    access: Access,
    *,
    stop: trio.Event,
    limits: Limits = DEFAULTS,
    static: Path = STATIC,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the monitor until ``stop`` is set; then end every stream and, a second later, everything.

    Raises nothing of its own: a failure is a line in the log, and the start value is then empty.

    Args:
        source: The hub.
        feed: Its events; closed on the way out.
        sock: From ``bind``; closed on the way out.
        access: Who may do what.
        stop: Ends it.
        limits: What is taken from peers.
        static: Folder of the page.
        task_status: Told the URL once requests are answered.

    Cancellation: ends it at once.
    """
    server = _Server(source, feed, access, limits, stop)
    try:
        await server.run(sock, static, task_status)
    except* Exception:
        logger.exception("the monitor has failed; everything else goes on")
    finally:
        feed.close()
        sock.close()
        server.forget()
    if not server.started:
        task_status.started("")


class _Connections:
    """Those open, bounded in total and by address; a newcomer gets the place of one that has nothing to do.

    Args:
        limits: The bounds.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._peers: dict[GuardedConnection, str] = {}

    def admit(self, connection: GuardedConnection, peer: str) -> bool:
        """Count one in; False: there is no room, because all others are being answered."""
        of_peer = [other for other, its_peer in self._peers.items() if its_peer == peer]
        if len(of_peer) >= self._limits.max_connections_per_peer:
            room = self._end_one(of_peer)
        else:
            room = len(self._peers) < self._limits.max_connections or self._end_one(self._peers)
        if room:
            self._peers[connection] = peer
        return room

    def forget(self, connection: GuardedConnection) -> None:
        """Count one out."""
        self._peers.pop(connection, None)

    def _end_one(self, candidates: Iterable[GuardedConnection]) -> bool:
        # Whether it ever asked for anything must not count: then one cheap request would secure a place.
        idle = [(c.idle_since_s, c) for c in candidates if c.idle_since_s is not None]
        if not idle:
            return False
        _, longest = min(idle, key=lambda entry: entry[0])
        longest.end()
        self.forget(longest)
        return True


class _Server:
    """One run of the server."""

    def __init__(self, source: Source, feed: Feed, access: Access, limits: Limits, stop: trio.Event) -> None:
        self.started = False
        self._source = source
        self._feed = feed
        self._access = access
        self._limits = limits
        self._stop = stop
        self._writes = Writes(limits.write_timeout_s)
        self._connections = _Connections(limits)
        self._metrics: Metrics | None = None

    async def run(self, sock: socket.socket, static: Path, task_status: trio.TaskStatus[str]) -> None:
        """Serve until told to stop."""
        metrics = self._metrics = Metrics(self._source, self._feed)
        self._source.on_call_ended.append(metrics.call_ended)
        app = make_app(self._source, self._feed, metrics, self._access, limits=self._limits, static=static)
        context = WorkerContext(None)
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        async with trio.open_nursery() as connections, listener:
            handler = partial(self._serve_connection, app, self._config(), context)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(partial(trio.serve_listeners, handler, [listener], handler_nursery=connections))
                try:
                    self.started = True
                    task_status.started(url_of(sock))
                    await self._stop.wait()
                except trio.Cancelled:
                    self._writes.end_within(0)
                    raise
                accepting.cancel_scope.cancel()
            # Streams first, so that their readers get a proper end while there is time to write it.
            self._feed.close()
            self._writes.end_within(self._limits.closing_write_timeout_s)
            await context.terminated.set()
            connections.cancel_scope.deadline = trio.current_time() + self._limits.graceful_s

    def forget(self) -> None:
        """Leave nothing of this server in the hub."""
        if self._metrics is not None:
            self._source.on_call_ended.remove(self._metrics.call_ended)

    async def _serve_connection(
        self, app: Security, config: Config, context: WorkerContext, stream: trio.SocketStream
    ) -> None:
        try:
            peer = plain_address(stream.socket.getpeername()[0])
        except OSError:
            return  # it has gone already
        connection = GuardedConnection(ASGIWrapper(app), config, context, self._writes, stream)
        if not self._connections.admit(connection, peer):
            return  # it is closed; the descriptors left belong to the MQTT side
        try:
            await connection.run()
        finally:
            self._connections.forget(connection)

    def _config(self) -> Config:
        config = Config()
        # Hypercorn's own access line can be forged by a path, and its default target is standard output.
        config.accesslog = None
        config.errorlog = logging.getLogger("mqtt_mcp.monitor.hypercorn")
        config.include_server_header = False
        config.keep_alive_timeout = self._limits.keep_alive_s
        config.h11_max_incomplete_size = self._limits.header_bytes
        return config
