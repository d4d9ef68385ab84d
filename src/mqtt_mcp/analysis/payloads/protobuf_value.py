"""A Protocol Buffers message without its schema, as a value: field numbers as keys, nested as far as it shows.

Owns the guesses: which bytes are a message rather than chance, which field is text, a message or a float. Does not read
the wire format (``protobuf.py`` does).
"""

import math
import struct
from typing import Any

from mqtt_mcp.analysis.payloads.json_like import hexed
from mqtt_mcp.analysis.payloads.protobuf import FIXED32, FIXED64, Field, fields

_MAX_NUMBER = 536
_MAX_DEPTH = 8
_MAX_VALUES = 5_000
_MIN_BYTES = 4
_MIN_NESTED_BYTES = 2


def read(payload: bytes) -> tuple[dict[str, Any], str] | None:
    """The value and the structure signature of what seems to be a message, or None.

    Args:
        payload: Any bytes; fewer than 4 prove nothing.
    """
    if len(payload) < _MIN_BYTES:
        return None
    found = fields(payload, max_number=_MAX_NUMBER)
    if found is None or not _is_plausible(found):
        return None
    kinds = sorted({(number, wire) for number, wire, _ in found})
    shape = "protobuf:" + ",".join(f"{number}.{wire}" for number, wire in kinds)
    return _message(found, 0, [_MAX_VALUES]), shape[:600]


def _is_plausible(found: list[Field]) -> bool:
    """Whether encoders write this: the first field is a low one, each number has one wire type, and order is kept.

    A single field of fixed width is any one byte before four or eight others. Random bytes now and then are a message
    to the last one; hardly ever in ascending order.
    """
    if not found or found[0][0] > 32 or (len(found) == 1 and found[0][1] in {FIXED32, FIXED64}):
        return False
    wires: dict[int, int] = {}
    falls = last = 0
    for number, wire, _ in found:
        if wires.setdefault(number, wire) != wire:
            return False
        falls += number < last
        last = number
    return falls * 4 <= len(found) and max(wires) <= 15 + 16 * len(wires)


def _message(found: list[Field], depth: int, left: list[int]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    repeated: set[str] = set()
    for number, wire, value in found:
        left[0] -= 1
        if left[0] < 0:
            break
        key = str(number)
        one = _value(wire, value, depth, left)
        if key in repeated:
            members[key].append(one)
        elif key in members:
            members[key] = [members[key], one]
            repeated.add(key)
        else:
            members[key] = one
    return members


def _value(wire: int, value: int | bytes, depth: int, left: list[int]) -> Any:
    if isinstance(value, int):
        return value
    if wire == FIXED32:
        return _float_or_int(value, "<f")
    if wire == FIXED64:
        return _float_or_int(value, "<d")
    text = _printable(value)
    if text is not None:
        return text
    if depth < _MAX_DEPTH and len(value) >= _MIN_NESTED_BYTES:
        inner = fields(value, max_number=_MAX_NUMBER)
        if inner and _is_plausible(inner):
            return _message(inner, depth + 1, left)
    return hexed(value)


def _float_or_int(data: bytes, kind: str) -> float | int:
    """A float of a size that one measures, otherwise an integer: both are written with four or eight bytes."""
    value = float(struct.unpack(kind, data)[0])
    if value == 0 or (math.isfinite(value) and 1e-6 <= abs(value) <= 1e12):
        return float(f"{value:.7g}") if kind == "<f" else value
    return int.from_bytes(data, "little")


def _printable(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\t\r\n" for char in text) else None
