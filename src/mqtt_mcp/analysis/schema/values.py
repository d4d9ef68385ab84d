"""The scalar values of one field: numbers and strings, counted exactly and kept within bounds, mergeable.

Owns ranges, means, distinct values and the formats that all strings share. Does not know paths or structure
(``profile.py`` does).
"""

import math
from collections import Counter, deque
from sys import getsizeof

from mqtt_mcp.analysis.memory import FLOAT_BYTES, NUMBER_BYTES, slots_bytes
from mqtt_mcp.analysis.words import formats, is_secret_text

MAX_VALUES = 40
"""Distinct strings of one field kept for enums and examples."""
MAX_VALUE_CHARS = 120
RING = 64
MAX_MAGNITUDE = 1e150

EPOCH_UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}
_YEAR_2001, _YEAR_2100 = 978_307_200.0, 4_102_444_800.0


def epoch_unit(value: float) -> str:
    """The unit in which a number would be a Unix time between 2001 and 2100, or empty."""
    if value < _YEAR_2001:
        return ""
    return next((unit for unit, scale in EPOCH_UNITS.items() if _YEAR_2001 <= value / scale <= _YEAR_2100), "")


_NUMBERS_BYTES = slots_bytes(15) + 3 * FLOAT_BYTES


class Numbers:
    """Numbers of one field: exact count, range and mean; percentiles over the last ``RING``."""

    __slots__ = (
        "count",
        "decimals",
        "distinct",
        "epoch_offset_s",
        "falls",
        "first",
        "held_bytes",
        "last",
        "m2",
        "maximum",
        "mean",
        "minimum",
        "ring",
        "rises",
        "unbounded",
    )

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.m2 = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.first = self.last = 0.0
        self.decimals = 0
        self.rises = self.falls = 0
        self.distinct: set[float] = set()
        self.ring: deque[float] = deque(maxlen=RING)
        self.epoch_offset_s: float | None = None
        self.unbounded = False
        """True when a number was too large to calculate with: minimum and maximum do not hold."""
        self.held_bytes = 0
        """What it takes, about; follows ``add`` only."""

    def add(self, value: float, t_s: float) -> None:
        """Take one number that arrived at ``t_s`` seconds since the start."""
        if not abs(value) < MAX_MAGNITUDE:  # also NaN; squares of larger ones overflow
            self.unbounded = True
            return
        if not self.count:
            self.first = value
        elif value > self.last:
            self.rises += 1
        elif value < self.last:
            self.falls += 1
        self.last = value
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.m2 += delta * (value - self.mean)
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        if len(self.distinct) <= MAX_VALUES:
            self.distinct.add(value)
        self.ring.append(value)
        if self.count <= 2 * RING:  # later it grows no more, or by a few values among thousands
            small = isinstance(value, int) and -5 <= value <= 256  # those exist once for all
            values = 0 if small else max(len(self.ring), len(self.distinct))
            tables = getsizeof(self.distinct) + getsizeof(self.ring)
            self.held_bytes = max(self.held_bytes, _NUMBERS_BYTES + tables + NUMBER_BYTES * values)
        if self.decimals < 6 and value != int(value):
            self.decimals = max(self.decimals, len(repr(float(value)).partition(".")[2].rstrip("0")))
        unit = epoch_unit(value)
        self.epoch_offset_s = value / EPOCH_UNITS[unit] - t_s if unit else None

    def merge(self, other: "Numbers") -> None:
        """Join another field's numbers; order is lost, so rises and falls just add up."""
        self.unbounded = self.unbounded or other.unbounded
        if not other.count:
            return
        total = self.count + other.count
        delta = other.mean - self.mean
        self.m2 += other.m2 + delta * delta * self.count * other.count / total
        self.mean += delta * other.count / total
        self.first = self.first if self.count else other.first
        self.last = other.last
        self.count = total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.decimals = max(self.decimals, other.decimals)
        self.rises += other.rises
        self.falls += other.falls
        if len(self.distinct) <= MAX_VALUES:
            self.distinct |= other.distinct
        self.ring.extend(other.ring)
        self.epoch_offset_s = other.epoch_offset_s if other.epoch_offset_s is not None else self.epoch_offset_s


_STRINGS_BYTES = slots_bytes(8) + getsizeof(Counter()) + getsizeof(frozenset())


class Strings:
    """Strings of one field: bounded distinct values, lengths, and the formats all of them have."""

    __slots__ = ("count", "formats", "held_bytes", "max_chars", "min_chars", "overflow", "secret", "values")

    def __init__(self) -> None:
        self.count = 0
        self.values: Counter[str] = Counter()
        self.overflow = False
        self.secret = False
        self.min_chars = 1 << 60
        self.max_chars = 0
        self.formats: frozenset[str] | None = None
        self.held_bytes = _STRINGS_BYTES
        """What it takes, about."""

    def add(self, text: str) -> None:
        """Take one string."""
        self.count += 1
        self.min_chars = min(self.min_chars, len(text))
        self.max_chars = max(self.max_chars, len(text))
        self.secret = self.secret or is_secret_text(text)
        if self.formats is None or self.formats:
            self.formats = formats(text, self.formats)
        self._count(text, 1)

    def _count(self, text: str, times: int) -> None:
        if len(text) > MAX_VALUE_CHARS:
            self.overflow = True
            text = text[:MAX_VALUE_CHARS] + "…"
        if text in self.values:
            self.values[text] += times
        elif len(self.values) < MAX_VALUES:
            table = getsizeof(self.values)
            self.values[text] = times
            self.held_bytes += getsizeof(text) + getsizeof(self.values) - table
        else:
            self.overflow = True

    def merge(self, other: "Strings") -> None:
        """Join another field's strings."""
        self.count += other.count
        self.overflow = self.overflow or other.overflow
        self.secret = self.secret or other.secret
        self.min_chars = min(self.min_chars, other.min_chars)
        self.max_chars = max(self.max_chars, other.max_chars)
        if other.formats is not None:
            self.formats = other.formats if self.formats is None else self.formats & other.formats
        for text, times in other.values.items():
            self._count(text, times)
