"""What the adapter makes of brokers that misbehave, and the undocumented behaviour of gmqtt 0.8.0 it leans on.

Provenance: the pitfalls found by running gmqtt against scripted brokers; real time, loopback only.
"""

import asyncio
import random
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import trio
from gmqtt import Client
from gmqtt.mqtt.connection import MQTTConnection

from mqtt_mcp.mqtt.bridge import Bridge, open_bridge
from mqtt_mcp.mqtt.broker_url import Broker, Secret
from mqtt_mcp.mqtt.client import ConnectOptions, Publication, Subscription
from mqtt_mcp.mqtt.errors import (
    ConnectionLost,
    ConnectionRefused,
    CredentialsRefused,
    MqttError,
    NotAuthorized,
    ProtocolFailed,
    TimedOut,
    Unreachable,
)
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.gmqtt_requests import SentIds
from testkit import mosquitto as kit
from testkit.tcp import CONNACK_OK_V5, CONNACK_OK_V311, accepting, read_packet, serving

QUICK = ConnectOptions(connect_timeout_s=0.5, request_timeout_s=0.4, close_timeout_s=0.4)


class Rig:
    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.transport = GmqttTransport(bridge)

    async def refusal(self, broker: Broker, options: ConnectOptions = QUICK) -> MqttError:
        with pytest.raises(MqttError) as error:
            async with self.transport.connect(broker, options):
                pytest.fail("connected")
        return error.value

    async def leftovers(self) -> list[str]:
        """Tasks of the asyncio side that nobody waits for; given a moment to end."""
        return await self.bridge.call(_unfinished_tasks)


async def _unfinished_tasks() -> list[str]:
    ours = ("call_async", "run_portal", "_call_func", "BlockingPortal")
    current = asyncio.current_task()
    found = {t for t in asyncio.all_tasks() if t is not current and not any(name in repr(t) for name in ours)}
    if found:
        _, found = await asyncio.wait(found, timeout=2)
    return [repr(task) for task in found]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_bridge() as bridge:
        with trio.fail_after(20):
            yield Rig(bridge)
            if bridge.started:
                assert not await Rig(bridge).leftovers()


def open_sockets() -> int:
    links = list(Path("/proc/self/fd").iterdir())
    return sum(1 for link in links if link.is_symlink() and str(link.readlink()).startswith("socket:"))


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


async def test_a_malformed_packet_ends_the_connection_at_once(rig: Rig) -> None:
    """gmqtt would leave the socket open and deaf until the keep-alive runs out."""

    async def garbage(stream: trio.SocketStream) -> None:
        await read_packet(stream)
        await stream.send_all(b"\x30\xff\xff\xff\xff\xff\x01")

    async with serving(accepting(garbage)) as broker, rig.transport.connect(broker, QUICK) as client:
        for call in (client.ping, client.receive_batch):
            with pytest.raises(ProtocolFailed):
                await call()


async def test_the_brokers_disconnect_gives_the_reason(rig: Rig) -> None:
    """DISCONNECT 0x8B (MQTT 5 §3.14.2.1), even when the broker then leaves the socket open."""

    async def shut_down(stream: trio.SocketStream) -> None:
        await read_packet(stream)
        await stream.send_all(b"\xe0\x01\x8b")

    async with serving(accepting(shut_down)) as broker, rig.transport.connect(broker, QUICK) as client:
        for call in (client.ping, client.receive_batch):
            with pytest.raises(ConnectionLost) as error:
                await call()
            assert error.value.reason_code == 0x8B
            assert "server shutting down" in error.value.message


async def test_a_disconnect_in_one_piece_with_connack_is_told_on_entering(rig: Rig) -> None:
    """Both packets arrive in one read: nobody may be left waiting on a connection that is over."""
    async with serving(accepting(connack=CONNACK_OK_V5 + b"\xe0\x01\x89")) as broker:
        error = await rig.refusal(broker)
    assert isinstance(error, ConnectionLost)
    assert error.reason_code == 0x89


