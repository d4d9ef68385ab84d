"""What one message says about its device: state, numbers, nulls, errors, alarms, restarts, clocks, structure.

Deterministic rules on one decoded payload and the topic's ``Track``; O(1) per field and bounded. Judges nothing that
needs the whole watch (``findings.py`` and ``readings.py`` do).
"""

import math
import re
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from mqtt_mcp.analysis.devices.availability import availability
from mqtt_mcp.analysis.devices.directory import Directory, ids_in
from mqtt_mcp.analysis.devices.track import MAX_KEY_CHARS, MAX_PATH_CHARS, MAX_SERIES, Change, Series, Track
from mqtt_mcp.analysis.payloads.decoding import Decoded
from mqtt_mcp.analysis.payloads.shape import log_level, signature
from mqtt_mcp.analysis.schema.profile import json_type
from mqtt_mcp.analysis.schema.values import EPOCH_UNITS, epoch_unit
from mqtt_mcp.analysis.text import looks_like_instruction
from mqtt_mcp.analysis.words import words

_MAX_LEAVES = 80
_MAX_DEPTH = 4
_ALARMS = frozenset(
    {"alarm", "leak", "smoke", "tamper", "fault", "overtemperature", "overtemp", "overpower", "overvoltage", "gas"}
    | {"monoxide", "problem", "emergency", "flood", "intrusion"}
)
_SETTINGS = frozenset(
    {"enabled", "enable", "mode", "test", "armed", "control", "supported", "valve", "detection", "off", "clear", "mute"}
)
"""Words that make an alarm's name the name of a setting."""
_NULL_WORDS = frozenset({"unknown", "unavailable", "null", "nan", "none", "n/a"})
_TIME_KEYS = frozenset(
    {"time", "ts", "tst", "timestamp", "@timestamp", "last_seen", "lastseen", "datetime", "date_time", "utc", "sent_at"}
)
_UPTIME_KEYS = frozenset({"uptime", "uptimesec", "uptime_sec", "uptime_s", "uptime_seconds"})
_LINK_KEYS = {"linkquality": "linkquality", "link_quality": "linkquality", "lqi": "linkquality", "rssi": "rssi",
              "wifi_rssi": "rssi", "snr": "snr", "lorasnr": "snr", "signal": "dbm"}  # fmt: skip
_LEVEL_KEYS = ("level", "severity", "lvl", "loglevel", "log_level")
_TEXT_KEYS = ("message", "msg", "error", "description", "text", "reason", "Error")
_ERRORS = frozenset({"error", "critical", "fatal", "alert", "emerg", "emergency", "err"})
_CALM_RESTARTS = re.compile(r"power.?on|deep.?sleep", re.IGNORECASE)
_TAKEN_OVER = frozenset({"duplicate_clientid", "takenover", "takeovered", "discarded", "session_taken_over"})
"""Why AWS IoT and EMQX say that they disconnected a client whose id came a second time."""
_LEAVE_EVENTS = frozenset({"device_leave", "device_left", "leave_network"})


def detect(track: Track, decoded: Decoded, directory: Directory, t_s: float, *, retain: bool) -> None:
    """Take one decoded message of a topic.

    Args:
        track: The topic; changed.
        decoded: What ``payloads.decode`` gave.
        directory: Words and owners learned so far.
        t_s: Arrival, seconds since the start of the watch.
        retain: It was a stored message.
    """
    track.parsed += 1
    track.formats[decoded.format] += 1
    value = decoded.value
    if decoded.format == "json_malformed":
        track.malformed += 1
        track.malformed_s = t_s
        track.malformed_text = str(value)[:240]
    _state(track, value, directory, t_s, retain=retain)
    if isinstance(value, str):
        _text(track, value, t_s)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _number(track, "$", track.levels[-1].lower(), float(value), t_s)
    elif isinstance(value, dict):
        track.ids |= ids_in(value) if len(track.ids) < 10 else set()
        _object(track, value, t_s, retain=retain)
        _leaves(track, value, t_s, retain=retain)


