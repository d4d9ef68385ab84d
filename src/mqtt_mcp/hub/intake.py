"""Between the pump and an accumulator: hands messages on, and lets them wait while somebody looks.

Owns the boundary that keeps a broken analysis inside its collection, and the messages that arrive while another thread
makes a result of a running watch. Does not decide which messages belong to the watch (``collection.py`` does).
"""

import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from mqtt_mcp.analysis.accumulator import Accumulator, EndedBy
from mqtt_mcp.mqtt.client import Message

logger = logging.getLogger(__name__)

MAX_WAITING = 50_000
MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Payload bytes that may wait during a look; what is more is let go and counted."""
_SLICE_S = 0.002


class Intake:
    """The intake of one collection.

    Args:
        accumulator: Takes the messages.
        end: Told why the watch is over: the accumulator has enough (``limit``) or broke (``closed``).

    Attributes:
        failure: What broke inside the accumulator, empty when nothing did.
        dropped: Messages let go because too many came during a look.
    """

    def __init__(self, accumulator: Accumulator, end: Callable[[EndedBy], None]) -> None:
        self.failure = ""
        self.dropped = 0
        self._add = accumulator.add
        self._accumulator = accumulator
        self._end = end
        self._over = False
        self._looking = trio.Lock()
        self._waiting: deque[tuple[Message, float]] | None = None
        self._waiting_bytes = 0
        self._told: deque[tuple[Callable[[str], None], str]] = deque(maxlen=MAX_WAITING)

    @property
    def looked_at(self) -> bool:
        """Whether somebody looks: nothing else may touch the accumulator."""
        return self._waiting is not None

    def take(self, message: Message, t_s: float) -> None:
        """Take one message, ``t_s`` seconds after the start of the watch; never raises."""
        waiting = self._waiting
        if waiting is not None:
            size = len(message.payload)
            if len(waiting) >= MAX_WAITING or self._waiting_bytes + size > MAX_WAITING_BYTES:
                self.dropped += 1
                return
            self._waiting_bytes += size
            waiting.append((message, t_s))
        elif not self._over:
            self._feed(message, t_s)

    def tell(self, hear: Callable[[str], None], topic: str) -> None:
        """Let the accumulator hear of a topic by other means than a message, ``hear(topic)``: now or after the look."""
        if self._waiting is not None:
            self._told.append((hear, topic))
        else:
            hear(topic)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Keep the accumulator as it is while the block runs, so that another thread may read it.

        What arrives meanwhile is handed on afterwards, in order and a little at a time. Blocks take turns. Cancellation
        of the block: loses nothing.
        """
        async with self._looking:
            self._waiting = deque()
            try:
                yield
            finally:
                with trio.CancelScope(shield=True):
                    await self._catch_up()

    async def _catch_up(self) -> None:
        waiting = self._waiting
        yield_at = time.perf_counter() + _SLICE_S
        while waiting and not self._over:
            self._feed(*waiting.popleft())
            if time.perf_counter() > yield_at:
                await trio.lowlevel.checkpoint()
                yield_at = time.perf_counter() + _SLICE_S
        self._waiting = None
        self._waiting_bytes = 0
        while self._told:
            hear, topic = self._told.popleft()
            hear(topic)

    def _feed(self, message: Message, t_s: float) -> None:
        try:
            self._add(message, t_s)
            enough = self._accumulator.done
        except Exception as error:
            logger.exception("the analysis of a watch failed")
            self.failure = type(error).__name__
            self._over = True
            self._end("closed")
            return
        if enough:
            self._over = True
            self._end("limit")