def answering(**codes: bytes) -> Any:
    """A broker that answers with the given bytes after the packet identifier, or not at all."""

    async def script(stream: trio.SocketStream) -> None:
        while True:
            first, body = await read_packet(stream)
            if not first:
                return
            kind = first & 0xF0
            if kind == 0x80 and (more := codes.get("suback", b"")):
                await stream.send_all(b"\x90" + bytes([2 + len(more)]) + body[:2] + more)
            if kind == 0x30:
                size = body[0] << 8 | body[1]
                packet_id = body[2 + size : 4 + size]
                qos = (first & 6) >> 1
                more = codes.get("puback" if qos == 1 else "pubrec", b"-")
                if qos and more != b"-":
                    await stream.send_all(bytes([0x40 if qos == 1 else 0x50, 2 + len(more)]) + packet_id + more)
            if kind == 0x60 and "pubcomp" in codes:
                await stream.send_all(b"\x70" + bytes([2 + len(codes["pubcomp"])]) + body[:2] + codes["pubcomp"])

    return script


async def test_refused_filters_are_values_per_filter(rig: Rig) -> None:
    """mosquitto's access list grants and filters; other brokers refuse in SUBACK (MQTT 5 §3.9.3)."""
    script = accepting(answering(suback=b"\x00\x01\x87\x8f"))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        wanted = [Subscription("a", 1), Subscription("b", 1), Subscription("c", 1)]
        assert await client.subscribe(wanted) == [1, 0x87, 0x8F]


@pytest.mark.parametrize(("reply", "code"), [(b"", 0), (b"\x00", 0), (b"\x10", 0x10), (b"\x10\x00", 0x10)])
async def test_puback_reason_codes_reach_the_receipt(rig: Rig, reply: bytes, code: int) -> None:
    """gmqtt throws them away; the short forms of MQTT 5 §3.4.2.1 mean success."""
    async with serving(accepting(answering(puback=reply))) as broker, rig.transport.connect(broker, QUICK) as client:
        receipt = await client.publish(Publication("a", b"", 1))
        assert (receipt.acknowledged, receipt.reason_code) == (True, code)


@pytest.mark.parametrize(("qos", "answer"), [(1, "puback"), (2, "pubrec")])
async def test_a_publish_refused_by_reason_code_raises(rig: Rig, qos: int, answer: str) -> None:
    """0x87 in PUBACK or PUBREC; a refused PUBREC ends the exchange (MQTT 5 §4.3.3)."""
    script = accepting(answering(**{answer: b"\x87\x00"}))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        with pytest.raises(NotAuthorized):
            await client.publish(Publication("a", b"", qos))


@pytest.mark.parametrize(
    ("call", "stage"),
    [
        ("subscribe", "SUBACK"),
        ("unsubscribe", "UNSUBACK"),
        ("publish", "PUBACK"),
        ("pubcomp", "PUBCOMP"),
        ("ping", "PINGRESP"),
    ],
)
async def test_a_missing_answer_names_its_stage(rig: Rig, call: str, stage: str) -> None:
    """Every request is bounded by ``request_timeout_s``; gmqtt bounds none."""
    script = accepting(answering(pubrec=b""))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        requests = {
            "subscribe": lambda: client.subscribe([Subscription("a")]),
            "unsubscribe": lambda: client.unsubscribe(["a"]),
            "publish": lambda: client.publish(Publication("a", b"", 1)),
            "pubcomp": lambda: client.publish(Publication("a", b"", 2)),
            "ping": client.ping,
        }
        with pytest.raises(TimedOut) as error:
            await requests[call]()
        assert (error.value.stage, error.value.seconds) == (stage, 0.4)


