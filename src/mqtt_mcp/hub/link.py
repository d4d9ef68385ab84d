"""The link of a session: one connection at a time, restored after 1, 2 and 4 s, with its subscriptions.

Owns connecting, reconnecting, resubscribing, requests with their time limits, and the pump from the inbox to the taps.
Does not know collections or how long the session lives: it tells its owner what happens (``LinkOwner``).
"""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, Protocol

import msgspec
import trio

from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.router import Deliver, Router, Tap
from mqtt_mcp.hub.traffic_counts import TrafficCounts
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import (
    Capabilities,
    ConnectOptions,
    Message,
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


class LinkOwner(Protocol):
    """What a link tells its session; all methods are synchronous and quick."""

    def link_connected(self) -> None:
        """The first connect succeeded."""

    def link_lost(self) -> None:
        """The connection went; reconnecting begins."""

    def link_restored(self) -> None:
        """Connected and subscribed again."""

    def batch_handled(self) -> None:
        """A batch of messages has been handed to the taps."""


class Link:
    """The link of one session.

    Attributes:
        state: ``connecting``, ``connected``, ``reconnecting`` or ``ended``.
        capabilities: What the broker said at the last connect.
        client_id: The client id at the last connect.
        was_connected: Whether the first connect succeeded.
        reconnects: How often it was restored.
        counts: What it carried so far; what the present connection dropped is in ``traffic``.
        trouble: Why it is reconnecting; empty otherwise.
    """

    def __init__(
        self,
        broker: Broker,
        transport: MqttTransport,
        settings: Settings,
        policy: AccessPolicy,
        owner: LinkOwner,
        *,
        observe: Deliver | None = None,
    ) -> None:
        self.state: State = "connecting"
        self.capabilities = Capabilities(protocol="5.0")
        self.client_id = ""
        self.was_connected = False
        self.reconnects = 0
        self.counts = TrafficCounts()
        self.trouble = ""
        self._broker = broker
        self._transport = transport
        self._settings = settings
        self._owner = owner
        self._router = Router(policy, observe, self._uncount)
        # Subscribing and unsubscribing take turns: otherwise the last listener's UNSUBSCRIBE could overtake the
        # SUBSCRIBE of the next one for the same filter.
        self._subscribing = trio.Lock()
        self._client: MqttClient | None = None
        # Filters to unsubscribe as soon as it is our turn.
        self._unheld: set[str] = set()
        # While a batch is being handed out: when its first message arrived.
        self._handing_out_s: float | None = None
        self._not_handed_out = 0
        self._behind = trio.lowlevel.ParkingLot()

    @property
    def traffic(self) -> TrafficCounts:
        """What it carried until now, over all connections."""
        dropped = self.counts.dropped + (self._client.dropped if self._client else 0)
        return msgspec.structs.replace(self.counts, dropped=dropped)

    @property
    def messages_dropped(self) -> int:
        """Messages that arrived and were let go because we were too slow, over all connections."""
        return self.counts.dropped + (self._client.dropped if self._client else 0)

    @property
    def messages_waiting(self) -> int:
        """Messages that have arrived and were not handed to the taps yet."""
        return self._not_handed_out + (self._client.waiting if self._client else 0)

    async def keep(self) -> MqttError:
        """Connect and stay connected.

        Returns:
            Why there is no connection any more: the first connect failed (``was_connected`` is False then), or every
            try to restore it did.
        """
        delays_s = self._settings.reconnect_delays_s
        tries = 0
        while True:
            try:
                async with self._transport.connect(self._broker, self._connect_options()) as client:
                    await self._begin(client)
                    tries = 0
                    await self._pump(client)
            except MqttError as error:
                self._let_go(error)
                if not self.was_connected or tries == len(delays_s):
                    return error
            await trio.sleep(delays_s[tries])
            tries += 1

    async def publish(self, publication: Publication, *, counted: bool = True) -> Receipt:
        """Publish and wait for the acknowledgement, at most ``publish_ack_timeout_s``; see ``Session.publish``."""
        client = self.client()
        # The adapter keeps the limit, because only it knows whether the packet had left; this is the last resort.
        timeout_s = self._settings.publish_ack_timeout_s + self._settings.close_timeout_s
        with trio.move_on_after(timeout_s):
            receipt = await client.publish(publication)
            if counted:
                self.counts.messages_out += 1
                self.counts.bytes_out += len(publication.payload)
            return receipt
        stage = "PUBCOMP" if publication.qos == 2 else "PUBACK"
        raise TimedOut(
            f"No {stage} within {timeout_s:g} s.",
            "The message may or may not have been delivered; look before publishing again.",
            stage=stage,
            seconds=timeout_s,
        )

    @asynccontextmanager
    async def listening(self, *taps: Tap, lazily: bool = False) -> AsyncIterator[None]:
        """Subscribe ``taps`` and route to them while the block runs; then unsubscribe what nobody else holds.

        Args:
            taps: Who listens.
            lazily: On the way out leave the UNSUBSCRIBE to whoever sends the next one.

        Raises:
            MqttError: The connection is down, or SUBACK did not come within ``subscribe_timeout_s``.

        Cancellation: leaves within ``close_timeout_s``, shielded.
        """
        wanted = [subscription for tap in taps for subscription in self._router.join(tap)]
        try:
            async with self._subscribing:
                client = self.client()
                for tap in taps:
                    self._router.asking(tap, identifiers=self.capabilities.subscription_identifiers)
                await self._subscribe(client, wanted)
            yield
        finally:
            for tap in taps:
                self._unheld.update(self._router.leave(tap))
            if not lazily:
                await self._unsubscribe_in_turn()

    def filters(self) -> list[str]:
        """Topic filters that collections listen to at this moment."""
        return self._router.filters()

    async def caught_up(self, at_s: float) -> None:
        """Wait until what arrived before ``at_s`` has been handed out, at most ``catch_up_s``."""
        with trio.move_on_after(self._settings.catch_up_s):
            while True:
                # Twice, so that the pump has had its turn to take what waits.
                await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
                if self._handing_out_s is None or self._handing_out_s >= at_s:
                    return
                await self._behind.park()

    def client(self) -> MqttClient:
        """The live connection.

        Raises:
            ConnectionLost: There is none at the moment.
        """
        if self._client is not None and self.state == "connected":
            return self._client
        raise ConnectionLost(
            f"The connection to {self._broker.url} is down and is being restored ({self.trouble}).",
            "Nothing was sent. Wait a few seconds and call again; list_active_connections shows the state.",
        )

    async def _begin(self, client: MqttClient) -> None:
        self.capabilities = client.capabilities
        self.client_id = client.client_id
        self._client = client
        if not self.was_connected:
            self.state = "connected"
            self.was_connected = True
            self._owner.link_connected()
            return
        async with self._subscribing:
            self._unheld.clear()  # a new connection has no subscriptions
            await self._subscribe(client, self._router.all_subscriptions())
        self.state = "connected"
        self.trouble = ""
        self.reconnects += 1
        self._owner.link_restored()

    def _let_go(self, error: MqttError) -> None:
        self.trouble = error.message
        self._not_handed_out = 0
        if self._client is not None:
            self.counts.dropped += self._client.dropped
            self._client = None
        if self.state == "connected":
            self.state = "reconnecting"
            self._owner.link_lost()

    async def _pump(self, client: MqttClient) -> None:
        """Hand messages to the taps until the connection is lost, yielding to other tasks every few milliseconds."""
        slice_s = self._settings.pump_slice_s
        while True:
            batch = await client.receive_batch()
            self.counts.messages_in += len(batch)
            self.counts.bytes_in += sum([len(message.payload) for message in batch])
            self._handing_out_s = batch[0].received_s
            yield_at = time.perf_counter() + slice_s
            for number, message in enumerate(batch):
                for deliver in self._router.route(message.topic, message.subscription_ids):
                    deliver(message)
                if not number & 15 and time.perf_counter() > yield_at:
                    self._not_handed_out = len(batch) - number
                    await trio.lowlevel.checkpoint()
                    yield_at = time.perf_counter() + slice_s
            self._owner.batch_handled()
            self._not_handed_out = 0
            self._handing_out_s = None
            self._behind.unpark_all()

    def _uncount(self, message: Message) -> None:
        """A message that only our own extras asked for is no traffic."""
        self.counts.messages_in -= 1
        self.counts.bytes_in -= len(message.payload)

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

    async def _unsubscribe_in_turn(self) -> None:
        with trio.move_on_after(self._settings.close_timeout_s, shield=True):
            async with self._subscribing:
                await self._unsubscribe()

    async def _unsubscribe(self) -> None:
        # Somebody may have taken one of them up while we waited for our turn; who had no turn left theirs to us.
        free = [f for f in self._unheld if not self._router.is_held(f)]
        self._unheld.clear()
        if free and self._client is not None:
            try:
                await self._client.unsubscribe(free)
            except MqttError:
                logger.debug("unsubscribe on the way out failed", exc_info=True)

    def _connect_options(self) -> ConnectOptions:
        s = self._settings
        return ConnectOptions(
            connect_timeout_s=s.connect_timeout_s,
            request_timeout_s=max(s.subscribe_timeout_s, s.publish_ack_timeout_s),
            close_timeout_s=s.close_timeout_s,
            keepalive_s=s.keepalive_s,
            inbox_messages=s.inbox_messages,
            inbox_pause_messages=s.inbox_pause_messages,
            inbox_bytes=s.inbox_bytes,
            inbound_packet_bytes=s.inbound_packet_bytes,
        )
