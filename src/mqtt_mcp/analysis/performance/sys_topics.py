"""What a broker tells about itself under ``$SYS``: levels now, and differences of counters over a watch.

Owns the table of names of Mosquitto, EMQX and VerneMQ and the arithmetic of two samples. ``$SYS`` is not part of any
MQTT standard: every field may be missing, other brokers' names are counted and left alone. Does not subscribe.

Brokers publish these topics in bursts (Mosquitto every 10 s) and Mosquitto repeats only what changed. A stored sample
has an unknown age, so rates are taken between the first and the last *live* burst; a counter that was not repeated in
a burst has not changed.
"""

import math
import re
from sys import getsizeof

import msgspec

PREFIX = "$SYS/"
MAX_TOPICS = 2_000
MAX_TOPIC_CHARS = 300
"""Longer topics are only counted: no broker has them."""
SAME_BURST_S = 0.9
"""Live samples closer together than this belong to one burst; the fastest interval a broker can be set to is 1 s."""

_MOSQUITTO = {
    "publish/messages/received": "publish_received",
    "publish/messages/sent": "publish_sent",
    "publish/messages/dropped": "publish_dropped",
    "messages/received": "packets_received",
    "messages/sent": "packets_sent",
    "bytes/received": "bytes_received",
    "bytes/sent": "bytes_sent",
    "connections/socket/count": "connections_opened",
    "clients/connected": "clients_connected",
    "clients/total": "clients_total",
    "clients/maximum": "clients_maximum",
    "subscriptions/count": "subscriptions",
    "retained messages/count": "retained_messages",
    "store/messages/count": "stored_messages",
    "store/messages/bytes": "stored_bytes",
    "heap/current": "heap_bytes",
    "heap/maximum": "heap_maximum_bytes",
    "version": "version",
    "uptime": "uptime",
}
_EMQX = {
    "metrics/packets/publish/received": "publish_received",
    "metrics/packets/publish/sent": "publish_sent",
    # messages/dropped holds those nobody subscribed to as well; these two are what a full queue cost.
    "metrics/delivery/dropped/queue_full": "publish_dropped",
    "metrics/delivery/dropped/qos0_msg": "publish_dropped",
    "metrics/messages/dropped/no_subscribers": "publish_unheard",
    "metrics/packets/received": "packets_received",
    "metrics/packets/sent": "packets_sent",
    "metrics/bytes/received": "bytes_received",
    "metrics/bytes/sent": "bytes_sent",
    "stats/connections/count": "clients_connected",
    "stats/connections/max": "clients_maximum",
    "stats/subscriptions/count": "subscriptions",
    "stats/retained/count": "retained_messages",
    "version": "version",
    "uptime": "uptime",
}
_VERNEMQ = {
    "mqtt/publish/received": "publish_received",
    "mqtt/publish/sent": "publish_sent",
    "queue/message/drop": "publish_dropped",
    "bytes/received": "bytes_received",
    "bytes/sent": "bytes_sent",
    "socket/open": "connections_opened",
    "router/subscriptions": "subscriptions",
    "retain/messages": "retained_messages",
}
COUNTERS = frozenset(
    {
        "publish_received",
        "publish_sent",
        "publish_dropped",
        "publish_unheard",
        "packets_received",
        "packets_sent",
        "bytes_received",
        "bytes_sent",
        "connections_opened",
    }
)
_TEXTS = frozenset({"version", "uptime"})
COUNTER_TEXT = re.compile(r"-?\d{1,18}(\.\d{1,9})?")


class BrokerCounter(msgspec.Struct, frozen=True):
    """A counter of the broker, differenced between two bursts of ``$SYS``."""

    name: str
    change: float
    per_s: float


class BrokerGauge(msgspec.Struct, frozen=True):
    """A level the broker reported: its latest value and how much it changed since the first one seen."""

    name: str
    value: float
    change: float


