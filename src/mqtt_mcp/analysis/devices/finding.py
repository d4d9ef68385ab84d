"""A finding, the outcome of one check, and what a check is given: values only. Computes nothing."""

from collections.abc import Container, Mapping
from typing import Literal

import msgspec

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.devices.advice import advice
from mqtt_mcp.analysis.devices.commands import Log
from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.fleet import Odd
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.text import clean

Severity = Literal["critical", "high", "medium", "low", "info"]
Verdict = Literal["pass", "fail", "not_applicable", "not_enough_data"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing that is wrong, with what shows it.

    Attributes:
        code: Canonical name, also the key of the check.
        severity: critical, high, medium, low or info.
        title: One sentence; foreign names in it are quoted.
        topic: Where it showed; foreign.
        at_s: Seconds since the start of the watch.
        value, expected: What was seen and what would have been usual; foreign.
        count: How often.
        messages: At most three pieces of evidence; foreign.
        advice: What to do.
        confidence: 0 to 1.
    """

    code: str
    severity: Severity
    title: str
    confidence: float
    topic: str = ""
    at_s: float = 0.0
    value: str = ""
    expected: str = ""
    count: int = 0
    messages: list[str] = msgspec.field(default_factory=list)
    advice: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What one check found."""

    verdict: Verdict
    findings: list[Finding] = msgspec.field(default_factory=list)


PASS = Outcome("pass")
NOT_APPLICABLE = Outcome("not_applicable")
NOT_ENOUGH_DATA = Outcome("not_enough_data")


class View:
    """A device and the circumstances under which it was seen.

    Attributes:
        device: The device.
        tracks: Its topics, those of commands from others left out.
        now_s: Seconds watched.
        started_at_epoch_s: Wall clock at the start.
        link_gaps: The connection was away during the watch, so silence proves nothing.
        stored_complete: All stored messages were seen.
        odd: By topic, what is unlike the same field of many equal devices.
        logs: Commands by topic.
        seen: Whether a topic was seen at all.
        retains: Topics with a live message that its publisher wants stored.
        retain_known: Whether such topics could be seen during all of the watch.
    """

    __slots__ = (
        "device",
        "link_gaps",
        "logs",
        "now_s",
        "odd",
        "retain_known",
        "retains",
        "seen",
        "started_at_epoch_s",
        "stored_complete",
        "tracks",
    )

    def __init__(
        self, device: Device, window: Window, *, odd: Mapping[str, list[Odd]], logs: Mapping[str, Log],
        seen: Container[str], retains: Container[str],
    ) -> None:  # fmt: skip
        self.device = device
        self.tracks = [track for track in device.tracks if track.role != "command"]
        self.now_s, self.started_at_epoch_s = window.elapsed_s, window.started_at_epoch_s
        self.link_gaps, self.stored_complete = bool(window.gaps), window.stored_complete
        self.odd, self.logs, self.seen = odd, logs, seen
        self.retains, self.retain_known = retains, window.retain_seen == "seen"


def fail(code: str, severity: Severity, title: str, *, confidence: float = 0.9, track: Track | None = None,
         at_s: float = 0.0, value: str = "", expected: str = "", count: int = 0, messages: list[str] | None = None,
         topic: str = "") -> Finding:  # fmt: skip
    """A finding with its foreign text cleaned and its advice looked up."""
    return Finding(
        code=code,
        severity=severity,
        title=title,
        confidence=confidence,
        topic=clean(track.topic if track else topic, 160),
        at_s=round(at_s, 2),
        value=clean(value, 160),
        expected=clean(expected, 160),
        count=count,
        messages=[clean(text, 240) for text in (messages or [])[:3]],
        advice=advice(code),
    )


def judged(findings: list[Finding]) -> Outcome:
    """Fail with findings, pass without."""
    return Outcome("fail", findings) if findings else PASS
