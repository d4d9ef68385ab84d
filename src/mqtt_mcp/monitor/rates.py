"""Messages per second: of the hub over five minutes, of each session over one, and what the process costs.

Owns the buckets. Is fed totals once a second by the pulse and counts nothing itself, so nobody pays per message.
"""

import os
import time
from collections import deque
from collections.abc import Mapping

from mqtt_mcp.hub.traffic_counts import TrafficCounts
from mqtt_mcp.monitor.model import Throughput

HUB_BUCKETS = 300
SESSION_BUCKETS = 60


class Rates:
    """Buckets of one second each.

    Attributes:
        last_in, last_out: The newest bucket of the hub.
        rss_bytes: Memory of this process at the last tick.
        cpu_percent: Its share of one core between the last two ticks.
    """

    def __init__(self) -> None:
        self.last_in = 0
        self.last_out = 0
        self.rss_bytes = _rss_bytes()
        self.cpu_percent = 0.0
        self._received: deque[int] = deque(maxlen=HUB_BUCKETS)
        self._published: deque[int] = deque(maxlen=HUB_BUCKETS)
        self._before = TrafficCounts()
        self._sessions: dict[str, deque[int]] = {}
        self._sessions_before: dict[str, int] = {}
        self._until_epoch_s = time.time()
        self._cpu_s = time.process_time()
        self._wall_s = time.monotonic()

    def tick(self, carried: TrafficCounts, received_by_session: Mapping[str, int]) -> None:
        """A second is over.

        Args:
            carried: Totals of the hub since its start.
            received_by_session: Messages received so far, by session id; sessions that are not in it are forgotten.
        """
        self.last_in = max(0, carried.messages_in - self._before.messages_in)
        self.last_out = max(0, carried.messages_out - self._before.messages_out)
        self._received.append(self.last_in)
        self._published.append(self.last_out)
        self._before = carried
        self._until_epoch_s = time.time()
        self._sessions = {
            session_id: self._sessions.get(session_id, deque(maxlen=SESSION_BUCKETS))
            for session_id in received_by_session
        }
        for session_id, received in received_by_session.items():
            self._sessions[session_id].append(received - self._sessions_before.get(session_id, 0))
        self._sessions_before = dict(received_by_session)
        self._tick_process()

    def throughput(self) -> Throughput:
        """The last five minutes."""
        return Throughput(
            until_epoch_s=round(self._until_epoch_s, 3),
            received=list(self._received),
            published=list(self._published),
        )

    def of_session(self, session_id: str) -> list[int]:
        """Messages received in each of the last 60 seconds."""
        return list(self._sessions.get(session_id, ()))

    def _tick_process(self) -> None:
        cpu_s, wall_s = time.process_time(), time.monotonic()
        if wall_s > self._wall_s:
            self.cpu_percent = round(100 * (cpu_s - self._cpu_s) / (wall_s - self._wall_s), 1)
        self._cpu_s, self._wall_s = cpu_s, wall_s
        self.rss_bytes = _rss_bytes()


def _rss_bytes() -> int:
    """Memory of this process; 0 where the system does not tell in this way."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - twice as quick, and once a second
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
