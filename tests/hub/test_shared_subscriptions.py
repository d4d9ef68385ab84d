"""Watches that share one connection: none loses or doubles a message because of another, in virtual time."""

import msgspec
import pytest
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.router import Router, Tap
from mqtt_mcp.mqtt.client import Publication, Subscription
from mqtt_mcp.mqtt.errors import TimedOut
from mqtt_mcp.settings import DEFAULTS
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker


@pytest.fixture
async def broker():
    return MemoryBroker()


@pytest.fixture
async def hub(broker):
    async with memory_hub(broker) as hub:
        yield hub


@pytest.fixture
async def watch(hub):
    """Start a watch in the background; its accumulator."""
    client = hub.client_opened("test")
    session = await hub.open_session(MEMORY, client)

    async def start(*filters, **more):
        kept = Keeping()
        request = watch_request(kept, *filters, **more)
        await hub.watch(session, request, wait_s=0, client=client, report_progress=no_progress)
        return kept

    return start


def repeat_stored(broker, topic, topic_filter):
    """Send the stored message of ``topic`` once more, late, as a slow line would."""
    client = broker.sessions[0]
    client._deliver(broker.retained[topic], client.subscriptions[topic_filter], retain=True)


async def test_a_watch_of_two_filters_keeps_both_when_another_watch_shares_one(autojump_clock, broker, watch):
    """monitor_performance listens to $SYS/# beside its pattern: two of them must not silence each other."""
    first = await watch("home/#", "$SYS/#")
    second = await watch("shed/#", "$SYS/#")
    broker.publish("home/x", b"1")
    broker.publish("shed/x", b"2")
    broker.publish("$SYS/x", b"3")
    await trio.sleep(1)
    assert first.topics == ["home/x", "$SYS/x"]
    assert second.topics == ["shed/x", "$SYS/x"]


async def test_a_shared_filter_that_was_refused_leaves_the_others_granted(autojump_clock, broker, watch, hub):
    """SUBACK codes belong to filters: the account of a watch stays whole when another one brings new codes."""
    await watch("home/#", "b")
    broker.deny_subscribe.add("b")
    await watch("c", "b")
    window = hub.collections()[0].window()
    assert window.granted == {"home/#": 0}
    assert [r.topic_filter for r in window.refused] == ["b"]


async def test_a_stored_message_that_takes_long_is_still_counted(autojump_clock, broker, watch):
    """A large stored payload over a slow line comes seconds after the one before it."""
    kept = await watch("home/#")
    await trio.sleep(5)
    broker.retained["home/camera"] = Publication("home/camera", b"picture", retain=True)
    repeat_stored(broker, "home/camera", "home/#")
    await trio.sleep(1)
    assert kept.topics == ["home/camera"]


async def test_after_a_second_subscribe_late_stored_messages_are_repetitions(autojump_clock, broker, watch):
    """Whatever the first watch had not seen as stored when its burst was over, it saw live."""
    first = await watch("home/#", duration_s=60)
    await trio.sleep(2)
    broker.publish("home/new", b"1", retain=True)
    second = await watch("home/#", duration_s=60)
    await trio.sleep(5)
    assert first.topics == ["home/new"]
    assert second.topics == ["home/new"]


async def test_a_stored_message_that_changes_between_two_subscribes_counts_once(autojump_clock, broker, watch):
    """The first watch got the change live; the second one's SUBSCRIBE brings it again as stored."""
    broker.publish("home/x", b"old", retain=True)
    first = await watch("home/#")
    broker.publish("home/x", b"new", retain=True)
    broker.publish("home/y", b"new", retain=True)
    await watch("home/#")
    await trio.sleep(5)
    assert [m.payload for _, m in first.kept] == [b"old", b"new", b"new"]


async def test_a_reconnection_brings_only_what_changed_meanwhile(autojump_clock, broker, watch):
    """Stored messages come again after resubscribing; what had been seen live is no news either."""
    for topic in ("same", "live", "gap"):
        broker.publish(topic, b"1", retain=True)
    kept = await watch("#", duration_s=60)
    await trio.sleep(3)
    broker.publish("live", b"2", retain=True)
    await trio.sleep(1)
    broker.drop_all()
    broker.publish("gap", b"3", retain=True)
    await trio.sleep(10)
    assert [(m.topic, m.payload) for _, m in kept.kept[3:]] == [("live", b"2"), ("gap", b"3")]


async def test_calls_that_come_together_share_the_limit_on_running_watches(autojump_clock):
    """max_running_collections counts those that still wait for SUBACK."""
    settings = msgspec.structs.replace(DEFAULTS, max_running_collections=2)
    refused = []
    async with memory_hub(MemoryBroker(latency_s=0.1), settings=settings) as hub:
        client = hub.client_opened("test")
        session = await hub.open_session(MEMORY, client)

        async def watch(topic_filter):
            request = watch_request(Keeping(), topic_filter)
            try:
                await hub.watch(session, request, wait_s=0, client=client, report_progress=no_progress)
            except ToolError as error:
                refused.append(error.kind)

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(watch, f"a/{number}")
        assert sum(c.running for c in hub.collections()) == 2
    assert refused == [ErrorKind.BUSY] * 8


async def test_a_watch_that_ends_while_another_waits_for_suback_is_unsubscribed_later(autojump_clock, broker, watch):
    """Its own turn comes too late (close_timeout_s), so the next turn takes its filter along."""
    await watch("a/#")
    await trio.sleep(5)
    broker.silent.add("subscribe")
    with pytest.raises(TimedOut):
        await watch("b/#")
    broker.silent.clear()
    await trio.sleep(1)
    assert not broker.sessions[0].subscriptions


async def test_invented_long_topic_names_do_not_exhaust_memory(autojump_clock, broker, watch, hub, monkeypatch):
    """65,535 bytes for each name: beyond a budget they are counted, not remembered; known and short ones go on."""
    monkeypatch.setattr("mqtt_mcp.hub.router.MAX_LONG_TOPIC_CHARS", 10_000)
    kept = await watch("#")
    names = [f"{number}/" + "x" * 4_000 for number in range(5)]
    for name in [*names, names[0], "short"]:
        broker.publish(name)
    await trio.sleep(1)
    assert kept.topics == [names[0], names[1], names[0], "short"]
    assert hub.collections()[0].window().overlong == 3


def test_routes_of_long_topic_names_are_not_cached():
    """The cache is bounded in names, so names have to be short."""
    router = Router(AccessPolicy())
    tap = Tap([Subscription("#", 0)], lambda _message: None)
    router.join(tap)
    for number in range(100):
        assert router.route(f"{number}/" + "x" * 60_000, ())
        assert router.route(f"{number}", ())
    assert sum(len(topic) for routes in router._routes.values() for topic in routes) < 1000
