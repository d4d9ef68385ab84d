"""What the monitor answers, as values: the same for the page, the REST interface and its OpenAPI document.

Owns the shapes that are not records of the journal (``hub.records``): how the hub is now. Times are wall clock in
seconds since 1970, so that a page can count down by itself. Makes none of them (``view`` does).
"""

from typing import Annotated, Literal

import msgspec

from mqtt_mcp.hub.records import Call, Change, Finding, LogLine, Publish, Severity, Topic

CollectionState = Literal["running", "duration", "limit", "quiet", "cancelled", "disconnected", "closed"]
"""``running``, or what ended it."""


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One MQTT session as it is now.

    Attributes:
        id: UUID.
        client_id: The MQTT client id.
        broker: Address, without credentials.
        profile: Configured broker it came from; empty for a URL.
        state: ``connecting``, ``connected`` or ``reconnecting``.
        trouble: Why it is reconnecting; empty otherwise.
        protocol: MQTT version.
        opened_at_epoch_s: When it was opened.
        expires_at_epoch_s: When it ends if nothing uses it from now on.
        held: Whether a running collection keeps it from expiring: the countdown stands still.
        clients: Connected MCP clients that use it.
        subscriptions: Topic filters it is subscribed to at this moment.
        messages_in, messages_out: Messages received and published.
        bytes_in, bytes_out: Their payloads together.
        messages_dropped: Messages that arrived and were let go because we were too slow.
        reconnects: How often the connection was restored.
        rate: Messages received in each of the last 60 seconds, oldest first.
    """

    id: str
    client_id: str
    broker: str
    profile: str
    state: Literal["connecting", "connected", "reconnecting", "ended"]
    trouble: str
    protocol: str
    opened_at_epoch_s: float
    expires_at_epoch_s: float
    held: bool
    clients: int
    subscriptions: list[str]
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    messages_dropped: int
    reconnects: int
    rate: list[int]


class CollectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One running or finished watch.

    Attributes:
        id: UUID.
        session_id: The session it runs or ran on.
        tool: The tool that started it.
        watching: What it watches: a topic filter or a device.
        filters: Topic filters it subscribed to.
        state: ``running``, or what ended it.
        started_at_epoch_s: When it began.
        duration_s: Seconds asked for.
        elapsed_s: Seconds watched.
        messages: Messages seen.
        limit: Messages it keeps at most; 0: it has no such limit.
        failure: What broke inside; empty when nothing did.
    """

    id: str
    session_id: str
    tool: str
    watching: str
    filters: list[str]
    state: CollectionState
    started_at_epoch_s: float
    duration_s: float
    elapsed_s: float
    messages: int
    limit: int
    failure: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The process and its totals.

    Attributes:
        version, pid: Of this process.
        now_epoch_s: The server's clock; a page corrects its own by it.
        started_at_epoch_s: When it started.
        rss_bytes, cpu_percent: Memory now; share of one core in the last second.
        broker: The default broker's address; empty when there is none.
        clients: Names of the MCP clients connected now.
        sessions, max_sessions: MQTT sessions, and how many there may be.
        collections_running: Watches that run.
        publishing: ``on``, ``limited`` (allow or deny lists) or ``off`` (read-only).
        actions: Whether this page may cancel and close.
        messages_in, messages_out, messages_dropped: Totals since the start.
        bytes_in, bytes_out: Their payloads together.
        in_per_s, out_per_s: Messages in the last full second.
        calls, calls_failed, publishes, publishes_refused: Totals since the start.
        findings: Findings that results told since the start, by severity.
        topics, topics_forgotten: Topics remembered, and those let go because there were too many.
        streams: Pages that follow live.
    """

    version: str
    pid: int
    now_epoch_s: float
    started_at_epoch_s: float
    rss_bytes: int
    cpu_percent: float
    broker: str
    clients: list[str]
    sessions: int
    max_sessions: int
    collections_running: int
    publishing: Literal["on", "limited", "off"]
    actions: bool
    messages_in: int
    messages_out: int
    messages_dropped: int
    bytes_in: int
    bytes_out: int
    in_per_s: int
    out_per_s: int
    calls: int
    calls_failed: int
    publishes: int
    publishes_refused: int
    findings: dict[Severity, int]
    topics: int
    topics_forgotten: int
    streams: int


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Messages per second over the last five minutes.

    Attributes:
        until_epoch_s: End of the last bucket; each is one second long.
        received, published: Oldest first, at most 300 each, equally many.
    """

    until_epoch_s: float
    received: list[int]
    published: list[int]


class TopicBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The event ``topic``: topics that got messages in the last second, those heard last first.

    Attributes:
        items: At most 200 of them.
        more: How many others changed.
    """

    items: list[Topic]
    more: int


class SessionClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The event ``session_closed``."""

    id: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page shows. Follow ``/api/v1/events`` from ``event_id`` on: nothing is missed, nothing doubled."""

    event_id: int
    status: Status
    throughput: Throughput
    sessions: list[SessionView]
    collections: list[CollectionView]
    calls: list[Call]
    publishes: list[Publish]
    changes: list[Change]
    logs: list[LogLine]
    findings: list[Finding]
    topics: list[Topic]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list of records: newest first.

    Attributes:
        limit: How many.
        before: Only those with a smaller id.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    before: Annotated[int, msgspec.Meta(ge=0)] | msgspec.UnsetType = msgspec.UNSET


class FindingsWindow(Window, frozen=True, kw_only=True):
    """The query of the findings.

    Attributes:
        min_severity: Only those that are at least so bad.
    """

    min_severity: Severity = "info"


class Health(msgspec.Struct, frozen=True):
    """``ok`` or ``starting``."""

    status: Literal["ok", "starting", "stopping"]


class Sessions(msgspec.Struct, frozen=True):
    """The open sessions, oldest first."""

    items: list[SessionView]


class Collections(msgspec.Struct, frozen=True):
    """The running and recently finished collections, oldest first."""

    items: list[CollectionView]


class Topics(msgspec.Struct, frozen=True):
    """The topics remembered, most recently heard last; ``forgotten`` were let go because there were too many."""

    items: list[Topic]
    forgotten: int


class Calls(msgspec.Struct, frozen=True):
    """Tool calls, newest first; ask again with ``before=next`` for older ones (null: there are none)."""

    items: list[Call]
    next: int | None


class Publishes(msgspec.Struct, frozen=True):
    """Publishes, newest first; see ``Calls``."""

    items: list[Publish]
    next: int | None


class Changes(msgspec.Struct, frozen=True):
    """Changes, newest first; see ``Calls``."""

    items: list[Change]
    next: int | None


class Logs(msgspec.Struct, frozen=True):
    """Log lines, newest first; see ``Calls``."""

    items: list[LogLine]
    next: int | None


class Findings(msgspec.Struct, frozen=True):
    """What results told is wrong, newest first, and of one result the worst first; see ``Calls``."""

    items: list[Finding]
    next: int | None
