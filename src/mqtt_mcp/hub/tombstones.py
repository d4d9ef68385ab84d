"""What is remembered of sessions that ended: when and why, for an hour.

Owns how an ended session's id is answered. Does not end sessions and holds nothing of what they carried.
"""

import msgspec
import trio

from mqtt_mcp.errors import ErrorKind, ToolError

NEW_SESSION_HINT = "Call establish_connection for a new session."


class Ended(msgspec.Struct, frozen=True):
    """How a session ended.

    Attributes:
        session_id: Its id.
        broker_url: The broker, without credentials.
        reason: A sentence part: why it ended.
        at_epoch_s: Wall clock of the end.
        at_s: The same on trio's clock.
        messages_received: Messages it received.
        collections_ended: Collections that its end cut short.
    """

    session_id: str
    broker_url: str
    reason: str
    at_epoch_s: float
    at_s: float
    messages_received: int
    collections_ended: int


class Tombstones:
    """Ended sessions by id, each for ``keep_s`` seconds."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._ended: dict[str, Ended] = {}

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, ended: Ended) -> None:
        """Remember how a session ended."""
        self._ended[ended.session_id] = ended

    def check(self, session_id: str) -> None:
        """Say what became of a session that ended a while ago; nothing when it is not remembered.

        Raises:
            ToolError: ``session_expired``, with when and why.
        """
        ended = self._ended.get(session_id)
        if ended is None or trio.current_time() >= ended.at_s + self._keep_s:
            return
        ago_s = trio.current_time() - ended.at_s
        raise ToolError(
            ErrorKind.SESSION_EXPIRED,
            f"The session {ended.session_id} on {ended.broker_url} ended {ago_s:.0f} s ago: {ended.reason}.",
            NEW_SESSION_HINT,
        )

    def sweep(self) -> None:
        """Forget what is older than ``keep_s``; bounds the memory, ``check`` is exact without it."""
        now = trio.current_time()
        self._ended = {i: e for i, e in self._ended.items() if now < e.at_s + self._keep_s}
