"""Whether two topics may be of one kind: by what their messages look like, and by what their levels mean.

Owns the comparison of structure signatures and the words that name a measurement or a part of a thing. Does not group
topics (``templates.py`` does).
"""

import re
from collections.abc import Iterable

FIELD_WORDS = frozenset((
    "temperature", "temp", "humidity", "hum", "pressure", "battery", "voltage", "current", "power", "energy",
    "state", "status", "availability", "online", "lwt", "set", "get", "command", "cmd", "cmnd", "config", "light",
    "switch", "relay", "motion", "contact", "occupancy", "presence", "illuminance", "lux", "brightness", "color",
    "co2", "voc", "pm25", "pm10", "moisture", "soil", "level", "flow", "speed", "rpm", "mode", "position",
    "setpoint", "target", "rssi", "snr", "linkquality", "uptime", "ip", "mac", "version", "name", "log", "logs",
    "debug", "error", "errors", "event", "events", "alarm", "alarms", "telemetry", "data", "sensor", "sensors",
    "attributes", "heartbeat", "info", "metrics", "stats", "statistics", "health", "gps", "location", "vibration",
    "torque", "load", "cpu", "memory", "disk", "volume", "count", "counter", "total", "value", "raw", "result",
    "response", "request", "reply", "ack", "meta", "units", "unit", "window", "door", "leak", "smoke", "gas",
    "water", "wind", "rain", "weight", "distance", "noise", "frequency", "phase", "fault", "faults",
))  # fmt: skip
"""Names of measurements, parts and kinds of messages: different ones are never the same kind of topic."""

_SIMILAR = 0.5
_KEY = re.compile(r"(?:^|[{,])([^:{},\[\]]{1,40}):(\[?[a-z{])")
_NUMBERED = re.compile(r"([A-Za-z_. -]{1,40})\d{1,6}")
_NOT_COUNTED = frozenset((
    "v", "pm", "co", "no", "so", "o", "nh", "h", "base", "utf", "iso", "sha", "crc", "rs", "cp", "int", "uint", "float",
))  # fmt: skip
"""Versions, particles and gases have numbers of their own."""
_PLAIN = frozenset({"b", "s", "z", "word"})


def like(one: str, other: str) -> bool:
    """Whether messages of two structure signatures may be of one kind; an unknown (empty) one is like any.

    Objects are alike when they share at least half of their fields, with types.
    """
    if one == other or not one or not other:
        return True
    if one[0] == "{" and other[0] == "{":
        mine, others = _keys(one), _keys(other)
        both = len(mine | others)
        return both > 0 and len(mine & others) >= _SIMILAR * both
    return _family(one) == _family(other)


def tells(signature: str) -> bool:
    """Whether a signature is particular enough to say that two topics are alike by it alone."""
    return signature[:1] == "{" and len(_keys(signature)) > 1


def tells_number(level: str) -> bool:
    """Whether a level is a word with a number behind it that may count things of one kind."""
    found = _NUMBERED.fullmatch(level)
    return found is not None and found.group(1).lower().rstrip("_-") not in _NOT_COUNTED


def numbered(levels: Iterable[str]) -> set[str]:
    """Those of several siblings that are counted: ``line1`` and ``line2``, not ``pm1`` and ``pm10``."""
    by_stem: dict[str, set[str]] = {}
    for level in levels:
        if tells_number(level):
            by_stem.setdefault(level.rstrip("0123456789"), set()).add(level)
    return {level for some in by_stem.values() if len(some) > 1 for level in some}


def _keys(signature: str) -> set[tuple[str, str]]:
    return set(_KEY.findall(signature))


def _family(signature: str) -> str:
    if signature in _PLAIN or signature.startswith(("text:", "log.")):
        return "text"
    return signature.partition(":")[0].partition("{")[0] or signature
