"""Counting live traffic: per topic, per second and in all, in bounded memory.

Owns the tables of a performance watch. Does not know stored messages, ``$SYS`` or probes: ``watch.py`` sorts
those out first. Topics beyond the table's size are let go smallest first, so that heavy talkers stay; what was let go
is counted.
"""

from sys import getsizeof

from mqtt_mcp.analysis.histogram import Histogram
from mqtt_mcp.analysis.memory import FLOAT_BYTES, NUMBER_BYTES, Names, slots_bytes
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 5_000
MAX_DISTINCT = 100_000
"""Topics told apart exactly; beyond that their number is an estimate."""
MAX_SECONDS = 3_600
BUSY_GAPS = 8
"""From so many gaps on a topic's gaps are kept as a distribution, for at most ``MAX_SPREADS`` topics at a time."""
MAX_SPREADS = 200
_WEIGH_EVERY = 1_000
_TOPIC_BYTES = slots_bytes(10) + 4 * FLOAT_BYTES + NUMBER_BYTES


class TopicTraffic:
    """What is known of one topic: counts, and mean and variance of its gaps by Welford's method.

    ``spread_us`` is the distribution of its gaps, kept for busy topics only.
    """

    __slots__ = (
        "bytes",
        "gap_max_s",
        "gap_mean_s",
        "gap_square",
        "gaps",
        "last_hash",
        "last_s",
        "messages",
        "repeats",
        "spread_us",
    )

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.repeats = 0
        self.last_s = 0.0
        self.last_hash = 0
        self.gaps = 0
        self.gap_mean_s = 0.0
        self.gap_square = 0.0
        self.gap_max_s = 0.0
        self.spread_us: Histogram | None = None

    def gap(self, gap_s: float) -> None:
        """Take one inter-arrival gap in seconds."""
        self.gaps += 1
        delta = gap_s - self.gap_mean_s
        self.gap_mean_s += delta / self.gaps
        self.gap_square += delta * (gap_s - self.gap_mean_s)
        if gap_s > self.gap_max_s:  # noqa: PLR1730 - hot path
            self.gap_max_s = gap_s

    @property
    def burstiness(self) -> float:
        """(σ - μ) / (σ + μ) of the gaps (Goh and Barabási 2008): -1 regular, 0 random, towards 1 in bursts."""
        deviation_s = (self.gap_square / self.gaps) ** 0.5 if self.gaps else 0.0
        both_s = deviation_s + self.gap_mean_s
        return (deviation_s - self.gap_mean_s) / both_s if both_s else 0.0


class Traffic:
    """The tables; ``add`` is called for every live message."""

    def __init__(self) -> None:
        self.topics: dict[str, TopicTraffic] = {}
        self.messages = 0
        self.bytes = 0
        self.qos = [0, 0, 0]
        self.dup_flags = 0
        self.repeats = 0
        self.per_second: list[int] = []
        self.bytes_per_second: list[int] = []
        self.sizes = Histogram()
        self.gaps_us = Histogram()
        self.let_go_topics = 0
        self.let_go_messages = 0
        self.let_go_bytes = 0
        self.distinct = Names(MAX_DISTINCT)
        self.names_bytes = 0
        self.spreads = 0
        self._spread_bytes = 0
        self._weigh_at = 0

    def add(self, message: Message, t_s: float) -> None:
        """Count one live message that arrived ``t_s`` seconds after the start of the watch."""
        size = len(message.payload)
        self.messages += 1
        self.bytes += size
        self.qos[message.qos] += 1
        self.dup_flags += message.dup
        self.sizes.record(size)
        second = min(int(t_s), MAX_SECONDS)
        while len(self.per_second) <= second:
            self.per_second.append(0)
            self.bytes_per_second.append(0)
        self.per_second[second] += 1
        self.bytes_per_second[second] += size
        payload_hash = hash(message.payload)
        topic = self.topics.get(message.topic)
        if topic is None:
            topic = self._new_topic(message.topic)
        else:
            gap_s = t_s - topic.last_s
            topic.gap(gap_s)
            gap_us = int(gap_s * 1e6)
            self.gaps_us.record(gap_us)
            if topic.spread_us is not None:
                topic.spread_us.record(gap_us)
            elif topic.gaps >= BUSY_GAPS and self.spreads < MAX_SPREADS:
                self._begin_spread(topic)
            if payload_hash == topic.last_hash:
                topic.repeats += 1
                self.repeats += 1
        topic.messages += 1
        topic.bytes += size
        topic.last_s = t_s
        topic.last_hash = payload_hash

    def _begin_spread(self, topic: TopicTraffic) -> None:
        topic.spread_us = Histogram()
        self.spreads += 1

    def _new_topic(self, name: str) -> TopicTraffic:
        if len(self.topics) >= MAX_TOPICS:
            self.keep(MAX_TOPICS // 2)
        self.distinct.add(name)
        self.names_bytes += getsizeof(name)
        topic = self.topics[name] = TopicTraffic()
        return topic

    def keep(self, topics: int) -> None:
        """Let go of all but the ``topics`` with the most messages."""
        self._weigh_at = 0
        ranked = sorted(self.topics, key=lambda name: self.topics[name].messages)
        for name in ranked[: max(0, len(ranked) - topics)]:
            gone = self.topics.pop(name)
            self.names_bytes -= getsizeof(name)
            self.spreads -= gone.spread_us is not None
            self.let_go_topics += 1
            self.let_go_messages += gone.messages
            self.let_go_bytes += gone.bytes

    @property
    def kept_bytes(self) -> int:
        """About how many bytes all tables take; those per second and of sizes and gaps are never let go."""
        table = self.names_bytes + len(self.topics) * _TOPIC_BYTES + getsizeof(self.topics)
        table += self._weighed_spreads()
        seconds = 2 * getsizeof(self.per_second) + NUMBER_BYTES * min(len(self.per_second), self.messages)
        return table + seconds + self.distinct.held_bytes + self.sizes.held_bytes + self.gaps_us.held_bytes

    def _weighed_spreads(self) -> int:
        """What the topics' distributions take; asked after every batch, which is too often to look at each of them."""
        if self.messages >= self._weigh_at:
            spreads = [topic.spread_us for topic in self.topics.values() if topic.spread_us is not None]
            self._spread_bytes = sum(spread.held_bytes for spread in spreads)
            self._weigh_at = self.messages + _WEIGH_EVERY
        return self._spread_bytes

    def shrink(self, target_bytes: int) -> None:
        """Let the smallest topics go until about ``target_bytes`` are taken, and only estimate how many there are."""
        if self.kept_bytes > target_bytes:
            self.distinct.shrink()
        while self.topics and self.kept_bytes > target_bytes:
            self.keep(min(len(self.topics) - 1, len(self.topics) * 3 // 4))
            self.topics = dict(self.topics)  # a dict keeps its table when entries go
