"""What one message says about its device: state, errors, alarms, restarts; numbers and times through neighbours.

Deterministic rules on one decoded payload and the topic's ``Track``; O(1) per field and bounded. Judges nothing that
needs the whole watch (the ``checks_*`` do).
"""

import re
from itertools import islice
from typing import Any

from mqtt_mcp.analysis.devices.availability import availability
from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.fields import is_alarm
from mqtt_mcp.analysis.devices.generic import ids_in
from mqtt_mcp.analysis.devices.numbers import NULL_WORDS, take_link, take_null, take_value
from mqtt_mcp.analysis.devices.structure import take_structure
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.payloads.decoding import Decoded
from mqtt_mcp.analysis.payloads.shape import log_level
from mqtt_mcp.analysis.text import looks_like_instruction

_LEVEL_KEYS = ("level", "severity", "lvl", "loglevel", "log_level")
_TEXT_KEYS = ("message", "msg", "error", "description", "text", "reason", "Error")
_ERRORS = frozenset({"error", "critical", "fatal", "alert", "emerg", "emergency", "err"})
_WARNINGS = frozenset({"warning", "warn"})
_RAISED = frozenset({"on", "active", "alarm", "raised", "triggered", "true", "set"})
_CALM_RESTARTS = re.compile(r"power.?on|deep.?sleep", re.IGNORECASE)
_TAKEN_OVER = frozenset({"duplicate_clientid", "takenover", "takeovered", "discarded", "session_taken_over"})
"""Why AWS IoT and EMQX say that they disconnected a client whose id came a second time."""
_LEAVE_EVENTS = frozenset({"device_leave", "device_left", "leave_network"})
_CONDITIONS = re.compile(r"over(?:temp|power|volt|current|load)|under(?:volt)|fire|leak|flood", re.IGNORECASE)
_EVENT_KEYS = ("action", "click", "button", "event")
_UNIT_KEYS = ("unit", "units", "unit_of_measurement", "unit_of_meas", "TempUnit")
_MAX_TEXT = 2_000
_KNOWN_NUMBERS = 5
_MAX_IDS = 10


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
    value = decoded.value
    if decoded.format in {"json_malformed", "protobuf_malformed"}:
        track.malformed += 1
        track.malformed_s = t_s
        track.malformed_text = (
            str(value)[:240] if value is not None else f"{track.last_bytes} bytes of {decoded.format}"
        )
        return
    if decoded.format == "empty":
        track.removed_s = None if retain else t_s
    if decoded.format == "sparkplug_b":
        _sparkplug(track, decoded, directory, t_s, retain=retain)
        return
    _state(track, value, directory, t_s, retain=retain)
    if isinstance(value, str):
        _text(track, value, t_s, retain=retain)
    elif isinstance(value, bool):
        _switch(track, "1" if value else "0", t_s)
    elif isinstance(value, dict):
        if len(track.ids) < _MAX_IDS:
            track.ids |= ids_in(value)
        _object(track, value, t_s, retain=retain)
    _unit(track, decoded.unit, t_s)
    if track.role not in {"discovery", "command", "log"} and isinstance(value, (int, float, dict, list)):
        if not isinstance(value, (bool, dict, list)):
            _switch(track, f"{value:g}", t_s)
        take_value(track, value, t_s, retain=retain)


def _sparkplug(track: Track, decoded: Decoded, directory: Directory, t_s: float, *, retain: bool) -> None:
    """Metrics by name; what was recorded earlier (historical) and what belongs to an earlier connection counts not."""
    codes = {event.code for event in decoded.events}
    for event in decoded.events:
        if event.code == "restarted":
            track.reboots.append((t_s, event.text))
        else:
            track.note(event.code, "error", event.text, t_s)
    if "stale_death" not in codes:
        _state(track, None, directory, t_s, retain=retain)
    value = decoded.value
    for name, code in islice((value.get("quality") or {}).items(), 10):
        track.note("bad_quality", "error", f"{name}: quality {code}, good is 192", t_s)
    late = set(value.get("historical") or ())
    metrics = {
        name: one for name, one in value.get("metrics", {}).items()
        if name not in late and name != "bdSeq" and not name.startswith(("Node Control/", "Device Control/"))
    }  # fmt: skip
    if track.levels[2:3] in (["NDATA"], ["DDATA"], ["DBIRTH"], ["NBIRTH"]):
        take_value(track, {"timestamp": value.get("timestamp"), "metrics": metrics}, t_s, retain=retain)


