"""What each message of a trace shows, as weighted facets, and the greedy choice of the messages that show most."""

import heapq
import json
import math
import struct
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.labelled.sparkplug_payload import measured_numbers
from benchmarks.labelled.truth import SEVERITY_WEIGHT, LabelledMessage

Facets = list[tuple[Any, float]]
"""(what is shown, its weight)."""

METRICS = (
    *("anomaly", "struct", "topic", "template", "change"),
    *("extremes", "first_last", "time", "device", "retained"),
)
TIME_BINS = 20
MIN_SERIES = 8
_NOT_READINGS = frozenset(
    [
        "time",
        "ts",
        "tst",
        "timestamp",
        "uptime",
        "uptimesec",
        "last_seen",
        "seq",
        "frame_time",
        "start_time",
        "end_time",
        "created_at",
        "minute_ts",
        "id",
        "fcnt",
        "f_cnt",
        "uplinkid",
        "response_time",
        "version",
        "received_at",
        "pid",
        "wtst",
        "minute",
        "total",
        "energy",
        "count",
        "published",
        "up",
    ]
)
"""Keys of times and counters: their extremes say nothing."""


class _Series(msgspec.Struct):
    """The extremes of one number of a topic."""

    low: float = math.inf
    high: float = -math.inf
    lowest: list[int] = []
    highest: list[int] = []
    points: int = 0
    distinct: set[float] = set()

    def add(self, index: int, value: float) -> None:
        """Take the next value."""
        self.points += 1
        if len(self.distinct) < 4:
            self.distinct.add(value)
        if value < self.low:
            self.low, self.lowest = value, [index]
        elif value == self.low:
            self.lowest.append(index)
        if value > self.high:
            self.high, self.highest = value, [index]
        elif value == self.high:
            self.highest.append(index)


def _numeric_leaves(value: Any, path: str, found: dict[str, float], depth: int = 0) -> None:
    if depth > 5 or len(found) > 24 or isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if math.isfinite(value):
            found[path or "$"] = float(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower() not in _NOT_READINGS:
                _numeric_leaves(item, f"{path}.{key}" if path else str(key), found, depth + 1)


def numbers(message: LabelledMessage) -> dict[str, float]:
    """The numbers of a message by path, without times and counters; empty when there are none or it is unreadable."""
    try:
        if message.truth.fmt == "sparkplug":
            return measured_numbers(message.payload)
        if not message.payload or len(message.payload) > 20_000:
            return {}
        found: dict[str, float] = {}
        _numeric_leaves(json.loads(message.payload), "", found)
    except (ValueError, IndexError, OverflowError, RecursionError, struct.error):
        return {}
    return found


def facets(messages: Sequence[LabelledMessage]) -> list[dict[str, Facets]]:
    """For each message and metric what it shows."""
    out: list[dict[str, Facets]] = [defaultdict(list) for _ in messages]
    parts: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        if message.truth.anomaly:
            parts[message.truth.anomaly.id].add(message.truth.anomaly.part)
    began, ended = (messages[0].t, messages[-1].t) if messages else (0.0, 1.0)
    span = max(ended - began, 1e-9)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    series: dict[tuple[str, str], _Series] = {}
    for index, message in enumerate(messages):
        truth, shown = message.truth, out[index]
        shown["topic"].append((message.topic, 1.0))
        shown["template"].append((truth.template, 1.0))
        shown["struct"].append(((truth.template, truth.struct), 1.0))
        shown["device"].append((truth.device, 1.0))
        shown["retained"].append(((truth.template, message.retain), 1.0))
        shown["time"].append((min(TIME_BINS - 1, int((message.t - began) / span * TIME_BINS)), 1.0))
        if truth.change is not None:
            shown["change"].append(((message.topic, truth.change), 1.0))
        if truth.anomaly:
            label = truth.anomaly
            weight = SEVERITY_WEIGHT[label.severity] / len(parts[label.id])
            shown["anomaly"].append(((label.id, label.part), weight))
        first.setdefault(message.topic, index)
        last[message.topic] = index
        for path, value in numbers(message).items():
            series.setdefault((message.topic, path), _Series()).add(index, value)
    for end, indices in (("first", first), ("last", last)):
        for topic, index in indices.items():
            out[index]["first_last"].append(((topic, end), 1.0))
    _add_extremes(out, series)
    return out


def _add_extremes(out: list[dict[str, Facets]], series: dict[tuple[str, str], _Series]) -> None:
    for key, values in series.items():
        if values.points >= MIN_SERIES and len(values.distinct) >= 3:
            for index in values.lowest:
                out[index]["extremes"].append(((key, "min"), 1.0))
            for index in values.highest:
                out[index]["extremes"].append(((key, "max"), 1.0))


def greedy(candidates: Sequence[Facets], budget: int) -> tuple[list[int], float]:
    """Lazy greedy maximum weighted coverage: the chosen indices in order of gain, and the weight they cover."""
    covered: set[Any] = set()
    chosen: list[int] = []
    total = 0.0
    heap = [(-sum(weight for _, weight in shown), index) for index, shown in enumerate(candidates) if shown]
    heapq.heapify(heap)
    while heap and len(chosen) < budget:
        _, index = heapq.heappop(heap)
        gain = sum(weight for facet, weight in candidates[index] if facet not in covered)
        if gain <= 0:
            continue
        if heap and -heap[0][0] > gain + 1e-12:
            heapq.heappush(heap, (-gain, index))
            continue
        chosen.append(index)
        total += gain
        covered.update(facet for facet, _ in candidates[index])
    return chosen, total
