"""The accumulator of a performance watch and the account it gives: rates, sizes, gaps, top talkers.

Owns what counts as traffic: live messages outside ``$SYS`` that are not our own probe's. Stored messages are counted
apart, and the first second (a partial one, with our own start in it) is left out of rates and of the series. Does not
publish; round trips are ``round_trips.py``'s, judgement is ``findings.py``'s.
"""

from collections.abc import Iterable

import msgspec

from mqtt_mcp.analysis.accumulator import LinkGap, Window
from mqtt_mcp.analysis.histogram import Histogram
from mqtt_mcp.analysis.performance.broker_names import PREFIX
from mqtt_mcp.analysis.performance.sys_topics import BrokerSide, SysTopics
from mqtt_mcp.analysis.performance.traffic import TopicTraffic, Traffic
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.topics.templates import templates
from mqtt_mcp.mqtt.client import Message

MAX_POINTS = 60
SKIPPED_S = 1.0
"""The first second of a watch is not measured: it is partial and holds the burst of our own start."""
TOPIC_CHARS = 200


class Spread(msgspec.Struct, frozen=True, omit_defaults=True):
    """The distribution of some quantity; its unit is in the name of the field that holds it.

    Percentiles are within 1.6 % and missing where there are too few values for them: p99 below 100.
    """

    n: int
    min: float
    p50: float
    p90: float
    p95: float
    max: float
    mean: float
    p99: float | msgspec.UnsetType = msgspec.UNSET


class Rates(msgspec.Struct, frozen=True):
    """Mean over ``measured_s`` seconds, and the busiest whole second, of what arrived."""

    measured_s: float
    messages_per_s_mean: float
    messages_per_s_peak: int
    bytes_per_s_mean: float
    bytes_per_s_peak: int


class Series(msgspec.Struct, frozen=True, omit_defaults=True):
    """Messages per second over the watch, at most 60 points of ``step_s`` whole seconds each from ``from_s`` on.

    ``min`` and ``max`` are those of single seconds, and missing where a point is one second.
    """

    from_s: int
    step_s: int
    mean: list[float]
    min: list[int] = msgspec.field(default_factory=list)
    max: list[int] = msgspec.field(default_factory=list)


MIN_GAPS_FOR_BURSTINESS = 3
MIN_GAPS_FOR_PERCENTILES = 20
MIN_GAPS_FOR_P99 = 100


class Talker(msgspec.Struct, frozen=True, omit_defaults=True):
    """One topic's share of the traffic.

    Gaps are seconds between its messages: absent with one message, percentiles (within 1.6 %) below 20 gaps, p99 below
    100. Burstiness runs from -1 (regular) over 0 (random) to 1 (bursts): absent below three gaps.
    """

    topic: str
    messages: int
    bytes: int
    share: float
    messages_per_s: float
    repeats: int
    gap_mean_s: float | msgspec.UnsetType = msgspec.UNSET
    gap_max_s: float | msgspec.UnsetType = msgspec.UNSET
    gap_p50_s: float | msgspec.UnsetType = msgspec.UNSET
    gap_p95_s: float | msgspec.UnsetType = msgspec.UNSET
    gap_p99_s: float | msgspec.UnsetType = msgspec.UNSET
    burstiness: float | msgspec.UnsetType = msgspec.UNSET


class TemplateShare(msgspec.Struct, frozen=True):
    """Topics alike but for their ids, taken together: ``zigbee2mqtt/{id}/availability``."""

    template: str
    topics: int
    messages: int
    bytes: int
    share: float


class QosMix(msgspec.Struct, frozen=True):
    """Messages by the QoS they were delivered with: the lower of the publisher's and of our subscription's."""

    qos0: int
    qos1: int
    qos2: int


class TrafficFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived. ``messages`` + ``stored`` + ``system`` + ``own_probe`` is everything that was received.

    Attributes:
        messages, bytes: Live traffic, the first second included.
        topics: Different topics; about so many when ``topics_estimated``.
        stored: Retained messages sent because we subscribed.
        system: Messages below ``$SYS``.
        own_probe: Messages of our own round-trip probe.
        repeats: Messages equal to the one before on their topic: a device that repeats itself, or a double delivery.
        dup_flags: Deliveries with the DUP flag.
        topics_let_go, messages_let_go: Topics dropped from the table because there were too many; heavy ones stay.
    """

    messages: int
    bytes: int
    topics: int
    topics_estimated: bool
    stored: int
    system: int
    own_probe: int
    repeats: int
    dup_flags: int
    topics_let_go: int
    messages_let_go: int
    qos: QosMix
    rates: Rates
    sizes_bytes: Spread
    gaps_ms: Spread
    series: Series
    top_by_messages: list[Talker]
    top_by_bytes: list[Talker]
    top_templates: list[TemplateShare]
    broker: BrokerSide


def spread(histogram: Histogram, scale: float = 1.0, digits: int = 3) -> Spread:
    """The distribution in ``histogram``, its values multiplied by ``scale``."""

    def at(fraction: float) -> float:
        return round(histogram.quantile(fraction) * scale, digits)

    return Spread(
        n=histogram.count,
        min=round(histogram.minimum * scale, digits),
        p50=at(0.5),
        p90=at(0.9),
        p95=at(0.95),
        max=round(histogram.maximum * scale, digits),
        mean=round(histogram.mean * scale, digits),
        p99=at(0.99) if histogram.count >= 100 else msgspec.UNSET,
    )


def measured_seconds(elapsed_s: float, gaps: Iterable[LinkGap]) -> float:
    """Seconds of the watch that rates are made of: without the first one and without times off line."""
    away_s = sum(max(0.0, min(gap.to_s, elapsed_s) - max(gap.from_s, SKIPPED_S)) for gap in gaps)
    return max(0.0, elapsed_s - SKIPPED_S - away_s)


class PerformanceAccumulator:
    """Implements ``Accumulator`` for a performance watch.

    Args:
        own_prefix: Topics that begin with it are our own probe's and no traffic; "" when there is no probe.
        top: How many top talkers of each kind to show.
    """

    def __init__(self, *, own_prefix: str = "", top: int = 10) -> None:
        self._own_prefix = own_prefix
        self._top = top
        self._traffic = Traffic()
        self._sys_topics = SysTopics()
        self._stored = 0
        self._system = 0
        self._own = 0

    def add(self, message: Message, t_s: float) -> None:
        """Take one message that arrived ``t_s`` seconds after the start."""
        topic = message.topic
        if topic.startswith(PREFIX):
            self._system += 1
            self._sys_topics.add(topic, message.payload, t_s, stored=message.retain)
        elif self._own_prefix and topic.startswith(self._own_prefix):
            self._own += 1
        elif message.retain:
            self._stored += 1
        else:
            self._traffic.add(message, t_s)

    @property
    def messages(self) -> int:
        """Messages taken, of every kind."""
        return self._traffic.messages + self._stored + self._system + self._own

    @property
    def done(self) -> bool:
        """Never: a performance watch runs for its whole duration."""
        return False

    @property
    def kept_bytes(self) -> int:
        """About how many bytes the tables hold."""
        return self._traffic.kept_bytes + self._sys_topics.held_bytes

    def shrink(self, target_bytes: int) -> None:
        """Let the smallest topics go; what the broker says about itself stays."""
        self._traffic.shrink(target_bytes - self._sys_topics.held_bytes)

    def progress(self) -> str:
        """Counts so far."""
        last = self._traffic.per_second[-2] if len(self._traffic.per_second) > 1 else 0
        topics = len(self._traffic.distinct)
        return f"{self._traffic.messages:,} messages on {topics:,} topics, {last:,} in the last second"

    def result(self, window: Window) -> TrafficFacts:
        """The account as it is now."""
        traffic = self._traffic
        measured_s = measured_seconds(window.elapsed_s, window.gaps)
        by_messages = sorted(traffic.topics.items(), key=lambda item: (-item[1].messages, item[0]))
        by_bytes = sorted(traffic.topics.items(), key=lambda item: (-item[1].bytes, item[0]))
        return TrafficFacts(
            messages=traffic.messages,
            bytes=traffic.bytes,
            topics=len(traffic.distinct),
            topics_estimated=not traffic.distinct.exact,
            stored=self._stored,
            system=self._system,
            own_probe=self._own,
            repeats=traffic.repeats,
            dup_flags=traffic.dup_flags,
            topics_let_go=traffic.let_go_topics,
            messages_let_go=traffic.let_go_messages,
            qos=QosMix(*traffic.qos),
            rates=self._rates(measured_s, window.elapsed_s),
            sizes_bytes=spread(traffic.sizes, digits=1),
            gaps_ms=spread(traffic.gaps_us, 0.001),
            series=self._series(window.elapsed_s),
            top_by_messages=[self._talker(*item, window.elapsed_s) for item in by_messages[: self._top]],
            top_by_bytes=[self._talker(*item, window.elapsed_s) for item in by_bytes[: self._top]],
            top_templates=self._top_templates(),
            broker=self._sys_topics.result(),
        )

    def _rates(self, measured_s: float, elapsed_s: float) -> Rates:
        traffic = self._traffic
        whole = traffic.per_second[1 : int(elapsed_s)]
        whole_bytes = traffic.bytes_per_second[1 : int(elapsed_s)]
        return Rates(
            measured_s=round(measured_s, 3),
            messages_per_s_mean=round(sum(traffic.per_second[1:]) / measured_s, 3) if measured_s else 0.0,
            messages_per_s_peak=max(whole, default=0),
            bytes_per_s_mean=round(sum(traffic.bytes_per_second[1:]) / measured_s, 1) if measured_s else 0.0,
            bytes_per_s_peak=max(whole_bytes, default=0),
        )

    def _series(self, elapsed_s: float) -> Series:
        """Whole seconds only: the first and the last one, both partial, are left out."""
        seconds = max(0, int(elapsed_s) - 1)
        counts = self._traffic.per_second[1 : 1 + seconds]
        counts += [0] * (seconds - len(counts))
        step_s = max(1, -(-seconds // MAX_POINTS))
        chunks = [counts[at : at + step_s] for at in range(0, seconds, step_s)]
        return Series(
            from_s=1,
            step_s=step_s,
            mean=[round(sum(chunk) / len(chunk), 2) for chunk in chunks],
            min=[min(chunk) for chunk in chunks] if step_s > 1 else [],
            max=[max(chunk) for chunk in chunks] if step_s > 1 else [],
        )

    def _top_templates(self) -> list[TemplateShare]:
        """Templates of at least two topics, by messages; those of one topic are talkers already."""
        shares: dict[str, list[int]] = {}
        for topic, template in templates(self._traffic.topics).items():
            facts = self._traffic.topics[topic]
            share = shares.setdefault(template, [0, 0, 0])
            share[0] += 1
            share[1] += facts.messages
            share[2] += facts.bytes
        groups = [(name, share[0], share[1], share[2]) for name, share in shares.items() if share[0] > 1]
        groups.sort(key=lambda group: (-group[2], group[0]))
        every = max(1, self._traffic.messages)
        return [
            TemplateShare(clean(name, TOPIC_CHARS), topics, messages, size, round(messages / every, 4))
            for name, topics, messages, size in groups[: self._top]
        ]

    def _talker(self, topic: str, facts: TopicTraffic, elapsed_s: float) -> Talker:
        return Talker(
            topic=clean(topic, TOPIC_CHARS),
            messages=facts.messages,
            bytes=facts.bytes,
            share=round(facts.messages / max(1, self._traffic.messages), 4),
            messages_per_s=round(facts.messages / elapsed_s, 3) if elapsed_s > 0 else 0.0,
            repeats=facts.repeats,
            gap_mean_s=round(facts.gap_mean_s, 3) if facts.gaps else msgspec.UNSET,
            gap_max_s=round(facts.gap_max_s, 3) if facts.gaps else msgspec.UNSET,
            gap_p50_s=_gap_s(facts, 0.5, MIN_GAPS_FOR_PERCENTILES),
            gap_p95_s=_gap_s(facts, 0.95, MIN_GAPS_FOR_PERCENTILES),
            gap_p99_s=_gap_s(facts, 0.99, MIN_GAPS_FOR_P99),
            burstiness=round(facts.burstiness, 2) if facts.gaps >= MIN_GAPS_FOR_BURSTINESS else msgspec.UNSET,
        )


def _gap_s(facts: TopicTraffic, fraction: float, fewest: int) -> float | msgspec.UnsetType:
    if facts.spread_us is None or facts.spread_us.count < fewest:
        return msgspec.UNSET
    return round(facts.spread_us.quantile(fraction) / 1e6, 4)
