"""An MQTT broker in memory, in pure trio: the second implementation of the port, for tests in virtual time.

Owns what a broker does as far as the port shows it: stored messages, granted QoS, refusals, losses, silence. Behaves as
mosquitto 2.0.11 does where MQTT leaves a choice: on MQTT 5 one copy per matching subscription, each with its
identifier; on 3.1.1 one copy; a denied QoS 0 publish vanishes, a denied subscription is refused. Does not know TCP
or TLS.
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

import msgspec
import trio

from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.capabilities import read_capabilities
from mqtt_mcp.mqtt.client import (
    Capabilities,
    ConnectOptions,
    Message,
    MqttClient,
    Properties,
    ProtocolVersion,
    Publication,
    Receipt,
    Subscription,
)
from mqtt_mcp.mqtt.errors import MqttError, TimedOut
from mqtt_mcp.mqtt.limits import check_publication, check_subscriptions
from mqtt_mcp.mqtt.reason_codes import NO_MATCHING_SUBSCRIBERS, lost_connection, raise_for_code, refused_connect
from mqtt_mcp.mqtt.topics import check_topic_filter, matches

Stage = Literal["connect", "subscribe", "unsubscribe", "publish", "ping", "close"]
NOT_AUTHORIZED = 0x87


class Counters:
    """How often clients did something; tests assert on it."""

    def __init__(self) -> None:
        self.connects = 0
        self.disconnects = 0
        self.subscribes = 0
        self.unsubscribes = 0
        self.publishes = 0
        self.pings = 0


class MemoryBroker:
    """Implements ``MqttTransport``. Every attribute may be changed while clients are connected.

    Args:
        protocol: The version every client gets.
        max_qos, max_packet_bytes, retain_available, receive_maximum: As in CONNACK.
        accounts: User name → password; None lets everybody in.
        latency_s: Seconds every exchange takes.
        deny_subscribe: Filters refused in SUBACK with 0x87 (0x80 on MQTT 3.1.1), compared as text.
        deny_publish: Topic filters that nobody may publish to.

    Attributes:
        capabilities: What the next clients are told in CONNACK.
        deny_subscribe_next: Filters refused in the next SUBSCRIBE that holds them, once each.
        hang_up_on: Topic filters; who publishes there is disconnected without a word.
        refuse: The next connects fail with these, one each; None lets that one in.
        silent: Stages that get no answer: they end in ``TimedOut`` (``close`` takes the whole close timeout).
        attempts: Time of every connect on trio's clock, refused ones too.
        counters: What clients did.
        received: Every publication of a client that the broker took.
        retained: Stored messages by topic.
        sessions: The live connections.
    """

    def __init__(
        self,
        *,
        protocol: ProtocolVersion = "5.0",
        max_qos: int = 2,
        max_packet_bytes: int | None = None,
        retain_available: bool = True,
        receive_maximum: int = 65_535,
        accounts: dict[str, str] | None = None,
        latency_s: float = 0.0,
        deny_subscribe: Sequence[str] = (),
        deny_publish: Sequence[str] = (),
    ) -> None:
        self.max_qos = max_qos
        # A 3.1.1 broker has limits too, but no way to tell.
        self.capabilities = (
            read_capabilities(b"", protocol)
            if protocol == "3.1.1"
            else Capabilities(
                protocol=protocol,
                max_qos=max_qos,
                max_packet_bytes=max_packet_bytes,
                retain_available=retain_available,
                receive_maximum=receive_maximum,
            )
        )
        self.accounts = accounts
        self.latency_s = latency_s
        self.deny_subscribe = set(deny_subscribe)
        self.deny_publish = set(deny_publish)
        self.deny_subscribe_next: list[str] = []
        self.hang_up_on: list[str] = []
        self.refuse: deque[MqttError | None] = deque()
        self.silent: set[Stage] = set()
        self.attempts: list[float] = []
        self.counters = Counters()
        self.received: list[Publication] = []
        self.retained: dict[str, Publication] = {}
        self.sessions: list[MemoryClient] = []

    def connect(self, broker: Broker, options: ConnectOptions) -> AbstractAsyncContextManager[MqttClient]:
        """As the port."""
        return self._connect(broker, options)

    @asynccontextmanager
    async def _connect(self, broker: Broker, options: ConnectOptions) -> AsyncIterator[MqttClient]:
        self.attempts.append(trio.current_time())
        await _answer("CONNACK", self, "connect", options.connect_timeout_s, trio.Event())
        error = self.refuse.popleft() if self.refuse else self._login_error(broker)
        if error is not None:
            raise error
        client = MemoryClient(self, broker, options, f"memory-{len(self.attempts)}")
        self.counters.connects += 1
        self.sessions.append(client)
        try:
            yield client
        finally:
            if client in self.sessions:
                self.sessions.remove(client)
                self.counters.disconnects += 1
                if "close" in self.silent:
                    with trio.CancelScope(shield=True):
                        await trio.sleep(options.close_timeout_s)
            client.lose(None)

    def _login_error(self, broker: Broker) -> MqttError | None:
        if self.accounts is None:
            return None
        username = broker.username.reveal() if broker.username else ""
        password = broker.password.reveal() if broker.password else ""
        if username and self.accounts.get(username) == password:
            return None
        v5 = self.capabilities.protocol == "5.0"
        return refused_connect(NOT_AUTHORIZED if v5 else 5, self.capabilities.protocol, broker.url)

    def publish(
        self,
        topic: str,
        payload: bytes = b"",
        qos: int = 0,
        *,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> int:
        """Publish as a device outside would, at once. Returns the number of clients that subscribe to it."""
        return self.route(Publication(topic, payload, qos, retain, properties))

    def drop_all(self, reason_code: int | None = None) -> None:
        """End every connection, with DISCONNECT ``reason_code`` or, for None, by closing the socket."""
        for client in list(self.sessions):
            self.sessions.remove(client)
            client.lose(reason_code)

    def route(self, publication: Publication) -> int:
        """Store and deliver a publication. Returns the number of clients that have a matching subscription."""
        if publication.retain and self.capabilities.retain_available:
            if publication.payload:
                self.retained[publication.topic] = publication
            else:
                self.retained.pop(publication.topic, None)
        return sum(client.offer(publication) for client in self.sessions)


class MemoryClient:
    """One connection to a ``MemoryBroker``; implements ``MqttClient``."""

    def __init__(self, broker: MemoryBroker, address: Broker, options: ConnectOptions, client_id: str) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self._broker = broker
        self._address = address
        self._options = options
        self._client_id = options.client_id or client_id
        self._capabilities = broker.capabilities
        self._inbox: deque[Message] = deque()
        self._arrived = trio.Event()
        self._gone = trio.Event()
        self._error: MqttError | None = None
        self._dropped = 0

    @property
    def capabilities(self) -> Capabilities:
        """As the port."""
        return self._capabilities

    @property
    def client_id(self) -> str:
        """As the port."""
        return self._client_id

    @property
    def dropped(self) -> int:
        """As the port."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """As the port."""
        return len(self._inbox)

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """As the port."""
        check_subscriptions(subscriptions)
        self._broker.counters.subscribes += len({s.identifier for s in subscriptions})
        await self._answered("SUBACK", "subscribe")
        return [self._subscribe_one(wanted) for wanted in subscriptions]

    def _subscribe_one(self, wanted: Subscription) -> int:
        once = self._broker.deny_subscribe_next
        if wanted.topic_filter in once:
            once.remove(wanted.topic_filter)
            return NOT_AUTHORIZED if self._v5 else 0x80
        if wanted.topic_filter in self._broker.deny_subscribe:
            return NOT_AUTHORIZED if self._v5 else 0x80
        qos = min(wanted.qos, self._broker.max_qos)
        granted = Subscription(wanted.topic_filter, qos)
        if self._v5:
            granted = msgspec.structs.replace(wanted, qos=qos)
        known = wanted.topic_filter in self.subscriptions
        self.subscriptions[wanted.topic_filter] = granted
        if granted.retain_handling == 0 or (granted.retain_handling == 1 and not known):
            for stored in list(self._broker.retained.values()):
                if matches(granted.topic_filter, stored.topic):
                    self._deliver(stored, granted, retain=True)
        return qos

    async def unsubscribe(self, topic_filters: Sequence[str]) -> None:
        """As the port."""
        for topic_filter in topic_filters:
            check_topic_filter(topic_filter)
        self._broker.counters.unsubscribes += 1
        await self._answered("UNSUBACK", "unsubscribe")
        for topic_filter in topic_filters:
            self.subscriptions.pop(topic_filter, None)

    async def publish(self, publication: Publication) -> Receipt:
        """As the port."""
        check_publication(publication, self._capabilities)
        broker, qos = self._broker, publication.qos
        self._check_alive()
        if not self._v5 and publication.properties is not None:
            publication = msgspec.structs.replace(publication, properties=None)
        broker.counters.publishes += 1
        if any(matches(f, publication.topic) for f in broker.hang_up_on):
            broker.sessions.remove(self)
            self.lose(None)
            self._check_alive()
        denied = any(matches(f, publication.topic) for f in broker.deny_publish)
        readers = 0
        if not denied:
            broker.received.append(publication)
            readers = broker.route(publication)
        if qos == 0:
            await trio.lowlevel.checkpoint()
            return Receipt(acknowledged=False)
        started_s = trio.current_time()
        await self._answered("PUBACK" if qos == 1 else "PUBCOMP", "publish")
        if not self._v5:
            return Receipt(acknowledged=True, ack_s=trio.current_time() - started_s)
        if denied:
            raise_for_code(NOT_AUTHORIZED, f"The publish to {publication.topic!r}")
        code = 0 if readers else NO_MATCHING_SUBSCRIBERS
        return Receipt(acknowledged=True, reason_code=code, ack_s=trio.current_time() - started_s)

    async def ping(self) -> float:
        """As the port."""
        started_s = trio.current_time()
        self._broker.counters.pings += 1
        await self._answered("PINGRESP", "ping")
        return trio.current_time() - started_s

    async def receive_batch(self) -> list[Message]:
        """As the port."""
        while not self._inbox:
            if self._error is not None:
                raise self._error
            self._arrived = trio.Event()
            await self._arrived.wait()
        await trio.lowlevel.checkpoint()
        batch = list(self._inbox)
        self._inbox.clear()
        return batch

    def offer(self, publication: Publication) -> bool:
        """Deliver to the matching subscriptions of this client; returns whether there was one."""
        hits = [s for s in self.subscriptions.values() if matches(s.topic_filter, publication.topic)]
        if not self._v5 and hits:
            hits = [max(hits, key=lambda s: s.qos)]
        for subscription in hits:
            self._deliver(publication, subscription, retain=subscription.retain_as_published and publication.retain)
        return bool(hits)

    def deliver_stored(self, topic: str, payload: bytes) -> None:
        """Send a stored message late, as a slow broker would, to the first subscription that matches."""
        subscription = next(s for s in self.subscriptions.values() if matches(s.topic_filter, topic))
        self._deliver(Publication(topic, payload, retain=True), subscription, retain=True)

    def lose(self, reason_code: int | None) -> None:
        """End the connection from the broker's side. Does nothing when it has ended."""
        if self._error is None:
            self._error = lost_connection(reason_code, self._address.url)
            self._gone.set()
            self._arrived.set()

    @property
    def _v5(self) -> bool:
        return self._capabilities.protocol == "5.0"

    def _check_alive(self) -> None:
        if self._error is not None:
            raise self._error

    async def _answered(self, answer: str, stage: Stage) -> None:
        self._check_alive()
        await _answer(answer, self._broker, stage, self._options.request_timeout_s, self._gone)
        self._check_alive()

    def _deliver(self, publication: Publication, subscription: Subscription, *, retain: bool) -> None:
        qos = min(publication.qos, subscription.qos)
        # QoS 1 and 2 would wait at the broker while we do not read; here they wait in the inbox.
        if qos == 0 and len(self._inbox) >= self._options.inbox_messages:
            self._dropped += 1
            return
        self._inbox.append(
            Message(
                topic=publication.topic,
                payload=publication.payload,
                qos=qos,
                retain=retain,
                received_s=trio.current_time(),
                properties=publication.properties if self._v5 else None,
                subscription_ids=(subscription.identifier,) if subscription.identifier else (),
            )
        )
        self._arrived.set()


async def _answer(answer: str, broker: MemoryBroker, stage: Stage, timeout_s: float, gone: trio.Event) -> None:
    """Wait as long as the broker takes for one answer, less when ``gone`` is set."""
    silent = stage in broker.silent
    waited_s = min(timeout_s, timeout_s if silent else broker.latency_s)
    await trio.lowlevel.checkpoint()
    if waited_s > 0:
        with trio.move_on_after(waited_s):
            await gone.wait()
            return
    if silent or broker.latency_s > timeout_s:
        raise TimedOut(
            f"No {answer} within {timeout_s:g} s.", "The broker may be overloaded.", stage=answer, seconds=timeout_s
        )
