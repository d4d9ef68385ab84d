"""How many messages the broker itself dropped during a watch, by its own counter under ``$SYS``.

Owns which topics hold that counter on Mosquitto, EMQX and VerneMQ, and the difference of two samples of the same topic.
The counter is the broker's for all its clients: it says that somebody's queue was too short, not whose. Does not
subscribe.
"""

import math

from mqtt_mcp.analysis.accumulator import BrokerDropped
from mqtt_mcp.analysis.performance.broker_names import COUNTER_TEXT, name_of

DROP_FILTERS = (
    "$SYS/broker/publish/messages/dropped",
    "$SYS/broker/uptime",
    "$SYS/brokers/+/metrics/delivery/dropped/queue_full",
    "$SYS/brokers/+/metrics/delivery/dropped/qos0_msg",
    "$SYS/+/queue/message/drop",
)
"""Mosquitto repeats a counter only when it changed; its uptime, which always does, shows that it could have."""
MAX_COUNTERS = 64


class BrokerDrops:
    """Takes samples in arrival order; holds at most 64 counters (nodes of a cluster)."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._from_s = math.inf
        self._to_s = -math.inf
        self._broken = False

    def add(self, topic: str, payload: bytes, t_s: float, *, stored: bool) -> None:
        """Take one sample.

        Args:
            topic: A topic that matches one of ``DROP_FILTERS``.
            payload: As received; what is not a count is ignored.
            t_s: Seconds since the start of the watch, never decreasing.
            stored: True for a retained sample: as old as the broker's interval is long, at most.
        """
        _, name = name_of(topic)
        if name == "uptime" and not stored:
            self._sampled(t_s)
        text = payload[:32].decode("utf-8", "replace").strip()
        if name != "publish_dropped" or not COUNTER_TEXT.fullmatch(text):
            return
        if topic not in self._first and len(self._first) >= MAX_COUNTERS:
            return
        value = float(text)
        if value < self._last.get(topic, 0.0):
            self._broken = True  # the broker was restarted, or the counter began anew
        self._first.setdefault(topic, value)
        self._last[topic] = value
        self._from_s = min(self._from_s, t_s)
        if not stored:
            self._sampled(t_s)

    def interrupted(self) -> None:
        """The connection went; what comes after may be another broker's counter."""
        self._broken = True

    def _sampled(self, t_s: float) -> None:
        if self._first and t_s > self._from_s:
            self._to_s = t_s

    def result(self) -> BrokerDropped | None:
        """The difference; None unless there were two samples of a counter that only rose."""
        if self._broken or self._to_s <= self._from_s:
            return None
        messages = sum(last - self._first[topic] for topic, last in self._last.items())
        return BrokerDropped(round(messages), round(self._from_s, 3), round(self._to_s, 3))
