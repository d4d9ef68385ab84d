"""Sparkplug B payloads as values: metrics by name, with their types, nulls, qualities and history.

Owns the field numbers of the payload (Sparkplug 3.0.0 §6.4.1 and its ``sparkplug_b.proto``). Pure and stateless: which
name an alias stands for comes from a birth, which ``edge_nodes.py`` remembers. Never raises; whatever is not understood
is left out or makes the whole payload no Sparkplug.
"""

import math
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.protobuf import BYTES, FIXED32, FIXED64, VARINT, Field, fields

TOPIC_PREFIX = "spBv1.0/"
MAX_METRICS = 5_000
_MAX_DEPTH = 4
_MAX_ROWS = 200
_NAME_CHARS = 200
_PLAUSIBLE_MS = (946_684_800_000, 4_102_444_800_000)
"""2000 to 2100: what a clock that was set says."""

_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
DATATYPES = (
    "unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean",
    "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
)  # fmt: skip
_DEFAULT_TYPES = {10: 7, 11: 8, 12: 9, 13: 10, 14: 11, 15: 12, 16: 17, 17: 16, 18: 19}


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric. ``alias`` is -1 when there is none, ``quality`` -1 when it has no such property."""

    name: str = ""
    alias: int = -1
    timestamp_ms: int = 0
    datatype: int = 0
    historical: bool = False
    is_null: bool = False
    value: Any = None
    quality: int = -1


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """One payload. ``seq`` is -1 when there is none, as in NDEATH."""

    timestamp_ms: int = 0
    seq: int = -1
    metrics: tuple[Metric, ...] = ()
    uuid: str = ""


Names = Callable[[int], tuple[str, int] | None]
"""Alias → (metric name, datatype) as a birth said, or None when no birth was seen."""


def is_sparkplug_topic(topic: str) -> bool:
    """Whether payloads on this topic are Sparkplug B protobuf: all of the namespace but the JSON of STATE (§6.2)."""
    return topic.startswith(TOPIC_PREFIX) and not topic.startswith(TOPIC_PREFIX + "STATE/")


def parse(payload: bytes) -> Payload | None:
    """Read a payload, or None when the bytes are not one."""
    found = fields(payload, max_number=1_000)
    if found is None:
        return None
    timestamp_ms, seq, uuid = 0, -1, ""
    metrics: list[Metric] = []
    for number, wire, value in found:
        if number == 1 and wire == VARINT:
            timestamp_ms = _int(value)
        elif number == 2 and wire == BYTES:
            metric = _metric(_bytes(value), 0)
            if metric is None:
                return None
            if len(metrics) < MAX_METRICS:
                metrics.append(metric)
        elif number == 3 and wire == VARINT:
            seq = _int(value)
        elif number == 4 and wire == BYTES:
            uuid = _text(value)
    return Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=tuple(metrics), uuid=uuid)


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

    ``quality`` names metrics whose quality is not good (192), ``historical`` those of another time. A metric without
    a known name is called ``alias:17``.
    """
    metrics: dict[str, Any] = {}
    quality: dict[str, int] = {}
    historical: list[str] = []
    for metric in payload.metrics:
        name, value = _named(metric, names)
        shown, turn = name, 2
        while shown in metrics and turn < 50:
            shown, turn = f"{name} ({turn})", turn + 1
        metrics[shown] = None if metric.is_null else value
        if metric.quality not in {-1, 192}:
            quality[shown] = metric.quality
        if metric.historical:
            historical.append(shown)
    said: dict[str, Any] = {"timestamp": payload.timestamp_ms} if payload.timestamp_ms else {}
    if payload.seq >= 0:
        said["seq"] = payload.seq
    said["metrics"] = metrics
    if quality:
        said["quality"] = quality
    if historical:
        said["historical"] = historical
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
    value = metric.value
    if not metric.datatype and known is not None and isinstance(value, int) and not isinstance(value, bool):
        value = _signed(value, known[1])
    return name, value


