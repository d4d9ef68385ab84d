"""A tiny MCP client for the tour: newline-delimited JSON-RPC to a real ``mqtt-mcp`` subprocess.

Owns the subprocess, request ids and the hand-over of progress. It is no library: it knows ``initialize``,
``tools/list`` and ``tools/call`` of the revision 2025-06-18, and treats anything but JSON
on the server's stdout as a failure.
"""

import contextlib
import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

PROTOCOL_VERSION = "2025-06-18"

_MAX_LINE_BYTES = 8 * 1024 * 1024
_STOP_S = 2.5
_CALL_S = 120.0
_STDERR_S = 0.3

Progress = Callable[[float, float, str], None]
"""``progress(done, total, sentence)``."""


class ServerFailed(Exception):
    """The server ended, refused the handshake or wrote something that is not JSON-RPC."""


class RequestRefused(ServerFailed):
    """One request got a JSON-RPC error; the conversation goes on."""


class Answer(msgspec.Struct, frozen=True):
    """What came back for one tool call.

    Attributes:
        data: ``structuredContent``; empty when the tool failed.
        text: The text block.
        is_error: True when the tool reported a failure or the server refused the call.
        seconds: How long the call took.
    """

    data: dict[str, Any]
    text: str
    is_error: bool
    seconds: float


class _Waiting:
    def __init__(self) -> None:
        self.answered = trio.Event()
        self.reply: dict[str, Any] = {}


class McpClient:
    """One initialised conversation. Calls may run side by side."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._progress: dict[int, Progress] = {}
        self._sending = trio.Lock()
        self._failure = ""
        self.server_info: dict[str, Any] = {}
        self.tools: list[dict[str, Any]] = []
        self.stderr_tail = b""
        self.stderr_ended = trio.Event()

    async def call(self, tool: str, arguments: Mapping[str, object], progress: Progress | None = None) -> Answer:
        """Call one tool.

        Args:
            tool: Its name.
            arguments: Its arguments.
            progress: Told of every progress notification.

        Raises:
            ServerFailed: The server ended.
            trio.TooSlowError: No answer within 120 s.
        """
        began_s = trio.current_time()
        params: dict[str, Any] = {"name": tool, "arguments": dict(arguments)}
        try:
            reply = await self._request("tools/call", params, progress)
        except RequestRefused as error:
            return Answer(data={}, text=str(error), is_error=True, seconds=trio.current_time() - began_s)
        blocks = reply.get("content", [])
        text = "\n".join(block.get("text", "") for block in blocks if block.get("type") == "text")
        return Answer(
            data=reply.get("structuredContent") or {},
            text=text,
            is_error=bool(reply.get("isError", False)),
            seconds=trio.current_time() - began_s,
        )

    async def open(self) -> None:
        """Shake hands and read the list of tools."""
        reply = await self._request(
            "initialize",
            {
                "protocolVersion": PROTOCOL_VERSION,
                "capabilities": {},
                "clientInfo": {"name": "mqtt-mcp-demo", "version": "1"},
            },
        )
        self.server_info = reply.get("serverInfo", {})
        await self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.tools = (await self._request("tools/list", {})).get("tools", [])

    async def read_answers(self) -> None:
        """Read stdout until it ends; every waiting request is released then."""
        try:
            await self._read_lines()
        except ServerFailed as error:
            self._failure = str(error)
        else:
            self._failure = "The server closed its stdout."
        for waiting in self._waiting.values():
            waiting.answered.set()

    async def read_stderr(self) -> None:
        """Keep the last part of the server's stderr for an account of a failure."""
        assert self._process.stderr is not None  # noqa: S101 - we asked for a pipe
        async for piece in self._process.stderr:
            self.stderr_tail = (self.stderr_tail + piece)[-8000:]
        self.stderr_ended.set()

    async def _read_lines(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - we asked for a pipe
        rest = b""
        async for piece in self._process.stdout:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._take(line)
            if len(rest) > _MAX_LINE_BYTES:
                raise ServerFailed("The server wrote a line of more than 8 MiB.")

    async def _request(self, method: str, params: dict[str, Any], progress: Progress | None = None) -> dict[str, Any]:
        number = next(self._numbers)
        if progress is not None:
            params["_meta"] = {"progressToken": number}
            self._progress[number] = progress
        waiting = self._waiting[number] = _Waiting()
        try:
            with trio.fail_after(_CALL_S):
                await self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
                if not self._failure:
                    await waiting.answered.wait()
        finally:
            del self._waiting[number]
            self._progress.pop(number, None)
        if not waiting.reply:
            raise ServerFailed(self._failure)
        if "error" in waiting.reply:
            error = waiting.reply["error"]
            raise RequestRefused(f"{method} was refused: {error.get('code')} {error.get('message')}")
        result: dict[str, Any] = waiting.reply["result"]
        return result

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - we asked for a pipe
        try:
            async with self._sending:
                await self._process.stdin.send_all(json.dumps(message).encode() + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ServerFailed(self._failure or "The server closed its stdin.") from error

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError as error:
            raise ServerFailed(f"The server wrote something that is not JSON on stdout: {line[:80]!r}") from error
        if message.get("method") == "notifications/progress":
            params = message["params"]
            progress = self._progress.get(params["progressToken"])
            if progress is not None:
                progress(float(params["progress"]), float(params.get("total", 0)), str(params.get("message", "")))
            return
        waiting = self._waiting.get(message.get("id"))
        if waiting is not None:
            waiting.reply = message
            waiting.answered.set()


@asynccontextmanager
async def open_client(command: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[McpClient]:
    """Start a server and talk to it for the length of the block.

    Args:
        command: The server's command line.
        environment: Its whole environment.

    Raises:
        ServerFailed: It did not get through the handshake; holds the end of its stderr.

    Cancellation: the server's stdin is closed, and it is killed after 2.5 s.
    """
    process = await trio.lowlevel.open_process(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        # Its own process group: Ctrl-C in the terminal reaches us only, and we end it by closing its stdin.
        start_new_session=True,
    )
    client = McpClient(process)
    failure: ServerFailed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.read_answers)
        nursery.start_soon(client.read_stderr)
        try:
            await client.open()
            yield client
        except ServerFailed as error:
            # Raised outside the nursery, which would wrap it in a group.
            failure = error
        finally:
            await _stop(process)
            with trio.move_on_after(_STDERR_S, shield=True):
                await client.stderr_ended.wait()
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise ServerFailed(f"{failure}\n{client.stderr_tail.decode('utf-8', 'replace')}".strip()) from failure


async def _stop(process: trio.Process) -> None:
    """Close stdin, which ends an MCP server; kill it when that does not."""
    with trio.CancelScope(shield=True):
        with trio.move_on_after(_STOP_S):
            if process.stdin is not None:
                await process.stdin.aclose()
            await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
