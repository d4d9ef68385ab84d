"""The feed: nothing lost or doubled for those who read, nobody waits for those who do not."""

import trio

from mqtt_mcp.hub.feed import Feed


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
    feed = Feed(follower_events=8)
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