def _state(track: Track, value: Any, directory: Directory, t_s: float, *, retain: bool) -> None:
    announced = directory.availability_words.get(track.topic)
    found = availability(track.levels, value)
    if announced is not None and isinstance(value, (str, bool)):
        word = value if isinstance(value, str) else str(value).lower()
        if word in announced:
            found = ("up" if word == announced[0] else "down"), word[:40]
    if found is None:
        return
    before = track.state
    if before is None or before.state != found[0]:
        track.changes.append(Change(found[0], found[1], t_s, stored=retain))
        track.states[found[0]] += 1


def _text(track: Track, text: str, t_s: float) -> None:
    if len(text) > 2_000:
        text = text[:2_000]
    if track.injection is None and looks_like_instruction(text):
        track.injection = (t_s, text[:300])
    level = log_level(text) if len(text) <= 600 or track.role == "log" else ""
    if level in _ERRORS:
        track.note("error_log", "error", text, t_s)
    elif level == "warning" and track.role == "log":
        track.note("error_log", "warning", text, t_s)
    elif text.strip().lower() in _NULL_WORDS and "$" in track.series:
        _null(track, "$", t_s)
    if _is_alarm(track.levels[-1]) and text.strip().upper() in {"ON", "TRUE", "1"}:
        track.note("alarm", "critical", f"{track.levels[-1]} = {text}", t_s)


def _is_alarm(key: str) -> bool:
    named = words(key)
    return not _ALARMS.isdisjoint(named) and _SETTINGS.isdisjoint(named)


def _object(track: Track, value: dict[str, Any], t_s: float, *, retain: bool) -> None:
    _log_object(track, value, t_s)
    info = value.get("Info3")
    reason = info.get("RestartReason") if isinstance(info, dict) else value.get("RestartReason")
    if isinstance(reason, str) and not retain and not _CALM_RESTARTS.search(reason):
        track.reboots.append((t_s, reason[:120]))
    kind = value.get("type", value.get("event"))
    if str(value.get("disconnectReason", value.get("reason", ""))).lower() in _TAKEN_OVER:
        track.note("duplicate_client_id", "error", "disconnected because another client used the same client id", t_s)
    if isinstance(kind, str) and kind in _LEAVE_EVENTS:
        data = value.get("data")
        name = data.get("friendly_name", data.get("ieee_address", "")) if isinstance(data, dict) else ""
        track.note("device_leave", "warning", str(name)[:120], t_s)
    if track.role == "state" and not retain:
        _shape(track, value, t_s)
    del track.reboots[:-10]


def _log_object(track: Track, value: dict[str, Any], t_s: float) -> None:
    level = next((value[key] for key in _LEVEL_KEYS if isinstance(value.get(key), str)), "").lower()
    text = next((value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str) and value[key]), "")
    if text and track.injection is None and looks_like_instruction(text):
        track.injection = (t_s, text[:300])
    if level in _ERRORS or level.startswith("warn"):
        if text:
            track.note("error_log", "error" if level in _ERRORS else "warning", text, t_s)
        return
    if level:
        return
    if track.role == "response" and (
        value.get("Command") in ("Unknown", "Error")  # foreign: may not be hashable
        or value.get("status") == "error"
        or track.levels[-1] in {"rejected", "nack", "failed"}
        or value.get("acknowledged") is False
    ):
        track.note("command_error", "error", text or str(value)[:200], t_s)
        return
    failed = (
        value.get("status") == "error" or _says_something(value.get("error")) or _says_something(value.get("errors"))
    )
    if failed and track.role != "command":
        track.note("error_log", "error", text or str(value.get("errors", value.get("error")))[:200], t_s)


def _says_something(value: Any) -> bool:
    return (
        value is True
        or (isinstance(value, str) and value.lower() not in {"", "none", "ok", "no error", "0"})
        or (isinstance(value, list) and bool(value))
    )


