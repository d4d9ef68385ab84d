"""``mqtt-mcp`` (= ``mqtt-mcp stdio``): speak MCP on standard input and output.

Owns the composition for one window and its way out: the end of the input, a broken output or a signal ends the window
with status 0; sessions disconnect politely, and a watchdog ends the process inside two seconds whatever hangs.
"""

import os
import sys
from collections.abc import Sequence

import trio

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._compose import running_hub
from mqtt_mcp.commands._shutdown import Watchdog, cancelled_by_signals, exit_at_once_on_signals
from mqtt_mcp.config import Config
from mqtt_mcp.wire.limits import WireLimits
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

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._inner.send_eof()

    async def aclose(self) -> None:
        await self._inner.aclose()


def run(arguments: Sequence[str]) -> int:
    """Serve until the client goes. Returns the exit status."""
    exit_at_once_on_signals()
    try:
        config, _ = configure("mqtt-mcp", "Speak MCP on stdin and stdout; an MCP client starts this.", arguments)
    except Usage as usage:
        return usage.status
    if sys.stdin is None or sys.stdout is None:  # closed by whoever started us: their numbers are not ours to use
        fail("standard input or output is closed; an MCP client talks to this command through both.")
        return USAGE_STATUS
    if os.isatty(0):
        sys.stderr.write(
            "mqtt-mcp speaks MCP on stdin and stdout and is meant to be started by an MCP client; see mqtt-mcp "
            "--help.\n"
            "Ctrl-D ends it.\n"
        )
    try:
        trio.run(_serve, config)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return 0
        fail(f"standard input or output cannot be used: {error.strerror}.")
        return USAGE_STATUS
    return 0


async def _serve(config: Config) -> None:
    settings = config.settings
    watchdog = Watchdog(settings.shutdown_s + HARD_EXIT_MARGIN_S, input_fd=0)
    stream = _WatchedStdio(StdioStream.claim(), watchdog)
    limits = WireLimits(
        max_line_bytes=settings.max_line_bytes,
        max_in_flight=settings.max_requests_in_flight,
        idle_s=settings.idle_timeout_s,
    )
    with trio.CancelScope() as scope, cancelled_by_signals(scope, watchdog):
        async with running_hub(config) as hub:
            await serve_client(stream, HubApplication(hub), limits=limits)
            watchdog.arm()
