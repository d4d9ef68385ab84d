"""One numeric field over time: a ring of its last values, its extremes, and how often it changed.

Holds facts only, bounded.
"""

from mqtt_mcp.analysis.devices.fields import Traits

RING = 32
_MAX_DISTINCT = 4
_ALONE = 0.3


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
        "second_maximum",
        "second_minimum",
        "traits",
    )

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.count = self.same = self.changes = 0
        self.falls = self.decimals = False
        self.last = self.last_s = self.minimum_s = self.maximum_s = 0.0
        self.minimum = self.second_minimum = float("inf")
        self.maximum = self.second_maximum = float("-inf")
        self.distinct: list[float] = []
        """The first four different values."""
        self.ring: list[float] = []
        """The last values; a list, because an empty deque takes as much as 90 floats."""

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
            self.second_minimum, self.minimum, self.minimum_s = self.minimum, value, t_s
        elif self.minimum < value < self.second_minimum:
            self.second_minimum = value
        if value > self.maximum:
            self.second_maximum, self.maximum, self.maximum_s = self.maximum, value, t_s
        elif self.second_maximum < value < self.maximum:
            self.second_maximum = value
        if len(self.distinct) < _MAX_DISTINCT and value not in self.distinct:
            self.distinct.append(value)
        if len(self.ring) >= RING:
            del self.ring[0]
        self.ring.append(value)

    def stands_alone(self, value: float, middle: float) -> bool:
        """Whether an extreme is far from every other value too: what drifts or swings gets there step by step."""
        nearest = self.second_minimum if value == self.minimum else self.second_maximum
        return abs(value - nearest) > _ALONE * abs(value - middle)
