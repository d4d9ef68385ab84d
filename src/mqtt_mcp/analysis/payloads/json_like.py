"""Values of other encodings as JSON has them: string keys, no NaN, no bytes, no dates; bounded in depth and in text.

Owns what becomes of a value that JSON does not know. Does not read payloads (``cbor.py``, ``message_pack.py``,
``bson.py`` and others do) and does not cut for showing (``cutting.py`` does).
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

MAX_DEPTH = 64
_SHOWN_BYTES = 64
_KEY_CHARS = 200
_MAX_DIGITS = 40
_EXACT = 10**_MAX_DIGITS
_LAST_S = 253_402_300_800  # 10000-01-01: the first second that no ISO time with four digits names


class TooDeep(ValueError):
    """A value is nested deeper than ``MAX_DEPTH``."""


def json_like(  # noqa: PLR0911 - one return per type
    value: Any, other: Callable[[Any], Any] | None = None, depth: int = 0
) -> Any:
    """A decoded value as JSON has it.

    Args:
        value: What a decoder of another encoding gave.
        other: What to make of a value of an unknown type; its result is looked at again.
        depth: How deep the value lies.

    Raises:
        TooDeep: When it is nested more than 64 deep.
    """
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return whole(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if depth > MAX_DEPTH:
        raise TooDeep
    if isinstance(value, Mapping):
        return members(((key, member) for key, member in value.items()), other, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [json_like(item, other, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return hexed(bytes(value))
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return json_like(other(value), other, depth + 1) if other is not None else f"({kind.__name__})"


def members(pairs: Any, other: Callable[[Any], Any] | None, depth: int) -> dict[str, Any]:
    """An object of pairs whose keys may be anything; equal names get a number, so that no member is lost."""
    found: dict[str, Any] = {}
    turns: dict[str, int] = {}
    for key, member in pairs:
        name = key if key.__class__ is str else key_text(key)
        if name in found:
            turn = turns[name] = turns.get(name, 1) + 1
            name = f"{name} ({turn})"
        found[name] = json_like(member, other, depth + 1)
    return found


def key_text(key: Any) -> str:
    """A key that is no string, as one."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int):
        return str(whole(key))
    if isinstance(key, bytes):
        return hexed(key)
    return str(key)[:_KEY_CHARS] if isinstance(key, float | str | datetime) else f"({type(key).__name__})"


def whole(value: int) -> int | str:
    """An integer of at most 40 digits; a longer one as bounded hex text, because writing it out is not linear."""
    if -_EXACT < value < _EXACT:
        return value
    size = (value.bit_length() + 7) // 8
    sign = "-" if value < 0 else ""
    return f"{sign}0x{hexed(abs(value).to_bytes(size))}"


def hexed(data: bytes) -> str:
    """Bytes as hex text; above 64 of them ``…(+n bytes)``."""
    if len(data) <= _SHOWN_BYTES:
        return data.hex()
    return f"{data[:_SHOWN_BYTES].hex()}…(+{len(data) - _SHOWN_BYTES} bytes)"


def iso_time(epoch_s: float) -> str | None:
    """Seconds since 1970 as ISO 8601 text in UTC, or None when no year of four digits holds them."""
    if not -62_135_596_800 <= epoch_s < _LAST_S:
        return None
    whole_s = math.floor(epoch_s)
    micros = min(999_999, round((epoch_s - whole_s) * 1e6))
    text = datetime.fromtimestamp(whole_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    year = text.split("-", 1)[0].zfill(4)
    fraction = "" if not micros else f".{micros:06d}" if micros % 1000 else f".{micros // 1000:03d}"
    return f"{year}{text[text.index('-') :]}{fraction}Z"
