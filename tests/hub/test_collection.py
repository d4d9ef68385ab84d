"""How a watch begins and ends, what it counts, and what stays of it, in exact virtual time."""

from functools import partial

import msgspec
import pytest
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.hub import Render
from mqtt_mcp.hub.intake import Intake
from mqtt_mcp.hub.opening import open_hub
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.client import Message, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost, NotAuthorized, TopicInvalid
from mqtt_mcp.settings import DEFAULTS
from testkit.hub import MEMORY, Keeping, NoNetwork, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker
from testkit.messages import message


@pytest.fixture
async def broker():
    return MemoryBroker()


@pytest.fixture
async def hub(broker):
    async with memory_hub(broker) as hub:
        yield hub


@pytest.fixture
async def client(hub):
    return hub.client_opened("test")


@pytest.fixture
async def session(hub, client):
    return await hub.open_session(MEMORY, client)


async def test_it_ends_exactly_after_its_duration(autojump_clock, hub, session, client):
    """duration_s by move_on_after: a normal result."""
    start_s = trio.current_time()
    collection = await hub.watch(
        session, watch_request(Keeping(), duration_s=30), wait_s=45, client=client, report_progress=no_progress
    )
    assert trio.current_time() == start_s + 30
    window = collection.window()
    assert (window.ended_by, window.elapsed_s) == ("duration", 30)


async def test_it_ends_at_its_limit(autojump_clock, broker, hub, session, client):
    """An accumulator that is done ends the watch at once; later messages are not counted."""
    kept = Keeping(limit=3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish_every_second, broker, 5)
        collection = await hub.watch(
            session, watch_request(kept), wait_s=45, client=client, report_progress=no_progress
        )
    assert collection.window().ended_by == "limit"
    assert collection.window().elapsed_s == 3
    assert kept.messages == 3