def _state(track: Track, value: Any, directory: Directory, t_s: float, *, retain: bool) -> None:
    announced = directory.availability_words.get(track.topic)
    found = availability(track.levels, value)
    if announced is not None and isinstance(value, (str, bool, int, float, dict)):
        said = value.get(announced[2]) if isinstance(value, dict) and announced[2] else value
        word = said if isinstance(said, str) else f"{said:g}" if isinstance(said, float) else str(said).lower()
        if word in announced[:2]:
            found = ("up" if word == announced[0] else "down"), word[:40]
    if found is None:
        return
    track.change(found[0], found[1], t_s, stored=retain)


def _text(track: Track, text: str, t_s: float, *, retain: bool) -> None:
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT]
    if track.injection is None and looks_like_instruction(text):
        track.injection = (t_s, text[:300])
    word = text.strip().lower()
    level = _level(track, text)
    if "$alert" in track.levels and word:
        track.note("alarm", "critical", text, t_s)
    if level in _ERRORS:
        track.note("error_log", "error", text, t_s)
    elif level == "warning" and track.role == "log":
        track.note("error_log", "warning", text, t_s)
    elif word in NULL_WORDS:
        take_null(track, "$", t_s)
    elif "$" in track.series and not retain and track.role == "state":
        if track.series["$"].count >= _KNOWN_NUMBERS and track.shape_change is None:
            track.shape_change = (t_s, f"text {text[:60]!r} instead of a number")
    else:
        track.words += 1
    if word in {"on", "true", "1", "alarm", "detected", "triggered", "active"}:
        _switch(track, text.strip(), t_s)
    if track.levels[:3] == ["$SYS", "broker", "log"] and "already connected, closing old connection" in text:
        track.note("duplicate_client_id", "error", text, t_s)


def _level(track: Track, text: str) -> str:
    """The log level of a text, told by itself or by its topic (Homie: ``$log/error``)."""
    if track.role == "log" and track.levels[-1].lower() in _ERRORS | _WARNINGS:
        return "warning" if track.levels[-1].lower() in _WARNINGS else "error"
    return log_level(text) if len(text) <= 600 or track.role == "log" else ""


def _switch(track: Track, said: str, t_s: float) -> None:
    if said == "0" or track.role in {"command", "discovery", "info"}:
        return
    leaf = next((one for one in reversed(track.levels) if one.lower() not in {"state", "value", "status"}), "")
    if is_alarm(leaf) and said in {
        "1",
        "on",
        "ON",
        "true",
        "True",
        "TRUE",
        "alarm",
        "ALARM",
        "detected",
        "triggered",
        "active",
    }:
        track.note("alarm", "critical", f"{leaf} = {said}", t_s)


def _object(track: Track, value: dict[str, Any], t_s: float, *, retain: bool) -> None:
    _log_object(track, value, t_s)
    info = value.get("Info3")
    reason = info.get("RestartReason") if isinstance(info, dict) else value.get("RestartReason")
    if isinstance(reason, str) and not retain and not _CALM_RESTARTS.search(reason):
        track.reboots.append((t_s, reason[:120]))
    kind = value.get("type", value.get("event"))
    if str(value.get("disconnectReason", value.get("reason", "")))[:60].lower() in _TAKEN_OVER:
        track.note("duplicate_client_id", "error", "disconnected because another client used the same client id", t_s)
    if isinstance(kind, str) and kind in _LEAVE_EVENTS:
        data = value.get("data")
        name = data.get("friendly_name", data.get("ieee_address", "")) if isinstance(data, dict) else ""
        track.note("device_leave", "warning", str(name)[:120], t_s)
    pressed = next((value[key] for key in _EVENT_KEYS if isinstance(value.get(key), str) and value[key]), "")
    if pressed and track.role == "state":
        track.momentary = True
        track.stored_event = pressed[:60] if retain else track.stored_event
    if track.role in {"state", "availability", "info"} and not retain:
        take_structure(track, value, t_s)
    _unit(track, next((value[key] for key in _UNIT_KEYS if isinstance(value.get(key), str)), ""), t_s)
    _radio(track, value)
    _recorder(track, value, t_s)
    del track.reboots[:-10]


