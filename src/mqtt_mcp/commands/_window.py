"""One window: MCP on two descriptors, from the loading of the event loop to the exit.

Owns the composition of a window and its way out: the end of the input, a broken output or a signal ends it with status
0; sessions disconnect politely, and a watchdog ends the process inside two seconds whatever hangs.
"""

import trio

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.commands._compose import running_hub
from mqtt_mcp.commands._shutdown import Watchdog, cancelled_by_signals
from mqtt_mcp.config import Config
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.opening import Opening
from mqtt_mcp.wire.server import serve_client
from mqtt_mcp.wire.stdio import StdioStream

HARD_EXIT_MARGIN_S = 0.25
"""Between the bound of the orderly way out (``shutdown_s``) and the hard exit."""


class _WatchedStdio(trio.abc.HalfCloseableStream):
    """Standard input and output; tells when the peer has gone, which is when the way out begins."""

    def __init__(self, inner: StdioStream, watchdog: Watchdog) -> None:
        self._inner = inner
        self._watchdog = watchdog

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        try:
            data = await self._inner.receive_some(max_bytes)
        except trio.BrokenResourceError:
            self._watchdog.arm()
            raise
        if not data:
            self._watchdog.arm()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._inner.send_all(data)
        except trio.BrokenResourceError:
            self._watchdog.arm()
            raise

    def send_nowait(self, data: bytes) -> int:
        return self._inner.send_nowait(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._inner.send_eof()

    async def aclose(self) -> None:
        await self._inner.aclose()


def serve_window(config: Config, receive_fd: int, send_fd: int, opening: Opening) -> None:
    """Serve until the client goes.

    Args:
        config: What to run with.
        receive_fd: Where the client's requests come from.
        send_fd: Where our replies go.
        opening: What was read and answered before.
    """
    trio.run(_serve, config, receive_fd, send_fd, opening)


async def _serve(config: Config, receive_fd: int, send_fd: int, opening: Opening) -> None:
    settings = config.settings
    watchdog = Watchdog(settings.shutdown_s + HARD_EXIT_MARGIN_S, input_fd=receive_fd)
    stream = _WatchedStdio(StdioStream(receive_fd, send_fd), watchdog)
    limits = WireLimits(
        max_line_bytes=settings.max_line_bytes,
        max_in_flight=settings.max_requests_in_flight,
        idle_s=settings.idle_timeout_s,
    )
    with trio.CancelScope() as scope, cancelled_by_signals(scope, watchdog):
        async with running_hub(config) as hub:
            await serve_client(stream, HubApplication(hub), limits=limits, opening=opening)
            watchdog.arm()