async def test_it_ends_when_it_was_quiet(autojump_clock, broker, hub, session, client):
    """quiet_s after the last message."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish_every_second, broker, 4)
        collection = await hub.watch(
            session,
            watch_request(Keeping(), duration_s=60, quiet_s=2.5),
            wait_s=90,
            client=client,
            report_progress=no_progress,
        )
    assert collection.window().ended_by == "quiet"
    assert collection.window().elapsed_s == 6.5


async def test_a_long_watch_goes_on_behind_a_short_call(autojump_clock, broker, hub, session, client):
    """wait_s bounds the call, not the watch: the rest is fetched by id."""
    kept = Keeping()
    start_s = trio.current_time()
    collection = await hub.watch(
        session, watch_request(kept, duration_s=100), wait_s=20, client=client, report_progress=no_progress
    )
    assert trio.current_time() == start_s + 20
    assert collection.running
    assert collection.window().ended_by == "running"
    broker.publish("late", b"1")
    again = hub.collection(collection.id)
    assert await hub.wait_for(again, wait_s=200, report_progress=no_progress)
    assert trio.current_time() == start_s + 100
    assert kept.topics == ["late"]


async def test_a_cancelled_call_ends_its_watch_and_keeps_the_partial_result(
    autojump_clock, broker, hub, session, client
):
    """Cancelling a foreground request cancels its collection; the result stays by id for ten minutes, exactly."""
    kept = Keeping()
    with trio.move_on_after(4):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish_every_second, broker, 2)
            await hub.watch(session, watch_request(kept), wait_s=45, client=client, report_progress=no_progress)
    await trio.testing.wait_all_tasks_blocked()
    (collection,) = hub.collections()
    assert collection.window().ended_by == "cancelled"
    assert collection.window().elapsed_s == 4
    assert kept.messages == 2
    assert broker.counters.unsubscribes == 1
    await trio.sleep(599)
    assert hub.collection(collection.id) is collection
    await trio.sleep(1)
    with pytest.raises(ToolError) as caught:
        hub.collection(collection.id)
    assert caught.value.kind == ErrorKind.COLLECTION_UNKNOWN


async def test_progress_comes_once_a_second_and_rises(autojump_clock, broker, hub, session, client):
    """With a token, progress about once a second; never after the end."""
    reports = []
    await hub.watch(
        session,
        watch_request(Keeping(), duration_s=10),
        wait_s=45,
        client=client,
        report_progress=lambda *report: reports.append(report),
    )
    # The tenth may or may not come before the end, which is at the same moment.
    assert [done for done, _total, _text in reports][:9] == list(range(1, 10))
    assert len(reports) <= 10
    assert {total for _done, total, _text in reports} == {10}


async def test_stored_and_live_messages_are_told_apart(autojump_clock, broker, hub, session, client):
    """Stored messages come first, marked."""
    broker.publish("stored", b"1", retain=True)
    kept = Keeping()
    collection = await hub.watch(session, watch_request(kept), wait_s=0.2, client=client, report_progress=no_progress)
    assert not collection.window().stored_complete
    broker.publish("live", b"2", retain=True)
    await trio.sleep(1)
    assert collection.window().stored_complete
    assert [(m.topic, m.retain) for _, m in kept.kept] == [("stored", True), ("live", False)]


async def test_a_second_watch_sees_stored_messages_and_the_first_does_not_see_them_again(
    autojump_clock, broker, hub, session, client
):
    """Overlapping filters: one subscription, stored messages requested again, each watch counts each once."""
    broker.publish("a/stored", b"1", retain=True)
    first, second, third = Keeping(), Keeping(), Keeping()
    for accumulator, topic_filter in ((first, "a/#"), (second, "a/#"), (third, "a/+")):
        await hub.watch(
            session, watch_request(accumulator, topic_filter), wait_s=3, client=client, report_progress=no_progress
        )
    broker.publish("a/live", b"2")
    await trio.sleep(20)
    assert first.topics == second.topics == third.topics == ["a/stored", "a/live"]
    assert sorted(broker.sessions[0].subscriptions) == []
    assert broker.counters.unsubscribes == 2


async def test_watches_that_start_together_count_stored_messages_once(autojump_clock, broker, hub, session, client):
    """The burst of one watch may fall into the burst of another."""
    for n in range(10):
        broker.publish(f"a/{n}", b"x", retain=True)
    both = Keeping(), Keeping()
    async with trio.open_nursery() as nursery:
        for accumulator in both:
            request = watch_request(accumulator, "a/#")
            nursery.start_soon(
                partial(hub.watch, session, request, wait_s=45, client=client, report_progress=no_progress)
            )
    assert [a.messages for a in both] == [10, 10]


async def test_one_watch_with_overlapping_filters_counts_each_message_once(
    autojump_clock, broker, hub, session, client
):
    """MQTT 5 brokers send one copy per matching subscription."""
    kept = Keeping()
    collection = await hub.watch(
        session, watch_request(kept, "#", "a/#", "a/b"), wait_s=1, client=client, report_progress=no_progress
    )
    broker.publish("a/b", b"1")
    broker.publish("c", b"1")
    await collection.wait(60)
    assert kept.topics == ["a/b", "c"]


async def test_it_goes_on_after_a_reconnection_and_says_what_it_missed(autojump_clock, broker, hub, session, client):
    """Reconnect with subscriptions restored; the gap is in the window."""
    kept = Keeping()
    collection = await hub.watch(
        session, watch_request(kept, "a/#", duration_s=60), wait_s=5, client=client, report_progress=no_progress
    )
    broker.publish("a/before", b"1")
    await trio.sleep(1)
    broker.refuse.append(ConnectionLost("no"))
    broker.drop_all()
    broker.publish("a/missed", b"2")
    await trio.sleep(4)
    broker.publish("a/after", b"3")
    await collection.wait(100)
    window = collection.window()
    assert kept.topics == ["a/before", "a/after"]
    assert window.ended_by == "duration"
    assert [(g.from_s, g.to_s) for g in window.gaps] == [(6, 9)]
    assert session.reconnects == 1


async def test_a_link_lost_for_good_leaves_the_partial_result(autojump_clock, broker, hub, session, client):
    """ended_by disconnected, with what it had."""
    kept = Keeping()
    broker.refuse.extend(ConnectionLost("no") for _ in range(3))

    async def trouble():
        await trio.sleep(2)
        broker.publish("a", b"1")
        await trio.sleep(1)
        broker.drop_all()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trouble)
        collection = await hub.watch(
            session, watch_request(kept, duration_s=60), wait_s=90, client=client, report_progress=no_progress
        )
    assert collection.window().ended_by == "disconnected"
    assert collection.window().elapsed_s == 10
    assert kept.topics == ["a"]


async def test_a_refused_filter_is_reported_beside_the_granted_ones(autojump_clock, broker, hub, session, client):
    """A tool that needs several filters goes on with those the broker granted."""
    broker.deny_subscribe.add("$SYS/#")
    collection = await hub.watch(
        session, watch_request(Keeping(), "#", "$SYS/#"), wait_s=1, client=client, report_progress=no_progress
    )
    window = collection.window()
    assert window.granted == {"#": 0}
    (refused,) = window.refused
    assert (refused.topic_filter, refused.reason_code) == ("$SYS/#", 0x87)
    assert "authori" in refused.meaning.lower()


async def test_a_watch_with_every_filter_refused_is_an_error(autojump_clock, broker, hub, session, client):
    """Silence must not be taken for an idle broker."""
    broker.deny_subscribe.add("secret/#")
    with pytest.raises(NotAuthorized, match="secret/#"):
        await hub.watch(
            session, watch_request(Keeping(), "secret/#"), wait_s=1, client=client, report_progress=no_progress
        )
    assert broker.counters.unsubscribes == 0


async def test_a_broken_analysis_ends_only_its_own_watch(autojump_clock, broker, hub, session, client):
    """Faults are contained: the collection boundary."""
    good = Keeping()
    other = await hub.watch(session, watch_request(good), wait_s=0, client=client, report_progress=no_progress)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish_every_second, broker, 5)
        collection = await hub.watch(
            session, watch_request(Keeping(break_at=2)), wait_s=45, client=client, report_progress=no_progress
        )
    with pytest.raises(ToolError) as caught:
        collection.render()
    assert caught.value.kind == ErrorKind.INTERNAL
    assert session.state == "connected"
    await other.wait(60)
    assert good.messages == 5


async def test_a_failing_companion_does_not_end_the_watch(autojump_clock, broker, hub, session, client):
    """A probe that breaks is reported by itself; the watch goes on to its end."""

    async def companion():
        await trio.sleep(1)
        raise ZeroDivisionError

    collection = await hub.watch(
        session, watch_request(Keeping(), companion=companion), wait_s=45, client=client, report_progress=no_progress
    )
    assert collection.window().ended_by == "duration"


async def test_kept_messages_stay_inside_the_memory_of_the_session(autojump_clock, broker, client, hub):
    """session_memory_bytes: pools shrink, counts stay exact, and the result says so."""
    settings = msgspec.structs.replace(DEFAULTS, session_memory_bytes=10_000)
    async with memory_hub(broker, settings=settings) as small_hub:
        own = small_hub.client_opened("x")
        session = await small_hub.open_session(MEMORY, own)
        kept = Keeping()
        collection = await small_hub.watch(
            session, watch_request(kept), wait_s=1, client=own, report_progress=no_progress
        )
        for _ in range(300):
            broker.publish("big", b"x" * 100)
            await trio.sleep(0.01)
        assert kept.messages == 300
        assert kept.kept_bytes <= 10_000
        assert collection.window().memory_pressure


async def test_topics_that_may_not_be_read_are_counted_but_not_shown(autojump_clock, broker):
    """read_deny hides messages of a wide filter; a filter wholly inside is refused before anything is sent."""
    policy = AccessPolicy(read_deny=("private/#",))
    async with memory_hub(broker, policy=policy) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        kept = Keeping()
        collection = await hub.watch(session, watch_request(kept), wait_s=1, client=client, report_progress=no_progress)
        broker.publish("private/key", b"1")
        broker.publish("public", b"2")
        await collection.wait(60)
        assert kept.topics == ["public"]
        assert collection.window().hidden == 1
        with pytest.raises(ToolError) as caught:
            await hub.watch(
                session, watch_request(Keeping(), "private/+/x"), wait_s=1, client=client, report_progress=no_progress
            )
        assert caught.value.kind == ErrorKind.NOT_ALLOWED_HERE


async def test_an_invalid_filter_is_refused_before_anything_is_sent(autojump_clock, broker, hub, session, client):
    """MQTT 5 §4.7.1: # only as the last level."""
    with pytest.raises(TopicInvalid):
        await hub.watch(
            session, watch_request(Keeping(), "a/#/b"), wait_s=1, client=client, report_progress=no_progress
        )
    assert broker.counters.subscribes == 0


