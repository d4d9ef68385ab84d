"""How the server ends: soon, whatever its clients do, and without a trace."""

import logging

import pytest
import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.server import bind, run_monitor
from testkit.monitor import FakeHub, ask, connect, following, running

AT_ONCE_S = Limits().graceful_s
"""Sooner than the grace for requests that still run: nothing waited for it."""
GATE_S = 2.5


async def test_without_clients_it_ends_at_once():
    async with running() as server:
        assert await server.shut_down() < AT_ONCE_S


async def test_with_a_kept_connection_it_ends_at_once():
    async with running() as server, await connect(server.port) as client:
        await client.ask("/healthz")
        assert await server.shut_down() < AT_ONCE_S
        assert await client.rest() == b""


async def test_with_a_connection_that_never_said_anything_it_ends_at_once():
    async with running() as server, await connect(server.port):
        assert await server.shut_down() < AT_ONCE_S


async def test_with_half_a_request_it_ends_at_once():
    async with running() as server, await connect(server.port) as client:
        await client.stream.send_all(b"GET / HTT")
        assert await server.shut_down() < AT_ONCE_S


async def test_with_half_a_body_it_ends_after_the_grace():
    async with running() as server, await connect(server.port) as client:
        await client.send("/api/v1/collections/c-1/cancel", "POST", X_MQTT_MCP="1", Content_Length="10")
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert await server.shut_down() < GATE_S


async def test_a_stream_gets_its_last_event_and_a_proper_end():
    async with running() as server, following(server.port) as reader:
        await trio.testing.wait_all_tasks_blocked(0.05)
        server.hub.feed.publish("log", {"text": "going"})
        assert await server.shut_down() < AT_ONCE_S
        assert [event.data for event in await reader.until_end()] == [{"text": "going"}]


async def test_a_hundred_streams_end_together():
    async with running() as server, trio.open_nursery() as nursery:

        async def follow(task_status):
            async with following(server.port) as reader:
                task_status.started()
                assert await reader.next_or_end() is None

        for _ in range(100):
            await nursery.start(follow)
        assert await server.shut_down() < AT_ONCE_S


async def test_the_port_is_free_afterwards():
    async with running() as server:
        await ask(server.port, "/healthz")
        await server.shut_down()
        bind("127.0.0.1", server.port).close()


async def test_it_is_cancelled_like_anything_else():
    async with running() as server, following(server.port):
        start_s = trio.current_time()
        server.cancel()
        await server.ended.wait()
        assert trio.current_time() - start_s < AT_ONCE_S
        assert len(server.hub.feed) == 0


async def test_nothing_of_it_stays_in_the_hub():
    hub = FakeHub()
    for _ in range(2):
        async with running(hub=hub) as server:
            assert len(hub.on_call_ended) == 1
            await server.shut_down()
        hub.feed = Feed()
    assert hub.on_call_ended == []


async def test_a_monitor_that_cannot_start_is_a_line_in_the_log(failure_expected, caplog, monkeypatch):
    def broken(*_, **__):
        raise OSError("no such file")

    monkeypatch.setattr("mqtt_mcp.monitor.server.make_app", broken)
    hub = FakeHub()
    sock = bind("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:

        async def serve(task_status):
            await run_monitor(hub, hub.feed, sock, Access(), stop=trio.Event(), task_status=task_status)

        assert await nursery.start(serve) == ""
    assert sock.fileno() == -1
    assert hub.on_call_ended == []
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "no such file" in record.exc_text or "no such file" in str(record.exc_info)


async def test_two_servers_of_one_process_do_not_touch_each_other():
    async with running(limits=Limits(write_timeout_s=1.0)) as one, running() as other:
        await one.shut_down()
        assert (await ask(other.port, "/healthz")).status == 200
        with pytest.raises(OSError, match=r"\d"):
            await ask(one.port, "/healthz")
