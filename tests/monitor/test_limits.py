"""How much one client may ask for."""

from itertools import count

import trio

from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.rate import RateLimit
from testkit.monitor import PATIENCE_S, ask, connect, running


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


async def test_connections_beyond_the_limit_are_closed_at_once():
    """Each is a file descriptor that the MQTT side could need."""
    async with running(limits=Limits(max_connections=3)) as server:
        clients = [await connect(server.port) for _ in range(3)]
        for client in clients:
            assert (await client.ask("/healthz")).status == 200
        async with await connect(server.port) as beyond:
            with trio.fail_after(PATIENCE_S):
                assert await beyond.rest() == b""
        for client in clients:
            assert (await client.ask("/healthz")).status == 200
            await client.__aexit__()
