"""One MQTT session: one connection to one broker, kept for all calls until it is closed, expires or is lost for good.

Owns the link (connect, reconnect after 1, 2, 4 s, resubscribe), the pump from the inbox to the taps, its running
collections and its own lifetime. Does not know who may use it or how many sessions there may be: the hub does.

The task tree of a session: ``run`` holds a cancel scope whose deadline is the session's expiry, a nursery for its
collections, and the link as the nursery's body. What goes wrong inside is handed over as a value, never across the
nursery.
"""

import logging
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import msgspec
import trio

from mqtt_mcp.analysis.accumulator import EndedBy
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.collection import Collection, WatchRequest
from mqtt_mcp.hub.lease import Client, Lease
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.router import Deliver, Router, Tap
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import (
    Capabilities,
    ConnectOptions,
    MqttClient,
    MqttTransport,
    Publication,
    Receipt,
    Subscription,
)
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError, TimedOut
from mqtt_mcp.settings import Settings

logger = logging.getLogger(__name__)

State = Literal["connecting", "connected", "reconnecting", "ended"]


class Ended(msgspec.Struct, frozen=True):
    """How a session ended: what its id answers for an hour afterwards.

    Attributes:
        session_id: Its id.
        broker_url: The broker, without credentials.
        reason: A sentence: why it ended.
        at_epoch_s: Wall clock of the end.
        at_s: The same on trio's clock.
        messages_received: Messages it received.
        collections_ended: Collections that its end cut short.
    """

    session_id: str
    broker_url: str
    reason: str
    at_epoch_s: float
    at_s: float
    messages_received: int
    collections_ended: int


