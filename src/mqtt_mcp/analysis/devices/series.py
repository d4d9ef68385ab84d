"""One numeric field over time: a ring of its last values, its extremes, and how often it changed.

Holds facts only, bounded.
"""

from collections import deque

from mqtt_mcp.analysis.devices.fields import Traits

RING = 32


class Series:
    """One numeric field of one topic."""

    __slots__ = (
        "changes",
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
        "traits",
    )

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.count = self.same = self.changes = 0
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
            self.changes += self.count > 0
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
