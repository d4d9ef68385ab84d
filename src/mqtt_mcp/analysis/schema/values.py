"""The scalar values of one field: numbers and strings, counted exactly and kept within bounds, mergeable.

Owns ranges, means, distinct values and the formats that all strings share. Does not know paths or structure
(``profile.py`` does).
"""

import math
from collections import Counter
from sys import getsizeof

from mqtt_mcp.analysis.memory import FLOAT_BYTES, NUMBER_BYTES, slots_bytes
from mqtt_mcp.analysis.text import looks_like_instruction
from mqtt_mcp.analysis.words import formats, is_secret_text

MAX_VALUES = 40
"""Distinct strings of one field kept for enums and examples."""
MAX_VALUE_CHARS = 120
RING = 64
"""Numbers kept for percentiles are at least so many (if there are) and fewer than twice as many."""
MAX_MAGNITUDE = 1e150
_INSTRUCTION_CHARS = 16

EPOCH_UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}
_YEAR_2001, _YEAR_2100 = 978_307_200.0, 4_102_444_800.0


def epoch_unit(value: float) -> str:
    """The unit in which a number would be a Unix time between 2001 and 2100, or empty."""
    if value < _YEAR_2001:
        return ""
    return next((unit for unit, scale in EPOCH_UNITS.items() if _YEAR_2001 <= value / scale <= _YEAR_2100), "")


_NUMBERS_BYTES = slots_bytes(22) + 5 * FLOAT_BYTES
_RESET_SHARE = 0.1