class BrokerSide(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker said about itself.

    Attributes:
        status: ``ok``; ``not_enough_data`` when there were not two live bursts; ``absent`` when it said nothing.
        note: Why, and what would help; "" when ``ok``.
        product: ``Mosquitto``, ``EMQX``, ``VerneMQ`` by the layout of the names; "" when unknown.
        version, uptime: As the broker wrote them: foreign text.
        bursts: Live bursts seen.
        span_s: Seconds between the first and the last live burst, the time base of ``counters``.
        topics: Different ``$SYS`` topics seen.
        counters: Differences; empty unless ``ok``.
        gauges: Levels.
    """

    status: str
    note: str
    product: str
    version: str
    uptime: str
    bursts: int
    span_s: float
    topics: int
    counters: list[BrokerCounter]
    gauges: list[BrokerGauge]

    def change(self, name: str) -> float:
        """How much counter or gauge ``name`` changed; 0.0 when it is not known."""
        named: list[BrokerCounter | BrokerGauge] = [*self.counters, *self.gauges]
        return next((entry.change for entry in named if entry.name == name), 0.0)


def name_of(topic: str) -> tuple[str, str]:
    """The product and our name for a ``$SYS`` topic; ``("", "")`` when it is none we know."""
    rest = topic[len(PREFIX) :]
    if rest.startswith("broker/"):
        name = _MOSQUITTO.get(rest[7:], "")
        return ("Mosquitto", name) if name else ("", "")
    if rest.startswith("brokers/"):
        name = _EMQX.get(rest[8:].partition("/")[2], "")
        return ("EMQX", name) if name else ("", "")
    name = _VERNEMQ.get(rest.partition("/")[2], "")
    return ("VerneMQ", name) if name else ("", "")


class _Series:
    """One known topic: the value as of the first burst and the latest one."""

    __slots__ = ("base", "latest", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.base: float | None = None
        self.latest = 0.0


class SysTopics:
    """Takes samples in arrival order and makes a ``BrokerSide``; holds at most 2,000 topics."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}
        self._series_bytes = 0
        self._others: set[int] = set()
        self._texts: dict[str, str] = {}
        self._product = ""
        self._first_burst_s = math.inf
        self._last_burst_s = -math.inf
        self._bursts = 0

    def add(self, topic: str, payload: bytes, t_s: float, *, stored: bool) -> None:
        """Take one sample.

        Args:
            topic: Topic below ``$SYS/``.
            payload: As received; text that is not a number is kept only for the names that are text.
            t_s: Seconds since the start of the watch, never decreasing.
            stored: True for a retained sample, whose age is unknown.
        """
        if not stored:
            self._burst(t_s)
        product, name = name_of(topic)
        if not name or len(topic) > MAX_TOPIC_CHARS:
            if len(self._others) < MAX_TOPICS:
                self._others.add(hash(topic))
            return
        self._product = self._product or product
        text = payload[:200].decode("utf-8", "replace").strip()
        if name in _TEXTS:
            self._texts[name] = text
            return
        if not COUNTER_TEXT.fullmatch(text):
            return
        series = self._series.get(topic)
        if series is None:
            if len(self._series) >= MAX_TOPICS:
                return
            series = self._series[topic] = _Series(name)
            self._series_bytes += getsizeof(topic) + 120
        series.latest = float(text)
        if stored or t_s - self._first_burst_s < SAME_BURST_S:
            series.base = series.latest

    def _burst(self, t_s: float) -> None:
        self._first_burst_s = min(self._first_burst_s, t_s)
        if t_s - self._last_burst_s >= SAME_BURST_S:
            self._bursts += 1
            self._last_burst_s = t_s

    @property
    def held_bytes(self) -> int:
        """About what the samples take; at most a few megabytes."""
        others = getsizeof(self._others) + 32 * len(self._others)
        return others + getsizeof(self._series) + self._series_bytes

    def result(self) -> BrokerSide:
        """What is known now; changes nothing."""
        span_s = max(0.0, self._last_burst_s - self._first_burst_s) if self._bursts > 1 else 0.0
        topics = len(self._series) + len(self._others) + len(self._texts)
        counters, gauges = self._summed()
        status, note = "ok", ""
        if not topics:
            status, note = "absent", "The broker published nothing under $SYS that this user may read."
        elif not span_s:
            status = "not_enough_data"
            note = (
                "Rates need two live updates of $SYS; this watch saw "
                f"{self._bursts}. Mosquitto sends one every 10 s and EMQX every 60 s by default: watch longer."
            )
        return BrokerSide(
            status=status,
            note=note,
            product=self._product,
            version=self._texts.get("version", ""),
            uptime=self._texts.get("uptime", ""),
            bursts=self._bursts,
            span_s=round(span_s, 3),
            topics=topics,
            counters=[
                BrokerCounter(name=name, change=change, per_s=round(change / span_s, 3))
                for name, change in sorted(counters.items())
                if span_s
            ],
            gauges=[
                BrokerGauge(name=name, value=value, change=change) for name, (value, change) in sorted(gauges.items())
            ],
        )

    def _summed(self) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
        """Counters and gauges over all nodes of a cluster; a counter that fell was reset and is left out."""
        counters: dict[str, float] = {}
        gauges: dict[str, tuple[float, float]] = {}
        reset: set[str] = set()
        for series in self._series.values():
            change = series.latest - series.base if series.base is not None else 0.0
            if series.name in COUNTERS:
                if series.base is None:
                    continue
                if change < 0:
                    reset.add(series.name)
                counters[series.name] = counters.get(series.name, 0.0) + change
            else:
                value, before = gauges.get(series.name, (0.0, 0.0))
                gauges[series.name] = (value + series.latest, before + change)
        return {name: change for name, change in counters.items() if name not in reset}, gauges