def _unit(track: Track, unit: str, t_s: float) -> None:
    """A unit that changes makes all numbers mean something else."""
    if not unit:
        return
    if track.unit and unit[:20] != track.unit and track.shape_change is None:
        track.shape_change = (t_s, f"the unit is {unit[:20]} instead of {track.unit}")
    track.unit = unit[:20]


def _recorder(track: Track, value: dict[str, Any], t_s: float) -> None:
    """Frigate: cameras without frames in its statistics, and what it rates as an alert."""
    cameras = value.get("cameras") if track.levels[-1] == "stats" else None
    if isinstance(cameras, dict):
        for name, camera in islice(cameras.items(), 50):
            if (
                isinstance(camera, dict)
                and camera.get("camera_fps") == 0
                and camera.get("detection_enabled") is not False
            ):
                track.note("camera_dead", "error", name[:120], t_s)
    after = value.get("after")
    if isinstance(after, dict) and after.get("severity") == "alert" and isinstance(after.get("camera"), str):
        track.note("review_alert", "critical", after["camera"][:120], t_s)


def _radio(track: Track, value: dict[str, Any]) -> None:
    """The best gateway's signal of a LoRaWAN uplink (ChirpStack ``rxInfo``, The Things Stack ``rx_metadata``)."""
    uplink = value.get("uplink_message")
    heard = uplink.get("rx_metadata") if isinstance(uplink, dict) else value.get("rxInfo")
    if not isinstance(heard, list):
        return
    ratios = [
        ratio for one in heard[:50] if isinstance(one, dict)
        for ratio in (one.get("snr", one.get("loRaSNR")),)
        if isinstance(ratio, (int, float)) and not isinstance(ratio, bool) and abs(ratio) < 200
    ]  # fmt: skip
    if ratios:
        take_link(track, "snr", max(ratios))


def _log_object(track: Track, value: dict[str, Any], t_s: float) -> None:
    level = next((value[key] for key in _LEVEL_KEYS if isinstance(value.get(key), str)), "").lower()
    text = next((value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str) and value[key]), "")
    if text and track.injection is None and looks_like_instruction(text):
        track.injection = (t_s, text[:300])
    if _raised(track, value):
        track.note("alarm", "critical", text or f"{track.levels[-1]} is active", t_s)
        return
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
    if isinstance(value.get("error"), dict) and ("code" in value["error"] or "message" in value["error"]):
        track.note("command_error", "error", str(value["error"].get("message", value["error"].get("code")))[:200], t_s)
        return
    _conditions(track, value, t_s)
    failed = value.get("status") == "error" or any(_says_something(value.get(key)) for key in ("error", "errors"))
    if failed and track.role != "command":
        track.note("error_log", "error", text or str(value.get("errors", value.get("error")))[:200], t_s)


def _raised(track: Track, value: dict[str, Any]) -> bool:
    """Whether an object on a topic of alarms says that one is active, not only that there is one."""
    if track.role in {"command", "discovery", "info"} or not is_alarm(track.levels[-1].rstrip("s")):
        return False
    states = [value[key] for key in ("active", "state", "triggered", "raised", "alarm", "value") if key in value]
    return any(state is True or (isinstance(state, str) and state.lower() in _RAISED) for state in states)


def _conditions(track: Track, value: dict[str, Any], t_s: float) -> None:
    """``errors`` of a component, as Shelly lists them: what protects the device is an alarm."""
    params = value.get("params")
    parts = [value, *(params.values() if isinstance(params, dict) else ())]
    for one in parts[:20]:
        errors = one.get("errors") if isinstance(one, dict) else None
        for error in errors[:5] if isinstance(errors, list) else ():
            critical = isinstance(error, str) and _CONDITIONS.search(error) is not None
            track.note("alarm", "critical" if critical else "error", f"errors: {str(error)[:100]}", t_s)


def _says_something(value: Any) -> bool:
    return (
        value is True
        or (isinstance(value, str) and value.lower() not in {"", "none", "ok", "no error", "0"})
        or (isinstance(value, list) and bool(value))
    )