class Numbers:
    """Numbers of one field: exact count, range and mean; percentiles over a systematic sample of at most ``RING``."""

    __slots__ = (
        "_distinct",
        "count",
        "decimals",
        "epoch_offset_s",
        "falls",
        "first",
        "first_s",
        "held_bytes",
        "integers_only",
        "last",
        "last_s",
        "m2",
        "maximum",
        "mean",
        "minimum",
        "resets",
        "rises",
        "sample",
        "step",
        "stride",
        "unbounded",
    )

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.m2 = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.first = self.last = 0.0
        self.first_s = self.last_s = 0.0
        self.decimals = 0
        self.step = 0
        """Greatest common divisor of the integers."""
        self.integers_only = True
        self.rises = self.falls = self.resets = 0
        """Steps up, steps down, and falls to less than a tenth, as counters have when they start again."""
        self._distinct: set[float] | None = None
        """Different values, up to ``MAX_VALUES`` and one; None as long as ``sample`` has them all."""
        self.sample: list[float] = []
        self.stride = 1
        self.epoch_offset_s: float | None = None
        """As a Unix time, how far the last number of a live message was from the start of the watch's clock."""
        self.unbounded = False
        """True when a number was too large to calculate with: minimum and maximum do not hold."""
        self.held_bytes = 0
        """What it takes, about."""

    def add(self, value: float, t_s: float, *, live: bool = True) -> None:
        """Take one number that arrived at ``t_s`` seconds since the start; a stored one tells nothing of clocks."""
        if not abs(value) < MAX_MAGNITUDE:  # also NaN; squares of larger ones overflow
            self.unbounded = True
            return
        if not self.count:
            self.first, self.first_s = value, t_s
        elif value > self.last:
            self.rises += 1
        elif value < self.last:
            if 0 <= value <= self.last * _RESET_SHARE:
                self.resets += 1
            else:
                self.falls += 1
        self.last, self.last_s = value, t_s
        delta = value - self.mean
        self.mean += delta / (self.count + 1)
        self.m2 += delta * (value - self.mean)
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        if self._distinct is not None and len(self._distinct) <= MAX_VALUES:
            self._distinct.add(value)
        if not self.count % self.stride:
            self._keep(value)
        self.count += 1
        self._digits(value)
        if live:
            unit = epoch_unit(value)
            self.epoch_offset_s = value / EPOCH_UNITS[unit] - t_s if unit else None
        if self.count <= 2 * RING:  # later it grows no more, or by a few values among thousands
            self._measure()

    @property
    def distinct(self) -> set[float]:
        """Different values: all of them, or ``MAX_VALUES`` and one where there were more."""
        if self._distinct is not None:
            return self._distinct
        found = set(self.sample)
        return found if len(found) <= MAX_VALUES else set(sorted(found)[: MAX_VALUES + 1])

    def _keep(self, value: float) -> None:
        self.sample.append(value)
        if len(self.sample) >= 2 * RING:
            self._distinct = self.distinct
            self.sample = self.sample[::2]
            self.stride *= 2

    def _digits(self, value: float) -> None:
        if isinstance(value, int):
            self.step = math.gcd(self.step, value) if self.step != 1 else 1
        else:
            self.integers_only = False
            if self.decimals < 6 and value != int(value):
                self.decimals = max(self.decimals, len(repr(value).partition(".")[2].rstrip("0")))

    def _measure(self) -> None:
        small = self.integers_only and self.minimum >= -5 and self.maximum <= 256  # those exist once for all
        distinct = self._distinct or ()
        values = 0 if small else max(len(self.sample), len(distinct))
        tables = getsizeof(distinct) + getsizeof(self.sample)
        self.held_bytes = max(self.held_bytes, _NUMBERS_BYTES + tables + NUMBER_BYTES * values)

    def merge(self, other: "Numbers") -> None:
        """Join another field's numbers; order is lost, so rises and falls just add up."""
        self.unbounded = self.unbounded or other.unbounded
        if not other.count:
            return
        total = self.count + other.count
        delta = other.mean - self.mean
        self.m2 += other.m2 + delta * delta * self.count * other.count / total
        self.mean += delta * other.count / total
        if not self.count:
            self.first, self.first_s = other.first, other.first_s
        self.last, self.last_s = other.last, other.last_s
        self.count = total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.decimals = max(self.decimals, other.decimals)
        self.step = math.gcd(self.step, other.step)
        self.integers_only = self.integers_only and other.integers_only
        self.rises += other.rises
        self.falls += other.falls
        self.resets += other.resets
        self._join_samples(other)
        self.epoch_offset_s = other.epoch_offset_s if other.epoch_offset_s is not None else self.epoch_offset_s
        self._measure()

    def _join_samples(self, other: "Numbers") -> None:
        stride = max(self.stride, other.stride)
        mine, theirs = self.sample[:: stride // self.stride], other.sample[:: stride // other.stride]
        both = mine + theirs
        if stride > 1 or len(both) >= 2 * RING:
            distinct = self.distinct | other.distinct
            self._distinct = distinct if len(distinct) <= MAX_VALUES else set(sorted(distinct)[: MAX_VALUES + 1])
        while len(both) >= 2 * RING:
            both, stride = both[::2], stride * 2
        self.sample, self.stride = both, stride


_STAMPS = frozenset({"date-time", "spaced-date-time", "local-date-time"})
_STRINGS_BYTES = slots_bytes(10) + 150 + getsizeof(Counter()) + getsizeof(frozenset())


class Strings:
    """Strings of one field: bounded distinct values, lengths, and the formats all of them have."""

    __slots__ = (
        "count",
        "formats",
        "held_bytes",
        "instructs",
        "max_chars",
        "min_chars",
        "overflow",
        "secret",
        "stamp",
        "values",
    )

    def __init__(self) -> None:
        self.count = 0
        self.values: Counter[str] = Counter()
        self.overflow = False
        self.secret = False
        self.instructs = False
        """A value that may be shown seems to address a language model."""
        self.min_chars = 1 << 60
        self.max_chars = 0
        self.formats: frozenset[str] | None = None
        self.stamp: tuple[str, float] | None = None
        """The last date and time of a live message, with its arrival in seconds since the start."""
        self.held_bytes = _STRINGS_BYTES
        """What it takes, about."""

    def add(self, text: str, t_s: float = 0.0, *, live: bool = True) -> None:
        """Take one string that arrived at ``t_s`` seconds since the start."""
        self.count += 1
        self.min_chars = min(self.min_chars, len(text))
        self.max_chars = max(self.max_chars, len(text))
        self.secret = self.secret or is_secret_text(text)
        if self.formats is None or self.formats:
            self.formats = formats(text, self.formats)
            if live and not _STAMPS.isdisjoint(self.formats):
                self.stamp = (text, t_s)
        self._count(text, 1)

    def _count(self, text: str, times: int) -> None:
        if len(text) > MAX_VALUE_CHARS:
            self.overflow = True
            text = text[:MAX_VALUE_CHARS] + "…"
        if text in self.values:
            self.values[text] += times
        elif len(self.values) < MAX_VALUES:
            self.instructs = self.instructs or (len(text) >= _INSTRUCTION_CHARS and looks_like_instruction(text))
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
        self.instructs = self.instructs or other.instructs
        self.min_chars = min(self.min_chars, other.min_chars)
        self.max_chars = max(self.max_chars, other.max_chars)
        if other.formats is not None:
            self.formats = other.formats if self.formats is None else self.formats & other.formats
        self.stamp = other.stamp or self.stamp
        for text, times in other.values.items():
            self._count(text, times)
