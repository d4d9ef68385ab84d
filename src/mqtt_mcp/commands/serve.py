"""``mqtt-mcp serve``: the hub as a daemon, with its doors.

Owns its own arguments, the line that says it is ready, and the bound on its end. What it is made of, and in which order
that ends, is ``_daemon``'s. Standard output stays empty.

Exit status: 0 after a signal, 1 when the end took too long and was cut, 2 for wrong usage or configuration, for a
socket that cannot be used, and when another hub has it.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import trio

from mqtt_mcp import __version__
from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._daemon import serving
from mqtt_mcp.commands._notify import notify
from mqtt_mcp.commands._shutdown import Watchdog, cancelled_by_signals
from mqtt_mcp.commands._signals import exit_at_once_on_signals
from mqtt_mcp.config import Config
from mqtt_mcp.config_flags import flag_values
from mqtt_mcp.option import ConfigError
from mqtt_mcp.options import OPTIONS, SOCKET_FLAG
from mqtt_mcp.wire.socket_path import make_note, socket_path
from mqtt_mcp.wire.unix import SocketRefused

EXAMPLES = """\
examples:
  mqtt-mcp serve                                    the brokers of ~/.config/mqtt-mcp/mqtt-mcp.toml
  MQTT_BROKER_URL=mqtt://localhost mqtt-mcp serve   one broker
Every mqtt-mcp that an MCP client starts then shares its sessions, unless it is started with settings of its own.
Exit status: 0 ended by a signal, 1 the end took too long, 2 wrong usage or configuration, or another hub is there.
"""
HARD_EXIT_S = 4.5
"""Bound on the way out. Windows have a second for replies that are ready, sessions another, the bridge a third."""
CUT_STATUS = 1


def run(arguments: Sequence[str]) -> int:
    """Serve until a signal comes. Returns the exit status."""
    exit_at_once_on_signals()

    def add(parser: Any) -> None:
        parser.add_argument(
            SOCKET_FLAG,
            dest="socket_file",
            default="",
            metavar="FILE",
            help="Listen on this Unix socket; off: on none. [MQTT_MCP_SOCKET]",
        )

    try:
        config, parsed = configure(
            "mqtt-mcp serve", "Run the hub for all windows of this user.", arguments, add=add, examples=EXAMPLES
        )
    except Usage as usage:
        return usage.status
    try:
        trio.run(_serve, config, socket_path(parsed.socket_file), environment_note(flag_values(parsed)))
    except (SocketRefused, ConfigError) as refused:
        fail(f"{refused.message} {refused.hint}".strip())
        return USAGE_STATUS
    return 0


async def _serve(config: Config, path: str, note: str) -> None:
    """Run the hub and its doors until a signal comes.

    Args:
        config: What to run with.
        path: The socket; empty for none.
        note: What windows are told about this hub.

    Raises:
        SocketRefused: The socket cannot be used; nothing was started.
        ConfigError: The monitor's port or the audit file cannot be used; nothing was started.
    """
    watchdog = Watchdog(HARD_EXIT_S, status=CUT_STATUS)
    scope = trio.CancelScope()
    # Only the wait is in the scope: what is open ends in its own order once it is over.
    with cancelled_by_signals(scope, watchdog):
        async with serving(config, path, note) as hub:
            with scope:
                _say_ready(path, hub.monitor_url)
                notify("READY=1")
                await trio.sleep_forever()
            notify("STOPPING=1")


def environment_note(flags: dict[str, str | list[str]]) -> str:
    """What windows are told of this hub's environment, so that one that asks for something else can run on its own.

    Variables that a flag outranks say nothing about this hub; the monitor and the audit are not a window's business.

    Args:
        flags: Option name to what stood on the command line.
    """
    outranked = {option.env for option in OPTIONS if option.name in flags}
    if "url" in flags:  # a broker named by a flag takes nothing from the environment's
        outranked |= {option.env for option in OPTIONS if option.section == "broker"}
    if "config" in flags:
        outranked.add("MQTT_MCP_CONFIG")
    irrelevant = [option.env for option in OPTIONS if option.section == "monitor" or option.name == "audit"]
    known = ["MQTT_MCP_CONFIG", *(option.env for option in OPTIONS)]
    environ = {name: value for name, value in os.environ.items() if name not in outranked}
    return make_note([name for name in known if name], [name for name in irrelevant if name], environ)


def _say_ready(path: str, monitor_url: str) -> None:
    where = f"serves on {path}" if path else "serves without a socket"
    monitor = monitor_url or "none, it could not start"
    sys.stderr.write(f"mqtt-mcp {__version__} {where} (pid {os.getpid()}); monitor: {monitor}\n")
    sys.stderr.flush()
