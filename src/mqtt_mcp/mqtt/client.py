"""The MQTT port: what the rest of the program may know of MQTT, in trio terms.

Owns the values that cross (``Message``, ``Subscription``, ``Publication``, ``Capabilities``) and the two protocols that
an implementation has to fulfil (``MqttTransport``, ``MqttClient``). Two implementations pass one contract suite
(``tests/contract``): gmqtt behind the bridge (``gmqtt_client.py``) and the in-memory broker of the tests.

What the port does NOT do for you: it does not reconnect, resubscribe, route messages to collections, bound how long a
collection runs, or decide what may be published. The hub does.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from mqtt_mcp.mqtt.broker_url import Broker

ProtocolVersion = Literal["5.0", "3.1.1"]


class Properties(msgspec.Struct, frozen=True, omit_defaults=True):
    """MQTT 5 properties of a PUBLISH packet (MQTT 5 §3.3.2.3), sent or received; absent ones keep their default."""

    content_type: str = ""
    payload_format_utf8: bool = False
    response_topic: str = ""
    correlation_data: bytes = b""
    message_expiry_s: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes they take in memory; a publisher may send as many as fit into a packet."""
        pairs = sum(100 + len(key) + len(value) for key, value in self.user_properties)
        return len(self.content_type) + len(self.response_topic) + len(self.correlation_data) + pairs


class Message(msgspec.Struct, frozen=True, gc=False):
    """One received PUBLISH.

    Attributes:
        topic: Topic name; bytes that are not UTF-8 were replaced.
        payload: The payload exactly as received.
        qos: QoS of the delivery, 0 to 2: min(published, subscribed).
        retain: True only for a stored message sent because we subscribed; on a subscription with Retain As Published,
            what the publisher set.
        received_s: Arrival on trio's clock (``trio.current_time()``), in seconds.
        dup: DUP flag.
        properties: MQTT 5 properties, None when there were none.
        subscription_ids: Identifiers of the subscriptions this copy was delivered for (MQTT 5 §3.3.2.3.8); a broker may
            send one copy per matching subscription. Empty on MQTT 3.1.1.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    received_s: float
    dup: bool = False
    properties: Properties | None = None
    subscription_ids: tuple[int, ...] = ()


class Subscription(msgspec.Struct, frozen=True):
    """One entry of a SUBSCRIBE packet (MQTT 5 §3.8.3.1).

    Attributes:
        topic_filter: Topic filter; ``$share/`` is refused, it would take messages away from the real consumers.
        qos: Highest QoS of the deliveries, 0 to 2.
        identifier: Subscription Identifier, 1 to 268,435,455, sent where the broker supports it; 0 for none.
        retain_as_published: Leave the retain flag of live messages as their publisher set it. MQTT 5 only; without it
            the flag says "stored message" and nothing else.
        retain_handling: When stored messages are sent: 0 with every SUBSCRIBE, 1 only with the first one for this
            filter, 2 never. MQTT 5 only; 3.1.1 brokers send them with every SUBSCRIBE.
    """

    topic_filter: str
    qos: int = 0
    identifier: int = 0
    retain_as_published: bool = False
    retain_handling: int = 0


class Publication(msgspec.Struct, frozen=True):
    """A message to publish. ``properties`` are ignored on MQTT 3.1.1."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What is known after a publish that did not fail.

    Attributes:
        acknowledged: True only when PUBACK (QoS 1) or PUBCOMP (QoS 2) came.
        reason_code: The reason code of that packet, below 0x80; 0x10 means nobody subscribes. 0 on MQTT 3.1.1.
        ack_s: Seconds from writing the packet to the acknowledgement; 0.0 for QoS 0.
    """

    acknowledged: bool
    reason_code: int = 0
    ack_s: float = 0.0


class Capabilities(msgspec.Struct, frozen=True):
    """What CONNACK said about the broker (MQTT 5 §3.2.2.3); fields it left out hold the protocol's default.

    ``defaulted`` names the fields the broker did not send. On MQTT 3.1.1 all but ``protocol`` are.
    """

    protocol: ProtocolVersion
    max_qos: int = 2
    retain_available: bool = True
    max_packet_bytes: int | None = None
    receive_maximum: int = 65_535
    topic_alias_maximum: int = 0
    wildcard_subscriptions: bool = True
    subscription_identifiers: bool = True
    shared_subscriptions: bool = True
    server_keepalive_s: int | None = None
    session_expiry_s: int | None = None
    assigned_client_id: str = ""
    server_reference: str = ""
    reason: str = ""
    defaulted: frozenset[str] = frozenset()


class ConnectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one connection, all seconds on real time; see ``settings.py`` for their meaning."""

    connect_timeout_s: float = 10.0
    request_timeout_s: float = 10.0
    close_timeout_s: float = 2.0
    keepalive_s: int = 60
    inbox_messages: int = 20_000
    inbox_pause_messages: int = 10_000
    inbox_bytes: int = 32 * 1024 * 1024
    """Payload bytes that may wait, as ``inbox_messages`` bounds their number; reading pauses at half of it."""
    inbound_packet_bytes: int = 16 * 1024 * 1024
    client_id: str = ""
    """Empty: a random one, unique per connection."""


