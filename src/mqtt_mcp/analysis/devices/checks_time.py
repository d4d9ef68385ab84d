"""Checks on times and order: clocks, times that stand still, message counters, births of Sparkplug.

Each check is a function of a ``View`` and returns an ``Outcome``.
"""

from mqtt_mcp.analysis.devices.checks_reach import noted
from mqtt_mcp.analysis.devices.clocks import off_by
from mqtt_mcp.analysis.devices.finding import (
    NOT_APPLICABLE,
    NOT_ENOUGH_DATA,
    PASS,
    Finding,
    Outcome,
    View,
    fail,
    judged,
)
from mqtt_mcp.analysis.devices.times import TOLERATED_S, UNSET_BEFORE_S, PayloadTimes, is_time_zone
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.statistics import median

_AHEAD_S = 60.0
_STALLED = 3
_NEVER_MOVED = 5
_LEAST_STALL_S = 10.0
_BACK = 3
"""A counter that falls so often is that of several publishers, not of one device."""


def clock_skew(view: View) -> Outcome:
    """Times in payloads are far off, jumped, or are more than a minute in the future; time zones are told as info."""
    timed = [(track, track.times) for track in view.tracks if track.times is not None]
    dated = [(track, times) for track, times in timed if len(times.offsets_s) >= 2 or times.jump is not None]
    if not dated:
        return NOT_ENOUGH_DATA if any(times.offsets_s for _, times in timed) else NOT_APPLICABLE
    findings: list[Finding] = []
    for track, times in dated:
        findings += _jumped(track, times, view) or _off(track, times, view)
    findings.sort(key=lambda one: one.severity != "medium")
    return judged(findings[:1])


def _jumped(track: Track, times: PayloadTimes, view: View) -> list[Finding]:
    if times.jump is None:
        return []
    at_s, off_s, count = times.jump
    said = "was never set: it counts from 1970" if off_s < UNSET_BEFORE_S else (
        f"jumped: it is {off_by(off_s - view.started_at_epoch_s)} in {count} of its messages"
    )  # fmt: skip
    return [
        fail("clock_skew", "medium", f"The device's clock {said}.", track=track, at_s=at_s, count=count,
             value=f"{off_s - view.started_at_epoch_s:.0f} s",
             expected=f"{median(times.offsets_s) - view.started_at_epoch_s:.0f} s")
    ]  # fmt: skip


def _off(track: Track, times: PayloadTimes, view: View) -> list[Finding]:
    off_s = median(times.offsets_s) - view.started_at_epoch_s
    if abs(off_s) > TOLERATED_S and is_time_zone(off_s):
        return [
            fail("clock_skew", "info", f"Its times are local, without a zone: {off_by(off_s)}.", track=track,
                 value=f"{off_s:.0f} s", confidence=0.7)
        ] if times.local else []  # fmt: skip
    if abs(off_s) <= TOLERATED_S and not (off_s > _AHEAD_S and times.is_sending_time):
        return []
    said = "was never set: it counts from 1970" if times.offsets_s[-1] < UNSET_BEFORE_S else f"is {off_by(off_s)}"
    return [
        fail("clock_skew", "medium", f"The device's clock {said}.", track=track, at_s=track.last_s,
             value=f"{off_s:.0f} s", expected="0 s")
    ]  # fmt: skip


def timestamp_stalled(view: View) -> Outcome:
    """The time in the payload stands still while messages go on arriving."""
    timed = [
        (track, track.times) for track in view.tracks
        if track.times is not None and track.role == "state" and track.times.is_sending_time
    ]  # fmt: skip
    if not timed:
        return NOT_APPLICABLE
    if not any(track.live >= _STALLED for track, _ in timed):
        return NOT_ENOUGH_DATA
    findings = []
    for track, times in timed:
        moved = times.moves > 0 and times.moves >= 0.5 * (track.live - times.stall - 1)
        lasted_s = track.last_s - times.stall_from_s
        if times.stall < (_STALLED if moved else _NEVER_MOVED) or lasted_s < _LEAST_STALL_S:
            continue
        findings.append(
            fail("timestamp_stalled", "medium", f"The time in its payload stood still over {times.stall + 1} messages.",
                 track=track, at_s=times.stall_from_s, count=times.stall + 1, value=times.path, confidence=0.7)
        )  # fmt: skip
    return judged(findings[:2])


def sequence_gap(view: View) -> Outcome:
    """A message counter skipped numbers: messages were lost before they reached the broker."""
    told = noted(view, "sequence_gap", "high", "Numbers of its message counter are missing: messages were lost.")
    if told.findings:
        jumping = any(track.counter is not None and track.counter.back >= _BACK for track in view.tracks)
        return NOT_APPLICABLE if jumping else told
    session = [
        (track, note) for child in view.device.children if child.ecosystem == "sparkplug_b"
        for track in child.tracks for note in track.notes if note.kind == "sequence_gap"
    ]  # fmt: skip
    if session:
        title = "A message of its session was lost, as one of its devices shows."
        track, note = session[0]
        return judged([fail("sequence_gap", "low", title, track=track, at_s=note.t_s, count=len(session))])
    return PASS if any(track.counter for track in view.tracks) or view.device.ecosystem == "sparkplug_b" else (
        NOT_APPLICABLE
    )  # fmt: skip


def reordering(view: View) -> Outcome:
    """A message counter fell a little: messages overtook each other."""
    if not any(track.counter for track in view.tracks):
        return NOT_APPLICABLE
    return noted(view, "reordering", "medium", "Its messages overtake each other.")


def rebirth_missing(view: View) -> Outcome:
    """Sparkplug data before a birth, with unknown aliases or after a death; a death of an earlier connection."""
    if view.device.ecosystem != "sparkplug_b":
        return NOT_APPLICABLE
    told = noted(view, "rebirth_missing", "high", "Data came without a birth that explains it.")
    if told.findings:
        return told
    stale = noted(view, "stale_death", "high", "A death of an earlier connection came; it was ignored.")
    if stale.findings:
        return judged([_as(one) for one in stale.findings])
    unnamed = [(track, note) for track in view.tracks for note in track.notes if note.kind == "names_unknown"]
    return judged([
        fail("rebirth_missing", "info", "No birth was seen in this watch, so metrics have only numbers.", track=track,
             at_s=note.t_s, messages=[note.text])
        for track, note in unnamed[:1]
    ])  # fmt: skip


def _as(one: Finding) -> Finding:
    return fail("rebirth_missing", one.severity, one.title, confidence=one.confidence, at_s=one.at_s, count=one.count,
                messages=one.messages, topic=one.topic)  # fmt: skip
