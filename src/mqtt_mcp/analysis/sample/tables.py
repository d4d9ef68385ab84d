"""The tables of the result: one row per topic, one per issue, and sums of whatever has no row.

Owns what is listed and what is only counted: nothing is left out of both.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS
from mqtt_mcp.analysis.payloads.rendering import Rendering
from mqtt_mcp.analysis.rows import fitting_rows, json_size
from mqtt_mcp.analysis.sample.kept import Kept, parse
from mqtt_mcp.analysis.sample.signals import WEIGHTS, Signal
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 40
MAX_ISSUES_LISTED = 30
_TOPICS_PART = 0.6
"""Of the characters of all tables."""
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


class Tables(msgspec.Struct, frozen=True):
    """What the result lists beside the messages."""

    topics: list[TopicShare]
    other_topics: OtherTopics
    issues: list[Issue]
    more_issues: list[IssueGroup]

    @classmethod
    def of(
        cls,
        topics: Sequence[TopicCount],
        more: OtherTopics,
        issues: Sequence[Issue],
        *,
        shown: Sequence[Kept],
        late: Sequence[tuple[Kept, Signal]],
        decoder: Decoder,
        max_chars: int,
    ) -> "Tables":
        """Make the tables.

        Args:
            topics: Topics known in detail.
            more: Topics beyond these.
            issues: All that were counted.
            shown: The messages that are shown.
            late: Reasons that came up later, with their messages.
            decoder: That of the watch.
            max_chars: Bound of the rows of topics and issues together, as JSON; what has no row is counted.
        """
        rows, other = _topic_rows(topics, more, shown, issues, decoder, max_chars=int(max_chars * _TOPICS_PART))
        room = max_chars - sum(map(json_size, rows))
        told = {(signal.code, kept.state.name) for kept in shown for signal in kept.signals}
        orders = {kept.order for kept in shown}
        told |= {(signal.code, kept.state.name) for kept, signal in late if kept.order in orders}
        listed, groups = _listed_issues(issues, told, max_chars=room)
        return cls(rows, other, listed, groups)

    @property
    def chars(self) -> int:
        """Characters of all of it as JSON."""
        return json_size(self)


def _topic_rows(
    topics: Sequence[TopicCount], more: OtherTopics, shown: Sequence[Kept], issues: Sequence[Issue], decoder: Decoder,
    *, max_chars: int,
) -> tuple[list[TopicShare], OtherTopics]:  # fmt: skip
    """The most telling topics by weight of their issues, then by messages; and the sum of all others."""
    shown_of = Counter(kept.state.name for kept in shown)
    ends_shown = {kept.state.name for kept in shown if kept.order == kept.state.last_order}
    weights: dict[str, float] = {}
    for issue in issues:
        weights[issue.topic] = max(weights.get(issue.topic, 0.0), WEIGHTS[issue.severity])
    ordered = sorted(topics, key=lambda one: (-weights.get(one.topic, 0.0), -one.messages, one.topic))
    rows = [
        TopicShare(
            topic=clean(one.topic, _TOPIC_CHARS),
            messages=one.messages,
            shown=shown_of[one.topic],
            bytes=one.bytes,
            first_s=round(one.first_s, 3),
            last_s=round(one.last_s, 3),
            every_s=round((one.last_s - one.first_s) / (one.messages - 1), 2) if one.messages > 1 else 0.0,
            structures=max(1, one.structures),
            last_value="" if one.topic in ends_shown else _last_value(one, decoder),
        )
        for one in ordered[:MAX_TOPICS]
    ]
    rows = fitting_rows(rows, max_chars)
    rest = ordered[len(rows) :]
    other = OtherTopics(
        topics=more.topics + len(rest),
        messages=more.messages + sum(one.messages for one in rest),
        bytes=more.bytes + sum(one.bytes for one in rest),
        templates=_template_lines(rest),
    )
    return rows, other


def _last_value(one: TopicCount, decoder: Decoder) -> str:
    """The latest message of a topic in a few characters; empty when it is unknown or binary."""
    if one.last is None:
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


def _listed_issues(
    issues: Sequence[Issue], shown: set[tuple[str, str]], *, max_chars: int
) -> tuple[list[Issue], list[IssueGroup]]:
    """The gravest issues one by one, and all others counted by kind: none is left out."""
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
    listed = fitting_rows(listed, max_chars)
    told = {id(issue) for issue in telling[: len(listed)]}
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in ordered:
        if id(issue) not in told:
            groups.setdefault((issue.code, issue.severity), []).append(issue)
    return listed, [
        IssueGroup(code, severity, len({issue.topic for issue in some}), sum(issue.count for issue in some))
        for (code, severity), some in groups.items()
    ]
