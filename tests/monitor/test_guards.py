"""Each guard against a fault of the libraries, shown beside what happens without it.

The control runs Hypercorn's own ``serve`` with the stock classes. When one of these controls stops failing, the fault
was repaired upstream and the guard can go.
"""

import logging
from contextlib import asynccontextmanager

import hypercorn.trio
import pytest
import trio
from hypercorn.config import Config
from quart_trio import QuartTrio

from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.app import make_app
from mqtt_mcp.monitor.guards import GuardedQuart, Writes
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.metrics import Metrics
from testkit.monitor import LIMITS, FakeHub, ask, connect, eventually, following, running, talk

NO_ANSWER_S = 1.0
"""How long one waits to see that nothing happens."""
PATIENCE_S = 5.0
BIG = {"text": "x" * 100_000}
WEBSOCKET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
NO_ASCII = WEBSOCKET + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Extensions: \xff\r\n\r\n"
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"


class Stock:
    """Hypercorn's own server."""

    def __init__(self, port, stop):
        self.port = port
        self.stop = stop
        self.ended = trio.Event()
        self.failure = None


@asynccontextmanager
async def stock(app):
    """Run an application under the stock server."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = None
    config.errorlog = logging.getLogger("stock")
    config.graceful_timeout = LIMITS.graceful_s
    stop = trio.Event()
    server = Stock(0, stop)

    async def serve(task_status):
        try:
            await hypercorn.trio.serve(app, config, shutdown_trigger=stop.wait, task_status=task_status, mode="asgi")
        except* UnicodeDecodeError as errors:
            server.failure = errors
        server.ended.set()

    async with trio.open_nursery() as nursery:
        [url] = await nursery.start(serve)
        server.port = int(url.rpartition(":")[2])
        yield server
        nursery.cancel_scope.cancel()


def whole_app(hub):
    return make_app(hub, hub.feed, Metrics(hub, hub.feed), Access(), limits=LIMITS)


async def ends_within(seconds, event):
    with trio.move_on_after(seconds):
        await event.wait()
    return event.is_set()


# -- connections that are never closed -------------------------------------------------------------


async def gets_eof(port, request):
    try:
        answer = await talk(port, request, patience_s=NO_ANSWER_S)
    except trio.TooSlowError:
        return False
    assert answer.startswith(b"HTTP/1.1 200 ")
    return True


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\nHost: x\r\n\r\n"],
    ids=["Connection: close", "HTTP/1.0"],
)
@pytest.mark.parametrize(("kind", "closes"), [(QuartTrio, False), (GuardedQuart, True)], ids=["stock", "guarded"])
async def test_only_the_guarded_application_closes_a_connection_that_is_not_kept(kind, closes, request_bytes):
    app = kind("test")
    app.add_url_rule("/", view_func=hello)
    async with stock(app) as server:
        assert await gets_eof(server.port, request_bytes) is closes


@pytest.mark.parametrize(("kind", "closes"), [(QuartTrio, False), (GuardedQuart, True)], ids=["stock", "guarded"])
async def test_only_the_guarded_application_lets_idle_connections_end_with_the_server(kind, closes):
    app = kind("test")
    app.add_url_rule("/", view_func=hello)
    async with stock(app) as server, await connect(server.port) as client:
        assert (await client.ask("/")).body == b"hello"
        server.stop.set()
        assert await ends_within(0.7 * LIMITS.graceful_s, server.ended) is closes


async def hello():
    return "hello"


async def test_a_silent_connection_is_closed_after_its_last_request():
    async with running(limits=Limits(keep_alive_s=0.2)) as server, await connect(server.port) as client:
        assert (await client.ask("/healthz")).status == 200
        with trio.fail_after(PATIENCE_S):
            assert await client.rest() == b""


async def test_a_request_is_cancelled_when_its_client_has_gone():
    """The guard only holds for a request whose last byte is on its way."""
    async with running() as server:
        async with following(server.port):
            await eventually(lambda: len(server.hub.feed) == 1)
        await eventually(lambda: len(server.hub.feed) == 0)


# -- a peer that does not read ---------------------------------------------------------------------


@asynccontextmanager
async def stalled_reader(port, hub):
    """One who follows and stops reading, with a write to it under way."""
    async with await connect(port, receive_buffer_bytes=4096) as client:
        await client.send("/api/v1/events")
        assert (await client.head()).status == 200
        await eventually(lambda: len(hub.feed) == 1)
        for _ in range(60):
            hub.feed.publish("log", BIG)
        # The socket buffers are full when the server no longer empties the follower's queue.
        await settled(lambda: follower_queue(hub))
        yield client


def follower_queue(hub):
    [follower] = hub.feed._followers
    return follower.queued_bytes


async def settled(value):
    with trio.fail_after(PATIENCE_S):
        last, same = value(), 0
        while same < 20:
            await trio.sleep(0.005)
            now = value()
            last, same = now, same + 1 if now == last else 0


async def test_a_stalled_reader_keeps_the_stock_server_from_ending():
    hub = FakeHub()
    async with stock(whole_app(hub)) as server, stalled_reader(server.port, hub) as client:
        hub.feed.close()
        server.stop.set()
        assert not await ends_within(LIMITS.graceful_s + 1.0, server.ended)
        await trio.aclose_forcefully(client.stream)  # nothing else would release it
        assert await ends_within(PATIENCE_S, server.ended)


async def test_a_stalled_reader_does_not_keep_the_guarded_server_from_ending():
    async with running() as server, stalled_reader(server.port, server.hub):
        assert await server.shut_down() < 2.5


async def test_a_stalled_reader_does_not_hold_up_a_cancelled_server():
    async with running() as server, stalled_reader(server.port, server.hub):
        start_s = trio.current_time()
        server.cancel()
        assert await ends_within(PATIENCE_S, server.ended)
        assert trio.current_time() - start_s < LIMITS.graceful_s


async def test_a_stalled_reader_is_cut_off_while_the_server_runs():
    async with running(limits=Limits(write_timeout_s=0.3)) as server, stalled_reader(server.port, server.hub):
        await eventually(lambda: len(server.hub.feed) == 0)
        assert (await ask(server.port, "/healthz")).status == 200


async def test_a_slow_reader_has_the_time_for_each_piece_and_not_for_the_whole(autojump_clock):
    async def send(data):
        await trio.sleep(9)

    assert await Writes(10.0).send_all(send, bytes(1024 * 1024))
    assert trio.current_time() > 100


async def test_writes_that_begin_on_the_way_out_have_the_rest_of_the_time(autojump_clock):
    async def stalled(data):
        await trio.sleep_forever()

    writes = Writes(10.0)
    writes.end_within(1.0)
    start_s = trio.current_time()
    assert not await writes.send_all(stalled, b"x")
    assert not await writes.send_all(stalled, b"x")
    assert trio.current_time() - start_s == 1.0


# -- a fault of one connection ---------------------------------------------------------------------


async def test_bytes_of_one_client_end_the_stock_server():
    async with stock(whole_app(FakeHub())) as server:
        await talk(server.port, NO_ASCII)
        assert await ends_within(PATIENCE_S, server.ended)
        assert server.failure is not None


async def test_the_same_bytes_end_their_own_connection_only():
    async with running() as server:
        assert (await talk(server.port, NO_ASCII)).startswith(b"HTTP/1.1 403 ")
        assert (await ask(server.port, "/healthz")).status == 200


async def test_a_fault_in_a_connection_is_a_line_in_the_log(failure_expected, monkeypatch, caplog):
    async def broken(*_):
        raise ValueError("something nobody thought of")

    monkeypatch.setattr("mqtt_mcp.monitor.http1.Http1._check_protocol", broken)
    async with running() as server:
        assert await talk(server.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        monkeypatch.undo()
        assert (await ask(server.port, "/healthz")).status == 200
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == ["a connection failed"]


async def test_http_2_is_not_spoken():
    async with running() as server:
        assert (await talk(server.port, HTTP_2)).startswith(b"HTTP/1.1 400 ")
        answer = await ask(server.port, "/healthz", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
