"""What the name of a field tells about its numbers: a counter, a reading, a time, a unit, a member of a map.

Owns these vocabularies. What strings mean, and what is private, is ``analysis.words``'s. Every pattern is linear in the
length of the name.
"""

import re
from collections.abc import Iterable

from mqtt_mcp.analysis.words import words

_UNIT_WORDS = {
    "c": "°C", "f": "°F", "celsius": "°C", "fahrenheit": "°F", "pct": "%", "percent": "%", "degc": "°C", "degf": "°F",
    "deg": "°", "degrees": "°",
}  # fmt: skip
_VALUE_WORDS = frozenset(
    {"value", "val", "v", "reading", "state", "measurement", "result", "data", "raw", "amount", "quantity", "level"}
)
_UNIT_KEYS = ("unit", "unit_of_measurement", "unitofmeasurement", "units", "uom", "unitcode", "engunit",
              "unit_of_meas")  # fmt: skip
_COUNT_WORDS = frozenset(
    {"total", "count", "counter", "cnt", "energy", "kwh", "wh", "uptime", "seq", "sequence", "packets", "bytes",
     "today", "received", "sent", "number", "version", "consumption", "consumed", "pulses", "fcnt", "errors",
     "cycles", "runtime", "hours", "operating", "processed", "parts", "pieces", "index", "cumulative", "export"}
)  # fmt: skip
_MEASURED_WORDS = frozenset(
    {"temperature", "temp", "t", "humidity", "hum", "h", "pressure", "p", "voltage", "power", "current", "brightness",
     "battery", "level", "linkquality", "lqi", "rssi", "snr", "illuminance", "lux", "co2", "speed", "frequency", "rpm",
     "percent", "pct", "position", "vel", "acc", "alt", "lat", "lon", "setpoint", "load", "heap"}
)  # fmt: skip
_SIGNAL_WORDS = frozenset({"rssi", "rsrp", "signal", "dbm"})
_TIME_WORDS = frozenset(
    {"ts", "tst", "wtst", "time", "timestamp", "datetime", "date", "at", "epoch", "created", "updated", "seen", "utc",
     "when", "expires", "start", "end"}
)  # fmt: skip


def unit_name(text: str) -> str:
    """A unit as it is written elsewhere: ``celsius`` and a bare ``C`` are °C; anything else stays as it is."""
    return _UNIT_WORDS.get(text.strip().lower(), text.strip())


def unit_in(text: str) -> str:
    """The unit behind the number in a text such as ``21.5 °C``, or empty."""
    return unit_name(re.sub(r"^[+-]?[0-9]+(?:[.,][0-9]+)?", "", text[:40]))


def counts(key: str) -> bool:
    """Whether a key is called as counters are: ``energy_total``, ``uptime``, ``fCnt``."""
    return not _COUNT_WORDS.isdisjoint(words(key))


def is_measured(key: str) -> bool:
    """Whether a key names a quantity that goes up and down, so that one that only rose is no counter."""
    return not _MEASURED_WORDS.isdisjoint(words(key))


def is_signal_key(key: str) -> bool:
    """Whether a key names the strength of a radio signal: in dBm when it is negative, otherwise who knows."""
    return not _SIGNAL_WORDS.isdisjoint(words(key))


def is_unit_key(key: str) -> bool:
    """Whether the value under this key names the unit of the values beside it."""
    return key.lower() in _UNIT_KEYS


def is_value_key(key: str) -> bool:
    """Whether a key only says that here is the value: its unit is the one named beside it."""
    return key.lower() in _VALUE_WORDS


def measured_by(key: str) -> str:
    """What a key such as ``TempUnit`` or ``pressure_unit`` gives the unit of, lower case, or empty."""
    lowered = key[:120].lower()
    for ending in ("unit_of_measurement", "units", "unit", "uom"):
        if lowered.endswith(ending) and len(lowered) > len(ending):
            return lowered.removesuffix(ending).rstrip("_-. ")
    return ""


def is_time_key(key: str) -> bool:
    """Whether a key names a point in time."""
    return not _TIME_WORDS.isdisjoint(words(key))


KEY_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (pattern, re.compile(pattern))
    for pattern in (
        "^[0-9]+$",
        "^0x[0-9a-fA-F]+$",
        "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2})+$",
        "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        "^[0-9a-fA-F]+$",
        "^[A-Za-z]+[0-9]+$",
        "^[A-Za-z]+[-_:.][0-9a-fA-F]+$",
        "^[A-Za-z0-9]+([-_:.][A-Za-z0-9]+)*$",
    )
)
"""Patterns of the keys of a map, the narrowest first, as JSON Schema writes them."""


def key_patterns(key: str, among: Iterable[str] | None = None) -> frozenset[str]:
    """Which of ``KEY_PATTERNS`` a key fits; of ``among`` only when given; keys above 200 characters fit none."""
    if len(key) > 200:
        return frozenset()
    wanted = None if among is None else frozenset(among)
    return frozenset(
        text for text, pattern in KEY_PATTERNS if (wanted is None or text in wanted) and pattern.fullmatch(key)
    )


def is_numbered(key: str) -> bool:
    """True for a word with a number behind it (``pm10``): the name of a field as often as that of a member."""
    return re.fullmatch(r"[A-Za-z]+[-_:.]?[0-9]+", key[:80]) is not None
