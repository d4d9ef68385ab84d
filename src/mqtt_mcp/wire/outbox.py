"""The way out: the one task that writes a client's stream, and the bounded queue before it.

Owns order, back-pressure and silence: lines of a request that was cancelled are never written, even when they were
already queued. Does not make lines and does not close the stream.
"""

from collections import deque
from collections.abc import Callable

import trio

from mqtt_mcp.wire.limits import WireLimits

_BATCH_BYTES = 65536


class Owner:
    """Whom a queued line belongs to; a silenced owner's lines are dropped."""

    silenced = False


class Outbox:
    """Lines on their way to one client.

    A line that finds nothing before it is sent at once where the stream can do that without waiting (``send_nowait``):
    the client has its reply before any other task of ours runs. Everything else waits for ``write_all``.

    Args:
        stream: Where ``write_all`` writes.
        limits: Bounds of the queue and of the wait for the client.
    """

    def __init__(self, stream: trio.abc.SendStream, limits: WireLimits) -> None:
        self._stream = stream
        self._send_nowait: Callable[[bytes], int] | None = getattr(stream, "send_nowait", None)
        self._writing = False
        self._limits = limits
        self._lines: deque[tuple[bytes, Owner | None]] = deque()
        self._queued_bytes = 0
        self._closed = False
        self._filled = trio.Event()
        self._drained = trio.Event()

    def has_room(self) -> bool:
        """Whether a line may be put without waiting first."""
        return self._queued_bytes < self._limits.max_queued_bytes

    def put(self, line: bytes, owner: Owner | None = None) -> None:
        """Queue a line. Callers that can wait call ``wait_for_room`` before; a closed outbox drops it."""
        if self._closed:
            return
        if self._send_nowait is not None and not self._writing and not self._lines:
            sent = self._send_nowait(line)
            if sent == len(line):
                return
            if sent:
                # Half a line is on its way: the rest has to follow, whatever becomes of its owner.
                line, owner = line[sent:], None
        self._lines.append((line, owner))
        self._queued_bytes += len(line)
        self._filled.set()

    def offer(self, line: bytes, owner: Owner) -> None:
        """Queue a line that may be lost: it is dropped while the client reads too slowly."""
        if self._queued_bytes <= self._limits.max_queued_progress_bytes:
            self.put(line, owner)

    async def wait_for_room(self) -> None:
        """Wait until the client has taken enough; returns at once when the outbox is closed."""
        while not self.has_room() and not self._closed:
            if self._drained.is_set():
                self._drained = trio.Event()
            await self._drained.wait()

    def close(self) -> None:
        """Take no more lines; ``write_all`` returns when those queued are written."""
        self._closed = True
        self._filled.set()
        self._drained.set()

    async def write_all(self) -> None:
        """Write lines as they come, until ``close``. Run by exactly one task.

        Raises:
            trio.BrokenResourceError: The client closed its end (EPIPE).
            trio.TooSlowError: It took nothing for ``limits.stalled_s``.

        Cancellation:
            A line may have been written in part: the stream is of no more use.
        """
        while True:
            batch = self._next_batch()
            if batch:
                self._writing = True
                with trio.CancelScope(deadline=trio.current_time() + self._limits.stalled_s) as in_time:
                    await self._stream.send_all(batch)
                if in_time.cancelled_caught:
                    raise trio.TooSlowError
                self._writing = False
            elif self._closed:
                return
            else:
                self._filled = trio.Event()
                await self._filled.wait()

    def _next_batch(self) -> bytes:
        batch: list[bytes] = []
        batch_bytes = 0
        while self._lines and batch_bytes < _BATCH_BYTES:
            line, owner = self._lines.popleft()
            self._queued_bytes -= len(line)
            if owner is None or not owner.silenced:
                batch.append(line)
                batch_bytes += len(line)
        if self.has_room():
            self._drained.set()
        return b"".join(batch)