def _shape(track: Track, value: dict[str, Any], t_s: float) -> None:
    """Remember the usual structure, and the first message that lost a usual field or changed the type of one."""
    shape = signature(value)
    usual = track.shapes.most_common(1)
    if shape not in track.shapes and usual and usual[0][1] >= 5 and usual[0][1] >= 0.6 * track.shapes.total():
        types = _types(value)
        lost = [key for key in track.shape if key not in types]
        changed = [key for key, kind in types.items() if track.shape.get(key, kind) != kind and kind != "null"]
        if (changed or len(lost) > len(track.shape) / 3) and track.shape_change is None:
            said = [f"{key} is {types[key]} instead of {track.shape[key]}" for key in changed[:3]]
            track.shape_change = (t_s, "; ".join(said + ([f"without {', '.join(lost[:5])}"] if lost else [])))
    elif not usual or track.shapes[shape] + 1 >= usual[0][1]:
        track.shape = _types(value)
    if shape in track.shapes or len(track.shapes) < 8:
        track.shapes[shape] += 1


def _types(value: dict[str, Any]) -> dict[str, str]:
    return {key[:MAX_KEY_CHARS]: _kind(item) for key, item in islice(value.items(), 60)}


def _kind(value: Any) -> str:
    kind = json_type(value)
    return "number" if kind == "integer" else kind


def _leaves(track: Track, value: dict[str, Any], t_s: float, *, retain: bool) -> None:
    stack: list[tuple[str, str, Any, int]] = [("", "", value, 0)]
    seen = 0
    while stack and seen < _MAX_LEAVES:
        path, key, item, depth = stack.pop()
        seen += 1
        if isinstance(item, dict):
            if depth < _MAX_DEPTH:
                dot = f"{path}." if path else ""
                stack.extend((f"{dot}{name}", name.lower(), inner, depth + 1) for name, inner in item.items())
        elif not isinstance(item, list):
            _leaf(track, path, key, item, t_s, retain=retain)


def _leaf(track: Track, path: str, key: str, item: Any, t_s: float, *, retain: bool) -> None:
    if item is True:
        if _is_alarm(path.rpartition(".")[2]):
            track.note("alarm", "critical", f"{path} = true", t_s)
        elif key in {"battery_low", "batterylow", "low_battery"}:
            track.links["battery_low"] = 1.0
    elif item is None or (isinstance(item, str) and item.lower() in _NULL_WORDS):
        _null(track, path, t_s)
    elif isinstance(item, bool):
        return
    elif key in _TIME_KEYS and path.count(".") <= 1:
        _clock(track, item, t_s, retain=retain)
    elif isinstance(item, (int, float)) and not (retain and key in _UPTIME_KEYS):  # an old uptime proves no restart
        _number(track, path, key, item, t_s)


def _null(track: Track, path: str, t_s: float) -> None:
    if path in track.series:
        count, first_s = track.nulls.get(path, (0, t_s))
        track.nulls[path] = (count + 1, first_s)


def _number(track: Track, path: str, key: str, number: float, t_s: float) -> None:
    if not abs(number) < 1e100 or not math.isfinite(number):
        return
    value = float(number)
    if key in _UPTIME_KEYS:
        if track.uptime is not None and value < track.uptime:
            track.reboots.append((t_s, f"uptime went from {track.uptime:.0f} to {value:.0f} s"))
        track.uptime = value
        return
    link = _LINK_KEYS.get(key)
    if link is not None:
        track.link_readings += 1
        before = track.links.get(link, value)
        track.links[link] = 0.6 * before + 0.4 * value
        return
    series = track.series.get(path)
    if series is None:
        if len(track.series) >= MAX_SERIES or len(path) > MAX_PATH_CHARS:
            return
        series = track.series[path] = Series()
    series.add(value, t_s)


def _clock(track: Track, item: Any, t_s: float, *, retain: bool) -> None:
    epoch_s = payload_time_s(item)
    if epoch_s is None:
        return
    if retain:
        track.stored_offset_s = epoch_s - t_s
    else:
        track.offsets_s.append(epoch_s - t_s)


def payload_time_s(item: Any) -> float | None:
    """Unix time in seconds of an ISO 8601 text (UTC when it names no zone) or of a number of s, ms, µs or ns."""
    if isinstance(item, str):
        if not 10 <= len(item) <= 40:
            return None
        try:
            moment = datetime.fromisoformat(item)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    unit = epoch_unit(item) if isinstance(item, (int, float)) and abs(item) < 1e100 else ""
    return item / EPOCH_UNITS[unit] if unit else None
