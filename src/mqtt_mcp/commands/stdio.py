"""``mqtt-mcp`` (= ``mqtt-mcp stdio``): speak MCP on standard input and output.

Owns the start: the configuration, the standard streams and the opening answer, all before the event loop is loaded.
The rest is ``_window``'s.
"""

import os
import sys
from collections.abc import Sequence

from mqtt_mcp.commands._about import About
from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._signals import exit_at_once_on_signals
from mqtt_mcp.wire.descriptors import claim_standard_streams
from mqtt_mcp.wire.mcp import Greeter
from mqtt_mcp.wire.opening import answer_opening


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
        receive_fd, send_fd = claim_standard_streams()
        # A client waits for this answer. Loading trio takes several times as long, so that comes after it.
        opening = answer_opening(receive_fd, send_fd, Greeter(About()))
        from mqtt_mcp.commands._window import serve_window  # noqa: PLC0415 - see above

        serve_window(config, receive_fd, send_fd, opening)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return 0
        fail(f"standard input or output cannot be used: {error.strerror}.")
        return USAGE_STATUS
    return 0
