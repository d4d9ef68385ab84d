"""How much one client may ask for."""

from contextlib import AsyncExitStack
from itertools import count

import pytest
import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor.access import Grant
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.rate import RateLimit
from testkit.monitor import PATIENCE_S, FakeHub, act, ask, connect, following, running, talk


async def test_too_many_requests_of_one_address_are_refused_and_told_when_to_come_back():
    async with running(limits=Limits(requests_per_s=0.5, request_burst=3)) as server:
        answers = [await ask(server.port, "/healthz") for _ in range(4)]
        assert [a.status for a in answers] == [200, 200, 200, 429]
        assert answers[3].is_problem
        assert answers[3].headers["retry-after"] == "2"
        assert (await ask(server.port, "/healthz", peer="127.0.0.9")).status == 200


def test_a_bucket_fills_again_with_time():
    now = 0.0
    limit = RateLimit(per_s=10.0, burst=2, max_peers=8, clock=lambda: now)
    assert [limit.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.1]
    now = 0.1
    assert [limit.wait_s("a") for _ in range(2)] == [0.0, 0.1]
    now = 100.0
    assert [limit.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.1]


def test_addresses_without_end_take_no_memory_without_end():
    ticks = count()
    limit = RateLimit(per_s=1.0, burst=1, max_peers=100, clock=lambda: float(next(ticks)))
    for number in range(10_000):
        assert limit.wait_s(str(number)) == 0.0
    assert len(limit) == 100


async def is_closed(client):
    with trio.move_on_after(0.2):
        return await client.rest() == b""
    return False


async def answers(port, peer="127.0.0.1"):
    return (await ask(port, "/healthz", peer=peer)).status == 200


async def test_connections_beyond_the_limit_are_closed_at_once_when_all_are_in_use():
    """Each is a file descriptor that the MQTT side could need."""
    async with running(limits=Limits(max_connections=3)) as server, AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(following(server.port)) for _ in range(3)]
        for peer in ("127.0.0.1", "127.0.0.9"):
            async with await connect(server.port, peer=peer) as beyond:
                with trio.fail_after(PATIENCE_S):
                    assert await beyond.rest() == b""
        server.hub.feed.publish("log", {"text": "hello"})
        for reader in readers:
            assert (await reader.next()).data == {"text": "hello"}


async def test_a_newcomer_gets_the_place_of_the_one_that_has_been_silent_for_longest():
    async with running(limits=Limits(max_connections=4)) as server, AsyncExitStack() as stack:
        await stack.enter_async_context(following(server.port))
        kept, silent, later = [await stack.enter_async_context(await connect(server.port)) for _ in range(3)]
        await silent.stream.send_all(b"GET / HTT")  # half a request is none
        for client in (kept, later):
            assert (await client.ask("/healthz")).status == 200
        newcomers = [await stack.enter_async_context(await connect(server.port)) for _ in range(2)]
        for client in newcomers:
            assert (await client.ask("/healthz")).status == 200
        assert [await is_closed(c) for c in (silent, kept, later, *newcomers)] == [True, True, False, False, False]
        assert len(server.hub.feed) == 1


async def test_one_address_cannot_lock_the_others_out_with_connections_that_say_nothing():
    limits = Limits(max_connections=51, max_connections_per_peer=30)
    async with running(limits=limits) as server, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(await connect(server.port, peer="127.0.0.9")) for _ in range(52)]
        assert await answers(server.port)
        assert await answers(server.port, "127.0.0.9"), "not even itself"
        assert [await is_closed(idle[n]) for n in (0, 22, -1)] == [True, True, False]


async def test_many_addresses_cannot_either():
    limits = Limits(max_connections=40, max_connections_per_peer=30)
    async with running(limits=limits) as server, AsyncExitStack() as stack:
        for number in range(60):
            await stack.enter_async_context(await connect(server.port, peer=f"127.0.0.{10 + number % 3}"))
        assert await answers(server.port)


async def test_one_address_that_uses_all_its_connections_leaves_room_for_others():
    limits = Limits(max_connections=8, max_connections_per_peer=4)
    async with running(limits=limits) as server, AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(following(server.port))
        assert await talk(server.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        assert await answers(server.port, "127.0.0.9")
        assert len(server.hub.feed) == 4


def test_one_address_may_have_all_the_streams():
    assert Limits().max_streams < Limits().max_connections_per_peer < Limits().max_connections


# -- answers that are shared -----------------------------------------------------------------------


class CountingHub(FakeHub):
    """A hub that counts how often it is asked for what is large."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def topics(self):
        self.asked += 1
        return super().topics()


@pytest.mark.parametrize("name", ["topics", "snapshot"])
async def test_those_who_ask_within_a_second_share_one_answer(name):
    hub = CountingHub()
    async with running(hub=hub) as server:
        bodies = {(await ask(server.port, f"/api/v1/{name}")).body for _ in range(10)}
        assert (len(bodies), hub.asked) == (1, 1)
        await trio.sleep(1.0)
        await ask(server.port, f"/api/v1/{name}")
        assert hub.asked == 2


async def test_a_shared_snapshot_is_followed_from_the_event_it_was_made_at():
    async with running() as server:
        first = (await ask(server.port, "/api/v1/snapshot")).json()
        server.hub.feed.publish("log", {"text": "since"})
        shared = (await ask(server.port, "/api/v1/snapshot")).json()
        assert shared == first
        async with following(server.port, f"/api/v1/events?after={shared['event_id']}") as reader:
            assert (await reader.next()).data == {"text": "since"}


async def test_a_snapshot_that_cannot_be_followed_any_more_is_made_anew():
    async with running(hub=FakeHub(feed=Feed(ring_events=2))) as server:
        await ask(server.port, "/api/v1/snapshot")
        for _ in range(3):
            server.hub.feed.publish("log", {})
        event_id = (await ask(server.port, "/api/v1/snapshot")).json()["event_id"]
        assert event_id == server.hub.feed.last_id
        assert len(server.hub.feed) == 0


async def test_a_shared_snapshot_tells_each_what_they_may_do(monkeypatch):
    async def grant(_self, peer, *_):
        may_act = peer == "127.0.0.9"
        return Grant(may_read=True, may_act=may_act, through_proxy=False, token_helps=False, wrong_token=False)

    monkeypatch.setattr("mqtt_mcp.monitor.security.Gatekeeper.grant", grant)
    async with running() as server:
        for peer, may_act in [("127.0.0.9", True), ("127.0.0.1", False), ("127.0.0.9", True)]:
            answer = await ask(server.port, "/api/v1/snapshot", peer=peer)
            assert answer.json()["status"]["actions"] is may_act


async def test_who_acts_sees_what_came_of_it_at_once():
    async with running() as server:
        await ask(server.port, "/api/v1/snapshot")
        await act(server.port, "/api/v1/collections/c-1/cancel", "POST")
        snapshot = (await ask(server.port, "/api/v1/snapshot")).json()
        assert [c["state"] for c in snapshot["collections"]] == ["cancelled"]
        await act(server.port, "/api/v1/sessions/s-1", "DELETE")
        assert (await ask(server.port, "/api/v1/snapshot")).json()["sessions"] == []
