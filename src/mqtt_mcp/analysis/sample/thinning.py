"""Which message of a full pool is missed least: coverage kept up to date message by message.

Owns, for each member of a pool, how much would stay uncovered without it. The work of one arrival or departure is
proportional to the facets of that one message, and a heap finds the least missed: a full pool is thinned one by one and
nobody waits for a large clearing. Does not know what the facets mean (``pool.py`` does)
and does not choose what is shown (``pruning.py`` does).
"""

import heapq
from collections.abc import Hashable, Iterable

_MAX_STALE = 50
"""Entries of the heap that may be out of date; then it is made anew, so that no single message meets them all."""

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
        self._heap: list[tuple[int, int]] = []
        """(alone, -member): what a member covered alone at some time; never more than it does now."""

    def __len__(self) -> int:
        """How many members there are."""
        return len(self._rows)

    def add(self, number: int, facets: Iterable[Facet]) -> None:
        """Take a member.

        Args:
            number: Its own, at least 0; not that of another member.
            facets: What it covers. Of facets with equal keys the first counts.
        """
        covers = self._covers
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
                        self._lose(cover)
                cover = covers[key] = _Cover(key, state)
                mine += weight
            elif cover.count == 1:
                self._lose(cover)
            cover.newest = number
            cover.count += 1
            cover.numbers += number
            cover.weights += weight
            row.append((cover, weight))
        self._rows[number] = row
        self._alone[number] = mine
        heapq.heappush(self._heap, (mine, -number))
        self.steps += len(row)
        if len(self._heap) > len(self._alone) + _MAX_STALE:
            self.steps += len(self._alone)
            self._heap = [(alone, -member) for member, alone in self._alone.items()]
            heapq.heapify(self._heap)

    def _lose(self, cover: _Cover) -> None:
        """The only owner of a facet covers it no longer alone."""
        number = cover.numbers
        self._alone[number] = alone = self._alone[number] - cover.weights
        heapq.heappush(self._heap, (alone, -number))

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
        """The member that covers least alone; of equals the latest. There must be one.

        An entry of the heap that is out of date says too little, never too much: it is put right when it comes up.
        """
        heap, alone = self._heap, self._alone
        while True:
            self.steps += 1
            said, negative = heap[0]
            now = alone.get(-negative)
            if now == said:
                return -negative
            if now is None or now < said:  # gone, or a later entry says less
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (now, negative))
