"""The extras of a watch in exact virtual time: when the stored messages are all here, and what the broker dropped."""

import pytest
import trio

from mqtt_mcp.hub.own_topics import own_topic
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.router import Router, Tap
from mqtt_mcp.mqtt.client import Message, Publication, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker

DROPPED, UPTIME = "$SYS/broker/publish/messages/dropped", "$SYS/broker/uptime"


class Watched:
    """A hub with one session on a broker, and a way to watch on it."""

    def __init__(self, hub, session, client):
        self.hub, self.session = hub, session
        self.kept = Keeping()
        self._client = client

    async def watch(self, *filters, wait_s=0.0, **more):
        request = watch_request(self.kept, *filters, **more)
        return await self.hub.watch(
            self.session, request, wait_s=wait_s, client=self._client, report_progress=no_progress
        )


async def watched(stack_nursery, broker, policy=None):
    """Open a hub that lives until the nursery is cancelled."""

    async def live(task_status):
        async with memory_hub(broker, policy=policy) as hub:
            client = hub.client_opened("test")
            task_status.started(Watched(hub, await hub.open_session(MEMORY, client), client))
            await trio.sleep_forever()

    return await stack_nursery.start(live)


async def test_the_stored_messages_are_complete_when_the_fence_is_back_and_it_was_quiet(autojump_clock, nursery):
    """A message to ourselves comes after everything stored; 0.3 s more for acknowledged ones under way."""
    broker = MemoryBroker()
    broker.publish("stored", b"1", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch()
    await trio.sleep(0.29)
    assert not collection.window().stored_complete
    await trio.sleep(0.02)
    assert collection.window().stored_complete
    assert collection.window().echo == "back"


@pytest.mark.parametrize(
    "policy", [AccessPolicy(read_only=True), AccessPolicy(publish_allow=("a/#",)), AccessPolicy(publish_deny=("#",))]
)
async def test_where_nothing_may_be_published_a_quiet_second_decides(autojump_clock, nursery, policy):
    """The gates hold for our own messages too."""
    broker = MemoryBroker()
    world = await watched(nursery, broker, policy)
    collection = await world.watch()
    await trio.sleep(0.99)
    assert not collection.window().stored_complete
    await trio.sleep(0.02)
    assert collection.window().stored_complete
    assert collection.window().echo == "untried"
    assert broker.counters.publishes == 0


async def test_a_fence_that_the_broker_swallows_costs_nothing(autojump_clock, nursery):
    """An access list may filter silently: then a quiet second decides, and the result can say so."""
    broker = MemoryBroker(deny_publish=["mcp-probe/#"])
    world = await watched(nursery, broker)
    collection = await world.watch()
    await trio.sleep(1.01)
    assert collection.window().stored_complete
    assert collection.window().echo == "missing"


async def test_a_fence_that_the_broker_refuses_costs_nothing(autojump_clock, nursery):
    """A refused subscription is no refusal of the watch."""
    broker = MemoryBroker()
    world = await watched(nursery, broker)
    broker.deny_subscribe.add(world.session.extras.topic)
    collection = await world.watch()
    await trio.sleep(1.01)
    window = collection.window()
    assert window.stored_complete
    assert (window.granted, window.refused, window.echo) == ({"#": 0}, [], "untried")


async def test_stored_messages_behind_the_fence_take_the_trust_in_it_away(autojump_clock, nursery):
    """A broker that sends stored messages later than what it was sent after: only silence tells."""
    broker = MemoryBroker()
    world = await watched(nursery, broker)
    collection = await world.watch()
    await trio.sleep(1.0)
    assert collection.window().stored_complete
    (link,) = broker.sessions
    link.deliver_stored("late", b"x")
    await trio.sleep(0.5)
    assert world.kept.topics == ["late"]
    assert not collection.window().stored_complete
    await trio.sleep(0.6)
    assert collection.window().stored_complete


@pytest.mark.parametrize("protocol", ["5.0", "3.1.1"])
async def test_nothing_of_the_extras_is_traffic(autojump_clock, nursery, protocol):
    """Neither in a watch of everything nor in the session's counts or its list of filters."""
    broker = MemoryBroker(protocol=protocol)
    for topic in (DROPPED, UPTIME):
        broker.publish(topic, b"1", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch("#", duration_s=10)
    broker.publish("real", b"1")
    await trio.sleep(5)
    broker.publish(UPTIME, b"2", retain=True)
    await trio.sleep(1)
    assert world.session.filters == ["#"]
    await collection.wait(60)
    assert world.kept.topics == ["real"]
    assert (world.session.traffic.messages_in, world.session.traffic.messages_out) == (1, 0)
    assert world.session.traffic.bytes_in == 1
    assert not collection.window().copies_possible
    assert broker.sessions[0].subscriptions == {}
    assert broker.counters.unsubscribes == 1


@pytest.mark.parametrize("identifiers", [True, False])
def test_the_journal_does_not_see_what_only_extras_listen_to(identifiers):
    """It records traffic; a system topic that a person watches is traffic, our sample of it is not."""
    observed: list[Message] = []
    uncounted: list[Message] = []
    router = Router(AccessPolicy(), observed.append, uncounted.append)
    aside = Tap([Subscription(DROPPED)], lambda _: None, aside=True)
    (sampled,) = router.join(aside)
    (watched,) = router.join(Tap([Subscription("$SYS/#")], lambda _: None))
    fence = own_topic("fence")
    router.join(Tap([Subscription(fence)], lambda _: None, private=True, aside=True))
    router.join(Tap([Subscription("#")], lambda _: None))

    def arrive(topic, *ids):
        for deliver in router.route(topic, ids if identifiers else ()):
            deliver(Message(topic, b"", 0, retain=False, received_s=0.0))

    arrive(DROPPED, sampled.identifier)
    arrive(DROPPED, watched.identifier)
    arrive(fence, 77)
    arrive(own_topic("of another session"), 3)
    assert [m.topic for m in observed] == [DROPPED] * (1 if identifiers else 2)
    assert [m.topic for m in uncounted] == ([DROPPED] if identifiers else []) + [fence, uncounted[-1].topic]


async def test_sessions_of_one_hub_do_not_take_each_others_fences_for_traffic(autojump_clock, nursery):
    """Two windows on one broker: each watches everything."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        client = hub.client_opened("test")
        worlds = [Watched(hub, await hub.open_session(MEMORY, client), client) for _ in range(2)]
        collections = [await world.watch("#", duration_s=10) for world in worlds]
        await trio.sleep(1)
        broker.publish("real", b"1")
        for collection in collections:
            await collection.wait(60)
        assert [world.kept.topics for world in worlds] == [["real"], ["real"]]
        assert [world.session.traffic.messages_in for world in worlds] == [1, 1]
        assert [collection.window().echo for collection in collections] == ["back", "back"]


async def test_two_watches_of_one_session_each_see_their_own_fence(autojump_clock, nursery):
    """They share the topic; the payload tells them apart."""
    world = await watched(nursery, MemoryBroker())
    collections = []

    async def one(topic_filter):
        collections.append(await world.watch(topic_filter))

    async with trio.open_nursery() as both:
        both.start_soon(one, "a/#")
        both.start_soon(one, "#")
    await trio.sleep(0.5)
    assert [c.window().echo for c in collections] == ["back", "back"]
    assert all(c.window().stored_complete for c in collections)


async def test_a_watch_of_the_brokers_own_topics_gets_them_all(autojump_clock, nursery):
    """The samples are read beside the watch, not out of it."""
    broker = MemoryBroker()
    broker.publish(DROPPED, b"7", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch("$SYS/#", duration_s=20)
    await trio.sleep(10)
    broker.publish(DROPPED, b"9", retain=True)
    broker.publish(UPTIME, b"1", retain=True)
    await collection.wait(60)
    assert [(m.topic, m.retain) for _, m in world.kept.kept] == [(DROPPED, True), (DROPPED, False), (UPTIME, False)]
    assert collection.window().broker_dropped.messages == 2


async def test_what_the_broker_dropped_is_the_difference_of_two_samples(autojump_clock, nursery):
    """The stored sample at the start and the last one before the end (Mosquitto: every 10 s, changed ones only)."""
    broker = MemoryBroker()
    broker.publish(DROPPED, b"100", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch("a/#", duration_s=30)
    await trio.sleep(4)
    assert collection.window().broker_dropped is None
    broker.publish(UPTIME, b"1", retain=True)
    await trio.sleep(0.1)
    assert collection.window().broker_dropped.messages == 0
    await trio.sleep(9.9)
    broker.publish(DROPPED, b"369", retain=True)
    await collection.wait(60)
    found = collection.window().broker_dropped
    assert (found.messages, found.from_s, found.to_s) == (269, 0, 14)


async def test_a_broker_that_was_restarted_says_nothing_about_drops(autojump_clock, nursery):
    """Counters of two lives of a broker have no difference."""
    broker = MemoryBroker()
    broker.publish(DROPPED, b"100", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch("a/#", duration_s=30)
    await trio.sleep(5)
    broker.drop_all()
    await trio.sleep(5)
    broker.publish(DROPPED, b"200", retain=True)
    await collection.wait(60)
    assert collection.window().broker_dropped is None


async def test_system_topics_that_may_not_be_read_are_not_asked_for(autojump_clock, nursery):
    """read_deny concerns our own extras too."""
    broker = MemoryBroker()
    world = await watched(nursery, broker, AccessPolicy(read_deny=("$SYS/#",)))
    collection = await world.watch("a/#")
    await trio.sleep(1)
    (link,) = broker.sessions
    assert not [f for f in link.subscriptions if f.startswith("$SYS")]
    await collection.wait(60)
    assert collection.window().broker_dropped is None


async def test_a_broker_that_hangs_up_on_the_extras_is_not_asked_again(autojump_clock, nursery):
    """Some close the connection on what a user may not do: one gap, and then never again on this session."""
    broker = MemoryBroker()
    broker.hang_up_on.append("mcp-probe/#")
    world = await watched(nursery, broker)
    collection = await world.watch("a/#", duration_s=20)
    await trio.sleep(5)
    broker.publish("a/b", b"1")
    await collection.wait(60)
    window = collection.window()
    assert (window.ended_by, len(window.gaps), window.echo) == ("duration", 1, "missing")
    assert world.kept.topics == ["a/b"]
    publishes = broker.counters.publishes
    again = await world.watch("a/#", duration_s=20)
    await again.wait(60)
    assert again.window().gaps == []
    assert broker.counters.publishes == publishes
    assert world.session.reconnects == 1


async def test_a_silent_broker_does_not_lengthen_the_watch(autojump_clock, nursery):
    """Subscribing for the extras may take its whole time limit; the watch ends when its time is up."""
    broker = MemoryBroker()
    world = await watched(nursery, broker)
    start_s = trio.current_time()
    collection = await world.watch("a/#", duration_s=10)
    assert collection.running
    await trio.testing.wait_all_tasks_blocked()
    await collection.wait(60)
    assert trio.current_time() == start_s + 10


async def test_after_a_reconnection_a_quiet_second_decides_again(autojump_clock, nursery):
    """The fence spoke for the first connection only."""
    broker = MemoryBroker()
    broker.publish("a/stored", b"1", retain=True)
    world = await watched(nursery, broker)
    collection = await world.watch("a/#", duration_s=30)
    await trio.sleep(5)
    broker.refuse.append(ConnectionLost("no"))
    broker.drop_all()
    await trio.sleep(3.5)
    assert not collection.window().stored_complete
    await trio.sleep(1)
    assert collection.window().stored_complete
    assert world.kept.topics == ["a/stored"]


async def test_a_private_probe_and_the_extras_do_not_get_into_each_others_way(autojump_clock, nursery):
    """A probe of the same session listens privately at the same time."""
    world = await watched(nursery, MemoryBroker())
    probed: list[Message] = []
    collection = await world.watch("#")
    async with world.session.tap([Subscription("mcp-probe/x")], probed.append):
        await trio.sleep(0.5)
        await world.session.publish(Publication("mcp-probe/x", b"1"))
        await trio.sleep(0.1)
    assert [m.payload for m in probed] == [b"1"]
    assert collection.window().echo == "back"
    assert world.kept.topics == []
