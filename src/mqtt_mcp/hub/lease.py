"""How long a session lives: the cancel scope whose deadline is its expiry, and who keeps it alive.

Owns the arithmetic of time to live and orphan grace. Does not end anything itself: trio does, at the deadline.
"""

import math

import trio


class Client:
    """One client of one door (a stdio window, a socket connection): an identity, compared by object.

    Attributes:
        name: What it calls itself, for lists; may become known only after it connected.
        number: Counted from 1 in this process.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number


class Lease:
    """The lifetime of one session.

    It lasts ``ttl_s`` after the last use; a running collection is use. Once the last client that used it has gone it
    lasts ``orphan_grace_s`` more at most, whatever runs.
    """

    def __init__(self, ttl_s: float, orphan_grace_s: float) -> None:
        self.scope = trio.CancelScope()
        self.clients: set[Client] = set()
        self._ttl_s = ttl_s
        self._orphan_grace_s = orphan_grace_s
        self._used_s = trio.current_time()
        self._holds = 0
        self._orphan_until_s = math.inf
        self._move_deadline()

    @property
    def orphaned(self) -> bool:
        """Whether every client that used it has gone."""
        return math.isfinite(self._orphan_until_s)

    @property
    def idle_s(self) -> float:
        """Seconds since the last use; 0 while a collection runs."""
        return 0.0 if self._holds else trio.current_time() - self._used_s

    @property
    def expires_in_s(self) -> float:
        """Seconds until it ends if nothing uses it from now on."""
        now = trio.current_time()
        last_use_s = now if self._holds else self._used_s
        return max(0.0, min(last_use_s + self._ttl_s, self._orphan_until_s) - now)

    @property
    def expired(self) -> bool:
        """Whether its deadline has passed."""
        return trio.current_time() >= self.scope.deadline

    def expiry_reason(self) -> str:
        """Why its deadline was where it was, as a sentence part."""
        if self.orphaned and self._orphan_until_s <= self.scope.deadline:
            return f"its last client went away {self._orphan_grace_s:g} s before"
        return f"it was not used for {self._ttl_s:g} s"

    def touch(self, client: Client) -> None:
        """Count a use by ``client``."""
        self.clients.add(client)
        self._orphan_until_s = math.inf
        self._used_s = trio.current_time()
        self._move_deadline()

    def leave(self, client: Client) -> None:
        """``client`` has gone: without any other the orphan grace begins."""
        self.clients.discard(client)
        if not self.clients and not self.orphaned:
            self._orphan_until_s = trio.current_time() + self._orphan_grace_s
            self._move_deadline()

    def hold(self) -> None:
        """A collection began: it counts as use until ``release``."""
        self._holds += 1
        self._move_deadline()

    def release(self) -> None:
        """A collection ended."""
        self._holds -= 1
        self._used_s = trio.current_time()
        self._move_deadline()

    def _move_deadline(self) -> None:
        expiry_s = math.inf if self._holds else self._used_s + self._ttl_s
        self.scope.deadline = min(expiry_s, self._orphan_until_s)
