"""Checks on how a device is reached and how it publishes: availability, flapping, silence, duplicates, stored messages.

Each check is a function of a ``View`` and returns an ``Outcome``, so that silence is never read as health. What values
say is checked in ``readings.py``; the order and the sum of all checks is ``debug.py``'s.
"""

import re

from mqtt_mcp.analysis.devices.device import Device
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
from mqtt_mcp.analysis.devices.track import Note, Track
from mqtt_mcp.analysis.statistics import mad
from mqtt_mcp.analysis.text import quote

_GATEWAYS = frozenset({"bridge", "frigate", "homeassistant"})


def device_offline(view: View) -> Outcome:
    """The last announced availability is down, or it was down for a part of the watch."""
    found = view.device.change()
    if found is None:
        return NOT_ENOUGH_DATA
    track, change = found
    if change.state == "down" and view.device.known is not None and view.device.known.disabled:
        return judged(
            [fail("device_offline", "info", "It is offline because it is disabled at its bridge.", track=track)]
        )
    if change.state == "down":
        since = "since before the watch" if change.stored else f"since {change.t_s:.0f} s into the watch"
        return judged([
            fail(
                "device_offline", "critical" if view.device.name in _GATEWAYS else "high",
                f"Offline {since}: {quote(track.topic)} says {quote(change.word)}.",
                confidence=0.95, track=track, at_s=change.t_s, value=change.word, expected="online",
                messages=offline_reasons(view),
            )
        ])  # fmt: skip
    downs = [(one, was) for one in view.device.tracks for was in one.changes if was.state == "down" and not was.stored]
    if not downs:
        return PASS
    one, was = downs[-1]
    return judged([
        fail("device_offline", "medium", f"Online now, but it was offline from {was.t_s:.0f} s into the watch.",
             track=one, at_s=was.t_s, value=was.word, count=len(downs), messages=offline_reasons(view))
    ])  # fmt: skip


def offline_reasons(view: View) -> list[str]:
    """What else was seen that may explain it, as evidence: log lines of the bridge, battery, link."""
    said = [one for _, one in mentions(view.device)]
    reasons = (
        ["its bridge reported that it left the network"] if any(one.kind == "device_leave" for one in said) else []
    )
    reasons += [one.text for one in said if one.kind == "error_log"][:2]
    for track in view.device.tracks:
        if track.links.get("battery_low") or _battery(track) <= 10:
            reasons.append("its battery was low")
        if track.links.get("linkquality", 255.0) < 30:
            reasons.append(f"its link quality was {track.links['linkquality']:.0f}")
        reasons += [f"restart: {text}" for _, text in track.reboots[-1:]]
    return reasons


def _battery(track: Track) -> float:
    values = [one.last for path, one in track.series.items() if path.rpartition(".")[2].lower() in {"battery", "batt"}]
    return min(values, default=100.0)


def mentions(device: Device) -> list[tuple[Track, Note]]:
    """What the parent's log and events say about this device by name or address; latest first."""
    if device.parent is None:
        return []
    names = sorted((re.escape(name) for name in {device.name, *device.aliases} if len(name) > 2), key=len, reverse=True)
    if not names:
        return []
    pattern = re.compile(rf"(?<![\w/])(?:{'|'.join(names)})(?![\w]|/[A-Za-z_])")
    found = [
        (track, note) for track in device.parent.tracks for note in track.notes if pattern.search(note.text) is not None
    ]
    return sorted(found, key=lambda pair: -pair[1].last_s)


def parent_offline(view: View) -> Outcome:
    """The bridge, node or gateway of the device is down."""
    parent = view.device.parent
    if parent is None:
        return NOT_APPLICABLE
    found = parent.change()
    if found is None:
        return NOT_ENOUGH_DATA
    if found[1].state == "up":
        return PASS
    return judged([
        fail("parent_offline", "critical", f"{quote(parent.name)}, through which it is reached, is offline.",
             track=found[0], at_s=found[1].t_s, value=found[1].word)
    ])  # fmt: skip


def flapping(view: View) -> Outcome:
    """Availability changed at least three times, or went down at least twice, during the watch."""
    announced = [track for track in view.device.tracks if track.changes]
    if not announced:
        return NOT_ENOUGH_DATA
    findings = []
    for track in announced:
        changes = [one for one in track.changes if not one.stored]
        downs = sum(one.state == "down" for one in changes)
        if downs >= 2 or len(changes) >= 4:
            findings.append(
                fail("flapping", "high", f"Went offline {downs} times during the watch.", track=track,
                     at_s=changes[0].t_s, count=downs, messages=[f"{one.t_s:.1f} s {one.word}" for one in changes[-3:]])
            )  # fmt: skip
    return judged(findings[:2])


def expired(view: View) -> Outcome:
    """Nothing came for longer than the expire_after that Home Assistant discovery announced."""
    limited = [track for track in view.tracks if track.expire_after_s]
    if not limited:
        return NOT_APPLICABLE
    late = [one for one in limited if view.now_s - (one.last_live_s or 0.0) > one.expire_after_s]
    if view.link_gaps or (not late and any(one.last_live_s is None for one in limited)):
        return NOT_ENOUGH_DATA
    return judged([
        fail("expired", "high", f"Silent for longer than its expire_after of {one.expire_after_s:.0f} s.", track=one,
             at_s=one.last_live_s or 0.0, expected=f"a message every {one.expire_after_s:.0f} s")
        for one in late[:3]
    ])  # fmt: skip


