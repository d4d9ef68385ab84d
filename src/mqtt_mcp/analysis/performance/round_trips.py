"""The books of a round-trip probe: what was sent, what came back, in what time and in what order.

Owns counting and the account per QoS. Does not send, listen or keep time: ``hub/probe.py`` does and tells it. A message
is lost only when it has not come back within the grace; younger ones are pending.
"""

from typing import Literal

import msgspec

from mqtt_mcp.analysis.histogram import Histogram
from mqtt_mcp.analysis.performance.watch import Spread, spread

MAX_MESSAGES = 1_000
"""Per QoS and probe; a bound on the tables."""

ProbeStatus = Literal["ok", "skipped", "refused", "broken"]


class QosAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One QoS of the probe.

    Attributes:
        qos: QoS the messages were published and subscribed with.
        status: ``skipped`` when it was not tried, ``refused`` when the broker forbade it, ``broken`` when it failed.
        reason: Why, unless ``ok``.
        sent: Messages that count: without the warm-up and those that were not sent.
        received: Of these, how many came back at least once.
        lost: Not back within the grace.
        pending: Sent too recently to tell.
        duplicated: Further copies of messages that had come back.
        reordered: Messages that came back after a later one.
        not_sent: Messages that could not be sent, the connection being away.
        unacknowledged: Sent, but no PUBACK or PUBCOMP came in time.
        round_trip_ms: Publish to own receive.
        ack_ms: Publish to PUBACK (QoS 1) or PUBCOMP (QoS 2).
        send_delay_ms: How late a message was sent against its schedule: our own delay, not the broker's.
    """

    qos: int
    status: ProbeStatus
    reason: str = ""
    sent: int
    received: int
    lost: int
    pending: int
    duplicated: int
    reordered: int
    not_sent: int
    unacknowledged: int
    round_trip_ms: Spread
    ack_ms: Spread | msgspec.UnsetType = msgspec.UNSET
    send_delay_ms: Spread


class RoundTrips:
    """The books of one QoS.

    Args:
        qos: 0 to 2.
        warm_up: So many first messages are sent but not counted.
        grace_s: After so many seconds a message that is not back is lost.
    """

    def __init__(self, qos: int, *, warm_up: int = 3, grace_s: float = 2.0) -> None:
        self.qos = qos
        self.status: ProbeStatus = "ok"
        self.reason = ""
        self._warm_up = warm_up
        self._grace_s = grace_s
        self._sent_s: dict[int, float] = {}
        self._back: set[int] = set()
        self._latest = -1
        self._duplicated = 0
        self._reordered = 0
        self._not_sent = 0
        self._unacknowledged = 0
        self._round_trip_us = Histogram()
        self._ack_us = Histogram()
        self._send_delay_us = Histogram()

    def stop(self, status: ProbeStatus, reason: str) -> None:
        """Give this QoS up; the first reason stays."""
        if self.status == "ok":
            self.status, self.reason = status, reason

    def sending(self, sequence: int, at_s: float, due_s: float) -> None:
        """Message ``sequence`` is being sent at ``at_s``; its schedule said ``due_s``."""
        if len(self._sent_s) < MAX_MESSAGES:
            self._sent_s[sequence] = at_s
            if sequence >= self._warm_up:
                self._send_delay_us.record(round((at_s - due_s) * 1e6))

    def failed(self, sequence: int) -> None:
        """Message ``sequence`` was not sent after all."""
        if self._sent_s.pop(sequence, None) is not None and sequence >= self._warm_up:
            self._not_sent += 1

    def unacknowledged(self, sequence: int) -> None:
        """No acknowledgement came for ``sequence``; the message may come back all the same."""
        if sequence >= self._warm_up:
            self._unacknowledged += 1

    def acknowledged(self, sequence: int, ack_s: float) -> None:
        """PUBACK or PUBCOMP for ``sequence`` came after ``ack_s`` seconds."""
        if sequence >= self._warm_up:
            self._ack_us.record(round(ack_s * 1e6))

    def received(self, sequence: int, at_s: float) -> None:
        """Message ``sequence`` came back at ``at_s``; numbers that were never sent are ignored."""
        sent_s = self._sent_s.get(sequence)
        if sent_s is None or sequence < self._warm_up:
            return
        if sequence in self._back:
            self._duplicated += 1
            return
        self._back.add(sequence)
        if sequence < self._latest:
            self._reordered += 1
        self._latest = max(self._latest, sequence)
        self._round_trip_us.record(round((at_s - sent_s) * 1e6))

    @property
    def all_back(self) -> bool:
        """Whether every message that counts has come back."""
        return all(sequence in self._back for sequence in self._sent_s if sequence >= self._warm_up)

    def account(self, now_s: float) -> QosAccount:
        """The account as of ``now_s``; changes nothing."""
        counted = {sequence: at_s for sequence, at_s in self._sent_s.items() if sequence >= self._warm_up}
        missing = [at_s for sequence, at_s in counted.items() if sequence not in self._back]
        lost = sum(now_s - at_s >= self._grace_s for at_s in missing)
        return QosAccount(
            qos=self.qos,
            status=self.status,
            reason=self.reason,
            sent=len(counted),
            received=len(self._back),
            lost=lost,
            pending=len(missing) - lost,
            duplicated=self._duplicated,
            reordered=self._reordered,
            not_sent=self._not_sent,
            unacknowledged=self._unacknowledged,
            round_trip_ms=spread(self._round_trip_us, 0.001),
            ack_ms=spread(self._ack_us, 0.001) if self.qos else msgspec.UNSET,
            send_delay_ms=spread(self._send_delay_us, 0.001),
        )
