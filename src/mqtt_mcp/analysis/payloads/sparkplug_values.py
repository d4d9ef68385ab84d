"""Sparkplug B metrics and what they hold: scalars by datatype, arrays, data sets, templates and properties.

Owns the field numbers of ``Metric`` and of everything inside it (Sparkplug 3.0.0 §6.4 and its ``sparkplug_b.proto``).
Pure, linear, nested at most four deep; whatever does not fit its type becomes hex or None.
"""

import math
import struct
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.json_like import hexed, iso_time
from mqtt_mcp.analysis.payloads.protobuf import BYTES, FIXED32, FIXED64, VARINT, Field, fields

DATATYPES = (
    "unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean",
    "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
    "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array",
    "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
)  # fmt: skip
"""Names by number (§6.4.16)."""

_BOOLEAN, _DATE_TIME, _BOOLEANS, _STRINGS, _DATE_TIMES = 11, 13, 32, 33, 34
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_ARRAYS = {
    22: ("b", 1), 23: ("h", 2), 24: ("i", 4), 25: ("q", 8), 26: ("B", 1), 27: ("H", 2), 28: ("I", 4), 29: ("Q", 8),
    30: ("f", 4), 31: ("d", 8), _DATE_TIMES: ("q", 8),
}  # fmt: skip
"""Datatype of an array → how struct calls its items, and their size in bytes; all little-endian (§6.4.17)."""

