"""What the scalars of one field are: kinds, units, times, enumerations, and the statistics worth telling.

Owns the judgement, shared by the schema (``document.py``) and the lines for people (``fields.py``). Shows no value of a
private field: callers ask only for what may be shown.
"""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from mqtt_mcp.analysis.schema.naming import (
    counts,
    is_measured,
    is_signal_key,
    is_time_key,
    is_unit_key,
    is_value_key,
    measured_by,
    unit_in,
    unit_name,
)
from mqtt_mcp.analysis.schema.node import Node
from mqtt_mcp.analysis.schema.units import MAX_UNIT_CHARS, Path
from mqtt_mcp.analysis.schema.values import EPOCH_UNITS, MAX_VALUE_CHARS, Numbers, Strings, epoch_unit
from mqtt_mcp.analysis.statistics import percentile
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.words import best_format, unit_of

_ENUM_MAX = 12
_ENUM_MIN_SEEN = 10
_ENUM_MAX_SHARE = 0.2
_STATE_MAX_CODES = 6
_STATE_MAX_CODE = 12
_COUNTER_MIN_INTEGERS = 8
_COUNTER_MIN_NUMBERS = 30
_MEASURED_UNITS = frozenset({"°C", "°F", "%", "W", "kW", "V", "mV", "A", "mA", "hPa", "Pa", "bar", "lx", "dBm", "ppm"})
_SKEW_OF_A_CLOCK_S = 86_400.0
_QUARTER_S = 900.0
_PAIRS = frozenset(
    frozenset(pair.split("/"))
    for pair in (
        "on/off",
        "true/false",
        "online/offline",
        "open/closed",
        "open/close",
        "yes/no",
        "enabled/disabled",
        "locked/unlocked",
        "lock/unlock",
        "home/not_home",
        "connected/disconnected",
        "active/inactive",
        "up/down",
    )
)
_STAMPS = frozenset({"date-time", "spaced-date-time", "local-date-time"})


class Scope(msgspec.Struct, frozen=True):
    """What is known about a place from around it.

    Attributes:
        path: Keys from the root; ``[]`` for the items of an array, ``{}`` for the members of a map.
        announced: Units by path, from elsewhere.
        inherited: Units by the beginning of a key, from keys such as ``TempUnit`` beside it or further up.
        unit_beside: The unit that a key such as ``unit`` beside it names.
        only_number: The key of the only number beside that, whatever it is called.
        started_at_epoch_s: Wall clock at the start of the watch, when known.
    """

    path: Path = ()
    announced: Mapping[Path, str] = {}
    inherited: Mapping[str, str] = {}
    unit_beside: str = ""
    only_number: str = ""
    started_at_epoch_s: float | None = None

    @property
    def name(self) -> str:
        """The nearest key."""
        return next((key for key in reversed(self.path) if key not in {"[]", "{}"}), "")

    def inside(self, owner: Node) -> "Scope":
        """The scope of the properties of an object, before ``below`` names one of them."""
        inherited = dict(self.inherited)
        beside = ""
        numeric: list[str] = []
        for key, child in owner.properties.items():
            if child.strings and (is_unit_key(key) or measured_by(key)):
                told = _constant_text(child)
                if is_unit_key(key):
                    beside = beside or told
                elif told:
                    inherited[measured_by(key)] = told
            if child.numbers and not is_time_key(key):
                numeric.append(key)
        only = numeric[0] if len(numeric) == 1 else ""
        return msgspec.structs.replace(self, inherited=inherited, unit_beside=beside, only_number=only)

    def below(self, key: str) -> "Scope":
        """The scope of a child."""
        return msgspec.structs.replace(self, path=(*self.path, key))


