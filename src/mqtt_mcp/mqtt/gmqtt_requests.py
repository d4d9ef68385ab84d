"""Requests on an open connection, on the asyncio side: subscribe, unsubscribe, publish, ping and the answers to them.

Owns what is awaited and the window of unacknowledged publishes; both outlive a cancelled caller. gmqtt builds the
packets. Does not open or close the connection (``gmqtt_link.py``) and does not check what may be sent (``limits.py``
did).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from gmqtt import Client
from gmqtt import Subscription as GmqttSubscription

from mqtt_mcp.mqtt import packets
from mqtt_mcp.mqtt.client import Capabilities, ConnectOptions, Properties, Publication, Receipt, Subscription
from mqtt_mcp.mqtt.dialer import Dial
from mqtt_mcp.mqtt.errors import MqttError, ProtocolFailed, TimedOut
from mqtt_mcp.mqtt.properties import properties_end
from mqtt_mcp.mqtt.reason_codes import raise_for_code

MAX_WINDOW = 1000
"""Most unacknowledged QoS 1 and 2 publishes, even when the broker allows more."""

V311_WINDOW = 10
"""MQTT 3.1.1 has no Receive Maximum; mosquitto silently loses what exceeds its ``max_inflight_messages`` of 20."""


class SentIds:
    """Told by gmqtt the packet identifier of each QoS 1 and 2 publish; keeps no packets, because we never resend.

    Implements gmqtt's storage interface.
    """

    is_empty = True

    def __init__(self) -> None:
        self.last = 0

    def push_message(self, packet_id: int, _packet: bytes) -> None:
        """Note the identifier that was just used."""
        self.last = packet_id

    def remove_message_by_mid(self, packet_id: int) -> None:
        """Nothing is kept."""

    def get_all(self) -> list[tuple[int, bytes]]:
        """Nothing is kept."""
        return []

    def clear(self) -> None:
        """Nothing is kept."""

    async def wait_empty(self) -> None:
        """Always empty."""


class Requests:
    """The requests of one connection.

    Args:
        client: The connected gmqtt client.
        dial: Its open socket.
        ids: The storage the client was made with.
        capabilities: What CONNACK said.
        options: The bounds.
    """

    def __init__(
        self, client: Client, dial: Dial, ids: SentIds, capabilities: Capabilities, options: ConnectOptions
    ) -> None:
        self._client = client
        self._dial = dial
        self._ids = ids
        self._capabilities = capabilities
        self._timeout_s = options.request_timeout_s
        window = min(capabilities.receive_maximum, MAX_WINDOW) if capabilities.protocol == "5.0" else V311_WINDOW
        self._window = asyncio.Semaphore(max(1, window))
        self._error: MqttError | None = None
        self._acks: dict[int, asyncio.Future[int]] = {}
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._pings: deque[asyncio.Future[None]] = deque()
        self._granted: set[str] = set()
        self._asking: Counter[str] = Counter()

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> list[int]:
        """As ``MqttClient.subscribe``."""
        self._check_alive()
        groups: dict[int, list[int]] = {}
        for index, wanted in enumerate(subscriptions):
            identifier = wanted.identifier if self._capabilities.subscription_identifiers else 0
            groups.setdefault(identifier, []).append(index)
        filters = [s.topic_filter for s in subscriptions]
        self._asking.update(filters)
        codes = [0x80] * len(filters)
        answered = False
        try:
            waiting = [
                (group, self._send_subscribe([subscriptions[i] for i in group], identifier))
                for identifier, group in groups.items()
            ]
            for group, (packet_id, future) in waiting:
                body = await self._answer(packet_id, future, "SUBACK")
                for index, code in zip(group, self._codes(body), strict=True):
                    codes[index] = code
            answered = True
        except ValueError:
            raise ProtocolFailed("The broker sent a malformed SUBACK.") from None
        finally:
            self._asking.subtract(filters)
            if answered:
                self._granted.update(f for f, code in zip(filters, codes, strict=True) if code < 0x80)
            elif self._error is None:
                self._withdraw(filters)
        return codes

    async def unsubscribe(self, topic_filters: Sequence[str]) -> None:
        """As ``MqttClient.unsubscribe``."""
        self._check_alive()
        self._granted.difference_update(topic_filters)
        packet_id: int = self._client.unsubscribe([f.encode() for f in topic_filters])
        await self._answer(packet_id, self._expect(packet_id), "UNSUBACK")

    async def publish(self, publication: Publication) -> Receipt:
        """As ``MqttClient.publish``."""
        self._check_alive()
        if not self._dial.writable.is_set():
            await self._room(self._dial.writable.wait(), "write")
        if not publication.qos:
            self._write(publication)
            return Receipt(acknowledged=False)
        if self._window.locked():
            await self._room(self._window.acquire(), "window")
        else:
            await self._window.acquire()
        try:
            started_s = time.perf_counter()
            self._write(publication)
        except BaseException:
            self._window.release()
            raise
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # The place in the window is free when the broker says so or the connection is gone, not when the caller
        # gives up.
        future.add_done_callback(self._release)
        self._acks[self._ids.last] = future
        stage = "PUBACK" if publication.qos == 1 else "PUBCOMP"
        try:
            async with asyncio.timeout(self._timeout_s):
                code = await asyncio.shield(future)
        except TimeoutError:
            raise TimedOut(
                f"No {stage} within {self._timeout_s:g} s: the message may or may not have been delivered.",
                "Check whether it arrived before sending it again.",
                stage=stage,
                seconds=self._timeout_s,
            ) from None
        acked_s = time.perf_counter() - started_s
        raise_for_code(code, f"The publish to {publication.topic[:80]!r}")
        return Receipt(acknowledged=True, reason_code=code, ack_s=acked_s)

    async def ping(self) -> float:
        """As ``MqttClient.ping``. Answers carry no identifier: they are taken in the order of the requests."""
        self._check_alive()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pings.append(future)
        started_s = time.perf_counter()
        self._transport.write(packets.PINGREQ_PACKET)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.shield(future)
        except TimeoutError:
            raise TimedOut(
                f"No PINGRESP within {self._timeout_s:g} s.",
                "The connection may be dead without having been closed.",
                stage="PINGRESP",
                seconds=self._timeout_s,
            ) from None
        return time.perf_counter() - started_s

    def take(self, kind: int, body: bytes) -> None:
        """Take a packet from the broker; ``kind`` is the upper half of its first byte."""
        if kind == packets.PINGRESP:
            if self._pings:
                _settle(self._pings.popleft(), None)
            return
        packet_id = body[0] << 8 | body[1]
        if kind in {packets.SUBACK, packets.UNSUBACK}:
            _settle(self._answers.pop(packet_id, None), body)
            return
        # A short acknowledgement means success on MQTT 5 (§3.4.2.1); on 3.1.1 there is no other.
        code = body[2] if len(body) > 2 else 0
        if kind in {packets.PUBACK, packets.PUBCOMP} or (kind == packets.PUBREC and code >= 0x80):
            _settle(self._acks.pop(packet_id, None), code)

    def fail(self, error: MqttError) -> None:
        """The connection is gone: everything that waits learns why."""
        self._error = error
        self._dial.writable.set()
        waiting: list[asyncio.Future[Any]] = [*self._acks.values(), *self._answers.values(), *self._pings]
        self._acks.clear()
        self._answers.clear()
        self._pings.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: the caller may have given up

    @property
    def _transport(self) -> asyncio.Transport:
        transport = self._dial.transport
        assert transport is not None  # noqa: S101 - requests exist only on an open connection
        return transport

    def _check_alive(self) -> None:
        if self._error is not None:
            raise self._error

    def _send_subscribe(
        self, subscriptions: Sequence[Subscription], identifier: int
    ) -> tuple[int, asyncio.Future[bytes]]:
        v5 = self._capabilities.protocol == "5.0"  # the bits of these options are reserved on 3.1.1
        # Bytes: gmqtt counts the characters of a str.
        packet_id: int = self._client.subscribe(
            [
                GmqttSubscription(
                    s.topic_filter.encode(),
                    qos=s.qos,
                    retain_as_published=v5 and s.retain_as_published,
                    retain_handling_options=s.retain_handling if v5 else 0,
                    subscription_identifier=identifier or None,
                )
                for s in subscriptions
            ]
        )
        self._client.subscriptions.clear()  # its own list is for a reconnection we never ask for, and only grows
        return packet_id, self._expect(packet_id)

    def _expect(self, packet_id: int) -> asyncio.Future[bytes]:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[packet_id] = future
        return future

    async def _answer(self, packet_id: int, future: asyncio.Future[bytes], stage: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await future
        except TimeoutError:
            raise TimedOut(
                f"No {stage} within {self._timeout_s:g} s.",
                "The broker may be overloaded.",
                stage=stage,
                seconds=self._timeout_s,
            ) from None
        finally:
            self._answers.pop(packet_id, None)

    def _codes(self, suback: bytes) -> list[int]:
        if self._capabilities.protocol != "5.0":
            return list(suback[2:])
        return list(suback[properties_end(suback, 2) :])

    def _withdraw(self, filters: Sequence[str]) -> None:
        """Undo a cancelled or unanswered SUBSCRIBE, except for filters that somebody else holds or asks for."""
        ours = [f.encode() for f in filters if f not in self._granted and not self._asking[f]]
        if ours:
            self._client.unsubscribe(ours)

    async def _room(self, room: Any, stage: str) -> None:
        """Wait until something may be sent."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await room
        except TimeoutError:
            why = "does not read" if stage == "write" else "has not acknowledged earlier messages"
            raise TimedOut(
                f"Nothing was sent: the broker {why} for {self._timeout_s:g} s.",
                "The broker may be overloaded.",
                stage=stage,
                seconds=self._timeout_s,
            ) from None
        if self._error is not None:
            if stage == "window":
                self._window.release()
            raise self._error

    def _release(self, _future: asyncio.Future[int]) -> None:
        self._window.release()

    def _write(self, publication: Publication) -> None:
        properties = _sent_properties(publication.properties) if self._capabilities.protocol == "5.0" else {}
        self._client.publish(
            publication.topic, publication.payload, qos=publication.qos, retain=publication.retain, **properties
        )


def _settle(future: asyncio.Future[Any] | None, value: Any) -> None:
    if future is not None and not future.done():
        future.set_result(value)


def _sent_properties(properties: Properties | None) -> dict[str, Any]:
    if properties is None:
        return {}
    named: dict[str, Any] = {
        "payload_format_id": 1 if properties.payload_format_utf8 else None,
        "message_expiry_interval": properties.message_expiry_s,
        "content_type": properties.content_type or None,
        "response_topic": properties.response_topic or None,
        "correlation_data": properties.correlation_data or None,
        "user_property": list(properties.user_properties) or None,
    }
    return {name: value for name, value in named.items() if value is not None}
