"""The event stream: what a reader gets, how it goes on after a break, and what happens to one that does not read."""

import pytest
import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.stream import NO_SUCH_EVENT, EventStream, last_event_id
from testkit.monitor import FakeHub, ask, connect, eventually, following, running

BIG = "x" * 30_000


def publish(hub, numbers):
    for number in numbers:
        hub.feed.publish("log", number)


def all_read(hub, *, besides):
    """Whether the queues are empty, but for those of some."""
    return sum(f.queued_bytes > 0 for f in hub.feed._followers) <= besides


async def take(reader, count):
    return [(await reader.next()).data for _ in range(count)]


async def test_a_reader_gets_every_event_in_order_with_growing_ids():
    async with running() as server, following(server.port) as reader:
        await eventually(lambda: len(server.hub.feed) == 1)
        publish(server.hub, range(300))
        events = [await reader.next() for _ in range(300)]
        assert [event.data for event in events] == list(range(300))
        assert [event.kind for event in events] == ["log"] * 300
        ids = [event.event_id or 0 for event in events]
        assert ids == sorted(set(ids))
        assert reader.retry_ms == 2000


async def test_no_proxy_may_buffer_or_keep_the_stream():
    async with running() as server, await connect(server.port) as client:
        await client.send("/api/v1/events")
        headers = (await client.head()).headers
        assert headers["x-accel-buffering"] == "no"
        assert headers["cache-control"] == "no-store"


async def test_snapshot_then_stream_misses_nothing_and_doubles_nothing():
    async with running() as server:
        publish(server.hub, range(10))
        event_id = (await ask(server.port, "/api/v1/snapshot")).json()["event_id"]
        publish(server.hub, range(10, 20))
        async with following(server.port, f"/api/v1/events?after={event_id}") as reader:
            await eventually(lambda: len(server.hub.feed) == 1)
            publish(server.hub, range(20, 30))
            assert await take(reader, 20) == list(range(10, 30))


async def test_a_reader_that_comes_back_misses_nothing_and_doubles_nothing():
    """While events are published all the time, and with the connection broken anywhere."""
    async with running() as server, trio.open_nursery() as nursery:

        async def publishing():
            for number in range(400):
                server.hub.feed.publish("log", number)
                await trio.sleep(0.002)

        start_id = server.hub.feed.last_id
        nursery.start_soon(publishing)
        seen: list[int] = []
        last_id = start_id
        while len(seen) < 400:
            async with following(server.port, Last_Event_ID=str(last_id)) as reader:
                for _ in range(min(37, 400 - len(seen))):
                    event = await reader.next()
                    seen.append(event.data)
                    last_id = event.event_id or 0
        assert seen == list(range(400))


async def test_the_header_goes_before_the_query():
    async with running() as server:
        publish(server.hub, range(3))
        last_id = server.hub.feed.last_id
        path = f"/api/v1/events?after={last_id}"
        async with following(server.port, path, Last_Event_ID=str(last_id - 2)) as reader:
            assert await take(reader, 2) == [1, 2]


@pytest.mark.parametrize("given", ["5", "99999999999999", "abc", "-1", "9" * 40, "²"])
async def test_an_id_of_another_process_begins_anew(given):
    async with running() as server, following(server.port, Last_Event_ID=given) as reader:
        assert (await reader.next()).kind == "reset"
        await eventually(lambda: len(server.hub.feed) == 1)
        publish(server.hub, [1])
        assert await take(reader, 1) == [1]


async def test_an_id_that_is_too_old_begins_anew():
    hub = FakeHub(feed=Feed(ring_events=5))
    old = hub.feed.last_id
    publish(hub, range(6))
    async with running(hub=hub) as server, following(server.port, f"/api/v1/events?after={old}") as reader:
        assert (await reader.next()).kind == "reset"


async def test_a_wrong_id_in_the_query_is_named():
    async with running() as server:
        answer = await ask(server.port, "/api/v1/events?after=abc")
        assert (answer.status, answer.is_problem) == (422, True)


