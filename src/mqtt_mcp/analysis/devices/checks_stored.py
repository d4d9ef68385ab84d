"""Checks on stored messages and announcements: what is stored and should not be, what is not and should, what is old.

Each check is a function of a ``View`` and returns an ``Outcome``.
"""

from mqtt_mcp.analysis.devices.finding import (
    NOT_APPLICABLE,
    NOT_ENOUGH_DATA,
    Finding,
    Outcome,
    Severity,
    View,
    fail,
    judged,
)
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.text import quote

_OLD_S = 3_600.0
_OLD_INTERVALS = 10
_ACTUATORS = frozenset({"set", "command", "cmnd", "power", "relay", "switch", "lock", "valve", "cover", "down", "rpc"})
_UNSTORED = frozenset({"sparkplug_b", "aws_iot", "owntracks", "ttn", "mqtt_client", "broker"})
"""Ecosystems whose availability is an event, not a stored state."""
_STORES_EVENTS = frozenset({"frigate", "shelly"})
"""Ecosystems that store pictures and input events by design."""
_LONG_WATCH_S = 60.0


def retained_command(view: View) -> Outcome:
    """A stored message lies on a command topic, or a live command is published to be stored."""
    commands = [track for track in view.device.tracks if track.role == "command"]
    if not commands:
        return NOT_APPLICABLE
    return judged([
        fail("retained_command", "high" if _is_actuator(track) else "medium",
             "A command is stored on the broker and runs again at every reconnect.",
             track=track, value=track.last_payload.decode("utf-8", "replace") if track.last_retain else "")
        for track in commands
        if track.last_bytes and (track.stored or track.topic in view.retains)
    ][:3])  # fmt: skip


def _is_actuator(track: Track) -> bool:
    return not _ACTUATORS.isdisjoint(level.lower() for level in track.levels[-3:])


def stale_retained(view: View) -> Outcome:
    """A stored state whose own time is more than an hour and ten intervals old, and nothing live since.

    Of weight for measurements, which age; a contact or a button may really have been quiet for days.
    """
    dated = [
        (track, track.times.stored_offset_s) for track in view.tracks
        if track.times is not None and track.times.stored_offset_s is not None and track.role in {"state", "info"}
    ]  # fmt: skip
    if not dated:
        return NOT_APPLICABLE
    findings: list[Finding] = []
    for track, stored_offset_s in dated:
        age_s = view.started_at_epoch_s - stored_offset_s
        if age_s <= max(_OLD_S, _OLD_INTERVALS * track.median_gap_s()) or track.live:
            continue
        measured = any(series.traits.measured for series in track.series.values())
        severity: Severity = "medium" if measured and track.role == "state" else "low"
        findings.append(
            fail("stale_retained", severity, f"The stored state is {_age(age_s)} old and nothing newer came.",
                 track=track, value=_age(age_s), confidence=0.75 if measured else 0.5)
        )  # fmt: skip
    findings.sort(key=lambda one: one.severity == "low")
    return judged(findings[:3])


def _age(seconds: float) -> str:
    for size, unit in ((86_400.0, "days"), (3_600.0, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def state_not_retained(view: View) -> Outcome:
    """An availability was announced live and is not stored: who subscribes later sees nothing."""
    announced = [track for track in view.device.tracks if track.role == "availability" and track.changes]
    if not announced or view.device.ecosystem in _UNSTORED:
        return NOT_APPLICABLE
    if not view.stored_complete:
        return NOT_ENOUGH_DATA
    return judged([
        fail("state_not_retained", "low", "Its availability is published without the retain flag.", track=track,
             at_s=track.first_s, confidence=0.95 if view.retain_known else 0.6)
        for track in announced
        if track.live >= (1 if view.retain_known else 2) and not track.stored and track.topic not in view.retains
    ][:2])  # fmt: skip


def retained_event(view: View) -> Outcome:
    """Something momentary, such as a pressed button, is stored and replayed to each new subscriber."""
    events = [track for track in view.device.tracks if track.role == "event" or track.stored_event]
    if not events or view.device.ecosystem in _STORES_EVENTS:
        return NOT_APPLICABLE
    return judged([
        fail("retained_event", "medium", "An event is stored and replayed to each new subscriber.", track=track,
             value=track.stored_event, confidence=0.8)
        for track in events
        if track.stored_event or (track.stored and track.role == "event" and track.last_bytes)
    ][:3])  # fmt: skip


def discovery_inconsistent(view: View) -> Outcome:
    """Discovery names topics on which nothing is, has a unique id twice, or was removed."""
    configs = [track for track in view.device.tracks if track.role == "discovery"]
    known = view.device.known
    if not configs and not (known and known.topics):
        return NOT_APPLICABLE
    findings = [
        fail("discovery_inconsistent", "medium", "Its discovery was removed.", track=track, at_s=track.removed_s or 0.0)
        for track in configs
        if track.removed_s is not None
    ][:2]
    findings += [
        fail("discovery_inconsistent", "medium",
             f"Its unique id is used by another discovery topic as well: {quote(view.device.clashes[track.topic])}.",
             track=track, value=view.device.clashes[track.topic])
        for track in configs
        if track.topic in view.device.clashes
    ][:2]  # fmt: skip
    missing = [] if known is None or not view.stored_complete else [
        topic for topic in sorted(known.availability_topics) if topic not in view.seen
    ]  # fmt: skip
    if missing and known is not None:
        some = any(topic in view.seen for topic in known.topics)
        findings.append(
            fail("discovery_inconsistent", "medium" if some and configs else "low",
                 f"Discovery names the availability topic {quote(missing[0])}, on which nothing is.",
                 value=missing[0], count=len(missing), confidence=0.75)
        )  # fmt: skip
    elif known is not None and configs and view.now_s >= _LONG_WATCH_S:
        findings += _silent_states(view)
    return judged(findings[:3])


def _silent_states(view: View) -> list[Finding]:
    known = view.device.known
    silent = sorted(known.topics - view.device.clashes.keys()) if known is not None else []
    silent = [topic for topic in silent if topic not in view.seen and not topic.endswith(("/set", "/command", "/cmd"))]
    if not silent:
        return []
    return [
        fail("discovery_inconsistent", "low",
             f"Discovery names {len(silent)} topics on which nothing was seen or stored, such as {quote(silent[0])}.",
             value=silent[0], count=len(silent), confidence=0.4)
    ]  # fmt: skip
