"""What is remembered of one topic, and the signs that need this memory: outliers, new structures, jumps, restarts.

Owns the bounded state per topic and per template. Does not keep messages beyond the latest small one and chooses
nothing (``sampling.py`` keeps, ``pruning.py`` chooses).
"""

import math
import re
from collections import deque
from datetime import UTC, datetime

from mqtt_mcp.analysis.sample.signals import Leaf, Signal, TopicKind
from mqtt_mcp.analysis.statistics import median, spread
from mqtt_mcp.analysis.text import quote
from mqtt_mcp.mqtt.client import Message

RING = 32
MAX_SHAPES = 8
MAX_SERIES = 40
MAX_WORD_FIELDS = 10
MAX_WORDS = 10
MAX_HASHES = 16
MAX_NOVEL = 64
MAX_CLOCKS = 4
MIN_SIBLINGS = 24
LOW_DEVIATIONS = 8.0
HIGH_DEVIATIONS = 15.0
SIBLING_DEVIATIONS = 12.0

_TIME_LIKE = re.compile(
    r"time|ts|tst|.*timestamp|.*_?time(?:_ms|_s)?|.*_at|uptime.*|up|last_seen|seq|sequence|id|pid|.*_id|f_?cnt|counter|count"
    r"|version|total.*|.*_total|energy|wtst|minute(?:_ts)?|published|frame|epoch|date|heap"
)
_COUNTER = frozenset({"seq", "fcnt", "f_cnt", "sequence"})
_CLOCK_KEYS = frozenset({"time", "timestamp", "ts", "datetime"})
_CLOCK_SLACK_S = 300.0
_EARLIEST_EPOCH_S = 946_684_800.0  # 2000: before it, a clock was never set
_LOSS = re.compile(r"drop|error|fail|lost|discard|fps|retr", re.IGNORECASE)


class Series:
    """One numeric field of a topic or of a template: extremes for all of it, the spread over the last 32 values."""

    __slots__ = (
        "constant_run",
        "count",
        "distinct",
        "high",
        "low",
        "middle",
        "previous",
        "ring",
        "rising",
        "spread",
    )

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = self.previous = 0.0
        self.rising = True
        self.constant_run = 0
        self.ring: deque[float] = deque(maxlen=RING)
        self.distinct: set[float] = set()
        self.middle = 0.0
        self.spread = math.inf

    def add(self, value: float) -> None:
        """Take the next value."""
        if not self.count:
            self.low = self.high = value
        else:
            if value < self.previous:
                self.rising = False
            self.constant_run = self.constant_run + 1 if value == self.previous else 0
            if value < self.low:
                self.low = value
            elif value > self.high:
                self.high = value
        self.previous = value
        self.count += 1
        self.ring.append(value)
        if len(self.distinct) < 3:
            self.distinct.add(value)

    @property
    def varies(self) -> bool:
        """Whether its extremes mean something: at least 8 values, 3 different ones, and not a counter."""
        return self.count >= 8 and len(self.distinct) >= 3 and not self.rising

    def measure(self) -> None:
        """Measure median and spread of the last values anew; costs a sort of 32."""
        self.middle = median(self.ring)
        self.spread = spread(self.ring, self.middle)

    def deviation(self, value: float) -> float:
        """How many robust standard deviations ``value`` lies off the median last measured; 0.0 before that."""
        return abs(value - self.middle) / self.spread


class TemplateState:
    """What the topics of one template have in common."""

    __slots__ = ("live", "messages", "series", "shapes", "topics")

    def __init__(self) -> None:
        self.topics = 0
        self.messages = 0
        self.live = 0
        self.shapes: dict[str, int] = {}
        self.series: dict[str, tuple[dict[str, None], dict[str, Series]]] = {}
        """Structure → the first topics that had it, and the numbers of all that have it by path."""


