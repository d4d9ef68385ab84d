"""What debugging a device tells: identity, topics, commands and timeline, within a budget.

Owns the values of the result. Does not listen (``debug.py`` does), decides no finding (the ``checks_*`` do) and
puts nothing into a sentence (``verdict.py`` does).
"""

from collections.abc import Mapping

import msgspec

from mqtt_mcp.analysis.devices.commands import Log
from mqtt_mcp.analysis.devices.device import Device
from mqtt_mcp.analysis.devices.finding import Finding
from mqtt_mcp.analysis.devices.judge import Judgement
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.payloads.rendering import show
from mqtt_mcp.analysis.statistics import percentile
from mqtt_mcp.analysis.text import clean

NEVER: float = 0.0
"""The default of a time: the very object is left out of the result (``omit_defaults``)."""
_MAX_TOPICS = 30
_MAX_TIMELINE = 30
_MAX_ALIASES = 6
_MAX_COMMANDS = 15


class Identity(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which device this is; names, models, addresses and topics are foreign text.

    Attributes:
        ecosystem: The convention its topics follow; ``generic`` for none that is known.
        id: As its topics call it.
        name: For people; equal to the id when nothing better is known.
        model, sw, power: As described.
        topics: Its topics, at most 30.
        topic_count: How many there are.
        availability_topic: Where its availability is announced; empty when nowhere.
        parents: What it depends on, the nearest first.
        aliases: Other names and addresses.
        how: How it was found.
    """

    ecosystem: str
    id: str
    name: str
    how: str
    topic_count: int
    topics: list[str] = msgspec.field(default_factory=list)
    availability_topic: str = ""
    parents: list[str] = msgspec.field(default_factory=list)
    aliases: list[str] = msgspec.field(default_factory=list)
    model: str = ""
    sw: str = ""
    power: str = ""


class CommandLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The commands on one topic and their answers; ``last`` and topics are foreign. Times in seconds.

    Attributes:
        topic: Where the commands came.
        sent, answered: How many; those that had nothing to change count as answered.
        at_s, last: The last command: when, and its payload.
        answered_by: Topic of the answer to the last one; empty for none.
        response_s: How long that took.
        p50_s, p95_s: Response times of the last 64.
    """

    topic: str
    sent: int
    answered: int
    at_s: float = 0.0
    last: str = ""
    answered_by: str = ""
    response_s: float = 0.0
    p50_s: float = 0.0
    p95_s: float = 0.0


class TopicLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One topic of the device: how often, how regular, and what was last. Seconds since the start of the watch."""

    topic: str
    role: str
    messages: int
    last_s: float
    stored: int = 0
    cadence: str = "unknown"
    every_s: float = 0.0
    p95_s: float = 0.0
    longest_gap_s: float = 0.0
    last_value: str = ""
    format: str = ""
    bytes: int = 0
    cut: bool = False


class Moment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that happened; ``text`` is foreign. ``stored`` means: before the watch, told by a stored message."""

    at_s: float
    what: str
    text: str = ""
    stored: bool = False


class DeviceLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One device among many; names are foreign. Without ``last_live_s`` it published nothing during the watch.

    Attributes:
        name, id: For people, and as its topics call it when that differs.
        severity, worst: Of its worst finding, and that finding.
        findings: Codes of all of them, worst first.
    """

    name: str
    ecosystem: str
    availability: str
    messages: int
    id: str = ""
    last_live_s: float = NEVER
    severity: str = ""
    findings: list[str] = msgspec.field(default_factory=list)
    worst: str = ""


class DeviceReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the watch tells: about one device, or about all of them when none was named.

    Attributes:
        verdict: One or two sentences; foreign names in it are quoted.
        availability: online, offline or unknown; empty when no single device was found.
        identity: Which device, as a list of at most one.
        findings: Worst first.
        checks: Every check with pass, fail, not_applicable or not_enough_data.
        topics, timeline: The device's topics and what happened.
        commands: Commands to it, with what answered them and how fast.
        candidates: Devices that may be meant when none was found for certain.
        devices: All devices, offline and troubled ones first, when none was named.
        messages, messages_of_device, topics_seen, topics_not_followed, messages_not_followed: What was counted.
        notes: What a reader needs to judge the rest.
    """

    verdict: str
    messages: int
    topics_seen: int
    messages_of_device: int = 0
    topics_not_followed: int = 0
    messages_not_followed: int = 0
    availability: str = ""
    identity: list[Identity] = msgspec.field(default_factory=list)
    findings: list[Finding] = msgspec.field(default_factory=list)
    checks: dict[str, str] = msgspec.field(default_factory=dict)
    topics: list[TopicLine] = msgspec.field(default_factory=list)
    timeline: list[Moment] = msgspec.field(default_factory=list)
    commands: list[CommandLine] = msgspec.field(default_factory=list)
    candidates: list[DeviceLine] = msgspec.field(default_factory=list)
    devices: list[DeviceLine] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)


