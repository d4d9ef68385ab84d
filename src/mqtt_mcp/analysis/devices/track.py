"""What is remembered of one topic while a device is watched: counts, times, states, series; all of it bounded.

Holds facts only. ``detect.py`` and its neighbours fill in what payloads say, the ``checks_*`` judge at the end.
"""

import zlib
from collections import Counter

from mqtt_mcp.analysis.devices.availability import State
from mqtt_mcp.analysis.devices.roles import Role
from mqtt_mcp.analysis.devices.sequences import MessageCounter
from mqtt_mcp.analysis.devices.series import Series
from mqtt_mcp.analysis.devices.times import PayloadTimes
from mqtt_mcp.analysis.statistics import percentile
from mqtt_mcp.mqtt.client import Message

KEPT_PAYLOAD_BYTES = 2_048
MAX_SERIES = 40
MAX_PATH_CHARS = 300
"""Fields with longer paths have no series."""
MAX_KEY_CHARS = 120
"""Names of fields are cut to so much where a structure is remembered."""
MAX_NOTES = 20
MAX_CHANGES = 30
MAX_GAPS = 64
DUPLICATE_S = 0.2
"""The same payload again within this time is one message that came twice."""
_LOOP_S = 1.0


class Note:
    """Something said at a moment: an error, a warning, an alarm, an event. ``text`` is foreign."""

    __slots__ = (
        "count",
        "kind",
        "last_s",
        "level",
        "t_s",
        "text",
    )

    def __init__(self, kind: str, level: str, text: str, t_s: float) -> None:
        self.kind, self.level, self.text = kind, level, text
        self.t_s = self.last_s = t_s
        self.count = 1


class Change:
    """An availability announced at ``t_s``; ``stored`` when it was a stored message."""

    __slots__ = (
        "state",
        "stored",
        "t_s",
        "word",
    )

    def __init__(self, state: State, word: str, t_s: float, *, stored: bool) -> None:
        self.state, self.word, self.t_s, self.stored = state, word, t_s, stored


