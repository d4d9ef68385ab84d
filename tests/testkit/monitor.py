"""The monitor's web server for tests: a hub that is not there, a running server, and clients that can misbehave.

Real sockets and real time: never use ``autojump_clock`` with it. Every wait is bounded.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
import trio
from hypercorn.utils import parse_socket_addr

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.records import SEVERITIES, Call, Change, Finding, LogLine, Publish, Severity, Topic
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.limits import Limits
from mqtt_mcp.monitor.model import (
    Calls,
    Changes,
    CollectionView,
    Findings,
    Logs,
    Publishes,
    SessionView,
    Snapshot,
    Status,
    Throughput,
    Topics,
)
from mqtt_mcp.monitor.pages import STATIC
from mqtt_mcp.monitor.server import bind, run_monitor
from mqtt_mcp.monitor.source import NotRunning, Source

PATIENCE_S = 10.0
LOCAL = Access()
LIMITS = Limits()

STATUS = Status(
    version="1.2.3",
    pid=4711,
    now_epoch_s=1000.0,
    started_at_epoch_s=900.0,
    rss_bytes=50_000_000,
    cpu_percent=1.5,
    broker="mqtt://broker:1883",
    clients=["Cursor"],
    sessions=1,
    max_sessions=5,
    collections_running=1,
    publishing="on",
    actions=True,
    messages_in=1234,
    messages_out=5,
    messages_dropped=2,
    bytes_in=123_400,
    bytes_out=50,
    in_per_s=7,
    out_per_s=0,
    calls=9,
    calls_failed=1,
    publishes=5,
    publishes_refused=1,
    findings={"critical": 1, "high": 2, "medium": 0, "low": 0, "info": 3},
    topics=1,
    topics_forgotten=0,
    streams=0,
)
SESSION = SessionView(
    id="s-1",
    client_id="mqtt-mcp-1",
    broker="mqtt://broker:1883",
    profile="",
    state="connected",
    trouble="",
    protocol="5",
    opened_at_epoch_s=900.0,
    expires_at_epoch_s=4500.0,
    held=False,
    clients=1,
    subscriptions=["home/#"],
    messages_in=1,
    messages_out=1,
    bytes_in=10,
    bytes_out=10,
    messages_dropped=0,
    reconnects=0,
    rate=[0] * 60,
)
COLLECTION = CollectionView(
    id="c-1",
    session_id="s-1",
    tool="watch",
    watching="home/#",
    filters=["home/#"],
    state="running",
    started_at_epoch_s=990.0,
    duration_s=30.0,
    elapsed_s=10.0,
    messages=3,
    limit=0,
    failure="",
)


def call(number: int, **changes: Any) -> Call:
    """A tool call."""
    made = Call(
        id=number,
        at_epoch_s=1.0,
        tool="watch",
        client="Cursor",
        summary="home/#",
        args={},
        status="ok",
        duration_ms=5.0,
    )
    return msgspec.structs.replace(made, **changes)


def publish(number: int) -> Publish:
    """A publish."""
    return Publish(
        id=number,
        at_epoch_s=1.0,
        call_id=0,
        session_id="s-1",
        broker="mqtt://broker:1883",
        client="Cursor",
        topic="home/lamp",
        payload="on",
        encoding="utf-8",
        size_bytes=2,
        qos=0,
        retain=False,
        outcome="sent",
    )


def finding(number: int, **changes: Any) -> Finding:
    """A finding; a quarter of them are critical, high, medium and low."""
    made = Finding(
        id=number,
        at_epoch_s=1.0,
        severity=SEVERITIES[number % 4],
        code="device_offline",
        text="The lamp is offline.",
        where="home/lamp",
        tool="debug_device",
        session_id="s-1",
        collection_id="c-1",
    )
    return msgspec.structs.replace(made, **changes)


@dataclass
class FakeHub:
    """A hub as the monitor sees it, with what the test puts into it."""

    feed: Feed = field(default_factory=lambda: Feed(follower_bytes=64 * 1024 * 1024))  # for those that never read
    ready: bool = True
    stopping: bool = False
    on_call_ended: list[Callable[[Call], None]] = field(default_factory=list)
    status_now: Status = STATUS
    open_sessions: dict[str, SessionView] = field(default_factory=lambda: {"s-1": SESSION})
    watches: dict[str, CollectionView] = field(default_factory=lambda: {"c-1": COLLECTION})
    all_calls: list[Call] = field(default_factory=lambda: [call(n) for n in range(1, 8)])
    all_publishes: list[Publish] = field(default_factory=lambda: [publish(n) for n in range(1, 8)])
    all_findings: list[Finding] = field(default_factory=lambda: [finding(n) for n in range(1, 8)])
    acted: list[tuple[str, str, str]] = field(default_factory=list)
    broken: bool = False

    def status(self) -> Status:
        if self.broken:
            raise RuntimeError("the hub is broken")
        return msgspec.structs.replace(self.status_now, streams=len(self.feed))

    def snapshot(self) -> Snapshot:
        return Snapshot(
            event_id=self.feed.last_id,
            status=self.status(),
            throughput=self.throughput(),
            sessions=self.sessions(),
            collections=self.collections(),
            calls=self.all_calls,
            publishes=self.all_publishes,
            changes=self.changes(None, 100).items,
            logs=self.logs(None, 100).items,
            findings=self.all_findings,
            topics=self.topics().items,
        )

    def throughput(self) -> Throughput:
        return Throughput(until_epoch_s=1000.0, received=[1, 2], published=[0, 1])

    def sessions(self) -> list[SessionView]:
        return list(self.open_sessions.values())

    def collections(self) -> list[CollectionView]:
        return list(self.watches.values())

    def topics(self) -> Topics:
        topic = Topic(
            topic="home/lamp", at_epoch_s=1.0, count=1, payload="on", encoding="utf-8", size_bytes=2, qos=0, retain=True
        )
        return Topics([topic], 0)

    def calls(self, before: int | None, limit: int) -> Calls:
        return Calls(*self._newest(self.all_calls, before, limit))

    def publishes(self, before: int | None, limit: int) -> Publishes:
        return Publishes(*self._newest(self.all_publishes, before, limit))

    def exported(self) -> list[Publish]:
        return list(self.all_publishes)

    def changes(self, before: int | None, limit: int) -> Changes:
        change = Change(id=1, at_epoch_s=1.0, kind="session_opened", text="a session was opened", session_id="s-1")
        return Changes(*self._newest([change], before, limit))

    def logs(self, before: int | None, limit: int) -> Logs:
        line = LogLine(id=2, at_epoch_s=1.0, level="info", logger="mqtt_mcp", text="hello")
        return Logs(*self._newest([line], before, limit))

    def findings(self, before: int | None, limit: int, min_severity: Severity = "info") -> Findings:
        wanted = SEVERITIES[: SEVERITIES.index(min_severity) + 1]
        return Findings(*self._newest([f for f in self.all_findings if f.severity in wanted], before, limit))

    def cancel_collection(self, collection_id: str, by: str) -> CollectionView | None:
        self.acted.append(("cancel", collection_id, by))
        found = self.watches.get(collection_id)
        if found is None:
            return None
        if found.state != "running":
            raise NotRunning(found.state)
        self.watches[collection_id] = msgspec.structs.replace(found, state="cancelled")
        return self.watches[collection_id]

    async def close_session(self, session_id: str, by: str) -> bool:
        self.acted.append(("close", session_id, by))
        await trio.lowlevel.checkpoint()
        return self.open_sessions.pop(session_id, None) is not None

    @staticmethod
    def _newest(records: list[Any], before: int | None, limit: int) -> tuple[list[Any], int | None]:
        older = [record for record in reversed(records) if before is None or record.id < before]
        return older[:limit], older[limit - 1].id if len(older) > limit else None


@dataclass
class Running:
    """A server that runs."""

    hub: FakeHub
    port: int
    stop: trio.Event
    ended: trio.Event
    scope: trio.CancelScope

    def cancel(self) -> None:
        """Cancel it."""
        self.scope.cancel()

    async def shut_down(self) -> float:
        """Stop it; how many seconds that took."""
        started_s = trio.current_time()
        self.stop.set()
        with trio.fail_after(PATIENCE_S):
            await self.ended.wait()
        return trio.current_time() - started_s


@asynccontextmanager
async def running(
    access: Access = LOCAL,
    *,
    hub: FakeHub | None = None,
    real: tuple[Source, Feed] | None = None,
    limits: Limits = LIMITS,
    static: Path = STATIC,
) -> AsyncIterator[Running]:
    """Run the monitor on a free port of loopback; it is ended with the block.

    Args:
        access: Who may do what.
        hub: What it shows.
        real: A real hub's view and feed, to be shown instead.
        limits: Its limits.
        static: Folder of the page.
    """
    hub = hub or FakeHub()
    source, feed = real or (hub, hub.feed)
    sock = bind("127.0.0.1", 0)
    server = Running(hub, sock.getsockname()[1], trio.Event(), trio.Event(), trio.CancelScope())

    async def serve(task_status: trio.TaskStatus[str]) -> None:
        with server.scope:
            await run_monitor(
                source, feed, sock, access, stop=server.stop, limits=limits, static=static, task_status=task_status
            )
        server.ended.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve)
        yield server
        server.stop.set()
        nursery.cancel_scope.deadline = trio.current_time() + PATIENCE_S


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return msgspec.json.decode(self.body)

    @property
    def is_problem(self) -> bool:
        """Whether it is an error in the form of all errors."""
        return self.headers["content-type"] == "application/problem+json" and self.json()["status"] == self.status


async def ask(
    port: int,
    path: str,
    method: str = "GET",
    *,
    body: str = "",
    peer: str = "127.0.0.1",
    **headers: str,
) -> Answer:
    """One request on a connection of its own.

    Args:
        port: Of the server.
        path: Request target.
        method: HTTP method.
        body: Sent with its length, if any.
        peer: Address it comes from.
        headers: With underscores for hyphens; ``Host`` is filled in.
    """
    async with await connect(port, peer=peer) as client:
        return await client.ask(path, method, body=body, **headers)


async def act(port: int, path: str, method: str, *, peer: str = "127.0.0.1", **headers: str) -> Answer:
    """One request that changes something, with the header it needs."""
    return await ask(port, path, method, peer=peer, **{"X_MQTT_MCP": "1", **headers})


@contextmanager
def seen_as(network: str) -> Iterator[None]:
    """Let the server see those who come from 127.0.0.x as ``network``x: a test has no addresses but loopback's."""

    def parse(family: int, address: tuple[Any, ...]) -> tuple[str, int] | None:
        parsed = parse_socket_addr(family, address)
        return parsed and (parsed[0].replace("127.0.0.", network), parsed[1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqtt_mcp.monitor.guards.parse_socket_addr", parse)
        yield


async def talk(port: int, request: bytes, *, patience_s: float = PATIENCE_S) -> bytes:
    """Send bytes and return all that comes until the server closes; ``trio.TooSlowError`` when it does not."""
    async with await connect(port) as client:
        with suppress(trio.BrokenResourceError):
            await client.stream.send_all(request)
        with trio.fail_after(patience_s):
            return await client.rest()


async def connect(port: int, *, receive_buffer_bytes: int = 0, peer: str = "127.0.0.1") -> "Client":
    """A connection; a small receive buffer makes a reader that stops reading felt soon."""
    sock = trio.socket.socket()
    if receive_buffer_bytes:
        sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer_bytes)
    try:
        await sock.bind((peer, 0))
        with trio.fail_after(PATIENCE_S):
            await sock.connect(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return Client(trio.SocketStream(sock), port)


class Client:
    """One connection."""

    def __init__(self, stream: trio.SocketStream, port: int) -> None:
        self.stream = stream
        self._port = port
        self._buffer = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def ask(self, path: str, method: str = "GET", *, body: str = "", **headers: str) -> Answer:
        """Send a request and read its answer."""
        await self.send(path, method, body=body, **headers)
        with trio.fail_after(PATIENCE_S):
            answer = await self.head()
            if method != "HEAD":
                answer.body = await self._body(answer)
        return answer

    async def send(self, path: str, method: str = "GET", *, body: str = "", **headers: str) -> None:
        """Send a request."""
        lines = {"Host": f"127.0.0.1:{self._port}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body:
            lines["Content-Length"] = str(len(body))
        head = "".join([f"{method} {path} HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in lines.items()), "\r\n"])
        with trio.fail_after(PATIENCE_S):
            await self.stream.send_all((head + body).encode("latin1"))

    async def head(self) -> Answer:
        """Read status and headers."""
        with trio.fail_after(PATIENCE_S):
            while b"\r\n\r\n" not in self._buffer:
                await self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        assert len(headers) == len(lines), f"a header came twice: {lines}"
        return Answer(int(first.split()[1]), headers, b"")

    async def rest(self) -> bytes:
        """Read until the server closes."""
        with suppress(EOFError, trio.BrokenResourceError):
            while True:
                await self._more()
        data, self._buffer = self._buffer, b""
        return data

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; empty at its end."""
        while b"\r\n" not in self._buffer:
            await self._more()
        size, _, self._buffer = self._buffer.partition(b"\r\n")
        length = int(size, 16)
        return (await self._exactly(length + 2))[:-2]

    async def rest_of_stream(self) -> bytes:
        """Read the chunks that come until the server closes."""
        parts = []
        with trio.fail_after(PATIENCE_S), suppress(EOFError, trio.BrokenResourceError):
            while part := await self.chunk():
                parts.append(part)
        return b"".join(parts)

    async def _body(self, answer: Answer) -> bytes:
        if answer.status in {204, 304}:
            return b""
        if "content-length" in answer.headers:
            return await self._exactly(int(answer.headers["content-length"]))
        if answer.headers.get("transfer-encoding") == "chunked":
            chunks = []
            while chunk := await self.chunk():
                chunks.append(chunk)
            return b"".join(chunks)
        return await self.rest()

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    async def _more(self) -> None:
        data = await self.stream.receive_some()
        if not data:
            raise EOFError
        self._buffer += data


@dataclass
class Event:
    """One server-sent event."""

    kind: str
    data: Any
    event_id: int | None


class EventReader:
    """Reads an event stream.

    Attributes:
        comments: Comments seen.
        retry_ms: What the server asked for.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.comments = 0
        self.retry_ms = 0
        self._text = b""
        self._over = False

    async def next(self) -> Event:
        """The next event; the stream must not end before it."""
        event = await self.next_or_end()
        assert event is not None, "the stream ended"
        return event

    async def next_or_end(self) -> Event | None:
        """The next event; None at the end of the stream."""
        with trio.fail_after(PATIENCE_S):
            while True:
                while b"\n\n" not in self._text:
                    if self._over or not await self._read():
                        return None
                block, _, self._text = self._text.partition(b"\n\n")
                if (event := self._parse(block.decode())) is not None:
                    return event

    async def until_end(self) -> list[Event]:
        """All events to the end of the stream."""
        found = []
        while (event := await self.next_or_end()) is not None:
            found.append(event)
        return found

    async def comment(self) -> None:
        """Wait for a comment."""
        seen = self.comments
        with trio.fail_after(PATIENCE_S):
            while self.comments == seen:
                block, found, rest = self._text.partition(b"\n\n")
                if found:
                    self._text = rest
                    self._parse(block.decode())
                else:
                    assert await self._read(), "the stream ended"

    async def _read(self) -> bool:
        try:
            chunk = await self.client.chunk()
        except (EOFError, trio.BrokenResourceError):
            chunk = b""
        self._over = not chunk
        self._text += chunk
        return bool(chunk)

    def _parse(self, block: str) -> Event | None:
        event = Event("", None, None)
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if name == "":
                self.comments += 1
            elif name == "retry":
                self.retry_ms = int(value)
            elif name == "event":
                event.kind = value
            elif name == "id":
                event.event_id = int(value)
            elif name == "data":
                event.data = msgspec.json.decode(value)
        return event if event.kind else None


@asynccontextmanager
async def following(port: int, path: str = "/api/v1/events", **headers: str) -> AsyncIterator[EventReader]:
    """Follow the event stream."""
    async with await connect(port) as client:
        await client.send(path, **headers)
        answer = await client.head()
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == "text/event-stream"
        yield EventReader(client)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of tests
            await trio.sleep(0.005)
