"""Checks on commands: answered with an error, not answered, or answered by another state than was wanted.

Each check is a function of a ``View`` and returns an ``Outcome``. What counts as an answer is ``replies.py``'s.
"""

from mqtt_mcp.analysis.devices.checks_reach import noted
from mqtt_mcp.analysis.devices.commands import Log, Sent
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

_TARGET_PATIENCE_S = 10.0


def command_error(view: View) -> Outcome:
    """A command was answered with an error."""
    told = noted(view, "command_error", "medium", "A command was answered with an error.")
    if told.findings:
        return told
    failed = [
        (track, view.logs[track.topic].failed) for track in view.device.tracks
        if track.topic in view.logs and view.logs[track.topic].failed
    ]  # fmt: skip
    return judged([
        fail("command_error", "medium", "A command was answered with an error.", track=track, at_s=said[0],
             messages=[said[1]])
        for track, said in failed[:1]
        if said is not None
    ])  # fmt: skip


def command_unanswered(view: View) -> Outcome:
    """No answer came in time: 5 s, 10 s for sleeping devices; for LoRaWAN from the next uplink on."""
    logs = [(track, view.logs[track.topic]) for track in view.device.tracks if track.topic in view.logs]
    findings = _targets(view)
    if not logs:
        return judged(findings) if findings else NOT_APPLICABLE
    if view.link_gaps:
        return NOT_ENOUGH_DATA
    if not view.tracks:  # nobody is there: a group topic, or a device that does not exist
        return NOT_ENOUGH_DATA
    judgeable = False
    for track, log in logs:
        late = log.late or next((one for one in log.recent if one.overdue(view.now_s)), None)
        judgeable = judgeable or late is not None or log.answered > 0
        if late is None or not (late.wish.certain or _speaks(late, view)):
            continue
        findings.append(_unanswered(track, log, late))
    return judged(findings[:3]) if judgeable or findings else NOT_ENOUGH_DATA


def _speaks(one: Sent, view: View) -> bool:
    return any(topic in view.seen for topic in one.wish.topics)


def _unanswered(track: Track, log: Log, late: Sent) -> Finding:
    severity: Severity = "high" if late.wish.certain else "medium"
    if late.wish.desired:
        title = f"The desired state was not reported within {late.wish.patience_s:.0f} s."
    elif late.other:
        title = f"After a command on {quote(track.topic)} the state shows something else."
    else:
        title = f"A command on {quote(track.topic)} was not answered within {late.wish.patience_s:.0f} s."
    return fail("command_unanswered", severity, title, track=track, at_s=late.t_s, count=log.sent - log.answered,
                value=late.said, expected=f"an answer on {late.wish.topics[0]}",
                confidence=0.8 if late.wish.certain else 0.6)  # fmt: skip


def _targets(view: View) -> list[Finding]:
    """Targets of Homie and deltas of AWS shadows whose command was not seen."""
    found = []
    by_topic = {track.topic: track for track in view.device.tracks}
    for track in view.device.tracks:
        if track.levels[-1] == "$target":
            state = by_topic.get(track.topic.rpartition("/")[0])
            waited_s = view.now_s - track.last_s
            if state is None or waited_s < _TARGET_PATIENCE_S or state.last_payload == track.last_payload:
                continue
            title = f"Its target is unlike its state for {waited_s:.0f} s."
            found.append(
                fail("command_unanswered", "medium", title, track=track, at_s=track.last_s, confidence=0.6,
                     value=state.last_payload[:80].decode("utf-8", "replace"),
                     expected=track.last_payload[:80].decode("utf-8", "replace"))
            )  # fmt: skip
        elif track.levels[0] == "$aws" and track.levels[-1] == "delta" and track.live:
            accepted = by_topic.get(track.topic.removesuffix("delta") + "accepted")
            waited_s = view.now_s - track.last_s
            if waited_s >= _TARGET_PATIENCE_S and (accepted is None or accepted.last_s < track.last_s):
                title = "The shadow differs from what is desired, and no report followed."
                found.append(fail("command_unanswered", "low", title, track=track, at_s=track.last_s, confidence=0.5))
    return found[:2]
