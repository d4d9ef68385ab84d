"""One collection: an accumulator fed with matching messages for a bounded time.

Owns how a watch begins and ends (duration, limit, quiet, cancelled, disconnected, closed) and the circumstances
(``Window``) that make its result true. All five listening tools run on it. Does not know what the accumulator makes of
the messages, which stored ones are repetitions (``stored``) or how the extras are found out (``bystander``), and does
not outlive its session: it is a task of the session's nursery.
"""

import logging
import math
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import trio

from mqtt_mcp.analysis.accumulator import Accumulator, EndedBy, LinkGap, Window
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.bystander import Bystander, Host
from mqtt_mcp.hub.intake import Intake
from mqtt_mcp.hub.router import Tap
from mqtt_mcp.hub.stored import StoredMessages
from mqtt_mcp.hub.watch_request import WatchRequest
from mqtt_mcp.mqtt.client import Message
from mqtt_mcp.mqtt.errors import NotAuthorized, Rejected

logger = logging.getLogger(__name__)


class Collection:
    """A running or finished watch; made by ``Session.start_collection``.

    Attributes:
        id: UUID; the handle for ``collection_result``.
        finished_s: End on trio's clock; infinity while running.
        beside: What ``request.beside`` gave at the last look.
    """

    def __init__(self, session: Host, request: WatchRequest, *, stored_quiet_s: float) -> None:
        self.id = str(uuid.uuid4())
        self.session_id = session.id
        self.request = request
        self.finished_s = math.inf
        self._session = session
        self._intake = Intake(request.accumulator, self._stop)
        self._take = self._intake.take
        self._looked_at: Window | None = None
        self.beside: Any = None
        self._ended_by: EndedBy = "running"
        self._started_s = trio.current_time()
        self._started_at_epoch_s = time.time()
        self._protocol = session.capabilities.protocol
        self._tap = Tap(request.subscriptions, self._deliver)
        self._stored = StoredMessages(self._tap, quiet_s=stored_quiet_s)
        self._bystander = Bystander(session, self.id, [s.topic_filter for s in request.subscriptions], self._stored)
        self._scope = trio.CancelScope()
        self._enough = trio.Event()
        self._ready = trio.Event()
        self._finished = trio.Event()
        self._refusal: ToolError | None = None
        self._until_s = math.inf
        self._last_message_s = self._started_s
        self._gaps: list[tuple[float, float]] = []
        self._dropped_before = session.messages_dropped
        self._dropped = 0
        self.memory_pressure = False

    @property
    def tool(self) -> str:
        """Name of the tool that started it."""
        return self.request.tool

    @property
    def label(self) -> str:
        """What is watched."""
        return self.request.label

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._ended_by == "running"

    @property
    def ended_by(self) -> EndedBy:
        """What ended it; ``running`` while nothing did."""
        return self._ended_by

    @property
    def was_granted(self) -> bool:
        """Whether the broker granted it and it began to watch."""
        return self._ready.is_set() and self._refusal is None and bool(self._tap.granted)

    @property
    def accumulator(self) -> Accumulator:
        """What it feeds."""
        return self.request.accumulator

    @property
    def failure(self) -> str:
        """What broke inside the accumulator, empty when nothing did."""
        return self._intake.failure

    @property
    def looked_at(self) -> bool:
        """Whether a result is being made of it: its accumulator must be left alone."""
        return self._intake.looked_at

    @asynccontextmanager
    async def look(self) -> AsyncIterator[None]:
        """Keep it as it is while the block runs, so that ``render`` may run in another thread.

        Messages that arrive meanwhile count afterwards. Looks take turns. Cancellation: loses nothing.
        """
        async with self._intake.still():
            self.beside = self.request.beside() if self.request.beside is not None else None
            self._looked_at = self.window()
            try:
                yield
            finally:
                self._looked_at = None

    def window(self) -> Window:
        """The circumstances of the watch until now or its end; those of its beginning during a look."""
        if self._looked_at is not None:
            return self._looked_at
        now = min(trio.current_time() if self.running else self.finished_s, self._until_s)
        dropped = self._dropped if not self.running else self._session.messages_dropped - self._dropped_before
        return Window(
            started_at_epoch_s=self._started_at_epoch_s,
            duration_s=self.request.duration_s,
            elapsed_s=now - self._started_s,
            ended_by=self._ended_by,
            protocol=self._protocol,
            stored_complete=not self._stored.open(now),
            asked_qos=max(s.qos for s in self.request.subscriptions),
            granted=dict(self._tap.granted),
            refused=list(self._tap.refused),
            gaps=[LinkGap(a - self._started_s, min(b, now) - self._started_s) for a, b in self._gaps],
            observer_dropped=dropped + self._intake.dropped,
            hidden=self._tap.hidden,
            overlong=self._tap.overlong,
            copies_possible=self._tap.copies_possible,
            memory_pressure=self.memory_pressure,
            echo=self._bystander.echo,
            broker_dropped=self._bystander.broker_dropped,
            retain_seen=self._bystander.retain_seen,
            retain_unseen_why=self._bystander.retain_unseen_why,
        )

    def render(self) -> msgspec.Struct:
        """The tool's result as of now.

        Raises:
            ToolError: ``internal`` when the analysis broke; the session and other collections are untouched.
        """
        if self.failure:
            raise ToolError(
                ErrorKind.INTERNAL,
                f"The analysis of this watch failed ({self.failure}) after {self.accumulator.messages} messages.",
                "Try a narrower topic filter; the session is still usable.",
            )
        return self.request.render(self)

    def cancel(self) -> None:
        """End it with ``ended_by: cancelled``; what it has stays. Does nothing when it has ended."""
        self.end("cancelled")

    def end(self, ended_by: EndedBy) -> None:
        """End it for the given reason; the first reason counts."""
        if self.running:
            self._mark_ended(ended_by)
        self._scope.cancel()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for its end, at most ``timeout_s`` seconds; tells whether it ended. Cancellation: ends the wait only."""
        with trio.move_on_after(timeout_s):
            await self._finished.wait()
        return self._finished.is_set()

    async def wait_ready(self) -> None:
        """Wait until the broker answered the SUBSCRIBE.

        Raises:
            MqttError: The subscription failed or the broker granted none of the filters.
        """
        await self._ready.wait()
        if self._refusal is not None:
            raise self._refusal

    async def run(self) -> None:
        """Subscribe, watch, unsubscribe: the body of its task. Never raises but ``Cancelled``."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    if self.request.live_retained is not None:
                        # First, so that it sees every live message that we see.
                        hear = partial(self._intake.tell, self.request.live_retained)
                        await nursery.start(self._bystander.observe_retain, hear)
                    await self._listen()
                    nursery.cancel_scope.cancel()
        finally:
            self._mark_ended("closed")
            self._ready.set()
            self._finished.set()

    async def _listen(self) -> None:
        try:
            async with self._session.listening(self._tap):
                self._check_granted()
                self._stored.asked(trio.current_time())
                self._ready.set()
                await self._watch()
        except ToolError as error:
            self._refusal = error

    def link_lost(self) -> None:
        """The session's connection went: what is published from now on is not seen."""
        self._gaps.append((trio.current_time(), math.inf))
        self._bystander.link_lost()

    def link_restored(self) -> None:
        """The session is connected and subscribed again: a new burst of stored messages follows."""
        now = trio.current_time()
        if self._gaps:
            self._gaps[-1] = (self._gaps[-1][0], now)
        self._stored.restored(now)

    def _check_granted(self) -> None:
        """Refuse a watch that could see nothing: silence must not be taken for an idle broker."""
        if self._tap.granted:
            return
        refused = self._tap.refused
        listing = ", ".join(f"'{r.topic_filter}' (0x{r.reason_code:02X} {r.meaning})" for r in refused)
        error = NotAuthorized if any(r.reason_code == 0x87 for r in refused) else Rejected
        raise error(
            f"The broker granted none of the subscriptions: {listing}.",
            "Ask for a topic filter that this user may read, or have the broker's access list extended.",
            reason_code=refused[0].reason_code if refused else None,
        )

    async def _watch(self) -> None:
        self._until_s = trio.current_time() + self.request.duration_s
        with trio.move_on_at(self._until_s):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._bystander.run)
                if self.request.companion is not None:
                    nursery.start_soon(self._accompany, self.request.companion)
                await self._until_enough()
                nursery.cancel_scope.cancel()
        if self.running:
            # What arrived in time counts, even when we are behind.
            await self._session.caught_up(self._until_s)
        self._mark_ended("duration")

    async def _accompany(self, companion: Callable[[], Awaitable[None]]) -> None:
        try:
            await companion()
        except Exception:
            # The watch is worth having without its companion, which reports its own troubles in the result.
            logger.exception("companion of collection %s failed", self.id)

    async def _until_enough(self) -> None:
        """Return when the accumulator is done, broke, or it was quiet for long enough."""
        if not self.request.quiet_s:
            await self._enough.wait()
            return
        while not self._enough.is_set():
            quiet_at_s = max(self._last_message_s, self._started_s) + self.request.quiet_s
            if trio.current_time() >= quiet_at_s:
                self._mark_ended("quiet")
                return
            with trio.move_on_at(quiet_at_s):
                await self._enough.wait()

    def _deliver(self, message: Message) -> None:
        """Take one message from the pump."""
        at_s = message.received_s
        if not self.running or not self._started_s <= at_s <= self._until_s:
            return  # ended, or it lay in the inbox before this watch began, or came after its end
        if message.retain:
            if self._stored.is_repetition(message):
                return
        elif self._stored.minds(at_s):
            self._stored.take_live(message)
        self._last_message_s = at_s
        self._take(message, at_s - self._started_s)

    def _stop(self, ended_by: EndedBy) -> None:
        self._mark_ended(ended_by)
        self._enough.set()

    def _mark_ended(self, ended_by: EndedBy) -> None:
        if self.running:
            self._dropped = self._session.messages_dropped - self._dropped_before
            self._ended_by = ended_by
            self.finished_s = min(trio.current_time(), self._until_s)
