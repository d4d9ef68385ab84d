"""The monitor beside a hub: which rooms it is made of, and when each part begins and ends.

Owns that composition for ``serve`` and ``demo``; the only file of the commands that loads the web. Does not decide who
may look (the configuration does), nor what is shown.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from mqtt_mcp.commands._journal_log import logging_into
from mqtt_mcp.config_monitor import MonitorConfig
from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.pulse import Pulse
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.server import PortTaken, bind, run_monitor
from mqtt_mcp.monitor.view import View
from mqtt_mcp.option import ConfigError

LONGEST_END_S = 2.0
"""Bound on the end of the web server, which bounds itself below that."""


def listening_socket(config: MonitorConfig, *, tries: int = 1) -> socket.socket:
    """Take the page's port.

    Args:
        config: Where.
        tries: How many ports to try.

    Raises:
        ConfigError: It is taken (and by whom, as far as that can be told), the address is not ours, or the page would
            be open to a network without anybody asking who looks.
    """
    config.check_exposure()
    try:
        return bind(config.host, config.port, tries=tries)
    except PortTaken as taken:
        by = f" by {taken.by}" if taken.by else ""
        raise ConfigError(
            "monitor", f"port {taken.port} is in use{by}; end that, or choose another with --port."
        ) from None
    except OSError as error:
        raise ConfigError(
            config.where, f"cannot listen on {ascii(config.host)[:80]} port {config.port}: {error.strerror or error}."
        ) from None


@asynccontextmanager
async def monitored(hub: Hub, config: MonitorConfig, sock: socket.socket) -> AsyncIterator[View]:
    """Show ``hub`` on ``sock`` while the block runs.

    Args:
        hub: What is shown.
        config: Who may see it.
        sock: From ``listening_socket``; closed at the end.

    Yields:
        The view; set its ``ready`` when the doors are open.

    Cancellation: leaving the block, however, ends the streams first and takes at most about two seconds.
    """
    access = Access(
        token=config.token.reveal() if config.token else "",
        allowed_hosts=config.allowed_hosts,
        loopback=config.loopback,
        behind_proxy=config.behind_proxy,
        trusted_proxy=config.trusted_proxy,
    )
    feed, rates = Feed(), Rates()
    view = View(hub, feed, rates, actions=config.may_act)
    stop = trio.Event()
    with logging_into(hub.journal):
        async with trio.open_nursery() as web, trio.open_nursery() as beating:
            beating.start_soon(feed.run)
            beating.start_soon(Pulse(hub, view, feed, rates).run)
            # Empty when it could not start, which is a line in the log: the hub works without it.
            hub.monitor_url = await web.start(partial(run_monitor, view, feed, sock, access, stop=stop))
            try:
                yield view
            finally:
                view.ready = False
                view.stopping = True
                stop.set()
                beating.cancel_scope.cancel()
                web.cancel_scope.deadline = trio.current_time() + LONGEST_END_S
