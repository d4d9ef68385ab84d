"""What Python objects cost, so that an accumulator can say what it holds and a session can keep its bound.

Owns the arithmetic only: who holds what, and what is let go, is the accumulators' business. Sizes are those CPython
asks its allocator for, as ``tracemalloc`` counts them.
"""

from collections.abc import Iterable
from sys import getsizeof

from mqtt_mcp.analysis.distinct import Distinct

FLOAT_BYTES = 24
NUMBER_BYTES = 32
"""An int that is not one of the small ones that exist anyway, or about a float."""
MAX_EXACT_NAMES = 100_000
_DISTINCT_BYTES = 4_300


def slots_bytes(count: int) -> int:
    """Size of an object with ``count`` slots and without ``__dict__``."""
    return 32 + 8 * count


def texts_bytes(texts: Iterable[str]) -> int:
    """Size of several texts, each counted for itself."""
    return sum(map(getsizeof, texts))


class Names:
    """How many different names there were: exact up to a bound or until memory is short, then about; never a name.

    Args:
        max_exact: How many are told apart exactly.
    """

    __slots__ = ("_estimate", "_hashes", "_max_exact", "_rest")

    def __init__(self, max_exact: int = MAX_EXACT_NAMES) -> None:
        self._max_exact = max_exact
        self._hashes: set[int] = set()
        self._rest: Distinct | None = None
        self._estimate = -1

    def add(self, name: str) -> None:
        """Take a name."""
        if self._rest is None:
            self._hashes.add(hash(name))
            if len(self._hashes) > self._max_exact:
                self.shrink()
        elif self._rest.add(str(hash(name))):
            self._estimate = -1

    def shrink(self) -> None:
        """Go on with an estimate, which takes 4 KiB whatever comes."""
        if self._rest is None:
            self._rest = Distinct()
            for hashed in self._hashes:
                self._rest.add(str(hashed))
            self._hashes = set()

    def __len__(self) -> int:
        if self._rest is None:
            return len(self._hashes)
        if self._estimate < 0:
            self._estimate = self._rest.estimate()
        return self._estimate

    @property
    def exact(self) -> bool:
        """Whether the number of names is exact; an estimate has a standard error of 1.6 %."""
        return self._rest is None

    @property
    def held_bytes(self) -> int:
        """What it takes."""
        return _DISTINCT_BYTES if self._rest is not None else getsizeof(self._hashes) + NUMBER_BYTES * len(self._hashes)