def unit(scope: Scope, numbers: Numbers) -> str:
    """The unit of the numbers at a place: announced, named beside them, named further up, or told by the key."""
    name = scope.name
    lowered = name.lower()
    found = scope.announced.get(scope.path) or scope.inherited.get(lowered) or unit_of(name)
    if not found and (is_value_key(name) or name == scope.only_number != ""):
        found = scope.unit_beside
    if not found and not is_time_key(name):
        found = next((told for begin, told in scope.inherited.items() if _is_of(lowered, begin)), "")
    if not found and is_signal_key(name) and numbers.count and numbers.minimum >= -150 and numbers.maximum < 0:
        found = "dBm"
    return clean(found, MAX_UNIT_CHARS)


def _is_of(key: str, begin: str) -> bool:
    return len(begin) >= 3 and (key.startswith(begin) or (begin == "temp" and key == "dewpoint"))


def _constant_text(node: Node) -> str:
    """The one short text ever seen at a place, as a unit."""
    strings = node.strings
    if strings is None or strings.overflow or len(strings.values) != 1:
        return ""
    text = next(iter(strings.values))
    return unit_name(text) if 0 < len(text) <= MAX_UNIT_CHARS else ""


def number_kind(numbers: Numbers, scope: Scope) -> str:
    """What a series of numbers is: ``timestamp``, ``counter``, ``constant``, ``state``, ``gauge``, or empty."""
    if numbers.unbounded or not numbers.count:
        return ""
    if _is_time(numbers, scope):
        return "timestamp"
    if _is_counter(numbers, scope):
        return "counter"
    if numbers.minimum == numbers.maximum:
        return "constant" if numbers.count >= 10 else ""
    codes = len(numbers.distinct)
    if (
        numbers.integers_only
        and numbers.count >= _ENUM_MIN_SEEN
        and codes <= min(_STATE_MAX_CODES, _ENUM_MAX_SHARE * numbers.count)
        and -1 <= numbers.minimum <= 2
        and numbers.maximum <= _STATE_MAX_CODE
    ):
        return "state"
    return "gauge" if numbers.count >= 3 else ""


def _is_counter(numbers: Numbers, scope: Scope) -> bool:
    """Whether numbers only rise (but for starting again), and are called so or are too many to do it by chance.

    A room that warms up rises for an hour as well: what is measured in degrees or per cent is no counter.
    """
    if numbers.count < 5 or numbers.falls or numbers.rises < max(3, numbers.count // 3, 10 * numbers.resets):
        return False
    if counts(scope.name):
        return True
    if is_measured(scope.name) or unit(scope, numbers) in _MEASURED_UNITS:
        return False
    return numbers.count >= (_COUNTER_MIN_INTEGERS if numbers.integers_only else _COUNTER_MIN_NUMBERS)


def _is_time(numbers: Numbers, scope: Scope) -> bool:
    """Whether all are Unix times of one unit, and near their arrival, as fast as time, or called times."""
    scale = epoch_unit(numbers.minimum)
    if not scale or scale != epoch_unit(numbers.maximum):
        return False
    skew_s = number_skew_s(numbers, scope)
    if is_time_key(scope.name) or (skew_s is not None and abs(skew_s) <= _SKEW_OF_A_CLOCK_S):
        return True
    passed_s = numbers.last_s - numbers.first_s
    if passed_s >= 1 and numbers.count >= 3 and numbers.rises and not numbers.falls + numbers.resets:
        return 0.8 <= (numbers.last - numbers.first) / EPOCH_UNITS[scale] / passed_s <= 1.25
    return False


def number_skew_s(numbers: Numbers, scope: Scope) -> float | None:
    """How far the last Unix time was ahead of its arrival, in seconds; None when no live message had one."""
    if numbers.epoch_offset_s is None or scope.started_at_epoch_s is None:
        return None
    return round(numbers.epoch_offset_s - scope.started_at_epoch_s, 1)


def number_notes(numbers: Numbers, scope: Scope, kind: str, *, statistics: bool) -> dict[str, Any]:
    """What is worth telling about numbers beside their range."""
    notes: dict[str, Any] = {}
    if kind:
        notes["kind"] = kind
    if kind == "timestamp":
        notes["unit"] = epoch_unit(numbers.last)
        skew_s = number_skew_s(numbers, scope)
        if skew_s is not None:
            notes["skew_s"] = skew_s
        return notes
    if kind == "state":
        notes["values"] = sorted(numbers.distinct)
    if not statistics:
        return notes
    if numbers.decimals:
        notes["decimals"] = numbers.decimals
    elif numbers.integers_only and numbers.step > 1 and len(numbers.distinct) >= 3:
        notes["multiple_of"] = numbers.step
    if numbers.count >= 3 and numbers.minimum < numbers.maximum and kind in {"gauge", ""}:
        ordered = sorted(numbers.sample)
        notes["mean"] = tidy(numbers.mean)
        notes["sd"] = tidy(math.sqrt(numbers.m2 / numbers.count))
        for name, fraction in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95)):
            if name == "p50" or numbers.count >= 20:
                notes[name] = tidy(percentile(ordered, fraction))
    many = len(numbers.distinct)
    if numbers.count >= 3 and many > 1 and kind != "state":
        notes["distinct" if many <= 40 else "distinct_at_least"] = many
    return notes


