"""The feed: nothing lost or doubled for those who read, nobody waits for those who do not."""

import pytest
import trio
import trio.testing

from mqtt_mcp.hub.feed import AT_ONCE, GAP_S, Feed


def ids(frames):
    return [int(line[4:]) for line in frames.decode().split("\n") if line.startswith("id: ")]


async def test_a_follower_gets_what_comes_in_order(autojump_clock):
    """monitor.md §1.4."""
    feed = Feed()
    follower = feed.follow(None)
    sent = [feed.publish("log", {"n": n}) for n in range(5)]

    assert ids(await follower.next_frames()) == sent
    feed.close()
    assert await follower.next_frames() == b""


async def test_one_that_comes_back_gets_exactly_what_it_missed(autojump_clock):
    """Last-Event-ID."""
    feed = Feed()
    sent = [feed.publish("log", n) for n in range(10)]

    follower = feed.follow(sent[6])

    assert ids(follower.backlog) == sent[7:]
    assert not follower.reset
    assert not feed.follow(sent[-1]).reset


async def test_an_id_too_old_from_the_future_or_of_an_earlier_process_means_reset(autojump_clock):
    """A page reloads the snapshot then."""
    feed = Feed(ring_events=4)
    sent = [feed.publish("log", n) for n in range(10)]

    assert feed.follow(sent[2]).reset
    assert not feed.follow(sent[5]).reset
    assert feed.follow(sent[-1] + 1).reset
    assert feed.follow(sent[0] - 100_000).reset
    assert feed.follow(0).reset


async def test_the_snapshot_of_a_fresh_process_can_be_followed(autojump_clock):
    """Its event id is that of no event yet."""
    feed = Feed()
    start = feed.last_id
    sent = feed.publish("log", 1)

    follower = feed.follow(start)

    assert not follower.reset
    assert ids(follower.backlog) == [sent]


async def test_one_that_does_not_read_is_dropped_and_the_others_get_everything(autojump_clock):
    """Never wait for a follower."""
    feed = Feed(follower_bytes=8 * len(b"id: 1795827927727\nevent: log\ndata: 1\n\n") + 4)
    slow, quick = feed.follow(None), feed.follow(None)
    got = []
    for n in range(20):
        feed.publish("log", n)
        got += ids(await quick.next_frames())

    assert len(got) == 20
    assert slow.overflowed
    assert not quick.overflowed
    assert (len(feed), feed.dropped_followers) == (1, 1)
    assert len(ids(await slow.next_frames())) == 8
    assert await slow.next_frames() == b""


async def test_a_burst_leaves_together_and_the_first_event_after_a_silence_at_once(autojump_clock):
    """A write to a page costs far more than an event; 50 ms are not seen by anybody."""
    feed = Feed()
    follower = feed.follow(None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        await trio.sleep(1)
        began_s = trio.current_time()
        sent = [feed.publish("log", 0)]
        got = [ids(await follower.next_frames())]
        assert trio.current_time() == began_s
        sent += [feed.publish("log", n) for n in range(30)]
        got.append(ids(await follower.next_frames()))
        assert trio.current_time() - began_s == pytest.approx(GAP_S)
        nursery.cancel_scope.cancel()

    assert got == [sent[:1], sent[1:]]


async def test_one_that_comes_while_events_wait_gets_each_once(autojump_clock):
    """The snapshot, the backlog and the batch that is about to leave overlap in time, not in content."""
    feed = Feed()
    early = feed.follow(None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        await trio.sleep(1)
        sent = [feed.publish("log", 0)]
        await early.next_frames()
        sent += [feed.publish("log", 1), feed.publish("log", 2)]  # these wait for the end of the gap
        late, newcomer = feed.follow(sent[0]), feed.follow(None)
        sent.append(feed.publish("log", 3))
        assert ids(late.backlog) == sent[1:3]
        assert ids(await late.next_frames()) == sent[3:]
        assert ids(await newcomer.next_frames()) == sent[3:]
        assert ids(await early.next_frames()) == sent[1:]
        nursery.cancel_scope.cancel()


async def test_hundreds_are_woken_in_small_steps(autojump_clock):
    """Two hundred writes in one step would hold up a ping for all of them."""
    feed = Feed()
    followers = [feed.follow(None) for _ in range(200)]
    longest = running = 0

    async def read(follower):
        nonlocal longest, running
        await follower.next_frames()
        running += 1
        longest = max(longest, running)

    async def others():
        nonlocal running
        while True:
            await trio.lowlevel.checkpoint()
            running = 0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        async with trio.open_nursery() as readers:
            for follower in followers:
                readers.start_soon(read, follower)
            await trio.sleep(1)
            feed.publish("log", 1)
            nursery.start_soon(others)
        nursery.cancel_scope.cancel()

    assert longest <= 2 * AT_ONCE


async def test_one_that_is_too_far_behind_begins_anew(autojump_clock):
    """Hundreds of tabs that come back at once must not each get megabytes of their own."""
    feed = Feed(follower_bytes=10_000)
    first = feed.publish("log", "x" * 5_000)
    feed.publish("log", "x" * 5_000)
    assert not feed.follow(first).reset
    feed.publish("log", "x" * 5_000)
    follower = feed.follow(first)

    assert follower.reset
    assert follower.backlog == b""


@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_an_end_in_the_middle_of_a_delivery_loses_nothing(autojump_clock, how):
    """Forty followers are told in groups; whoever ends it ends it after all have been."""
    feed = Feed()
    followers = [feed.follow(None) for _ in range(40)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        await trio.testing.wait_all_tasks_blocked()
        sent = [feed.publish("log", 1)]
        while not followers[0].queued_bytes:
            await trio.lowlevel.checkpoint()
        assert not followers[-1].queued_bytes
        sent.append(feed.publish("log", 2))
        if how == "closed":
            feed.close()
        nursery.cancel_scope.cancel()

    assert [ids(await follower.next_frames()) for follower in followers] == [sent] * 40


async def test_the_ring_is_bounded_in_bytes(autojump_clock):
    """A thousand events of 100 kB."""
    feed = Feed(ring_bytes=1_000_000)
    for _ in range(1_000):
        feed.publish("log", "x" * 100_000)

    assert feed.held_bytes <= 1_000_000


async def test_one_that_leaves_is_forgotten_and_a_closed_feed_takes_nobody(autojump_clock):
    """The way out ends every stream at once."""
    feed = Feed()
    follower = feed.follow(None)
    feed.leave(follower)
    feed.leave(follower)
    feed.publish("log", 1)
    assert len(feed) == 0

    feed.close()
    with trio.fail_after(1):
        assert await feed.follow(None).next_frames() == b""