async def test_there_is_a_limit_on_running_watches(autojump_clock, hub, session, client):
    """max_running_collections = 20: the next one is refused with the way out."""
    for _ in range(20):
        await hub.watch(session, watch_request(Keeping()), wait_s=0, client=client, report_progress=no_progress)
    with pytest.raises(ToolError) as caught:
        await hub.watch(session, watch_request(Keeping()), wait_s=0, client=client, report_progress=no_progress)
    assert caught.value.kind == ErrorKind.BUSY
    assert "collection_result" in caught.value.hint


async def test_a_private_tap_keeps_probe_messages_out_of_watches(autojump_clock, broker, hub, session, client):
    """Our own probe is nobody else's traffic."""
    kept = Keeping()
    probed: list[Message] = []
    collection = await hub.watch(session, watch_request(kept), wait_s=1, client=client, report_progress=no_progress)
    async with session.tap([Subscription("mcp-probe/x", 0)], probed.append):
        broker.publish("mcp-probe/x", b"1")
        broker.publish("other", b"2")
        await trio.sleep(1)
    await collection.wait(60)
    assert [m.topic for m in probed] == ["mcp-probe/x"]
    assert kept.topics == ["other"]


async def publish_every_second(broker, times):
    for n in range(times):
        await trio.sleep(1)
        broker.publish("tick", b"%d" % n)


