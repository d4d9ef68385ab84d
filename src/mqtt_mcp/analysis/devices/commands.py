"""Commands that were seen and what answered them: response times, and which were left without an answer.

Owns the open commands and a bounded log for each command topic. What counts as an answer is ``replies.py``'s, whether
a missing one is a finding is ``checks_commands.py``'s.
"""

from collections import deque
from collections.abc import Mapping
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.replies import Expectation, answers, error_of, expected, shows
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.mqtt.client import Message, Properties

MAX_LOGS = 1_000
"""Command topics followed."""
MAX_OPEN = 4_000
_MAX_OPEN_PER_TOPIC = 16
_RECENT = 8
_LOG_BYTES = 2_200
_SENT_BYTES = 500


class Sent:
    """One command; ``said`` and ``by`` are foreign text.

    Attributes:
        t_s: When it was seen.
        said: Its payload, cut.
        wish: What has to follow.
        from_s: From when its time runs; None while what starts it has not come.
        answered_s, by: When and on which topic it was answered; None and empty until then.
        other: A state came in time that shows something else.
        log: Where it is counted.
    """

    __slots__ = ("answered_s", "by", "from_s", "log", "other", "said", "t_s", "wish")

    def __init__(self, t_s: float, said: str, wish: Expectation, log: "Log") -> None:
        self.t_s, self.said, self.wish, self.log = t_s, said, wish, log
        self.from_s = None if wish.after else t_s
        self.answered_s: float | None = None
        self.by = ""
        self.other = False

    def overdue(self, now_s: float) -> bool:
        """Whether its time ran out without an answer."""
        return self.answered_s is None and self.from_s is not None and now_s - self.from_s > self.wish.patience_s


class Log:
    """The commands on one topic: counts, response times of the last 64, and the last few."""

    __slots__ = ("answered", "failed", "late", "recent", "sent", "times_s")

    def __init__(self) -> None:
        self.sent = self.answered = 0
        self.failed: tuple[float, str] | None = None
        """When one was last answered with an error, and the error; foreign text."""
        self.late: Sent | None = None
        """The first that was not answered in time."""
        self.times_s: deque[float] = deque(maxlen=64)
        self.recent: deque[Sent] = deque(maxlen=_RECENT)


class Commands:
    """All commands of a watch."""

    def __init__(self) -> None:
        self.logs: dict[str, Log] = {}
        self._open: dict[str, list[Sent]] = {}
        """Awaited topic (with ``/`` at the end: the level below) → commands."""
        self._open_count = 0
        self._swept_s = 0.0
        self.held_bytes = 0
        """About what it takes."""

    def awaits(self, topic: str) -> bool:
        """Whether a message on this topic may be an answer and should be looked into."""
        return bool(self._open) and (topic in self._open or topic.rpartition("/")[0] + "/" in self._open)

    def take(
        self, track: Track, value: Any, message: Message, directory: Directory, tracks: Mapping[str, Track]
    ) -> None:
        """Take one live, decoded message that ``track`` has just counted: as an answer, as a command, or neither."""
        t_s = track.last_s
        if self._open:
            self._answer(track.topic, value, message.properties, t_s)
            self._answer(track.topic.rpartition("/")[0] + "/", value, message.properties, t_s, by=track.topic)
        if track.role != "command" and track.topic not in directory.reply_topics:
            return
        wishes = expected(track.levels, value, directory, message.properties)
        if wishes and (track.topic in self.logs or len(self.logs) < MAX_LOGS):
            self._sent(track, wishes, message.payload, t_s, tracks)

    def _sent(
        self, track: Track, wishes: list[Expectation], payload: bytes, t_s: float, tracks: Mapping[str, Track]
    ) -> None:
        log = self.logs.get(track.topic)
        if log is None:
            log = self.logs[track.topic] = Log()
            self.held_bytes += _LOG_BYTES + getsizeof(track.topic)
        log.sent += 1
        for wish in wishes:
            if not wish.certain and _is_so(wish, tracks):
                log.answered += 1
                continue
            one = Sent(t_s, payload[:120].decode("utf-8", "replace"), wish, log)
            log.recent.append(one)
            for topic in (*wish.topics, wish.after) if wish.after else wish.topics:
                self._wait(topic, one, t_s)

    def _wait(self, topic: str, one: Sent, t_s: float) -> None:
        if self._open_count >= MAX_OPEN and t_s - self._swept_s > 1.0:
            self._swept_s = t_s
            for awaited in list(self._open):
                self._sweep(awaited, t_s)
        waiting = self._sweep(topic, t_s)
        if len(waiting) < _MAX_OPEN_PER_TOPIC and self._open_count < MAX_OPEN:
            self._open[topic] = waiting
            waiting.append(one)
            self._open_count += 1
            self.held_bytes += _SENT_BYTES

    def _sweep(self, topic: str, t_s: float) -> list[Sent]:
        """Forget what was answered or is overdue; what is left."""
        waiting = self._open.pop(topic, [])
        kept = []
        for one in waiting:
            if one.answered_s is None and not one.overdue(t_s):
                kept.append(one)
            else:
                self._forget(one)
        if kept:
            self._open[topic] = kept
        return kept

    def _forget(self, one: Sent) -> None:
        self._open_count -= 1
        self.held_bytes -= _SENT_BYTES
        if one.answered_s is None and one.log.late is None:
            one.log.late = one

    def _answer(self, awaited: str, value: Any, properties: Properties | None, t_s: float, by: str = "") -> None:
        if awaited not in self._open:
            return
        for one in self._sweep(awaited, t_s):
            if awaited == one.wish.after:
                one.from_s = t_s if one.from_s is None else one.from_s
            elif answers(one.wish, value, properties):
                one.answered_s, one.by = t_s, by or awaited
                one.log.answered += not one.wish.desired
                said = error_of(value)
                if said:
                    one.log.failed = (t_s, said)
                one.log.times_s.append(t_s - one.t_s)
            else:
                one.other = True


def _is_so(wish: Expectation, tracks: Mapping[str, Track]) -> bool:
    """Whether the state shows already what the command wants: some then stay silent."""
    if wish.wanted is None or isinstance(wish.wanted, dict):
        return False
    for topic in wish.topics:
        track = tracks.get(topic)
        if track is not None and 0 < track.last_bytes <= 64:
            text = track.last_payload.decode("utf-8", "replace")
            value: Any = track.series["$"].last if "$" in track.series else text
            return shows(wish.wanted, value) is True
    return False
