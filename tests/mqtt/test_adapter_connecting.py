"""What connecting makes of brokers that refuse, stall, hang up or talk nonsense.

Provenance: the pitfalls found by running gmqtt 0.8.0 against scripted brokers; real time, loopback only.
"""

import socket
import struct
import sys
from importlib.metadata import version

import pytest
import trio
from gmqtt import Client
from gmqtt.mqtt.connection import MQTTConnection

from mqtt_mcp.mqtt.broker_url import Broker, Secret
from mqtt_mcp.mqtt.client import ConnectOptions
from mqtt_mcp.mqtt.errors import (
    ConnectionLost,
    ConnectionRefused,
    CredentialsRefused,
    ProtocolFailed,
    TimedOut,
    Unreachable,
)
from mqtt_mcp.mqtt.gmqtt_requests import SentIds
from testkit import mosquitto as kit
from testkit.adapter import QUICK, Rig
from testkit.tcp import CONNACK_OK_V5, CONNACK_OK_V311, accepting, read_packet, serving


async def test_nothing_is_imported_or_started_before_the_first_connect() -> None:
    """A window that only lists tools must not pay for asyncio, anyio and gmqtt (60 ms)."""
    code = (
        "import sys, trio, mqtt_mcp.mqtt.gmqtt_client as g, mqtt_mcp.mqtt.bridge as b\n"
        "async def main():\n"
        "    async with b.open_bridge() as bridge: g.GmqttTransport(bridge)\n"
        "trio.run(main)\n"
        "print(sorted({'gmqtt', 'anyio', 'asyncio'} & set(sys.modules)))"
    )
    with trio.fail_after(20):
        done = await trio.run_process([sys.executable, "-c", code], capture_stdout=True)
    assert done.stdout.strip() == b"[]"


async def test_a_closed_port_is_unreachable_with_host_port_and_reason(rig: Rig) -> None:
    """The operating system's words, and what to check."""
    error = await rig.refusal(Broker(host="127.0.0.1", port=kit.free_port()))
    assert isinstance(error, Unreachable)
    assert "127.0.0.1:" in error.message
    assert "Connection refused" in error.message
    assert "port" in error.hint


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example"])
async def test_a_name_that_does_not_resolve_is_unreachable(rig: Rig, host: str) -> None:
    """A label above 63 characters is a UnicodeError in Python, not an OSError."""
    error = await rig.refusal(Broker(host=host), ConnectOptions(connect_timeout_s=10))
    assert isinstance(error, Unreachable)
    assert host in error.message


