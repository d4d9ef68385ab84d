"""How a connection ends: end of input, a reader that has gone or is stuck, idleness, cancellation."""

import json
from typing import Any

import pytest
import trio
import trio.testing

from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.server import serve_client
from testkit.mcp_client import connected
from testkit.toy_application import ToyApplication


def line(method: str, request_id: int, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode() + b"\n"


class StuckStream(trio.abc.Stream):
    """A client that sends some lines and then takes nothing: every write waits for ever."""

    def __init__(self, incoming: bytes) -> None:
        self._incoming = incoming
        self.writes = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - the interface
        if not self._incoming:
            await trio.sleep_forever()
        chunk, self._incoming = self._incoming[:500], self._incoming[500:]
        await trio.lowlevel.checkpoint()
        return chunk

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:  # noqa: ARG002 - the interface
        self.writes += 1
        await trio.sleep_forever()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.sleep_forever()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class GatedStream(trio.abc.Stream):
    """A client that takes nothing before its gate opens."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.gate = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.gate.wait()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.gate.wait()

    async def aclose(self) -> None:
        await self._stream.aclose()


async def test_the_end_of_input_cancels_what_runs_and_still_writes_what_is_ready(autojump_clock: Any) -> None:
    """MCP stdio shutdown: closing stdin ends the server promptly; a request read before is still answered."""
    application = ToyApplication()
    ours, theirs = trio.testing.memory_stream_pair()
    await ours.send_all(line("tools/call", 1, name="wait", arguments={"seconds": 500}) + line("ping", 2))
    await ours.send_eof()

    await serve_client(theirs, application)

    assert trio.current_time() == 0
    assert json.loads(await ours.receive_some()) == {"jsonrpc": "2.0", "id": 2, "result": {}}
    assert application.running == 0


async def test_a_running_call_is_cancelled_when_the_client_goes(autojump_clock: Any) -> None:
    """Ours: nobody is left to read the result."""
    application = ToyApplication()
    async with connected(application) as client:
        await client.start_call("wait", seconds=500)
        await application.started.wait()
        await client.finish()

    assert application.cancelled == 1
    assert application.closed == ["client:testkit"]
    assert trio.current_time() == 0


async def test_a_reader_that_has_gone_ends_the_connection_at_the_next_write(autojump_clock: Any) -> None:
    """Ours: EPIPE means that the client is gone even when its sending side stays open."""
    application = ToyApplication()
    ours, theirs = trio.testing.memory_stream_pair()
    await ours.send_all(line("tools/call", 1, name="wait", arguments={"seconds": 500}) + line("ping", 2))
    await ours.receive_stream.aclose()

    await serve_client(theirs, application)

    assert application.running == 0
    assert trio.current_time() == 0


async def test_a_client_that_takes_nothing_is_ended_after_the_stall_limit(autojump_clock: Any) -> None:
    """Ours: a stuck reader holds no task and no memory for longer than stalled_s."""
    application = ToyApplication()
    stream = StuckStream(line("ping", 1) + line("tools/call", 2, name="wait", arguments={"seconds": 500}))

    await serve_client(stream, application, limits=WireLimits(stalled_s=30))

    assert trio.current_time() == 30
    assert application.cancelled == 1


async def test_what_is_kept_for_a_slow_client_is_bounded_and_progress_is_dropped_first(autojump_clock: Any) -> None:
    """Ours: back-pressure. We stop reading rather than queue replies without end."""
    application = ToyApplication()
    limits = WireLimits(max_queued_bytes=10_000, max_queued_progress_bytes=1000, stalled_s=30)
    requests = b"".join(line("tools/list", number) for number in range(10, 1000))
    stream = StuckStream(line("ping", 1) + requests)

    await serve_client(stream, application, limits=limits)

    assert stream.writes == 1
    assert len(stream._incoming) > 0.9 * len(requests)
    assert trio.current_time() == 30


async def test_a_slow_reader_gets_every_reply_and_loses_only_progress(autojump_clock: Any) -> None:
    """Ours: a reply is never dropped."""
    application = ToyApplication()
    limits = WireLimits(max_queued_bytes=10_000, max_queued_progress_bytes=200)
    ours, plain = trio.testing.memory_stream_pair()
    theirs = GatedStream(plain)
    received: list[Any] = []
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve_client(theirs, application, limits=limits))
            call = {"name": "wait", "arguments": {"seconds": 20}, "_meta": {"progressToken": "t"}}
            await ours.send_all(line("ping", 0) + line("tools/call", 1, **call))
            await ours.send_all(b"".join(line("tools/list", number) for number in range(2, 40)))
            await trio.sleep(25)
            theirs.gate.set()
            buffer = b""
            while sum("id" in message for message in received) < 40:
                buffer += await ours.receive_some()
                *lines, buffer = buffer.split(b"\n")
                received += [json.loads(text) for text in lines]
            await ours.send_eof()

    assert sorted(message["id"] for message in received if "id" in message) == list(range(40))
    assert len([message for message in received if "method" in message]) <= 3


async def test_a_cancellation_silences_even_what_was_already_queued(autojump_clock: Any) -> None:
    """MCP basic/patterns/cancellation: nothing follows, also when progress was waiting for a slow client."""
    application = ToyApplication()
    ours, plain = trio.testing.memory_stream_pair()
    theirs = GatedStream(plain)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve_client(theirs, application))
        call = {"name": "wait", "arguments": {"seconds": 500}, "_meta": {"progressToken": "t"}}
        await ours.send_all(line("ping", 0) + line("tools/call", 1, **call))
        await trio.sleep(10)
        await ours.send_all(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n')
        await trio.sleep(1)
        theirs.gate.set()
        await ours.send_eof()
    await theirs.aclose()

    received = b""
    while chunk := await ours.receive_some():
        received += chunk
    assert [json.loads(text) for text in received.splitlines()] == [{"jsonrpc": "2.0", "id": 0, "result": {}}]


async def test_an_idle_connection_is_ended_when_that_is_asked_for(autojump_clock: Any) -> None:
    """Ours: a window left open ends itself; a running call is use."""
    application = ToyApplication()
    async with connected(application, limits=WireLimits(idle_s=60)) as client:
        await trio.sleep(59)
        await client.request("ping")
        await trio.sleep(59)
        await client.call("wait", seconds=300)
        assert trio.current_time() == pytest.approx(418)
        await client.ended.wait()
        assert trio.current_time() == pytest.approx(478)


async def test_being_cancelled_writes_what_is_ready_and_takes_no_longer_than_the_flush_limit(
    autojump_clock: Any,
) -> None:
    """Ours: SIGTERM cancels the door; it may take a moment, never longer."""
    stream = StuckStream(line("ping", 1))
    with trio.move_on_after(5):
        await serve_client(stream, ToyApplication(), limits=WireLimits(flush_s=1))
    assert trio.current_time() == 6

    ours, theirs = trio.testing.memory_stream_pair()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: serve_client(theirs, ToyApplication()))
            await ours.send_all(line("ping", 1))
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert json.loads(await ours.receive_some())["id"] == 1
    assert trio.current_time() == 6
