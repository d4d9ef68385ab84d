"""A hub with all its doors: the Unix socket for windows and the monitor for a person.

Owns the order in which they open and end: the doors stop first, so that windows see a closed stream and pages a proper
end, then collections and sessions, which disconnect politely. ``serve`` and ``demo`` share it; it prints nothing and
handles no signal.
"""

import gc
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial

import trio

from mqtt_mcp.commands._application import HubApplication
from mqtt_mcp.commands._compose import running_hub
from mqtt_mcp.commands._monitor import listening_socket, monitored
from mqtt_mcp.config import Config
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.mcp import Endpoint
from mqtt_mcp.wire.unix import serve_windows, taken_socket

GC_THRESHOLDS = (2_000, 20, 100)
"""A full collection walks every object of every open page, 60 ms with 200 of them, and finds next to nothing."""


@asynccontextmanager
async def serving(config: Config, path: str, note: str, *, ports_tried: int = 1) -> AsyncIterator[Hub]:
    """Run a hub and its doors while the block runs.

    Args:
        config: What to run with.
        path: The Unix socket; empty for none.
        note: What windows are told about this hub; see ``socket_path.make_note``.
        ports_tried: How many ports the monitor tries, from the configured one on.

    Yields:
        The hub; windows and pages can come.

    Raises:
        SocketRefused: The socket cannot be used; nothing was started.
        ConfigError: The monitor's port or the audit file cannot be used; nothing was started.

    Cancellation: as leaving the block, but the pages get no proper end.
    """
    place: AbstractContextManager[socket.socket | None] = taken_socket(path, note) if path else nullcontext()
    # The socket first: who runs a second hub is told of the first, not that its port is taken.
    with place as listener, listening_socket(config.monitor, tries=ports_tried) as page:
        async with (
            running_hub(config, watched=True) as hub,
            monitored(hub, config.monitor, page) as view,
            trio.open_nursery() as doors,
        ):
            endpoint = Endpoint(HubApplication(hub))
            _ = endpoint.catalogue  # made now, so that no window waits for it
            if listener is not None:
                settings = config.settings
                limits = WireLimits(
                    max_line_bytes=settings.max_line_bytes,
                    max_in_flight=settings.max_requests_in_flight,
                    idle_s=settings.idle_timeout_s,
                )
                serve = partial(serve_windows, listener, endpoint, limits=limits, max_windows=settings.max_windows)
                await doors.start(serve)
            _collect_rarely()
            view.ready = True
            try:
                yield hub
            finally:
                doors.cancel_scope.cancel()


def _collect_rarely() -> None:
    """Keep the collector of cyclic garbage from holding everybody up.

    What was loaded stays for good: frozen, it is nothing that has to be walked. Nearly everything that comes and goes
    is freed by its reference count.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
