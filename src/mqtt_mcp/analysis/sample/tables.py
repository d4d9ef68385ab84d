"""The tables of the result: one row per topic, one per issue, and sums of whatever has no row.

Owns what is listed and what is only counted: nothing is left out of both.
"""

from collections.abc import Callable, Sequence

import msgspec

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS
from mqtt_mcp.analysis.payloads.rendering import Rendering
from mqtt_mcp.analysis.rows import fitting_rows
from mqtt_mcp.analysis.sample.kept import Kept, parse
from mqtt_mcp.analysis.sample.pruning import Chosen
from mqtt_mcp.analysis.sample.signals import WEIGHTS
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 40
MAX_TOPICS_CHARS = 4_200
MAX_ISSUES_LISTED = 30
MAX_ISSUES_CHARS = 2_800
MAX_TEMPLATES = 10
_TOPIC_CHARS = 200
_WHY_CHARS = 100
_LAST_VALUE_CHARS = 48


class TopicCount(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of one topic; ``structures`` of its parsed messages, ``last`` its latest small message."""

    topic: str
    template: str
    messages: int
    bytes: int
    first_s: float
    last_s: float
    structures: int
    last: Message | None


class TopicShare(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One topic in the result.

    Attributes:
        shown: How many of its messages are in ``messages``.
        every_s: Mean seconds between its messages; missing with one message.
        structures: How many different structures its messages had, when more than one.
        last_value: Its latest message, shortened, when that is not among those shown.
    """

    topic: str
    messages: int
    shown: int
    bytes: int
    first_s: float
    last_s: float
    every_s: float = 0.0
    structures: int = 1
    last_value: str = ""


class OtherTopics(msgspec.Struct):
    """All topics that have no row of their own, with the commonest kinds among them.

    Attributes:
        templates: ``template``, topics, messages, separated by tabs; most messages first.
    """

    topics: int = 0
    messages: int = 0
    bytes: int = 0
    templates: list[str] = msgspec.field(default_factory=list)


class Issue(msgspec.Struct, omit_defaults=True):
    """A reason to look at a topic, counted among the messages that were parsed.

    Attributes:
        why: What was seen first, when no message shows it.
        shown: A message in ``messages`` shows it.
    """

    code: str
    severity: str
    topic: str
    count: int
    first_s: float
    last_s: float
    why: str = ""
    shown: bool = False


class IssueGroup(msgspec.Struct, frozen=True):
    """Issues of one kind that are not listed one by one."""

    code: str
    severity: str
    topics: int
    count: int


def topic_rows(
    topics: Sequence[TopicCount],
    more: OtherTopics,
    shown_of: dict[str, int],
    issues: Sequence[Issue],
    last_value: Callable[[TopicCount], str],
) -> tuple[list[TopicShare], OtherTopics]:
    """The most telling topics by weight of their issues, then by messages; and the sum of all others."""
    weights: dict[str, float] = {}
    for issue in issues:
        weights[issue.topic] = max(weights.get(issue.topic, 0.0), WEIGHTS[issue.severity])
    ordered = sorted(topics, key=lambda one: (-weights.get(one.topic, 0.0), -one.messages, one.topic))
    rows = [
        TopicShare(
            topic=clean(one.topic, _TOPIC_CHARS),
            messages=one.messages,
            shown=shown_of.get(one.topic, 0),
            bytes=one.bytes,
            first_s=round(one.first_s, 3),
            last_s=round(one.last_s, 3),
            every_s=round((one.last_s - one.first_s) / (one.messages - 1), 2) if one.messages > 1 else 0.0,
            structures=max(1, one.structures),
            last_value=last_value(one),
        )
        for one in ordered[:MAX_TOPICS]
    ]
    rows = fitting_rows(rows, MAX_TOPICS_CHARS)
    rest = ordered[len(rows) :]
    other = OtherTopics(
        topics=more.topics + len(rest),
        messages=more.messages + sum(one.messages for one in rest),
        bytes=more.bytes + sum(one.bytes for one in rest),
        templates=_template_lines(rest),
    )
    return rows, other


def last_value(one: TopicCount, ends_shown: set[str], decoder: Decoder) -> str:
    """The latest message of a topic in a few characters; empty when it is shown, unknown or binary."""
    if one.last is None or one.topic in ends_shown:
        return ""
    decoded = parse(one.last, decoder, again=True)
    if decoded.format in BINARY_FORMATS and decoded.value is None:
        return ""
    return Rendering(decoded, one.last.payload).at(_LAST_VALUE_CHARS).payload


def _template_lines(rest: Sequence[TopicCount]) -> list[str]:
    counted: dict[str, list[int]] = {}
    for one in rest:
        entry = counted.setdefault(one.template, [0, 0])
        entry[0] += 1
        entry[1] += one.messages
    ordered = sorted(counted.items(), key=lambda item: (-item[1][1], item[0]))[:MAX_TEMPLATES]
    return [f"{clean(template, 120)}\t{topics}\t{messages}" for template, (topics, messages) in ordered]


def listed_issues(
    issues: Sequence[Issue], chosen: Sequence[tuple[Kept, Chosen]]
) -> tuple[list[Issue], list[IssueGroup]]:
    """The gravest issues one by one, and all others counted by kind: none is left out."""
    shown = {(signal.code, kept.state.name) for kept, _ in chosen for signal in kept.signals}
    ordered = sorted(issues, key=lambda issue: (-WEIGHTS[issue.severity], issue.first_s, issue.topic, issue.code))
    telling = [issue for issue in ordered if issue.severity != "low"][:MAX_ISSUES_LISTED]
    listed = [
        Issue(
            code=issue.code,
            severity=issue.severity,
            topic=clean(issue.topic, _TOPIC_CHARS),
            count=issue.count,
            first_s=round(issue.first_s, 3),
            last_s=round(issue.last_s, 3),
            why="" if (issue.code, issue.topic) in shown else clean(issue.why, _WHY_CHARS),
            shown=(issue.code, issue.topic) in shown,
        )
        for issue in telling
    ]
    listed = fitting_rows(listed, MAX_ISSUES_CHARS)
    told = {id(issue) for issue in telling[: len(listed)]}
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in ordered:
        if id(issue) not in told:
            groups.setdefault((issue.code, issue.severity), []).append(issue)
    return listed, [
        IssueGroup(code, severity, len({issue.topic for issue in some}), sum(issue.count for issue in some))
        for (code, severity), some in groups.items()
    ]
