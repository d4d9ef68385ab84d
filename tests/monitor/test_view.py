"""The hub as a person sees it, and what a person may do to it; in virtual time, without a web server."""

import time
from contextlib import asynccontextmanager

import pytest
import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.hub.topic_table import TopicTable
from mqtt_mcp.monitor.pulse import Pulse
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.source import NotRunning
from mqtt_mcp.monitor.view import View
from mqtt_mcp.mqtt.broker_url import Broker, Secret
from testkit.memory_broker import MemoryBroker
from testkit.product import Product, product


class Watched:
    """A hub, a view on it and a client that uses it."""

    def __init__(self, p: Product, view: View, feed: Feed, broker: MemoryBroker) -> None:
        self.p = p
        self.view = view
        self.feed = feed
        self.broker = broker


@asynccontextmanager
async def watched(**more):
    """A monitored product whose pulse beats."""
    broker = MemoryBroker()
    journal = Journal(topics=TopicTable(Redactor(), epoch_offset_s=time.time() - trio.current_time()))
    async with product(broker, journal=journal, **more) as p, trio.open_nursery() as nursery:
        feed, rates = Feed(), Rates()
        view = View(p.hub, feed, rates, actions=True)
        nursery.start_soon(Pulse(p.hub, view, feed, rates).run)
        yield Watched(p, view, feed, broker)
        nursery.cancel_scope.cancel()


async def events(follower):
    """The kinds of the events that wait."""
    frames = b""
    with trio.move_on_after(0.01):
        while True:
            frames += await follower.next_frames()
    return [line[7:] for line in frames.decode().split("\n") if line.startswith("event: ")]


async def test_a_session_counts_down_to_its_expiry(autojump_clock):
    """monitor.md §1.3: expires in, from an absolute time."""
    async with watched() as w:
        (before,) = w.view.sessions()
        began = time.time()
        await trio.sleep(600)
        (after,) = w.view.sessions()

    assert before.id == w.p.session_id
    assert before.expires_at_epoch_s == pytest.approx(began + 3600, abs=60)
    # Virtual time went on, the wall clock did not, but for what a busy machine takes: 600 s less are left.
    assert after.expires_at_epoch_s == pytest.approx(before.expires_at_epoch_s - 600, abs=60)
    assert (after.state, after.held, after.clients, after.protocol) == ("connected", False, 1, "5.0")


async def test_a_running_watch_shows_its_progress_and_what_the_session_listens_to(autojump_clock):
    """monitor.md §1.3: filters, state, elapsed, n / limit."""
    async with watched() as w, trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: w.p.call("subscribe_and_collect", topic_pattern="home/#", duration=20, max_messages=77)
        )
        await trio.sleep(5)
        for number in range(10):
            w.broker.publish(f"home/{number % 3}", b"21.5")
        await trio.sleep(1)
        (running,) = w.view.collections()
        (session,) = w.view.sessions()
        status = w.view.status()
        await trio.sleep(20)
        (ended,) = w.view.collections()

    assert (running.tool, running.watching, running.filters) == ("subscribe_and_collect", "home/#", ["home/#"])
    assert (running.state, running.messages, running.limit) == ("running", 10, 77)
    assert running.elapsed_s == pytest.approx(6, abs=0.1)
    assert (session.held, session.subscriptions, session.messages_in, session.bytes_in) == (True, ["home/#"], 10, 40)
    assert (status.collections_running, status.messages_in, status.topics) == (1, 10, 3)
    assert (ended.state, ended.elapsed_s) == ("duration", 20)


async def test_the_rates_have_a_bucket_for_each_second(autojump_clock):
    """A page that opens is not empty, whether anybody looked before or not."""
    async with watched() as w, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: w.p.call("list_topics", duration=30))
        await trio.sleep(10.5)
        for _ in range(7):
            w.broker.publish("a", b"x")
        await w.p.call("publish_message", topic="elsewhere", payload="ON")
        await trio.sleep(2)
        throughput = w.view.throughput()
        (session,) = w.view.sessions()
        nursery.cancel_scope.cancel()

    assert len(throughput.received) == len(throughput.published) >= 12
    assert 8 in throughput.received, "7 and our own, which matches #"
    assert sum(throughput.received) == 8
    assert sum(throughput.published) == 1
    assert sum(session.rate) == 8


