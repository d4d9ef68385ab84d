"""How to read messages of one layout quickly: their structure and their fields, worked out once and used again.

Owns the layout of a decoded value (its keys and types, in order), the plan for each, and which rules may apply to which
field. Most messages of a broker have one of a few layouts. Keeps no value of a message; judges nothing.
"""

import re
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.shape import DISCRIMINATORS, signature
from mqtt_mcp.analysis.sample.signals import may_signal
from mqtt_mcp.analysis.words import words

MAX_FIELDS = 48
MAX_DEPTH = 5
MAX_LIST_ITEMS = 4
_CLOCK_DEPTH = 2
"""Deeper times are those of gateways, events or parts, not what time it is for the device."""
_KEY_CHARS = 60
MAX_HELD_BYTES = 4 * 1024 * 1024
"""What the plans may take; further ones are made each time."""
_PLAN_BYTES, _FIELD_BYTES = 700, 450
_MAX_LAYOUT_KEYS = 200
"""Objects with more keys than that get a plan of their own each time: remembering them would cost too much."""

_TIME_LIKE = re.compile(
    r"time|ts|tst|.*timestamp|.*_?time(?:_ms|_s)?|.*_at|uptime.*|up|last_seen|seq|sequence|id|pid|.*_id|f_?cnt|counter|count"
    r"|version|total.*|.*_total|energy|wtst|minute(?:_ts)?|published|frame|epoch|date|heap"
)
SWITCHING = frozenset({
    "power", "current", "brightness", "illuminance", "lux", "position", "load", "speed", "rpm", "vel", "cog", "alt",
    "color", "noise", "duration", "transition", "saturation", "apparent", "reactive", "factor", "occupancy", "watt",
    "watts", "consumption", "activepower", "setpoint", "target", "fan",
})  # fmt: skip
"""Words of fields that jump by nature."""
CLOCK_KEYS = frozenset({"time", "timestamp", "ts", "tst", "datetime"})

_LETTERS = {int: "n", float: "n", str: "s", bool: "b", type(None): "z", dict: "{", list: "["}
_letter = _LETTERS.__getitem__


class Field(msgspec.Struct, frozen=True):
    """One scalar of a layout.

    Attributes:
        steps: Keys and indices that lead to it.
        only: The first step when there is no other, otherwise None.
        path: Dotted path, as shown.
        key: Last key in lower case.
        letter: ``n`` number, ``s`` text, ``b`` boolean, ``z`` null.
        counts: Its key names a time, an id or a counter: no extremes and no words of it.
        clock: It may say what time it is for the device.
        judged: Rules of ``signals.py`` look at it.
        switching: Its values jump by nature, as power and members of arrays do: being far off means little.
    """

    steps: tuple[str | int, ...]
    only: str | int | None
    path: str
    key: str
    letter: str
    counts: bool
    clock: bool
    judged: bool
    switching: bool

    def of(self, value: Any) -> Any:
        """The field in a value of this layout."""
        for step in self.steps:
            value = value[step]
        return value


class Plan(msgspec.Struct, frozen=True):
    """What all values of one layout have in common.

    Attributes:
        structure: ``shape.signature`` of them.
        discriminators: Keys at the top that may say which kind of message it is.
        fields: Scalars, at most 48.
        truncated: There are more scalars than that.
    """

    structure: str
    discriminators: tuple[str, ...]
    fields: tuple[Field, ...]
    truncated: bool

    def read(self, value: Any) -> list[tuple[Field, Any]]:
        """The fields with their values."""
        return [(field, value[field.only] if field.only is not None else field.of(value)) for field in self.fields]


