"""Protocol Buffers on the wire, without a schema: fields by number, every byte accounted for.

Owns the wire format (https://protobuf.dev/programming-guides/encoding). Linear, no recursion, never raises; what a
field means is its user's business (``sparkplug.py``).
"""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 20_000
MAX_FIELD_NUMBER = 536_870_911

Field = tuple[int, int, int | bytes]
"""Number, wire type, and an int for ``VARINT`` or the bytes of anything else."""


def varint(payload: bytes, at: int) -> tuple[int, int]:
    """Read a varint at ``at``; returns (value, next position), position -1 when it does not end within ten bytes."""
    value = shift = 0
    end = len(payload)
    while at < end and shift < 70:
        byte = payload[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, -1


def fields(payload: bytes, *, max_number: int = MAX_FIELD_NUMBER) -> list[Field] | None:
    """All fields of a message in order, or None when the bytes are not one to the last byte.

    Args:
        payload: Any bytes; an empty message has no fields.
        max_number: Highest field number that is believed; random bytes often name huge ones.
    """
    found: list[Field] = []
    at, end = 0, len(payload)
    while at < end:
        key, at = varint(payload, at)
        number, wire = key >> 3, key & 7
        if at < 0 or not 1 <= number <= max_number or len(found) >= MAX_FIELDS:
            return None
        if wire == VARINT:
            value, at = varint(payload, at)
            if at < 0:
                return None
            found.append((number, wire, value))
            continue
        if wire == BYTES:
            size, at = varint(payload, at)
        elif wire in {FIXED64, FIXED32}:
            size = 8 if wire == FIXED64 else 4
        else:
            return None
        if at < 0 or at + size > end:
            return None
        found.append((number, wire, payload[at : at + size]))
        at += size
    return found
