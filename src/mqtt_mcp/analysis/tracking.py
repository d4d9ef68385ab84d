"""What is remembered of one topic, and the signs that need this memory: outliers, new structures, jumps, restarts.

Owns the bounded state per topic and per template. Does not keep messages beyond the latest small one and chooses
nothing (``sampling.py`` keeps, ``pruning.py`` chooses).
"""

import re
from collections import deque

from mqtt_mcp.analysis.signals import Leaf, Signal, TopicKind
from mqtt_mcp.analysis.statistics import mad, median
from mqtt_mcp.analysis.text import quote
from mqtt_mcp.mqtt.client import Message

RING = 32
MAX_SHAPES = 8
MAX_SERIES = 40
MAX_WORD_FIELDS = 10
MAX_WORDS = 10
MAX_HASHES = 16
MAX_NOVEL = 64

_TIME_LIKE = re.compile(
    r"time|ts|tst|.*timestamp|.*_?time(?:_ms|_s)?|.*_at|uptime.*|up|last_seen|seq|sequence|id|pid|.*_id|f_?cnt|counter|count"
    r"|version|total.*|.*_total|energy|wtst|minute(?:_ts)?|published|frame|epoch|date|heap"
)
_COUNTER = frozenset({"seq", "fcnt", "f_cnt", "sequence"})
_LOSS = re.compile(r"drop|error|fail|lost|discard|fps|retr", re.IGNORECASE)
_SLACK = 0.005


class Series:
    """One numeric field of a topic or of a template: extremes for all of it, the spread over the last 32 values."""

    __slots__ = (
        "constant_run",
        "count",
        "distinct",
        "high",
        "high_limit",
        "low",
        "low_limit",
        "previous",
        "ring",
        "rising",
    )

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = self.previous = 0.0
        self.rising = True
        self.constant_run = 0
        self.ring: deque[float] = deque(maxlen=RING)
        self.distinct: set[float] = set()
        self.low_limit = -float("inf")
        self.high_limit = float("inf")

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

    def set_limits(self, deviations: float) -> None:
        """Say from where on a value is an outlier: so many robust standard deviations off the median."""
        middle = median(self.ring)
        spread = max(1.4826 * mad(self.ring, middle), _SLACK * abs(middle), 1e-9)
        self.low_limit = middle - deviations * spread
        self.high_limit = middle + deviations * spread

    def outlying(self, value: float) -> bool:
        """Whether ``value`` lies outside of the limits."""
        return value < self.low_limit or value > self.high_limit


class TemplateState:
    """What the topics of one template have in common."""

    __slots__ = ("live", "messages", "series", "shapes", "topics")

    def __init__(self) -> None:
        self.topics = 0
        self.messages = 0
        self.live = 0
        self.shapes: dict[str, int] = {}
        self.series: dict[str, Series] = {}


class TopicState:
    """Everything remembered of one topic."""

    __slots__ = (
        "bytes", "first_s", "hashes", "kind", "last", "last_bytes", "last_hash", "last_order", "last_s", "masked",
        "messages", "name", "needle_s", "next_admit_s", "next_parse_s", "novel", "parsed", "series", "shapes",
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
                    series.set_limits(8.0)
                if series.outlying(value):
                    signals.append(_outlier(path, value, series))
            elif series.constant_run >= 3 and value != series.previous:
                severity = "high" if _LOSS.search(path) or value == 0 else "low"
                signals.append(Signal("level_change", severity, path, f"{quote(path, 40)} was constant, now {value:g}"))
        series.add(value)
        self._note_template_number(path, value, signals)

    def _note_template_number(self, path: str, value: float, signals: list[Signal]) -> None:
        template = self.template
        if template.topics < 12:
            return
        series = template.series.get(path)
        if series is None:
            if len(template.series) >= MAX_SERIES:
                return
            series = template.series[path] = Series()
        if series.count >= 24 and len(series.distinct) >= 3:
            if not series.count & 15:
                series.set_limits(12.0)
            if series.outlying(value) and not any(signal.code == "outlier" for signal in signals):
                signals.append(_outlier(path, value, series))
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

    def _note_null(self, path: str, signals: list[Signal]) -> None:
        series = self.series.get(path)
        if series is not None and series.count >= 2:
            signals.append(Signal("null_reading", "high", path, f"{quote(path, 40)} is null where a number was"))


def _outlier(path: str, value: float, series: Series) -> Signal:
    return Signal("outlier", "high", path, f"{quote(path, 40)} = {value:g}, usually about {median(series.ring):g}")
