"""Starts the embedded broker as a subprocess and ends it again.

Owns the child process, the choice of a free loopback port and the wait until it accepts. Does not know amqtt: the child
(``broker.py``) does. Its log output is dropped.
"""

import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mqtt_mcp.demo.broker import EXIT_NO_AMQTT, EXIT_PORT_TAKEN, LISTENING
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker

_START_S = 15.0
_STOP_S = 1.2
_TRIES = 5


class DemoUnavailable(ToolError):
    """The embedded broker cannot run here; the hint says what to install or free."""


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def embedded_broker(install_hint: str) -> AsyncIterator[Broker]:
    """Run the broker for the length of the block.

    Args:
        install_hint: The command that installs amqtt here; becomes the error's hint when it is missing.

    Yields:
        Where it listens; it accepts connections already.

    Raises:
        DemoUnavailable: amqtt is not installed, no port could be had, or it did not start within 15 s.

    Cancellation: the child is asked to end, and killed after 1.2 s.
    """
    for _ in range(_TRIES):
        process = await _start(free_port(), install_hint)
        if process is not None:
            break
    else:
        raise DemoUnavailable(ErrorKind.BUSY, f"No free loopback port in {_TRIES} tries.", "Try again.")
    child, port = process
    try:
        yield Broker(host="127.0.0.1", port=port)
    finally:
        await _stop(child)


async def _start(port: int, install_hint: str) -> tuple[trio.Process, int] | None:
    child = await trio.lowlevel.open_process(
        [sys.executable, "-m", "mqtt_mcp.demo.broker", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Its own process group: Ctrl-C in the terminal reaches us only, and we end it in order.
        start_new_session=True,
    )
    try:
        with trio.fail_after(_START_S):
            line = await _first_line(child)
            if line == f"{LISTENING} {port}":
                return child, port
            status = await child.wait()
    except BaseException as error:
        await _stop(child)
        if isinstance(error, trio.TooSlowError):
            raise DemoUnavailable(
                ErrorKind.TIMEOUT, f"The embedded broker did not listen within {_START_S:.0f} s.", "Try again."
            ) from error
        raise
    await _stop(child)
    if status == EXIT_PORT_TAKEN:
        return None
    if status == EXIT_NO_AMQTT:
        raise DemoUnavailable(
            ErrorKind.CONFIG,
            "The demo needs the embedded broker amqtt, which is not installed.",
            f"Run: {install_hint}",
        )
    raise DemoUnavailable(ErrorKind.INTERNAL, f"The embedded broker ended at start with status {status}.")


async def _first_line(child: trio.Process) -> str:
    assert child.stdout is not None  # noqa: S101 - we asked for a pipe
    line = b""
    while not line.endswith(b"\n"):
        piece = await child.stdout.receive_some(64)
        if not piece:
            break
        line += piece
    return line.decode("ascii", "replace").strip()


async def _stop(child: trio.Process) -> None:
    """End the child by closing its stdin, then by force; never leaves it behind."""
    with trio.CancelScope(shield=True):
        with trio.move_on_after(_STOP_S):
            if child.stdin is not None:
                await child.stdin.aclose()
            await child.wait()
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if child.stdout is not None:
            await child.stdout.aclose()
