"""A monitor for the browser to visit: the real web server in a thread, on a hub that says what a test puts into it.

Owns the thread and the hub's content. Synchronous, because Playwright's tests are. The texts it is given go out as they
are: what the hub would have made harmless before, the page has to make harmless by itself.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import trio

from mqtt_mcp.hub.records import SEVERITIES, Call, Change, Finding, LogLine, Publish, Topic
from mqtt_mcp.monitor.access import Access
from mqtt_mcp.monitor.model import (
    Changes,
    CollectionView,
    Logs,
    SessionClosed,
    SessionView,
    Status,
    Throughput,
    TopicBatch,
    Topics,
)
from mqtt_mcp.monitor.server import bind, run_monitor
from testkit.monitor import COLLECTION, LOCAL, SESSION, STATUS, FakeHub

PATIENCE_S = 10.0
SESSION_IDS = ["e3e70682-c209-4cac-a29f-6fbed82c07cd", "cd613e30-d8f1-4adf-91b7-584a2265b1f5"]
COLLECTION_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@dataclass
class Hub(FakeHub):
    """A hub whose every record is the test's."""

    all_changes: list[Change] = field(default_factory=list)
    all_logs: list[LogLine] = field(default_factory=list)
    all_topics: list[Topic] = field(default_factory=list)
    refuses: bool = False
    last_id: int = 0

    def __post_init__(self) -> None:
        self.all_calls = []
        self.all_publishes = []
        self.all_findings = []
        self.open_sessions = {}
        self.watches = {}
        self.status_now = msgspec.structs.replace(STATUS, started_at_epoch_s=round(time.time() - 4000, 3))

    def status(self) -> Status:
        """How it is at this moment."""
        return msgspec.structs.replace(
            self.status_now,
            now_epoch_s=round(time.time(), 3),
            sessions=len(self.open_sessions),
            calls=len(self.all_calls),
            findings={name: sum(f.severity == name for f in self.all_findings) for name in SEVERITIES},
            topics=len(self.all_topics),
            streams=len(self.feed),
        )

    def throughput(self) -> Throughput:
        """Five busy minutes."""
        return Throughput(until_epoch_s=time.time(), received=[n % 40 for n in range(300)], published=[0] * 300)

    def topics(self) -> Topics:
        """All of them."""
        return Topics(self.all_topics, self.status_now.topics_forgotten)

    def changes(self, before: int | None, limit: int) -> Changes:
        """Newest first."""
        return Changes(*self._newest(self.all_changes, before, limit))

    def logs(self, before: int | None, limit: int) -> Logs:
        """Newest first; a page shows as many as there are."""
        return Logs(*self._newest(self.all_logs, before, max(limit, 2000)))

    def cancel_collection(self, collection_id: str, by: str) -> CollectionView | None:
        """Cancel it and tell everybody."""
        cancelled = super().cancel_collection(collection_id, by)
        if cancelled is not None:
            self.feed.publish("collection", cancelled)
        return cancelled

    async def close_session(self, session_id: str, by: str) -> bool:
        """Close it and tell everybody, unless it refuses."""
        if self.refuses:
            return False
        closed = await super().close_session(session_id, by)
        if closed:
            self.feed.publish("session_closed", SessionClosed(id=session_id))
        return closed

    def next_id(self) -> int:
        """The number of the next record."""
        self.last_id += 1
        return self.last_id