class Plans:
    """The plans of the layouts seen so far, as far as ``MAX_HELD_BYTES`` go."""

    def __init__(self) -> None:
        self.held_bytes = 0
        """About what they take."""
        self._plans: dict[Any, Plan] = {}
        self._nothing = plan_of(None)

    def plan(self, value: Any, leaf: str) -> Plan:
        """The plan for a decoded value.

        Args:
            value: What was decoded.
            leaf: The last level of the topic in lower case: the name of a value that stands alone.
        """
        kind = value.__class__
        if kind is not dict and kind is not list:
            return self._nothing if value is None else self._scalar(value, _letter(kind), leaf)
        layout = _layout(value, 0)
        if layout is None:
            return plan_of(value)
        found = self._plans.get(layout)
        if found is None:
            found = plan_of(value)
            held_bytes = _PLAN_BYTES + _FIELD_BYTES * len(found.fields) + 2 * sum(map(_chars, found.fields))
            if self.held_bytes + held_bytes <= MAX_HELD_BYTES and not found.truncated:
                self._plans[layout] = found
                self.held_bytes += held_bytes
        return found

    def _scalar(self, value: Any, letter: str, leaf: str) -> Plan:
        found = self._plans.get((letter, leaf))
        if found is None:
            fields = (_field((), "$", leaf[:_KEY_CHARS], letter, judged=False),)
            found = Plan(signature(value) if letter != "s" else "", (), fields, truncated=False)
            held_bytes = _PLAN_BYTES + _FIELD_BYTES + len(leaf)
            if self.held_bytes + held_bytes <= MAX_HELD_BYTES:
                self._plans[letter, leaf] = found
                self.held_bytes += held_bytes
        return found


def _chars(field: Field) -> int:
    return sum(len(step) for step in field.steps if isinstance(step, str))


def _layout(value: Any, depth: int) -> Any:
    """Keys and types of an object or array, as deep as fields are looked for; None when that is too much to keep."""
    if value.__class__ is dict:
        if len(value) > _MAX_LAYOUT_KEYS:
            return None
        keys, members = tuple(value), value.values()
        letters = "".join(map(_letter, map(type, members)))
    else:
        keys, members = (len(value),) if len(value) < MAX_LIST_ITEMS else (), value[:MAX_LIST_ITEMS]
        letters = "".join(map(_letter, map(type, members)))
    if "{" not in letters and "[" not in letters:
        return keys, letters
    if depth > MAX_DEPTH:
        return keys, letters
    inner = []
    for member in members:
        if member.__class__ is dict or member.__class__ is list:
            nested = _layout(member, depth + 1)
            if nested is None:
                return None
            inner.append(nested)
    return keys, letters, tuple(inner)


def plan_of(value: Any) -> Plan:
    """Work out the plan for one value."""
    found: list[Field] = []
    complete = _walk(value, (), "" if isinstance(value, dict | list) else "$", "", found)
    keys = tuple(key for key in DISCRIMINATORS if isinstance(value, dict) and isinstance(value.get(key), str))
    return Plan(signature(value) if value is not None else "", keys, tuple(found), not complete)


def _walk(value: Any, steps: tuple[str | int, ...], path: str, key: str, found: list[Field]) -> bool:
    if len(found) >= MAX_FIELDS:
        return False
    if isinstance(value, dict):
        if len(steps) >= MAX_DEPTH:
            return True
        for name, member in value.items():
            short = name[:_KEY_CHARS]  # foreign keys may be megabytes long
            if not _walk(member, (*steps, name), f"{path}.{short}" if path else short, short, found):
                return False
    elif isinstance(value, list):
        if len(steps) >= MAX_DEPTH:
            return True
        for index, member in enumerate(value[:MAX_LIST_ITEMS]):
            if not _walk(member, (*steps, index), f"{path}[{index}]", key, found):
                return False
    elif value is not None or steps:
        lower, letter = key.lower() or path, _letter(type(value))
        found.append(_field(steps, path, lower, letter, judged=may_signal(path, lower, letter)))
    return True


def _field(steps: tuple[str | int, ...], path: str, key: str, letter: str, *, judged: bool) -> Field:
    return Field(
        steps=steps,
        only=steps[0] if len(steps) == 1 else None,
        path=path,
        key=key,
        letter=letter,
        counts=_TIME_LIKE.fullmatch(key) is not None,
        clock=key in CLOCK_KEYS and len(steps) <= _CLOCK_DEPTH and not any(isinstance(step, int) for step in steps),
        judged=judged,
        switching=path[-1:] == "]" or not SWITCHING.isdisjoint(words(key)),
    )