@pytest.mark.parametrize("maximum", [1, 2, 3])
async def test_a_tiny_receive_maximum_is_kept_and_does_not_block_subscribing(rig: Rig, maximum: int) -> None:
    """gmqtt ignores 1 and raises OverflowError from subscribe() at the others (MQTT-3.3.4-9)."""
    connack = b"\x20\x06\x00\x00\x03\x21" + maximum.to_bytes(2, "big")
    in_flight: list[int] = []

    async def count(stream: trio.SocketStream) -> None:
        while True:
            first, body = await read_packet(stream)
            if first & 0xF0 == 0x30:
                in_flight.append(1)
            elif first & 0xF0 == 0x80:
                await stream.send_all(b"\x90\x04" + body[:2] + b"\x00\x00")
            elif not first:
                return

    async with serving(accepting(count, connack=connack)) as broker, rig.transport.connect(broker, QUICK) as client:
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                with pytest.raises(TimedOut) as error:
                    await client.publish(Publication("a", b"", 1))
                assert error.value.stage in {"PUBACK", "window"}

            for _ in range(5):
                nursery.start_soon(publish)
            await trio.sleep(0.1)
            assert await client.subscribe([Subscription("a")]) == [0]
        assert len(in_flight) == maximum


async def test_leaving_a_peer_that_does_not_read_is_bounded(rig: Rig) -> None:
    """gmqtt's disconnect() waits for the write buffer: 20 MB into a deaf socket would hang for ever."""

    async def deaf(stream: trio.SocketStream) -> None:
        await read_packet(stream)
        await stream.send_all(CONNACK_OK_V5)
        await trio.sleep_forever()

    async with serving(deaf) as broker:
        async with rig.transport.connect(broker, QUICK) as client:

            async def fill() -> None:
                for _ in range(40):
                    await client.publish(Publication("a", b"x" * (1 << 20), 0))

            with pytest.raises(TimedOut) as error:
                await fill()
            assert error.value.stage == "write"
            started_s = trio.current_time()
        assert trio.current_time() - started_s < QUICK.close_timeout_s + 0.7


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


async def test_the_brokers_keep_alive_wins_and_silence_ends_the_connection(rig: Rig) -> None:
    """Server Keep Alive (MQTT-3.2.2-21): PINGREQ within it, and the end after twice that without an answer."""
    seen: list[int] = []

    async def note(stream: trio.SocketStream) -> None:
        while (packet := await read_packet(stream))[0]:
            seen.append(packet[0])

    connack = b"\x20\x06\x00\x00\x03\x13\x00\x01"
    options = ConnectOptions(keepalive_s=600)
    async with serving(accepting(note, connack=connack)) as broker, rig.transport.connect(broker, options) as client:
        assert client.capabilities.server_keepalive_s == 1
        with trio.fail_after(5), pytest.raises(ConnectionLost):
            await client.receive_batch()
    assert seen[0] == 0xC0


async def test_no_delay_is_set_and_disconnect_is_said(rig: Rig) -> None:
    """TCP_NODELAY keeps acknowledgements below 1 ms; a polite DISCONNECT keeps brokers' logs clean."""
    seen: list[int] = []
    gone = trio.Event()

    async def note(stream: trio.SocketStream) -> None:
        while True:
            first, _ = await read_packet(stream)
            seen.append(first)
            if not first:
                gone.set()
                return

    async with serving(accepting(note)) as broker:
        async with rig.transport.connect(broker, QUICK) as client:
            transport = client._link._dial.transport  # type: ignore[attr-defined]
            assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with trio.fail_after(2):
            await gone.wait()
    assert seen == [0xE0, 0]


async def test_qos_1_is_counted_when_nobody_reads_for_longer_than_the_keep_alive_allows(rig: Rig) -> None:
    """Pausing is bounded below 2 keep-alives; then messages are let go, and counted."""

    async def flood(stream: trio.SocketStream) -> None:
        for number in range(200):
            # Larger than one read of the socket all together, so that they cannot arrive in one piece.
            body = b"\x00\x01t" + (number + 1).to_bytes(2, "big") + b"\x00" + b"x" * 10_000
            await stream.send_all(bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7]) + body)
        await stream.send_all(b"\xd0\x00")  # the answer to the ping below, after everything else

    options = ConnectOptions(inbox_messages=50, inbox_pause_messages=10, keepalive_s=1)
    async with serving(accepting(flood)) as broker, rig.transport.connect(broker, options) as client:
        started_s = trio.current_time()
        await client.ping()
        assert 0.4 < trio.current_time() - started_s < 2
        got = await client.receive_batch()
        assert len(got) + client.dropped == 200
        assert len(got) >= 50
        assert client.dropped >= 50


