"""What subscribe_and_collect reports, made to fit a number of characters and to add up.

Owns the shape of the result and the account of every message:
``topics.messages + other_topics.messages = observed.messages = returned + Σ same + not_shown``. Chooses nothing; the
messages themselves are cut by ``messages``.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.sample.kept import Kept
from mqtt_mcp.analysis.sample.messages import SampleMessage, fitted
from mqtt_mcp.analysis.sample.pruning import POLICY, Chosen
from mqtt_mcp.analysis.sample.signals import Signal
from mqtt_mcp.analysis.sample.tables import Issue, IssueGroup, OtherTopics, Tables, TopicCount, TopicShare

_COUNTS_CHARS = 1_000
MAX_TABLE_CHARS = 7_000


class Counts(msgspec.Struct):
    """Exact counts of a watch; ``parsed`` tells how many messages were looked at in detail."""

    messages: int = 0
    bytes: int = 0
    stored: int = 0
    duplicates: int = 0
    parsed: int = 0
    rate_peak_1s: int = 0
    by_qos: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])


class Observed(msgspec.Struct, frozen=True):
    """Everything that arrived, shown or not. Rates are messages per second; ``parse_coverage`` is a share, 0 to 1."""

    messages: int
    topics: int
    topics_estimated: bool
    bytes: int
    stored: int
    live: int
    duplicates: int
    by_qos: list[int]
    rate_avg: float
    rate_peak_1s: int
    parse_coverage: float


class Returned(msgspec.Struct, frozen=True):
    """How many messages are shown, chosen by which policy, in how many characters, and how many payloads were cut."""

    messages: int
    policy: str
    chars: int
    cut_payloads: int


class NotShown(msgspec.Struct, frozen=True):
    """Messages that are neither shown nor identical to a shown one, by whether their topic has a shown message."""

    messages: int
    on_shown_topics: int
    on_other_topics: int


class SampleResult(msgspec.Struct, frozen=True):
    """The result besides the circumstances."""

    observed: Observed
    returned: Returned
    messages: list[SampleMessage]
    topics: list[TopicShare]
    other_topics: OtherTopics
    issues: list[Issue]
    issues_total: int
    more_issues: list[IssueGroup]
    not_shown: NotShown


def compose(
    *,
    counts: Counts,
    elapsed_s: float,
    chosen: Sequence[tuple[Kept, Chosen]],
    late: Sequence[tuple[Kept, Signal]],
    topics: Sequence[TopicCount],
    more: OtherTopics,
    estimated: bool,
    issues: Sequence[Issue],
    max_chars: int,
    decoder: Decoder,
) -> SampleResult:
    """Put the result together.

    Args:
        counts: Of the whole watch.
        elapsed_s: Seconds watched.
        chosen: The messages to show, in order of time.
        late: Reasons that came up later, with their messages.
        topics: Topics known in detail.
        more: Topics beyond these.
        estimated: Whether the number of those is an estimate.
        issues: All reasons that were counted.
        max_chars: Bound of the result as JSON; payloads are cut to meet it.
        decoder: That of the watch.
    """
    shown: list[tuple[Kept, SampleMessage]] = []
    listing = partial(Tables.of, topics, more, issues, late=late, decoder=decoder)
    for table_chars in (MAX_TABLE_CHARS, MAX_TABLE_CHARS // 2):
        # Counts of shown messages in the tables come out a little too high here, never their size too small.
        tables = listing(shown=[kept for kept, _ in chosen], max_chars=table_chars)
        shown = fitted(chosen, max_chars - tables.chars - _COUNTS_CHARS, decoder)
        if len(shown) == len(chosen):
            break
    if len(shown) < len(chosen):
        tables = listing(shown=[kept for kept, _ in shown], max_chars=table_chars)
    messages = [message for _, message in shown]
    shown_topics = {kept.state.name for kept, _ in shown}
    same = sum(message.same for message in messages)
    on_shown = sum(topic.messages for topic in topics if topic.topic in shown_topics) - len(messages) - same
    missing = counts.messages - len(messages) - same
    return SampleResult(
        observed=Observed(
            messages=counts.messages,
            topics=len(topics) + more.topics,
            topics_estimated=estimated,
            bytes=counts.bytes,
            stored=counts.stored,
            live=counts.messages - counts.stored,
            duplicates=counts.duplicates,
            by_qos=list(counts.by_qos),
            rate_avg=round(counts.messages / elapsed_s, 2) if elapsed_s > 0 else 0.0,
            rate_peak_1s=counts.rate_peak_1s,
            parse_coverage=round(counts.parsed / counts.messages, 4) if counts.messages else 1.0,
        ),
        returned=Returned(
            messages=len(messages),
            policy=POLICY,
            chars=sum(len(message.payload) for message in messages),
            cut_payloads=sum(message.cut for message in messages),
        ),
        messages=messages,
        topics=tables.topics,
        other_topics=tables.other_topics,
        issues=tables.issues,
        issues_total=len(issues),
        more_issues=tables.more_issues,
        not_shown=NotShown(missing, on_shown, missing - on_shown),
    )
