"""Checks on the values a device reports: outliers, frozen values, nulls, bad quality, broken and changed structures.

Each check is a function of a ``View`` and returns an ``Outcome``.
"""

import math

from mqtt_mcp.analysis.devices.checks_reach import noted
from mqtt_mcp.analysis.devices.finding import (
    NOT_APPLICABLE,
    NOT_ENOUGH_DATA,
    PASS,
    Finding,
    Outcome,
    Severity,
    View,
    fail,
    judged,
)
from mqtt_mcp.analysis.devices.series import Series
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import mad, median, robust_z
from mqtt_mcp.analysis.text import field_name, quote

_SENTINELS = frozenset(
    {85.0, -127.0, 327.67, -327.68, 6553.5, 65535.0, -999.0, -9999.0, -273.15, 655.35, 32767.0, -32768.0, 999.9, 9999.0}
    | {-99.0, 99999.0}
)
_FEWEST = 6
_FAR = 15.0
_HUGE_LOAD = 10_000.0
_FAR_FROM_SENTINEL = 25.0
_STUCK_LIVE = 20
_STUCK_FEW = 12
_CHANCES = 12.0
"""So many changes were due, at the usual rate of the field, while it did not change: chance is out of the question."""


def value_outlier(view: View) -> Outcome:
    """One value far from the others of its field: more than 15 robust deviations, or a known error value."""
    findings: list[Finding] = []
    enough = False
    for track in view.tracks:
        for path, series in track.series.items():
            impossible = _impossible(track, path, series)
            if impossible:
                findings += impossible
            elif series.count >= _FEWEST and len(series.distinct) >= 3 and series.falls:
                enough = True
                findings += _extremes(track, path, series) if series.traits.jumps else _outliers(track, path, series)
    findings += _unlike_others(view, "value_outlier", "high")
    if not enough and not findings:
        return NOT_ENOUGH_DATA
    findings.sort(key=lambda one: (one.severity != "high", -one.confidence, one.topic, one.at_s))
    return judged(findings[:4])


def _impossible(track: Track, path: str, series: Series) -> list[Finding]:
    """Values that need no history: an error value among others, or what the quantity cannot be."""
    if not series.traits.measured:
        return []
    for value, at_s in ((series.minimum, series.minimum_s), (series.maximum, series.maximum_s)):
        said = ""
        if value in _SENTINELS and series.count >= 2 and abs(median(series.ring) - value) > _FAR_FROM_SENTINEL:
            said = "a known error value"
        elif series.traits.humidity and 0 <= median(series.ring) <= 100 and not -0.5 <= value <= 101.0:
            said = "which a humidity cannot be"
        elif series.traits.temperature and value < -459.67:
            said = "which a temperature cannot be"
        if said:
            usual = median(series.ring)
            return [
                fail("value_outlier", "high", f"{field_name(path)} was {value:g}, {said}.", track=track, at_s=at_s,
                     value=f"{value:g}", expected=f"about {usual:g}" if usual != value else "", confidence=0.95)
            ]  # fmt: skip
    return []


def _unlike_others(view: View, code: str, severity: Severity) -> list[Finding]:
    findings = []
    for track in view.tracks:
        for one in view.odd.get(track.topic, ()):
            if one.code != code or (one.path in track.series and track.series[one.path].traits.jumps):
                continue
            said = f"{field_name(one.path)} is unlike that of {one.members - 1} equal devices."
            if not one.path:
                said = f"None of its {one.members - 1} equals has such a topic."
            findings.append(
                fail(code, severity if one.path else "low", said, track=track, value=one.value, expected=one.expected,
                     confidence=0.75 if one.path else 0.4, at_s=track.last_s)
            )  # fmt: skip
    return findings


