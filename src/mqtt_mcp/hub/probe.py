"""The round-trip probe: our own messages to ourselves through the broker, on a schedule that waits for nobody.

Owns sending, listening and what to do when the configuration or the broker says no: it is reported, never raised. The
messages go to a private topic nobody can guess, are never retained, and stop by themselves. The counting is
``analysis/performance/round_trips.py``'s.

The schedule is open-loop: a slow answer does not delay the next message, so a stall is seen by every message that was
due in it (no coordinated omission).
"""

import logging
import statistics

import msgspec
import trio

from mqtt_mcp.analysis.performance.round_trips import QosAccount, RoundTrips
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.own_topics import PRIVATE_ROOT, own_topic
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.session import Session
from mqtt_mcp.mqtt.client import Message, Publication, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost, TimedOut

logger = logging.getLogger(__name__)

PAYLOAD_BYTES = 64
MAX_IN_FLIGHT = 200
"""Messages whose publish has not returned; beyond that the broker has stopped answering and sending stops."""


class ProbePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to probe.

    Attributes:
        per_qos_per_s: Messages per second and QoS; the QoS take turns.
        max_send_s: Seconds of sending, at most.
        warm_up: First messages of each QoS that do not count.
        grace_s: Seconds after which a message that is not back is lost.
        pings: PINGREQs before the messages.
    """

    per_qos_per_s: float = 10.0
    max_send_s: float = 12.0
    warm_up: int = 3
    grace_s: float = 2.0
    pings: int = 3


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe found.

    Attributes:
        status: ``waiting``, ``running``, ``done``, ``stopped`` (cut short) or ``skipped``.
        reason: Why it was skipped or stopped; "" otherwise.
        pings: PINGRESPs that came.
        ping_ms_min, ping_ms_median: Of these, 0.0 when there were none.
        qos: One account per QoS; empty when skipped.
    """

    status: str
    reason: str
    pings: int
    ping_ms_min: float
    ping_ms_median: float
    qos: list[QosAccount]


