"""What is remembered of one topic while a device is watched: counts, times, states, series; all of it bounded.

Holds facts only. ``detect.py`` fills in what payloads say, ``findings.py`` and ``readings.py`` judge at the end.
"""

import zlib
from collections import Counter, deque

from mqtt_mcp.analysis.devices.availability import State
from mqtt_mcp.analysis.devices.place import Role
from mqtt_mcp.analysis.statistics import percentile
from mqtt_mcp.mqtt.client import Message

KEPT_PAYLOAD_BYTES = 2_048
MAX_SERIES = 40
MAX_PATH_CHARS = 300
"""Fields with longer paths have no series."""
MAX_KEY_CHARS = 120
"""Names of fields are cut to so much where a structure is remembered."""
RING = 32
MAX_NOTES = 20
_DUPLICATE_S = 0.2


class Series:
    """One numeric field of one topic."""

    __slots__ = (
        "count",
        "decimals",
        "distinct",
        "falls",
        "last",
        "last_s",
        "maximum",
        "maximum_s",
        "minimum",
        "minimum_s",
        "ring",
        "same",
    )

    def __init__(self) -> None:
        self.count = self.same = 0
        self.falls = self.decimals = False
        self.last = self.last_s = self.minimum_s = self.maximum_s = 0.0
        self.minimum, self.maximum = float("inf"), float("-inf")
        self.distinct: set[float] = set()
        self.ring: deque[float] = deque(maxlen=RING)

    def add(self, value: float, t_s: float) -> None:
        """Take one finite value at ``t_s`` seconds since the start."""
        if self.count and value == self.last:
            self.same += 1
        else:
            self.falls = self.falls or (self.count > 0 and value < self.last)
            self.same = 0
        self.decimals = self.decimals or not value.is_integer()
        self.count += 1
        self.last, self.last_s = value, t_s
        if value < self.minimum:
            self.minimum, self.minimum_s = value, t_s
        if value > self.maximum:
            self.maximum, self.maximum_s = value, t_s
        if len(self.distinct) < 4:
            self.distinct.add(value)
        self.ring.append(value)


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
        "bytes",
        "changes",
        "close",
        "duplicates",
        "expire_after_s",
        "first_s",
        "formats",
        "gaps",
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
        "messages",
        "notes",
        "nulls",
        "offsets_s",
        "parsed",
        "reboots",
        "role",
        "series",
        "shape",
        "shape_change",
        "shapes",
        "states",
        "stored",
        "stored_offset_s",
        "tokens",
        "tokens_s",
        "topic",
        "uptime",
    )

    def __init__(self, topic: str, levels: list[str], role: Role, t_s: float) -> None:
        self.topic, self.levels, self.role = topic, levels, role
        self.expire_after_s = 0.0
        """Silence after which Home Assistant calls it unavailable, as announced; 0.0 never."""
        self.close = False
        """It may belong to the wanted device: look closely."""
        self.last_bytes = 0
        self.messages = self.live = self.stored = self.bytes = self.duplicates = self.parsed = 0
        self.first_s = self.last_s = t_s
        self.last_live_s: float | None = None
        self.gaps: deque[float] = deque(maxlen=64)
        self.longest_gap = self.longest_gap_from_s = 0.0
        self.hash = 0
        self.last_payload, self.last_retain = b"", False
        self.formats: Counter[str] = Counter()
        self.malformed, self.malformed_s, self.malformed_text = 0, 0.0, ""
        self.changes: deque[Change] = deque(maxlen=30)
        self.states: Counter[State] = Counter()
        """How often each state was entered."""
        self.series: dict[str, Series] = {}
        self.nulls: dict[str, tuple[int, float]] = {}
        """Field that had numbers → how often it was null after that, and when first."""
        self.notes: deque[Note] = deque(maxlen=MAX_NOTES)
        self.uptime: float | None = None
        self.reboots: list[tuple[float, str]] = []
        self.link_readings = 0
        self.links: dict[str, float] = {}
        self.shapes: Counter[str] = Counter()
        self.shape: dict[str, str] = {}
        """Top-level keys and their types in the established structure."""
        self.shape_change: tuple[float, str] | None = None
        self.offsets_s: deque[float] = deque(maxlen=8)
        """Time in the payload minus arrival, in seconds; arrivals count from the start of the watch."""
        self.stored_offset_s: float | None = None
        self.injection: tuple[float, str] | None = None
        self.ids: set[str] = set()
        self.tokens, self.tokens_s = 20.0, t_s
        self.held_bytes = 0
        """What it took when it was last weighed."""

    def arrive(self, message: Message, t_s: float) -> None:
        """Count one message; cheap, for every message."""
        self.messages += 1
        self.bytes += len(message.payload)
        self.last_s = t_s
        self.last_retain = message.retain
        self.last_bytes = len(message.payload)
        self.last_payload = message.payload[:KEPT_PAYLOAD_BYTES]
        if message.retain:
            self.stored += 1
            return
        self.live += 1
        digest = zlib.crc32(message.payload)
        if self.last_live_s is not None:
            gap = t_s - self.last_live_s
            if digest == self.hash and gap <= _DUPLICATE_S:
                self.duplicates += 1
            else:
                self.gaps.append(gap)
                if gap > self.longest_gap:
                    self.longest_gap, self.longest_gap_from_s = gap, self.last_live_s
        self.hash = digest
        self.last_live_s = t_s

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

    @property
    def state(self) -> Change | None:
        """The availability announced last."""
        return self.changes[-1] if self.changes else None

    def median_gap_s(self) -> float:
        """Median interval of live messages; 0.0 for none."""
        return percentile(sorted(self.gaps), 0.5)

    def cadence(self) -> str:
        """``periodic``, ``irregular`` or ``unknown`` (fewer than five intervals)."""
        if len(self.gaps) < 5:
            return "unknown"
        middle = self.median_gap_s()
        regular = sum(0.6 * middle <= gap <= 1.4 * middle for gap in self.gaps)
        return "periodic" if middle > 0 and regular >= 0.6 * len(self.gaps) else "irregular"