def _metric(data: bytes, depth: int) -> Metric | None:
    found = fields(data, max_number=1_000)
    if found is None:
        return None
    name, alias, timestamp_ms, datatype, quality = "", -1, 0, 0, -1
    historical = is_null = False
    raw: Field | None = None
    for number, wire, value in found:
        if number == 1:
            name = _text(value)[:_NAME_CHARS]
        elif number == 2 and wire == VARINT:
            alias = _int(value)
        elif number == 3 and wire == VARINT:
            timestamp_ms = _int(value)
        elif number == 4 and wire == VARINT:
            datatype = _int(value)
        elif number == 5 and wire == VARINT:
            historical = bool(value)
        elif number == 7 and wire == VARINT:
            is_null = bool(value)
        elif number == 9 and wire == BYTES:
            quality = _quality(_bytes(value))
        elif 10 <= number <= 19:
            raw = (number, wire, value)
    return Metric(
        name=name, alias=alias, timestamp_ms=timestamp_ms, datatype=datatype, historical=historical, is_null=is_null,
        quality=quality, value=None if raw is None or is_null else _value(raw, datatype, depth),
    )  # fmt: skip


def _value(field: Field, datatype: int, depth: int) -> Any:  # noqa: PLR0911 - one return per kind of value
    number, wire, value = field
    kind = datatype or _DEFAULT_TYPES.get(number, 0)
    if wire == VARINT:
        if number == 14:
            return bool(value)
        return _signed(_int(value), kind if datatype else 0)
    data = _bytes(value)
    if wire == FIXED32:
        return _finite(struct.unpack("<f", data)[0], digits=7)
    if wire == FIXED64:
        return _finite(struct.unpack("<d", data)[0], digits=16)
    if number == 15:
        return _text(data)
    if number == 17:
        return _dataset(data)
    if number == 18 and depth < _MAX_DEPTH:
        return _template(data, depth)
    return data[:64].hex() + (f"…(+{len(data) - 64} bytes)" if len(data) > 64 else "")


def _signed(value: int, datatype: int) -> int:
    bits = _SIGNED_BITS.get(datatype, 0)
    if not bits:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _finite(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _quality(data: bytes) -> int:
    """The value of the property ``Quality`` (§6.4.10), or -1."""
    found = fields(data, max_number=1_000) or []
    keys = [_text(value) for number, _, value in found if number == 1]
    values = [_bytes(value) for number, wire, value in found if number == 2 and wire == BYTES]
    for key, one in zip(keys, values, strict=False):
        if key.lower() == "quality":
            inner = fields(one, max_number=1_000) or []
            return next((_int(value) for number, wire, value in inner if number in {3, 4} and wire == VARINT), -1)
    return -1


def _dataset(data: bytes) -> dict[str, Any] | None:
    found = fields(data, max_number=1_000)
    if found is None:
        return None
    columns = [_text(value) for number, _, value in found if number == 2]
    rows: list[list[Any]] = []
    for number, wire, value in found:
        if number == 4 and wire == BYTES and len(rows) < _MAX_ROWS:
            elements = [
                _bytes(one) for n, w, one in fields(_bytes(value), max_number=1_000) or [] if n == 1 and w == BYTES
            ]
            rows.append([_element(one) for one in elements])
    return {"columns": columns, "rows": rows}


def _element(data: bytes) -> Any:
    for number, wire, value in fields(data, max_number=1_000) or []:
        field: Field = ({1: 10, 2: 11, 3: 12, 4: 13, 5: 14, 6: 15}.get(number, 16), wire, value)
        return _value(field, 0, _MAX_DEPTH)
    return None


def _template(data: bytes, depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    reference = ""
    for number, wire, value in fields(data, max_number=1_000) or []:
        if number == 2 and wire == BYTES:
            metric = _metric(_bytes(value), depth + 1)
            if metric is not None and len(members) < MAX_METRICS:
                members[metric.name or f"alias:{metric.alias}"] = metric.value
        elif number == 4:
            reference = _text(value)
    return {"template": reference, "metrics": members} if reference else {"metrics": members}


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""


def _text(value: int | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
