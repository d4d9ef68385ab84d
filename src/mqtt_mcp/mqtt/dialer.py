"""Opening the socket under the MQTT library, stage by stage.

Owns the event loop class whose ``create_connection`` is the only door the library has to the network, TCP and TLS in
separate stages, and the hooks on the library's protocol object (data, loss, back-pressure). Uses public asyncio
only. Does not resolve names: trio does, in a thread that cannot hold up the end of the process.
"""

import asyncio
import contextlib
import contextvars
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Literal

Address = tuple[int, tuple[Any, ...]]
"""Address family and socket address, as ``getaddrinfo`` gives them."""

ONE_ADDRESS_S = 2.5
"""How long one of several addresses may take before the next is tried."""


class Dial:
    """One connection to open and what to tell about it.

    Args:
        addresses: Addresses to try in order; at least one.
        server_name: Host name or address to check the certificate against.
        context: TLS settings; None for plain TCP.
        timeout_s: Bound on the TLS handshake.
        close_timeout_s: Bound on the TLS shutdown.
        data: Called with every chunk that arrives.
        lost: Called once when the socket is gone, with what the operating system or TLS said.

    Attributes:
        stage: How far it came; for messages about timeouts.
        transport: The open transport; None before.
        writable: Not set while the peer does not read and our buffer is full.
    """

    def __init__(
        self,
        *,
        addresses: Sequence[Address],
        server_name: str,
        context: ssl.SSLContext | None,
        timeout_s: float,
        close_timeout_s: float,
        data: Callable[[bytes], None],
        lost: Callable[[Exception | None], None],
    ) -> None:
        self.stage: Literal["tcp", "tls", "CONNACK"] = "tcp"
        self.transport: asyncio.Transport | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._addresses = addresses
        self._server_name = server_name
        self._context = context
        self._timeout_s = timeout_s
        self._close_timeout_s = close_timeout_s
        self._data = data
        self._lost = lost

    async def open(
        self, create_connection: Callable[..., Any], factory: Callable[[], Any]
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """TCP, then TLS, then the library's protocol on it.

        Raises:
            OSError: With ``stage`` telling where.
        """
        sock = await self._tcp()
        tls: dict[str, Any] = {}
        if self._context is not None:
            self.stage = "tls"
            tls = {
                "ssl": self._context,
                "server_hostname": self._server_name,
                "ssl_handshake_timeout": self._timeout_s,
                "ssl_shutdown_timeout": self._close_timeout_s,
            }
        # From here on asyncio owns the socket and closes it when something fails.
        transport, protocol = await create_connection(lambda: self._hook(factory()), sock=sock, **tls)
        self.stage = "CONNACK"
        self.transport = transport
        return transport, protocol

    async def _tcp(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        error = OSError("the name has no address")
        for left, (family, address) in zip(range(len(self._addresses) - 1, -1, -1), self._addresses, strict=True):
            # asyncio sets TCP_NODELAY only where the protocol is named; without it a second small packet waits 40 ms.
            sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                sock.setblocking(False)
                async with asyncio.timeout(ONE_ADDRESS_S if left else None):
                    await loop.sock_connect(sock, address)
            except OSError as failure:  # TimeoutError is one
                sock.close()
                error = failure
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise error

    def _hook(self, protocol: Any) -> Any:
        lost, pause, resume = protocol.connection_lost, protocol.pause_writing, protocol.resume_writing

        def connection_lost(error: Exception | None) -> None:
            self._lost(error)
            # Lost before the library tied its own ends together, it fails on an attribute; we know all there is to
            # know.
            with contextlib.suppress(AttributeError):
                lost(error)

        def pause_writing() -> None:
            self.writable.clear()
            pause()

        def resume_writing() -> None:
            self.writable.set()
            resume()

        protocol.connection_lost = connection_lost
        protocol.pause_writing = pause_writing
        protocol.resume_writing = resume_writing
        protocol.data_received = self._data
        return protocol


DIAL: contextvars.ContextVar[Dial] = contextvars.ContextVar("mqtt_dial")
"""The connection that the current task wants opened by the library's next ``create_connection``."""


class DialingLoop(asyncio.SelectorEventLoop):
    """An event loop that opens connections as the ``DIAL`` of the task says."""

    async def create_connection(  # type: ignore[override]  # one of asyncio's many signatures is enough here
        self, protocol_factory: Callable[[], Any], *_args: Any, **_kwargs: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Open what ``DIAL`` describes; host, port and ssl of the caller are not used."""
        return await DIAL.get().open(super().create_connection, protocol_factory)
