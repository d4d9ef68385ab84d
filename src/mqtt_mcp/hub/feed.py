"""Change events for those who follow live: numbered, encoded once, kept for a while, never waited for.

Owns the ring from which a follower that lost its connection catches up, the rhythm in which events leave, and the
bounded queue of each follower. One that does not read is dropped; the others, and whoever publishes, notice nothing.
Does not know what the events say or how they travel.
"""

import itertools
import time
from collections import deque
from typing import Any

import msgspec
import trio

GAP_S = 0.05
"""Shortest time between two deliveries to everybody: a write costs far more than an event, and nobody sees the wait."""
AT_ONCE = 16
"""Followers woken in one step: hundreds that write in the same step would hold up everybody else for it."""

_encoder = msgspec.json.Encoder(enc_hook=str)


class Feed:
    """The events of one process.

    Args:
        ring_events: Events kept for followers that come back.
        ring_bytes: Bound on those events together.
        follower_bytes: How far behind a follower may be before it is dropped.

    Attributes:
        last_id: Id of the newest event.
        dropped_followers: How many were dropped.

    Ids grow by one and begin at the start time in milliseconds, so that an id of an earlier process is older than all
    of this one's and is recognised.
    """

    def __init__(
        self, *, ring_events: int = 4096, ring_bytes: int = 8 * 1024 * 1024, follower_bytes: int = 1024 * 1024
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
        self._follower_bytes = follower_bytes
        self._followers: dict[Follower, None] = {}
        self._pending: list[tuple[int, bytes]] = []
        # The batch that is being delivered, and who has not got it yet.
        self._batch: list[tuple[int, bytes]] = []
        self._shared = b""
        self._waiting: deque[Follower] = deque()
        self._filled: trio.Event | None = None  # None: nobody keeps the rhythm, every event leaves at once
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
        if self._followers:
            self._pending.append((event_id, frame))
            if self._filled is None:
                self._flush()
            else:
                self._filled.set()
        return event_id

    async def run(self) -> None:
        """Keep the rhythm until cancelled: the first event after a silence leaves at once, a burst leaves together.

        Without it every event leaves when it is published.

        Cancellation: what waits leaves.
        """
        self._filled = trio.Event()
        try:
            while True:
                await self._filled.wait()
                self._filled = trio.Event()
                self._begin_delivery()
                while self._deliver_some(AT_ONCE):
                    await trio.lowlevel.checkpoint()
                await trio.sleep(GAP_S)
        finally:
            self._filled = None
            self._flush()

    def follow(self, after_id: int | None) -> "Follower":
        """Begin to follow.

        Args:
            after_id: The last event the follower has; what came after it is delivered first. None: only what comes.
        """
        follower = Follower(self._follower_bytes, self.last_id)
        if after_id is not None:
            if self._oldest_known_id <= after_id <= self.last_id:
                missed = [frame for event_id, frame in self._ring if event_id > after_id]
                # Each copy of a backlog is its follower's own: one that is too long costs more than to begin anew.
                if sum(map(len, missed)) <= self._follower_bytes:
                    follower.backlog = b"".join(missed)
                else:
                    follower.reset = True
            else:
                follower.reset = True
        if self._closed:
            follower.end()
        else:
            self._followers[follower] = None
        return follower

    def leave(self, follower: "Follower") -> None:
        """Stop following."""
        self._followers.pop(follower, None)
        follower.end()

    def close(self) -> None:
        """End every follower's stream, now and in future; what was published before still arrives."""
        self._flush()
        self._closed = True
        for follower in self._followers:
            follower.end()
        self._followers.clear()

    def _flush(self) -> None:
        """Deliver what is under way and what waits, at once."""
        self._deliver_some(len(self._waiting))
        self._begin_delivery()
        self._deliver_some(len(self._waiting))

    def _begin_delivery(self) -> None:
        self._batch, self._pending = self._pending, []
        self._shared = b"".join(frame for _, frame in self._batch)
        self._waiting = deque(self._followers) if self._batch else deque()

    def _deliver_some(self, most: int) -> bool:
        """Hand the batch to the next followers; whether some still wait for it."""
        for _ in range(min(most, len(self._waiting))):
            self._deliver(self._waiting.popleft())
        return bool(self._waiting)

    def _deliver(self, follower: "Follower") -> None:
        """Hand the batch to one follower; one that began to follow in the middle of it gets the rest."""
        shared = self._shared
        if self._batch[0][0] <= follower.since_id:
            shared = b"".join(frame for event_id, frame in self._batch if event_id > follower.since_id)
        if shared and not follower.offer(shared) and follower in self._followers:
            self.dropped_followers += 1
            del self._followers[follower]


class Follower:
    """One who follows; made by ``Feed.follow``.

    Attributes:
        backlog: Frames that came between the last event it had and now.
        since_id: The newest event when it began to follow; later ones are delivered.
        reset: Whether what it has cannot be continued: too old, too far behind, or of another process.
        overflowed: Whether it was dropped because it did not read.
    """

    def __init__(self, most_bytes: int, since_id: int) -> None:
        self.backlog = b""
        self.since_id = since_id
        self.reset = False
        self.overflowed = False
        self._most_bytes = most_bytes
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._ended = False
        self._filled = trio.Event()

    def offer(self, frames: bytes) -> bool:
        """Queue frames; False when it was dropped because too much waits already, or has ended."""
        if self._ended:
            return False
        if self._queue and self._queued_bytes + len(frames) > self._most_bytes:
            self.overflowed = True
            self.end()  # it drains its queue, then sees the end
            return False
        self._queue.append(frames)
        self._queued_bytes += len(frames)
        self._filled.set()
        return True

    @property
    def queued_bytes(self) -> int:
        """How far behind it is."""
        return self._queued_bytes

    async def next_frames(self) -> bytes:
        """Wait for events and return all that are there; empty at the end.

        Cancellation: nothing is lost.
        """
        await self._filled.wait()
        # One batch is shared by all who follow and not copied.
        frames = self._queue[0] if len(self._queue) == 1 else b"".join(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        if not self._ended:
            self._filled = trio.Event()
        return frames

    def end(self) -> None:
        """No more events; what is queued can still be read."""
        self._ended = True
        self._filled.set()
