"""The hub: the owner of everything that lasts.

Owns the sessions (at most five, found by id, with tombstones that say when and why one ended), the collections by
handle, and the clients that use them. Every door speaks to one hub. Does not know MQTT beyond the port, nor MCP at all.
"""

import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.brokers import resolve_broker
from mqtt_mcp.hub.collection import Collection, WatchRequest
from mqtt_mcp.hub.lease import Client
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.results import Results
from mqtt_mcp.hub.session import Session
from mqtt_mcp.hub.tombstones import NEW_SESSION_HINT, Ended, Tombstones
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import MqttTransport
from mqtt_mcp.mqtt.network import NetworkProbe
from mqtt_mcp.mqtt.topics import check_topic_filter
from mqtt_mcp.settings import DEFAULTS, Settings

logger = logging.getLogger(__name__)

__all__ = ["Client", "Hub", "open_hub"]

ReportProgress = Callable[[float, float, str], None]
Render = Callable[[], msgspec.Struct]
Offload = Callable[[Render], Awaitable[msgspec.Struct]]


async def in_place(render: Render) -> msgspec.Struct:
    """Make a result here and now: what tests in virtual time want, since trio's clock would jump over a thread."""
    return render()


@asynccontextmanager
async def open_hub(
    transport: MqttTransport,
    network: NetworkProbe,
    *,
    settings: Settings = DEFAULTS,
    policy: AccessPolicy | None = None,
    profiles: Mapping[str, Broker] | None = None,
    default_profile: str = "",
    offload: Offload = in_place,
) -> AsyncIterator["Hub"]:
    """Run a hub while the block runs.

    Args:
        transport: How MQTT connections are made.
        network: How names are resolved and ports looked at, for the diagnosis.
        settings: The limits.
        policy: What may be published and read; everything by default.
        profiles: Brokers by name.
        default_profile: The one to use when none is named; empty when there is none.
        offload: Where results of finished collections are made. It may take tens of milliseconds, in which nobody
            should have to wait: a worker thread in the product.

    Leaving the block ends every collection and session: each sends DISCONNECT, all at once, within ``close_timeout_s``.
    """
    async with trio.open_nursery() as nursery:
        hub = Hub(
            nursery,
            transport=transport,
            network=network,
            settings=settings,
            policy=policy or AccessPolicy(),
            profiles=profiles or {},
            default_profile=default_profile,
            offload=offload,
        )
        nursery.start_soon(hub.run_janitor)
        try:
            yield hub
        finally:
            nursery.cancel_scope.cancel()


class Hub:
    """See the module; made by ``open_hub``."""

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
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.transport = transport
        self.network = network
        self.profiles = dict(profiles)
        self.default_profile = default_profile
        # The broker that a tool's arguments mean; takes the keywords of ``brokers.resolve_broker``.
        self.resolve_broker = partial(resolve_broker, self.profiles, default_profile)
        self._offload = offload
        self._nursery = nursery
        self._sessions: dict[str, Session] = {}
        self._tombstones = Tombstones(settings.tombstone_keep_s)
        self._results = Results(settings)
        self._clients_seen = 0

    # -- clients ---------------------------------------------------------------------------------

    def client_opened(self, name: str) -> Client:
        """Register a client of a door."""
        self._clients_seen += 1
        return Client(name, self._clients_seen)

    def client_closed(self, client: Client) -> None:
        """A client has gone: sessions that only it used live for the orphan grace."""
        for session in self._sessions.values():
            if client in session.lease.clients:
                session.lease.leave(client)

    # -- sessions --------------------------------------------------------------------------------

    async def open_session(self, broker: Broker, client: Client) -> Session:
        """Connect to ``broker`` and keep the connection as a new session.

        Raises:
            ToolError: ``session_limit``, with the sessions there are and the call that frees one.
            MqttError: The connection could not be made; no session is left behind.

        Cancellation: no session is left behind.
        """
        await self._make_room()
        session = Session(broker, self.transport, self.settings, self.policy)
        session.touch(client)
        self._sessions[session.id] = session
        self._nursery.start_soon(self._run_session, session)
        try:
            await session.wait_connected()
        except trio.Cancelled:
            session.end("the request that opened it was cancelled")
            raise
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
        session = self.session(session_id, client)
        session.end("it was closed by close_connection")
        await session.wait_ended()
        return session.ended()

    def sessions(self) -> list[Session]:
        """The sessions there are, oldest first."""
        return [s for s in self._sessions.values() if s.state not in ("connecting", "ended")]

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
        if collection.running:
            return collection.render()  # it is fed while we look, so no other thread may
        return await self._offload(collection.render)

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
            if session.was_connected:
                self._tombstones.add(session.ended())

    async def _make_room(self) -> None:
        """Close sessions whose clients have gone, longest idle first, until one more fits."""
        limit = self.settings.max_sessions
        while len(self._sessions) >= limit:
            orphans = [s for s in self._sessions.values() if s.lease.orphaned]
            if not orphans:
                raise self._session_limit()
            oldest = max(orphans, key=lambda s: s.idle_s)
            oldest.end("its clients had gone and its place was needed")
            await oldest.wait_ended()
            self._sessions.pop(oldest.id, None)

    def _session_limit(self) -> ToolError:
        rows = "; ".join(
            f"{s.id} on {s.broker.url}, idle {s.idle_s:.0f} s" for s in sorted(self._sessions.values(), key=_idle)
        )
        longest_idle = max(self._sessions.values(), key=_idle)
        return ToolError(
            ErrorKind.SESSION_LIMIT,
            f"{len(self._sessions)} sessions are open, which is the most there may be: {rows}.",
            f'Use one of these, or free one: close_connection(session_id="{longest_idle.id}").',
        )


def _idle(session: Session) -> float:
    return session.idle_s


def _canonical(handle: str) -> str:
    """A UUID in its usual spelling; anything else stays as it is and will not be found."""
    try:
        return str(uuid.UUID(handle))
    except ValueError:
        return handle
