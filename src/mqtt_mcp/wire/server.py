"""One MCP client on one byte stream: reader, writer and one task for each running tool call.

Owns the life of a connection: requests in flight, cancellation and the silence after it, bounds, the way out, and the
one place where an exception becomes a reply. Does not decide what a request means (``mcp`` does), knows no tool, and
leaves the stream open for its owner to close.
"""

import logging
import math
from typing import Any

import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.wire import jsonrpc
from mqtt_mcp.wire.application import Application, CallOutcome, RunningCall
from mqtt_mcp.wire.envelope import cancelled_id
from mqtt_mcp.wire.framing import LineSplitter
from mqtt_mcp.wire.jsonrpc import Answer, Malformed, Notification, Request
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.mcp import Endpoint, Refusal, Reply, ToolCall
from mqtt_mcp.wire.opening import Opening
from mqtt_mcp.wire.outbox import Outbox, Owner
from mqtt_mcp.wire.progress import ProgressReporter
from mqtt_mcp.wire.results import encode_result, failure, success

_log = logging.getLogger(__name__)

DEFAULT_LIMITS = WireLimits()
NO_OPENING = Opening()
_RECEIVE_BYTES = 65536  # the default capacity of a pipe: one read empties it
_LINES_PER_TURN = 50  # a burst of small messages must not keep the other tasks waiting
_UNNAMED = "unnamed client"


async def serve_client(
    stream: trio.abc.Stream,
    application: Application,
    *,
    limits: WireLimits = DEFAULT_LIMITS,
    endpoint: Endpoint | None = None,
    opening: Opening = NO_OPENING,
) -> None:
    """Speak MCP with one client until it goes.

    Returns when the client closes its sending side (running requests are cancelled, replies that are ready are written
    for at most ``limits.flush_s``), when it closes its receiving side, when it takes nothing for ``limits.stalled_s``,
    or when it has been idle for ``limits.idle_s``. Nothing a client sends makes it raise.

    Args:
        stream: The connection; left open.
        application: What is served.
        limits: The bounds of this connection.
        endpoint: Shared by the connections of one application, so that its tool list is made once; a private one when
            not given.
        opening: What was read and answered before, by ``answer_opening``.

    Cancellation:
        As the end of the stream: requests are cancelled and what is ready is still written for ``limits.flush_s``.
    """
    connection = _Connection(stream, endpoint or Endpoint(application), limits, opening)
    try:
        await connection.run()
    finally:
        connection.closed()


