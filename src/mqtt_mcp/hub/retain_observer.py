"""A second, short-lived connection that sees which publishers set the retain flag on their live messages.

Owns that connection and when to give it up. The session's own subscriptions clear the flag on live messages, so that
it says "stored"; MQTT 5 can leave it as published (§3.8.3.1), but not beside the other on one connection: brokers keep
the options of the first SUBSCRIBE. Counts nothing and delivers no message: it only names topics, each once, so that a
watch counts the same with it and without it. Whatever goes wrong costs the watch nothing but this knowledge.
"""

import logging
from collections.abc import Callable, Sequence

import trio

from mqtt_mcp.analysis.accumulator import RetainSeen
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, MqttClient, MqttTransport, ProtocolVersion, Subscription
from mqtt_mcp.mqtt.errors import MqttError
from mqtt_mcp.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE_S = 1.0
"""So long a watch waits for it before it begins without."""
MAX_RATE = 5_000
"""Messages a second; above it everything would be received twice at a price that a watch must not have."""
RATE_OVER_S = 2.0
MAX_TOPICS = 100_000
MAX_CHARS = 8 * 1024 * 1024
_NEVER = 2


class RetainObserver:
    """One such connection; ``run`` it once.

    Args:
        transport: How to connect.
        broker: Where to, with the session's credentials; the client id is another one.
        settings: Bounds of the connection.
        protocol: The version of the session's connection.
        filters: What the watch listens to.
        live_retained: Told each topic once, when a live message with the retain flag was seen there; must not raise.

    Attributes:
        ready: Set once it listens, or will not.
        seen: ``seen`` while it saw everything from the start, ``partly`` when it began late or ended early, ``unseen``.
        why: A sentence part, unless ``seen``.
    """

    def __init__(
        self,
        transport: MqttTransport,
        broker: Broker,
        settings: Settings,
        *,
        protocol: ProtocolVersion,
        filters: Sequence[str],
        live_retained: Callable[[str], None],
    ) -> None:
        self.ready = trio.Event()
        self.seen: RetainSeen = "unseen"
        self.why = "it is not connected yet"
        self._transport = transport
        self._broker = broker
        self._settings = settings
        self._protocol = protocol
        self._filters = filters
        self._live_retained = live_retained
        self._named: set[str] = set()
        self._chars = 0
        self._late = False

    async def run(self) -> None:
        """Observe until cancelled or given up. Never raises but ``Cancelled``."""
        if self._protocol != "5.0":
            self._give_up("MQTT 3.1.1 clears the retain flag of live messages")
            return
        try:
            async with self._transport.connect(self._broker, self._options()) as client:
                await self._observe(client)
        except MqttError as error:
            logger.debug("the retain observer gave up", exc_info=True)
            self._give_up(f"a second connection failed ({clean(error.message, 120)})")

    async def wait_ready(self) -> None:
        """Wait until it listens or gave up, at most ``PATIENCE_S``."""
        with trio.move_on_after(PATIENCE_S) as scope:
            await self.ready.wait()
        self._late = scope.cancelled_caught

    async def _observe(self, client: MqttClient) -> None:
        if client.capabilities.protocol != "5.0":
            self._give_up("the second connection got MQTT 3.1.1, which clears the flag")
            return
        wanted = [Subscription(f, retain_as_published=True, retain_handling=_NEVER) for f in self._filters]
        codes = await client.subscribe(wanted)
        if all(code >= 0x80 for code in codes):
            self._give_up("the broker refused the filter on a second connection")
            return
        self.seen, self.why = "seen", ""
        if self._late:
            self.seen, self.why = "partly", "the second connection took long to open"
        if any(code >= 0x80 for code in codes):
            self.seen, self.why = "partly", "the broker refused some filters on a second connection"
        self.ready.set()
        since_s, messages = trio.current_time(), 0
        while True:
            batch = await client.receive_batch()
            for message in batch:
                if message.retain:
                    self._name(message.topic)
            if client.dropped:
                self._partly("messages came faster than they could be taken twice")
            messages += len(batch)
            elapsed_s = trio.current_time() - since_s
            if messages > MAX_RATE * max(RATE_OVER_S, elapsed_s):
                self._give_up(f"there are more than {MAX_RATE:,} messages a second, too many to receive them twice")
                return
            if elapsed_s > RATE_OVER_S:
                since_s, messages = trio.current_time(), 0

    def _name(self, topic: str) -> None:
        if topic in self._named:
            return
        if len(self._named) >= MAX_TOPICS or self._chars + len(topic) > MAX_CHARS:
            self._partly("there are too many topics")
            return
        self._named.add(topic)
        self._chars += len(topic)
        self._live_retained(topic)

    def _partly(self, why: str) -> None:
        if self.seen == "seen":
            self.seen, self.why = "partly", why

    def _give_up(self, why: str) -> None:
        if self.seen in {"seen", "partly"}:
            self.seen = "partly"
        self.why = why
        self.ready.set()

    def _options(self) -> ConnectOptions:
        s = self._settings
        return ConnectOptions(
            connect_timeout_s=s.connect_timeout_s,
            request_timeout_s=s.subscribe_timeout_s,
            close_timeout_s=s.close_timeout_s,
            keepalive_s=s.keepalive_s,
            inbox_messages=s.inbox_messages,
            inbox_pause_messages=s.inbox_pause_messages,
            inbox_bytes=s.inbox_bytes // 4,
            inbound_packet_bytes=s.inbound_packet_bytes,
        )
