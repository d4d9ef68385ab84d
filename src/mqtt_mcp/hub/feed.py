"""Change events for those who follow live: numbered, encoded once, kept for a while, never waited for.

Owns the ring from which a follower that lost its connection catches up, and the bounded queue of each follower. One
that does not read is dropped; the others, and whoever publishes, notice nothing. Does not know what the events say or
how they travel.
"""

import itertools
import time
from collections import deque
from typing import Any

import msgspec
import trio

_encoder = msgspec.json.Encoder(enc_hook=str)


class Feed:
    """The events of one process.

    Args:
        ring_events: Events kept for followers that come back.
        ring_bytes: Bound on those events together.
        follower_events: Events a follower may be behind before it is dropped.

    Ids grow by one and begin at the start time in milliseconds, so that an id of an earlier process is older than all
    of this one's and is recognised.
    """

    def __init__(
        self, *, ring_events: int = 4096, ring_bytes: int = 8 * 1024 * 1024, follower_events: int = 512
    ) -> None:
        first_id = int(time.time() * 1000)
        self._ids = itertools.count(first_id + 1)
        self.last_id = first_id
        self.dropped_followers = 0
        self._oldest_known_id = first_id
        self._ring: deque[tuple[int, bytes]] = deque()
        self._ring_events = ring_events
        self._ring_bytes = ring_bytes
        self._held_bytes = 0
        self._follower_events = follower_events
        self._followers: set[Follower] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many follow."""
        return len(self._followers)

    @property
    def held_bytes(self) -> int:
        """Bytes of the events kept."""
        return self._held_bytes

    def publish(self, kind: str, data: Any) -> int:
        """Tell all followers; returns the event's id. Never blocks.

        Args:
            kind: The event's name, a plain word.
            data: What it says; encoded as JSON.
        """
        event_id = next(self._ids)
        frame = b"id: %d\nevent: %s\ndata: %s\n\n" % (event_id, kind.encode(), _encoder.encode(data))
        self.last_id = event_id
        self._ring.append((event_id, frame))
        self._held_bytes += len(frame)
        while len(self._ring) > self._ring_events or self._held_bytes > self._ring_bytes:
            self._oldest_known_id, old = self._ring.popleft()
            self._held_bytes -= len(old)
        for follower in list(self._followers):
            if not follower.offer(frame):
                self.dropped_followers += 1
                self._followers.discard(follower)
        return event_id

    def follow(self, after_id: int | None) -> "Follower":
        """Begin to follow.

        Args:
            after_id: The last event the follower has; what came after it is delivered first. None: only what comes.
        """
        follower = Follower(self._follower_events)
        if after_id is not None:
            if self._oldest_known_id <= after_id <= self.last_id:
                follower.backlog = b"".join(frame for event_id, frame in self._ring if event_id > after_id)
            else:
                follower.reset = True
        if self._closed:
            follower.end()
        else:
            self._followers.add(follower)
        return follower

    def leave(self, follower: "Follower") -> None:
        """Stop following."""
        self._followers.discard(follower)
        follower.end()

    def close(self) -> None:
        """End every follower's stream, now and in future."""
        self._closed = True
        for follower in self._followers:
            follower.end()
        self._followers.clear()


class Follower:
    """One who follows; made by ``Feed.follow``.

    Attributes:
        backlog: Frames that came between the last event it had and now.
        reset: Whether what it has cannot be continued: too old, or of another process.
        overflowed: Whether it was dropped because it did not read.
    """

    def __init__(self, most_events: int) -> None:
        self.backlog = b""
        self.reset = False
        self.overflowed = False
        self._send, self._receive = trio.open_memory_channel[bytes](most_events)

    def offer(self, frame: bytes) -> bool:
        """Queue a frame; False when it was dropped because its queue was full."""
        try:
            self._send.send_nowait(frame)
        except trio.WouldBlock:
            self.overflowed = True
            self._send.close()  # it drains its queue, then sees the end
            return False
        except trio.BrokenResourceError:
            return False
        return True

    async def next_frames(self, most: int = 128) -> bytes:
        """Wait for events and return all that are there, up to ``most`` frames; empty at the end.

        Cancellation: nothing is lost.
        """
        try:
            frames = [await self._receive.receive()]
        except trio.EndOfChannel:
            return b""
        try:
            while len(frames) < most:
                frames.append(self._receive.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            pass
        return b"".join(frames)

    def end(self) -> None:
        """No more events; what is queued can still be read."""
        self._send.close()
