"""The levers of the in-memory broker, which the hub's tests pull.

Provenance: the port's docstrings; exact virtual times.
"""

import pytest
import trio
import trio.testing

from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, ProtocolVersion, Publication, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost, TimedOut, Unreachable
from testkit.memory_broker import MemoryBroker

ADDRESS = Broker(host="memory")
OPTIONS = ConnectOptions()


async def test_silent_stages_time_out_at_the_exact_second(autojump_clock: trio.testing.MockClock) -> None:
    """Each stage has the bound of ``ConnectOptions``."""
    broker = MemoryBroker()
    broker.silent = {"connect"}
    with pytest.raises(TimedOut) as error:
        async with broker.connect(ADDRESS, OPTIONS):
            pass
    assert (error.value.stage, trio.current_time()) == ("CONNACK", 10.0)
    broker.silent = {"subscribe", "publish", "ping", "close"}
    async with broker.connect(ADDRESS, OPTIONS) as client:
        for stage, call in (
            ("SUBACK", lambda: client.subscribe([Subscription("a")])),
            ("PUBACK", lambda: client.publish(Publication("a", b"", 1))),
            ("PINGRESP", client.ping),
        ):
            at_s = trio.current_time()
            with pytest.raises(TimedOut) as error:
                await call()
            assert (error.value.stage, trio.current_time()) == (stage, at_s + 10)
        at_s = trio.current_time()
    assert trio.current_time() == at_s + OPTIONS.close_timeout_s


async def test_refusals_come_in_order_and_attempts_are_timed(autojump_clock: trio.testing.MockClock) -> None:
    """``None`` in the queue lets one in."""
    broker = MemoryBroker(latency_s=0.5)
    broker.refuse.extend([Unreachable("no"), None, Unreachable("no again")])
    outcomes = []
    for _ in range(4):
        try:
            async with broker.connect(ADDRESS, OPTIONS):
                outcomes.append("in")
        except Unreachable as error:
            outcomes.append(error.message)
    assert outcomes == ["no", "in", "no again", "in"]
    assert broker.attempts == [0.0, 0.5, 1.0, 1.5]
    assert (broker.counters.connects, broker.counters.disconnects) == (2, 2)


async def test_a_drop_reaches_requests_that_are_under_way(autojump_clock: trio.testing.MockClock) -> None:
    """At once, not after the latency; with the reason code of the broker's DISCONNECT."""
    broker = MemoryBroker(latency_s=5)
    async with broker.connect(ADDRESS, OPTIONS) as client:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def publish() -> None:
                with pytest.raises(ConnectionLost) as error:
                    await client.publish(Publication("a", b"", 1))
                assert error.value.reason_code == 0x8B
                assert trio.current_time() == 6.0

            await trio.sleep(1)
            broker.drop_all(0x8B)
        with pytest.raises(ConnectionLost):
            await client.receive_batch()
    assert broker.counters.disconnects == 0


async def test_refused_filters_and_denied_topics(autojump_clock: trio.testing.MockClock) -> None:
    """0x87 on MQTT 5, 0x80 on 3.1.1 (MQTT 3.1.1 §3.9.3)."""
    protocols: tuple[tuple[ProtocolVersion, int], ...] = (("5.0", 0x87), ("3.1.1", 0x80))
    for protocol, code in protocols:
        broker = MemoryBroker(protocol=protocol, deny_subscribe=["secret/#"])
        async with broker.connect(ADDRESS, OPTIONS) as client:
            assert await client.subscribe([Subscription("a", 1), Subscription("secret/#")]) == [1, code]
            assert broker.publish("secret/x") == 0
            assert broker.publish("a", b"1") == 1
