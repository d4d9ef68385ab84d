"""What is remembered of one topic, and the signs that need this memory: outliers, new structures, jumps, restarts.

Owns the bounded state per topic and per template. Does not keep messages beyond the latest small one and chooses
nothing (``sampling.py`` keeps, ``pruning.py`` chooses).
"""

import re
from datetime import UTC, datetime
from typing import Any

from mqtt_mcp.analysis.sample.plans import Field
from mqtt_mcp.analysis.sample.series import Series
from mqtt_mcp.analysis.sample.signals import WEAK_NO_READING, Signal, about_field
from mqtt_mcp.analysis.sample.topic_kind import TopicKind
from mqtt_mcp.analysis.schema.values import EPOCH_UNITS, epoch_unit
from mqtt_mcp.analysis.text import field_name, quote
from mqtt_mcp.mqtt.client import Message

MAX_SHAPES = 8
MAX_SERIES = 40
MAX_SIBLING_KINDS = 24
MAX_WORD_FIELDS = 10
MAX_WORDS = 10
MAX_WORD_CHARS = 32
MAX_HASHES = 16
MAX_NOVEL = 64
MAX_CLOCKS = 4
MIN_SIBLINGS = 24
LOW_DEVIATIONS = 8.0
HIGH_DEVIATIONS = 15.0
SIBLING_DEVIATIONS = 12.0
MAX_CALM = 4_096
_COMPARED_ALWAYS = 3
_LONG_CONSTANT = 8

_COUNTER = frozenset({"seq", "fcnt", "f_cnt", "sequence"})
_CLOCK_SLACK_S = 300.0
_EARLIEST_EPOCH_S = 946_684_800.0  # 2000: before it, a clock was never set
_ZONE_STEP_S, _ZONE_SLACK_S, _MAX_ZONE_S = 900.0, 30.0, 14 * 3600.0
_LOSS = re.compile(r"drop|error|fail|lost|discard|retr", re.IGNORECASE)


class TemplateState:
    """What the topics of one template have in common."""

    __slots__ = ("live", "messages", "series", "shapes", "topics")

    def __init__(self) -> None:
        self.topics = 0
        self.messages = 0
        self.live = 0
        self.shapes: dict[str, int] = {}
        self.series: dict[tuple[str, str], tuple[dict[str, None], dict[str, Series]]] = {}
        """Structure and name of the value → the first topics that had it, and the numbers of all by path."""


