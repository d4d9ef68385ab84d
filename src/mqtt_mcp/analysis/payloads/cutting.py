"""Making a value fit: JSON cut structurally, text cut in the middle, bytes as hex; every cut is visible.

Owns how much of a payload is shown. Does not decide what a payload is (``payloads/decoding.py`` does).
"""

import json
import re
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from mqtt_mcp.analysis.payloads.shape import looks_like_id_key
from mqtt_mcp.analysis.text import clean

_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufe00-\ufe0e\U000e0000-\U000e0fff]"
)
_HUGE = 10**30
_MAX_HEX_BYTES = 64
_MIN_ASCII_BYTES = 16


class _Limits(NamedTuple):
    """How much of each kind of value a level keeps."""

    string_chars: int
    items: int
    keys: int
    depth: int


_LEVELS = (
    _Limits(string_chars=120, items=8, keys=1_000, depth=5),
    _Limits(string_chars=60, items=4, keys=1_000, depth=4),
    _Limits(string_chars=40, items=3, keys=500, depth=3),
    _Limits(string_chars=24, items=1, keys=300, depth=2),
    _Limits(string_chars=12, items=0, keys=200, depth=2),
    _Limits(string_chars=12, items=0, keys=100, depth=2),
    _Limits(string_chars=12, items=0, keys=50, depth=2),
    _Limits(string_chars=12, items=0, keys=24, depth=2),
    _Limits(string_chars=12, items=0, keys=12, depth=1),
    _Limits(string_chars=12, items=0, keys=5, depth=1),
    _Limits(string_chars=12, items=0, keys=2, depth=1),
)
"""Tried in order until the text fits: all keys of the two first levels stay as long as possible, at last a sketch."""

_MAP_MEMBERS = 2
_MIN_MAP = 8
"""An object with more members than this may be a map from identifiers to objects: two of them tell the rest."""

_MARK = "…"
_ANY_NUMBER = 1 << 30
_SHORTEST_CUT_KEY = 20
_KEY_CHARS = 32
"""Keys are cut less than strings: what they have in common stands first."""


def cut_json(value: Any, max_chars: int) -> tuple[str, bool]:
    r"""A JSON value as compact, valid JSON text of at most ``max_chars`` characters, and whether something was cut.

    Long strings keep their beginning, arrays their first and last items, objects their first keys, maps from
    identifiers to objects two members; what is missing is named in place: ``"…(+12)"``. Characters that could mislead a
    reader are ``\u`` escapes.

    Args:
        value: What a JSON parser gave, nested at most 64 deep.
        max_chars: At least 20.
    """
    return JsonCutter(value).cut(max_chars)


