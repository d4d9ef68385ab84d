"""CBOR (RFC 8949): a walk that proves the bytes to be one bounded item, then cbor2 on what was proven.

Owns what counts as CBOR and what its tags become. cbor2 sees only items whose sizes fit into the payload and that nest
at most 64 deep, and none of its tag decoders runs: they compile patterns, share references and build dates and numbers
of any size.
"""

import functools
from decimal import Decimal
from typing import Any

from mqtt_mcp.analysis.payloads.json_like import MAX_DEPTH, hexed, iso_time, json_like

SELF_DESCRIBED = b"\xd9\xd9\xf7"
"""Tag 55799 (RFC 8949 §3.4.6), which begins files and some payloads."""

_OUTER_TAGS = frozenset({0, 1, 16, 17, 18, 61, 96, 97, 98, 55799})
"""Tags that may stand first: times, COSE, CWT, self-described. Others prove nothing."""

_BUILT_IN_TAGS = (
    0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799,
)  # fmt: skip


def read(payload: bytes) -> Any | None:
    """The value of one CBOR array, map or tagged item that consumes every byte, or None."""
    if not _is_one_item(payload):
        return None
    return _decode(payload)


class _Tagged:
    __slots__ = ("tag", "value")

    def __init__(self, tag: int, value: Any) -> None:
        self.tag = tag
        self.value = value


def _decode(payload: bytes) -> Any | None:
    import cbor2  # noqa: PLC0415 - a window that never sees CBOR need not load it

    def undone(tag: int, value: Any, _immutable: bool) -> _Tagged:  # noqa: FBT001 - as cbor2 calls it
        return _Tagged(tag, value)

    def unknown(tag: Any, _immutable: bool) -> _Tagged:  # noqa: FBT001 - as cbor2 calls it
        return _Tagged(tag.tag, tag.value)

    def other(value: Any) -> Any:
        if isinstance(value, _Tagged):
            return _meaning(value)
        if isinstance(value, cbor2.CBORSimpleValue):
            return f"simple({value.value})"
        return None  # undefined

    decoders = {tag: functools.partial(undone, tag) for tag in _BUILT_IN_TAGS}
    try:
        value = cbor2.loads(payload, semantic_decoders=decoders, tag_hook=unknown, max_depth=2 * MAX_DEPTH)
        return json_like(value, other)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        return None


def _meaning(tagged: _Tagged) -> Any:  # noqa: PLR0911 - one return per tag
    tag, value = tagged.tag, tagged.value
    if tag == 1 and isinstance(value, int | float) and not isinstance(value, bool):
        found = iso_time(value) if isinstance(value, int) or value == value else None  # noqa: PLR0124 - not NaN
        return value if found is None else found
    if tag in {2, 3} and isinstance(value, bytes):
        number = int.from_bytes(value)
        return number if tag == 2 else -1 - number
    if tag == 4 and _is_pair(value):
        return _decimal(value[0], value[1])
    if tag == 37 and isinstance(value, bytes) and len(value) == 16:
        digits = value.hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    if tag == 30 and _is_pair(value):
        return f"{json_like(value[0], _meaning_or_none)}/{json_like(value[1], _meaning_or_none)}"
    if tag in {24, 63} and isinstance(value, bytes):
        return hexed(value)
    return value


def _meaning_or_none(value: Any) -> Any:
    return _meaning(value) if isinstance(value, _Tagged) else None


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, int | _Tagged) for one in value)


def _decimal(exponent: Any, mantissa: Any) -> Any:
    if isinstance(exponent, int) and isinstance(mantissa, int) and abs(exponent) <= 300 and abs(mantissa) < 10**30:
        return float(Decimal(mantissa).scaleb(exponent))
    return f"{json_like(mantissa, _meaning_or_none)}e{json_like(exponent, _meaning_or_none)}"


def _is_one_item(payload: bytes) -> bool:  # noqa: C901, PLR0911, PLR0912 - one walk over one grammar
    """Walk one CBOR item (RFC 8949 §3) without decoding; linear, no recursion."""
    first = payload[0]
    if first >> 5 not in {4, 5, 6} or first & 0x1F == 0:
        return False
    if first >> 5 == 6 and _argument(payload, 0)[0] not in _OUTER_TAGS:
        return False
    at, end = 0, len(payload)
    open_items: list[int] = []
    """What each open item still needs; -1 for indefinite ones, which a break ends."""
    while True:
        if at >= end:
            return False
        major, info = payload[at] >> 5, payload[at] & 0x1F
        if major == 7 and info == 31:
            if not open_items or open_items.pop() != -1:
                return False
            at += 1
        else:
            size, at = _argument(payload, at)
            if at < 0 or at > end:
                return False
            if major in {2, 3} and size >= 0:
                at += size
            elif major in {4, 5} and size > 0:
                needed = size * 2 if major == 5 else size
                if needed > end - at:
                    return False
                open_items.append(needed)
            elif major == 6:
                open_items.append(1)
            elif size == -1:
                open_items.append(-1)
            if len(open_items) > MAX_DEPTH:
                return False
            if at > end:
                return False
            if (major in {4, 5} and size) or major == 6 or size == -1:
                continue  # its first member follows
        while open_items and open_items[-1] > 0:
            open_items[-1] -= 1
            if open_items[-1]:
                break
            open_items.pop()
        if not open_items:
            return at == end


def _argument(payload: bytes, at: int) -> tuple[int, int]:
    """The argument of the head at ``at`` (-1 for indefinite) and what follows it; a position of -1 for none."""
    major, info = payload[at] >> 5, payload[at] & 0x1F
    at += 1
    if info < 24:
        return info, at
    if info < 28:
        width = 1 << (info - 24)
        return int.from_bytes(payload[at : at + width]), at + width
    if info == 31 and major in {2, 3, 4, 5}:
        return -1, at
    return 0, -1