class Reading:
    """What one message adds to what is remembered of its topic.

    Attributes:
        numbers: Numbers that can have extremes.
        words: Short words as (path, word).
        record: One of the numbers is lower or higher than all before.
        new_word: One of the words was not seen before.
    """

    __slots__ = ("new_word", "numbers", "record", "words")

    def __init__(self) -> None:
        self.numbers: list[tuple[Field, float]] = []
        self.words: list[tuple[str, str]] = []
        self.record = self.new_word = False


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

    def note_shape(self, shape: str, signals: list[Signal]) -> bool:
        """Count a structure; tell when it is new where many of another were seen. Returns whether the topic had it."""
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
        return known is not None

    def note(
        self, fields: list[tuple[Field, Any]], signals: list[Signal], calm: set[tuple[str, bool, str]], *, live: bool
    ) -> Reading:
        """Take the fields of one message.

        Args:
            fields: ``Plan.read`` of it.
            signals: What was noticed so far; more is appended.
            calm: Short texts that say nothing by themselves, by path and kind of topic; shared by all topics.
            live: It is not a stored message: its clock can be compared with its arrival.
        """
        reading = Reading()
        kind = self.kind
        for field, value in fields:
            letter = field.letter
            if letter == "n":
                if field.judged:
                    signals += about_field(kind, field.path, field.key, value)
                if field.clock and live:
                    self._note_epoch(field.path, value, signals)
                self._note_number(field, float(value) if abs(value) < 1e300 else 0.0, reading, signals)
            elif letter == "s":
                self._note_text(field, value, reading, signals, calm, live=live)
            elif letter == "b":
                if field.judged:
                    signals += about_field(kind, field.path, field.key, value)
                if not field.counts:
                    self._note_word(field.path, "true" if value else "false", reading)
            elif not field.counts:
                self._note_null(field.path, signals)
        return reading

    def _note_text(
        self, field: Field, value: str, reading: Reading, signals: list[Signal], calm: set[tuple[str, bool, str]], *,
        live: bool,
    ) -> None:  # fmt: skip
        if field.clock and live and self._note_clock(field.path, value, signals):
            return
        if len(value) > MAX_WORD_CHARS:
            if field.judged and (" " in value or not field.counts):
                signals += about_field(self.kind, field.path, field.key, value)
            return
        if field.counts and " " not in value:
            return
        known = (field.path, self.kind.availability, value)
        if field.judged and known not in calm:
            found = about_field(self.kind, field.path, field.key, value)
            if found:
                signals += found
            elif len(calm) < MAX_CALM:
                calm.add(known)
        if not field.counts and value.lower() in WEAK_NO_READING:
            self._note_null(field.path, signals)
        if not field.counts:
            self._note_word(field.path, value, reading)

    def _note_number(self, field: Field, value: float, reading: Reading, signals: list[Signal]) -> None:
        path = field.path
        series = self.series.get(path)
        if series is None:
            if len(self.series) >= MAX_SERIES:
                return
            series = self.series[path] = Series()
        if field.counts:
            if series.count:
                self._judge_counter(field, value, series, signals)
            series.add(value)
            return
        reading.numbers.append((field, value))
        count = series.count
        if value < series.low or value > series.high or not count:
            reading.record = True
            # Only a value beyond all others can be far off: what lies between two known extremes was told with them.
            if count >= 6 and series.distinct >= 3 and not series.rising:
                series.measure()
                if series.deviation(value) > LOW_DEVIATIONS and not is_natural(field, value, series.middle):
                    signals.append(outlier(field, value, series.middle, series.deviation(value)))
        if (
            series.constant_run >= 3
            and count >= _LONG_CONSTANT
            and value != series.previous
            and (series.rising or series.distinct < 3)
        ):
            lost = value > series.previous and _LOSS.search(path) is not None
            severity = "high" if lost or (value == 0 and not field.switching) else "low"
            signals.append(Signal("level_change", severity, path, f"{field_name(path)} was constant, now {value:g}"))
        series.add(value)

    def compare_with_siblings(self, shape: str, reading: Reading, signals: list[Signal]) -> None:
        """Find values that are far from those of at least 24 other topics of the same template and structure.

        This finds the one bad sensor of a fleet when each sends a single message. A topic's first messages and those
        with a record are compared.
        """
        template = self.template
        if template.topics < MIN_SIBLINGS or (self.parsed > _COMPARED_ALWAYS and not reading.record):
            return
        key = (shape, self.kind.name)
        known = template.series.get(key)
        if known is None:
            if len(template.series) >= MAX_SIBLING_KINDS:
                return
            known = template.series[key] = ({}, {})
        by_topic, by_path = known
        if len(by_topic) < MIN_SIBLINGS:
            by_topic[self.name] = None
        for field, value in reading.numbers:
            path = field.path
            series = by_path.get(path)
            if series is None:
                if len(by_path) >= MAX_SERIES:
                    continue
                series = by_path[path] = Series()
            if (
                series.count >= MIN_SIBLINGS
                and len(by_topic) >= MIN_SIBLINGS
                and series.distinct >= 3
                and series.is_record(value)
            ):
                series.measure()
                if series.deviation(value) > SIBLING_DEVIATIONS and not any(one.code == "outlier" for one in signals):
                    signals.append(outlier(field, value, series.middle, series.deviation(value)))
            series.add(value)

    def _judge_counter(self, field: Field, value: float, series: Series, signals: list[Signal]) -> None:
        path, key = field.path, field.key
        if key.startswith("up") and value < series.previous:
            signals.append(Signal("reboot", "high", path, f"{field_name(path)} fell to {value:g}: it restarted"))
        elif key in _COUNTER and not self.kind.sparkplug and series.count >= 3 and value > series.previous + 5:
            missing = value - series.previous - 1
            signals.append(Signal("sequence_gap", "medium", path, f"{field_name(path)} jumps by {missing:g}"))

    def _note_word(self, path: str, word: str, reading: Reading) -> None:
        seen = self.words.get(path)
        if seen is None:
            if len(self.words) >= MAX_WORD_FIELDS:
                return
            seen = self.words[path] = {}
        count = seen.get(word)
        if count is not None:
            seen[word] = count + 1
        elif len(seen) < MAX_WORDS:
            seen[word] = 1
            reading.new_word = True
        else:
            return
        reading.words.append((path, word))

    def _note_clock(self, path: str, value: str, signals: list[Signal]) -> bool:
        """Compare a device's own time with arrival. Returns whether the text is a time."""
        try:
            moment = datetime.fromisoformat(value[:35])
            epoch_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return False
        self._judge_clock(path, epoch_s, value, signals)
        return True

    def _note_epoch(self, path: str, value: float, signals: list[Signal]) -> None:
        unit = epoch_unit(value) if value > 0 else ""
        if unit:
            self._judge_clock(path, value / EPOCH_UNITS[unit], f"{value:g}", signals)

    def _judge_clock(self, path: str, epoch_s: float, said: str, signals: list[Signal]) -> None:
        """A constant offset from arrival is a time zone or a slow sensor, a changed one a wrong clock."""
        offset_s = epoch_s - self.last_s
        usual_s = self.clocks.get(path, offset_s)
        if len(self.clocks) < MAX_CLOCKS:
            self.clocks.setdefault(path, offset_s)
        change_s = abs(offset_s - usual_s)
        zone = change_s <= _MAX_ZONE_S and abs(change_s - round(change_s / _ZONE_STEP_S) * _ZONE_STEP_S) < _ZONE_SLACK_S
        if epoch_s < _EARLIEST_EPOCH_S or (change_s > _CLOCK_SLACK_S and not zone):
            why = f"{field_name(path)} is {quote(said, 32)}: the device's clock is wrong"
            signals.append(Signal("clock_skew", "medium", path, why))

    def _note_null(self, path: str, signals: list[Signal]) -> None:
        series = self.series.get(path)
        if series is not None and series.count >= 2:
            signals.append(Signal("null_reading", "high", path, f"{field_name(path)} is null where a number was"))


def is_natural(field: Field, value: float, middle: float) -> bool:
    """Whether being far off means nothing: something that is switched goes off."""
    return field.switching and abs(value) <= abs(middle)


def outlier(field: Field, value: float, middle: float, deviation: float) -> Signal:
    """The signal for a value that lies ``deviation`` robust standard deviations off the median ``middle``."""
    severity = "high" if deviation > HIGH_DEVIATIONS and not field.switching else "low"
    return Signal("outlier", severity, field.path, f"{field_name(field.path)} = {value:g}, usually about {middle:g}")