class Site:
    """A monitor that can be visited.

    Args:
        hub: What it shows; an empty one when none is given.
        access: Who may do what.
        port: Port; 0: any.

    Attributes:
        hub: What it shows.
        port: Its port; stays the same over restarts.
    """

    def __init__(self, hub: Hub | None = None, *, access: Access = LOCAL, port: int = 0) -> None:
        self.hub = hub or Hub()
        self.port = port
        self._access = access
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it; it answers when this returns."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._run,), name="monitor")
        self._thread.start()
        assert self._ready.wait(PATIENCE_S), "the monitor does not start"

    def stop(self) -> None:
        """End it and all streams."""
        if self._thread is not None:
            trio.from_thread.run_sync(self._stop.set, trio_token=self._trio)
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive(), "the monitor does not end"
            self._thread = None

    def restart(self) -> None:
        """End it and start it again as another process would be: on the same port, with events of its own."""
        self.stop()
        self.hub.feed = type(self.hub.feed)()
        self.hub.status_now = msgspec.structs.replace(self.hub.status_now, started_at_epoch_s=round(time.time(), 3))
        self.start()

    @property
    def streams(self) -> int:
        """How many pages follow now."""
        return len(self.hub.feed)

    def tell(self, kind: str, data: Any) -> None:
        """Publish an event."""
        trio.from_thread.run_sync(self.hub.feed.publish, kind, data, trio_token=self._trio)

    def call(self, tool: str = "list_topics", summary: str = "home/#", **fields: Any) -> Call:
        """A tool call arrives, or with ``id`` one that was there ends."""
        given: dict[str, Any] = {
            "id": self.hub.next_id() if "id" not in fields else 0, "at_epoch_s": time.time(), "tool": tool,
            "client": "Cursor", "summary": summary, "args": {"pattern": summary}, "status": "ok", "duration_ms": 21.5,
            "result_bytes": 3400, "session_id": SESSION_IDS[0], **fields,
        }  # fmt: skip
        made = Call(**given)
        self.hub.all_calls = [*(c for c in self.hub.all_calls if c.id != made.id), made]
        self.tell("call", made)
        return made

    def publish(self, topic: str, payload: str = "on", **fields: Any) -> Publish:
        """A client publishes, or tries to."""
        given: dict[str, Any] = {
            "id": self.hub.next_id(), "at_epoch_s": time.time(), "call_id": 0, "session_id": SESSION_IDS[0],
            "broker": "mqtt://broker:1883", "client": "Cursor", "topic": topic, "payload": payload, "encoding": "utf-8",
            "size_bytes": len(payload.encode()), "qos": 1, "retain": False, "outcome": "acknowledged", **fields,
        }  # fmt: skip
        made = Publish(**given)
        self.hub.all_publishes.append(made)
        self.tell("publish", made)
        return made

    def change(self, text: str, **fields: Any) -> None:
        """Something began or ended."""
        made = Change(
            **{"id": self.hub.next_id(), "at_epoch_s": time.time(), "kind": "client_came", **fields}, text=text
        )
        self.hub.all_changes.append(made)
        self.tell("change", made)

    def log(self, text: str, level: str = "info", **fields: Any) -> None:
        """A line is logged."""
        given: dict[str, Any] = {
            "id": self.hub.next_id(),
            "at_epoch_s": time.time(),
            "logger": "mqtt_mcp.hub",
            **fields,
        }
        made = LogLine(**given, level=level, text=text)  # type: ignore[arg-type]
        self.hub.all_logs.append(made)
        self.tell("log", made)

    def finding(self, text: str, severity: str = "high", **fields: Any) -> Finding:
        """A result tells something, or with ``id`` more about something it told before."""
        given: dict[str, Any] = {
            "id": self.hub.next_id() if "id" not in fields else 0, "at_epoch_s": time.time(), "code": "device_offline",
            "where": "home/lamp", "tool": "debug_device", "session_id": SESSION_IDS[0], "collection_id": COLLECTION_ID,
            **fields,
        }  # fmt: skip
        made = Finding(**given, severity=severity, text=text)  # type: ignore[arg-type]
        self.hub.all_findings = [*(f for f in self.hub.all_findings if f.id != made.id), made]
        self.tell("finding", made)
        return made

    def topic(self, topic: str, payload: str = "21.5", **fields: Any) -> None:
        """A message is received."""
        self.topics({topic: payload}, **fields)

    def topics(self, values: dict[str, str], **fields: Any) -> None:
        """Messages are received, one on each topic."""
        known = {t.topic: t for t in self.hub.all_topics}
        made = []
        for topic, payload in values.items():
            count = known[topic].count + 1 if topic in known else 1
            given: dict[str, Any] = {
                "at_epoch_s": time.time(), "count": count, "encoding": "utf-8", "size_bytes": len(payload.encode()),
                "qos": 0, **fields,
            }  # fmt: skip
            made.append(Topic(topic=topic, payload=payload, **given))
            known[topic] = made[-1]
        self.hub.all_topics = list(known.values())
        self.tell("topic", TopicBatch(items=made, more=0))

    def session(self, number: int = 0, **fields: Any) -> SessionView:
        """A session opens or changes."""
        given: dict[str, Any] = {
            "id": SESSION_IDS[number], "client_id": f"mqtt-mcp-{number}", "expires_at_epoch_s": time.time() + 3400,
            "rate": [n % 9 for n in range(60)], **fields,
        }  # fmt: skip
        made = msgspec.structs.replace(SESSION, **given)
        self.hub.open_sessions[made.id] = made
        self.tell("session", made)
        return made

    def collection(self, **fields: Any) -> CollectionView:
        """A collection starts or changes."""
        given: dict[str, Any] = {
            "id": COLLECTION_ID, "session_id": SESSION_IDS[0], "started_at_epoch_s": time.time() - 10, **fields,
        }  # fmt: skip
        made = msgspec.structs.replace(COLLECTION, **given)
        self.hub.watches[made.id] = made
        self.tell("collection", made)
        return made

    async def _run(self) -> None:
        self._trio = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        sock = bind("127.0.0.1", self.port)
        self.port = sock.getsockname()[1]
        async with trio.open_nursery() as nursery:
            serve = partial(run_monitor, self.hub, self.hub.feed, sock, self._access, stop=self._stop)
            await nursery.start(serve)
            nursery.start_soon(self._beat, nursery.cancel_scope)
            self._ready.set()

    async def _beat(self, scope: trio.CancelScope) -> None:
        """Tell the status each second, as the hub does, until the server ends."""
        while not self._stop.is_set():
            self.hub.feed.publish("status", self.hub.status())
            with trio.move_on_after(1):
                await self._stop.wait()
        scope.deadline = trio.current_time() + 3


