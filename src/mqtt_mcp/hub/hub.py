"""The hub: the owner of everything that lasts.

Owns the sessions (at most five, found by id, with tombstones that say when and why one ended), the collections by
handle, and the clients that use them. Every door speaks to one hub. Does not know MQTT beyond the port, nor MCP at all.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.brokers import resolve_broker
from mqtt_mcp.hub.clients import Clients
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.finding_notes import FindingNotes, Offload, Render
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.lease import Client
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.results import Results
from mqtt_mcp.hub.session import Session
from mqtt_mcp.hub.session_limit import session_limit
from mqtt_mcp.hub.tombstones import NEW_SESSION_HINT, Ended, Tombstones
from mqtt_mcp.hub.traffic_counts import TrafficCounts
from mqtt_mcp.hub.watch_request import WatchRequest
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import MqttTransport
from mqtt_mcp.mqtt.network import NetworkProbe
from mqtt_mcp.mqtt.topics import check_topic_filter
from mqtt_mcp.settings import Settings

logger = logging.getLogger(__name__)

__all__ = ["Client", "Hub", "Offload", "Render"]

ReportProgress = Callable[[float, float, str], None]


class Hub:
    """See the module; made by ``opening.open_hub``, which says what the arguments are."""

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        transport: MqttTransport,
        network: NetworkProbe,
        settings: Settings,
        policy: AccessPolicy,
        profiles: Mapping[str, Broker],
        default_profile: str,
        offload: Offload,
        journal: Journal,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.transport = transport
        self.network = network
        self.journal = journal
        self.profiles = dict(profiles)
        self.default_profile = default_profile
        # The broker that a tool's arguments mean; takes the keywords of ``brokers.resolve_broker``.
        self.resolve_broker = partial(
            resolve_broker, self.profiles, default_profile, profiles_only=self.policy.profiles_only
        )
        self._findings = FindingNotes(journal, offload)
        self._nursery = nursery
        self._sessions: dict[str, Session] = {}
        self._tombstones = Tombstones(settings.tombstone_keep_s)
        self._results = Results(settings)
        self._clients = Clients(journal)
        self._carried_before = TrafficCounts()
        # Where a person can watch this hub; empty when nowhere.
        self.monitor_url = ""

    # -- clients ---------------------------------------------------------------------------------

    def client_opened(self, name: str) -> Client:
        """Register a client of a door."""
        return self._clients.came(name)

    def client_closed(self, client: Client) -> None:
        """A client has gone: sessions that only it used live for the orphan grace."""
        self._clients.went(client)
        for session in self._sessions.values():
            if client in session.lease.clients:
                session.lease.leave(client)

    def client_names(self) -> list[str]:
        """The clients that are here."""
        return self._clients.names()

    # -- sessions --------------------------------------------------------------------------------

    async def open_session(self, broker: Broker, client: Client) -> Session:
        """Connect to ``broker`` and keep the connection as a new session.

        Raises:
            ToolError: ``session_limit``, with the sessions there are and the call that frees one.
            MqttError: The connection could not be made; no session is left behind.

        Cancellation: no session is left behind.
        """
        await self._make_room()
        if broker.password is not None:
            self.journal.redactor.learn(broker.password.reveal())
        session = Session(broker, self.transport, self.settings, self.policy, self.journal)
        session.touch(client)
        self._sessions[session.id] = session
        self._nursery.start_soon(self._run_session, session)
        try:
            await session.wait_connected()
        except trio.Cancelled:
            session.end("the request that opened it was cancelled")
            raise
        told = f"Connected to {broker.url} with MQTT {session.capabilities.protocol}."
        self.journal.changed("session_opened", told, session_id=session.id)
        return session

    def session(self, session_id: str, client: Client) -> Session:
        """The session with this id, counted as used by ``client``.

        Raises:
            ToolError: ``session_expired`` with when and why it ended; ``session_unknown`` with the ids there are.
        """
        session = self._sessions.get(_canonical(session_id))
        if session is not None and session.state not in ("connecting", "ended"):
            session.touch(client)
            return session
        self._tombstones.check(_canonical(session_id))
        open_now = ", ".join(s.id for s in self.sessions()) or "none"
        raise ToolError(
            ErrorKind.SESSION_UNKNOWN,
            f"There is no session with this id. Open sessions: {open_now}.",
            NEW_SESSION_HINT + " Pass the session_id it returns exactly as it is.",
        )

    async def close_session(self, session_id: str, client: Client) -> Ended:
        """End a session: its collections keep what they have, DISCONNECT is sent.

        Raises:
            ToolError: As ``session``.
        """
        return await self.end_session(self.session(session_id, client), "it was closed by close_connection")

    async def end_session(self, session: Session, reason: str) -> Ended:
        """End a session and wait until it is over; ``reason`` is a sentence part."""
        session.end(reason)
        await session.wait_ended()
        return session.ended()

    def sessions(self) -> list[Session]:
        """The sessions there are, oldest first."""
        return [s for s in self._sessions.values() if s.state not in ("connecting", "ended")]

    def carried(self) -> TrafficCounts:
        """What all sessions carried since the start, ended ones too."""
        total = TrafficCounts()
        for counts in (self._carried_before, *(session.traffic for session in self._sessions.values())):
            total.add(counts)
        return total

    # -- collections -----------------------------------------------------------------------------

    async def watch(
        self,
        session: Session,
        request: WatchRequest,
        *,
        wait_s: float,
        client: Client,
        report_progress: ReportProgress,
    ) -> Collection:
        """Start a collection and wait for its end, at most ``wait_s`` seconds.

        Args:
            session: Where to listen.
            request: What to watch.
            wait_s: Seconds this call may block; the collection goes on in the background after that.
            client: Who asked.
            report_progress: Told about once a second: seconds done, seconds in all, a sentence with counts.

        Returns:
            The collection, finished or still running.

        Raises:
            TopicInvalid: A filter breaks a rule of MQTT.
            ToolError: A filter may not be read here, too many collections run, or the broker refused every filter.

        Cancellation: ends the collection with ``ended_by: cancelled``; what it has stays fetchable by its id.
        """
        for subscription in request.subscriptions:
            check_topic_filter(subscription.topic_filter)
            self.policy.check_filter(subscription.topic_filter)
        session.touch(client)
        with self._results.place():
            collection = await session.start_collection(request)
        self._results.add(collection)
        self._findings.follow(collection, self._nursery)
        told = f"{request.tool} began to watch {request.label} for {request.duration_s:g} s."
        self.journal.changed("collection_started", told, session_id=session.id, collection_id=collection.id)
        try:
            await self.wait_for(collection, wait_s=wait_s, report_progress=report_progress)
        except trio.Cancelled:
            collection.cancel()
            raise
        return collection

    async def wait_for(self, collection: Collection, *, wait_s: float, report_progress: ReportProgress) -> bool:
        """Wait for a collection's end, at most ``wait_s`` seconds, reporting progress. Returns whether it ended.

        Cancellation: ends only the wait.
        """
        until_s = trio.current_time() + wait_s
        while True:
            now = trio.current_time()
            if await collection.wait(min(self.settings.progress_interval_s, max(0.0, until_s - now))):
                return True
            if trio.current_time() >= until_s:
                return False
            window = collection.window()
            report_progress(window.elapsed_s, window.duration_s, collection.accumulator.progress())

    def collection(self, collection_id: str, client: Client | None = None) -> Collection:
        """The running or finished collection with this id; ``client`` asking for a running one uses its session.

        Raises:
            ToolError: ``collection_unknown``.
        """
        collection = self._results.get(_canonical(collection_id))
        if client is not None and collection.running and collection.session_id in self._sessions:
            self._sessions[collection.session_id].touch(client)
        return collection

    async def render(self, collection: Collection) -> msgspec.Struct:
        """The result of a collection as of now, without making anybody else wait for it.

        Raises:
            ToolError: ``internal`` when the analysis broke.
        """
        return await self._findings.result(collection)

    def collections(self) -> list[Collection]:
        """Every collection that can be asked for, oldest first."""
        return self._results.all()

    # -- the hub's own tasks ---------------------------------------------------------------------

    async def run_janitor(self) -> None:
        """Every minute, forget what nobody can ask for any more."""
        while True:
            await trio.sleep(self.settings.janitor_interval_s)
            self._results.sweep()
            self._tombstones.sweep()

    async def _run_session(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            self._sessions.pop(session.id, None)
            self._carried_before.add(session.traffic)
            if session.was_connected:
                ended = session.ended()
                self._tombstones.add(ended)
                told = f"The session on {ended.broker_url} ended: {ended.reason}."
                self.journal.changed("session_ended", told, session_id=session.id)

    async def _make_room(self) -> None:
        """Close sessions whose clients have gone, longest idle first, until one more fits."""
        limit = self.settings.max_sessions
        while len(self._sessions) >= limit:
            orphans = [s for s in self._sessions.values() if s.lease.orphaned]
            if not orphans:
                raise session_limit(self._sessions.values())
            oldest = max(orphans, key=lambda s: s.idle_s)
            oldest.end("its clients had gone and its place was needed")
            await oldest.wait_ended()
            self._sessions.pop(oldest.id, None)


def _canonical(handle: str) -> str:
    """A UUID in its usual spelling; anything else stays as it is and will not be found."""
    try:
        return str(uuid.UUID(handle))
    except ValueError:
        return handle
