"""Making a value fit: JSON cut structurally, text cut in the middle, bytes as hex; every cut is visible.

Owns how much of a payload is shown. Does not decide what a payload is (``payloads/decoding.py`` does).
"""

import json
import re
from typing import Any, NamedTuple

import msgspec

from mqtt_mcp.analysis.text import clean

_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufe00-\ufe0e\U000e0000-\U000e0fff]"
)
_MAX_HEX_BYTES = 64
_MIN_ASCII_BYTES = 16


class _Limits(NamedTuple):
    """How much of each kind of value a level keeps."""

    string_chars: int
    items: int
    keys: int
    depth: int


_LEVELS = (
    _Limits(string_chars=120, items=8, keys=200, depth=5),
    _Limits(string_chars=40, items=3, keys=60, depth=4),
    _Limits(string_chars=24, items=1, keys=30, depth=3),
    _Limits(string_chars=16, items=1, keys=12, depth=2),
    _Limits(string_chars=12, items=0, keys=5, depth=1),
    _Limits(string_chars=12, items=0, keys=2, depth=1),
)
"""Tried in order until the text fits: first generous, then the two first levels only, at last a sketch."""


def cut_json(value: Any, max_chars: int) -> tuple[str, bool]:
    r"""A JSON value as compact, valid JSON text of at most ``max_chars`` characters, and whether something was cut.

    Long strings keep their beginning, arrays their first and last items, objects their first keys; what is missing is
    named in place: ``"…(+12)"``. Characters that could mislead a reader are ``\u`` escapes.

    Args:
        value: What a JSON parser gave, nested at most 64 deep.
        max_chars: At least 20.
    """
    return JsonCutter(value).cut(max_chars)


class JsonCutter:
    """``cut_json`` of one value to several lengths, each at most as long as the one before."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._text: str | None = None
        self._levels = iter(_LEVELS)
        self._whole = self._exhausted = False

    def cut(self, max_chars: int) -> tuple[str, bool]:
        """As ``cut_json``; ``max_chars`` is at most that of the call before. Each level is tried once."""
        value = self._value
        if self._text is None:
            self._whole = _small(value, 8 * max_chars) >= 0
            self._text = _encode(value) if self._whole else self._next()
        while len(self._text) > max_chars and not self._exhausted:
            self._whole = False
            self._text = self._next()
        return self._text, not self._whole

    def _next(self) -> str:
        limits = next(self._levels, None)
        if limits is not None:
            return _encode(_cut(self._value, limits, limits.depth))
        self._exhausted = True
        kind = "object" if isinstance(self._value, dict) else "array" if isinstance(self._value, list) else "string"
        return f'"…({kind})"'


def _small(value: Any, budget: int) -> int:
    """What is left of ``budget`` after the characters of a value; stops as soon as it is negative."""
    if isinstance(value, str):
        return budget - len(value)
    if isinstance(value, dict):
        for key, member in value.items():
            budget = _small(member, budget - len(key))
            if budget < 0:
                return budget
    elif isinstance(value, list):
        for member in value:
            budget = _small(member, budget - 1)
            if budget < 0:
                return budget
    return budget - 1


def _cut_string(text: str, limits: _Limits) -> str:
    if len(text) <= limits.string_chars:
        return text
    kept = max(8, limits.string_chars * 2 // 3)
    return f"{text[:kept]}…(+{len(text) - kept})"


def _cut_object(value: dict[str, Any], limits: _Limits, depth: int) -> Any:
    if depth <= 0 and value:
        return f"{{…(+{len(value)})}}"
    members: dict[str, Any] = {}
    for key, member in value.items():
        if len(members) >= limits.keys:
            members["…"] = f"(+{len(value) - limits.keys})"
            break
        members[_cut_string(key, limits)] = _cut(member, limits, depth - 1)
    return members


def _cut_array(value: list[Any], limits: _Limits, depth: int) -> Any:
    if depth <= 0 and value:
        return f"[…(+{len(value)})]"
    if len(value) <= limits.items:
        return [_cut(item, limits, depth - 1) for item in value]
    head = min(3, limits.items // 2)
    kept = [_cut(item, limits, depth - 1) for item in value[:head]]
    if not head:
        return [f"…(+{len(value)})"]
    return [*kept, f"…(+{len(value) - head - 1})", _cut(value[-1], limits, depth - 1)]


def _cut(value: Any, limits: _Limits, depth: int) -> Any:
    if isinstance(value, str):
        return _cut_string(value, limits)
    if isinstance(value, dict):
        return _cut_object(value, limits, depth)
    if isinstance(value, list):
        return _cut_array(value, limits, depth)
    if isinstance(value, int) and abs(value) >= 10**30:
        return f"{str(value)[:20]}…" if abs(value) < 10**4000 else "…(integer)"
    return value


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


def _encode(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError, ValueError):
        # integers beyond 64 bits, or surrogates that a caller put together
        return json.dumps(value, separators=(",", ":"))
    return _UNSAFE_IN_JSON.sub(_escape, text)


def cut_text(text: str, max_chars: int, *, missing_chars: int = 0) -> tuple[str, bool]:
    """Text with its beginning and, from 200 characters on, a fifth of the room for its end; and whether it was cut.

    Args:
        text: Any text; escaped by ``clean``.
        max_chars: Bound of the result, at least 20.
        missing_chars: Characters that follow ``text`` and are not part of it; they count as cut.
    """
    if not missing_chars and len(text) <= max_chars:
        whole = clean(text, 12 * max_chars)
        if len(whole) <= max_chars:
            return whole, False
    if max_chars < 200 or missing_chars:
        if missing_chars:
            mark = f"…(+{missing_chars})"
            return clean(text, max(12, max_chars - len(mark) - 1)) + mark, True
        return clean(text, max_chars), True
    tail_chars = max_chars // 5
    tail = clean(text[-tail_chars:], 12 * tail_chars)
    if len(tail) > tail_chars:
        return clean(text, max_chars), True
    return clean(text[:-tail_chars], max_chars - len(tail)) + tail, True


def cut_hex(payload: bytes, max_chars: int) -> tuple[str, bool]:
    """Bytes as hex, then their ASCII if they have any: ``01486921 |.Hi!|``; and whether something was cut.

    At most 64 bytes are shown, then ``…(+n bytes)``.
    """
    size = len(payload)
    cut = size > _MAX_HEX_BYTES or 2 * size > max_chars
    mark = f"…(+{size} bytes)" if cut else ""
    kept = min(_MAX_HEX_BYTES, size)
    if any(0x20 < byte < 0x7F for byte in payload[:kept]):
        room = (max_chars - len(mark) - 3) // 3
        if room >= min(kept, _MIN_ASCII_BYTES):
            kept = min(kept, room)
            mark = f"…(+{size - kept} bytes)" if kept < size else ""
            shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in payload[:kept])
            return f"{payload[:kept].hex()}{mark} |{shown}|", kept < size
    if not cut:
        return payload.hex(), False
    kept = min(kept, max(0, max_chars - len(mark)) // 2)
    return f"{payload[:kept].hex()}…(+{size - kept} bytes)", True