def test_an_id_is_digits():
    assert [last_event_id(given) for given in (None, " 12 ", "", "1e3")] == [None, 12, NO_SUCH_EVENT, NO_SUCH_EVENT]


async def test_a_quiet_stream_shows_that_it_is_alive():
    async with running(limits=Limits(heartbeat_s=0.1)) as server, following(server.port) as reader:
        await reader.comment()
        await reader.comment()


async def test_the_heartbeat_counts_from_the_last_event(autojump_clock):
    feed = Feed()
    stream = EventStream(feed.follow(None), heartbeat_s=15.0, retry_ms=2000)
    assert await anext(stream) == b"retry: 2000\n\n"
    for _ in range(3):
        start_s = trio.current_time()
        assert (await anext(stream)).startswith(b": ")
        assert trio.current_time() - start_s == 15.0
    feed.publish("log", 1)
    assert b"data: 1" in await anext(stream)
    feed.close()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_reader_that_is_cancelled_while_it_waits_loses_nothing(autojump_clock):
    feed = Feed()
    stream = EventStream(feed.follow(None), heartbeat_s=15.0, retry_ms=2000)
    await anext(stream)
    with trio.move_on_after(1):
        await anext(stream)
    feed.publish("log", 1)
    assert b"data: 1" in await anext(stream)
    feed.close()


async def test_a_slow_reader_is_told_and_cut_off_and_the_others_get_everything():
    hub = FakeHub(feed=Feed(follower_bytes=2_000_000))
    async with running(hub=hub) as server, trio.open_nursery() as nursery:
        got = []

        async def follow(task_status):
            async with following(server.port) as reader:
                task_status.started()
                got.append(await take(reader, 200))

        for _ in range(10):
            await nursery.start(follow)
        async with await connect(server.port, receive_buffer_bytes=4096) as slow:
            await slow.send("/api/v1/events")
            await slow.head()
            await eventually(lambda: len(hub.feed) == 11)
            # Those that read are always ahead of the next event; the one that does not falls behind.
            for number in range(200):
                hub.feed.publish("log", [number, BIG])
                await eventually(lambda: all_read(hub, besides=1))
            assert hub.feed.dropped_followers == 1
            text = await slow.rest_of_stream()
            assert text.rstrip().endswith(b"event: overflow\ndata: {}")
    assert got == [[[number, BIG] for number in range(200)]] * 10


async def test_a_stream_beyond_the_limit_is_refused_until_one_ends():
    async with running(limits=Limits(max_streams=2)) as server:
        async with following(server.port), following(server.port):
            await eventually(lambda: len(server.hub.feed) == 2)
            answer = await ask(server.port, "/api/v1/events")
            assert (answer.status, answer.is_problem) == (429, True)
            assert int(answer.headers["retry-after"]) > 0
        await eventually(lambda: len(server.hub.feed) == 0)
        async with following(server.port):
            pass


async def test_streams_that_come_and_go_leave_nothing_behind():
    async with running(limits=Limits(request_burst=10_000)) as server:
        for round_ in range(50):
            async with await connect(server.port) as client:
                await client.send("/api/v1/events")
                if round_ % 2:
                    await client.head()
        await eventually(lambda: len(server.hub.feed) == 0)


async def test_two_hundred_readers_get_everything_beside_five_that_do_not_read():
    hub = FakeHub()
    async with running(hub=hub) as server, trio.open_nursery() as nursery:
        got, stalled = [], []

        async def follow(task_status):
            async with following(server.port) as reader:
                task_status.started()
                got.append(await take(reader, 40))

        for _ in range(200):
            await nursery.start(follow)
        for _ in range(5):
            client = await connect(server.port, receive_buffer_bytes=4096)
            await client.send("/api/v1/events")
            await client.head()
            stalled.append(client)
        await eventually(lambda: len(hub.feed) == 205)
        for number in range(40):
            hub.feed.publish("log", number)
            await trio.sleep(0.005)
        await eventually(lambda: len(got) == 200)
        for client in stalled:
            await trio.aclose_forcefully(client.stream)
    assert got == [list(range(40))] * 200
