"""What a field is about: the words of its own name, or of its topic where the name says nothing (``state``, ``value``).

Owns the words that make a field a measurement, a setting, a battery or an alarm. Judges no value.
"""

from collections.abc import Sequence

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
BATTERY = frozenset({"battery", "batt", "bat", "soc", "batterylevel"})
_NO_LEVEL = frozenset(
    {"voltage", "volt", "volts", "v", "mv", "current", "power", "capacity", "charging", "time", "health", "soh", "low"}
    | {"temperature", "temp", "state", "type", "energy", "replaced", "alarm", "threshold", "cycles", "unavailable"}
)
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


def is_measured(found: frozenset[str]) -> bool:
    """Whether a field with these words is measured, not set."""
    return not MEASURED.isdisjoint(found) and SETTINGS.isdisjoint(found)


def jumps(found: frozenset[str]) -> bool:
    """Whether a field with these words may jump when all is well."""
    return not SWITCHING.isdisjoint(found) or not SETTINGS.isdisjoint(found)


def is_battery_level(path: str, levels: Sequence[str]) -> bool:
    """Whether a field is a state of charge in percent."""
    named = own_words(path, levels) | frozenset(words(path.rpartition(".")[2]))
    return not BATTERY.isdisjoint(named) and _NO_LEVEL.isdisjoint(named)


def is_battery_voltage(path: str, levels: Sequence[str]) -> bool:
    """Whether a field is the voltage of a battery."""
    named = own_words(path, levels) | frozenset(words(path.rpartition(".")[2]))
    return named >= {"vbat"} or (not BATTERY.isdisjoint(named) and not _VOLTS.isdisjoint(named))


def is_alarm(name: str) -> bool:
    """Whether a switch of this name reports an alarm."""
    named = words(name)
    return not _ALARMS.isdisjoint(named) and _NO_ALARMS.isdisjoint(named)
