"""What a watch finds out beside listening: whether the stored messages are all here, and what the broker dropped.

Owns the fence (a message to ourselves: brokers keep the order of a connection, so what was stored came before it) and
the samples of the broker's own drop counter. Both are extras: whatever goes wrong with them costs the watch nothing,
and a broker that hangs up on them is not asked again. Does not know what the watch is for.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from mqtt_mcp.analysis.accumulator import BrokerDropped, Echo, RetainSeen
from mqtt_mcp.analysis.performance.broker_drops import DROP_FILTERS, BrokerDrops
from mqtt_mcp.hub.own_topics import own_topic
from mqtt_mcp.hub.policy import AccessPolicy, overlaps
from mqtt_mcp.hub.retain_observer import RetainObserver
from mqtt_mcp.hub.router import Tap
from mqtt_mcp.hub.stored import StoredMessages
from mqtt_mcp.mqtt.client import Capabilities, Message, Publication, Receipt, Subscription
from mqtt_mcp.mqtt.errors import MqttError

logger = logging.getLogger(__name__)

BLAME_S = 2.0
"""A connection that ends so soon after the extras were asked for, ended because of them: as far as we can tell."""


class Extras:
    """What the watches of one session may do beside listening.

    Args:
        policy: What the configuration allows.
        observer: Makes the connection that sees the publishers' retain flags; see ``RetainObserver``.

    Attributes:
        topic: A topic nobody can guess, for messages to ourselves; always the same, so that others see one at most.
        allowed: False once the broker seems to have hung up on it.
        observing: Whether a watch of this session has a second connection: there is one at a time.
    """

    def __init__(self, policy: AccessPolicy, observer: Callable[..., RetainObserver]) -> None:
        self.policy = policy
        self.observer = observer
        self.observing = False
        self.topic = own_topic("fence")
        self.allowed = True


class Host(Protocol):
    """What a watch needs of the session it is a task of."""

    id: str
    extras: Extras

    @property
    def capabilities(self) -> Capabilities:
        """What the broker said."""

    @property
    def messages_dropped(self) -> int:
        """Messages let go because we were too slow."""

    def listening(self, *taps: Tap, lazily: bool = False) -> AbstractAsyncContextManager[None]:
        """Subscribe ``taps`` and route to them while the block runs."""

    async def publish(self, publication: Publication, *, counted: bool = True) -> Receipt:
        """Publish over the session's connection."""

    async def caught_up(self, at_s: float) -> None:
        """Wait until what arrived before ``at_s`` has been handed out."""


class Bystander:
    """The extras of one watch.

    Args:
        host: The session.
        key: Tells this watch's fence from that of others of the session.
        filters: What the watch listens to.
        stored: Told when the fence is back.
    """

    def __init__(self, host: Host, key: str, filters: Sequence[str], stored: StoredMessages) -> None:
        self._host = host
        self._extras = host.extras
        self._key = key.encode()
        self._filters = filters
        self._stored = stored
        self._drops = BrokerDrops()
        self._started_s = trio.current_time()
        self._asked_s = -trio.current_time() - BLAME_S
        self._scope = trio.CancelScope()
        self.echo: Echo = "untried"
        self._observer: RetainObserver | None = None
        self._unobserved_why = ""

    @property
    def retain_seen(self) -> RetainSeen:
        """Whether the publishers' retain flags were seen."""
        if self._observer is not None:
            return self._observer.seen
        return "unseen" if self._unobserved_why else "unasked"

    @property
    def retain_unseen_why(self) -> str:
        """Why not, or not all of them; a sentence part."""
        return self._observer.why if self._observer is not None else self._unobserved_why

    @property
    def broker_dropped(self) -> BrokerDropped | None:
        """What the broker dropped meanwhile; None when it does not tell."""
        return self._drops.result()

    async def run(self) -> None:
        """Do it until cancelled or until it fails. Never raises but ``Cancelled``."""
        fence = self._fence() if self._extras.allowed else None
        drops = self._samples() if self._extras.allowed else None
        taps = [tap for tap in (fence, drops) if tap is not None]
        if not taps:
            return
        self._asked_s = trio.current_time()
        try:
            with self._scope:
                # What they leave behind is unsubscribed together with what the watch itself leaves.
                async with self._host.listening(*taps, lazily=True):
                    if fence is not None and fence.granted:
                        self.echo = "missing"  # before it is sent: it may be back before the publish returns
                        await self._host.publish(Publication(self._extras.topic, self._key), counted=False)
                    await trio.sleep_forever()
        except MqttError:
            logger.debug("the extras of watch %r failed", self._key, exc_info=True)

    async def observe_retain(self, live_retained: Callable[[str], None], *, task_status: trio.TaskStatus[None]) -> None:
        """Have a second connection name the topics whose publishers retain; started when it listens or will not.

        Never raises but ``Cancelled``.
        """
        if self._extras.observing:
            self._unobserved_why = "another watch of this session has the second connection"
            task_status.started()
            return
        protocol = self._host.capabilities.protocol
        self._observer = observer = self._extras.observer(
            protocol=protocol, filters=self._filters, live_retained=live_retained
        )
        self._extras.observing = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(observer.run)
                await observer.wait_ready()
                task_status.started()
        finally:
            self._extras.observing = False

    def link_lost(self) -> None:
        """The connection went. If that may be our doing, no extras are asked for on this session any more."""
        if trio.current_time() - self._asked_s < BLAME_S and self.echo != "back":
            self._extras.allowed = False
            self._scope.cancel()
        self._drops.interrupted()

    def _fence(self) -> Tap | None:
        if not self._extras.policy.may_publish(self._extras.topic):
            return None
        return Tap([Subscription(self._extras.topic)], self._take_fence, private=True, aside=True)

    def _samples(self) -> Tap | None:
        filters = [f for f in DROP_FILTERS if self._extras.policy.may_read(f.replace("+", "node"))]
        told_apart = self._host.capabilities.subscription_identifiers
        if not told_apart and any(overlaps(f, own) for f in filters for own in self._filters):
            return None  # copies for us and for the watch would look the same
        return Tap([Subscription(f) for f in filters], self._take_sample, aside=True) if filters else None

    def _take_fence(self, message: Message) -> None:
        if message.payload == self._key and self.echo != "back":
            self.echo = "back"
            self._stored.fenced()

    def _take_sample(self, message: Message) -> None:
        at_s = message.received_s - self._started_s
        self._drops.add(message.topic, message.payload, at_s, stored=message.retain)
