"""The fields of one message: series of numbers, nulls, qualities, links, uptimes, switches named like alarms.

O(1) per field and bounded: at most 80 fields of a message, four levels deep. Keeps facts in the topic's ``Track``;
judges nothing.
"""

import math
from itertools import islice
from typing import Any

from mqtt_mcp.analysis.devices.fields import is_alarm, traits
from mqtt_mcp.analysis.devices.sequences import SEQUENCE_KEYS, MessageCounter
from mqtt_mcp.analysis.devices.series import Series
from mqtt_mcp.analysis.devices.times import TIME_KEYS, PayloadTimes, payload_time_s
from mqtt_mcp.analysis.devices.track import MAX_PATH_CHARS, MAX_SERIES, Track

_MAX_LEAVES = 80
_MAX_DEPTH = 4
_MAX_ITEMS = 20
NULL_WORDS = frozenset({"unknown", "unavailable", "null", "nan", "none", "n/a"})
UPTIME_KEYS = frozenset({"uptime", "uptimesec", "uptime_sec", "uptime_s", "uptime_seconds", "uptimeseconds", "up_time"})
_LINK_KEYS = {"linkquality": "linkquality", "link_quality": "linkquality", "lqi": "linkquality", "rssi": "rssi",
              "wifi_rssi": "rssi", "snr": "snr", "lorasnr": "snr", "signal": "dbm", "wifi_signal": "dbm",
              "wifisignal": "dbm"}  # fmt: skip
_QUALITY_KEYS = frozenset({"q", "quality", "qual", "qc", "opcquality", "statuscode"})
_GOOD = 192
_BAD_WORDS = frozenset(
    {"bad", "uncertain", "invalid", "stale", "questionable", "bad_stale", "notconnected", "comm_fail"}
)
_LOW_BATTERY_KEYS = frozenset({"battery_low", "batterylow", "low_battery", "lowbat", "batt_low"})
_BATTERY_OK_KEYS = frozenset({"battery_ok", "batteryok", "batt_ok"})
"""rtl_433: 1 for good, 0 for low."""
_MAINS_KEYS = frozenset({"externalpowersource", "batterylevelunavailable"})
_NAME_KEYS = ("name", "n", "tag", "id", "key")
ON_WORDS = frozenset({"ON", "TRUE", "1", "ACTIVE", "ALARM", "DETECTED", "TRIGGERED"})


def take_value(track: Track, value: Any, t_s: float, *, retain: bool) -> None:
    """Take a decoded payload: a number, or an object or list with its fields."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        take_number(track, "$", name_of("$", track), float(value), t_s)
        return
    stack: list[tuple[str, str, Any, int]] = [("", "", value, 0)]
    seen = 0
    while stack and seen < _MAX_LEAVES:
        path, key, item, depth = stack.pop()
        seen += 1
        if isinstance(item, dict):
            if depth < _MAX_DEPTH:
                dot = f"{path}." if path else ""
                inner = islice(item.items(), _MAX_LEAVES)
                stack.extend((f"{dot}{name}", name.lower(), one, depth + 1) for name, one in inner)
        elif isinstance(item, list):
            if depth < _MAX_DEPTH:
                stack.extend(_named(path, item, depth))
        else:
            _leaf(track, path, key, item, t_s, retain=retain)


def _named(path: str, items: list[Any], depth: int) -> list[tuple[str, str, Any, int]]:
    """Members of a list that have a name, such as ``{"name": "temp", "value": 21.5}``."""
    found = []
    for one in items[:_MAX_ITEMS]:
        name = (
            next((one[key] for key in _NAME_KEYS if isinstance(one.get(key), str)), "") if isinstance(one, dict) else ""
        )
        if name:
            whole = f"{path}.{name[:60]}" if path else name[:60]
            found.append((whole, name[:60].lower(), {k: v for k, v in one.items() if v is not name}, depth + 1))
    return found


def name_of(path: str, track: Track) -> str:
    """The key of a field; for a payload that is a single value the last level of the topic that says something."""
    if path != "$":
        return path.rpartition(".")[2].lower()
    leaf = track.levels[-1].lower()
    return track.levels[-2].lower() if leaf in {"state", "value", "val"} and len(track.levels) > 1 else leaf


def _leaf(track: Track, path: str, key: str, item: Any, t_s: float, *, retain: bool) -> None:
    if key in TIME_KEYS and path.count(".") <= 1:
        _time(track, path, item, t_s, retain=retain)
    elif item is None:
        take_null(track, path, t_s)
    elif key in _QUALITY_KEYS:
        _quality(track, path, item, t_s)
    elif isinstance(item, bool):
        _flag(track, path, key, t_s, on=item)
    elif isinstance(item, str):
        if item.lower() in NULL_WORDS:
            take_null(track, path, t_s)
        elif item.upper() in ON_WORDS and is_alarm(path.rpartition(".")[2]):
            track.note("alarm", "critical", f"{path} = {item}", t_s)
    elif isinstance(item, (int, float)):
        if key in SEQUENCE_KEYS and path.count(".") <= 1:
            _counter(track, path, item, t_s, retain=retain)
        elif not (retain and key in UPTIME_KEYS):  # an old uptime proves no restart
            take_number(track, path, key, item, t_s)


def _time(track: Track, path: str, item: Any, t_s: float, *, retain: bool) -> None:
    """The shallowest field with a time is the message's."""
    times = track.times
    if times is None or path.count(".") < times.path.count("."):
        if payload_time_s(item) is None or len(path) > MAX_PATH_CHARS:
            return
        times = track.times = PayloadTimes(path)
    if times.path == path:
        times.take(item, t_s, retain=retain, repeated=track.repeats > 0)


