"""Messages and windows for tests of the analysis, with the times a test wants."""

from collections.abc import Iterable
from typing import Any

from mqtt_mcp.analysis.accumulator import Accumulator, EndedBy, Window
from mqtt_mcp.analysis.payloads.decoding import Decoded
from mqtt_mcp.analysis.sample.plans import plan_of
from mqtt_mcp.analysis.sample.signals import Signal, about_field, about_message
from mqtt_mcp.analysis.sample.topic_kind import TopicKind
from mqtt_mcp.mqtt.client import Message, Properties


def message(
    topic: str = "a/b",
    payload: bytes | str = b"{}",
    *,
    t_s: float = 0.0,
    qos: int = 0,
    retain: bool = False,
    properties: Properties | None = None,
) -> Message:
    """One received message; ``t_s`` is also its arrival on trio's clock."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Message(topic, data, qos, retain, t_s, properties=properties)


def window(elapsed_s: float = 30.0, *, ended_by: EndedBy = "duration", **more: Any) -> Window:
    """A watch without incidents."""
    facts: dict[str, Any] = {
        "started_at_epoch_s": 1_790_000_000.0,
        "duration_s": elapsed_s,
        "protocol": "5.0",
        "stored_complete": True,
        **more,
    }
    return Window(elapsed_s=elapsed_s, ended_by=ended_by, **facts)


def feed(accumulator: Accumulator, messages: Iterable[Message]) -> None:
    """Give messages to an accumulator at their times."""
    for one in messages:
        accumulator.add(one, one.received_s)


def signals_of(topic: str, decoded: Decoded) -> list[Signal]:
    """The signs of one message by itself, its fields included."""
    kind = TopicKind(topic)
    found = about_message(kind, decoded)
    for field, value in plan_of(decoded.value).read(decoded.value):
        if field.judged and isinstance(decoded.value, dict):
            found += about_field(kind, field.path, field.key, value)
    return found
