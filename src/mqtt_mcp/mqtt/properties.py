"""Property blocks of MQTT 5 packets, as bytes to values.

Owns the wire types of MQTT 5 §2.2.2 and the Variable Byte Integer (§1.5.5). Does not know what a property means.
"""

from typing import Any

# Property identifier → wire type (MQTT 5 §2.2.2.2): bytes of an integer, v(ariable), s(tring), b(inary) or p(air).
_WIRE_TYPES: dict[int, int | str] = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
    **dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), "s"),
    **dict.fromkeys((0x09, 0x16), "b"),
    0x0B: "v",
    0x26: "p",
}


def read_properties(block: bytes) -> dict[int, list[Any]]:
    """Read a property block (MQTT 5 §2.2.2), without its length.

    Returns:
        Property identifier → values in order: int, str, bytes or a pair of str. Text that is not UTF-8 is replaced.

    Raises:
        ValueError, IndexError: The block is malformed.
    """
    found: dict[int, list[Any]] = {}
    at, end = 0, len(block)
    while at < end:
        identifier = block[at]
        value, at = _property(_WIRE_TYPES.get(identifier), block, at + 1)
        found.setdefault(identifier, []).append(value)
    return found


def properties_after(body: bytes, at: int) -> dict[int, list[Any]]:
    """Read the property block, with its length, that starts at ``at`` of a packet body; none when the body ends there.

    Raises:
        ValueError, IndexError: The block is malformed.
    """
    if at >= len(body):
        return {}
    _, start = read_variable(body, at, len(body))
    return read_properties(body[start : properties_end(body, at)])


def properties_end(body: bytes, at: int) -> int:
    """Where the property block that starts at ``at`` of a packet body ends.

    Raises:
        ValueError: The block is malformed.
    """
    length, start = read_variable(body, at, len(body))
    if not start or start + length > len(body):
        raise ValueError(length)
    return start + length


def _property(wire_type: int | str | None, block: bytes, at: int) -> tuple[Any, int]:
    if isinstance(wire_type, int):
        if at + wire_type > len(block):
            raise ValueError(at)
        return int.from_bytes(block[at : at + wire_type], "big"), at + wire_type
    if wire_type == "v":
        value, at = read_variable(block, at, len(block))
        if not at:
            raise ValueError(value)
        return value, at
    if wire_type is None:
        raise ValueError(wire_type)
    raw, at = _counted(block, at)
    if wire_type == "b":
        return raw, at
    text = raw.decode(errors="replace")
    if wire_type == "s":
        return text, at
    raw, at = _counted(block, at)
    return (text, raw.decode(errors="replace")), at


def _counted(block: bytes, at: int) -> tuple[bytes, int]:
    stop = at + 2 + (block[at] << 8 | block[at + 1])
    if stop > len(block):
        raise ValueError(stop)
    return block[at + 2 : stop], stop


def read_variable(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a Variable Byte Integer (MQTT 5 §1.5.5): value and where it ends, 0 when it is not all there yet."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            return 0, 0
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 128:
            return value, at
    raise ValueError(value)
