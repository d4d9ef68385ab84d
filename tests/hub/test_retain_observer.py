"""The second connection of a watch, in exact virtual time: what it sees, and that its failures cost nothing."""

from contextlib import asynccontextmanager

import pytest
import trio

from mqtt_mcp.hub.retain_observer import MAX_RATE, PATIENCE_S
from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.client import ConnectOptions, Publication
from mqtt_mcp.mqtt.errors import ConnectionRefused
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker
from testkit.mosquitto import running


class World:
    """A session, what its watches counted, and the topics that were named as retained."""

    def __init__(self, hub, session, client):
        self._hub, self._session, self._client = hub, session, client
        self.kept = Keeping()
        self.named: list[str] = []

    async def watch(self, *filters, **more):
        request = watch_request(self.kept, *filters, live_retained=self.named.append, **more)
        return await self._hub.watch(self._session, request, wait_s=0, client=self._client, report_progress=no_progress)


@asynccontextmanager
async def world_on(transport, address=MEMORY):
    async with memory_hub(transport) as hub:
        client = hub.client_opened("test")
        yield World(hub, await hub.open_session(address, client), client)


async def test_each_topic_is_named_once_and_counted_by_the_first_connection_only(autojump_clock):
    """Two connections, one count."""
    broker = MemoryBroker()
    broker.publish("stored", b"1", retain=True)
    async with world_on(broker) as world:
        collection = await world.watch()
        for _ in range(3):
            broker.publish("kept", b"2", retain=True)
            broker.publish("plain", b"3")
        await collection.wait(60)
    assert world.named == ["kept"]
    assert sorted(world.kept.topics) == sorted(["stored", *["kept", "plain"] * 3])
    window = collection.window()
    assert (window.retain_seen, window.retain_unseen_why) == ("seen", "")
    assert broker.counters.connects == broker.counters.disconnects == 2


async def test_it_is_gone_with_the_watch_however_that_ends(autojump_clock):
    """Cancelled, and the session closed."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        collection = await world.watch()
        assert len(broker.sessions) == 2
        collection.cancel()
        await collection.wait(60)
        assert len(broker.sessions) == 1
        assert collection.window().ended_by == "cancelled"
        await world.watch()
        assert len(broker.sessions) == 2
    assert broker.sessions == []


@pytest.mark.parametrize("how", ["refused", "filter refused", "silent"])
async def test_a_broker_that_refuses_the_second_connection_costs_the_watch_nothing_else(autojump_clock, how):
    """A limit of connections, an access list, or no answer: one connection, and a note."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        if how == "refused":
            broker.refuse.append(ConnectionRefused("memory.test refused the connection: quota exceeded (0x97)."))
        elif how == "silent":
            broker.silent.add("connect")
        else:
            broker.deny_subscribe_next.append("a/#")
        start_s = trio.current_time()
        collection = await world.watch("a/#")
        assert trio.current_time() - start_s <= PATIENCE_S
        broker.publish("a/b", b"1", retain=True)
        await collection.wait(60)
    window = collection.window()
    assert (window.ended_by, window.granted, world.kept.topics) == ("duration", {"a/#": 0}, ["a/b"])
    assert window.retain_seen == "unseen"
    assert window.retain_unseen_why
    assert world.named == []


async def test_a_second_connection_that_is_late_is_said_to_have_missed_something(autojump_clock):
    """The watch begins after a second of patience; what the observer sees from then on counts."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        broker.latency_s = 0.8
        collection = await world.watch("a/#")
        broker.latency_s = 0.0
        await trio.sleep(3)
        broker.publish("a/b", b"1", retain=True)
        await collection.wait(60)
    assert world.named == ["a/b"]
    assert collection.window().retain_seen == "partly"


async def test_heavy_traffic_is_not_received_twice(autojump_clock):
    """The observer gives up: the watch counts on, exactly."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        collection = await world.watch("a/#", duration_s=10)
        for _ in range(9):
            await trio.sleep(1)
            for _ in range(3 * MAX_RATE):
                broker.publish("a/b", b"1")
        await collection.wait(60)
    window = collection.window()
    assert (window.retain_seen, window.observer_dropped) == ("partly", 0)
    assert "messages a second" in window.retain_unseen_why
    assert world.kept.messages == 9 * 3 * MAX_RATE
    assert broker.counters.disconnects == 2


async def test_a_session_has_one_second_connection_at_a_time(autojump_clock):
    """Connections are what brokers limit; the other watch is told why."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        first, second = await world.watch("a/#"), await world.watch("b/#")
        assert len(broker.sessions) == 2
        await first.wait(60)
        await second.wait(60)
        third = await world.watch("b/#")
        assert third.window().retain_seen == "seen"
    assert (first.window().retain_seen, second.window().retain_seen) == ("seen", "unseen")
    assert "another watch" in second.window().retain_unseen_why


async def test_a_lost_second_connection_leaves_the_first_alone(autojump_clock):
    """It is not restored: the window says that it saw a part only."""
    broker = MemoryBroker()
    async with world_on(broker) as world:
        collection = await world.watch()
        broker.publish("one", b"1", retain=True)
        await trio.sleep(2)
        observer = broker.sessions.pop()
        observer.lose(0x97)
        await trio.sleep(2)
        broker.publish("two", b"1", retain=True)
        await collection.wait(60)
    window = collection.window()
    assert (window.gaps, window.retain_seen, world.named) == ([], "partly", ["one"])
    assert world.kept.topics == ["one", "two"]


@pytest.mark.broker
async def test_mosquitto_shows_live_retain_on_the_second_connection_only(broker_folder):
    """Mosquitto 2.0.11 keeps the options of the first SUBSCRIBE on one connection, so two are needed."""
    with running(broker_folder) as broker, trio.fail_after(20):
        async with open_bridge() as bridge:
            transport = GmqttTransport(bridge)
            writing = transport.connect(broker.broker, ConnectOptions())
            async with world_on(transport, broker.broker) as world, writing as writer:
                await writer.publish(Publication("h/stored", b"1", 1, retain=True))
                collection = await world.watch("h/#", duration_s=1)
                for retain in (True, False):
                    await writer.publish(Publication(f"h/live-{retain}", b"1", 1, retain=retain))
                await collection.wait(10)
    assert collection.window().retain_seen == "seen"
    assert world.named == ["h/live-True"]
    assert [(m.topic, m.retain) for _, m in world.kept.kept] == [
        ("h/stored", True),
        ("h/live-True", False),
        ("h/live-False", False),
    ]
