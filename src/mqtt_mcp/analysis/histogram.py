"""A log-linear histogram: percentiles of latencies, gaps and sizes in bounded memory with a known error.

Owns the HdrHistogram layout (32 sub-buckets per power of two, relative error at most 1/64). Does not know units: it
counts non-negative integers, and whoever feeds it names the unit.
"""

import math
from sys import getsizeof

SUB_BUCKET_BITS = 5
MAX_VALUE = (1 << 42) - 1
"""Larger values are counted as this one; in microseconds it is 50 days."""


def bucket_of(value: int) -> int:
    """The bucket that counts ``value`` (0 to ``MAX_VALUE``); values below 64 have a bucket each."""
    shift = max(0, value.bit_length() - SUB_BUCKET_BITS - 1)
    return (shift << SUB_BUCKET_BITS) + (value >> shift)


def bucket_bounds(bucket: int) -> tuple[int, int]:
    """The lowest and the highest value that ``bucket`` counts."""
    shift = max(0, (bucket >> SUB_BUCKET_BITS) - 1)
    low = (bucket - (shift << SUB_BUCKET_BITS)) << shift
    return low, low + (1 << shift) - 1


class Histogram:
    """Counts non-negative integers; at most 1,216 buckets whatever it is fed."""

    __slots__ = ("_buckets", "count", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.minimum = 0
        self.maximum = 0

    def record(self, value: int, times: int = 1) -> None:
        """Count one value so many times; negative ones count as 0, those above ``MAX_VALUE`` as ``MAX_VALUE``."""
        # Runs for every message of a watch: comparisons and no calls.
        if value < 0:
            value = 0
        elif value > MAX_VALUE:
            value = MAX_VALUE
        if self.count == 0 or value < self.minimum:
            self.minimum = value
        if value > self.maximum:  # noqa: PLR1730 - hot path
            self.maximum = value
        self.count += times
        self.total += value * times
        shift = value.bit_length() - SUB_BUCKET_BITS - 1
        bucket = (shift << SUB_BUCKET_BITS) + (value >> shift) if shift > 0 else value
        self._buckets[bucket] = self._buckets.get(bucket, 0) + times

    def merge(self, other: "Histogram") -> None:
        """Add everything ``other`` counted."""
        if other.count == 0:
            return
        self.minimum = other.minimum if self.count == 0 else min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.count += other.count
        self.total += other.total
        for bucket, count in other._buckets.items():  # noqa: SLF001 - the same class
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    @property
    def held_bytes(self) -> int:
        """About what the buckets take."""
        return 100 + getsizeof(self._buckets) + 32 * len(self._buckets)

    @property
    def mean(self) -> float:
        """Exact arithmetic mean of what was counted, 0.0 when nothing was."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, fraction: float) -> float:
        """The value at or below which ``fraction`` of the counted values lie (nearest rank).

        Args:
            fraction: 0.0 to 1.0; 0.0 is the minimum and 1.0 the maximum, both exact.

        Returns:
            The middle of the bucket, never outside the smallest and largest value seen; 0.0 when none was.
        """
        if self.count == 0:
            return 0.0
        rank = math.ceil(fraction * self.count)
        if rank <= 1:
            return float(self.minimum)
        if rank >= self.count:
            return float(self.maximum)
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                low, high = bucket_bounds(bucket)
                return min(max((low + high) / 2, self.minimum), self.maximum)
        return float(self.maximum)