async def test_a_silent_broker_times_out_at_connack(rig: Rig) -> None:
    """gmqtt would wait for ever; stage and seconds are named, the socket is closed."""

    async def silent(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass

    async with serving(silent) as broker:
        started_s = trio.current_time()
        error = await rig.refusal(broker)
        assert isinstance(error, TimedOut)
        assert (error.stage, error.seconds) == ("CONNACK", 0.5)
        assert "mqtts://" in error.hint
        assert trio.current_time() - started_s < 1.5


async def test_a_backlog_that_never_accepts_times_out_at_tcp_or_connack(rig: Rig) -> None:
    """A listener that never accepts: the kernel may complete the handshake; either stage is true."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = await rig.refusal(Broker(host="127.0.0.1", port=listener.getsockname()[1]))
    assert isinstance(error, TimedOut)
    assert error.stage in {"tcp", "CONNACK"}


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_hanging_up_before_connack_is_told_at_once(rig: Rig, reset: bool) -> None:
    """gmqtt's connect() hangs then; ours tries 3.1.1 once and explains what such ports often are."""
    attempts = 0

    async def hang_up(stream: trio.SocketStream) -> None:
        nonlocal attempts
        attempts += 1
        await read_packet(stream)
        if reset:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with serving(hang_up) as broker:
        started_s = trio.current_time()
        error = await rig.refusal(broker, ConnectOptions(connect_timeout_s=5))
        assert isinstance(error, ConnectionLost)
        assert "without answering CONNECT" in error.message
        assert "mqtts://" in error.hint
        assert attempts == 2
        assert trio.current_time() - started_s < 2


@pytest.mark.parametrize("answer", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", b""], ids=["1", "0x84", "hang-up"])
@pytest.mark.parametrize("closes", [True, False])
async def test_mqtt_5_is_given_up_for_3_1_1(rig: Rig, answer: bytes, closes: bool) -> None:
    """CONNACK 1, CONNACK 0x84 or a hang-up, closing or not; gmqtt's own downgrade hangs or waits 6 s."""
    if not answer and not closes:
        return  # silence is the timeout test
    versions = []

    async def old(stream: trio.SocketStream) -> None:
        _, connect = await read_packet(stream)
        versions.append(connect[6])
        if connect[6] == 5:
            await stream.send_all(answer)
            if closes:
                return
        else:
            await stream.send_all(CONNACK_OK_V311)
        while await stream.receive_some():
            pass

    async with serving(old) as broker, rig.transport.connect(broker, QUICK) as client:
        assert client.capabilities.protocol == "3.1.1"
        assert versions == [5, 4]


async def test_a_broker_that_stalls_on_mqtt_5_gets_3_1_1_in_the_second_half_of_the_time(rig: Rig) -> None:
    """amqtt takes the properties of CONNECT for the client id and waits for the rest of it."""

    async def stalls(stream: trio.SocketStream) -> None:
        _, connect = await read_packet(stream)
        if connect[6] == 4:
            await stream.send_all(CONNACK_OK_V311)
        while await stream.receive_some():
            pass

    async with serving(stalls) as broker, rig.transport.connect(broker, QUICK) as client:
        assert client.capabilities.protocol == "3.1.1"


async def test_we_never_reconnect_by_ourselves(rig: Rig) -> None:
    """``reconnect_retries = -2`` holds: after a loss, a transient refusal and a close there is no second connection."""
    connections = 0

    async def drop(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await read_packet(stream)
        await stream.send_all(CONNACK_OK_V5)
        await read_packet(stream)

    async with serving(drop) as broker, rig.transport.connect(broker, QUICK) as client:
        for call in (client.ping, client.receive_batch):
            with pytest.raises(ConnectionLost):
                await call()
        await trio.sleep(0.3)
        assert connections == 1

    async def busy(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await read_packet(stream)
        await stream.send_all(b"\x20\x03\x00\x89\x00")

    connections = 0
    async with serving(busy) as broker:
        error = await rig.refusal(broker)
        assert isinstance(error, ConnectionRefused)
        assert (error.reason_code, "server busy" in error.message) == (0x89, True)
        await trio.sleep(0.3)
        assert connections == 1


@pytest.mark.parametrize("code", [0x86, 0x87, 0x8A, 0x8C])
async def test_every_refused_login_reads_the_same(rig: Rig, code: int) -> None:
    """Nothing tells which part was wrong."""
    async with serving(accepting(connack=bytes([0x20, 3, 0, code, 0]))) as broker:
        login = Broker(host=broker.host, port=broker.port, username=Secret("us3r"), password=Secret("pa55"))
        error = await rig.refusal(login)
    assert isinstance(error, CredentialsRefused)
    assert error.message == f"{broker.url} refused the login."
    assert "us3r" not in repr(error) + str(error) + repr(login)
    assert "pa55" not in repr(error) + str(error) + repr(login)


@pytest.mark.parametrize("connack", [b"\x20\x00", b"\x20\x05\x00\x00\x02\x7f\x01", b"\x20\x04\x00\x00\x09\x01"])
async def test_a_malformed_connack_is_a_protocol_failure(rig: Rig, connack: bytes) -> None:
    """No version of MQTT reads it; gmqtt raises ``code 10`` for some and hangs for others."""
    async with serving(accepting(connack=connack)) as broker:
        assert isinstance(await rig.refusal(broker), ProtocolFailed)


async def test_a_disconnect_in_one_piece_with_connack_is_told_on_entering(rig: Rig) -> None:
    """Both packets arrive in one read: nobody may be left waiting on a connection that is over."""
    async with serving(accepting(connack=CONNACK_OK_V5 + b"\xe0\x01\x89")) as broker:
        error = await rig.refusal(broker)
    assert isinstance(error, ConnectionLost)
    assert error.reason_code == 0x89


def test_gmqtt_is_the_version_whose_undocumented_parts_we_lean_on() -> None:
    """Named here so that a change of the library fails with its reason, not somewhere inside a connection."""
    assert version("gmqtt") == "0.8.0"
    client = Client(b"x", persistent_storage=SentIds())
    assert client._package_handler.id_generator._max == 65_535
    assert client._connection is None
    assert callable(MQTTConnection.put_package)
    client.set_config({"reconnect_retries": -2})
    client._is_active = True
    assert client._allow_reconnect() is False


async def test_a_tls_port_spoken_to_in_plain_gives_a_hint(rig: Rig) -> None:
    """A TLS server waits for more of what it takes for a ClientHello, or hangs up: both hint at mqtts://."""

    async def tls_like(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"\x15\x03\x03\x00\x02\x02\x46")  # alert: protocol_version

    async with serving(tls_like) as broker:
        error = await rig.refusal(broker)
    assert isinstance(error, ConnectionLost | ProtocolFailed | TimedOut)
    assert "mqtts://" in error.hint
