"""The event stream as server-sent events: what a follower of the feed gets, as the body of an answer.

Owns the greeting, the heartbeat and the two farewells. Does not number, keep or drop events (``hub.feed`` does).
"""

from typing import Self

import trio

from mqtt_mcp.hub.feed import Follower

_RESET = b"event: reset\ndata: {}\n\n"
_OVERFLOW = b"event: overflow\ndata: {}\n\n"
_HEARTBEAT = b": still here\n\n"
NO_SUCH_EVENT = -1
"""An id no feed has given: who has it is told to begin anew."""


class EventStream:
    """An asynchronous iterator over chunks of the stream.

    A class and not a generator: nothing can be suspended inside of a cancel scope.

    Args:
        follower: Whose events they are; the caller lets it leave the feed.
        heartbeat_s: Silence after which a comment is sent, so that a reader and the proxies between know it is alive.
        retry_ms: When a reader asks again after the end.
    """

    def __init__(self, follower: Follower, *, heartbeat_s: float, retry_ms: int) -> None:
        self._follower = follower
        self._heartbeat_s = heartbeat_s
        self._greeting = b"retry: %d\n\n" % retry_ms + (_RESET if follower.reset else follower.backlog)
        follower.backlog = b""
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next chunk: the events that are there, or a comment.

        Cancellation: nothing is lost.
        """
        if self._greeting:
            greeting, self._greeting = self._greeting, b""
            return greeting
        if self._over:
            raise StopAsyncIteration
        with trio.move_on_after(self._heartbeat_s):
            frames = await self._follower.next_frames()
            if frames:
                return frames
            self._over = True
            if self._follower.overflowed:
                return _OVERFLOW
            raise StopAsyncIteration
        return _HEARTBEAT


def last_event_id(header: str | None) -> int | None:
    """The id a ``Last-Event-ID`` header tells; ``NO_SUCH_EVENT`` when it tells none."""
    if header is None:
        return None
    header = header.strip()
    return int(header) if header.isascii() and header.isdigit() and len(header) <= 18 else NO_SUCH_EVENT
