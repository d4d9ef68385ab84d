"""Progress of one request: when a notification may be sent, and its bytes.

Owns the rules that clients enforce by dropping the connection: only with the client's own token, only rising, nothing
after the reply or a cancellation. Does not know what progresses and never waits.
"""

import math
from typing import Any

import trio
from msgspec import Raw

from mqtt_mcp.wire.jsonrpc import notification_line
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.outbox import Outbox, Owner

_MAX_SENTENCE_CHARS = 200


class ProgressReporter:
    """The ``report_progress`` of one running request; an instance is callable.

    Args:
        token: The client's progress token as it came; ``None`` makes every report a no-op.
        outbox: Where notifications go; one that meets a slow client is dropped.
        owner: The request: when it is silenced the outbox drops its progress too.
        limits: ``progress_gap_s`` bounds the rate.
    """

    def __init__(self, token: bytes | None, outbox: Outbox, owner: Owner, limits: WireLimits) -> None:
        self._token = token
        self._outbox = outbox
        self._owner = owner
        self._gap_s = limits.progress_gap_s
        self._last = -math.inf
        self._next_at = -math.inf
        self._completed = False

    def stop(self) -> None:
        """Report nothing any more; called just before the reply is queued."""
        self._token = None

    def __call__(self, done: float, total: float, sentence: str) -> None:
        """Report progress; dropped unless it rises and the last one was long enough ago.

        The first report that reaches ``total`` is sent whenever it comes, so that a bar is seen to fill.

        Args:
            done: How much is done, in any unit; values that do not rise are dropped.
            total: How much there is; left out of the notification when not positive.
            sentence: For a person; bounded here. Empty: left out.
        """
        if self._token is None or not (math.isfinite(done) and done > self._last):
            return
        now = trio.current_time()
        completes = 0 < total <= done and not self._completed
        if now < self._next_at and not completes:
            return
        self._completed = self._completed or completes
        self._last = done
        self._next_at = now + self._gap_s
        params: dict[str, Any] = {"progressToken": Raw(self._token), "progress": round(done, 3)}
        if math.isfinite(total) and total > 0:
            params["total"] = round(total, 3)
        if sentence:
            params["message"] = sentence[:_MAX_SENTENCE_CHARS].encode("utf-8", "replace").decode()
        self._outbox.offer(notification_line("notifications/progress", params), self._owner)
