"""Small TCP servers for tests of the MQTT adapter: scripted brokers, and a gate that lets only MQTT 3.1.1 through.

Owns listening and byte shuffling. Knows of MQTT only where the protocol version of a CONNECT is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from mqtt_mcp.mqtt.broker_url import Broker

CONNACK_OK_V5 = b"\x20\x03\x00\x00\x00"
CONNACK_OK_V311 = b"\x20\x02\x00\x00"

Script = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Broker]:
    """Run ``script`` for each connection; the block gets the address. What peers break is their business."""

    async def handle(stream: trio.SocketStream) -> None:
        try:
            async with stream:
                await script(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield Broker(host="127.0.0.1", port=listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def read_packet(stream: trio.SocketStream) -> tuple[int, bytes]:
    """Read one MQTT packet: first byte and body; ``(0, b"")`` at the end of the stream."""
    first = await read_exactly(stream, 1)
    if not first:
        return 0, b""
    length = shift = 0
    while True:
        byte = (await read_exactly(stream, 1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 128:
            return first[0], await read_exactly(stream, length)


async def read_exactly(stream: trio.SocketStream, size: int) -> bytes:
    """Read ``size`` bytes; less at the end of the stream."""
    data = b""
    while len(data) < size:
        more = await stream.receive_some(size - len(data))
        if not more:
            return data
        data += more
    return data


def accepting(then: Script | None = None, *, connack: bytes = CONNACK_OK_V5) -> Script:
    """A script that accepts CONNECT, then goes on with ``then`` or ignores everything until the peer leaves."""

    async def script(stream: trio.SocketStream) -> None:
        await read_packet(stream)
        await stream.send_all(connack)
        if then is not None:
            await then(stream)
        while await stream.receive_some():
            pass

    return script


@asynccontextmanager
async def only_v311(target: Broker) -> AsyncIterator[Broker]:
    """A way to ``target`` that hangs up on MQTT 5, as brokers from before 2019 do."""

    async def script(stream: trio.SocketStream) -> None:
        head = await read_exactly(stream, 9)
        if len(head) < 9 or head[8] == 5:
            return
        async with await trio.open_tcp_stream(target.host, target.port) as broker, trio.open_nursery() as nursery:
            await broker.send_all(head)

            async def pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
                try:
                    while data := await source.receive_some():
                        await sink.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    pass
                nursery.cancel_scope.cancel()

            nursery.start_soon(pump, stream, broker)
            nursery.start_soon(pump, broker, stream)

    async with serving(script) as broker:
        yield broker
