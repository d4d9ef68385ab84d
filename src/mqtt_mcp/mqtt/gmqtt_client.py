"""The MQTT port over gmqtt, as trio sees it.

Owns the trio half: name resolution and certificate files in threads, checks before anything crosses the bridge, and
a clean-up that no cancellation stops. The asyncio half is ``gmqtt_link.py``, imported with the first connection and
not before.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from mqtt_mcp.mqtt.bridge import Bridge
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import Capabilities, ConnectOptions, Message, MqttClient, Publication, Receipt, Subscription
from mqtt_mcp.mqtt.connect_errors import timed_out, unreachable
from mqtt_mcp.mqtt.errors import ConnectionLost
from mqtt_mcp.mqtt.inbox import Inbox
from mqtt_mcp.mqtt.limits import check_publication, check_subscriptions
from mqtt_mcp.mqtt.tls import make_context
from mqtt_mcp.mqtt.topics import check_topic_filter

if TYPE_CHECKING:
    from mqtt_mcp.mqtt.gmqtt_link import Link
    from mqtt_mcp.mqtt.gmqtt_requests import Requests

CLOSE_SLACK_S = 0.5
"""How much longer than the close timeout we wait for the other thread to say that it closed."""


class GmqttTransport:
    """Implements ``MqttTransport``. Starting costs nothing; the first connect starts the bridge.

    Args:
        bridge: From ``open_bridge``; it has to live longer than every connection.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def connect(self, broker: Broker, options: ConnectOptions) -> AbstractAsyncContextManager[MqttClient]:
        """As the port."""
        return self._connect(broker, options)

    @asynccontextmanager
    async def _connect(self, broker: Broker, options: ConnectOptions) -> AsyncIterator[MqttClient]:
        deadline_s = trio.current_time() + options.connect_timeout_s
        addresses = await _resolve(broker, options.connect_timeout_s)
        context = await trio.to_thread.run_sync(make_context, broker.tls) if broker.tls is not None else None
        await self._bridge.start()
        # Imported by the bridge's worker thread already; at the top it would cost every start of the program 60 ms.
        from mqtt_mcp.mqtt.gmqtt_link import Link  # noqa: PLC0415 - see above

        inbox = Inbox(self._bridge.call_later, limit=options.inbox_messages, limit_bytes=options.inbox_bytes)
        link = Link(broker, options, inbox, clock_offset_s=trio.current_time() - time.perf_counter())
        try:
            await self._bridge.call(link.open, addresses, context, max(0.001, deadline_s - trio.current_time()))
            yield GmqttClient(self._bridge, link, inbox)
        finally:
            await self._bridge.call_bounded(link.close, timeout_s=options.close_timeout_s + CLOSE_SLACK_S)


class GmqttClient:
    """One connection; implements ``MqttClient``. Made by ``GmqttTransport.connect``."""

    def __init__(self, bridge: Bridge, link: "Link", inbox: Inbox) -> None:
        assert link.requests is not None  # noqa: S101 - open() returned
        assert link.capabilities is not None  # noqa: S101 - open() returned
        self._bridge = bridge
        self._link = link
        self._inbox = inbox
        self._requests: Requests = link.requests
        self._capabilities = link.capabilities

    @property
    def capabilities(self) -> Capabilities:
        """As the port."""
        return self._capabilities

    @property
    def client_id(self) -> str:
        """As the port."""
        return self._link.client_id

    @property
    def dropped(self) -> int:
        """As the port; messages larger than ``inbound_packet_bytes`` count too."""
        return self._inbox.dropped + self._link.skipped

    @property
    def waiting(self) -> int:
        """As the port."""
        return len(self._inbox)

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """As the port."""
        check_subscriptions(subscriptions)
        return await self._bridge.call(self._requests.subscribe, subscriptions)

    async def unsubscribe(self, topic_filters: Sequence[str]) -> None:
        """As the port."""
        for topic_filter in topic_filters:
            check_topic_filter(topic_filter)
        if topic_filters:
            await self._bridge.call(self._requests.unsubscribe, topic_filters)

    async def publish(self, publication: Publication) -> Receipt:
        """As the port."""
        check_publication(publication, self._capabilities)
        return await self._bridge.call(self._requests.publish, publication)

    async def ping(self) -> float:
        """As the port."""
        return await self._bridge.call(self._requests.ping)

    async def receive_batch(self) -> list[Message]:
        """As the port."""
        batch = await self._inbox.receive()
        if self._link.paused or self._inbox.drop_all_qos:
            self._bridge.call_soon(self._link.resume)
        if not batch:
            raise self._link.error or ConnectionLost("The connection is closed.")
        return batch


async def _resolve(broker: Broker, timeout_s: float) -> list[tuple[int, tuple[Any, ...]]]:
    """Addresses of the broker, in the system's order. A thread that hangs in it is left behind, as trio does."""
    with trio.move_on_after(timeout_s):
        try:
            found = await trio.socket.getaddrinfo(broker.host, broker.port, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise unreachable(error, broker) from None
        return [(int(family), address) for family, _, _, _, address in found]
    raise timed_out("dns", timeout_s, broker)