class JsonCutter:
    """``cut_json`` of one value to several lengths, each at most as long as the one before.

    Costs time in proportion to the lengths, not to the value: what is bound to be too long is given up on the way.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        self._text: str | None = None
        self._levels = iter(_LEVELS)
        self._whole = self._exhausted = False

    def cut(self, max_chars: int) -> tuple[str, bool]:
        """As ``cut_json``; ``max_chars`` is at most that of the call before. Each level is tried once."""
        if self._text is None:
            self._whole = _room_left(self._value, max_chars) >= 0
            self._text = _encode(self._value) if self._whole else self._next(max_chars)
        while len(self._text) > max_chars and not self._exhausted:
            self._whole = False
            self._text = self._next(max_chars)
        return self._text, not self._whole

    def _next(self, max_chars: int) -> str:
        keys = _fitting_keys(self._value, max_chars)
        for limits in self._levels:
            if limits.keys > keys:
                continue
            try:
                return _encode(_Cut(limits, max_chars).of(self._value, limits.depth))
            except _TooLong:
                continue
        self._exhausted = True
        kind = "object" if isinstance(self._value, dict) else "array" if isinstance(self._value, list) else "string"
        return f'"…({kind})"'


def _room_left(value: Any, room: int) -> int:
    """What is left of ``room`` after the fewest characters a value can have; stops as soon as it is negative."""
    if isinstance(value, str):
        return room - len(value) - 2
    if isinstance(value, dict):
        for key, member in value.items():
            room = _room_left(member, room - len(key) - 3)
            if room < 0:
                return room
    elif isinstance(value, list):
        for member in value:
            room = _room_left(member, room - 1)
            if room < 0:
                return room
    elif isinstance(value, int) and abs(value) >= _HUGE:
        return -1
    return room - 1


def _fitting_keys(value: Any, room: int) -> int:
    """How many keys the outermost object may keep at most: more than these alone would be too long."""
    if not isinstance(value, dict) or _is_map(value):
        return _ANY_NUMBER
    for number, key in enumerate(value):
        room -= min(len(key), _SHORTEST_CUT_KEY) + 5
        if room < 0:
            return number
    return _ANY_NUMBER


class _TooLong(Exception):
    """What is kept of a value is longer than allowed already."""


class _Cut:
    """A value with less in it, as one level of detail asks; gives up once it must be longer than ``room``."""

    def __init__(self, limits: _Limits, room: int) -> None:
        self._limits = limits
        self._room = room

    def of(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._array(value, depth)
        self._take(1)
        if isinstance(value, int) and abs(value) >= _HUGE:
            return f"{str(value)[:20]}…" if abs(value) < 10**4000 else "…(integer)"
        return value

    def _take(self, chars: int) -> None:
        self._room -= chars
        if self._room < 0:
            raise _TooLong

    def _string(self, text: str, most_chars: int = 0) -> str:
        limit = most_chars or self._limits.string_chars
        shown = text
        if len(text) > limit:
            kept = max(8, limit * 2 // 3)
            shown = f"{text[:kept]}…(+{len(text) - kept})"
        self._take(len(shown) + 2)
        return shown

    def _object(self, value: dict[str, Any], depth: int) -> Any:
        if depth <= 0 and value:
            return self._string(f"{{…(+{len(value)})}}")
        limit = min(self._limits.keys, _MAP_MEMBERS) if _is_map(value) else self._limits.keys
        members: dict[str, Any] = {}
        left_out = 0
        for key, member in value.items():
            if len(members) >= limit:
                left_out = len(value) - len(members)
                break
            name = self._string(key, max(self._limits.string_chars, _KEY_CHARS))
            self._take(2)
            if name in members or name.startswith(_MARK):  # what is cut may be equal, and our mark is ours alone
                left_out = len(value) - len(members)
                break
            members[name] = self.of(member, depth - 1)
        if left_out:
            members[_MARK] = f"(+{left_out})"
        self._take(1)
        return members

    def _array(self, value: list[Any], depth: int) -> Any:
        if depth <= 0 and value:
            return self._string(f"[…(+{len(value)})]")
        limit = self._limits.items
        self._take(1)
        if len(value) <= limit:
            return [self.of(item, depth - 1) for item in value]
        head = min(3, limit // 2)
        if not head:
            return [self._string(f"…(+{len(value)})")]
        kept = [self.of(item, depth - 1) for item in value[:head]]
        return [*kept, self._string(f"…(+{len(value) - head - 1})"), self.of(value[-1], depth - 1)]


def _is_map(value: dict[str, Any]) -> bool:
    """Whether it is a long map from identifiers to objects; numbered names count when the objects are of one kind."""
    if len(value) <= _MIN_MAP:
        return False
    first = next(iter(value.values()))
    if not isinstance(first, dict | list):
        return False
    seen = list(islice(value.items(), _MIN_MAP))
    if all(looks_like_id_key(key) for key, _ in seen):
        return True
    return isinstance(first, dict) and all(
        key[-1:].isdigit() and isinstance(member, dict) and member.keys() == first.keys() for key, member in seen
    )


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
    shown = min(_MAX_HEX_BYTES, size)
    if _has_ascii(payload[:shown]):
        mark_chars = len(f"…(+{size} bytes)")
        kept = shown if size == shown and 3 * size + 3 <= max_chars else min(shown, (max_chars - mark_chars - 3) // 3)
        if kept >= min(shown, _MIN_ASCII_BYTES) and _has_ascii(payload[:kept]):
            ascii_text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in payload[:kept])
            return f"{_hex(payload, kept)} |{ascii_text}|", kept < size
    if size == shown and 2 * size <= max_chars:
        return payload.hex(), False
    kept = min(shown, max(0, max_chars - len(f"…(+{size} bytes)")) // 2)
    return _hex(payload, kept), kept < size


def _has_ascii(data: bytes) -> bool:
    return any(0x20 < byte < 0x7F for byte in data)


def _hex(payload: bytes, kept: int) -> str:
    missing = len(payload) - kept
    return payload[:kept].hex() + (f"…(+{missing} bytes)" if missing else "")
