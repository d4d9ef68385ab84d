"""The table of topics: bounded, counted once per message, and fed only with what may be shown."""

from functools import partial

import pytest
import trio

from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.hub.topic_table import MAX_TOPIC_CHARS, TopicTable
from mqtt_mcp.mqtt.client import Message
from testkit.hub import Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker


def table(**more):
    return TopicTable(Redactor(), epoch_offset_s=1000.0, **more)


def message(topic, payload=b"x", *, at_s=1.0, retain=False):
    return Message(topic, payload, 0, retain, at_s)


def test_the_last_message_of_a_topic_is_kept_with_its_count():
    """monitor.md §1.3: last value, age, count, retained."""
    topics = table()
    topics.take(message("a", b"old", at_s=1.0))
    topics.take(message("b", at_s=2.0))
    topics.take(message("a", b"x" * 2000, at_s=3.0, retain=True))

    one, two = topics.all()

    assert (one.topic, two.topic) == ("b", "a")
    assert (two.count, two.at_epoch_s, two.size_bytes, two.retain, two.truncated) == (2, 1003.0, 2000, True, True)
    assert two.payload == "x" * 512


def test_the_topic_silent_longest_goes_first_and_that_is_counted():
    """2,000 topics, oldest out, say so."""
    topics = table(max_topics=3)
    for name in ("a", "b", "c", "a", "d"):
        topics.take(message(name))

    assert [t.topic for t in topics.all()] == ["c", "a", "d"]
    assert topics.forgotten == 1


def test_long_names_share_a_row():
    """A publisher that invents names of 65,535 bytes must not fill the memory."""
    topics = table()
    for number in range(50):
        topics.take(message("t" * 60_000 + str(number)))

    assert len(topics) == 1
    assert topics.all()[0].count == 50
    assert len(topics.all()[0].topic) <= MAX_TOPIC_CHARS


def test_only_what_was_heard_since_is_told_the_latest_first():
    """A page is told once a second."""
    topics = table()
    for number in range(6):
        topics.take(message(f"t{number}", at_s=float(number)))

    items, more = topics.heard_since(2.0, 2)

    assert [t.topic for t in items] == ["t5", "t4"]
    assert more == 1


def test_hostile_names_and_payloads_are_made_visible():
    """monitor.md §4.3."""
    topics = table()
    topics.take(message("a/\u202eb", b"\x1b[2J"))

    (one,) = topics.all()

    assert one.topic == "a/\\u202eb"
    assert one.payload == "\\e[2J"


@pytest.fixture
def broker():
    return MemoryBroker()


async def watched(broker, *requests, publish, policy=None):
    """The table after some watches at once saw some messages."""
    topics = table()
    async with memory_hub(broker, policy=policy, journal=Journal(topics=topics)) as hub:
        client = hub.client_opened("test")
        session = await hub.open_session(hub.resolve_broker(), client)
        async with trio.open_nursery() as nursery:
            for request in requests:
                watch = partial(hub.watch, session, request, wait_s=30, client=client, report_progress=no_progress)
                nursery.start_soon(watch)
            await trio.sleep(2)
            for topic in publish:
                broker.publish(topic, b"1")
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
    return {t.topic: t.count for t in topics.all()}


async def test_a_message_of_two_overlapping_watches_is_counted_once(autojump_clock, broker):
    """MQTT 5 brokers send one copy per subscription; the table counts messages."""
    seen = await watched(
        broker,
        watch_request(Keeping(), "a/#"),
        watch_request(Keeping(), "a/+"),
        watch_request(Keeping(), "#"),
        publish=["a/1", "a/1", "b"],
    )

    assert seen == {"a/1": 2, "b": 1}


async def test_what_may_not_be_read_is_not_in_the_table(autojump_clock, broker):
    """read_deny holds for people too: the page shows what the assistant may see."""
    seen = await watched(
        broker,
        watch_request(Keeping(), "#"),
        publish=["a", "secret/door"],
        policy=AccessPolicy(read_deny=("secret/#",)),
    )

    assert seen == {"a": 1}


async def test_our_own_probes_are_not_in_the_table(autojump_clock, broker):
    """A probe is nobody's traffic."""
    topics = table()
    async with memory_hub(broker, journal=Journal(topics=topics)) as hub:
        session = await hub.open_session(hub.resolve_broker(), hub.client_opened("test"))
        async with session.tap(watch_request(Keeping(), "probe/#").subscriptions, lambda _message: None):
            broker.publish("probe/1", b"1")
            await trio.sleep(1)

    assert topics.all() == []
