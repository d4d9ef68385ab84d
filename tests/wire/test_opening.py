"""The opening answered before the event loop is loaded, on real pipes."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import trio
import trio.testing

from mqtt_mcp.wire.mcp import Greeter
from mqtt_mcp.wire.opening import Opening, answer_opening
from mqtt_mcp.wire.server import serve_client
from testkit.toy_application import ToyApplication

INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize",'
    b'"params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"c"}}}\n'
)
DISCOVER = (
    b'{"jsonrpc":"2.0","id":2,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities"'
    b':{},"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}\n'
)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
LIST = b'{"jsonrpc":"2.0","id":3,"method":"tools/list"}\n'
INVALID = b'{"jsonrpc":"2.0","id":1,"method":"initialize"}\n'
GARBAGE = b"garbage\n"
HALF = b'{"jsonrpc":"2.0",'


class Pipes:
    def __init__(self) -> None:
        self.read, self.client_write = os.pipe()
        self.client_read, self.write = os.pipe()
        os.set_blocking(self.client_read, False)

    def replies(self) -> list[Any]:
        try:
            return [json.loads(line) for line in os.read(self.client_read, 65536).splitlines()]
        except BlockingIOError:
            return []


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    for fd in vars(made).values():
        with contextlib.suppress(OSError):
            os.close(fd)


@pytest.mark.parametrize(
    ("sent", "ids", "left", "name"),
    [
        (INITIALIZE, [1], b"", "c"),
        (DISCOVER, [2], b"", ""),
        (INITIALIZE + INITIALIZED + LIST, [1], LIST, "c"),
        (DISCOVER + INITIALIZE + HALF, [2, 1], HALF, "c"),
        (LIST + INITIALIZE, [], LIST + INITIALIZE, ""),
        (GARBAGE + INITIALIZE, [], GARBAGE + INITIALIZE, ""),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"initialize"}\n',
            [],
            b'{"jsonrpc":"2.0","id":1,"method":"initialize"}\n',
            "",
        ),
        (HALF, [], HALF, ""),
    ],
)
def test_opening_requests_at_the_front_are_answered_and_the_rest_is_left(
    sent: bytes, ids: list[int], left: bytes, name: str, pipes: Pipes
) -> None:
    """Ours: anything but a valid opening is left to the full server, so that there is one place for errors."""
    application = ToyApplication()
    os.write(pipes.client_write, sent)

    assert answer_opening(pipes.read, pipes.write, Greeter(application)) == Opening(left, name)
    assert [reply["id"] for reply in pipes.replies()] == ids
    assert application.listed == 0


def test_silence_and_an_ended_client_are_left_to_the_server(pipes: Pipes) -> None:
    """Ours: nothing a client does or leaves undone makes the opening fail or hang."""
    greeter = Greeter(ToyApplication())
    assert answer_opening(pipes.read, pipes.write, greeter, wait_s=0) == Opening()
    os.write(pipes.client_write, INITIALIZE)
    os.close(pipes.client_read)
    assert answer_opening(pipes.read, pipes.write, greeter) == Opening(b"", "c")
    os.close(pipes.client_write)
    assert answer_opening(pipes.read, pipes.write, greeter) == Opening()


async def test_the_server_goes_on_where_the_opening_stopped(autojump_clock: Any) -> None:
    """Ours: half a message that was read before is completed by what comes later; the client's name is kept."""
    application = ToyApplication()
    ours, theirs = trio.testing.memory_stream_pair()
    call = b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}\n'
    await ours.send_all(call[20:])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve_client(theirs, application, opening=Opening(LIST + call[:20], "early bird")))
        received = b""
        while received.count(b"\n") < 2:
            received += await ours.receive_some()
        await ours.send_eof()

    assert [json.loads(line)["id"] for line in received.splitlines()] == [3, 3]
    assert application.opened == ["early bird"]


def test_the_opening_loads_no_event_loop_and_little_else() -> None:
    """Ours: its point is to be there before trio is."""
    code = "import sys, mqtt_mcp.wire.opening, mqtt_mcp.wire.descriptors; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20).stdout
    assert not {"trio", "asyncio", "logging", "json", "socket", "ssl"} & set(loaded.split())