async def test_five_minutes_are_kept_and_one_of_each_session(autojump_clock):
    """Bounded."""
    async with watched() as w:
        await trio.sleep(900)
        throughput = w.view.throughput()
        (session,) = w.view.sessions()

    assert (len(throughput.received), len(session.rate)) == (300, 60)


async def test_a_follower_sees_everything_begin_and_end(autojump_clock):
    """What the assistant does is seen as it does it: at once, not at the next beat."""
    async with watched() as w:
        follower = w.feed.follow(w.view.snapshot().event_id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: w.p.call("list_topics", duration=10))
            await trio.sleep(0.3)
            began = await events(follower)
            await trio.sleep(11)
        w.broker.publish("nobody/listens", b"1")
        await events(follower)
        await w.p.call("publish_message", topic="a", payload="1")
        published = await events(follower)
        await w.p.call("close_connection")
        closed = await events(follower)

    assert began[:1] == ["call"]
    assert {"change", "collection", "session"} <= set(began)
    assert "status" not in began
    assert [kind for kind in published if kind in ("call", "publish")] == ["call", "publish", "call"]
    assert {"session_closed", "change", "call"} <= set(closed)


async def test_busy_topics_are_told_once_a_second_together(autojump_clock):
    """5,000 messages a second must not be 5,000 events."""
    async with watched() as w, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: w.p.call("list_topics", duration=30))
        await trio.sleep(3)
        follower = w.feed.follow(None)
        for number in range(3_000):
            w.broker.publish(f"t/{number % 500}", b"1")
            if number % 100 == 0:
                await trio.sleep(0.001)
        await trio.sleep(1)
        told = await events(follower)
        nursery.cancel_scope.cancel()

    assert told.count("topic") <= 2


async def test_a_view_that_breaks_harms_nobody(autojump_clock, monkeypatch, failure_expected):
    """The hub goes on, and so does the pulse when it can tell again."""
    async with watched() as w:

        def broken():
            raise ZeroDivisionError("broken on purpose")

        with monkeypatch.context() as patched:
            patched.setattr(w.view, "status", broken)
            await trio.sleep(5)
        follower = w.feed.follow(None)
        await trio.sleep(1.5)
        assert "status" in await events(follower)
        assert (await w.p.call("publish_message", topic="a", payload="1"))["outcome"] == "acknowledged"


async def test_the_snapshot_and_the_events_after_it_fit_together(autojump_clock):
    """monitor.md §1.4: no gap, no double."""
    async with watched() as w:
        await w.p.call("publish_message", topic="a", payload="1")
        snapshot = w.view.snapshot()
        follower = w.feed.follow(snapshot.event_id)
        await w.p.call("publish_message", topic="a", payload="2")
        told = await events(follower)

    assert [p.payload for p in snapshot.publishes] == ["1"]
    assert [kind for kind in told if kind in ("call", "publish")] == ["call", "publish", "call"]


async def test_a_person_cancels_a_watch_and_its_client_gets_what_it_has(autojump_clock):
    """monitor.md §1.3: Cancel. The assistant is told, not left waiting."""
    async with watched() as w:
        results = []

        async def watch():
            results.append(await w.p.call("subscribe_and_collect", topic_pattern="#", duration=60))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await trio.sleep(5)
            w.broker.publish("a", b"1")
            await trio.sleep(1)
            (running,) = w.view.collections()
            shown = w.view.cancel_collection(running.id, "somebody")
            await trio.sleep(1)

        assert shown is not None
        assert shown.state == "cancelled"
        assert results[0]["status"] == "partial"
        assert [c.kind for c in w.view.changes(None, 100).items][:2] == ["collection_ended", "person_acted"]
        with pytest.raises(NotRunning):
            w.view.cancel_collection(running.id, "somebody")
        assert w.view.cancel_collection("nonsense", "somebody") is None


