"""The last message of each topic that the sessions of this hub received, for a person to look at.

Owns the bound (the topic that was silent longest goes first) and the counts. Is fed once per message, from the hot path
of the pump: it keeps bytes and makes them presentable only when somebody looks. Subscribes to nothing.
"""

from collections import OrderedDict

from mqtt_mcp.hub.records import Topic
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 2000
MAX_TOPIC_CHARS = 1024
"""Longer names share one row per beginning: thousands of names of 65,535 bytes must not fill the memory."""


class _Row:
    __slots__ = ("count", "head", "message_bytes", "qos", "received_s", "retain", "shown")

    count: int
    head: bytes
    message_bytes: int
    qos: int
    received_s: float
    retain: bool
    shown: Topic | None

    def __init__(self) -> None:
        self.count = 0


class TopicTable:
    """The topics of one hub.

    Args:
        redactor: Makes topics and payloads presentable.
        epoch_offset_s: What to add to trio's clock for the wall clock, in seconds.
        max_topics: How many to remember.

    Attributes:
        forgotten: Topics let go because there were too many.
    """

    def __init__(self, redactor: Redactor, *, epoch_offset_s: float, max_topics: int = MAX_TOPICS) -> None:
        self.forgotten = 0
        self._redactor = redactor
        self._epoch_offset_s = epoch_offset_s
        self._max_topics = max_topics
        self._head_bytes = redactor.head_bytes
        # The topic heard last is the last. A plain dict walks over all that was deleted before to find its first.
        self._rows: OrderedDict[str, _Row] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, message: Message) -> None:
        """Count one message; quick, and raises nothing."""
        topic = message.topic
        if len(topic) > MAX_TOPIC_CHARS:
            topic = topic[:MAX_TOPIC_CHARS]
        row = self._rows.get(topic)
        if row is None:
            row = self._rows[topic] = _Row()
        else:
            self._rows.move_to_end(topic)
        payload = message.payload
        row.count += 1
        row.head = payload if len(payload) <= self._head_bytes else payload[: self._head_bytes]
        row.message_bytes = len(payload)
        row.qos = message.qos
        row.retain = message.retain
        row.received_s = message.received_s
        row.shown = None
        if len(self._rows) > self._max_topics:
            self._rows.popitem(last=False)
            self.forgotten += 1

    def all(self) -> list[Topic]:
        """Every topic remembered, the one heard last at the end."""
        return [self._shown(topic, row) for topic, row in self._rows.items()]

    def heard_since(self, since_s: float, most: int) -> tuple[list[Topic], int]:
        """Topics heard after ``since_s`` on trio's clock.

        Returns:
            Those heard last, at most ``most``, the latest first; and how many others were.
        """
        shown: list[Topic] = []
        more = 0
        for topic in reversed(self._rows):
            row = self._rows[topic]
            if row.received_s <= since_s:
                break
            if len(shown) < most:
                shown.append(self._shown(topic, row))
            else:
                more += 1
        return shown, more

    def _shown(self, topic: str, row: _Row) -> Topic:
        if row.shown is None:  # made once for each message, however many look
            row.shown = self._presentable(topic, row)
        return row.shown

    def _presentable(self, topic: str, row: _Row) -> Topic:
        payload, encoding, truncated = self._redactor.payload(row.head, row.message_bytes, topic=topic)
        return Topic(
            topic=self._redactor.topic(topic, MAX_TOPIC_CHARS),
            at_epoch_s=round(row.received_s + self._epoch_offset_s, 3),
            count=row.count,
            payload=payload,
            encoding=encoding,
            truncated=truncated,
            size_bytes=row.message_bytes,
            qos=row.qos,
            retain=row.retain,
        )
