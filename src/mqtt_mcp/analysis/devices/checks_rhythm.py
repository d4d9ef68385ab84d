"""Checks on how a device publishes: silence, jitter, bursts, duplicates, loops, QoS and sizes.

Each check is a function of a ``View`` and returns an ``Outcome``.
"""

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
from mqtt_mcp.analysis.devices.rhythm import deviation, limit_s, running_gap_s
from mqtt_mcp.analysis.devices.track import Track

_LARGE_BYTES = 128 * 1024
"""What AWS IoT Core takes at most."""
_BURST = 20
_SMALL_BURST = 10
_LOOP_REPEATS = 5
_FAST_PER_S = 1.0
_FEW, _SLOW_S = 3, 2.0


def silence_gap(view: View) -> Outcome:
    """A periodic topic paused for much longer than its interval or that of its equals, or is pausing now."""
    if view.link_gaps:
        return NOT_ENOUGH_DATA
    periodic = [(track, limit_s(track)) for track in view.tracks]
    periodic = [(track, limit) for track, limit in periodic if limit]
    unlike = [
        fail("silence_gap", "medium", f"Silent for {running_gap_s(track, view):.0f} s until now, unlike its "
             f"{one.members - 1} equals.", track=track, at_s=track.last_s, value=one.value, expected=one.expected,
             confidence=0.7)
        for track in view.tracks
        for one in view.odd.get(track.topic, ())
        if one.code == "silence_gap"
    ] if view.device.reachability() != "offline" else []  # fmt: skip
    if not periodic and not unlike:
        irregular = any(len(track.gaps) >= 5 for track in view.tracks)
        return NOT_APPLICABLE if irregular else NOT_ENOUGH_DATA
    findings: list[Finding] = []
    offline = view.device.reachability() == "offline"
    for track, limit in periodic:
        running = running_gap_s(track, view)
        gap, from_s = max((track.longest_gap, track.longest_gap_from_s), (running, track.last_live_s or 0.0))
        if gap <= limit or (offline and gap == running) or view.device.parent_was_down(from_s, from_s + gap):
            continue
        middle = track.median_gap_s()
        findings.append(
            fail("silence_gap", "high" if gap > 10 * middle else "medium",
                 f"Silent for {gap:.0f} s{' until now' if gap == running else ''}, usually every {middle:.1f} s.",
                 track=track, at_s=from_s, value=f"{gap:.1f} s", expected=f"{middle:.1f} s", confidence=0.8)
        )  # fmt: skip
    findings.sort(key=lambda one: (one.severity != "high", one.topic))
    return judged((findings + unlike)[:3])


def jitter(view: View) -> Outcome:
    """The intervals of a periodic topic vary by more than their mean."""
    periodic = [track for track in view.tracks if len(track.gaps) >= 10 and limit_s(track)]
    if not periodic:
        return NOT_ENOUGH_DATA
    findings = []
    for track in periodic:
        mean = sum(track.gaps) / len(track.gaps)
        if mean > 0 and deviation(track.gaps) > mean:
            findings.append(
                fail("jitter", "low", "Its intervals vary by more than their mean.", track=track, confidence=0.6,
                     value=f"longest {max(track.gaps):.1f} s", expected=f"every {track.median_gap_s():.1f} s")
            )  # fmt: skip
    return judged(findings[:2])


def burst(view: View) -> Outcome:
    """Within one second more than ten times as many messages as on average."""
    enough = [track for track in view.tracks if track.live >= _BURST and view.now_s >= 10]
    if not enough:
        return NOT_ENOUGH_DATA
    findings = []
    for track in enough:
        mean = track.live / view.now_s
        if track.peak < _SMALL_BURST or track.peak <= 10 * mean:
            continue
        severity: Severity = (
            "medium" if track.peak >= _BURST and track.role not in {"event", "log"} and not track.momentary else "low"
        )
        findings.append(
            fail("burst", severity, f"{track.peak} messages came within one second.", track=track,
                 at_s=track.peak_s, value=f"{track.peak}/s", expected=f"{mean:.2g}/s", count=track.peak, confidence=0.8)
        )  # fmt: skip
    return judged(findings[:2])


