"""How a connection to a broker is opened, apart from MQTT."""

import asyncio
import socket

from mqtt_mcp.mqtt.dialer import Dial


class PlainProtocol(asyncio.Protocol):
    """A protocol with attributes that can be replaced, as the library's can."""


def test_small_packets_are_not_held_back():
    """TCP_NODELAY: with Nagle's algorithm a PUBLISH right after a SUBSCRIBE would wait 40 ms (measured)."""

    async def dialled() -> int:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            dial = Dial(
                addresses=[(socket.AF_INET, server.sockets[0].getsockname())],
                server_name="127.0.0.1",
                context=None,
                timeout_s=5.0,
                close_timeout_s=1.0,
                data=lambda _data: None,
                lost=lambda _error: None,
            )
            transport, _ = await dial.open(asyncio.get_running_loop().create_connection, PlainProtocol)
            option: int = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            transport.close()
            return option

    assert asyncio.run(dialled()) != 0
