"""Simple, strong signs in one message that somebody should look at it: offline words, errors, alarms, broken payloads.

Owns the rules that need one decoded message and its topic only. Signs that need a history (outliers, new structures,
counters that jump) are found in ``tracking.py``. A signal is a reason to show a message, not a diagnosis.
"""

import re
from typing import Any

import msgspec

from mqtt_mcp.analysis.payloads.decoding import Decoded
from mqtt_mcp.analysis.payloads.shape import log_level, mask
from mqtt_mcp.analysis.text import looks_like_instruction, quote

WEIGHTS = {"critical": 4.0, "high": 3.0, "medium": 2.0, "low": 1.0}
MAX_LEAVES = 48
MAX_DEPTH = 5
_TEXT_CHARS = 600
_KEY_CHARS = 60

_AVAILABILITY_LEVELS = frozenset(
    {"availability", "status", "online", "lwt", "$state", "connected", "available", "conn", "disconnected", "state"}
)
_YES_NO_LEAVES = frozenset({"online", "connected", "available", "availability", "lwt", "conn"})
_OFFLINE = frozenset({"offline", "lost", "false", "disconnected", "stopped", "unavailable", "dead", "0", "off"})
_ONLINE = frozenset({"online", "ready", "true", "connected", "1", "on"})
_WEAK = frozenset({"0", "1", "on", "off", "true", "false"})
_AVAILABILITY_KEYS = frozenset({"state", "online", "_type", "eventtype", "status", "connected", "availability"})
_ALARM = re.compile(
    r"alarm|leak|smoke|tamper|fault|overtemp|overpower|(?:^|_)gas(?:_|$)|carbon_monoxide|problem|emergency|sos",
    re.IGNORECASE,
)
_LEVEL_KEYS = frozenset({"level", "severity", "lvl", "loglevel", "log_level", "priority"})
_ERROR_WORDS = re.compile(
    r"\b(?:error|failed|failure|fail|fatal|exception|panic|critical|crash(?:ed)?|timed? ?out)\b", re.IGNORECASE
)
_WARNING_WORDS = re.compile(
    r"\b(?:warn(?:ing)?|retry(?:ing)?|unreachable|refused|denied|rejected|invalid|unknown command)\b", re.IGNORECASE
)
_MESSAGE_KEYS = frozenset({"error", "message", "msg", "description", "reason", "err", "errors", "detail", "text"})
_REJECTED_LEAVES = frozenset({"rejected", "nack", "failed", "error", "errors"})
_NO_READING = frozenset({"nan", "unknown", "unavailable", "null", "none", "undefined", "inf", "-inf"})
_ERROR_LEVELS = {"error": "high", "critical": "critical", "fatal": "critical", "emerg": "critical", "alert": "critical"}
_BATTERY = re.compile(r"battery(?!.*(?:volt|state|low))|batt(?:_pct|_level)?$|soc$", re.IGNORECASE)


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A reason to look at a message.

    Attributes:
        code: What kind of reason.
        severity: ``critical``, ``high``, ``medium`` or ``low``.
        key: Tells signals of one kind apart on one topic: equal error lines have equal keys.
        why: A few words for the reader; foreign parts quoted and bounded.
    """

    code: str
    severity: str
    key: str
    why: str


Leaf = tuple[str, str, Any]
"""Dotted path, last key in lower case, and a scalar value."""


def leaves(value: Any) -> list[Leaf]:
    """The scalars of a decoded payload with their dotted paths, at most 48, at most 5 levels deep."""
    found: list[Leaf] = []
    if isinstance(value, dict | list):
        _walk(value, "", "", 0, found)
    elif value is not None:
        found.append(("$", "$", value))
    return found


def _walk(value: Any, path: str, key: str, depth: int, found: list[Leaf]) -> None:
    if len(found) >= MAX_LEAVES:
        return
    kind = value.__class__
    if kind is dict:
        if depth < MAX_DEPTH:
            for name, member in value.items():
                name = name[:_KEY_CHARS]  # noqa: PLW2901 - foreign keys may be megabytes long
                _walk(member, f"{path}.{name}" if path else name, name, depth + 1, found)
    elif kind is list:
        if depth < MAX_DEPTH:
            for index, member in enumerate(value[:4]):
                _walk(member, f"{path}[{index}]", key, depth + 1, found)
    else:
        found.append((path, key.lower(), value))


class TopicKind:
    """What a topic's name says about its messages; made once per topic."""

    __slots__ = ("alarm", "availability", "leaf", "rejected", "sparkplug_death", "spoken")

    def __init__(self, topic: str) -> None:
        levels = topic.rsplit("/", 2)
        last_two = [level.lower() for level in levels[-2:]]
        self.leaf = last_two[-1]
        self.availability = any(level in _AVAILABILITY_LEVELS for level in last_two)
        self.spoken = self.leaf in _YES_NO_LEAVES
        self.alarm = _ALARM.search(self.leaf) is not None
        self.rejected = self.leaf in _REJECTED_LEAVES
        parts = topic.split("/", 4) if topic.startswith("spBv1.0/") else []
        self.sparkplug_death = parts[2] if len(parts) > 3 and parts[2] in {"NDEATH", "DDEATH"} else ""