class Session:
    """One session; made and run by the hub.

    Attributes:
        id: UUID, minted here.
        broker: Where it is connected to.
        state: ``connecting``, ``connected``, ``reconnecting`` or ``ended``.
        capabilities: What the broker said at the last connect.
        lease: Who uses it and until when it lives.
        reconnects: How often the link was restored.
        messages_received: Messages that arrived since it was opened.
        link_error: Why it is reconnecting; empty otherwise.
        was_connected: Whether the first connect succeeded.
    """

    def __init__(self, broker: Broker, transport: MqttTransport, settings: Settings, policy: AccessPolicy) -> None:
        self.id = str(uuid.uuid4())
        self.broker = broker
        self.state: State = "connecting"
        self.capabilities = Capabilities(protocol="5.0")
        self.client_id = ""
        self.was_connected = False
        self.opened_at_epoch_s = time.time()
        self.reconnects = 0
        self.messages_received = 0
        self.link_error = ""
        self.collections: list[Collection] = []
        self.lease = Lease(settings.session_ttl_s, settings.orphan_grace_s)
        self._transport = transport
        self._settings = settings
        self._router = Router(policy)
        self._subscribing = trio.Lock()
        self._client: MqttClient | None = None
        self._dropped_before = 0
        self._collections_ended = 0
        self._nursery: trio.Nursery
        self._ready = trio.Event()
        self._over = trio.Event()
        self._end_reason = ""
        self._connect_error: ToolError | None = None

    @property
    def messages_dropped(self) -> int:
        """Messages that arrived and were let go because we were too slow, over all connections."""
        return self._dropped_before + (self._client.dropped if self._client else 0)

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
                        await self._keep_linked()
                    except Exception as error:  # the session boundary: a fault in here ends this session only
                        logger.exception("session %s failed", self.id)
                        self._note_end(f"it failed inside ({type(error).__name__})")
                        self._end_collections("disconnected")
                    nursery.cancel_scope.cancel()
        finally:
            self._note_end(self.lease.expiry_reason() if self.lease.expired else "mqtt-mcp is shutting down")
            self._end_collections("closed")
            self.state = "ended"
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
            messages_received=self.messages_received,
            collections_ended=self._collections_ended,
        )

    async def publish(self, publication: Publication) -> Receipt:
        """Publish over this session's connection; see the port. Gates are the caller's.

        Raises:
            ConnectionLost: While reconnecting (nothing was sent) or when the link went before the acknowledgement.
            TimedOut: No acknowledgement within ``publish_ack_timeout_s``: the outcome is unknown.
            MqttError: As the port.
        """
        client = self._connected()
        timeout_s = self._settings.publish_ack_timeout_s
        with trio.move_on_after(timeout_s):
            return await client.publish(publication)
        stage = "PUBCOMP" if publication.qos == 2 else "PUBACK"
        raise TimedOut(
            f"No {stage} within {timeout_s:g} s.",
            "The message may or may not have been delivered; look before publishing again.",
            stage=stage,
            seconds=timeout_s,
        )

    async def ping(self) -> float:
        """Seconds between PINGREQ and PINGRESP."""
        return await self._connected().ping()

    @asynccontextmanager
    async def tap(self, subscriptions: Sequence[Subscription], deliver: Deliver) -> AsyncIterator[Tap]:
        """Listen privately while the block runs, for probes and confirmations.

        Args:
            subscriptions: Filters; refused ones are in the tap's ``refused``.
            deliver: Called synchronously for each message; must be quick and must not raise.

        Messages that match go to private taps only, so that a probe is nobody else's traffic, and are not subject to
        the reading gates.
        """
        tap = Tap(subscriptions, deliver, private=True)
        async with self.listening(tap):
            yield tap

    @asynccontextmanager
    async def listening(self, tap: Tap) -> AsyncIterator[None]:
        """Subscribe ``tap`` and route to it while the block runs; on the way out unsubscribe what nobody else holds.

        Cancellation: leaves within ``close_timeout_s``, shielded.
        """
        wanted = self._router.join(tap)
        try:
            async with self._subscribing:
                await self._subscribe(self._connected(), wanted)
            yield
        finally:
            free = self._router.leave(tap)
            with trio.move_on_after(self._settings.close_timeout_s, shield=True):
                async with self._subscribing:
                    # Somebody may have taken one of them up while we waited for our turn.
                    await self._unsubscribe([f for f in free if not self._router.is_held(f)])

    async def start_collection(self, request: WatchRequest) -> Collection:
        """Start a watch as a task of this session and wait until the broker granted it.

        Raises:
            MqttError: The link is down, SUBACK did not come, or no filter was granted.

        Cancellation: ends the watch.
        """
        self._connected()
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

    async def _keep_linked(self) -> None:
        """Connect and stay connected; return when the link is lost for good, its reason noted."""
        attempt = 0
        while True:
            try:
                async with self._transport.connect(self.broker, self._connect_options()) as client:
                    await self._on_connected(client)
                    attempt = 0
                    await self._pump(client)
            except MqttError as error:
                self._on_lost(error)
                if self._connect_error is not None:
                    return
                self.link_error = error.message
            if attempt >= len(self._settings.reconnect_delays_s):
                tries = len(self._settings.reconnect_delays_s)
                self._note_end(f"the connection was lost and {tries} tries to reconnect failed ({self.link_error})")
                self._end_collections("disconnected")
                return
            await trio.sleep(self._settings.reconnect_delays_s[attempt])
            attempt += 1

    async def _on_connected(self, client: MqttClient) -> None:
        self.capabilities = client.capabilities
        self.client_id = client.client_id
        self._client = client
        first = not self.was_connected
        if not first:
            async with self._subscribing:
                await self._subscribe(client, self._router.all_subscriptions())
            self.reconnects += 1
        self.state = "connected"
        self.link_error = ""
        if first:
            self.was_connected = True
            self._ready.set()
        for collection in self.collections:
            collection.link_restored()

    def _on_lost(self, error: MqttError) -> None:
        """Note that there is no connection: the first connect failed, or an established one went."""
        if not self.was_connected:
            self._connect_error = error
            self._note_end("it never connected")
            return
        if self._client is not None:
            self._dropped_before += self._client.dropped
            self._client = None
        if self.state == "connected":
            self.state = "reconnecting"
            for collection in self.collections:
                collection.link_lost()

    async def _pump(self, client: MqttClient) -> None:
        """Hand messages to the taps until the connection is lost, yielding to other tasks every few milliseconds."""
        slice_s = self._settings.pump_slice_s
        while True:
            batch = await client.receive_batch()
            self.messages_received += len(batch)
            yield_at = time.perf_counter() + slice_s
            for number, message in enumerate(batch):
                for deliver in self._router.route(message.topic, message.subscription_ids):
                    deliver(message)
                if not number & 15 and time.perf_counter() > yield_at:
                    await trio.lowlevel.checkpoint()
                    yield_at = time.perf_counter() + slice_s
            self._bound_memory()

    def _bound_memory(self) -> None:
        """Keep what the collections hold inside the session's budget: all shrink in proportion."""
        held = sum(c.accumulator.kept_bytes for c in self.collections)
        if held <= self._settings.session_memory_bytes:
            return
        for collection in self.collections:
            share = collection.accumulator.kept_bytes / held
            collection.accumulator.shrink(int(share * self._settings.session_memory_bytes * 0.75))
            collection.memory_pressure = True

    async def _subscribe(self, client: MqttClient, subscriptions: list[Subscription]) -> None:
        if not subscriptions:
            return
        timeout_s = self._settings.subscribe_timeout_s
        with trio.move_on_after(timeout_s) as scope:
            codes = await client.subscribe(subscriptions)
            self._router.settle({s.topic_filter: code for s, code in zip(subscriptions, codes, strict=True)})
        if scope.cancelled_caught:
            raise TimedOut(
                f"No SUBACK within {timeout_s:g} s.",
                "The broker is connected but does not answer; run test_connection.",
                stage="SUBACK",
                seconds=timeout_s,
            )

    async def _unsubscribe(self, topic_filters: list[str]) -> None:
        if topic_filters and self._client is not None:
            try:
                await self._client.unsubscribe(topic_filters)
            except MqttError:
                logger.debug("unsubscribe on the way out failed", exc_info=True)

    def _connected(self) -> MqttClient:
        if self._client is not None and self.state == "connected":
            return self._client
        if self.state == "ended":
            raise ToolError(ErrorKind.SESSION_EXPIRED, f"The session has ended: {self._end_reason}.", NEW_SESSION_HINT)
        raise ConnectionLost(
            f"The connection to {self.broker.url} is down and is being restored ({self.link_error}).",
            "Nothing was sent. Wait a few seconds and call again; list_active_connections shows the state.",
        )

    def _connect_options(self) -> ConnectOptions:
        s = self._settings
        return ConnectOptions(
            connect_timeout_s=s.connect_timeout_s,
            # Requests are bounded here on trio's clock; the adapter's own bound is only the last resort.
            request_timeout_s=max(s.subscribe_timeout_s, s.publish_ack_timeout_s) + s.close_timeout_s,
            close_timeout_s=s.close_timeout_s,
            keepalive_s=s.keepalive_s,
            inbox_messages=s.inbox_messages,
            inbox_pause_messages=s.inbox_pause_messages,
            inbound_packet_bytes=s.inbound_packet_bytes,
        )

    def _note_end(self, reason: str) -> None:
        if not self._end_reason:
            self._end_reason = reason

    def _end_collections(self, ended_by: EndedBy) -> None:
        for collection in self.collections:
            if collection.running:
                self._collections_ended += 1
                collection.end(ended_by)


NEW_SESSION_HINT = "Call establish_connection for a new session."