class TopicState:
    """Everything remembered of one topic."""

    __slots__ = (
        "bytes", "clocks", "first_s", "hashes", "kind", "last", "last_bytes", "last_hash", "last_order", "last_s",
        "masked", "messages", "name", "needle_s", "next_admit_s", "next_parse_s", "novel", "parsed", "series", "shapes",
        "template", "was_offline", "words",
    )  # fmt: skip

    def __init__(self, name: str, masked: tuple[str, ...], template: TemplateState, t_s: float) -> None:
        self.name = name
        self.masked = masked
        self.template = template
        self.kind = TopicKind(name)
        self.messages = self.bytes = self.parsed = self.last_bytes = self.last_order = 0
        self.first_s = self.last_s = t_s
        self.last: Message | None = None
        self.last_hash = 0
        self.hashes: dict[int, int] = {}
        self.novel: set[int] = set()
        self.next_parse_s = self.needle_s = self.next_admit_s = 0.0
        self.shapes: dict[str, int] = {}
        self.series: dict[str, Series] = {}
        self.words: dict[str, dict[str, int]] = {}
        self.was_offline = False
        self.clocks: dict[str, float] = {}

    def note_shape(self, shape: str, signals: list[Signal]) -> None:
        """Count a structure and tell when it is new where many of another were seen."""
        template = self.template
        known = self.shapes.get(shape)
        if known is None and shape not in template.shapes and (self.parsed >= 5 or template.messages >= 10):
            why = "structure not seen before on topics like this"
            signals.append(Signal("new_shape", "medium", shape[:80], why))
        if known is not None or len(self.shapes) < MAX_SHAPES:
            self.shapes[shape] = (known or 0) + 1
        if shape in template.shapes or len(template.shapes) < 4 * MAX_SHAPES:
            template.shapes[shape] = template.shapes.get(shape, 0) + 1
        self.parsed += 1
        template.messages += 1

    def note_values(
        self, found_leaves: list[Leaf], signals: list[Signal]
    ) -> tuple[dict[str, float], list[tuple[str, str]]]:
        """Count a message's values.

        Returns:
            Its numbers that can have extremes, by path; and its short words as (path, word).
        """
        numbers: dict[str, float] = {}
        words: list[tuple[str, str]] = []
        for path, key, value in found_leaves:
            kind = value.__class__
            if kind is float or kind is int:
                self._note_number(path, key, float(value) if abs(value) < 1e300 else 0.0, numbers, signals)
            elif kind is str and key in _CLOCK_KEYS:
                self._note_clock(path, value, signals)
            elif kind is bool or (kind is str and len(value) <= 32):
                self._note_word(path, key, str(value), words)
            elif value is None:
                self._note_null(path, signals)
        return numbers, words

    def _note_number(self, path: str, key: str, value: float, numbers: dict[str, float], signals: list[Signal]) -> None:
        series = self.series.get(path)
        if series is None:
            if len(self.series) >= MAX_SERIES:
                return
            series = self.series[path] = Series()
        if _TIME_LIKE.fullmatch(key) is not None:
            self._note_counter(path, key, value, series, signals)
            return
        numbers[path] = value
        if series.count >= 6:
            if not series.rising and len(series.distinct) >= 3:
                if series.count < 16 or not series.count & 7:
                    series.measure()
                if series.deviation(value) > LOW_DEVIATIONS:
                    signals.append(outlier(path, value, series.middle, series.deviation(value)))
            elif series.constant_run >= 3 and value != series.previous:
                severity = "high" if _LOSS.search(path) or value == 0 else "low"
                signals.append(Signal("level_change", severity, path, f"{quote(path, 40)} was constant, now {value:g}"))
        series.add(value)

    def compare_with_siblings(self, shape: str, numbers: dict[str, float], signals: list[Signal]) -> None:
        """Find values that are far from those of at least 24 other topics of the same template and structure.

        This finds the one bad sensor of a fleet when each sends a single message.
        """
        template = self.template
        if template.topics < MIN_SIBLINGS:
            return
        known = template.series.get(shape)
        if known is None:
            if len(template.series) >= MAX_SHAPES:
                return
            known = template.series[shape] = ({}, {})
        by_topic, by_path = known
        if len(by_topic) < MIN_SIBLINGS:
            by_topic[self.name] = None
        for path, value in numbers.items():
            series = by_path.get(path)
            if series is None:
                if len(by_path) >= MAX_SERIES:
                    continue
                series = by_path[path] = Series()
            if series.count >= MIN_SIBLINGS and len(by_topic) >= MIN_SIBLINGS and len(series.distinct) >= 3:
                if not series.count & 15 or math.isinf(series.spread):
                    series.measure()
                if series.deviation(value) > SIBLING_DEVIATIONS and not any(one.code == "outlier" for one in signals):
                    signals.append(outlier(path, value, series.middle, series.deviation(value)))
            series.add(value)

    def _note_counter(self, path: str, key: str, value: float, series: Series, signals: list[Signal]) -> None:
        if series.count:
            if key.startswith("up") and value < series.previous:
                signals.append(Signal("reboot", "high", path, f"{quote(path, 40)} fell to {value:g}: it restarted"))
            elif key in _COUNTER and series.count >= 3 and value > series.previous + 5:
                missing = value - series.previous - 1
                signals.append(Signal("sequence_gap", "medium", path, f"{quote(path, 40)} jumps by {missing:g}"))
        series.add(value)

    def _note_word(self, path: str, key: str, word: str, words: list[tuple[str, str]]) -> None:
        if _TIME_LIKE.fullmatch(key) is not None:
            return
        seen = self.words.get(path)
        if seen is None:
            if len(self.words) >= MAX_WORD_FIELDS:
                return
            seen = self.words[path] = {}
        if word in seen or len(seen) < MAX_WORDS:
            seen[word] = seen.get(word, 0) + 1
            words.append((path, word))

    def _note_clock(self, path: str, value: str, signals: list[Signal]) -> None:
        """Compare a device's own time with arrival: a constant offset is its time zone, a changed one a wrong clock."""
        try:
            epoch_s = datetime.fromisoformat(value[:32]).replace(tzinfo=UTC).timestamp()
        except (ValueError, OverflowError):
            return
        offset_s = epoch_s - self.last_s
        usual_s = self.clocks.get(path, offset_s)
        if len(self.clocks) < MAX_CLOCKS:
            self.clocks.setdefault(path, offset_s)
        if epoch_s < _EARLIEST_EPOCH_S or abs(offset_s - usual_s) > _CLOCK_SLACK_S:
            why = f"{quote(path, 40)} is {quote(value, 32)}: the device's clock is wrong"
            signals.append(Signal("clock_skew", "medium", path, why))

    def _note_null(self, path: str, signals: list[Signal]) -> None:
        series = self.series.get(path)
        if series is not None and series.count >= 2:
            signals.append(Signal("null_reading", "high", path, f"{quote(path, 40)} is null where a number was"))


def outlier(path: str, value: float, middle: float, deviation: float) -> Signal:
    """The signal for a value that lies ``deviation`` robust standard deviations off the median ``middle``."""
    severity = "high" if deviation > HIGH_DEVIATIONS else "low"
    return Signal("outlier", severity, path, f"{quote(path, 40)} = {value:g}, usually about {middle:g}")
