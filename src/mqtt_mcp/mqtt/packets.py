"""The receiving half of MQTT: bytes to packets, PUBLISH to ``Message``.

Owns framing (MQTT 5 §2.1), decoding PUBLISH (§3.3) and acknowledging received QoS 1 and 2,
because that path runs for every message and must neither copy a large packet again and again nor hold one above the
bound. Pure: no socket, no clock of its own, no library. Every other packet is handed on as it came.
"""

from collections.abc import Callable
from typing import Any

from mqtt_mcp.mqtt.client import Message, Properties
from mqtt_mcp.mqtt.errors import ProtocolFailed
from mqtt_mcp.mqtt.properties import read_properties, read_variable

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 0x20, 0x30, 0x40, 0x50, 0x60, 0x70
SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 0x90, 0xB0, 0xD0, 0xE0
PINGREQ_PACKET = b"\xc0\x00"

_TOPICS_CACHED = 10_000
_TOPIC_CACHED_BYTES = 256
_BLOCKS_CACHED = 1_000
_BLOCK_CACHED_BYTES = 32
# What an oversized PUBLISH needs for its acknowledgement: topic length, longest topic, packet identifier.
_PUBLISH_HEAD_BYTES = 2 + 65_535 + 2


class Receiver:
    """Takes bytes as they arrive, gives messages and packets.

    Args:
        messages: Called with all messages of one chunk, at the end of it.
        packet: Called with first byte and body of every packet other than PUBLISH and PUBREL.
        send: Called with acknowledgements to write, once per chunk.
        max_packet_bytes: Larger packets are skipped without holding them, and counted.

    Attributes:
        v5: Whether PUBLISH has properties (MQTT 5); set before the first byte.
        skipped: Messages skipped because they were larger than ``max_packet_bytes``.
    """

    def __init__(
        self,
        messages: Callable[[list[Message]], None],
        packet: Callable[[int, bytes], None],
        send: Callable[[bytes], None],
        *,
        max_packet_bytes: int,
    ) -> None:
        self.v5 = True
        self.skipped = 0
        self._messages = messages
        self._packet = packet
        self._send = send
        self._max_packet_bytes = max_packet_bytes
        self._buffer = bytearray()
        self._needed = 0
        self._skip = 0
        self._batch: list[Message] = []
        self._acks = bytearray()
        self._unreleased: set[bytes] = set()
        self._topics: dict[bytes, str] = {}
        self._blocks: dict[bytes, tuple[Properties | None, tuple[int, ...]]] = {}

    def feed(self, data: bytes, now_s: float) -> None:
        """Take the next bytes.

        Args:
            data: Bytes as read from the socket.
            now_s: Their time of arrival, which becomes ``received_s`` of every message that ends in them.

        Raises:
            ProtocolFailed: The peer broke the protocol; nothing after that can be understood.
        """
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        try:
            rest = self._parse(data, now_s)
        except (IndexError, ValueError) as error:
            raise ProtocolFailed(f"The broker sent a malformed packet ({type(error).__name__}).") from error
        finally:
            # What came before a broken packet was whole: it is delivered and acknowledged.
            if self._batch:
                batch, self._batch = self._batch, []
                self._messages(batch)
            if self._acks:
                acks, self._acks = bytes(self._acks), bytearray()
                self._send(acks)
        if rest < len(data):
            self._buffer += data[rest:]

    def _parse(self, data: bytes, now_s: float) -> int:
        """Handle every whole packet; returns where the first incomplete one starts, ``_needed`` says how long it is."""
        at, end = 0, len(data)
        while end - at >= 2:
            first = data[at]
            body = at + 2
            length = data[at + 1]
            if length >= 128:
                length, body = read_variable(data, at + 1, end)
                if not body:
                    break
            stop = body + length
            if length + body - at > self._max_packet_bytes:
                stop = self._skip_large(data, at, body, stop)
                if not stop:
                    return at
                at = stop
                continue
            if stop > end:
                self._needed = stop - at
                return at
            if first & 0xF0 == PUBLISH:
                self._publish(first, data, body, stop, now_s)
            elif first & 0xF0 == PUBREL:
                self._unreleased.discard(data[body : body + 2])
                self._acks += b"\x70\x02" + data[body : body + 2]
            else:
                self._packet(first, data[body:stop])
            at = stop
        self._needed = 2
        return at

    def _publish(self, first: int, data: bytes, body: int, stop: int, now_s: float) -> None:
        """Take the PUBLISH whose body is ``data[body:stop]``; it is not copied, because this runs for every message."""
        at = body + 2 + (data[body] << 8 | data[body + 1])
        raw = data[body + 2 : at]
        topic = self._topics.get(raw)
        if topic is None:
            if at > stop:
                raise ValueError(at)
            topic = self._topic(raw)
        qos = (first & 0x06) >> 1
        repeated = False
        if qos:
            repeated = self._acknowledge(qos, data[at : min(at + 2, stop)])
            at += 2
        properties: Properties | None = None
        identifiers: tuple[int, ...] = ()
        if self.v5:
            length = data[at]
            at += 1
            if length:
                if length >= 128:
                    length, at = read_variable(data, at - 1, stop)
                    if not at:
                        raise ValueError(stop)
                block = data[at : at + length]
                at += length
                properties, identifiers = self._blocks.get(block) or self._block(block)
        if at > stop:
            raise ValueError(at)
        if not repeated:
            self._batch.append(
                Message(
                    topic, data[at:stop], qos, first & 1 == 1, now_s, first & 8 == 8, properties, identifiers
                )  # positional: this line runs for every message
            )

    def _acknowledge(self, qos: int, packet_id: bytes) -> bool:
        """Queue PUBACK or PUBREC in their short form (MQTT 5 §3.4.2.1); True for a QoS 2 copy that came before."""
        if len(packet_id) != 2 or qos == 3:
            raise ValueError(qos)
        if qos == 1:
            self._acks += b"\x40\x02" + packet_id
            return False
        self._acks += b"\x50\x02" + packet_id
        repeated = packet_id in self._unreleased
        self._unreleased.add(packet_id)
        return repeated

    def _topic(self, raw: bytes) -> str:
        if not raw:
            # We announce no topic aliases, so a PUBLISH without a topic is a breach (MQTT-3.1.2-26).
            raise ValueError(raw)
        topic = raw.decode(errors="replace")
        if len(raw) <= _TOPIC_CACHED_BYTES and len(self._topics) < _TOPICS_CACHED:
            self._topics[raw] = topic
        return topic

    def _block(self, block: bytes) -> tuple[Properties | None, tuple[int, ...]]:
        found = read_properties(block)
        identifiers = tuple(found.pop(0x0B, ()))
        result = (_publish_properties(found) if found else None, identifiers)
        if len(block) <= _BLOCK_CACHED_BYTES and len(self._blocks) < _BLOCKS_CACHED:
            self._blocks[block] = result
        return result

    def _skip_large(self, data: bytes, at: int, body: int, stop: int) -> int:
        """Let an oversized packet go; returns where to go on, 0 when more of its head is needed first."""
        head = min(stop, body + _PUBLISH_HEAD_BYTES)
        if len(data) < head:
            self._needed = head - at
            return 0
        if data[at] & 0xF0 != PUBLISH:
            raise ProtocolFailed(f"The broker sent a packet of {stop - at:,} bytes that is not a message.")
        qos = (data[at] & 0x06) >> 1
        if qos:
            packet_id = body + 2 + (data[body] << 8 | data[body + 1])
            self._acknowledge(qos, data[packet_id : packet_id + 2])
        self.skipped += 1
        self._skip = max(0, stop - len(data))
        return min(stop, len(data))


def _publish_properties(found: dict[int, list[Any]]) -> Properties:
    def first(identifier: int, default: Any) -> Any:
        return found.get(identifier, (default,))[0]

    return Properties(
        content_type=first(0x03, ""),
        payload_format_utf8=first(0x01, 0) == 1,
        response_topic=first(0x08, ""),
        correlation_data=first(0x09, b""),
        message_expiry_s=first(0x02, None),
        user_properties=tuple(found.get(0x26, ())),
    )
