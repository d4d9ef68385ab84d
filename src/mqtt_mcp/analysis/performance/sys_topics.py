"""What a broker tells about itself under ``$SYS``: levels now, and differences of counters over a watch.

Owns the arithmetic of two samples. The names are ``broker_names.py``'s; events, the only thing NanoMQ publishes, are
``broker_events.py``'s. ``$SYS`` is not part of any MQTT standard: every field may be missing, other brokers' names are
counted and left alone. Does not subscribe.

Brokers publish these topics in bursts (Mosquitto every 10 s) and Mosquitto repeats only what changed. A stored sample
has an unknown age, so rates are taken between the first and the last *live* burst; a counter that was not repeated in
a burst has not changed.
"""

import math
from sys import getsizeof

import msgspec

from mqtt_mcp.analysis.performance.broker_events import BrokerEvents, EventCounts, is_event
from mqtt_mcp.analysis.performance.broker_names import COUNTER_TEXT, COUNTERS, TEXTS, name_of

MAX_TOPICS = 2_000
MAX_TOPIC_CHARS = 300
"""Longer topics are only counted: no broker has them."""
NANOMQ_SLASHES = 2
SAME_BURST_S = 0.9
"""Live samples closer together than this belong to one burst; the fastest interval a broker can be set to is 1 s."""


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
        status: ``ok``; ``not_enough_data`` when there were not two live bursts; ``events_only`` when it has no
            counters; ``absent`` when it said nothing.
        note: Why, and what would help; "" when ``ok``.
        product: ``Mosquitto``, ``EMQX``, ``VerneMQ``, ``NanoMQ`` by the layout of the names; "" when unknown.
        version, uptime: As the broker wrote them: foreign text.
        bursts: Live bursts seen.
        span_s: Seconds between the first and the last live burst, the time base of ``counters``.
        topics: Different ``$SYS`` topics seen.
        counters: Differences; empty unless ``ok``.
        gauges: Levels.
        events: Clients that came and went, and alarms; absent when the broker told of none.
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
    events: BrokerEvents | msgspec.UnsetType = msgspec.UNSET

    def level(self, name: str) -> float:
        """The latest value of gauge ``name``; 0.0 when it is not known."""
        return next((gauge.value for gauge in self.gauges if gauge.name == name), 0.0)

    def change(self, name: str) -> float:
        """How much counter or gauge ``name`` changed; 0.0 when it is not known."""
        named: list[BrokerCounter | BrokerGauge] = [*self.counters, *self.gauges]
        return next((entry.change for entry in named if entry.name == name), 0.0)


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
        self._events = EventCounts()

    def add(self, topic: str, payload: bytes, t_s: float, *, stored: bool) -> None:
        """Take one sample.

        Args:
            topic: Topic below ``$SYS/``.
            payload: As received; text that is not a number is kept only for the names that are text.
            t_s: Seconds since the start of the watch, never decreasing.
            stored: True for a retained sample, whose age is unknown.
        """
        if is_event(topic):
            self._event(topic, payload, stored=stored)
            return
        if not stored:
            self._burst(t_s)
        product, name = name_of(topic)
        if not name or len(topic) > MAX_TOPIC_CHARS:
            self._note_other(topic)
            return
        self._product = self._product or product
        text = payload[:200].decode("utf-8", "replace").strip()
        if name in TEXTS:
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

    def _event(self, topic: str, payload: bytes, *, stored: bool) -> None:
        self._product = self._product or ("NanoMQ" if topic.count("/") == NANOMQ_SLASHES else "EMQX")
        self._note_other(topic)
        if not stored:  # a stored one happened before the watch
            self._events.add(topic, payload)

    def _note_other(self, topic: str) -> None:
        if len(self._others) < MAX_TOPICS:
            self._others.add(hash(topic))

    def _burst(self, t_s: float) -> None:
        self._first_burst_s = min(self._first_burst_s, t_s)
        if t_s - self._last_burst_s >= SAME_BURST_S:
            self._bursts += 1
            self._last_burst_s = t_s

    @property
    def held_bytes(self) -> int:
        """About what the samples take; at most a few megabytes."""
        others = getsizeof(self._others) + 32 * len(self._others)
        return others + getsizeof(self._series) + self._series_bytes + self._events.held_bytes

    def result(self) -> BrokerSide:
        """What is known now; changes nothing."""
        span_s = max(0.0, self._last_burst_s - self._first_burst_s) if self._bursts > 1 else 0.0
        topics = len(self._series) + len(self._others) + len(self._texts)
        counters, gauges = self._summed()
        status, note = "ok", ""
        if not topics:
            status = "absent"
            note = (
                "The broker published nothing under $SYS that this user may read. It is no standard: HiveMQ has none "
                "unless an extension adds it, EMQX lets only local clients read it, cloud brokers have none."
            )
        elif not self._series and self._events.events:
            status = "events_only"
            note = (
                "The broker tells only events under $SYS (NanoMQ has no counters there); rates are what arrived here."
            )
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
            events=self._events.result() or msgspec.UNSET,
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