def _outliers(track: Track, path: str, series: Series) -> list[Finding]:
    ring = list(series.ring)
    if robust_z(series.minimum, ring) <= 8 and robust_z(series.maximum, ring) <= 8:
        return []
    far = sum(robust_z(value, ring) > 8 for value in ring)
    if far > max(1, len(ring) // 10):
        return []
    found = []
    for value, at_s in ((series.minimum, series.minimum_s), (series.maximum, series.maximum_s)):
        score = robust_z(value, ring)
        sentinel = value in _SENTINELS
        if (score > _FAR or (sentinel and score > 8)) and series.stands_alone(value, median(ring)):
            found.append(
                fail("value_outlier", "high",
                     f"{field_name(path)} was {value:g} once, usually {median(ring):g}"
                     f"{', a known error value' if sentinel else ''}.", track=track, at_s=at_s, value=f"{value:g}",
                     expected=f"about {median(ring):g}", confidence=0.95 if sentinel else 0.8)
            )  # fmt: skip
    return found


def _extremes(track: Track, path: str, series: Series) -> list[Finding]:
    """Of a field that jumps by nature: only a single value ten times any other, in an otherwise steady series.

    Loads go from nothing to kilowatts: there only what no household has.
    """
    ring = list(series.ring)
    middle = median(ring)
    for value, at_s in ((series.minimum, series.minimum_s), (series.maximum, series.maximum_s)):
        others = [one for one in ring if one != value]
        if len(others) < len(ring) - 1 or abs(value) <= 10 * max(map(abs, others)) or not any(others):
            continue
        if abs(value) < _HUGE_LOAD and len(ring) < _STUCK_FEW:
            continue
        if series.traits.load:
            severity: Severity = "high" if abs(value) >= _HUGE_LOAD else "low"
        else:
            severity = "high" if mad(others, middle) < 0.1 * abs(middle) else "low"
        return [
            fail("value_outlier", severity, f"{field_name(path)} was {value:g} once, usually {middle:g}.", track=track,
                 at_s=at_s, value=f"{value:g}", expected=f"about {middle:g}", confidence=0.6)
        ]  # fmt: skip
    return []


def stuck_value(view: View) -> Outcome:
    """Measured fields stay exactly the same while they, or the same fields of equal devices, usually change."""
    findings: list[Finding] = []
    enough = False
    for track in view.tracks:
        live = track.live - track.duplicates
        if live < _STUCK_FEW:
            continue
        measured = {path: one for path, one in track.series.items() if one.traits.measured}
        with_decimals = {path: one for path, one in measured.items() if one.decimals}
        enough = enough or bool(measured)
        same = [path for path, one in with_decimals.items() if len(one.distinct) == 1 and one.count >= _STUCK_FEW]
        fine = [path for path in same if not (measured[path].last * 10).is_integer()]
        froze = [path for path, one in measured.items() if _froze(one)]
        if with_decimals and len(same) == len(with_decimals) and (len(fine) > 1 or live >= _STUCK_LIVE):
            findings.append(_stuck(track, same, live, 0.6))
        elif froze and len(froze) == sum(one.changes > 0 for one in measured.values()):
            findings.append(_stuck(track, froze, min(measured[path].same for path in froze), 0.6))
        findings += [
            fail("stuck_value", "medium",
                 f"{field_name(one.path)} never changed, unlike that of {one.members - 1} equals.", track=track,
                 count=live, value=one.value, expected=one.expected, confidence=0.75)
            for one in view.odd.get(track.topic, ())
            if one.code == "stuck_value" and not track.series[one.path].traits.jumps
        ]  # fmt: skip
    return judged(findings[:2]) if enough or findings else NOT_ENOUGH_DATA


def _froze(series: Series) -> bool:
    """Whether a field changed before, and by that rate should have changed many times since."""
    before = series.count - series.same
    if series.same < _STUCK_LIVE or before < 6 or series.last == 0 or not series.decimals:
        return False
    return (series.changes / before) * series.same >= _CHANCES and series.changes >= 4


def _stuck(track: Track, paths: list[str], count: int, confidence: float) -> Finding:
    values = ", ".join(f"{track.series[path].last:g}" for path in paths[:3])
    return fail("stuck_value", "medium", f"{', '.join(map(quote, paths[:3]))} did not change in {count} messages.",
                track=track, count=count, value=values, confidence=confidence)  # fmt: skip


def null_reading(view: View) -> Outcome:
    """A field that had values became null, NaN, unknown or unavailable."""
    if not any(track.series or track.words for track in view.tracks):
        return NOT_APPLICABLE
    return judged([
        fail("null_reading", "high", f"{field_name(path)} had values and then none, {count} times.", track=track,
             at_s=at_s, value="null", count=count,
             expected=f"{track.series[path].last:g}" if path in track.series else "")
        for track in view.tracks
        for path, (count, at_s) in track.nulls.items()
    ][:4])  # fmt: skip


def bad_quality(view: View) -> Outcome:
    """The source marks a value as bad or uncertain: Sparkplug's and OPC's quality is not 192."""
    told = noted(view, "bad_quality", "high", "Values are marked as being of bad quality.")
    if told.findings:
        return told
    return PASS if any(track.good_quality for track in view.tracks) or view.device.ecosystem == "sparkplug_b" else (
        NOT_APPLICABLE
    )  # fmt: skip


def malformed_payload(view: View) -> Outcome:
    """Payloads that begin like JSON, or have to be Sparkplug, and do not parse."""
    return judged([
        fail("malformed_payload", "high", f"{track.malformed} messages do not parse.", track=track,
             at_s=track.malformed_s, count=track.malformed, messages=[track.malformed_text])
        for track in view.tracks
        if track.malformed
    ][:3])  # fmt: skip


def schema_change(view: View) -> Outcome:
    """A message lost usual fields or changed their types, after five of the usual structure."""
    unlike = _unlike_others(view, "schema_change", "medium")
    known = any(track.shapes.total() > 5 or _numbers(track) > 5 for track in view.tracks)
    if not unlike and not known and all(track.shape_change is None for track in view.tracks):
        return NOT_ENOUGH_DATA
    return judged(unlike[:2] + [
        fail("schema_change", "medium", "A message had another structure than usual.", track=track,
             at_s=track.shape_change[0], value=track.shape_change[1], confidence=0.7)
        for track in view.tracks
        if track.shape_change is not None
    ][:3])  # fmt: skip


def _numbers(track: Track) -> int:
    series = track.series.get("$")
    return series.count if series is not None and math.isfinite(series.last) else 0