def duplicates(view: View) -> Outcome:
    """Identical payloads within 200 ms are more than 5 % of a topic; of weight when most messages come twice."""
    enough = [track for track in view.tracks if track.live >= 10]
    if not enough:
        return NOT_ENOUGH_DATA
    findings = []
    for track in enough:
        if track.duplicates < 2 or track.duplicates <= 0.05 * track.live:
            continue
        usual = track.repeated >= 0.5 * (track.live - track.duplicates)
        findings.append(
            fail("duplicates", "medium" if usual else "low",
                 f"{track.duplicates} of {track.live} messages repeated the one before within 0.2 s.",
                 track=track, count=track.duplicates, confidence=0.9 if usual else 0.6)
        )  # fmt: skip
    return judged(findings[:2])


def bridge_loop(view: View) -> Outcome:
    """The same payload goes round: on one topic at once again and again, or to and fro between two prefixes."""
    if not any(track.live >= _LOOP_REPEATS for track in view.tracks):
        return NOT_ENOUGH_DATA
    findings = []
    for track in view.tracks:
        looped = next((note for note in track.notes if note.kind == "bridge_loop"), None)
        if looped is not None:
            findings.append(
                fail("bridge_loop", "critical", "The same payload goes to and fro between two prefixes.", track=track,
                     at_s=looped.t_s, count=looped.count, messages=[looped.text])
            )  # fmt: skip
        elif track.run_longest >= _LOOP_REPEATS and _is_loop(track):
            findings.append(
                fail("bridge_loop", "critical",
                     f"The same payload came {track.run_longest + 1} times, less than a second apart each time.",
                     track=track, at_s=track.run_longest_s, count=track.run_longest + 1, confidence=0.7)
            )  # fmt: skip
    return judged(findings[:2])


def _is_loop(track: Track) -> bool:
    """Whether the topic is slow otherwise: one that is always quick and says the same is a heartbeat."""
    others = track.live - track.run_longest
    if track.role in {"log", "event", "command"} or others < _FEW:
        return False
    return (track.last_s - track.first_s - track.run_longest) / others > _SLOW_S


def qos_mismatch(view: View) -> Outcome:
    """Commands to a sleeping device at QoS 0, or frequent telemetry at QoS 2."""
    quick = [one for one in view.tracks if one.qos2 >= 5 and view.now_s >= 10 and one.qos2 / view.now_s > _FAST_PER_S]
    findings = [
        fail("qos_mismatch", "low", f"{one.qos2 / view.now_s:.1f} messages a second at QoS 2.", track=one,
             count=one.qos2, value="QoS 2", expected="QoS 0 or 1")
        for one in quick
    ]  # fmt: skip
    known = view.device.known
    if known is not None and known.power.lower() == "battery":
        findings += [
            fail("qos_mismatch", "low", "A device on battery gets commands at QoS 0, which it misses while it sleeps.",
                 track=one, count=one.qos0, value="QoS 0", expected="QoS 1", confidence=0.6)
            for one in view.device.tracks
            if one.role == "command" and one.qos0 >= 5
        ]  # fmt: skip
    enough = any(track.live >= 5 for track in view.device.tracks)
    return judged(findings[:2]) if enough else NOT_ENOUGH_DATA


def oversized(view: View) -> Outcome:
    """A payload above 128 KiB, which AWS IoT refuses and small devices cannot take."""
    if not view.device.tracks:
        return NOT_APPLICABLE
    findings = [
        fail("oversized", "low", f"A payload has {one.max_bytes // 1024} KiB.", track=one, value=f"{one.max_bytes} B",
             expected=f"at most {_LARGE_BYTES} bytes")
        for one in view.device.tracks
        if one.max_bytes > _LARGE_BYTES
    ]  # fmt: skip
    return judged(findings[:2]) if findings else PASS