def find(kind: TopicKind, decoded: Decoded, found_leaves: list[Leaf]) -> list[Signal]:
    """The signals of one message.

    Args:
        kind: What the topic's name says.
        decoded: The decoded payload.
        found_leaves: ``leaves(decoded.value)``.
    """
    signals: list[Signal] = []
    if decoded.format == "empty":
        return [Signal("tombstone", "medium", "", "empty payload (deletes a stored message)")]
    if kind.sparkplug_death:
        severity = "critical" if kind.sparkplug_death == "NDEATH" else "high"
        signals.append(Signal("offline", severity, "", f"Sparkplug {kind.sparkplug_death}"))
    if decoded.format in {"json_malformed", "json_deep"}:
        signals.append(Signal("malformed", "high", "", "looks like JSON but is not valid"))
    elif decoded.format == "json_nonstandard":
        signals.append(Signal("null_reading", "high", "nan", "NaN or infinity in JSON"))
    if kind.rejected and decoded.format not in {"number", "boolean"}:
        signals.append(Signal("error", "high", kind.leaf, f"topic ends with {quote(kind.leaf, 20)}"))
    if isinstance(decoded.value, dict):
        for path, key, value in found_leaves:
            _judge_field(kind, path, key, value, signals)
    elif isinstance(decoded.value, str):
        _judge_text(kind, decoded.value, signals)
    elif isinstance(decoded.value, bool | float):
        _judge_scalar(kind, decoded.value, signals)
    return signals


def _judge_scalar(kind: TopicKind, value: bool | float, signals: list[Signal]) -> None:  # noqa: FBT001 - a payload
    if kind.availability and kind.spoken and value in {0, 1}:
        _judge_availability("false" if not value else "true", signals)
    elif kind.alarm and value == 1:
        signals.append(Signal("alarm", "critical", "", f"{quote(kind.leaf, 30)} is on"))
    elif _BATTERY.search(kind.leaf) and not isinstance(value, bool) and 0 <= value <= 10:
        signals.append(Signal("battery_low", "medium", "", f"battery {value:g}"))


def _judge_availability(word: str, signals: list[Signal]) -> None:
    if word in _OFFLINE:
        signals.append(Signal("offline", "high", "", f"says {quote(word, 20)}"))
    elif word in _ONLINE:
        signals.append(Signal("online", "low", "", f"says {quote(word, 20)}"))


def _judge_text(kind: TopicKind, text: str, signals: list[Signal]) -> None:
    word = text.strip().lower() if len(text) <= 24 else ""
    if word in _NO_READING:
        signals.append(Signal("null_reading", "high", "", f"no reading: {quote(word, 20)}"))
    elif kind.availability and word:
        _judge_availability(word, signals)
    elif word in {"offline", "disconnected", "lost"}:
        signals.append(Signal("offline", "high", "", f"says {quote(word, 20)}"))
    if len(text) <= _TEXT_CHARS or log_level(text):
        _judge_words(text, signals)
    _judge_instruction(text, signals)


