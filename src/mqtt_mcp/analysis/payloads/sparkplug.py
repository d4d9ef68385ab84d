"""Sparkplug B payloads as values: metrics by name, with their types, nulls, qualities and history.

Owns the field numbers of the payload (Sparkplug 3.0.0 §6.4.1 and its ``sparkplug_b.proto``). Pure and stateless: which
name an alias stands for comes from a birth, which ``edge_nodes.py`` remembers. Never raises; whatever is not understood
is left out or makes the whole payload no Sparkplug.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.protobuf import BYTES, VARINT, fields
from mqtt_mcp.analysis.payloads.sparkplug_values import Metric, free_name, read_metric, typed
from mqtt_mcp.analysis.payloads.wrapping import inflate

TOPIC_PREFIX = "spBv1.0/"
MAX_METRICS = 5_000
_COMPRESSED = "SPBV1.0_COMPRESSED"
"""UUID of a payload whose body is another one, packed with gzip or zlib (Eclipse Tahu, ``PayloadUtil``)."""

_PLAUSIBLE_MS = (946_684_800_000, 4_102_444_800_000)
"""2000 to 2100: what a clock that was set says."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """One payload. ``seq`` is -1 when there is none, as in NDEATH."""

    timestamp_ms: int = 0
    seq: int = -1
    metrics: tuple[Metric, ...] = ()
    uuid: str = ""
    body: bytes = b""


Names = Callable[[int], tuple[str, int] | None]
"""Alias → (metric name, datatype) as a birth said, or None when no birth was seen."""


def is_sparkplug_topic(topic: str) -> bool:
    """Whether payloads on this topic are Sparkplug B protobuf: all of the namespace but the JSON of STATE (§6.2)."""
    return topic.startswith(TOPIC_PREFIX) and not topic.startswith(TOPIC_PREFIX + "STATE/")


def parse(payload: bytes) -> Payload | None:
    """Read a payload, or None when the bytes are not one; what Tahu compressed is inflated within bounds."""
    outer = _parse(payload)
    if outer is None or outer.uuid != _COMPRESSED or not outer.body:
        return outer
    content = inflate(outer.body, "gzip" if outer.body.startswith(b"\x1f\x8b") else "zlib")
    return (_parse(content) if content else None) or outer


def _parse(payload: bytes) -> Payload | None:
    found = fields(payload, max_number=1_000)
    if found is None:
        return None
    timestamp_ms, seq, uuid, body = 0, -1, "", b""
    metrics: list[Metric] = []
    for number, wire, value in found:
        if number == 1 and wire == VARINT:
            timestamp_ms = _int(value)
        elif number == 3 and wire == VARINT:
            seq = _int(value)
        elif isinstance(value, bytes) and wire == BYTES:
            if number == 2:
                metric = read_metric(value)
                if metric is None:
                    return None
                if len(metrics) < MAX_METRICS:
                    metrics.append(metric)
            elif number == 4:
                uuid = value.decode("utf-8", "replace")
            elif number == 5:
                body = value
    return Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=tuple(metrics), uuid=uuid, body=body)


def nameless(_alias: int) -> None:
    """No birth is known to a single payload."""


def is_plausible(payload: Payload) -> bool:
    """Whether bytes that nobody announced as Sparkplug are some: a time, a sequence number and metrics with values."""
    return (
        _PLAUSIBLE_MS[0] <= payload.timestamp_ms <= _PLAUSIBLE_MS[1]
        and -1 <= payload.seq <= 255
        and bool(payload.metrics)
        and all((m.name or m.alias >= 0) and (m.datatype <= 34) for m in payload.metrics)
        and any(m.datatype or m.value is not None for m in payload.metrics)
    )


def to_value(payload: Payload, names: Names) -> dict[str, Any]:
    """A payload as JSON-like value: ``{"timestamp", "seq", "metrics": {name: value}}`` and what is unusual about it.

    ``quality`` names metrics whose quality is not good (192), ``historical`` those of another time, ``properties`` what
    is said about them (``engUnit`` and the like). A metric without a known name is called ``alias:17``.
    """
    metrics: dict[str, Any] = {}
    quality: dict[str, int] = {}
    historical: list[str] = []
    properties: dict[str, Any] = {}
    for metric in payload.metrics:
        name, value = _named(metric, names)
        shown = free_name(name, metrics)
        metrics[shown] = None if metric.is_null else value
        if metric.quality not in {-1, 192}:
            quality[shown] = metric.quality
        if metric.historical:
            historical.append(shown)
        if metric.properties:
            properties[shown] = metric.properties
    said: dict[str, Any] = {"timestamp": payload.timestamp_ms} if payload.timestamp_ms else {}
    if payload.seq >= 0:
        said["seq"] = payload.seq
    said["metrics"] = metrics
    if quality:
        said["quality"] = quality
    if historical:
        said["historical"] = historical
    if properties:
        said["properties"] = properties
    return said


def structure(payload: Payload, names: Names) -> str:
    """The structure signature: which types of metrics there are, and which of them are null; not how many."""
    kinds = set()
    for metric in payload.metrics:
        known = names(metric.alias) if not metric.datatype and metric.alias >= 0 else None
        kinds.add(f"{known[1] if known else metric.datatype}{'?' if metric.is_null else ''}")
    return "sparkplug:" + ",".join(sorted(kinds))


def _named(metric: Metric, names: Names) -> tuple[str, Any]:
    known = names(metric.alias) if metric.alias >= 0 else None
    name = metric.name or (known[0] if known else f"alias:{metric.alias}" if metric.alias >= 0 else "(unnamed)")
    return name, typed(metric, known[1]) if known is not None else metric.value


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0
