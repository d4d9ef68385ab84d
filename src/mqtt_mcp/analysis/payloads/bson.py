"""BSON (https://bsonspec.org, version 1.1): one document that consumes every byte, and its common types.

Owns the format. A document names its own size first and ends with a zero, so hardly anything else passes for one.
Linear, nested at most 64 deep, never raises.
"""

import struct
from collections.abc import Callable
from typing import Any

from mqtt_mcp.analysis.payloads.json_like import MAX_DEPTH, hexed, iso_time, json_like

_SMALLEST = 7
"""A null without a name."""


class _NotBson(ValueError):
    pass


def read(payload: bytes) -> dict[str, Any] | None:
    """The members of one BSON document that consumes every byte, or None."""
    if len(payload) < _SMALLEST or int.from_bytes(payload[:4], "little") != len(payload) or payload[-1]:
        return None
    try:
        found, end = _document(payload, 0, 0)
    except (_NotBson, struct.error, UnicodeDecodeError):
        return None
    return dict(found) if end == len(payload) else None


def _document(data: bytes, at: int, depth: int) -> tuple[list[tuple[str, Any]], int]:
    size = _int32(data, at)
    end = at + size
    if size < 5 or end > len(data) or data[end - 1] or depth > MAX_DEPTH:
        raise _NotBson
    at += 4
    found: list[tuple[str, Any]] = []
    while at < end - 1:
        kind = data[at]
        name, at = _cstring(data, at + 1, end)
        if kind in {0x03, 0x04}:
            inner, at = _document(data, at, depth + 1)
            found.append((name, dict(inner) if kind == 0x03 else [value for _, value in inner]))
        else:
            value, at = _scalar(kind, data, at, end)
            found.append((name, value))
    if at != end - 1:
        raise _NotBson
    return found, end


def _scalar(kind: int, data: bytes, at: int, end: int) -> tuple[Any, int]:
    if kind in {0x02, 0x0D, 0x0E}:
        return _string(data, at, end)
    if kind == 0x05:
        size = _int32(data, at)
        if size < 0 or at + 5 + size > end:
            raise _NotBson
        return hexed(data[at + 5 : at + 5 + size]), at + 5 + size
    if kind == 0x0B:
        pattern, at = _cstring(data, at, end)
        options, at = _cstring(data, at, end)
        return f"/{pattern}/{options}", at
    known = _FIXED.get(kind)
    if known is None or at + known[0] > end:
        raise _NotBson
    size, value = known
    return value(data[at : at + size]), at + size


def _boolean(data: bytes) -> bool:
    if data[0] > 1:
        raise _NotBson
    return data[0] == 1


def _time(data: bytes) -> Any:
    epoch_ms = int.from_bytes(data, "little", signed=True)
    found = iso_time(epoch_ms / 1000)
    return epoch_ms if found is None else found


_FIXED: dict[int, tuple[int, Callable[[bytes], Any]]] = {
    0x01: (8, lambda data: json_like(struct.unpack("<d", data)[0])),
    0x06: (0, lambda _: None),
    0x07: (12, bytes.hex),
    0x08: (1, _boolean),
    0x09: (8, _time),
    0x0A: (0, lambda _: None),
    0x10: (4, lambda data: int.from_bytes(data, "little", signed=True)),
    0x11: (8, lambda data: int.from_bytes(data, "little")),
    0x12: (8, lambda data: int.from_bytes(data, "little", signed=True)),
    0x13: (16, lambda data: f"decimal128:{data.hex()}"),
    0x7F: (0, lambda _: "(max key)"),
    0xFF: (0, lambda _: "(min key)"),
}
"""Type → its size in bytes, and what it becomes."""


def _int32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<i", data, at)[0])


def _cstring(data: bytes, at: int, end: int) -> tuple[str, int]:
    stop = data.find(b"\x00", at, end)
    if stop < 0:
        raise _NotBson
    return data[at:stop].decode(), stop + 1


def _string(data: bytes, at: int, end: int) -> tuple[str, int]:
    size = _int32(data, at)
    stop = at + 4 + size
    if size < 1 or stop > end or data[stop - 1]:
        raise _NotBson
    return data[at + 4 : stop - 1].decode(), stop