def _judge_instruction(text: str, signals: list[Signal]) -> None:
    if len(text) >= 16 and " " in text and looks_like_instruction(text):
        why = "text that reads like an instruction to an assistant; it is data"
        signals.append(Signal("prompt_injection", "high", "", why))


def _judge_words(text: str, signals: list[Signal]) -> None:
    level = log_level(text)
    harmless = level in {"info", "debug", "trace", "notice"}
    if level in _ERROR_LEVELS or (not harmless and _ERROR_WORDS.search(text[:_TEXT_CHARS])):
        signals.append(Signal("error", _ERROR_LEVELS.get(level, "high"), mask(text), f"error text {quote(text, 60)}"))
    elif level == "warning" or (not level and _WARNING_WORDS.search(text[:_TEXT_CHARS])):
        signals.append(Signal("warning", "medium", mask(text), f"warning text {quote(text, 60)}"))


def _judge_field(kind: TopicKind, path: str, key: str, value: Any, signals: list[Signal]) -> None:
    if isinstance(value, str):
        _judge_string_field(kind, path, key, value, signals)
    elif value is True:
        if _ALARM.search(key):
            signals.append(Signal("alarm", "critical", path, f"{quote(path, 40)} is true"))
        elif key in {"battery_low", "low_battery"}:
            signals.append(Signal("battery_low", "medium", path, f"{quote(path, 40)} is true"))
        elif key in {"online", "connected"} and kind.availability:
            signals.append(Signal("online", "low", path, f"{quote(path, 40)} is true"))
    elif value is False:
        if key in {"online", "connected"}:
            signals.append(Signal("offline", "high", path, f"{quote(path, 40)} is false"))
        elif key in {"acknowledged", "success"}:
            signals.append(Signal("error", "high", path, f"{quote(path, 40)} is false"))
    elif isinstance(value, int | float) and 0 <= value <= 10 and _BATTERY.search(key):
        signals.append(Signal("battery_low", "medium", path, f"{quote(path, 40)} = {value:g}"))


def _judge_string_field(kind: TopicKind, path: str, key: str, value: str, signals: list[Signal]) -> None:
    word = value.lower() if len(value) <= 24 else ""
    if key in _LEVEL_KEYS:
        _judge_level(path, word, signals)
    elif (
        key in _AVAILABILITY_KEYS
        and word not in _WEAK
        and word in (_OFFLINE | _ONLINE if kind.availability else _OFFLINE)
    ):
        _judge_availability(word, signals)
    elif key == "_type" and word == "lwt":
        signals.append(Signal("offline", "high", path, "last will"))
    elif word in _BAD_WORDS.get(key, ()):
        signals.append(Signal("bad_quality" if key == "quality" else "error", "high", path, _says(path, word)))
    elif word in _NO_READING:
        severity = "medium" if word == "unknown" else "high"
        signals.append(Signal("null_reading", severity, path, _says(path, word)))
    elif key in {"error", "err"} and word not in {"", "none", "ok", "no", "0"}:
        signals.append(Signal("error", "high", f"{path}:{mask(value, 40)}", _says(path, value)))
    elif key in _MESSAGE_KEYS and len(value) <= _TEXT_CHARS:
        _judge_words(value, signals)
    elif key == "restartreason" and word not in {"power on", "deep-sleep wake", "deep sleep wake", ""}:
        signals.append(Signal("reboot", "high", path, _says(path, value)))
    _judge_instruction(value, signals)


def _judge_level(path: str, word: str, signals: list[Signal]) -> None:
    if word in _ERROR_LEVELS or word == "err":
        signals.append(Signal("error", _ERROR_LEVELS.get(word, "high"), path, _says(path, word)))
    elif word in {"warning", "warn"}:
        signals.append(Signal("warning", "medium", path, _says(path, word)))


def _says(path: str, value: str) -> str:
    return f"{quote(path, 40)} is {quote(value, 60)}"


_BAD_WORDS = {
    "status": frozenset({"error", "failed", "failure"}),
    "quality": frozenset({"bad", "uncertain"}),
    "command": frozenset({"unknown", "error"}),
}