def string_format(strings: Strings) -> str:
    """The format that all strings of a field have, or empty."""
    return best_format(strings.formats or ())


def is_secret(strings: Strings) -> bool:
    """Whether the values are credentials, whatever the key is called."""
    return strings.secret or string_format(strings) == "jwt"


def string_notes(strings: Strings, scope: Scope) -> dict[str, Any]:
    """What is worth telling about strings beside format, values and examples: times against arrival, units in text."""
    found = string_format(strings)
    if found in _STAMPS:
        notes: dict[str, Any] = {"kind": "timestamp"}
        if found == "local-date-time":
            notes["zone"] = "none: local time"
        skew_s = string_skew_s(strings, scope)
        if skew_s is None:
            return notes
        hours = round(skew_s / _QUARTER_S) * _QUARTER_S
        if found == "local-date-time" and hours and abs(hours) <= 14 * 3600 and abs(skew_s - hours) <= 60:
            notes["zone_offset_h_guessed"] = tidy(hours / 3600)
        else:
            notes["skew_s"] = skew_s
        return notes
    if found == "number-with-unit":
        units = {unit_in(value) for value in strings.values}
        if len(units) == 1 and not strings.overflow:
            return {"unit": clean(units.pop(), MAX_UNIT_CHARS)}
    return {}


def string_skew_s(strings: Strings, scope: Scope) -> float | None:
    """How far the last date and time was ahead of its arrival, in seconds; without a zone as if it were UTC."""
    if strings.stamp is None or scope.started_at_epoch_s is None:
        return None
    text, t_s = strings.stamp
    try:
        moment = dt.datetime.fromisoformat(text.replace(" +", "+").replace(" Z", "Z"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return round(moment.timestamp() - t_s - scope.started_at_epoch_s, 1)
    except (ValueError, OverflowError):
        return None


def enum_values(strings: Strings) -> list[str]:
    """The values of a field that seems to be an enumeration, sorted, or nothing."""
    values = strings.values
    if strings.overflow or len(values) > _ENUM_MAX:
        return []
    pair = frozenset(value.lower() for value in values) in _PAIRS
    if pair or (strings.count >= _ENUM_MIN_SEEN and len(values) <= _ENUM_MAX_SHARE * strings.count):
        return sorted(values)
    return []


def examples(strings: Strings) -> list[str]:
    """At most three values: the first, the last new one and the rarest."""
    values = list(strings.values)
    rarest = min(values, key=lambda value: (strings.values[value], value))
    return list(dict.fromkeys(clean(value, MAX_VALUE_CHARS) for value in (values[0], values[-1], rarest)))


def tidy(value: float) -> float | int:
    """A number with 6 significant digits, or 3 decimals where that is more; whole ones as integers."""
    if not math.isfinite(value):
        return 0
    if isinstance(value, int) and abs(value) < 1 << 64:
        return value
    if float(value).is_integer() and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.6g}" if abs(value) < 1e3 or abs(value) >= 1e15 else f"{value:.3f}")
