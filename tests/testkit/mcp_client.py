"""A small MCP client for tests: newline-delimited JSON-RPC over any trio stream, in either protocol era.

It owns numbering, matching replies to requests and collecting progress. It hides nothing: whatever arrives that nobody
waits for stays in ``strays``, and what breaks a rule of the wire (bad JSON, a reply to a cancelled request)
fails a test by being there. It does not validate schemas and has no opinion about our tools.

Synopsis::

    async with connected(application) as client:                       # in this process, over memory streams
        outcome = await client.call("list_topics", session_id=sid, pattern="#")
        assert not outcome.is_error, outcome.text
        assert outcome.data["status"] == "complete"

    async with spawned([sys.executable, "-m", "mqtt_mcp"]) as client:      # a real process
        await client.request("ping")

    pending = await client.start_call("subscribe_and_collect", True, session_id=sid)    # with progress; does not wait
    await client.cancel(pending)
    assert pending.progress == [...]          # the params of its progress notifications so far
    outcome = await pending.outcome()

Every wait is bounded by ``timeout_s``, which counts on trio's clock: under ``autojump_clock`` that is virtual time.
"""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import trio
import trio.testing

from mqtt_mcp.wire.application import Application
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.server import DEFAULT_LIMITS, serve_client

Era = Literal["legacy", "modern"]

LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"


class RpcError(Exception):
    """A JSON-RPC error reply: ``code``, ``message``, ``data`` (``None`` when absent)."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class Outcome:
    """The result of one tool call.

    Attributes:
        is_error: True when the tool (not the protocol) failed.
        text: The text blocks joined: for an error its kind, message and hint.
        data: ``structuredContent``; an empty dict when there is none.
        raw: The whole result object.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.is_error: bool = raw.get("isError", False)
        self.text: str = "\n".join(block["text"] for block in raw["content"] if block["type"] == "text")
        self.data: dict[str, Any] = raw.get("structuredContent", {})


class Pending:
    """A request that was sent and whose reply may not be here yet."""

    def __init__(self, request_id: int | str, timeout_s: float) -> None:
        self.id = request_id
        self.progress: list[dict[str, Any]] = []
        self.message: dict[str, Any] | None = None
        self._arrived = trio.Event()
        self._timeout_s = timeout_s

    def arrived(self, message: dict[str, Any] | None) -> None:
        """Take the reply in; ``None`` means that the server has gone."""
        self.message = message
        self._arrived.set()

    async def result(self) -> dict[str, Any]:
        """Wait for the result.

        Raises:
            RpcError: The server answered with an error.
            EOFError: The server closed the stream instead of answering.
            trio.TooSlowError: Nothing came within the client's ``timeout_s``.
        """
        with trio.fail_after(self._timeout_s):
            await self._arrived.wait()
        if self.message is None:
            raise EOFError(f"the server closed the stream before it answered request {self.id!r}")
        if "error" in self.message:
            raise RpcError(self.message["error"])
        result = self.message["result"]
        assert isinstance(result, dict)
        return result

    async def outcome(self) -> Outcome:
        """Wait for the result of a tool call; raises as ``result``."""
        return Outcome(await self.result())


