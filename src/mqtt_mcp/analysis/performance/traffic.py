"""Counting live traffic: per topic, per second and in all, in bounded memory.

Owns the tables of a performance watch. Does not know stored messages, ``$SYS`` or probes: ``watch.py`` sorts
those out first. Topics beyond the table's size are let go smallest first, so that heavy talkers stay; what was let go
is counted.
"""

import math
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
MAX_SIZES_UNFILED = 256
"""Different payload sizes that are counted one by one before they go into the histogram."""
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
        self._sizes = Histogram()
        self._size_counts: dict[int, int] = {}
        # Of topics that have no distribution of their own, or have been let go.
        self._few_gaps_us = Histogram()
        self._second = 0
        self._second_over_s = 0.0
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
        # The hot path of a flood: local names, no calls for what nearly every message needs.
        payload = message.payload
        size = len(payload)
        self.messages += 1
        self.bytes += size
        self.qos[message.qos] += 1
        if message.dup:
            self.dup_flags += 1
        self._size_counts[size] = self._size_counts.get(size, 0) + 1
        if not self._second <= t_s < self._second_over_s:
            self._begin_second(t_s)
        self.per_second[self._second] += 1
        self.bytes_per_second[self._second] += size
        payload_hash = hash(payload)
        topic = self.topics.get(message.topic)
        if topic is None:
            topic = self._new_topic(message.topic)
        else:
            gap_s = t_s - topic.last_s
            topic.gap(gap_s)
            if topic.spread_us is not None:
                topic.spread_us.record(int(gap_s * 1e6))
            else:
                self._few_gaps_us.record(int(gap_s * 1e6))
                if topic.gaps >= BUSY_GAPS and self.spreads < MAX_SPREADS:
                    topic.spread_us = Histogram()
                    self.spreads += 1
            if payload_hash == topic.last_hash:
                topic.repeats += 1
                self.repeats += 1
        topic.messages += 1
        topic.bytes += size
        topic.last_s = t_s
        topic.last_hash = payload_hash

    @property
    def sizes(self) -> Histogram:
        """Payload sizes in bytes."""
        self._file_sizes()
        return self._sizes

    @property
    def gaps_us(self) -> Histogram:
        """Gaps between messages of a topic, of all topics, in microseconds."""
        gaps_us = Histogram()
        gaps_us.merge(self._few_gaps_us)
        for topic in self.topics.values():
            if topic.spread_us is not None:
                gaps_us.merge(topic.spread_us)
        return gaps_us

    def _file_sizes(self) -> None:
        for size, times in self._size_counts.items():
            self._sizes.record(size, times)
        self._size_counts.clear()

    def _begin_second(self, t_s: float) -> None:
        """Count into the second that ``t_s`` lies in; those before it may have been silent."""
        self._second = second = min(int(t_s), MAX_SECONDS)
        missing = second + 1 - len(self.per_second)
        self.per_second += [0] * missing
        self.bytes_per_second += [0] * missing
        self._second_over_s = second + 1 if second < MAX_SECONDS else math.inf
        if len(self._size_counts) > MAX_SIZES_UNFILED:
            self._file_sizes()

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
            if gone.spread_us is not None:
                self.spreads -= 1
                self._few_gaps_us.merge(gone.spread_us)
            self.let_go_topics += 1
            self.let_go_messages += gone.messages
            self.let_go_bytes += gone.bytes

    @property
    def kept_bytes(self) -> int:
        """About how many bytes all tables take; those per second and of sizes and gaps are never let go."""
        table = self.names_bytes + len(self.topics) * _TOPIC_BYTES + getsizeof(self.topics)
        table += self._weighed_spreads() + getsizeof(self._size_counts) + 2 * NUMBER_BYTES * len(self._size_counts)
        seconds = 2 * getsizeof(self.per_second) + NUMBER_BYTES * min(len(self.per_second), self.messages)
        return table + seconds + self.distinct.held_bytes + self._sizes.held_bytes + self._few_gaps_us.held_bytes

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
