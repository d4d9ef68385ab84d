"""Checks on whether a device can be reached: availability, what it depends on, flapping, contradictions, its client id.

Each check is a function of a ``View`` and returns an ``Outcome``, so that silence is never read as health.
"""

import re
from itertools import pairwise

from mqtt_mcp.analysis.devices.device import Device
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
from mqtt_mcp.analysis.devices.rhythm import limit_s, running_gap_s
from mqtt_mcp.analysis.devices.track import Note, Track
from mqtt_mcp.analysis.text import quote

_GATEWAYS = frozenset({"bridge", "frigate", "homeassistant"})
_RECONNECT_S = 10.0


def device_offline(view: View) -> Outcome:
    """The last announced availability is down, it was down for a part of the watch, or a camera delivers no frames."""
    found = view.device.change()
    findings = _dead_parts(view)
    if found is None:
        return judged(findings) if findings else NOT_ENOUGH_DATA
    track, change = found
    if change.state == "down" and view.device.known is not None and view.device.known.disabled:
        return judged(
            [fail("device_offline", "info", "It is offline because it is disabled at its bridge.", track=track)]
        )
    if change.state == "down":
        since = "since before the watch" if change.stored else f"since {change.t_s:.0f} s into the watch"
        return judged([
            fail(
                "device_offline", "critical" if _is_gateway(view.device) else "high",
                f"Offline {since}: {quote(track.topic)} says {quote(change.word)}.",
                confidence=0.95, track=track, at_s=change.t_s, value=change.word, expected="online",
                messages=offline_reasons(view),
            ),
            *findings,
        ])  # fmt: skip
    downs = [(one, was) for one in view.device.tracks for was in one.changes if was.state == "down" and not was.stored]
    if not downs:
        return judged(findings)
    one, was = downs[-1]
    return judged([
        fail("device_offline", "medium", f"Online now, but it was offline from {was.t_s:.0f} s into the watch.",
             track=one, at_s=was.t_s, value=was.word, count=len(downs), messages=offline_reasons(view)),
        *findings,
    ])  # fmt: skip


def _is_gateway(device: Device) -> bool:
    is_node = device.ecosystem == "sparkplug_b" and "/" not in device.name
    return device.name in _GATEWAYS or is_node or (device.ecosystem == "chirpstack" and len(device.name) == 16
                                                   and device.tracks[0].levels[1:2] == ["gateway"])  # fmt: skip


def _dead_parts(view: View) -> list[Finding]:
    """Cameras without frames, as Frigate counts them in its statistics."""
    found = []
    for track in view.device.tracks:
        for note in track.notes:
            if note.kind == "camera_dead":
                title = f"The camera {quote(note.text)} delivers no frames."
                found.append(fail("device_offline", "medium", title, track=track, at_s=note.t_s, value="0 frames/s"))
    if view.device.parent is not None and view.device.ecosystem == "frigate":
        for track in view.device.parent.tracks:
            dead = next(
                (one for one in track.notes if one.kind == "camera_dead" and one.text == view.device.name), None
            )
            if dead is not None:
                title = "It delivers no frames: the recorder counts 0 frames per second."
                found.append(fail("device_offline", "high", title, track=track, at_s=dead.t_s, value="0 frames/s"))
    return found[:3]


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
    values = [one.last for one in track.series.values() if one.traits.charge]
    return min(values, default=100.0)


def mentions(device: Device) -> list[tuple[Track, Note]]:
    """What the parent's log and events say about this device by name or address; latest first."""
    if device.parent is None:
        return []
    notes = [(track, note) for track in device.parent.tracks for note in track.notes]
    if not notes:
        return []
    names = sorted((re.escape(name) for name in {device.name, *device.aliases} if len(name) > 2), key=len, reverse=True)
    if not names:
        return []
    pattern = re.compile(rf"(?<![\w/])(?:{'|'.join(names)})(?![\w]|/[A-Za-z_])")
    found = [(track, note) for track, note in notes if pattern.search(note.text) is not None]
    return sorted(found, key=lambda pair: -pair[1].last_s)


