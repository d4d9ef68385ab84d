"""The hub as a person sees it: its state as values, and the two things a person may do to it.

Owns how sessions, collections and totals become what the monitor answers. Reads the hub, its journal and the pulse;
knows no HTTP. Every method but ``close_session`` is synchronous, so that what it returns belongs together.
"""

import os
import time
from collections.abc import Callable
from itertools import islice

import msgspec
import trio

from mqtt_mcp import __version__
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.hub.records import SEVERITIES, Call, Publish, Record, Severity
from mqtt_mcp.hub.session import Session
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
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.source import NotRunning

SNAPSHOT_CALLS = 500
SNAPSHOT_PUBLISHES = 500
SNAPSHOT_CHANGES = 100
SNAPSHOT_LOGS = 1000
SNAPSHOT_FINDINGS = 200
MAX_COLLECTIONS_SHOWN = 60
MAX_FILTERS_SHOWN = 50

_TEXT_CHARS = 1_000


class View:
    """What the monitor reads.

    Args:
        hub: The hub to look at.
        feed: Where its events are told.
        rates: Messages per second, kept by the pulse.
        actions: Whether somebody may act at all; a request may be refused all the same.

    Attributes:
        ready: Whether the doors are open.
        stopping: Whether the way out has begun.
        on_call_ended: Called with each finished call; quick, and what they raise is caught.
    """

    def __init__(self, hub: Hub, feed: Feed, rates: Rates, *, actions: bool) -> None:
        self.ready = False
        self.stopping = False
        self.on_call_ended: list[Callable[[Call], None]] = []
        self._hub = hub
        self._feed = feed
        self._rates = rates
        self._actions = actions
        self._started_at_epoch_s = time.time()
        hub.journal.listen(self._heard)

    # -- how it is -------------------------------------------------------------------------------

    def status(self) -> Status:
        """The process and its totals."""
        hub, journal = self._hub, self._hub.journal
        carried = hub.carried()
        default = hub.profiles.get(hub.default_profile)
        policy = hub.policy
        limited = bool(policy.publish_allow or policy.publish_deny)
        topics = journal.topics
        return Status(
            version=__version__,
            pid=os.getpid(),
            now_epoch_s=round(time.time(), 3),
            started_at_epoch_s=round(self._started_at_epoch_s, 3),
            rss_bytes=self._rates.rss_bytes,
            cpu_percent=self._rates.cpu_percent,
            broker=default.url if default else "",
            clients=[self._text(name) for name in hub.client_names()],
            sessions=len(hub.sessions()),
            max_sessions=hub.settings.max_sessions,
            collections_running=sum(c.running for c in hub.collections()),
            publishing="off" if policy.read_only else "limited" if limited else "on",
            actions=self._actions,
            messages_in=carried.messages_in,
            messages_out=carried.messages_out,
            messages_dropped=carried.dropped,
            bytes_in=carried.bytes_in,
            bytes_out=carried.bytes_out,
            in_per_s=self._rates.last_in,
            out_per_s=self._rates.last_out,
            calls=journal.totals.calls,
            calls_failed=journal.totals.calls_failed,
            publishes=journal.totals.publishes,
            publishes_refused=journal.totals.publishes_refused,
            findings=dict(journal.totals.findings),
            topics=len(topics) if topics else 0,
            topics_forgotten=topics.forgotten if topics else 0,
            streams=len(self._feed),
        )

    def snapshot(self) -> Snapshot:
        """Everything a page shows, and the event from which to follow."""
        journal = self._hub.journal
        return Snapshot(
            event_id=self._feed.last_id,
            status=self.status(),
            throughput=self.throughput(),
            sessions=self.sessions(),
            collections=self.collections(),
            calls=journal.calls.last(SNAPSHOT_CALLS),
            publishes=journal.publishes.last(SNAPSHOT_PUBLISHES),
            changes=journal.changes.last(SNAPSHOT_CHANGES),
            logs=journal.logs.last(SNAPSHOT_LOGS),
            findings=journal.findings.last(SNAPSHOT_FINDINGS),
            topics=self.topics().items,
        )

    def throughput(self) -> Throughput:
        """Messages per second over the last five minutes."""
        return self._rates.throughput()

    def sessions(self) -> list[SessionView]:
        """The open sessions, oldest first."""
        return [self.session(session) for session in self._hub.sessions()]

    def session(self, session: Session) -> SessionView:
        """One session."""
        traffic = session.traffic
        return SessionView(
            id=session.id,
            client_id=self._text(session.client_id),
            broker=session.broker.url,
            profile=session.broker.profile,
            state=session.state,
            trouble=self._text(session.link_error),
            protocol=session.capabilities.protocol,
            opened_at_epoch_s=round(session.opened_at_epoch_s, 3),
            expires_at_epoch_s=round(time.time() + session.expires_in_s, 3),
            held=bool(session.collections),
            clients=session.clients,
            subscriptions=[self._topic(f) for f in session.filters[:MAX_FILTERS_SHOWN]],
            messages_in=traffic.messages_in,
            messages_out=traffic.messages_out,
            bytes_in=traffic.bytes_in,
            bytes_out=traffic.bytes_out,
            messages_dropped=traffic.dropped,
            reconnects=session.reconnects,
            rate=self._rates.of_session(session.id),
        )

    def collections(self) -> list[CollectionView]:
        """The running and recently finished collections, oldest first; the youngest when there are very many."""
        return [self.collection(c) for c in self._hub.collections()[-MAX_COLLECTIONS_SHOWN:]]

    def collection(self, collection: Collection) -> CollectionView:
        """One collection."""
        window = collection.window()
        request = collection.request
        filters = islice((s.topic_filter for s in request.subscriptions), MAX_FILTERS_SHOWN)
        return CollectionView(
            id=collection.id,
            session_id=collection.session_id,
            tool=collection.tool,
            watching=self._topic(collection.label),
            filters=[self._topic(f) for f in filters],
            state=collection.ended_by,
            started_at_epoch_s=round(window.started_at_epoch_s, 3),
            duration_s=window.duration_s,
            elapsed_s=round(window.elapsed_s, 3),
            messages=collection.accumulator.messages,
            limit=request.limit,
            failure=collection.failure,
        )

    def topics(self) -> Topics:
        """The topics that sessions of this hub received something on."""
        table = self._hub.journal.topics
        return Topics(table.all(), table.forgotten) if table else Topics([], 0)

    # -- what happened ---------------------------------------------------------------------------

    def calls(self, before: int | None, limit: int) -> Calls:
        """Tool calls, newest first."""
        return Calls(*self._hub.journal.calls.newest(limit, before))

    def publishes(self, before: int | None, limit: int) -> Publishes:
        """Publishes, newest first."""
        return Publishes(*self._hub.journal.publishes.newest(limit, before))

    def exported(self) -> list[Publish]:
        """All publishes remembered, oldest first, redacted once more: by what was learned to be secret since."""
        return [
            msgspec.structs.replace(
                publish,
                topic=self._topic(publish.topic),
                payload=self._hub.journal.redactor.text(publish.payload, len(publish.payload) + _TEXT_CHARS),
                detail=self._text(publish.detail),
            )
            for publish in self._hub.journal.publishes
        ]

    def changes(self, before: int | None, limit: int) -> Changes:
        """Changes, newest first."""
        return Changes(*self._hub.journal.changes.newest(limit, before))

    def logs(self, before: int | None, limit: int) -> Logs:
        """Log lines, newest first."""
        return Logs(*self._hub.journal.logs.newest(limit, before))

    def findings(self, before: int | None, limit: int, min_severity: Severity = "info") -> Findings:
        """What results told is wrong, newest first."""
        wanted = SEVERITIES[: SEVERITIES.index(min_severity) + 1]
        return Findings(*self._hub.journal.findings.newest(limit, before, lambda one: one.severity in wanted))

    # -- what a person may do --------------------------------------------------------------------

    def cancel_collection(self, collection_id: str, by: str) -> CollectionView | None:
        """End a running collection; what it has stays fetchable.

        Args:
            collection_id: Its id.
            by: Who asked, for the journal.

        Returns:
            The collection as it is now; None when there is none with this id.

        Raises:
            NotRunning: It has ended already.
        """
        collection = next((c for c in self._hub.collections() if c.id == collection_id), None)
        if collection is None:
            return None
        if not collection.running:
            raise NotRunning(collection.ended_by)
        told = f"{by} cancelled {collection.tool} on {collection.label} on the monitor."
        self._hub.journal.changed("person_acted", told, session_id=collection.session_id, collection_id=collection.id)
        collection.cancel()
        return self.collection(collection)

    async def close_session(self, session_id: str, by: str) -> bool:
        """End a session; its collections keep what they have, DISCONNECT is sent. False when there is none.

        Cancellation: the session ends all the same.
        """
        session = next((s for s in self._hub.sessions() if s.id == session_id), None)
        if session is None:
            return False
        told = f"{by} closed the session on {session.broker.url} on the monitor."
        self._hub.journal.changed("person_acted", told, session_id=session.id)
        with trio.move_on_after(2 * self._hub.settings.close_timeout_s):
            await self._hub.end_session(session, "a person closed it on the monitor")
        return True

    # -- details ---------------------------------------------------------------------------------

    def _heard(self, record: Record) -> None:
        self._feed.publish(type(record).__name__.lower().replace("logline", "log"), record)
        if isinstance(record, Call) and record.status != "running":
            for listener in self.on_call_ended:
                listener(record)

    def _text(self, text: str) -> str:
        return self._hub.journal.redactor.text(text, _TEXT_CHARS)

    def _topic(self, topic: str) -> str:
        return self._hub.journal.redactor.topic(topic, _TEXT_CHARS)
