"""Framing and decoding of what a broker sends.

Provenance: MQTT 5 §1.5, §2.1, §2.2.2, §3.3; gmqtt's own reader is quadratic for large packets and loses malformed ones.
"""

import contextlib
import time
from typing import Any

import pytest
from gmqtt.client import Message as GmqttMessage
from gmqtt.mqtt.package import PublishPacket
from gmqtt.mqtt.utils import IdGenerator, pack_variable_byte_integer
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.mqtt.client import Message, Properties
from mqtt_mcp.mqtt.errors import ProtocolFailed
from mqtt_mcp.mqtt.packets import Receiver
from mqtt_mcp.mqtt.properties import properties_after


class Encoder:
    """What gmqtt needs of its protocol object to build a packet: an encoder written by somebody else."""

    def __init__(self, version: int) -> None:
        self.proto_ver = version
        self.id_generator = IdGenerator()


class Got:
    def __init__(self, *, v5: bool = True, max_packet_bytes: int = 1 << 24) -> None:
        self.messages: list[Message] = []
        self.packets: list[tuple[int, bytes]] = []
        self.sent = b""
        self.receiver = Receiver(
            self.messages.extend,
            lambda first, body: self.packets.append((first, body)),
            self._send,
            max_packet_bytes=max_packet_bytes,
        )
        self.receiver.v5 = v5

    def _send(self, data: bytes) -> None:
        self.sent += data


def publish(
    topic: str,
    payload: bytes,
    qos: int = 0,
    *,
    retain: bool = False,
    version: int = 5,
    encoder: Encoder | None = None,
    **more: Any,
) -> bytes:
    message = GmqttMessage(topic, payload, qos=qos, retain=retain, **more)
    _, packet = PublishPacket.build_package(message, encoder or Encoder(version))
    return bytes(packet)


texts = st.text(st.characters(codec="utf-8"), max_size=5)
published = st.tuples(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.binary(max_size=300),
    st.integers(0, 2),
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "content_type": st.text(st.characters(codec="utf-8"), min_size=1, max_size=10),
            "correlation_data": st.binary(min_size=1, max_size=10),
            "message_expiry_interval": st.integers(0, 2**32 - 1),
            "subscription_identifier": st.integers(1, 268_435_455),
            "user_property": st.lists(
                st.tuples(texts, texts),
                min_size=1,
                max_size=30,
            ),
        },
    ),
)


@given(st.lists(published, max_size=8), st.booleans(), st.data())
def test_any_packets_in_any_pieces_come_out_as_they_went_in(
    items: list[tuple[str, bytes, int, bool, dict[str, Any]]], v5: bool, data: st.DataObject
) -> None:
    """The receiver is the inverse of gmqtt's encoder, wherever the stream is cut."""
    encoder = Encoder(5 if v5 else 4)
    stream = b"".join(publish(t, p, q, retain=r, encoder=encoder, **(x if v5 else {})) for t, p, q, r, x in items)
    got = Got(v5=v5)
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got.receiver.feed(stream[:size], 1.5)
        stream = stream[size:]
    assert [(m.topic, m.payload, m.qos, m.retain, m.received_s) for m in got.messages] == [
        (t, p, q, r, 1.5) for t, p, q, r, _ in items
    ]
    for message, (_, _, _, _, sent) in zip(got.messages, items, strict=True):
        ours = message.properties or Properties()
        told = sent if v5 else {}
        assert ours.content_type == told.get("content_type", "")
        assert ours.correlation_data == told.get("correlation_data", b"")
        assert ours.message_expiry_s == told.get("message_expiry_interval")
        assert list(ours.user_properties) == told.get("user_property", [])
        assert message.subscription_ids == (
            (told["subscription_identifier"],) if "subscription_identifier" in told else ()
        )


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, v5: bool) -> None:
    """Foreign bytes raise nothing but ``ProtocolFailed``."""
    got = Got(v5=v5, max_packet_bytes=1000)
    with contextlib.suppress(ProtocolFailed):
        got.receiver.feed(data, 0.0)


def test_acknowledgements_go_out_once_per_chunk_in_order() -> None:
    """PUBACK, PUBREC and PUBCOMP in their two-byte form (MQTT 5 §3.4.2.1), joined into one write."""
    got = Got()
    encoder = Encoder(5)
    chunk = b""
    for qos in (1, 2):
        _, packet = PublishPacket.build_package(GmqttMessage("t", b"", qos=qos), encoder)
        chunk += bytes(packet)
    got.receiver.feed(chunk + b"\x62\x02\x00\x02", 0.0)
    assert got.sent == b"\x40\x02\x00\x01" + b"\x50\x02\x00\x02" + b"\x70\x02\x00\x02"