@pytest.mark.broker
async def test_cancelling_anywhere_leaks_nothing(rig: Rig, mosquitto: kit.Mosquitto) -> None:
    """Random cancellation in connect, subscribe and publish: no socket, no task, no stuck request."""
    where: dict[str, int] = {}
    chance = random.Random(5)
    async with rig.transport.connect(mosquitto.broker, ConnectOptions()):
        pass
    before = open_sockets()
    for _ in range(150):
        stage = "connect"
        with trio.CancelScope(deadline=trio.current_time() + chance.random() * 0.008):
            async with rig.transport.connect(mosquitto.broker, ConnectOptions()) as client:
                stage = "subscribe"
                await client.subscribe([Subscription("cancel/#", 1)])
                stage = "publish"
                for _ in range(8):
                    await client.publish(Publication("cancel/x", b"1", 2))
                stage = "done"
        where[stage] = where.get(stage, 0) + 1
    assert not await rig.leftovers()
    assert open_sockets() == before
    assert where["connect"]
    assert where["publish"]


@pytest.mark.broker
async def test_a_killed_broker_comes_back_on_the_same_port(rig: Rig, own_mosquitto: kit.Mosquitto) -> None:
    """kill -9 in the middle: every waiting call learns it at once; a new connect works after the restart."""
    async with rig.transport.connect(own_mosquitto.broker, ConnectOptions()) as client:
        await client.subscribe([Subscription("a")])
        own_mosquitto.kill()
        with trio.fail_after(2), pytest.raises(ConnectionLost):
            await client.receive_batch()
        assert isinstance(await rig.refusal(own_mosquitto.broker), Unreachable)
        await trio.to_thread.run_sync(own_mosquitto.start)
        async with rig.transport.connect(own_mosquitto.broker, ConnectOptions()) as again:
            assert await again.ping() < 1


async def test_leaving_the_bridge_is_bounded_when_its_thread_is_stuck() -> None:
    """The process must end whatever hangs: the thread is a daemon and is left behind."""
    release = time.sleep

    async with open_bridge(close_timeout_s=0.5) as bridge:
        await bridge.start()
        bridge.call_soon(release, 1.5)
        await trio.sleep(0.05)
        started_s = trio.current_time()
    assert trio.current_time() - started_s < 1.0
    await trio.sleep(1.5)  # let the thread end before the next test looks at threads


@pytest.mark.broker
async def test_trio_stays_responsive_while_the_bridge_starts(mosquitto: kit.Mosquitto) -> None:
    """Importing asyncio, anyio and gmqtt happens in a thread: the longest hole in trio stays small."""
    worst_s = 0.0

    async def watch(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        nonlocal worst_s
        task_status.started()
        while True:
            at_s = trio.current_time()
            await trio.sleep(0.001)
            worst_s = max(worst_s, trio.current_time() - at_s)

    async with trio.open_nursery() as nursery, open_bridge() as bridge:
        await nursery.start(watch)
        async with GmqttTransport(bridge).connect(mosquitto.broker, ConnectOptions()):
            pass
        nursery.cancel_scope.cancel()
    assert worst_s < 0.25


async def test_a_closed_bridge_says_so() -> None:
    """It must not start a second thread that nobody ends."""
    async with open_bridge() as bridge:
        await bridge.start()
    with pytest.raises(RuntimeError, match="closed"):
        await bridge.start()


async def test_a_tls_port_spoken_to_in_plain_gives_a_hint(rig: Rig) -> None:
    """A TLS server waits for more of what it takes for a ClientHello, or hangs up: both hint at mqtts://."""

    async def tls_like(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"\x15\x03\x03\x00\x02\x02\x46")  # alert: protocol_version

    async with serving(tls_like) as broker:
        error = await rig.refusal(broker)
    assert isinstance(error, ConnectionLost | ProtocolFailed | TimedOut)
    assert "mqtts://" in error.hint
