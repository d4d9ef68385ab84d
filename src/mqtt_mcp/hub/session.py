"""One MQTT session: a link to one broker, kept for all calls until it is closed, expires or is lost for good.

Owns its lifetime, its running collections and their share of memory. Does not know who may use it or how many sessions
there may be: the hub does; nor how a connection is kept: the link does.

The task tree of a session: ``run`` holds a cancel scope whose deadline is the session's expiry, a nursery for its
collections, and the link as the nursery's body. What goes wrong inside is handed over as a value, never across the
nursery.
"""

import logging
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import trio

from mqtt_mcp.analysis.accumulator import EndedBy
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.bystander import Extras
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.lease import Client, Lease
from mqtt_mcp.hub.link import Link, State
from mqtt_mcp.hub.memory_share import keep_inside
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.retain_observer import RetainObserver
from mqtt_mcp.hub.router import Deliver, Tap
from mqtt_mcp.hub.tombstones import NEW_SESSION_HINT, Ended
from mqtt_mcp.hub.traffic_counts import TrafficCounts
from mqtt_mcp.hub.watch_request import ENDS, WatchRequest
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import Capabilities, MqttTransport, Publication, Receipt, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError
from mqtt_mcp.settings import Settings

logger = logging.getLogger(__name__)


class Session:
    """One session; made and run by the hub.

    Attributes:
        id: UUID, minted here.
        broker: Where it is connected to.
        opened_at_epoch_s: Wall clock of its making.
        collections: The running ones.
        lease: Who uses it and until when it lives.
        extras: What its watches may find out beside listening.
    """

    def __init__(
        self, broker: Broker, transport: MqttTransport, settings: Settings, policy: AccessPolicy, journal: Journal
    ) -> None:
        self.id = str(uuid.uuid4())
        self.broker = broker
        self.opened_at_epoch_s = time.time()
        self.collections: list[Collection] = []
        self.extras = Extras(policy, partial(RetainObserver, transport, broker, settings))
        self.lease = Lease(settings.session_ttl_s, settings.orphan_grace_s)
        self._settings = settings
        self._journal = journal
        self._link = Link(broker, transport, settings, policy, self, observe=journal.observe)
        self._collections_ended = 0
        self._nursery: trio.Nursery
        self._ready = trio.Event()
        self._over = trio.Event()
        self._end_reason = ""
        self._connect_error: MqttError | None = None

    # -- how it is -------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """``connecting``, ``connected``, ``reconnecting`` or ``ended``."""
        return self._link.state

    @property
    def capabilities(self) -> Capabilities:
        """What the broker said at the last connect."""
        return self._link.capabilities

    @property
    def client_id(self) -> str:
        """The client id at the last connect."""
        return self._link.client_id

    @property
    def was_connected(self) -> bool:
        """Whether the first connect succeeded."""
        return self._link.was_connected

    @property
    def reconnects(self) -> int:
        """How often the link was restored."""
        return self._link.reconnects

    @property
    def link_error(self) -> str:
        """Why it is reconnecting; empty otherwise."""
        return self._link.trouble

    @property
    def traffic(self) -> TrafficCounts:
        """What it carried since it was opened."""
        return self._link.traffic

    @property
    def filters(self) -> list[str]:
        """Topic filters its collections listen to at this moment."""
        return self._link.filters()

    @property
    def messages_dropped(self) -> int:
        """Messages that arrived and were let go because we were too slow."""
        return self._link.messages_dropped

    @property
    def messages_waiting(self) -> int:
        """Messages that have arrived and were not looked at yet."""
        return self._link.messages_waiting

    @property
    def idle_s(self) -> float:
        """Seconds since the last use."""
        return self.lease.idle_s

    @property
    def expires_in_s(self) -> float:
        """Seconds until it expires if nothing uses it."""
        return self.lease.expires_in_s

    @property
    def clients(self) -> int:
        """How many connected clients have used it."""
        return len(self.lease.clients)

    # -- its life --------------------------------------------------------------------------------

    def touch(self, client: Client) -> None:
        """Count a use by ``client``: moves the expiry."""
        self.lease.touch(client)

    async def run(self) -> None:
        """Live until closed, expired or lost: the body of the session's task. Never raises but ``Cancelled``."""
        try:
            with self.lease.scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    try:
                        self._lost_for_good(await self._link.keep())
                    except Exception as error:  # the session boundary: a fault in here ends this session only
                        logger.exception("session %s failed", self.id)
                        self._note_end(f"it failed inside ({type(error).__name__})")
                        self._end_collections("disconnected")
                    nursery.cancel_scope.cancel()
        finally:
            self._note_end(self.lease.expiry_reason() if self.lease.expired else "mqtt-mcp is shutting down")
            self._end_collections("closed")
            self._link.state = "ended"
            self._ready.set()
            self._over.set()

    async def wait_connected(self) -> None:
        """Wait until the first connect succeeded.

        Raises:
            MqttError: It did not; the session has ended.
        """
        await self._ready.wait()
        if self._connect_error is not None:
            raise self._connect_error
        if not self.was_connected:
            raise ConnectionLost(f"The session ended before it was connected: {self._end_reason}.", NEW_SESSION_HINT)

    async def wait_ended(self) -> None:
        """Wait until it is over."""
        await self._over.wait()

    def end(self, reason: str) -> None:
        """Begin to end it: collections keep what they have, DISCONNECT is sent, ``wait_ended`` returns soon."""
        self._note_end(reason)
        self._end_collections("closed")
        self.lease.scope.cancel()

    def ended(self) -> Ended:
        """How it ended; call it after ``wait_ended``."""
        return Ended(
            session_id=self.id,
            broker_url=self.broker.url,
            reason=self._end_reason,
            at_epoch_s=time.time(),
            at_s=trio.current_time(),
            messages_received=self.traffic.messages_in,
            collections_ended=self._collections_ended,
        )

    # -- what it does ----------------------------------------------------------------------------

    async def publish(self, publication: Publication, *, counted: bool = True) -> Receipt:
        """Publish over this connection; see the port. Gates are the caller's; housekeeping is not ``counted``.

        Raises:
            ConnectionLost: While reconnecting (nothing was sent) or when the link went before the acknowledgement.
            TimedOut: No acknowledgement within ``publish_ack_timeout_s``: the outcome is unknown.
            MqttError: As the port.
        """
        self._check_alive()
        return await self._link.publish(publication, counted=counted)

    async def ping(self) -> float:
        """Seconds between PINGREQ and PINGRESP."""
        self._check_alive()
        return await self._link.client().ping()

    @asynccontextmanager
    async def tap(self, subscriptions: Sequence[Subscription], deliver: Deliver) -> AsyncIterator[Tap]:
        """Listen privately while the block runs, for probes and confirmations.

        Args:
            subscriptions: Filters; refused ones are in the tap's ``refused``.
            deliver: Called synchronously for each message; must be quick and must not raise.

        Messages that match go to private taps only, so that a probe is nobody else's traffic, and are not subject to
        the reading gates.
        """
        self._check_alive()
        async with self._link.listening(tap := Tap(subscriptions, deliver, private=True)):
            yield tap

    def listening(self, *taps: Tap, lazily: bool = False) -> AbstractAsyncContextManager[None]:
        """Subscribe ``taps`` and route to them while the block runs; see ``Link.listening``."""
        return self._link.listening(*taps, lazily=lazily)

    async def caught_up(self, at_s: float) -> None:
        """Wait until what arrived before ``at_s`` has been handed out; see ``Link.caught_up``."""
        await self._link.caught_up(at_s)

    async def start_collection(self, request: WatchRequest) -> Collection:
        """Start a watch as a task of this session and wait until the broker granted it.

        Raises:
            MqttError: The link is down, SUBACK did not come, or no filter was granted.

        Cancellation: ends the watch.
        """
        self._check_alive()
        self._link.client()
        collection = Collection(self, request, stored_quiet_s=self._settings.stored_quiet_s)
        self.collections.append(collection)
        self.lease.hold()
        self._nursery.start_soon(self._run_collection, collection)
        try:
            await collection.wait_ready()
        except trio.Cancelled:
            collection.cancel()
            raise
        return collection

    async def _run_collection(self, collection: Collection) -> None:
        try:
            await collection.run()
        except Exception:  # the collection boundary: a fault in here ends this collection only
            logger.exception("collection %s failed", collection.id)
        finally:
            self.collections.remove(collection)
            self.lease.release()
            if collection.was_granted:
                told = f"{collection.tool} on {collection.label} ended: {ENDS[collection.ended_by]}."
                self._journal.changed("collection_ended", told, session_id=self.id, collection_id=collection.id)

    # -- what the link tells (LinkOwner) -----------------------------------------------------------

    def link_connected(self) -> None:
        """The first connect succeeded."""
        self._ready.set()

    def link_lost(self) -> None:
        """The connection went; reconnecting begins."""
        for collection in self.collections:
            collection.link_lost()
        told = f"The connection to {self.broker.url} was lost: {self.link_error}"
        self._journal.changed("session_lost", told, session_id=self.id)

    def link_restored(self) -> None:
        """Connected and subscribed again."""
        for collection in self.collections:
            collection.link_restored()
        self._journal.changed("session_restored", f"Connected to {self.broker.url} again.", session_id=self.id)

    def batch_handled(self) -> None:
        """Keep what the collections hold inside the session's budget."""
        keep_inside(self._settings.session_memory_bytes, self.collections)

    # -- details ---------------------------------------------------------------------------------

    def _lost_for_good(self, error: MqttError) -> None:
        if not self.was_connected:
            self._connect_error = error
            self._note_end("it never connected")
            return
        tries = len(self._settings.reconnect_delays_s)
        self._note_end(f"the connection was lost and {tries} tries to restore it failed ({error.message})")
        self._end_collections("disconnected")

    def _check_alive(self) -> None:
        if self.state == "ended":
            raise ToolError(ErrorKind.SESSION_EXPIRED, f"The session has ended: {self._end_reason}.", NEW_SESSION_HINT)

    def _note_end(self, reason: str) -> None:
        if not self._end_reason:
            self._end_reason = reason

    def _end_collections(self, ended_by: EndedBy) -> None:
        for collection in self.collections:
            if collection.running:
                self._collections_ended += 1
                collection.end(ended_by)