def contradiction(view: View) -> Outcome:
    """Announced offline but publishing live, or announced online but silent for long."""
    found = view.device.change()
    if found is None:
        return NOT_ENOUGH_DATA
    track, change = found
    if change.state == "down":
        live = [
            one for one in view.tracks
            if one.role == "state" and one is not track
            and one.last_live_s is not None and one.last_live_s > change.t_s + 2.0
        ]  # fmt: skip
        if live:
            one = max(live, key=lambda each: each.last_live_s or 0.0)
            return judged([
                fail("contradiction", "high", "It is announced offline but went on publishing.", track=one,
                     at_s=one.last_live_s or 0.0, value=change.word, confidence=0.85)
            ])  # fmt: skip
        return PASS
    silent = [one for one in view.tracks if _running_gap(one, view) > 5 * _limit(one) > 0]
    if silent and not view.link_gaps:
        return judged([
            fail("contradiction", "high", "It is announced online but has gone silent.", track=silent[0],
                 at_s=silent[0].last_live_s or 0.0, confidence=0.7,
                 value=f"silent for {_running_gap(silent[0], view):.0f} s",
                 expected=f"a message every {silent[0].median_gap_s():.0f} s")
        ])  # fmt: skip
    return PASS


def _limit(track: Track) -> float:
    """The longest ordinary interval of a periodic topic; 0.0 when it is not periodic."""
    if track.cadence() != "periodic" or track.role not in {"state", "info"}:
        return 0.0
    middle = track.median_gap_s()
    return max(3 * middle, middle + 6 * 1.4826 * mad(list(track.gaps), middle), 10.0)


def _running_gap(track: Track, view: View) -> float:
    return view.now_s - track.last_live_s if track.last_live_s is not None else 0.0


def silence_gap(view: View) -> Outcome:
    """A periodic topic paused for much longer than its interval, or is pausing now."""
    periodic = [track for track in view.tracks if _limit(track)]
    if view.link_gaps or not periodic:
        irregular = any(track.cadence() == "irregular" for track in view.tracks)
        return NOT_APPLICABLE if irregular and not view.link_gaps else NOT_ENOUGH_DATA
    findings: list[Finding] = []
    offline = view.device.reachability() == "offline"
    for track in periodic:
        running = _running_gap(track, view)
        gap, from_s = max((track.longest_gap, track.longest_gap_from_s), (running, track.last_live_s or 0.0))
        if gap <= _limit(track) or (offline and gap == running):
            continue
        middle = track.median_gap_s()
        findings.append(
            fail("silence_gap", "high" if gap > 10 * middle else "medium",
                 f"Silent for {gap:.0f} s{' until now' if gap == running else ''}, usually every {middle:.1f} s.",
                 track=track, at_s=from_s, value=f"{gap:.1f} s", expected=f"{middle:.1f} s", confidence=0.8)
        )  # fmt: skip
    findings.sort(key=lambda one: (one.severity != "high", one.topic))
    return judged(findings[:3])


def duplicates(view: View) -> Outcome:
    """Identical payloads within 200 ms are more than 5 % of a topic."""
    enough = [track for track in view.tracks if track.live >= 10]
    if not enough:
        return NOT_ENOUGH_DATA
    return judged([
        fail("duplicates", "medium",
             f"{track.duplicates} of {track.live} messages repeated the one before within 0.2 s.",
             track=track, count=track.duplicates)
        for track in enough
        if track.duplicates >= 2 and track.duplicates > 0.05 * track.live
    ][:2])  # fmt: skip


def retained_command(view: View) -> Outcome:
    """A stored message lies on a command topic."""
    commands = [track for track in view.device.tracks if track.role == "command"]
    if not commands:
        return NOT_APPLICABLE
    return judged([
        fail("retained_command", "medium", "A command is stored on the broker and runs again at every reconnect.",
             track=track, value=track.last_payload.decode("utf-8", "replace") if track.last_retain else "")
        for track in commands
        if track.stored
    ][:3])  # fmt: skip


def stale_retained(view: View) -> Outcome:
    """A stored state whose own time is more than an hour old, and nothing live since."""
    dated = [track for track in view.tracks if track.stored_offset_s is not None and track.role == "state"]
    if not dated:
        return NOT_APPLICABLE
    findings = []
    for track in dated:
        age_s = view.started_at_epoch_s - (track.stored_offset_s or 0.0)
        if age_s > 3600.0 and not track.live:
            findings.append(
                fail("stale_retained", "medium", f"The stored state is {_age(age_s)} old and nothing newer came.",
                     track=track, value=_age(age_s), confidence=0.75)
            )  # fmt: skip
    return judged(findings[:3])


def _age(seconds: float) -> str:
    for size, unit in ((86_400.0, "days"), (3_600.0, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