class _Running(Owner):
    """One tool call in flight."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.scope = trio.CancelScope()


class _Connection:
    def __init__(self, stream: trio.abc.Stream, endpoint: Endpoint, limits: WireLimits, opening: Opening) -> None:
        self._stream = stream
        self._endpoint = endpoint
        self._limits = limits
        self._outbox = Outbox(stream, limits)
        self._running: dict[int | str, _Running] = {}
        self._until = trio.CancelScope()
        self._client: Any = None
        self._client_known = False
        self._opening_name = opening.client_name
        self._received = opening.received
        self._complaints_left = float(limits.max_complaints_per_s)
        self._complained_at = trio.current_time()

    async def run(self) -> None:
        if self._opening_name:
            self._meet(self._opening_name)
        writer_scope = trio.CancelScope(shield=True)
        written = trio.Event()
        async with trio.open_nursery() as writing:
            writing.start_soon(self._write, writer_scope, written)
            try:
                with self._until:
                    async with trio.open_nursery() as requests:
                        await self._read(requests)
                        requests.cancel_scope.cancel()
            finally:
                # The writer is shielded, so that what is ready leaves even when we are being cancelled.
                self._outbox.close()
                with trio.move_on_after(self._limits.flush_s, shield=True):
                    await written.wait()
                writer_scope.cancel()

    def closed(self) -> None:
        if self._client_known:
            self._endpoint.application.client_closed(self._client)

    # Reading

    async def _read(self, requests: trio.Nursery) -> None:
        self._used()
        splitter = LineSplitter(self._limits.max_line_bytes)
        try:
            while data := self._received or await self._stream.receive_some(_RECEIVE_BYTES):
                self._received = b""
                for number, line in enumerate(splitter.feed(data), 1):
                    if not self._outbox.has_room():
                        await self._outbox.wait_for_room()
                    self._take(jsonrpc.TOO_LONG if line is None else jsonrpc.parse(line), requests)
                    if number % _LINES_PER_TURN == 0:
                        await trio.lowlevel.checkpoint()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _log.debug("the client's stream broke")

    def _take(self, message: jsonrpc.Incoming, requests: trio.Nursery) -> None:
        match message:
            case Request():
                self._used()
                self._take_request(message, requests)
            case Notification(method="notifications/cancelled", params=params):
                self._cancel(cancelled_id(params))
            case Malformed():
                self._complain(message)
            case Notification() | Answer():
                pass

    def _take_request(self, request: Request, requests: trio.Nursery) -> None:
        if request.id in self._running:
            text = "This id belongs to a request that is still running."
            self._outbox.put(jsonrpc.error_line(request.raw_id, jsonrpc.INVALID_REQUEST, text))
            return
        try:
            decision = self._endpoint.decide(request)
        except Exception as error:  # noqa: BLE001 - a boundary: one request's failure is one error reply
            self._outbox.put(self._reply_to_exception(request, error))
            return
        match decision:
            case Reply(result, client_name):
                if client_name:
                    self._meet(client_name)
                self._outbox.put(jsonrpc.result_line(request.raw_id, result))
            case Refusal(code, text, data):
                if decision.tool:
                    self._meet(_UNNAMED)
                    self._endpoint.application.refused(decision.tool, decision.arguments, self._client, text)
                self._outbox.put(jsonrpc.error_line(request.raw_id, code, text, data))
            case ToolCall():
                self._start(request, decision, requests)

    def _meet(self, name: str) -> None:
        """Tell the application who is there, as soon as that is known."""
        if not self._client_known:
            self._client_known = True
            self._client = self._endpoint.application.client_opened(name)

    def _start(self, request: Request, call: ToolCall, requests: trio.Nursery) -> None:
        if len(self._running) >= self._limits.max_in_flight:
            busy = ToolError(
                ErrorKind.BUSY,
                f"{len(self._running)} calls of this client are running, which is the limit.",
                "Wait for one to end, or cancel one.",
            )
            self._outbox.put(self._result_line(request, call, failure(busy)))
            return
        running = _Running(request)
        self._running[request.id] = running
        self._used()
        requests.start_soon(self._run, running, call)

    def _cancel(self, request_id: int | str | None) -> None:
        # Unknown and late ids are ignored (MCP basic/patterns/cancellation). The entry goes first, so that neither a
        # reply nor progress can follow.
        running = None if request_id is None else self._running.pop(request_id, None)
        if running is not None:
            running.silenced = True
            running.scope.cancel()
            self._used()

    def _complain(self, malformed: Malformed) -> None:
        if malformed.raw_id is None:
            now = trio.current_time()
            refill = (now - self._complained_at) * self._limits.max_complaints_per_s
            self._complaints_left = min(self._complaints_left + refill, self._limits.max_complaints_per_s)
            self._complained_at = now
            if self._complaints_left < 1:
                return
            self._complaints_left -= 1
        self._outbox.put(jsonrpc.error_line(malformed.raw_id, malformed.code, malformed.message))

    def _used(self) -> None:
        if self._limits.idle_s > 0:
            # A running call is use: the deadline comes back when the last one ends.
            self._until.deadline = math.inf if self._running else trio.current_time() + self._limits.idle_s

    # Running

    async def _run(self, running: _Running, call: ToolCall) -> None:
        request = running.request
        progress = ProgressReporter(call.progress_token, self._outbox, running, self._limits)
        try:
            with running.scope:
                line = await self._call(request, call, progress)
                # While its reply waits for room the request is still running: a cancellation silences it.
                await self._outbox.wait_for_room()
                progress.stop()
                self._outbox.put(line, running)
        except Exception as error:  # noqa: BLE001 - the boundary of a request: what happens in one ends only that one
            progress.stop()
            self._outbox.put(self._reply_to_exception(request, error, call), running)
        finally:
            # A cancelled request has left already, and its id may be in use again.
            if self._running.get(request.id) is running:
                del self._running[request.id]
            self._used()

    async def _call(self, request: Request, call: ToolCall, progress: ProgressReporter) -> bytes:
        self._meet(call.client_name or _UNNAMED)
        began = self._endpoint.application.begin(call.tool, bytes(call.arguments or b""), self._client)
        outcome: CallOutcome = "cancelled"
        result_bytes, error_text = 0, ""
        try:
            body, result_bytes = await self._body(call, began, progress)
            outcome = "ok"
        except Exception as error:
            told = _sole_error(error)
            outcome, error_text = "error", "Internal error; the log has the details."
            if isinstance(told, ToolError):
                outcome, error_text = "timeout" if told.kind is ErrorKind.TIMEOUT else "error", str(told)
            raise
        finally:
            began.ended(outcome, result_bytes=result_bytes, error=error_text)
        return self._result_line(request, call, body)

    async def _body(self, call: ToolCall, began: RunningCall, progress: ProgressReporter) -> tuple[bytes, int]:
        """The encoded result object of a call, and the size of the tool's own result in it."""
        result = await began.run(self._endpoint.decode_arguments(call), progress)
        structured = encode_result(result)
        body = success(structured, began.describe(structured.decode()))
        if len(body) > self._limits.max_result_bytes:
            raise ToolError(
                ErrorKind.PAYLOAD_TOO_LARGE,
                f"The result of {call.tool.name} has {len(body)} bytes; the limit is {self._limits.max_result_bytes}.",
                "Ask for less: a narrower filter or fewer messages.",
            )
        return body, len(structured)

    def _result_line(self, request: Request, call: ToolCall, body: bytes) -> bytes:
        return jsonrpc.result_line(request.raw_id, self._endpoint.finish(body, call.era))

    def _reply_to_exception(self, request: Request, error: Exception, call: ToolCall | None = None) -> bytes:
        """The one place where an exception becomes a reply."""
        told = _sole_error(error)
        if isinstance(told, ToolError) and call is not None:
            return self._result_line(request, call, failure(told))
        # Details may hold anything, so they stay on this side.
        _log.error("%s failed", call.tool.name if call else jsonrpc.quoted(request.method), exc_info=error)
        text = "Internal error; the server's log on standard error has the details."
        return jsonrpc.error_line(request.raw_id, jsonrpc.INTERNAL_ERROR, text)

    # Writing

    async def _write(self, scope: trio.CancelScope, written: trio.Event) -> None:
        try:
            with scope:
                await self._outbox.write_all()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            _log.debug("the client closed its receiving side")
        except trio.TooSlowError:
            _log.warning("the client took nothing for %g s; ending its connection", self._limits.stalled_s)
        finally:
            written.set()
            self._outbox.close()
            self._until.cancel()


def _sole_error(error: BaseException) -> BaseException:
    """Unwrap groups that hold exactly one error, as nurseries make them."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
