"""When a session lives and when it ends, in exact virtual time (ARCHITECTURE, every deadline)."""

import msgspec
import pytest
import trio
import trio.lowlevel

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.errors import ConnectionLost, TimedOut
from mqtt_mcp.settings import DEFAULTS
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker


async def test_a_session_expires_one_hour_after_its_last_use(autojump_clock):
    """session_ttl_s = 3600 since last use; the id then answers session_expired with when and why."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        start_s = trio.current_time()
        await trio.sleep(1800)
        hub.session(session.id, client)
        await session.wait_ended()
        assert trio.current_time() == start_s + 1800 + 3600
        await trio.sleep(60)
        with pytest.raises(ToolError) as caught:
            hub.session(session.id, client)
        assert caught.value.kind == ErrorKind.SESSION_EXPIRED
        assert "60 s ago" in caught.value.message
        assert "not used for 3600 s" in caught.value.message
        assert broker.counters.disconnects == 1


async def test_an_ended_session_is_remembered_for_one_hour(autojump_clock):
    """tombstone_keep_s = 3600: afterwards the id is unknown, and the janitor has freed the memory."""
    async with memory_hub(MemoryBroker()) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        await hub.close_session(session.id, client)
        await trio.sleep(3599)
        with pytest.raises(ToolError) as caught:
            hub.session(session.id, client)
        assert caught.value.kind == ErrorKind.SESSION_EXPIRED
        assert "close_connection" in caught.value.message
        await trio.sleep(1)
        with pytest.raises(ToolError) as caught:
            hub.session(session.id, client)
        assert caught.value.kind == ErrorKind.SESSION_UNKNOWN
        await trio.sleep(60)
        assert len(hub._tombstones) == 0


async def test_a_running_collection_counts_as_use(autojump_clock):
    """A session whose TTL would pass in mid-collection lives TTL after the collection's end."""
    settings = msgspec.structs.replace(DEFAULTS, session_ttl_s=20.0)
    async with memory_hub(MemoryBroker(), settings=settings) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        start_s = trio.current_time()
        request = watch_request(Keeping(), duration_s=100)
        await hub.watch(session, request, wait_s=0, client=client, report_progress=no_progress)
        assert session.expires_in_s == 20.0
        await session.wait_ended()
        assert trio.current_time() == start_s + 100 + 20


async def test_a_session_outlives_its_last_client_by_the_orphan_grace(autojump_clock):
    """orphan_grace_s = 300 after the last client that used it has gone."""
    async with memory_hub(MemoryBroker()) as hub:
        one, two = hub.client_opened("one"), hub.client_opened("two")
        session = await hub.open_session(MEMORY, one)
        hub.session(session.id, two)
        hub.client_closed(one)
        assert session.expires_in_s == 3600
        start_s = trio.current_time()
        hub.client_closed(two)
        await session.wait_ended()
        assert trio.current_time() == start_s + 300
        await trio.lowlevel.checkpoint()
        with pytest.raises(ToolError, match="last client went away 300 s before"):
            hub.session(session.id, two)


async def test_a_new_client_takes_up_an_orphaned_session(autojump_clock):
    """A window that restarts within the grace finds its session as it was."""
    async with memory_hub(MemoryBroker()) as hub:
        one = hub.client_opened("one")
        session = await hub.open_session(MEMORY, one)
        hub.client_closed(one)
        await trio.sleep(299)
        two = hub.client_opened("two")
        assert hub.session(session.id, two) is session
        assert session.expires_in_s == 3600


async def test_a_sixth_session_is_refused_with_the_way_to_free_one(autojump_clock):
    """max_sessions = 5: the error lists ids, brokers and idle times, and names the call."""
    async with memory_hub(MemoryBroker()) as hub:
        client = hub.client_opened("a")
        sessions = []
        for _ in range(5):
            sessions.append(await hub.open_session(MEMORY, client))
            await trio.sleep(10)
        with pytest.raises(ToolError) as caught:
            await hub.open_session(MEMORY, client)
        assert caught.value.kind == ErrorKind.SESSION_LIMIT
        assert all(s.id in caught.value.message for s in sessions)
        assert "idle 50 s" in caught.value.message
        assert f'close_connection(session_id="{sessions[0].id}")' in caught.value.hint
        await hub.close_session(sessions[0].id, client)
        await hub.open_session(MEMORY, client)


