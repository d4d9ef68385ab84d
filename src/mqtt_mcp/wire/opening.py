"""The first answers, before the event loop is loaded.

A client that starts us waits for the reply to ``initialize``, and loading trio takes several times as long as that
reply. So the opening is answered with plain reads and writes, and the event loop is loaded while the client thinks.
Owns nothing afterwards: what it read and did not answer goes to ``serve_client``. Imports no trio: that is its point.
"""

import os
import select
from contextlib import suppress

from msgspec import Struct

from mqtt_mcp.wire.jsonrpc import Notification, Request, parse, result_line
from mqtt_mcp.wire.mcp import Greeter, Reply

_ANSWERED_HERE = ("initialize", "ping", "server/discover")
_RECEIVE_BYTES = 65536


class Opening(Struct, frozen=True):
    """What ``serve_client`` has to know of an opening that happened before it.

    Attributes:
        received: Bytes that were read and not dealt with.
        client_name: What the client called itself; empty when it did not.
    """

    received: bytes = b""
    client_name: str = ""


def answer_opening(receive_fd: int, send_fd: int, greeter: Greeter, *, wait_s: float = 1.0) -> Opening:
    """Read once and answer the opening requests at the front of what came.

    Stops at the first message that is anything else. Never raises for what a client does: whoever reads next meets the
    same end of input or broken pipe. A terminal is left alone, because its end of input is told only once.

    Args:
        receive_fd: Where to read.
        send_fd: Where to write.
        greeter: Knows the answers.
        wait_s: How long to wait for the first bytes, in seconds; then the loop is loaded anyway.
    """
    if os.isatty(receive_fd) or not select.select([receive_fd], [], [], wait_s)[0]:
        return Opening()
    try:
        received = os.read(receive_fd, _RECEIVE_BYTES)
    except OSError:
        return Opening()
    client_name = ""
    replies = []
    while (end := received.find(b"\n")) >= 0:
        message = parse(received[:end].strip())
        if isinstance(message, Request) and message.method in _ANSWERED_HERE:
            decision = greeter.decide(message)
            if not isinstance(decision, Reply):
                break
            client_name = decision.client_name or client_name
            replies.append(result_line(message.raw_id, decision.result))
        elif not isinstance(message, Notification):
            break
        received = received[end + 1 :]
    with suppress(OSError):
        _write_all(send_fd, b"".join(replies))
    return Opening(received, client_name)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        # Whoever started us may have made the shared open file non-blocking.
        select.select([], [fd], [])
        data = data[os.write(fd, data) :]