def identity(device: Device, how: str) -> Identity:
    """Who the device is."""
    known = device.known
    change = device.change()
    announced = change[0].topic if change else min(known.availability_topics, default="") if known else ""
    return Identity(
        ecosystem=device.ecosystem,
        id=clean(device.name, 120),
        name=clean(device.label, 120),
        how=how,
        topic_count=len(device.tracks),
        topics=[clean(track.topic, 160) for track in _ordered(device)],
        availability_topic=clean(announced, 160),
        parents=[clean(one.label, 120) for one in device.parents()],
        aliases=[clean(alias, 80) for alias in sorted(device.aliases)[:_MAX_ALIASES]],
        model=clean(known.model, 120) if known else "",
        sw=clean(known.software, 60) if known else "",
        power=clean(known.power, 60) if known else "",
    )


def _ordered(device: Device) -> list[Track]:
    """Availability first, then by messages; at most 30."""
    return sorted(device.tracks, key=lambda one: (one.role != "availability", -one.messages, one.topic))[:_MAX_TOPICS]


def topic_lines(device: Device, value_chars: int) -> list[TopicLine]:
    """The device's topics, availability first, then by messages; at most 30."""
    return [_line(track, value_chars) for track in _ordered(device)]


def command_lines(device: Device, logs: Mapping[str, Log]) -> list[CommandLine]:
    """The device's commands, unanswered ones first; at most 15 topics."""
    lines = [_command(track.topic, logs[track.topic]) for track in device.tracks if track.topic in logs]
    return sorted(lines, key=lambda one: (one.answered - one.sent, one.topic))[:_MAX_COMMANDS]


def _command(topic: str, log: Log) -> CommandLine:
    times = sorted(log.times_s)
    last = log.recent[-1] if log.recent else None
    line = CommandLine(
        topic=clean(topic, 160), sent=log.sent, answered=min(log.sent, log.answered),
        p50_s=round(percentile(times, 0.5), 3), p95_s=round(percentile(times, 0.95), 3),
    )  # fmt: skip
    if last is None:
        return line
    took_s = 0.0 if last.answered_s is None else round(last.answered_s - last.t_s, 3)
    return msgspec.structs.replace(
        line, at_s=round(last.t_s, 2), last=clean(last.said, 120), answered_by=clean(last.by, 160), response_s=took_s
    )


def _line(track: Track, value_chars: int) -> TopicLine:
    shown = show(track.last_payload, track.topic, max_chars=value_chars)
    return TopicLine(
        topic=clean(track.topic, 160),
        role=track.role,
        messages=track.messages,
        last_s=round(track.last_s, 2),
        stored=track.stored,
        cadence=track.cadence(),
        every_s=round(track.median_gap_s(), 2),
        p95_s=round(percentile(sorted(track.gaps), 0.95), 2),
        longest_gap_s=round(track.longest_gap, 2),
        last_value=shown.payload,
        format=shown.format,
        bytes=track.last_bytes,
        cut=shown.cut or track.last_bytes > len(track.last_payload),
    )


def timeline(device: Device) -> list[Moment]:
    """State changes, restarts, errors and alarms in order of time; the latest 30."""
    moments: list[Moment] = []
    for track in device.tracks:
        moments += [
            Moment(at_s=round(one.t_s, 2), what="online" if one.state == "up" else "offline", text=clean(one.word, 40),
                   stored=one.stored)
            for one in track.changes
        ]  # fmt: skip
        moments += [Moment(at_s=round(at_s, 2), what="reboot", text=clean(text, 120)) for at_s, text in track.reboots]
        moments += [Moment(at_s=round(one.t_s, 2), what=one.kind, text=clean(one.text, 160)) for one in track.notes]
    return sorted(moments, key=lambda one: one.at_s)[-_MAX_TIMELINE:]


def device_line(device: Device, judgement: Judgement) -> DeviceLine:
    """One line about one of many devices."""
    worst = judgement.findings[0] if judgement.findings else None
    return DeviceLine(
        name=clean(device.label, 120),
        id=clean(device.name, 120) if device.label != device.name else "",
        ecosystem=device.ecosystem,
        availability=device.reachability(),
        messages=device.messages,
        last_live_s=NEVER if device.last_s is None else round(device.last_s, 1),
        severity=worst.severity if worst else "",
        findings=list(dict.fromkeys(one.code for one in judgement.findings)),
        worst=worst.title if worst else "",
    )


def cut(report: DeviceReport, lines: list[TopicLine], max_topics: int, max_findings: int) -> DeviceReport:
    """A report with so many topics and findings, which says what it leaves out."""
    notes = list(report.notes)
    who = report.identity[0]
    if who.topic_count > max_topics:
        notes.append(f"{who.topic_count - max_topics} of its {who.topic_count} topics are not shown.")
    if len(report.findings) > max_findings:
        notes.append(f"{len(report.findings) - max_findings} lesser findings are not shown.")
    return msgspec.structs.replace(
        report, topics=lines[:max_topics], findings=report.findings[:max_findings], notes=notes,
        identity=[msgspec.structs.replace(who, topics=who.topics[:max_topics])], commands=report.commands[:max_topics],
    )  # fmt: skip


def chars(report: DeviceReport) -> int:
    """How long a report is as JSON."""
    return len(msgspec.json.encode(report).decode())
