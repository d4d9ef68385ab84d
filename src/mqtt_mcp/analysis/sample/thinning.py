"""Which message of a full pool is missed least: coverage kept up to date message by message.

Owns, for each member of a pool, how much would stay uncovered without it. The work of one arrival or departure is
proportional to the facets of that one message, and finding the least missed looks at one number per member: a full
pool is thinned one by one and nobody waits for a large clearing. Does not know what the facets mean (``pool.py`` does)
and does not choose what is shown (``pruning.py`` does).
"""

from collections.abc import Hashable, Iterable

Facet = tuple[Hashable, Hashable, int]
"""What a member covers: a key, its state and a weight of at least 0.

A key has one state at a time. A member that brings another state makes the earlier one void: the newest of its kind, or
a value beyond the extreme so far.
"""


class _Cover:
    """Who covers one facet. Of a single owner the sums are its number and its weight."""

    __slots__ = ("count", "key", "live", "newest", "numbers", "state", "weights")

    def __init__(self, key: Hashable, state: Hashable) -> None:
        self.key = key
        self.state = state
        self.live = True
        self.count = self.numbers = self.weights = 0
        self.newest = -1


class Coverage:
    """What the members of a pool cover together, and what each covers alone.

    Attributes:
        steps: Facets updated and members looked at so far; the measure of the work, whatever the machine.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._covers: dict[Hashable, _Cover] = {}
        self._rows: dict[int, list[tuple[_Cover, int]]] = {}
        self._alone: dict[int, int] = {}

    def __len__(self) -> int:
        """How many members there are."""
        return len(self._rows)

    def add(self, number: int, facets: Iterable[Facet]) -> None:
        """Take a member.

        Args:
            number: Its own, at least 0; not that of another member.
            facets: What it covers. Of facets with equal keys the first counts.
        """
        covers, alone = self._covers, self._alone
        row: list[tuple[_Cover, int]] = []
        mine = 0
        for key, state, weight in facets:
            cover = covers.get(key)
            if cover is not None and cover.newest == number:
                continue
            if cover is None or cover.state != state:
                if cover is not None:
                    cover.live = False
                    if cover.count == 1:
                        alone[cover.numbers] -= cover.weights
                cover = covers[key] = _Cover(key, state)
                mine += weight
            elif cover.count == 1:
                alone[cover.numbers] -= cover.weights
            cover.newest = number
            cover.count += 1
            cover.numbers += number
            cover.weights += weight
            row.append((cover, weight))
        self._rows[number] = row
        alone[number] = mine
        self.steps += len(row)

    def remove(self, number: int) -> None:
        """Let a member go; what it shared with one other, that one now covers alone."""
        row = self._rows.pop(number)
        del self._alone[number]
        for cover, weight in row:
            cover.count -= 1
            cover.numbers -= number
            cover.weights -= weight
            if cover.live:
                if cover.count == 1:
                    self._alone[cover.numbers] += cover.weights
                elif not cover.count:
                    del self._covers[cover.key]
        self.steps += len(row)

    def least_missed(self) -> int:
        """The member that covers least alone; of equals the latest. There must be one."""
        self.steps += len(self._alone)
        return min(reversed(self._alone), key=self._alone.__getitem__)