class Track:
    """One topic."""

    __slots__ = (
        "changes",
        "close",
        "counter",
        "duplicates",
        "early",
        "expire_after_s",
        "first_s",
        "gaps",
        "good_quality",
        "hash",
        "held_bytes",
        "ids",
        "injection",
        "last_bytes",
        "last_live_s",
        "last_payload",
        "last_retain",
        "last_s",
        "levels",
        "link_readings",
        "links",
        "live",
        "longest_gap",
        "longest_gap_from_s",
        "malformed",
        "malformed_s",
        "malformed_text",
        "max_bytes",
        "messages",
        "momentary",
        "notes",
        "nulls",
        "parsed",
        "peak",
        "peak_s",
        "qos0",
        "qos2",
        "reboots",
        "removed_s",
        "repeated",
        "repeats",
        "role",
        "run",
        "run_from_s",
        "run_longest",
        "run_longest_s",
        "second",
        "second_count",
        "series",
        "shape",
        "shape_change",
        "shapes",
        "stored",
        "stored_event",
        "times",
        "tokens",
        "tokens_s",
        "topic",
        "unit",
        "uptime",
        "words",
    )

    def __init__(self, topic: str, levels: list[str], role: Role, t_s: float) -> None:
        self.topic, self.levels, self.role = topic, levels, role
        self.expire_after_s = 0.0
        """Silence after which Home Assistant calls it unavailable, as announced; 0.0 never."""
        self.close = self.momentary = False
        """It may belong to the wanted device: look closely. Its messages tell of moments, such as a pressed button."""
        self.last_bytes = 0
        self.messages = self.live = self.stored = self.duplicates = self.parsed = 0
        self.first_s = self.last_s = t_s
        self.last_live_s: float | None = None
        self.gaps: list[float] = []
        self.longest_gap = self.longest_gap_from_s = 0.0
        self.hash = 0
        self.last_payload, self.last_retain = b"", False
        self.malformed, self.malformed_s, self.malformed_text = 0, 0.0, ""
        self.changes: list[Change] = []
        self.series: dict[str, Series] = {}
        self.nulls: dict[str, tuple[int, float]] = {}
        """Field that had numbers → how often it was null after that, and when first."""
        self.notes: list[Note] = []
        self.uptime: float | None = None
        self.reboots: list[tuple[float, str]] = []
        self.links: dict[str, float] = {}
        self.shapes: Counter[str] = Counter()
        self.shape: dict[str, str] = {}
        """Fields by path and their types in the established structure."""
        self.shape_change: tuple[float, str] | None = None
        self.early: tuple[str, float, dict[str, str]] | None = None
        """Another structure from before one was established: signature, time, types."""
        self.peak = self.second = self.second_count = 0
        """Most live messages within one second; the second of the last message, and its count until now."""
        self.peak_s = self.run_from_s = self.run_longest_s = 0.0
        self.repeated = self.repeats = 0
        """Messages that came again within ``DUPLICATE_S``; copies of the last one until now."""
        self.run = self.run_longest = 0
        """Equal payloads in succession, each less than a second after the one before: now, and the longest."""
        self.max_bytes = self.qos0 = self.qos2 = self.link_readings = 0
        self.removed_s: float | None = None
        """When an empty live message came."""
        self.good_quality = False
        self.times: PayloadTimes | None = None
        self.counter: MessageCounter | None = None
        self.words = 0
        """Live texts that were values."""
        self.unit = self.stored_event = ""
        """What a stored message tells of a moment, such as a pressed button."""
        self.injection: tuple[float, str] | None = None
        self.ids: frozenset[str] = frozenset()
        self.tokens, self.tokens_s = 20.0, t_s
        self.held_bytes = 0
        """What it took when it was last weighed."""

    def arrive(self, message: Message, t_s: float) -> None:
        """Count one message; cheap, for every message."""
        size = len(message.payload)
        self.messages += 1
        self.last_s = t_s
        self.last_retain = message.retain
        self.last_bytes = size
        self.max_bytes = max(self.max_bytes, size)
        self.last_payload = message.payload[:KEPT_PAYLOAD_BYTES]
        if message.retain:
            self.stored += 1
            return
        self.live += 1
        self.qos0 += message.qos == 0
        self.qos2 += message.qos == 2
        self._rate(t_s)
        digest = zlib.crc32(message.payload)
        if self.last_live_s is not None:
            self._gap(t_s - self.last_live_s, t_s, same=digest == self.hash)
        self.hash = digest
        self.last_live_s = t_s

    def _rate(self, t_s: float) -> None:
        second = int(t_s)
        self.second_count = self.second_count + 1 if second == self.second else 1
        self.second = second
        if self.second_count > self.peak:
            self.peak, self.peak_s = self.second_count, t_s

    def _gap(self, gap: float, t_s: float, *, same: bool) -> None:
        if same and gap <= _LOOP_S:
            if not self.run:
                self.run_from_s = t_s - gap
            self.run += 1
            if self.run > self.run_longest:
                self.run_longest, self.run_longest_s = self.run, self.run_from_s
        else:
            self.run = 0
        if same and gap <= DUPLICATE_S:
            self.duplicates += 1
            self.repeated += not self.repeats
            self.repeats += 1
            return
        self.repeats = 0
        if len(self.gaps) >= MAX_GAPS:
            del self.gaps[0]
        self.gaps.append(gap)
        if gap > self.longest_gap:
            self.longest_gap, self.longest_gap_from_s = gap, t_s - gap

    def may_parse(self, t_s: float, per_s: float) -> bool:
        """Whether this message may cost a closer look: 20 at once, then ``per_s`` per second."""
        self.tokens = min(20.0, self.tokens + (t_s - self.tokens_s) * per_s)
        self.tokens_s = t_s
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def note(self, kind: str, level: str, text: str, t_s: float) -> None:
        """Remember something said; the same text again is counted."""
        for one in self.notes:
            if one.kind == kind and one.text == text[:300]:
                one.count += 1
                one.last_s = t_s
                return
        self.notes.append(Note(kind, level, text[:300], t_s))
        del self.notes[:-MAX_NOTES]

    def change(self, state: State, word: str, t_s: float, *, stored: bool) -> None:
        """Remember an announced availability, when it is another than before."""
        if self.state is None or self.state.state != state:
            self.changes.append(Change(state, word, t_s, stored=stored))
            del self.changes[:-MAX_CHANGES]

    @property
    def state(self) -> Change | None:
        """The availability announced last."""
        return self.changes[-1] if self.changes else None

    def median_gap_s(self) -> float:
        """Median interval of live messages; 0.0 for none."""
        return percentile(sorted(self.gaps), 0.5)

    def cadence(self) -> str:
        """``periodic``, ``on_change`` (irregular, each value is new), ``irregular`` or ``unknown`` (< 5 intervals)."""
        if len(self.gaps) < 5:
            return "unknown"
        middle = self.median_gap_s()
        regular = sum(0.6 * middle <= gap <= 1.4 * middle for gap in self.gaps)
        if middle > 0 and regular >= 0.6 * len(self.gaps):
            return "periodic"
        values = self.series.get("$")
        return "on_change" if values is not None and values.changes >= values.count - 1 else "irregular"