class McpClient:
    """One connection. Use ``connected``, ``spawned`` or ``attached`` to get one.

    Attributes:
        era: ``legacy`` opens with ``initialize``; ``modern`` puts the envelope of 2026-07-28 on every request.
        server: What ``initialize`` or ``discover`` answered.
        strays: Every message that belongs to no pending request: error replies without id, replies to cancelled
            requests, progress for finished ones, other notifications. A test about silence asserts that it is empty.
        ended: Set when the server closed its side.
        process: The subprocess behind ``spawned``, else ``None``.
    """

    def __init__(self, stream: trio.abc.Stream, era: Era, timeout_s: float) -> None:
        self.era: Era = era
        self.timeout_s = timeout_s
        self.server: dict[str, Any] = {}
        self.strays: list[dict[str, Any]] = []
        self.ended = trio.Event()
        self.process: trio.Process | None = None
        self._stream = stream
        self._pending: dict[int | str, Pending] = {}
        self._numbers = 0
        self._sending = trio.Lock()

    async def call(self, tool: str, /, **arguments: Any) -> Outcome:
        """Call a tool and wait for what it says; raises as ``Pending.result``."""
        return await (await self.start_call(tool, **arguments)).outcome()

    async def call_with_progress(self, tool: str, /, **arguments: Any) -> tuple[Outcome, list[dict[str, Any]]]:
        """Call a tool with a progress token; returns the outcome and every progress that preceded it."""
        pending = await self.start_call(tool, True, **arguments)
        return await pending.outcome(), pending.progress

    async def start_call(self, tool: str, progress: bool = False, /, **arguments: Any) -> Pending:
        """Send a tool call without waiting for its reply; ``progress`` adds a progress token."""
        return await self.start("tools/call", {"name": tool, "arguments": arguments}, progress=progress)

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its result; raises as ``Pending.result``."""
        return await (await self.start(method, params)).result()

    async def start(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        progress: bool = False,
        request_id: int | str | None = None,
    ) -> Pending:
        """Send a request without waiting for its reply."""
        if request_id is None:
            self._numbers += 1
            request_id = self._numbers
        meta: dict[str, Any] = {}
        if self.era == "modern":
            meta = {
                "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "testkit", "version": "1"},
            }
        if progress:
            meta["progressToken"] = request_id
        body = dict(params or {})
        if meta:
            body["_meta"] = {**meta, **body.get("_meta", {})}
        pending = self._pending[request_id] = Pending(request_id, self.timeout_s)
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id, "method": method}
        if body:
            message["params"] = body
        await self.send(message)
        return pending

    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = dict(params)
        await self.send(message)

    async def cancel(self, pending: Pending, reason: str = "the test changed its mind") -> None:
        """Cancel a request; whatever arrives for it from now on lands in ``strays``."""
        self._pending.pop(pending.id, None)
        await self.notify("notifications/cancelled", {"requestId": pending.id, "reason": reason})

    async def discover(self) -> dict[str, Any]:
        """``server/discover`` (a modern request)."""
        self.server = await self.request("server/discover")
        return self.server

    async def initialize(self, version: str = LEGACY_VERSION) -> dict[str, Any]:
        """The handshake of the legacy era."""
        self.server = await self.request(
            "initialize",
            {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "testkit", "version": "1"}},
        )
        await self.notify("notifications/initialized")
        return self.server

    async def send(self, message: Any) -> None:
        """Send any JSON value as one line."""
        await self.send_bytes(json.dumps(message).encode() + b"\n")

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; complete lines are the caller's business."""
        with trio.fail_after(self.timeout_s):
            async with self._sending:
                await self._stream.send_all(data)

    async def finish(self) -> None:
        """Close our sending side, so that the server sees the end of its input, and wait until it has ended too."""
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()
        with trio.fail_after(self.timeout_s):
            await self.ended.wait()

    async def read_replies(self) -> None:
        """Deliver messages until the server closes; run by ``attached``."""
        buffer = bytearray()
        try:
            while data := await self._stream.receive_some(65536):
                buffer += data
                while (end := buffer.find(b"\n")) >= 0:
                    line = bytes(buffer[:end])
                    del buffer[: end + 1]
                    self._deliver(json.loads(line, parse_constant=_refuse_constant))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.ended.set()
            for pending in self._pending.values():
                pending.arrived(None)
            self._pending.clear()

    def _deliver(self, message: dict[str, Any]) -> None:
        assert message["jsonrpc"] == "2.0"
        if message.get("method") == "notifications/progress":
            pending = self._pending.get(message["params"]["progressToken"])
            if pending is not None:
                pending.progress.append(message["params"])
                return
        elif "id" in message and "method" not in message and message["id"] in self._pending:
            self._pending.pop(message["id"]).arrived(message)
            return
        self.strays.append(message)


@asynccontextmanager
async def attached(
    stream: trio.abc.Stream, *, era: Era = "legacy", opened: bool = True, timeout_s: float = 1000.0
) -> AsyncIterator[McpClient]:
    """A client on a stream that somebody else serves; closes the stream at the end.

    Args:
        stream: Our end.
        era: Which protocol era the client speaks.
        opened: Do the opening first: ``initialize`` or ``server/discover``.
        timeout_s: Bound on every wait, in seconds of trio's clock.
    """
    client = McpClient(stream, era, timeout_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.read_replies)
        try:
            if opened and era == "legacy":
                await client.initialize()
            elif opened:
                await client.discover()
            yield client
        finally:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await trio.aclose_forcefully(stream)


@asynccontextmanager
async def connected(
    application: Application,
    *,
    era: Era = "legacy",
    opened: bool = True,
    timeout_s: float = 1000.0,
    limits: WireLimits = DEFAULT_LIMITS,
) -> AsyncIterator[McpClient]:
    """A client of an application in this process, served by the real wire over memory streams.

    Args:
        application: What is served.
        era: Which protocol era the client speaks.
        opened: Do the opening first: ``initialize`` or ``server/discover``.
        timeout_s: Bound on every wait, in seconds of trio's clock.
        limits: The wire's bounds.
    """
    ours, theirs = trio.testing.memory_stream_pair()

    async def serve() -> None:
        await serve_client(theirs, application, limits=limits)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with attached(ours, era=era, opened=opened, timeout_s=timeout_s) as client:
            yield client
        # The client has closed its end: a healthy server ends by itself.
        nursery.cancel_scope.deadline = trio.current_time() + 10


@asynccontextmanager
async def spawned(
    command: Sequence[str | os.PathLike[str]],
    *,
    era: Era = "legacy",
    opened: bool = True,
    timeout_s: float = 30.0,
    env: Mapping[str, str] | None = None,
    stderr: Any = subprocess.DEVNULL,
) -> AsyncIterator[McpClient]:
    """A client on the standard streams of a process; the process is ended and waited for at the end.

    Args:
        command: The argument vector.
        era: Which protocol era the client speaks.
        opened: Do the opening first.
        timeout_s: Bound on every wait, in real seconds.
        env: Added to this process's environment.
        stderr: Where its standard error goes (a file object, ``subprocess.DEVNULL`` or ``None`` to inherit).
    """
    process = await trio.lowlevel.open_process(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **(env or {})},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stream = trio.StapledStream(process.stdin, process.stdout)
    try:
        async with attached(stream, era=era, opened=opened, timeout_s=timeout_s) as client:
            client.process = process
            yield client
    finally:
        with trio.CancelScope(shield=True):
            with trio.move_on_after(3):  # the pipe is closed: a healthy server ends by itself
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
