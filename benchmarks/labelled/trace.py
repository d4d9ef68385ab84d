"""Builds one trace: times of publishers, values that wander, messages with their labels. Knows no ecosystem."""

import math
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.labelled.encoders import json_bytes
from benchmarks.labelled.truth import Anomaly, DeviceFinding, LabelledMessage, Truth

EPOCH_S = 1_790_000_000
"""When every trace begins: 2026-09-21T13:33:20Z."""


class Trace:
    """A growing trace with its own source of chance.

    Attributes:
        scenario: Its name.
        duration_s: Messages outside of it are dropped.
        random: The one source of chance; the order of calls is part of the trace.
        messages: What was emitted so far; in order of time after ``finish``.
        findings: What no single message carries.
    """

    def __init__(self, scenario: str, seed: int, duration_s: float) -> None:
        self.scenario, self.duration_s = scenario, float(duration_s)
        self.random = random.Random(f"{scenario}/{seed}")
        self.messages: list[LabelledMessage] = []
        self.findings: list[DeviceFinding] = []
        self._incidents = 0

    def anomaly(self, kind: str, severity: str, part: str = "only", finding: str | None = None) -> Anomaly:
        """The label of a new incident."""
        self._incidents += 1
        return Anomaly(f"{self.scenario}-{self._incidents}-{kind}", kind, severity, part, finding or kind)

    def finding(self, device: str, code: str, severity: str, note: str = "") -> None:
        """Expect a finding that no single message carries."""
        self.findings.append(DeviceFinding(device, code, severity, note))

    def emit(
        self,
        t: float,
        topic: str,
        payload: Any,
        *,
        kind: str,
        struct: str,
        template: str,
        device: str | None = None,
        qos: int = 0,
        retain: bool = False,
        retained_pub: bool | None = None,
        change: str | None = None,
        anomaly: Anomaly | None = None,
        fmt: str | None = None,
    ) -> None:
        """Publish one message: bytes as they are, a string as text, everything else as JSON."""
        if isinstance(payload, str):
            data, fmt = payload.encode(), fmt or "text"
        elif isinstance(payload, bytes):
            data, fmt = payload, fmt or "binary"
        else:
            data, fmt = json_bytes(payload), fmt or "json"
        if not 0.0 <= t <= self.duration_s:
            return
        published = retain if retained_pub is None else retained_pub
        truth = Truth(self.scenario, device, kind, struct, template, fmt, change, published, anomaly)
        self.messages.append(LabelledMessage(round(t, 4), topic, data, qos, retain, truth))

    def every(
        self,
        period_s: float,
        jitter: float = 0.05,
        start: float | None = None,
        gap: tuple[float, float] | None = None,
    ) -> Iterator[float]:
        """Times of a periodic publisher; ``gap`` silences it."""
        t = self.random.uniform(0.3, min(period_s, self.duration_s)) if start is None else start
        while t < self.duration_s:
            if not (gap and gap[0] < t < gap[1]):
                yield t
            t += period_s * (1 + self.random.uniform(-jitter, jitter))

    def at(self, low: float = 0.15, high: float = 0.9) -> float:
        """A moment between two shares of the duration."""
        return self.random.uniform(low, high) * self.duration_s

    def walk(
        self, start: float, step: float, digits: int = 1, low: float = -math.inf, high: float = math.inf
    ) -> Iterator[float]:
        """A value that wanders, rounded as a device rounds it."""
        value = start
        while True:
            value = min(high, max(low, value + self.random.gauss(0, step)))
            yield round(value, digits)

    def finish(self) -> "Trace":
        """Put the messages in order of time."""
        self.messages.sort(key=lambda message: message.t)
        return self


class Once:
    """True for the first time at or after a moment, and never again: where an anomaly goes."""

    def __init__(self, at: float) -> None:
        self.at = at
        self._done = False

    def __call__(self, t: float) -> bool:
        """Whether this is the time."""
        if self._done or t < self.at:
            return False
        self._done = True
        return True


class Publisher:
    """One device that publishes under a prefix: fills in the device and the beginning of topic and template.

    Attributes:
        device: Its name in the truth.
        prefix: The levels before each of its topics, with a slash at the end.
    """

    def __init__(self, trace: Trace, device: str, prefix: str, template: str) -> None:
        self.device, self.prefix, self._template = device, prefix, template
        self._emit = partial(trace.emit, device=device)

    def __call__(
        self,
        t: float,
        rest: str,
        payload: Any,
        struct: str,
        *,
        kind: str = "telemetry",
        template: str = "",
        **more: Any,
    ) -> None:
        """Publish below the prefix; ``template`` of the rest where levels of it vary."""
        self._emit(
            t,
            self.prefix + rest,
            payload,
            kind=kind,
            struct=struct,
            template=self._template + (template or rest),
            **more,
        )