@contextmanager
def site(hub: Hub | None = None, *, access: Access = LOCAL) -> Iterator[Site]:
    """A running monitor for the time of the block."""
    made = Site(hub, access=access)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def fill(site: Site, text: str = "") -> None:
    """Put something of everything into a monitor; ``text`` goes wherever a stranger's text may stand."""
    hub = site.hub
    hub.status_now = msgspec.structs.replace(
        hub.status_now, broker=f"mqtt://broker/{text}", clients=["Cursor", text or "Claude"], publishing="limited",
        topics_forgotten=3,
    )  # fmt: skip
    site.session(held=True, subscriptions=["home/#", f"x/{text}", "a", "b", "c"], client_id=f"me{text}")
    site.session(
        1, state="reconnecting", trouble=f"refused {text}", expires_at_epoch_s=time.time() + 100, messages_dropped=3,
        reconnects=2, clients=0, subscriptions=[],
    )  # fmt: skip
    site.collection(watching=f"home/{text}", limit=500)
    site.collection(id="c-2", state="disconnected", failure=f"broke {text}", watching="factory/#")
    for status in ("ok", "error", "timeout", "cancelled"):
        site.call("publish_message", f"home/lamp {text}", status=status, error="" if status == "ok" else f"no: {text}")
    running = site.call("subscribe_and_collect", "home/#", status="running", duration_ms=msgspec.UNSET, result_bytes=0)
    for outcome in ("acknowledged", "sent", "not_sent", "unknown", "refused"):
        site.publish(f"home/lamp/{text}", f"on {text}", outcome=outcome, detail=f"why {text}", call_id=running.id)
    site.publish("cam/front", "/9j/4AAQ", encoding="base64", size_bytes=88_000, truncated=True, retain=True)
    site.publish("home/old", "", retain=True)
    site.change(f"Cursor connected. {text}")
    site.change(f"A session was lost. {text}", kind="session_lost")
    for level in ("debug", "info", "warning", "error"):
        site.log(f"something happened {text}\nsecond line", level, missed=14 if level == "error" else 0)
    for severity in ("info", "low", "medium", "high", "critical"):
        site.finding(f"The lamp is {severity}. {text}", severity, where=f"home/{text}", code=f"alarm{text}", count=3)
    site.finding("Gone.", "low", since_epoch_s=time.time() - 60, collection_id="gone-for-good")
    site.topic("home/kitchen/temperature", "21.5", retain=True)
    site.topic("home/kitchen/light", '{"state": "ON"}')
    site.topic(f"home/{text or 'bath'}/x", f"on {text}")
    site.topic("cam/front", "/9j/4AAQ", encoding="base64", size_bytes=88_000, truncated=True)
    site.topic("/leading//empty", "1")
