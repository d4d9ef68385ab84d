"""What the times in payloads tell: the offset of a device's clock, a clock that jumped, and a time that stands still.

Owns what is remembered of the times of one topic, bounded. Reads no clock; the judgement is ``checks_time.py``'s.
"""

from datetime import UTC, datetime
from typing import Any

from mqtt_mcp.analysis.schema.values import EPOCH_UNITS, epoch_unit
from mqtt_mcp.analysis.statistics import median

TOLERATED_S = 300.0
_MAX_OFFSETS = 8
SENDING_TIME_KEYS = frozenset(
    {"time", "ts", "tst", "timestamp", "@timestamp", "datetime", "date_time", "utc", "sent_at", "timestamp_ms", "t"}
    | {"timestamp_s", "unixtime", "received_at", "local_time", "sourcetimestamp", "_ts", "time_ms", "epoch"}
)
"""Fields with the time at which the device made the message."""
_OTHER_TIME_KEYS = frozenset({"last_seen", "lastseen", "last_update", "last_updated"})
TIME_KEYS = SENDING_TIME_KEYS | _OTHER_TIME_KEYS
UNSET_BEFORE_S = 978_307_200.0
"""Before 2001: a clock that counts from its start."""


def is_time_zone(off_s: float) -> bool:
    """Whether an offset is a whole number of quarter hours, as local times without a zone have."""
    return abs(off_s) <= 14.1 * 3600 and abs(off_s - round(off_s / 900) * 900) < 120


class PayloadTimes:
    """The times in the payloads of one topic; arrivals count in seconds from the start of the watch.

    Attributes:
        path: The field that is read.
        offsets_s: Payload time minus arrival of the last eight live messages that agree with each other.
        jump: When the clock first left its earlier offset, the latest such offset, and in how many messages.
        stored_offset_s: The same difference for a stored message.
        local: The times name no zone.
        value, moves: The last time, and how often it changed.
        stall, stall_from_s: The longest succession of live messages with the same time, and when it began.
    """

    __slots__ = (
        "_same", "_same_from_s", "jump", "local", "moves", "offsets_s", "path", "stall", "stall_from_s",
        "stored_offset_s", "value",
    )  # fmt: skip

    def __init__(self, path: str) -> None:
        self.path = path
        self.offsets_s: list[float] = []
        self.jump: tuple[float, float, int] | None = None
        self.stored_offset_s: float | None = None
        self.local = False
        self.value: float | None = None
        self.moves = self.stall = self._same = 0
        self.stall_from_s = self._same_from_s = 0.0

    @property
    def is_sending_time(self) -> bool:
        """Whether it is the time at which a message was made, not that of something seen before."""
        return self.path.rpartition(".")[2].lower() in SENDING_TIME_KEYS

    def take(self, item: Any, t_s: float, *, retain: bool, repeated: bool) -> None:
        """Take the time of one message.

        Args:
            item: The value of the field.
            t_s: Arrival.
            retain: It was a stored message.
            repeated: The message is a copy of the one before.
        """
        epoch_s = payload_time_s(item)
        if epoch_s is None:
            counts = isinstance(item, (int, float)) and not isinstance(item, bool) and 0 <= item < UNSET_BEFORE_S
            if not counts or not self.offsets_s:
                return
            epoch_s = float(item)
        if retain:
            self.stored_offset_s = epoch_s - t_s
            return
        if isinstance(item, str) and item[-1:] not in {"Z", "z"} and "+" not in item and item.count("-") == 2:
            self.local = True
        self._stall(epoch_s, t_s, repeated=repeated)
        self._offset(epoch_s - t_s, t_s)

    def _offset(self, off_s: float, t_s: float) -> None:
        if self.offsets_s:
            away_s = off_s - median(self.offsets_s)
            if abs(away_s) > TOLERATED_S and not is_time_zone(away_s):
                first_s, _, count = self.jump or (t_s, off_s, 0)
                self.jump = (first_s, off_s, count + 1)
                return
        if len(self.offsets_s) >= _MAX_OFFSETS:
            del self.offsets_s[0]
        self.offsets_s.append(off_s)

    def _stall(self, epoch_s: float, t_s: float, *, repeated: bool) -> None:
        if epoch_s != self.value:
            self.moves += self.value is not None
            self.value, self._same, self._same_from_s = epoch_s, 0, t_s
        elif not repeated:
            self._same += 1
            if self._same > self.stall:
                self.stall, self.stall_from_s = self._same, self._same_from_s


def payload_time_s(item: Any) -> float | None:
    """Unix time in seconds of an ISO 8601 text (UTC when it names no zone) or of a number of s, ms, µs or ns."""
    if isinstance(item, str):
        if not 10 <= len(item) <= 40:
            return None
        try:
            moment = datetime.fromisoformat(item)
        except ValueError:
            return None
        try:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (OverflowError, ValueError):
            return None
    unit = epoch_unit(item) if isinstance(item, (int, float)) and abs(item) < 1e100 else ""
    return item / EPOCH_UNITS[unit] if unit else None