def _counter(track: Track, path: str, item: Any, t_s: float, *, retain: bool) -> None:
    if retain or len(path) > MAX_PATH_CHARS:
        return
    counter = track.counter = track.counter or MessageCounter(path)
    found = counter.take(item, track.messages) if counter.path == path else None
    if found is not None:
        track.note(found[0], "error" if found[0] == "sequence_gap" else "warning", found[1], t_s)


def _flag(track: Track, path: str, key: str, t_s: float, *, on: bool) -> None:
    if not on:
        return
    if is_alarm(path.rpartition(".")[2]):
        track.note("alarm", "critical", f"{path} = true", t_s)
    elif key in _LOW_BATTERY_KEYS:
        track.links["battery_low"] = 1.0
    elif key in _MAINS_KEYS:
        track.links["mains"] = 1.0


def take_null(track: Track, path: str, t_s: float) -> None:
    """A field is null or a word that means so; counts only where values were before, and not in events."""
    if track.role == "event":
        return
    if path in track.series or (path == "$" and track.words >= 1):
        count, first_s = track.nulls.get(path, (0, t_s))
        track.nulls[path] = (count + 1, first_s)


def take_number(track: Track, path: str, key: str, number: float, t_s: float) -> None:
    """A number: an uptime, a radio link, or one more value of a series."""
    if not abs(number) < 1e100 or not math.isfinite(number):
        return
    value = float(number)
    if key in UPTIME_KEYS:
        if track.uptime is not None and value < track.uptime:
            track.reboots.append((t_s, f"uptime went from {track.uptime:.0f} to {value:.0f} s"))
            del track.reboots[:-10]
        track.uptime = value
        return
    link = _LINK_KEYS.get(key)
    if link is not None:
        take_link(track, link, value)
        return
    if key in _BATTERY_OK_KEYS and value == 0:
        track.links["battery_low"] = 1.0
    series = track.series.get(path)
    if series is None:
        if len(track.series) >= MAX_SERIES or len(path) > MAX_PATH_CHARS:
            return
        series = track.series[path] = Series(traits(path, track.levels))
    series.add(value, t_s)


def take_link(track: Track, kind: str, value: float) -> None:
    """A reading of a radio link, smoothed: single bad readings are no weak link."""
    track.link_readings += 1
    before = track.links.get(kind, value)
    track.links[kind] = 0.6 * before + 0.4 * value


def _quality(track: Track, path: str, item: Any, t_s: float) -> None:
    if isinstance(item, str):
        word = item.strip().lower()
        if word.startswith("good"):
            track.good_quality = True
        elif word in _BAD_WORDS or word.startswith(("bad", "uncertain")):
            track.note("bad_quality", "error", f"{path} = {item[:60]}", t_s)
    elif isinstance(item, (int, float)) and not isinstance(item, bool):
        if item >= _GOOD and item < 256:
            track.good_quality = True
        elif track.good_quality and 0 <= item < _GOOD:
            track.note("bad_quality", "error", f"{path} = {item:g}, good is {_GOOD}", t_s)
        elif item >= 2**30:  # an OPC UA status code with the severity Uncertain or Bad
            track.note("bad_quality", "error", f"{path} = 0x{int(item):08X}", t_s)