class MqttClient(Protocol):
    """One live connection. Methods may be called from several trio tasks at once, ``receive_batch`` from one."""

    @property
    def capabilities(self) -> Capabilities:
        """What the broker said in CONNACK."""

    @property
    def client_id(self) -> str:
        """The client id in use."""

    @property
    def dropped(self) -> int:
        """Messages that arrived and were let go because the inbox was full: exact, only ever grows."""

    @property
    def waiting(self) -> int:
        """Messages that have arrived and were not handed out yet."""

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """Subscribe and wait for SUBACK; one packet per different identifier (MQTT 5 §3.8.2.1.2).

        Returns:
            One reason code per subscription in order: the granted QoS (0 to 2), or 0x80 and above for a refusal, which
            is a value here and not an exception.

        Raises:
            TopicInvalid: A filter breaks a rule; nothing was sent.
            TimedOut: No SUBACK in time (stage ``SUBACK``).
            ConnectionLost: The connection is gone.

        Cancellation: the subscription may have been made; a best-effort UNSUBSCRIBE is sent for the filters that
        were not granted before.
        """

    async def unsubscribe(self, topic_filters: Sequence[str]) -> None:
        """Send one UNSUBSCRIBE and wait for UNSUBACK. Raises as ``subscribe``."""

    async def publish(self, publication: Publication) -> Receipt:
        """Publish and, for QoS 1 and 2, wait for the acknowledgement.

        Raises:
            TopicInvalid, QosNotSupported, RetainNotSupported, PayloadTooLarge: Checked first, nothing was sent; also
                when the broker says so.
            NotAuthorized, Rejected: The broker refused with a reason code.
            TimedOut: No acknowledgement in time: it may or may not have been delivered.
            ConnectionLost: The connection went before the acknowledgement came.

        Cancellation: the packet may have been sent; its place in the window is held until its acknowledgement.
        """

    async def ping(self) -> float:
        """Send PINGREQ, wait for PINGRESP, return the seconds between. Raises TimedOut and ConnectionLost."""

    async def receive_batch(self) -> list[Message]:
        """Wait for messages and return all that are there, at least one, in arrival order.

        Raises:
            ConnectionLost: The connection is gone and every message that had arrived was handed out.

        Cancellation: loses nothing.
        """


class MqttTransport(Protocol):
    """A way to open connections. Owns no connection: the ``async with`` block does."""

    def connect(self, broker: Broker, options: ConnectOptions) -> AbstractAsyncContextManager[MqttClient]:
        """Connect (MQTT 5 first, 3.1.1 when the broker refuses 5) with clean start, no will and no reconnection.

        Leaving the block sends DISCONNECT where the peer still reads and never takes longer than ``close_timeout_s``.

        Raises (on entering):
            Unreachable, TlsFailed, TimedOut, CredentialsRefused, NotAuthorized, ConnectionRefused, ConnectionLost,
            ProtocolFailed.
        """