_MAX_DEPTH = 4
_MAX_ROWS = 200
_MAX_NUMBER = 1_000
_NAME_CHARS = 200


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    Attributes:
        name: Empty where only an alias was sent.
        alias: -1 for none.
        quality: The property ``Quality``, -1 for none.
        properties: All other properties.
        raw: A bytes value whose datatype only the birth tells.
    """

    name: str = ""
    alias: int = -1
    timestamp_ms: int = 0
    datatype: int = 0
    historical: bool = False
    is_null: bool = False
    value: Any = None
    quality: int = -1
    properties: dict[str, Any] = {}
    raw: bytes = b""


def read_metric(data: bytes, depth: int = 0) -> Metric | None:
    """One metric, or None when the bytes are no message."""
    found = fields(data, max_number=_MAX_NUMBER)
    if found is None:
        return None
    name, alias, timestamp_ms, datatype = "", -1, 0, 0
    historical = is_null = False
    properties: dict[str, Any] = {}
    value: Field | None = None
    for number, wire, one in found:
        if wire == VARINT:
            integer = _int(one)
            if number == 2:
                alias = integer
            elif number == 3:
                timestamp_ms = integer
            elif number == 4:
                datatype = integer
            elif number == 5:
                historical = bool(integer)
            elif number == 7:
                is_null = bool(integer)
        elif number == 1:
            name = _text(one)[:_NAME_CHARS]
        elif number == 9 and wire == BYTES:
            properties = _properties(_bytes(one), depth)
        if 10 <= number <= 19:
            value = (number, wire, one)
    quality = next((properties.pop(key) for key in list(properties) if key.lower() == "quality"), -1)
    unknown = value is not None and value[0] == 16 and not datatype and not is_null
    return Metric(
        name=name, alias=alias, timestamp_ms=timestamp_ms, datatype=datatype, historical=historical, is_null=is_null,
        quality=quality if isinstance(quality, int) and not isinstance(quality, bool) else -1, properties=properties,
        value=None if value is None or is_null else _value(value, datatype, depth),
        raw=_bytes(value[2]) if unknown and value is not None else b"",
    )  # fmt: skip


def typed(metric: Metric, datatype: int) -> Any:
    """The value of a metric that came without its datatype, as the birth of its alias said."""
    if metric.is_null or metric.datatype:
        return metric.value
    if metric.raw:
        return _blob(metric.raw, datatype)
    value = metric.value
    return _integer(value, datatype) if isinstance(value, int) and not isinstance(value, bool) else value


def _value(field: Field, datatype: int, depth: int) -> Any:
    number, wire, value = field
    if number <= 15:
        return _scalar(number - 10, wire, value, datatype)
    if wire != BYTES:
        return None
    data = _bytes(value)
    if number == 17:
        return _data_set(data)
    if number == 18 and depth < _MAX_DEPTH:
        return _template(data, depth)
    return _blob(data, datatype) if number == 16 else hexed(data)


def _scalar(kind: int, wire: int, value: int | bytes, datatype: int) -> Any:
    """A member of the ``oneof`` that all values share: int, long, float, double, boolean, string, in this order."""
    if kind in {0, 1} and wire == VARINT:
        return _integer(_int(value), datatype)
    if kind == 2 and wire == FIXED32:
        return _finite(struct.unpack("<f", _bytes(value))[0], digits=7)
    if kind == 3 and wire == FIXED64:
        return _finite(struct.unpack("<d", _bytes(value))[0], digits=17)
    if kind == 4 and wire == VARINT:
        return bool(value)
    return _text(value) if kind == 5 and wire == BYTES else None


def _integer(value: int, datatype: int) -> Any:
    if datatype == _BOOLEAN:
        return bool(value)
    if datatype == _DATE_TIME:
        return _date_time(value)
    bits = _SIGNED_BITS.get(datatype, 0)
    if not bits:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _date_time(epoch_ms: int) -> Any:
    """ISO 8601 text, or the number itself where no year of four digits holds it."""
    found = iso_time(epoch_ms / 1000)
    return epoch_ms if found is None else found


def _finite(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _blob(data: bytes, datatype: int) -> Any:
    """Bytes as the array that their datatype says, otherwise as hex text."""
    known = _ARRAYS.get(datatype)
    if known is not None and len(data) % known[1] == 0:
        code, size = known
        items = struct.unpack(f"<{len(data) // size}{code}", data)
        if datatype == _DATE_TIMES:
            return [_date_time(one) for one in items]
        return [_finite(one, 7 if code == "f" else 17) for one in items] if code in "fd" else list(items)
    if datatype == _BOOLEANS and len(data) >= 4:
        count, bits = int.from_bytes(data[:4], "little"), data[4:]
        if count <= 8 * len(bits):
            return [bool(bits[at >> 3] >> (7 - (at & 7)) & 1) for at in range(count)]
    if datatype == _STRINGS and data.endswith(b"\x00"):
        return [_text(one) for one in data[:-1].split(b"\x00")]
    return hexed(data)


def _properties(data: bytes, depth: int) -> dict[str, Any]:
    """A property set: keys and values in equal order (§6.4.10)."""
    found = fields(data, max_number=_MAX_NUMBER) or []
    keys = [_text(value)[:_NAME_CHARS] for number, wire, value in found if number == 1 and wire == BYTES]
    values = [_bytes(value) for number, wire, value in found if number == 2 and wire == BYTES]
    return {key: _property(one, depth) for key, one in zip(keys, values, strict=False)}


def _property(data: bytes, depth: int) -> Any:
    found = fields(data, max_number=_MAX_NUMBER) or []
    datatype = next((_int(value) for number, wire, value in found if number == 1 and wire == VARINT), 0)
    for number, wire, value in found:
        if 3 <= number <= 8:
            return _scalar(number - 3, wire, value, datatype)
        if depth < _MAX_DEPTH and wire == BYTES and number == 9:
            return _properties(_bytes(value), depth + 1)
        if depth < _MAX_DEPTH and wire == BYTES and number == 10:
            sets = fields(_bytes(value), max_number=_MAX_NUMBER) or []
            return [_properties(_bytes(one), depth + 1) for n, w, one in sets if n == 1 and w == BYTES]
    return None


def _data_set(data: bytes) -> dict[str, Any] | None:
    """Columns and rows (§6.4.11); of more than 200 rows the first, and how many there are besides."""
    found = fields(data, max_number=_MAX_NUMBER)
    if found is None:
        return None
    columns = [_text(value)[:_NAME_CHARS] for number, wire, value in found if number == 2 and wire == BYTES]
    types = [_int(value) for number, wire, value in found if number == 3 and wire == VARINT]
    rows: list[list[Any]] = []
    missing = 0
    for number, wire, value in found:
        if number != 4 or wire != BYTES:
            continue
        if len(rows) >= _MAX_ROWS:
            missing += 1
            continue
        elements = [
            _bytes(one) for n, w, one in fields(_bytes(value), max_number=_MAX_NUMBER) or [] if (n, w) == (1, BYTES)
        ]
        rows.append([_element(one, types[at] if at < len(types) else 0) for at, one in enumerate(elements)])
    said: dict[str, Any] = {"columns": columns, "rows": rows}
    return said | {"more_rows": missing} if missing else said


def _element(data: bytes, datatype: int) -> Any:
    for number, wire, value in fields(data, max_number=_MAX_NUMBER) or []:
        if 1 <= number <= 6:
            return _scalar(number - 1, wire, value, datatype)
    return None


def _template(data: bytes, depth: int) -> dict[str, Any]:
    """A template: which one, its metrics by name, and its parameters (§6.4.13)."""
    members: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for number, wire, value in fields(data, max_number=_MAX_NUMBER) or []:
        if number == 2 and wire == BYTES:
            metric = read_metric(_bytes(value), depth + 1)
            if metric is not None:
                members[free_name(metric.name or f"alias:{metric.alias}", members)] = metric.value
        elif number == 3 and wire == BYTES:
            name = next((_text(one) for n, w, one in fields(_bytes(value)) or [] if n == 1 and w == BYTES), "")
            parameters[name[:_NAME_CHARS]] = _parameter(_bytes(value))
        elif number == 4 and wire == BYTES:
            said["template"] = _text(value)[:_NAME_CHARS]
        elif number == 5 and wire == VARINT and value:
            said["definition"] = True
    said["metrics"] = members
    return said | {"parameters": parameters} if parameters else said


def _parameter(data: bytes) -> Any:
    found = fields(data, max_number=_MAX_NUMBER) or []
    datatype = next((_int(value) for number, wire, value in found if number == 2 and wire == VARINT), 0)
    for number, wire, value in found:
        if 3 <= number <= 8:
            return _scalar(number - 3, wire, value, datatype)
    return None


def free_name(name: str, taken: dict[str, Any]) -> str:
    """A name that is not taken: the name, or ``name (2)`` and so on; from 50 on with gaps, to find one soon."""
    free, turn = name, 2
    while free in taken:
        free = f"{name} ({turn if turn < 50 else len(taken) + turn})"
        turn += 1
    return free


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""


def _text(value: int | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