async def test_orphans_make_room_for_a_sixth_session(autojump_clock):
    """Sessions whose last client has gone are closed first, the longest idle one before the others."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        gone, here = hub.client_opened("gone"), hub.client_opened("here")
        old = await hub.open_session(MEMORY, gone)
        await trio.sleep(5)
        for _ in range(4):
            await hub.open_session(MEMORY, gone)
        hub.client_closed(gone)
        sixth = await hub.open_session(MEMORY, here)
        assert old.state == "ended"
        assert sixth in hub.sessions()
        assert len(hub.sessions()) == 5
        assert broker.counters.disconnects == 1


async def test_a_failed_connect_leaves_no_session_behind(autojump_clock):
    """connect_timeout_s = 10: timeout with its stage, and the place is free again."""
    broker = MemoryBroker()
    broker.silent.add("connect")
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        start_s = trio.current_time()
        with pytest.raises(TimedOut) as caught:
            await hub.open_session(MEMORY, client)
        assert trio.current_time() == start_s + 10
        assert caught.value.stage == "CONNACK"
        await trio.testing.wait_all_tasks_blocked()
        assert hub.sessions() == []
        assert hub._sessions == {}


async def test_a_cancelled_connect_leaves_no_session_behind(autojump_clock):
    """Cancelling the request that opens a session takes back the session."""
    broker = MemoryBroker()
    broker.silent.add("connect")
    async with memory_hub(broker) as hub:
        with trio.move_on_after(3) as scope:
            await hub.open_session(MEMORY, hub.client_opened("a"))
        assert scope.cancelled_caught
        await trio.testing.wait_all_tasks_blocked()
        assert hub._sessions == {}


async def test_closing_keeps_what_a_running_collection_has(autojump_clock):
    """A session that is closed ends its collections with ended_by closed; the partial result stays fetchable."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        kept = Keeping()
        collection = await hub.watch(session, watch_request(kept), wait_s=0, client=client, report_progress=no_progress)
        broker.publish("a/b", b"1")
        await trio.sleep(1)
        ended = await hub.close_session(session.id, client)
        assert ended.collections_ended == 1
        assert ended.messages_received == 1
        assert hub.collection(collection.id).window().ended_by == "closed"
        assert kept.topics == ["a/b"]


async def test_a_broker_that_never_lets_go_does_not_hold_up_the_end(autojump_clock):
    """Disconnect on the way out is bounded by close_timeout_s = 2."""
    broker = MemoryBroker()
    broker.silent.add("close")
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        for _ in range(3):
            await hub.open_session(MEMORY, client)
        start_s = trio.current_time()
    assert trio.current_time() == start_s + 2


async def test_ids_are_found_in_any_spelling_of_a_uuid_and_nothing_else_is(autojump_clock):
    """A model may upper-case an id; rubbish is session_unknown, with the ids there are."""
    async with memory_hub(MemoryBroker()) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        assert hub.session(session.id.upper(), client) is session
        with pytest.raises(ToolError) as caught:
            hub.session("'; drop table", client)
        assert caught.value.kind == ErrorKind.SESSION_UNKNOWN
        assert session.id in caught.value.message
        assert "drop table" not in str(caught.value)


async def test_an_unanswered_publish_is_unknown_after_ten_seconds(autojump_clock):
    """publish_ack_timeout_s = 10: TimedOut at stage PUBACK, the session lives on."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        session = await hub.open_session(MEMORY, hub.client_opened("a"))
        broker.silent.add("publish")
        start_s = trio.current_time()
        from mqtt_mcp.mqtt.client import Publication

        with pytest.raises(TimedOut) as caught:
            await session.publish(Publication("a", b"x", qos=1))
        assert trio.current_time() == start_s + 10
        assert caught.value.stage == "PUBACK"
        assert session.state == "connected"


async def test_an_unanswered_subscribe_fails_after_ten_seconds(autojump_clock):
    """subscribe_timeout_s = 10: the watch is refused, and nothing of it is left."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        broker.silent.add("subscribe")
        start_s = trio.current_time()
        with pytest.raises(TimedOut) as caught:
            await hub.watch(session, watch_request(Keeping()), wait_s=45, client=client, report_progress=no_progress)
        assert trio.current_time() == start_s + 10
        assert caught.value.stage == "SUBACK"
        await trio.sleep(5)
        assert session.collections == []
        assert hub.collections() == []


async def test_reconnection_takes_three_tries_after_one_two_and_four_seconds(autojump_clock):
    """Reconnect 1, 2, 4 s: attempts at +1, +3, +7 s, then the session ends and says why."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        client = hub.client_opened("a")
        session = await hub.open_session(MEMORY, client)
        start_s = trio.current_time()
        broker.attempts.clear()
        broker.refuse.extend(ConnectionLost("gone fishing") for _ in range(3))
        broker.drop_all()
        await trio.sleep(0.5)
        assert session.state == "reconnecting"
        with pytest.raises(ConnectionLost):
            session._link.client()
        await session.wait_ended()
        assert [t - start_s for t in broker.attempts] == [1, 3, 7]
        await trio.lowlevel.checkpoint()
        with pytest.raises(ToolError) as caught:
            hub.session(session.id, client)
        assert caught.value.kind == ErrorKind.SESSION_EXPIRED
        assert "3 tries to restore it failed (gone fishing)" in caught.value.message


async def test_a_restored_link_counts_its_tries_anew(autojump_clock):
    """Two losses with two tries each are not four tries of one."""
    broker = MemoryBroker()
    async with memory_hub(broker) as hub:
        session = await hub.open_session(MEMORY, hub.client_opened("a"))
        for _ in range(2):
            broker.refuse.extend([ConnectionLost("x"), ConnectionLost("x")])
            broker.drop_all()
            await trio.sleep(10)
            assert session.state == "connected"
        assert session.reconnects == 2