def parent_offline(view: View) -> Outcome:
    """What the device is reached through is down: reported at the parent, told here."""
    if view.device.parent is None:
        return NOT_APPLICABLE
    dead = view.device.dead_parent()
    if dead is None:
        announced = any(one.change() is not None for one in view.device.parents())
        return PASS if announced else NOT_ENOUGH_DATA
    found = dead.change()
    if found is None:
        return PASS
    return judged([
        fail("parent_offline", "low", f"{quote(dead.label)}, through which it is reached, is offline.",
             track=found[0], at_s=found[1].t_s, value=found[1].word, confidence=0.95)
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


def contradiction(view: View) -> Outcome:
    """Announced offline but publishing live; announced online but silent for long, or for longer than expire_after."""
    found = view.device.change()
    late = [] if view.link_gaps or view.device.dead_parent() is not None else [
        one for one in view.tracks
        if one.expire_after_s and view.now_s - (one.last_live_s or 0.0) > one.expire_after_s
    ]  # fmt: skip
    findings = [
        fail("contradiction", "high", f"Silent for longer than its expire_after of {one.expire_after_s:.0f} s.",
             track=one, at_s=one.last_live_s or 0.0, expected=f"a message every {one.expire_after_s:.0f} s")
        for one in late[:2]
    ]  # fmt: skip
    if found is None:
        limited = [one for one in view.tracks if one.expire_after_s]
        told = bool(limited) and not view.link_gaps and all(one.last_live_s is not None for one in limited)
        return judged(findings) if findings or told else NOT_ENOUGH_DATA
    track, change = found
    if change.state == "down":
        return judged(_alive(view, track, change.t_s, change.word))
    known = view.link_gaps or view.device.dead_parent() is not None
    silent = [] if known else [one for one in view.tracks if running_gap_s(one, view) > 5 * limit_s(one) > 0]
    findings += [
        fail("contradiction", "high", "It is announced online but has gone silent.", track=one,
             at_s=one.last_live_s or 0.0, confidence=0.7, value=f"silent for {running_gap_s(one, view):.0f} s",
             expected=f"a message every {one.median_gap_s():.0f} s")
        for one in silent[:1]
    ]  # fmt: skip
    return judged(findings)


def _alive(view: View, announced: Track, down_s: float, word: str) -> list[Finding]:
    live = [
        one for one in view.tracks
        if one.role == "state" and one is not announced
        and one.last_live_s is not None and one.last_live_s > down_s + 2.0
    ]  # fmt: skip
    if not live:
        return []
    one = max(live, key=lambda each: each.last_live_s or 0.0)
    return [
        fail("contradiction", "high", "It is announced offline but went on publishing.", track=one,
             at_s=one.last_live_s or 0.0, value=word, confidence=0.85)
    ]  # fmt: skip


def duplicate_client_id(view: View) -> Outcome:
    """The broker disconnected it because another client came with its id, or it comes and goes within seconds."""
    said = [(track, note) for track in view.device.tracks for note in track.notes if note.kind == "duplicate_client_id"]
    if said:
        track, note = said[0]
        return judged([
            fail("duplicate_client_id", "critical", "Two clients use its client id and push each other out.",
                 track=track, at_s=note.t_s, count=sum(one.count for _, one in said), messages=[note.text])
        ])  # fmt: skip
    presence = [
        track for track in view.device.tracks if track.changes and track.levels[:3] == ["$aws", "events", "presence"]
    ]
    if not presence:
        return NOT_APPLICABLE
    changes = sorted((one.t_s, one.state, track) for track in presence for one in track.changes if not one.stored)
    quick = [
        later for before, later in pairwise(changes)
        if before[1] == "up" and later[1] == "down" and later[0] - before[0] < _RECONNECT_S
    ] if len(presence) == 1 else []  # fmt: skip
    if len(quick) < 2:
        return PASS
    return judged([
        fail("duplicate_client_id", "high", "It was disconnected within seconds after each connection.",
             track=quick[0][2], at_s=quick[0][0], count=len(quick), confidence=0.6)
    ])  # fmt: skip


def device_leave(view: View) -> Outcome:
    """The network reported that a device left; told at the bridge and at the device."""
    said = [(track, note) for track, note in mentions(view.device) if note.kind == "device_leave"]
    if said:
        track, note = said[0]
        return judged([fail("device_leave", "high", "It left the network.", track=track, at_s=note.t_s)])
    return noted(view, "device_leave", "medium", "A device left the network.")


def noted(view: View, code: str, severity: Severity, title: str) -> Outcome:
    """A finding when something of this kind was said on the device's topics; medium when only as a warning."""
    found = [(track, note) for track in view.tracks for note in track.notes if note.kind == code]
    if not found:
        return PASS
    found.sort(key=lambda pair: (pair[1].level == "warning", -pair[1].last_s))
    track, note = found[0]
    only_warnings = all(one.level == "warning" for _, one in found)
    return judged([
        fail(code, "medium" if only_warnings else severity,
             title, track=track, at_s=note.t_s, count=sum(one.count for _, one in found),
             messages=[one.text for _, one in found])
    ])  # fmt: skip
