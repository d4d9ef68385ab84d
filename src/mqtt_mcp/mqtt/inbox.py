"""The way of messages from the asyncio thread into one trio task: bounded, in order, woken once per burst.

Owns the hand-over and the count of what did not fit. Does not read sockets; the link does, and pauses when told so.
"""

import contextlib
from collections import deque
from collections.abc import Callable

import trio

from mqtt_mcp.mqtt.client import Message

BURST_GAP_S = 0.002
"""In a flood trio is woken at most this often; a quiet link wakes it at once."""

BURST_MESSAGES = 8
"""From so many waiting messages on it is a flood."""

CallLater = Callable[[float, Callable[[], None]], object]


class Inbox:
    """Made in trio; ``put`` and ``close`` are called in the asyncio thread, ``receive`` by one trio task.

    Args:
        call_later: The asyncio loop's ``call_later``.
        limit: Messages that may wait; above it QoS 0 is dropped and counted.
        limit_bytes: Bytes of payloads, topic names and properties that may wait, likewise.

    Attributes:
        dropped: Messages let go; exact, only ever grows.
        drop_all_qos: While True, QoS 1 and 2 above the limit are dropped as well.
    """

    def __init__(self, call_later: CallLater, *, limit: int, limit_bytes: int) -> None:
        self.dropped = 0
        self.drop_all_qos = False
        self._call_later = call_later
        self._limit = limit
        self._limit_bytes = limit_bytes
        # Counters in pairs, each written by one thread only: their difference is what waits.
        self._put = self._put_bytes = 0
        self._taken = self._taken_bytes = 0
        self._token = trio.lowlevel.current_trio_token()
        # What arrived together stays together: one step for each read of the socket instead of one for each message.
        self._queue: deque[tuple[list[Message], int]] = deque()
        self._event = trio.Event()
        self._closed = False
        # Three steps of a wake-up: a flush is due (asyncio side), it is under way to trio, the last one found a flood.
        self._armed = False
        self._scheduled = False
        self._flood = False

    def __len__(self) -> int:
        return self._put - self._taken

    @property
    def held_bytes(self) -> int:
        """Bytes of payloads, topic names and properties that wait now."""
        return self._put_bytes - self._taken_bytes

    def put(self, messages: list[Message]) -> None:
        """Add messages that arrived together."""
        free = self._limit - len(self)
        size = _size(messages)
        if len(messages) > free or self.held_bytes + size > self._limit_bytes:
            messages = self._fitting(messages, free)
            size = _size(messages)
        self._put_bytes += size
        self._put += len(messages)
        if messages:
            self._queue.append((messages, size))
        if not self._armed:
            self._armed = True
            if self._flood:
                self._call_later(BURST_GAP_S, self._flush)
            else:
                self._flush()

    def close(self) -> None:
        """No message will come any more; ``receive`` returns what waits, then an empty list."""
        self._closed = True
        self._scheduled = True
        self._wake_trio()

    async def receive(self) -> list[Message]:
        """Wait for messages and return all of them; an empty list when closed. Cancellation loses nothing."""
        while True:
            await trio.lowlevel.checkpoint()
            if not self._closed:
                self._event = trio.Event()
            # Before looking at the queue: whatever is put after this line wakes us again.
            self._scheduled = False
            queue = self._queue
            if queue:
                batch: list[Message] = []
                for _ in range(len(queue)):
                    messages, size = queue.popleft()
                    batch += messages
                    self._taken_bytes += size
                self._taken += len(batch)
                return batch
            if self._closed:
                return []
            await self._event.wait()

    def _fitting(self, messages: list[Message], free: int) -> list[Message]:
        kept: list[Message] = []
        free_bytes = self._limit_bytes - self.held_bytes
        for message in messages:
            size = _size([message])
            fits = len(kept) < free and size <= free_bytes
            if fits or (message.qos and not self.drop_all_qos):
                kept.append(message)
                free_bytes -= size
        self.dropped += len(messages) - len(kept)
        return kept

    def _flush(self) -> None:
        self._armed = False
        self._flood = len(self) >= BURST_MESSAGES
        if not self._scheduled:
            self._scheduled = True
            self._wake_trio()

    def _wake_trio(self) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._wake)

    def _wake(self) -> None:
        self._event.set()


def _size(messages: list[Message]) -> int:
    size = 0
    for message in messages:  # runs for every message: no generator, no call for most
        size += len(message.payload) + len(message.topic)
        if message.properties is not None:
            size += message.properties.size
    return size
