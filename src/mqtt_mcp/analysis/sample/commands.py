"""Commands of the watch that nothing answered: worth showing, but known only later.

Owns the open commands and the messages that carried them, so that they can still be shown. What answers a command is
``devices.replies``' business. Nothing here depends on when it is asked.
"""

from collections.abc import Container
from typing import Any

from mqtt_mcp.analysis.devices.descriptions import learn
from mqtt_mcp.analysis.devices.directory import Directory
from mqtt_mcp.analysis.devices.replies import Expectation, answers, expected
from mqtt_mcp.analysis.sample.kept import Kept
from mqtt_mcp.analysis.sample.signals import Signal
from mqtt_mcp.mqtt.client import Message

MAX_OPEN = 64
"""Commands waiting, or given up; further ones are not followed."""
_WAITING_BYTES = 400


class _Waiting:
    """A command, what has to follow it, and the message that may have to be shown."""

    __slots__ = ("from_s", "kept", "wish")

    def __init__(self, kept: Kept, wish: Expectation) -> None:
        self.kept, self.wish = kept, wish
        self.from_s: float | None = None if wish.after else kept.t_s

    def overdue(self, now_s: float) -> bool:
        return self.from_s is not None and now_s - self.from_s > self.wish.patience_s


class OpenCommands:
    """The commands of a watch that wait for an answer."""

    def __init__(self) -> None:
        self._directory = Directory()
        self._waiting: list[_Waiting] = []
        self._topics: frozenset[str] = frozenset()

    def awaits(self, topic: str) -> bool:
        """Whether a message on this topic may be an answer."""
        awaited = self._topics
        return bool(awaited) and (topic in awaited or topic.rpartition("/")[0] + "/" in awaited)

    def learn(self, levels: list[str], value: Any) -> None:
        """Take a description of devices: some tell on which topic a command is answered."""
        learn(self._directory, levels, value)

    def take_answer(self, message: Message, value: Any, t_s: float) -> None:
        """Take a message on an awaited topic; commands that are overdue by then stay so."""
        above = message.topic.rpartition("/")[0] + "/"
        for one in list(self._waiting):
            if one.overdue(t_s):
                continue
            if message.topic == one.wish.after:
                one.from_s = t_s if one.from_s is None else one.from_s
                continue
            awaited = message.topic in one.wish.topics or above in one.wish.topics
            if awaited and answers(one.wish, value, message.properties):
                self._waiting.remove(one)
                self._index()

    def take_command(self, kept: Kept, levels: list[str], value: Any, topics: Container[str]) -> None:
        """Take a live command.

        Args:
            kept: Its message.
            levels: Its topic, split at ``/``.
            value: Its decoded payload.
            topics: Those seen so far. A convention promises an answer; otherwise only a topic that exists can give one.
        """
        for wish in expected(levels, value, self._directory, kept.message.properties):
            known = wish.certain or any(topic in topics for topic in wish.topics)
            if known and not wish.desired and len(self._waiting) < MAX_OPEN:
                self._waiting.append(_Waiting(kept, wish))
                self._index()

    def _index(self) -> None:
        topics = {topic for one in self._waiting for topic in one.wish.topics}
        self._topics = frozenset(topics | {one.wish.after for one in self._waiting if one.wish.after})

    def overdue(self, now_s: float) -> list[tuple[Kept, Signal]]:
        """The commands whose time is up, in order, each with the reason to show it; changes nothing."""
        return [
            (
                one.kept,
                Signal("command_unanswered", "high", "", f"nothing answered it within {one.wish.patience_s:g} s"),
            )
            for one in self._waiting
            if one.overdue(now_s)
        ]

    @property
    def held_bytes(self) -> int:
        """About what the commands and their messages take."""
        return self._directory.held_bytes + sum(_WAITING_BYTES + one.kept.held_bytes for one in self._waiting)


def _unanswered(wish: Expectation) -> Signal:
    return Signal("command_unanswered", "high", "", f"nothing answered it within {wish.patience_s:g} s")
