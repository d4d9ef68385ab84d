"""``mqtt-mcp serve`` as a real process on a socket of its own, and windows of it.

Owns the process and what it wrote to standard error. Has no opinion about what it does.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from testkit.mcp_client import McpClient, spawned

COMMAND = [sys.executable, "-m", "mqtt_mcp"]
READY = b" (pid "


class HubProcess:
    """A running hub.

    Attributes:
        process: The process.
        socket: Its socket.
    """

    def __init__(self, process: trio.Process, socket: Path) -> None:
        self.process = process
        self.socket = socket
        self._said = bytearray()
        self._more = trio.Event()

    @property
    def said(self) -> str:
        """What it wrote to standard error so far."""
        return self._said.decode()

    def window(
        self, *arguments: str, env: Mapping[str, str] | None = None, **how: Any
    ) -> AbstractAsyncContextManager[McpClient]:
        """A window that looks for this hub; takes what ``spawned`` takes."""
        return spawned([*COMMAND, *arguments], env={"MQTT_MCP_SOCKET": str(self.socket), **(env or {})}, **how)

    async def ready(self) -> None:
        """Wait for the line that says it serves, 30 s at most."""
        with trio.fail_after(30):
            while READY not in self._said and self.process.returncode is None:
                await self._more.wait()

    async def ended(self, within_s: float = 5.0) -> int:
        """Wait for the end and return the exit status; the margin is for the loaded machine, not for the program."""
        with trio.fail_after(within_s + 1.0):
            return await self.process.wait()

    async def read_stderr(self) -> None:
        """Keep what it writes; run by ``hub_process``."""
        assert self.process.stderr is not None
        while data := await self.process.stderr.receive_some(65536):
            self._said += data
            self._more.set()
            self._more = trio.Event()
        self._more.set()


def is_relay(client: McpClient) -> bool:
    """Whether a window is a relay: then it has not loaded what a hub is built of. Reads ``/proc``."""
    assert client.process is not None
    return "msgspec" not in Path(f"/proc/{client.process.pid}/maps").read_text()


@asynccontextmanager
async def hub_process(
    socket: Path, *arguments: str, env: Mapping[str, str] | None = None, command: list[str] = COMMAND
) -> AsyncIterator[HubProcess]:
    """A hub that is ready, or has ended again, with its page on any free port; killed at the end when it still runs.

    Args:
        socket: Its socket.
        arguments: More of its command line.
        env: Added to this process's environment.
        command: What to start in place of ``mqtt-mcp``.
    """
    start = partial(
        trio.lowlevel.open_process,
        [*command, "serve", "--port", "0", "--socket", str(socket), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    async with trio.open_nursery() as nursery:
        process = await start()
        hub = HubProcess(process, socket)
        try:
            nursery.start_soon(hub.read_stderr)
            await hub.ready()
            yield hub
        finally:
            with trio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.wait()
                assert process.stdout is not None
                with trio.move_on_after(1):
                    assert await process.stdout.receive_some(4096) == b"", "a hub writes nothing to standard output"
            nursery.cancel_scope.cancel()
