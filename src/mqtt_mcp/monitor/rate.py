"""How many requests one address may send: a token bucket each.

Pure but for the clock it is given. Bounded: of too many addresses the one silent for longest is forgotten, which at
worst fills its bucket again.
"""

from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """Token buckets by address.

    Args:
        per_s: Requests a bucket gains per second.
        burst: Requests a bucket holds.
        max_peers: Buckets kept.
        clock: Seconds, growing.
    """

    def __init__(self, per_s: float, burst: int, max_peers: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._max_peers = max_peers
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, peer: str) -> float:
        """Count a request; 0: it is within the limit, otherwise the seconds until the next one would be."""
        now = self._clock()
        tokens, at_s = self._buckets.pop(peer, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at_s) * self._per_s)
        allowed = tokens >= 1.0
        self._buckets[peer] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > self._max_peers:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._per_s

    def __len__(self) -> int:
        """Addresses remembered."""
        return len(self._buckets)
