"""``mqtt-mcp`` (= ``mqtt-mcp stdio``) where it is a complete hub: MCP on standard input and output.

Owns the start: the configuration, the standard streams and the opening answer, all before the event loop is loaded.
The rest is ``_window``'s. That a hub which runs already is used instead was decided before (``__main__``).
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from mqtt_mcp.commands._about import About
from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._signals import exit_at_once_on_signals
from mqtt_mcp.option import ConfigError
from mqtt_mcp.options import SOCKET_FLAG
from mqtt_mcp.wire.descriptors import claim_standard_streams
from mqtt_mcp.wire.mcp import Greeter
from mqtt_mcp.wire.opening import answer_opening
from mqtt_mcp.wire.relay import TERMINAL_NOTICE


def run(arguments: Sequence[str]) -> int:
    """Serve until the client goes. Returns the exit status."""
    exit_at_once_on_signals()
    try:
        config, _ = configure(
            "mqtt-mcp",
            "Speak MCP on stdin and stdout; an MCP client starts this.",
            arguments,
            add=_add_socket_flag if arguments else None,
        )
    except Usage as usage:
        return usage.status
    if sys.stdin is None or sys.stdout is None:  # closed by whoever started us: their numbers are not ours to use
        fail("standard input or output is closed; an MCP client talks to this command through both.")
        return USAGE_STATUS
    if os.isatty(0):
        sys.stderr.write(TERMINAL_NOTICE)
    try:
        receive_fd, send_fd = claim_standard_streams()
        # A client waits for this answer. Loading trio takes several times as long, so that comes after it.
        opening = answer_opening(receive_fd, send_fd, Greeter(About()))
        from mqtt_mcp.commands._window import serve_window  # noqa: PLC0415 - see above

        serve_window(config, receive_fd, send_fd, opening)
    except ConfigError as error:  # what only the hub finds out: an audit file that cannot be used
        fail(error.message)
        return USAGE_STATUS
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return 0
        fail(f"standard input or output cannot be used: {error.strerror}.")
        return USAGE_STATUS
    return 0


def _add_socket_flag(parser: Any) -> None:
    """For ``--help``, and to refuse it without its value; it was taken out before."""
    parser.add_argument(
        SOCKET_FLAG,
        metavar="FILE",
        help="Where to look for a running hub; off: nowhere. [MQTT_MCP_SOCKET]",
    )
