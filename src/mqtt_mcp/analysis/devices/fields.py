"""What a field is about: the words of its own name, or of its topic where the name says nothing (``state``, ``value``).

Owns the words that make a field a measurement, a setting, a battery or an alarm. Judges no value.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from mqtt_mcp.analysis.words import words

_EMPTY_NAMES = frozenset(
    {"$", "value", "val", "v", "state", "status", "metrics", "data", "payload", "reading", "current_value", "percent"}
    | {"level", "last", "result", "raw", "measurement", "fields", "params", "now"}
)
"""Names that say nothing of what is measured: the name before them does."""
_SHORT = {
    "tc": frozenset({"temperature"}),
    "tf": frozenset({"temperature", "fahrenheit"}),
    "rh": frozenset({"humidity"}),
}
"""Names of Shelly, whose letters say nothing apart."""
SETTINGS = frozenset(
    {
        "setpoint",
        "target",
        "set",
        "config",
        "limit",
        "threshold",
        "min",
        "max",
        "calibration",
        "offset",
        "desired",
        "sp",
    }
    | {"installed", "interval", "timeout", "nominal", "rated", "desired", "heating_setpoint"}
)
SWITCHING = frozenset(
    {"power", "current", "brightness", "illuminance", "lux", "position", "load", "speed", "vel", "cog", "alt", "energy"}
    | {"color", "noise", "uptime", "heap", "memory", "id", "seq", "count", "counter", "rssi", "snr", "duration"}
    | {"transition", "saturation", "total", "today", "apparent", "reactive", "factor", "occupancy", "port", "address"}
    | {"pid", "time", "version", "freq", "frequency", "margin", "parts", "cycle", "cycles", "wind", "rain", "solar"}
    | {"lqi", "linkquality", "progress", "presence", "motion", "volume", "channel", "area", "score", "box", "signal"}
)
"""Words of fields that jump by nature: extremes of these are no outliers."""
MEASURED = frozenset(
    {"temperature", "humidity", "pressure", "co2", "voc", "tvoc", "pm25", "pm10", "moisture", "temp", "temperatur"}
    | {"vibration", "flow", "level", "ph", "conductivity", "hum", "tc", "dewpoint", "torque", "viscosity", "density"}
)
_LOADS = frozenset(
    {"power", "current", "load", "brightness", "illuminance", "lux", "occupancy", "position", "motion", "presence"}
    | {"apparent", "reactive", "rain", "solar", "noise", "alt", "vel", "energy", "count", "counter", "total", "today"}
    | {"wind", "duration", "transition", "score", "area", "box", "progress", "volume", "id", "seq", "uptime"}
)
_HUMID = frozenset({"humidity", "hum", "moisture"})
_WARM = frozenset({"temperature", "temp", "temperatur"})
BATTERY = frozenset({"battery", "batt", "bat", "soc", "batterylevel"})
_NO_LEVEL = frozenset(
    {"voltage", "volt", "volts", "v", "mv", "current", "power", "capacity", "charging", "time", "health", "soh", "low"}
    | {"temperature", "temp", "state", "type", "energy", "replaced", "alarm", "threshold", "cycles", "unavailable"}
    | {"ok", "status", "count", "charge_state", "age", "days", "present"}
)
_PERCENT = frozenset({"level", "percent", "percentage", "pct", "soc", "remaining"})
_VOLTS = frozenset({"voltage", "volt", "volts", "v", "mv"})
_ALARMS = frozenset(
    {"alarm", "leak", "smoke", "tamper", "fault", "overtemperature", "overtemp", "overpower", "overvoltage", "gas"}
    | {"monoxide", "problem", "emergency", "flood", "intrusion", "overcurrent", "estop", "fire", "undervoltage"}
)
_NO_ALARMS = frozenset(
    {"enabled", "enable", "mode", "test", "armed", "control", "supported", "valve", "detection", "off", "clear", "mute"}
    | {"set", "reset", "ack", "count", "total", "meter", "density", "consumption", "volume", "ok", "no", "thermostat"}
    | {"cleared", "inhibit", "delay", "time", "config", "power", "sensitivity", "silence", "volume"}
)
"""Words that make an alarm's name the name of a setting."""


def own_words(path: str, levels: Sequence[str]) -> frozenset[str]:
    """The words of a field's name; of the name or topic level before it where the name says nothing.

    Args:
        path: Dotted, or ``$`` for a payload that is a single value.
        levels: The topic split at ``/``.
    """
    for name in reversed((*levels[-3:], *path.split(".")[-3:])):
        if name.lower() not in _EMPTY_NAMES and not name.lower().removeprefix("channel").isdigit():
            found = _SHORT.get(name.lower()) or frozenset(words(name))
            if found:
                return found
    return frozenset()


class Traits(NamedTuple):
    """What kind of quantity a field is, told from names alone.

    Attributes:
        measured: It is measured, not set.
        jumps: It may jump when all is well.
        load: It jumps from nothing to much, as what people switch on does.
        humidity, temperature: It is one.
        charge: A state of charge.
        percent: It says that it is in percent.
        cell: The voltage of a battery.
    """

    measured: bool
    jumps: bool
    load: bool
    humidity: bool
    temperature: bool
    charge: bool
    percent: bool
    cell: bool


def traits(path: str, levels: Sequence[str]) -> Traits:
    """What kind of quantity a field is.

    Args:
        path: Dotted, or ``$`` for a payload that is a single value.
        levels: The topic split at ``/``.
    """
    return _traits(own_words(path, levels), frozenset(words(path.rpartition(".")[2])))


@lru_cache(maxsize=64)
def _traits(named: frozenset[str], own: frozenset[str]) -> Traits:
    both = named | own
    battery = not BATTERY.isdisjoint(both)
    set_by_somebody = not SETTINGS.isdisjoint(both)
    return Traits(
        measured=not MEASURED.isdisjoint(named) and not set_by_somebody,
        jumps=not SWITCHING.isdisjoint(named) or set_by_somebody,
        load=not _LOADS.isdisjoint(named),
        humidity=not _HUMID.isdisjoint(named) and "absolute" not in named,
        temperature=not _WARM.isdisjoint(named),
        charge=battery and _NO_LEVEL.isdisjoint(both),
        percent=not _PERCENT.isdisjoint(both),
        cell="vbat" in both or (battery and not _VOLTS.isdisjoint(both)),
    )


def is_alarm(name: str) -> bool:
    """Whether a switch of this name reports an alarm."""
    named = words(name)
    return not _ALARMS.isdisjoint(named) and _NO_ALARMS.isdisjoint(named)
