"""One numeric field over time: extremes for all of it, the spread over its last 32 values.

Owns the bounded memory of one series. Says nothing about what a value means (``tracking.py`` does).
"""

import math
from collections import deque

from mqtt_mcp.analysis.statistics import median, spread

RING = 32


class Series:
    """One numeric field of a topic or of a template."""

    __slots__ = ("constant_run", "count", "distinct", "high", "low", "middle", "previous", "ring", "rising", "spread")

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = self.previous = 0.0
        self.rising = True
        self.constant_run = 0
        self.ring: deque[float] = deque(maxlen=RING)
        self.distinct = 0
        """Different values in a row so far, at most 3 are counted: enough to tell a series from a switch."""
        self.middle = 0.0
        self.spread = math.inf

    def add(self, value: float) -> None:
        """Take the next value."""
        if not self.count:
            self.low = self.high = value
            self.distinct = 1
        elif value == self.previous:
            self.constant_run += 1
        else:
            self.constant_run = 0
            if value < self.previous:
                self.rising = False
            if value < self.low:
                self.low = value
            elif value > self.high:
                self.high = value
            if self.distinct < 3 and (self.distinct == 1 or value not in self.ring):
                self.distinct += 1
        self.previous = value
        self.count += 1
        self.ring.append(value)

    def is_record(self, value: float) -> bool:
        """Whether ``value`` would be lower or higher than everything so far."""
        return value < self.low or value > self.high or not self.count

    @property
    def varies(self) -> bool:
        """Whether its extremes mean something: at least 8 values, 3 different ones, and not a counter."""
        return self.count >= 8 and self.distinct >= 3 and not self.rising

    def measure(self) -> None:
        """Measure median and spread of the last values anew; costs a sort of 32."""
        self.middle = median(self.ring)
        self.spread = spread(self.ring, self.middle)

    def deviation(self, value: float) -> float:
        """How many robust standard deviations ``value`` lies off the median last measured; 0.0 before that."""
        return abs(value - self.middle) / self.spread
