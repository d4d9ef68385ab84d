"""What debugging a device tells: verdict, identity, findings, checks, topics and timeline, within a budget.

Owns the values of the result and the words of the verdict. Does not listen (``debug.py`` does) and decides no finding
(``findings.py`` and ``readings.py`` do).
"""

from collections.abc import Callable

import msgspec

from mqtt_mcp.analysis.devices import findings, readings
from mqtt_mcp.analysis.devices.device import Device, Reachability
from mqtt_mcp.analysis.devices.finding import SEVERITIES, Finding, Outcome, View
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.payloads.rendering import show
from mqtt_mcp.analysis.text import clean, quote

CHECKS: tuple[Callable[[View], Outcome], ...] = (
    findings.device_offline,
    findings.parent_offline,
    findings.flapping,
    findings.contradiction,
    findings.expired,
    findings.silence_gap,
    findings.duplicates,
    findings.retained_command,
    findings.stale_retained,
    readings.value_outlier,
    readings.stuck_value,
    readings.null_reading,
    readings.malformed_payload,
    readings.schema_change,
    readings.battery_low,
    readings.link_weak,
    readings.clock_skew,
    readings.reboot,
    readings.alarm,
    readings.error_log,
    readings.command_error,
    readings.device_leave,
    readings.duplicate_client_id,
    readings.prompt_injection,
)
NEVER: float = 0.0
"""The default of a time: the very object is left out of the result (``omit_defaults``)."""
_MAX_TOPICS = 30
_MAX_TIMELINE = 30
_MAX_ALIASES = 6


class Identity(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which device this is; names, models and addresses are foreign text."""

    name: str
    ecosystem: str
    how: str
    topics: int
    aliases: list[str] = msgspec.field(default_factory=list)
    model: str = ""
    software: str = ""
    power: str = ""
    parent: str = ""


class TopicLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One topic of the device: how often, how regular, and what was last. Seconds since the start of the watch."""

    topic: str
    role: str
    messages: int
    last_s: float
    stored: int = 0
    cadence: str = "unknown"
    every_s: float = 0.0
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
    """One device among many; ``name`` is foreign. Without ``last_live_s`` it published nothing during the watch."""

    name: str
    ecosystem: str
    availability: str
    messages: int
    last_live_s: float = NEVER
    severity: str = ""
    findings: list[str] = msgspec.field(default_factory=list)
    worst: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """All checks of one device: findings by severity, and each check's verdict."""

    findings: list[Finding]
    checks: dict[str, str]


def judge(view: View) -> Judgement:
    """Run every check."""
    found: list[Finding] = []
    verdicts: dict[str, str] = {}
    for check in CHECKS:
        outcome = check(view)
        verdicts[check.__name__] = outcome.verdict
        found += outcome.findings
    found.sort(key=lambda one: (SEVERITIES.index(one.severity), one.code, one.topic))
    return Judgement(found, verdicts)


def identity(device: Device, how: str) -> Identity:
    """Who the device is."""
    known = device.known
    return Identity(
        name=clean(device.name, 120),
        ecosystem=device.ecosystem,
        how=how,
        topics=len(device.tracks),
        aliases=[clean(alias, 80) for alias in sorted(device.aliases)[:_MAX_ALIASES]],
        model=clean(known.model, 120) if known else "",
        software=clean(known.software, 60) if known else "",
        power=clean(known.parent_power, 60) if known else "",
        parent=clean(device.parent.name, 120) if device.parent else "",
    )


def topic_lines(device: Device, value_chars: int) -> list[TopicLine]:
    """The device's topics, availability first, then by messages; at most 30."""
    ordered = sorted(device.tracks, key=lambda one: (one.role != "availability", -one.messages, one.topic))
    return [_line(track, value_chars) for track in ordered[:_MAX_TOPICS]]


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
        name=clean(device.name, 120),
        ecosystem=device.ecosystem,
        availability=device.reachability(),
        messages=device.messages,
        last_live_s=NEVER if device.last_s is None else round(device.last_s, 1),
        severity=worst.severity if worst else "",
        findings=list(dict.fromkeys(one.code for one in judgement.findings)),
        worst=worst.title if worst else "",
    )


def verdict_of_one(device: Device, judgement: Judgement, now_s: float) -> str:
    """One sentence that answers "what is wrong with it?"."""
    name = quote(device.name)
    state: Reachability = device.reachability()
    serious = [one for one in judgement.findings if one.severity in {"critical", "high", "medium"}]
    if state == "offline":
        first = next((one for one in serious if one.code in {"parent_offline", "device_offline"}), None)
        others = [one.title for one in serious if one.code not in {"device_offline", "parent_offline"}]
        said = f"{name} is offline. {first.title}" if first else f"{name} is offline."
        return " ".join([said, *(["Also seen:", *others[:3]] if others else [])])
    known = "is online" if state == "online" else "announces no availability"
    if not serious:
        heard = "" if device.last_s is not None else ", though it published nothing itself in that time"
        return f"{name} {known}; nothing wrong was seen in {now_s:.0f} s{heard}."
    counted = "one finding" if len(serious) == 1 else f"{len(serious)} findings, the worst"
    return f"{name} {known}, with {counted}: {serious[0].title}"


def verdict_of_all(lines: list[DeviceLine]) -> str:
    """One sentence that answers "is anything wrong?"."""
    offline = [one for one in lines if one.availability == "offline"]
    troubled = [
        one for one in lines if one.availability != "offline" and one.severity in {"critical", "high", "medium"}
    ]
    names = ", ".join(quote(one.name) for one in offline[:5])
    more = f" and {len(offline) - 5} more" if len(offline) > 5 else ""
    be = "is" if len(offline) == 1 else "are"
    said = f"{len(offline)} of {len(lines)} devices {be} offline: {names}{more}." if offline else (
        f"None of {len(lines)} devices is known to be offline."
    )  # fmt: skip
    if not troubled:
        return f"{said} Nothing else wrong was seen."
    worst = ", ".join(quote(one.name) for one in troubled[:5])
    others = "One other has" if len(troubled) == 1 else f"{len(troubled)} others have"
    return f"{said} {others} findings: {worst}{' …' if len(troubled) > 5 else ''}."