@pytest.mark.parametrize(("protocol", "expected"), [("3.1.1", True), ("5.0", False)])
async def test_a_result_says_when_a_broker_may_have_sent_copies(autojump_clock, protocol, expected):
    """MQTT-3.3.5-1 of 3.1.1: one copy per overlapping subscription is allowed, and nothing tells them apart."""
    broker = MemoryBroker(protocol=protocol)
    async with memory_hub(broker) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        wide, alone = [
            await hub.watch(session, watch_request(Keeping(), f), wait_s=1, client=client, report_progress=no_progress)
            for f in ("a/#", "b")
        ]
        broker.publish("a/1", b"x")
        broker.publish("b", b"x")
        await trio.sleep(1)
        assert not wide.window().copies_possible
        await hub.watch(session, watch_request(Keeping(), "a/+"), wait_s=1, client=client, report_progress=no_progress)
        broker.publish("a/1", b"x")
        broker.publish("b", b"x")
        await trio.sleep(1)
        assert wide.window().copies_possible is expected
        assert not alone.window().copies_possible


class Slow(Keeping):
    """An analysis that takes 20 ms for each message."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def add(self, message, t_s):
        self._clock.jump(0.02)
        super().add(message, t_s)


async def test_what_arrived_in_time_counts_even_when_the_analysis_is_behind(autojump_clock, broker):
    """In a flood the end of a watch finds a backlog: it is neither lost silently nor mixed with what comes later."""
    settings = msgspec.structs.replace(DEFAULTS, pump_slice_s=-1.0)
    kept = Slow(autojump_clock)
    async with memory_hub(broker, settings=settings) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        collection = await hub.watch(session, watch_request(kept), wait_s=9, client=client, report_progress=no_progress)
        await trio.sleep(0.5)
        for _ in range(100):
            broker.publish("a", b"1")
        await trio.sleep(1)
        broker.publish("late", b"1")
        await collection.wait(5)
    assert kept.topics == ["a"] * 100
    assert collection.window().elapsed_s == 10


async def test_messages_that_arrive_during_a_look_count_after_it(autojump_clock, broker):
    """A result is made in another thread: the analysis stands still meanwhile, and nothing is lost or out of order."""
    looks: list[int] = []

    async def offload(render: Render) -> msgspec.Struct:
        result = render()
        if not looks:
            for number in range(5):
                broker.publish("a", b"%d" % number)
            await trio.sleep(0.5)
        looks.append(kept.messages)
        return result

    kept = Keeping()
    async with open_hub(broker, NoNetwork(), offload=offload) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        collection = await hub.watch(session, watch_request(kept), wait_s=1, client=client, report_progress=no_progress)
        broker.publish("before", b"")
        await trio.sleep(0.1)
        first = msgspec.to_builtins(await hub.render(collection))
        assert first == {"messages": 1, "ended_by": "running"}
        assert looks == [1], "the accumulator was fed while another thread may have read it"
        assert kept.topics == ["before", *["a"] * 5]
        await collection.wait(60)
        assert msgspec.to_builtins(await hub.render(collection)) == {"messages": 6, "ended_by": "duration"}


async def test_a_watch_that_ends_during_a_look_keeps_what_waited(autojump_clock, broker):
    """The look began before the end and says so; the next one has everything."""
    slow = True

    async def offload(render: Render) -> msgspec.Struct:
        nonlocal slow
        if slow:
            slow = False
            broker.publish("a", b"1")
            await trio.sleep(20)  # longer than the watch
        return render()

    kept = Keeping()
    async with open_hub(broker, NoNetwork(), offload=offload) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        collection = await hub.watch(session, watch_request(kept), wait_s=1, client=client, report_progress=no_progress)
        assert msgspec.to_builtins(await hub.render(collection)) == {"messages": 0, "ended_by": "running"}
        assert msgspec.to_builtins(await hub.render(collection)) == {"messages": 1, "ended_by": "duration"}


async def test_a_look_that_takes_too_long_lets_messages_go_and_counts_them(monkeypatch):
    """Memory is bounded while another thread looks: what does not fit is told as dropped."""
    monkeypatch.setattr("mqtt_mcp.hub.intake.MAX_WAITING", 3)
    kept = Keeping()
    intake = Intake(kept, lambda _: None)
    async with intake.still():
        for number in range(5):
            intake.take(message("a", b"%d" % number), 0.1)
        assert kept.messages == 0
    assert kept.messages == 3
    assert intake.dropped == 2


async def test_a_finished_collection_can_be_rendered_in_a_thread(broker, hub, session, client):
    """Real time, real thread: nothing in a finished result asks trio's clock."""
    collection = await hub.watch(
        session, watch_request(Keeping(limit=1)), wait_s=0, client=client, report_progress=no_progress
    )
    broker.publish("a", b"1")
    with trio.fail_after(5):
        await collection.wait(5)
        result = await trio.to_thread.run_sync(collection.render)
    assert msgspec.to_builtins(result) == {"messages": 1, "ended_by": "limit"}
