"""How connections and the bridge live and end: losses, cancellation, bounds on the way out.

Provenance: the pitfalls found by running gmqtt 0.8.0 against scripted brokers; real time, loopback only.
"""

import asyncio
import random
import socket
import time
from types import SimpleNamespace
from typing import cast

import pytest
import trio

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, Message, Publication, Subscription
from mqtt_mcp.mqtt.dialer import Dial
from mqtt_mcp.mqtt.errors import (
    ConnectionLost,
    ProtocolFailed,
    TimedOut,
    Unreachable,
)
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.gmqtt_link import Link
from mqtt_mcp.mqtt.inbox import Inbox
from testkit import mosquitto as kit
from testkit.adapter import QUICK, Rig, open_sockets
from testkit.tcp import CONNACK_OK_V5, accepting, read_packet, serving


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


class Pipe(asyncio.Transport):
    """A transport that only knows whether it is read."""

    reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return False


class EmptiedMeanwhile:
    """An inbox that is full at the first look and empty at every later one, as when trio takes it in between."""

    drop_all_qos = False
    held_bytes = 0
    looks = 0

    def put(self, _messages: list[Message]) -> None:
        """Take them."""

    def __len__(self) -> int:
        self.looks += 1
        return 1_000_000 if self.looks == 1 else 0


def test_an_inbox_that_is_emptied_while_reading_pauses_is_read_on() -> None:
    """Two threads: otherwise nothing comes for half a keep-alive, since only a message wakes the one that resumes."""

    async def deliver() -> Pipe:
        link = Link(Broker(host="h"), ConnectOptions(), cast("Inbox", EmptiedMeanwhile()), clock_offset_s=0.0)
        pipe = Pipe()
        link._dial = cast("Dial", SimpleNamespace(transport=pipe))
        link._on_messages([Message("t", b"", 1, False, 0.0)])
        return pipe

    assert asyncio.run(deliver()).reading