class RoundTripProbe:
    """One probe of one session; ``run`` it once beside a watch, ask for ``report`` at any time."""

    def __init__(self, policy: AccessPolicy, *, duration_s: float, plan: ProbePlan | None = None) -> None:
        self._policy = policy
        self._plan = plan or ProbePlan()
        # What is sent last must have its grace before the watch ends, with half a second for the start.
        self._send_s = max(0.0, min(self._plan.max_send_s, duration_s - self._plan.grace_s - 0.5))
        self.prefix = own_topic("")
        self._books: list[RoundTrips] = []
        self._pings_s: list[float] = []
        self._status = "waiting"
        self._reason = ""
        self._ended_s: float | None = None
        self._in_flight = 0
        self._granted: dict[str, int] = {}
        self._changed = trio.Event()

    async def run(self, session: Session) -> None:
        """Probe through ``session`` until all is back or the grace is over.

        Raises nothing for what broker or configuration do. Cancellation: stops at once; the report says so.
        """
        self._status = "running"
        try:
            await self._ping(session)
            if self._may_publish():
                await self._round_trips(session)
                self._status = "done"
        except ToolError as error:
            self._status, self._reason = "stopped", clean(error.message, 200)
        finally:
            if self._status == "running":
                self._status, self._reason = "stopped", "The watch ended before the probe."
            self._ended_s = trio.current_time()

    def report(self) -> ProbeReport:
        """What is known now."""
        now_s = trio.current_time() if self._ended_s is None else self._ended_s
        return ProbeReport(
            status=self._status,
            reason=self._reason,
            pings=len(self._pings_s),
            ping_ms_min=round(min(self._pings_s, default=0.0) * 1e3, 3),
            ping_ms_median=round(statistics.median(self._pings_s) * 1e3, 3) if self._pings_s else 0.0,
            qos=[books.account(now_s) for books in self._books],
        )

    async def _ping(self, session: Session) -> None:
        for _ in range(self._plan.pings):
            try:
                self._pings_s.append(await session.ping())
            except TimedOut:
                return

    def _may_publish(self) -> bool:
        try:
            self._policy.check_publish(self.prefix + "0")
        except ToolError as error:
            self._status, self._reason = "skipped", error.message
            return False
        return True

    async def _round_trips(self, session: Session) -> None:
        plan = self._plan
        self._books = [RoundTrips(qos, warm_up=plan.warm_up, grace_s=plan.grace_s) for qos in (0, 1, 2)]
        for books in self._books:
            if books.qos > session.capabilities.max_qos:
                books.stop("skipped", f"The broker supports QoS up to {session.capabilities.max_qos}.")
        wanted = [Subscription(self.prefix + str(b.qos), b.qos) for b in self._books if b.status == "ok"]
        async with session.tap(wanted, self._received) as tap:
            self._granted = tap.granted
            for refused in tap.refused:
                books = self._books[int(refused.topic_filter[-1])]
                books.stop("refused", f"Subscribing to our own probe topic was refused: {clean(refused.meaning, 80)}.")
            async with trio.open_nursery() as nursery:
                await self._send_all(session, nursery)
                with trio.move_on_after(plan.grace_s):
                    await self._until_all_back()
                nursery.cancel_scope.cancel()

    async def _send_all(self, session: Session, nursery: trio.Nursery) -> None:
        active = [books for books in self._books if books.status == "ok"]
        if not active:
            return
        start_s = trio.current_time()
        step_s = 1 / (self._plan.per_qos_per_s * len(active))
        for turn in range(int(self._send_s / step_s)):
            due_s = start_s + turn * step_s
            await trio.sleep_until(due_s)
            books = active[turn % len(active)]
            if books.status != "ok":
                continue
            if self._in_flight >= MAX_IN_FLIGHT:
                books.stop("broken", f"{MAX_IN_FLIGHT} messages wait for the broker; sending stopped.")
                continue
            self._in_flight += 1
            nursery.start_soon(self._send, session, books, turn // len(active), due_s)

    async def _send(self, session: Session, books: RoundTrips, sequence: int, due_s: float) -> None:
        payload = f"mcp-probe {books.qos} {sequence:08d} ".encode().ljust(PAYLOAD_BYTES, b".")
        books.sending(sequence, trio.current_time(), due_s)
        try:
            receipt = await session.publish(Publication(self.prefix + str(books.qos), payload, books.qos))
            if receipt.acknowledged:
                books.acknowledged(sequence, receipt.ack_s)
        except TimedOut:
            books.unacknowledged(sequence)
        except ConnectionLost:
            books.failed(sequence)
        except ToolError as error:
            books.failed(sequence)
            books.stop("refused", clean(error.message, 200))
        finally:
            self._in_flight -= 1
            self._changed.set()

    def _received(self, message: Message) -> None:
        """Take one message of ours; anything else on the topic is ignored, whoever sent it."""
        parts = message.payload[:PAYLOAD_BYTES].split(b" ")
        qos = message.topic.removeprefix(self.prefix)
        if len(parts) < 3 or parts[0] != PRIVATE_ROOT.encode() or parts[1] != qos.encode() or len(parts[2]) != 8:
            return
        if qos in {"0", "1", "2"} and parts[2].isdigit():
            # Without subscription identifiers (MQTT 3.1.1) a broker may send one more copy for each overlapping
            # subscription (§3.3.5), at that one's QoS: a copy below our own came for another listener.
            if message.qos < min(int(qos), self._granted.get(message.topic, 0)):
                return
            self._books[int(qos)].received(int(parts[2]), message.received_s)
            self._changed.set()

    async def _until_all_back(self) -> None:
        while self._in_flight or not all(books.all_back for books in self._books):
            self._changed = trio.Event()
            await self._changed.wait()