def test_a_repeated_qos_2_message_is_delivered_once() -> None:
    """Method A of MQTT 5 §4.3.3: until PUBREL the packet identifier is remembered; gmqtt delivers twice."""
    got = Got()
    packet = publish("t", b"x", 2)
    got.receiver.feed(packet + packet, 0.0)
    assert len(got.messages) == 1
    assert got.sent == b"\x50\x02\x00\x01" * 2
    got.receiver.feed(b"\x62\x02\x00\x01" + packet, 0.0)
    assert len(got.messages) == 2


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("cut", [1, 3, 500, 70_000])
def test_an_oversized_message_is_skipped_counted_and_acknowledged(qos: int, cut: int) -> None:
    """MQTT 3.1.1 brokers know no Maximum Packet Size: the packet is let go without being held, the next one is read."""
    got = Got(v5=False, max_packet_bytes=100_000)
    stream = publish("big", b"x" * 200_000, qos, version=4) + publish("next", b"1", version=4)
    for at in range(0, len(stream), cut):
        got.receiver.feed(stream[at : at + cut], 0.0)
    assert [m.topic for m in got.messages] == ["next"]
    assert got.receiver.skipped == 1
    assert got.sent == {0: b"", 1: b"\x40\x02\x00\x01", 2: b"\x50\x02\x00\x01"}[qos]


def test_a_large_packet_in_small_pieces_takes_linear_time() -> None:
    """50 MiB cost gmqtt's reader 8 s with the loop blocked; here it is far below one."""
    got = Got(max_packet_bytes=1 << 26)
    stream = publish("big", b"x" * (20 << 20))
    started_s = time.process_time()
    for at in range(0, len(stream), 65_536):
        got.receiver.feed(stream[at : at + 65_536], 0.0)
    assert len(got.messages[0].payload) == 20 << 20
    assert time.process_time() - started_s < 1.0


@pytest.mark.parametrize("behind", [b"", b"after"], ids=["last", "followed"])
@pytest.mark.parametrize(
    "data",
    [
        b"\x30\xff\xff\xff\xff\x01",  # Remaining Length of five bytes
        b"\x30\x00",  # no topic length
        b"\x30\x03\x00\x05a",  # topic longer than the packet
        b"\x30\x04\x00\x00\x00x",  # empty topic without an alias
        b"\x32\x03\x00\x01a",  # QoS 1 without packet identifier
        b"\x36\x06\x00\x01a\x00\x01\x00",  # QoS 3
        b"\x30\x06\x00\x01a\x02\x7f\x00",  # unknown property
        b"\x30\x05\x00\x01a\x09\x00",  # properties longer than the packet
        b"\x30\x01\x00",  # half a topic length
        b"\x30\x03\x00\x01a",  # no property length
        b"\x30\x04\x00\x01a\x80",  # half a property length
        b"\x32\x04\x00\x01a\x00",  # half a packet identifier
    ],
)
def test_malformed_packets_end_the_connection(data: bytes, behind: bytes) -> None:
    """What came before is delivered; then nothing can be trusted (MQTT 5 §4.13). No packet reads into the next one."""
    got = Got()
    with pytest.raises(ProtocolFailed):
        got.receiver.feed(publish("before", b"1") + data + (publish("after", behind) if behind else b""), 0.0)
    assert [m.topic for m in got.messages] == ["before"]


def test_topics_that_are_not_utf_8_are_replaced() -> None:
    """Old brokers let them through; a message is more use with U+FFFD than lost."""
    got = Got(v5=False)
    got.receiver.feed(b"\x30\x05\x00\x02a\xffx", 0.0)
    assert (got.messages[0].topic, got.messages[0].payload) == ("a\ufffd", b"x")


def test_property_blocks_say_where_they_end() -> None:
    """CONNACK and DISCONNECT carry a block after a fixed head; a missing one is empty."""
    assert properties_after(b"\x00\x00", 2) == {}
    assert properties_after(b"\x00\x00\x05\x24\x01\x21\x00\x14", 2) == {0x24: [1], 0x21: [20]}
    with pytest.raises(ValueError, match="9"):
        properties_after(b"\x00\x00\x09\x24\x01", 2)
    assert bytes(pack_variable_byte_integer(268_435_455)) == b"\xff\xff\xff\x7f"
