"""Are we ourselves the bottleneck? How late trio's timers are and how much CPU this process takes, during a watch.

Owns the two measurements and nothing else: without them a slow machine on our side looks like a slow broker.
"""

import time
from collections.abc import Callable

import msgspec
import trio

from mqtt_mcp.analysis.histogram import Histogram

TICK_S = 0.05
LATE_MS = 20.0
"""Timers later than this at p99 make every latency an upper bound."""


class SelfFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Our own state during the watch.

    Attributes:
        ticks: Timers measured.
        lag_ms_p50, lag_ms_p99, lag_ms_max: How late they were.
        cpu_share: CPU seconds of this process, all threads, per second: 1.0 is one core.
        inbox_peak: Messages that waited in our own inbox at most, looked at with every timer.
        inbox_share: The same as a share of what the inbox holds.
        upper_bounds: True when the lag is such that latencies are upper bounds.
    """

    ticks: int
    lag_ms_p50: float
    lag_ms_p99: float
    lag_ms_max: float
    cpu_share: float
    inbox_peak: int
    inbox_share: float
    upper_bounds: bool


class SelfWatch:
    """Measures while ``run`` runs.

    Args:
        inbox_limit: Messages our inbox holds.
    """

    def __init__(self, *, inbox_limit: int) -> None:
        self._inbox_limit = inbox_limit
        self._inbox_peak = 0
        self._lag_us = Histogram()
        self._cpu_s = 0.0
        self._wall_s = 0.0

    async def run(self, waiting: Callable[[], int]) -> None:
        """Measure until cancelled.

        Args:
            waiting: Messages that have arrived and were not looked at yet.
        """
        cpu_start_s, wall_start_s = time.process_time(), time.perf_counter()
        while True:
            due_s = trio.current_time() + TICK_S
            await trio.sleep_until(due_s)
            self._lag_us.record(round((trio.current_time() - due_s) * 1e6))
            self._inbox_peak = max(self._inbox_peak, waiting())
            self._cpu_s = time.process_time() - cpu_start_s
            self._wall_s = time.perf_counter() - wall_start_s

    def facts(self) -> SelfFacts:
        """What was measured until now."""
        p99_ms = self._lag_us.quantile(0.99) / 1e3
        return SelfFacts(
            ticks=self._lag_us.count,
            lag_ms_p50=round(self._lag_us.quantile(0.5) / 1e3, 3),
            lag_ms_p99=round(p99_ms, 3),
            lag_ms_max=round(self._lag_us.maximum / 1e3, 3),
            cpu_share=round(self._cpu_s / self._wall_s, 3) if self._wall_s else 0.0,
            inbox_peak=self._inbox_peak,
            inbox_share=round(self._inbox_peak / self._inbox_limit, 3),
            upper_bounds=p99_ms > LATE_MS,
        )
