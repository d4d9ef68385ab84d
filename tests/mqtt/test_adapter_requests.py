"""Answers to subscribe, publish and ping: reason codes, windows, silence.

Provenance: the pitfalls found by running gmqtt 0.8.0 against scripted brokers; real time, loopback only.
"""

from typing import Any

import pytest
import trio

from mqtt_mcp.mqtt.client import Publication, Subscription
from mqtt_mcp.mqtt.errors import (
    NotAuthorized,
    TimedOut,
)
from testkit.adapter import QUICK, Rig
from testkit.tcp import accepting, read_packet, serving


def answering(**codes: bytes) -> Any:
    """A broker that answers with the given bytes after the packet identifier, or not at all."""

    async def script(stream: trio.SocketStream) -> None:
        while True:
            first, body = await read_packet(stream)
            if not first:
                return
            kind = first & 0xF0
            if kind == 0x80 and (more := codes.get("suback", b"")):
                await stream.send_all(b"\x90" + bytes([2 + len(more)]) + body[:2] + more)
            if kind == 0x30:
                size = body[0] << 8 | body[1]
                packet_id = body[2 + size : 4 + size]
                qos = (first & 6) >> 1
                more = codes.get("puback" if qos == 1 else "pubrec", b"-")
                if qos and more != b"-":
                    await stream.send_all(bytes([0x40 if qos == 1 else 0x50, 2 + len(more)]) + packet_id + more)
            if kind == 0x60 and "pubcomp" in codes:
                await stream.send_all(b"\x70" + bytes([2 + len(codes["pubcomp"])]) + body[:2] + codes["pubcomp"])

    return script


async def test_refused_filters_are_values_per_filter(rig: Rig) -> None:
    """mosquitto's access list grants and filters; other brokers refuse in SUBACK (MQTT 5 §3.9.3)."""
    script = accepting(answering(suback=b"\x00\x01\x87\x8f"))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        wanted = [Subscription("a", 1), Subscription("b", 1), Subscription("c", 1)]
        assert await client.subscribe(wanted) == [1, 0x87, 0x8F]


@pytest.mark.parametrize(("reply", "code"), [(b"", 0), (b"\x00", 0), (b"\x10", 0x10), (b"\x10\x00", 0x10)])
async def test_puback_reason_codes_reach_the_receipt(rig: Rig, reply: bytes, code: int) -> None:
    """gmqtt throws them away; the short forms of MQTT 5 §3.4.2.1 mean success."""
    async with serving(accepting(answering(puback=reply))) as broker, rig.transport.connect(broker, QUICK) as client:
        receipt = await client.publish(Publication("a", b"", 1))
        assert (receipt.acknowledged, receipt.reason_code) == (True, code)


@pytest.mark.parametrize(("qos", "answer"), [(1, "puback"), (2, "pubrec")])
async def test_a_publish_refused_by_reason_code_raises(rig: Rig, qos: int, answer: str) -> None:
    """0x87 in PUBACK or PUBREC; a refused PUBREC ends the exchange (MQTT 5 §4.3.3)."""
    script = accepting(answering(**{answer: b"\x87\x00"}))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        with pytest.raises(NotAuthorized):
            await client.publish(Publication("a", b"", qos))


@pytest.mark.parametrize(
    ("call", "stage"),
    [
        ("subscribe", "SUBACK"),
        ("unsubscribe", "UNSUBACK"),
        ("publish", "PUBACK"),
        ("pubcomp", "PUBCOMP"),
        ("ping", "PINGRESP"),
    ],
)
async def test_a_missing_answer_names_its_stage(rig: Rig, call: str, stage: str) -> None:
    """Every request is bounded by ``request_timeout_s``; gmqtt bounds none."""
    script = accepting(answering(pubrec=b""))
    async with serving(script) as broker, rig.transport.connect(broker, QUICK) as client:
        requests = {
            "subscribe": lambda: client.subscribe([Subscription("a")]),
            "unsubscribe": lambda: client.unsubscribe(["a"]),
            "publish": lambda: client.publish(Publication("a", b"", 1)),
            "pubcomp": lambda: client.publish(Publication("a", b"", 2)),
            "ping": client.ping,
        }
        with pytest.raises(TimedOut) as error:
            await requests[call]()
        assert (error.value.stage, error.value.seconds) == (stage, 0.4)


@pytest.mark.parametrize("maximum", [1, 2, 3])
async def test_a_tiny_receive_maximum_is_kept_and_does_not_block_subscribing(rig: Rig, maximum: int) -> None:
    """gmqtt ignores 1 and raises OverflowError from subscribe() at the others (MQTT-3.3.4-9)."""
    connack = b"\x20\x06\x00\x00\x03\x21" + maximum.to_bytes(2, "big")
    in_flight: list[int] = []

    async def count(stream: trio.SocketStream) -> None:
        while True:
            first, body = await read_packet(stream)
            if first & 0xF0 == 0x30:
                in_flight.append(1)
            elif first & 0xF0 == 0x80:
                await stream.send_all(b"\x90\x04" + body[:2] + b"\x00\x00")
            elif not first:
                return

    async with serving(accepting(count, connack=connack)) as broker, rig.transport.connect(broker, QUICK) as client:
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                with pytest.raises(TimedOut) as error:
                    await client.publish(Publication("a", b"", 1))
                assert error.value.stage in {"PUBACK", "window"}

            for _ in range(5):
                nursery.start_soon(publish)
            await trio.sleep(0.1)
            assert await client.subscribe([Subscription("a")]) == [0]
        assert len(in_flight) == maximum