async def test_a_person_closes_a_session_and_the_assistant_learns_why(autojump_clock):
    """Its id answers session_expired, when and why."""
    async with watched() as w:
        assert await w.view.close_session(w.p.session_id, "somebody")
        outcome = await w.p.client.call("list_topics", session_id=w.p.session_id)

        assert w.view.sessions() == []
        assert "a person closed it on the monitor" in outcome.text
        assert not await w.view.close_session(w.p.session_id, "somebody")
        assert not await w.view.close_session("nonsense", "somebody")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (AccessPolicy(), "on"),
        (AccessPolicy(publish_deny=("a/#",)), "limited"),
        (AccessPolicy(read_only=True), "off"),
    ],
)
async def test_the_status_says_what_may_be_published(autojump_clock, policy, told):
    """A person must know whether the assistant can act."""
    async with watched(policy=policy) as w:
        assert w.view.status().publishing == told


async def test_the_status_counts_and_names(autojump_clock):
    """The header: broker without password, clients, sessions, memory."""
    secret = Broker(host="memory.test", username=Secret("bob"), password=Secret("hunter2"))
    async with watched(profiles={"memory": secret}) as w:
        await w.p.client.call("publish_message", session_id=w.p.session_id, topic="$SYS/x", payload="")
        await trio.sleep(1.5)
        status = w.view.status()

    assert status.broker == "mqtt://memory.test:1883"
    assert (status.sessions, status.max_sessions, len(status.clients)) == (1, 5, 1)
    assert (status.calls, status.calls_failed, status.publishes, status.publishes_refused) == (2, 1, 1, 1)
    assert status.rss_bytes > 10_000_000
    assert "hunter2" not in str(w.view.snapshot())


async def test_totals_outlive_the_sessions_that_made_them(autojump_clock):
    """A closed session must not make counters fall."""
    async with watched() as w:
        await w.p.call("publish_message", topic="a", payload="12345")
        await w.p.call("close_connection")
        await trio.sleep(2)
        carried = w.p.hub.carried()

    assert (carried.messages_out, carried.bytes_out) == (1, 5)
    assert sum(w.view.throughput().published) == 1


async def test_an_export_knows_secrets_that_were_learned_later(autojump_clock):
    """monitor.md §4.4: a second redaction pass over what leaves this machine."""
    async with watched() as w:
        await w.p.call("publish_message", topic="a", payload="it is hunter2")
        await w.p.client.call("establish_connection", url="mqtt://memory.test", username="u", password="hunter2")
        (publish,) = w.view.exported()

    assert publish.payload == "it is ***"


async def test_findings_are_told_to_followers_counted_and_in_the_snapshot(autojump_clock):
    """Of a watch in the background too, and an unchanged second look tells nothing."""
    async with watched() as w:
        w.broker.publish("tele/plug/LWT", b"Offline", retain=True)
        follower = w.feed.follow(w.view.snapshot().event_id)
        first = await w.p.call("debug_device", device="plug", duration=10, wait_s=0)
        assert first["status"] == "running"
        await trio.sleep(15)
        kinds = await events(follower)
        before = w.feed.last_id
        await w.p.client.call("collection_result", collection_id=first["collection_id"])
        again = w.feed.last_id - before
        findings = w.view.findings(None, 100).items
        snapshot = w.view.snapshot()

    assert kinds.count("finding") >= len(findings) >= 1
    assert again == 2, "the call that began and ended"
    assert {one.code for one in findings} >= {"device_offline"}
    assert snapshot.findings == findings[::-1]
    assert sum(snapshot.status.findings.values()) == len(findings)
    assert w.view.findings(None, 100, "critical").items == [one for one in findings if one.severity == "critical"]
