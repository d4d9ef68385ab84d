"""Which stored messages of one watch count: each once, however often and however slowly the broker sends them.

Owns the burst of stored messages after a SUBSCRIBE (open or over) and what a repetition is. Brokers repeat stored
messages whenever anybody of the session subscribes again, and after a reconnection. Pure: no clock of its own.
"""

import math

from mqtt_mcp.hub.router import Tap
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS_REMEMBERED = 100_000
FENCED_QUIET_S = 0.3
"""Once the fence is back the broker has sent what was stored; at QoS 1 and 2 the last of it may still be under way."""
MAX_CHARS_REMEMBERED = 16 * 1024 * 1024


class StoredMessages:
    """The stored messages of one watch.

    Args:
        tap: Knows whether somebody else's SUBSCRIBE brings them again.
        quiet_s: Without a fence the burst is over after so many seconds without a stored message.
    """

    def __init__(self, tap: Tap, *, quiet_s: float) -> None:
        self._tap = tap
        self._quiet_s = quiet_s
        self._since_s = math.inf
        self._asked = False
        self._restored = False
        self._fenced = False
        # Topic → hash of the payload last seen there, of topics with a stored message.
        self._seen: dict[str, int] = {}
        self._chars = 0

    def asked(self, now_s: float) -> None:
        """The broker answered our SUBSCRIBE: from now on silence ends the burst."""
        self._asked = True
        self._since_s = now_s

    def restored(self, now_s: float) -> None:
        """Subscribed again after a reconnection: a new burst, in which only what changed meanwhile is news."""
        self._restored = True
        self._fenced = False
        self._tap.asked_again = False
        self._since_s = now_s

    def fenced(self) -> None:
        """A message that was sent after our SUBSCRIBE is back: what was stored is here, or nearly."""
        self._fenced = True

    def open(self, at_s: float) -> bool:
        """Whether stored messages may still be arriving."""
        return at_s < self._since_s + (FENCED_QUIET_S if self._fenced else self._quiet_s)

    def minds(self, at_s: float) -> bool:
        """Whether a live message that arrived at ``at_s`` may matter: ask before ``take_live``, for speed."""
        return bool(self._seen) or self.open(at_s)

    def take_live(self, message: Message) -> None:
        """Note a live message: the broker may send it once more as the stored one."""
        if message.topic in self._seen or self.open(message.received_s):
            self._remember(message.topic, hash(message.payload))

    def is_repetition(self, message: Message) -> bool:
        """Whether a stored message was seen before; notes it when it was not.

        While nobody asked again every stored message is ours, however late it comes: large ones over a slow line take
        their time. Later ones are somebody else's once the burst is over.
        """
        if self._tap.asked_again and not self.open(message.received_s):
            return True
        digest = hash(message.payload)
        if (self._tap.shared or self._restored) and self._seen.get(message.topic) == digest:
            return True
        self._remember(message.topic, digest)
        if self._asked:
            if not self.open(message.received_s):
                self._fenced = False  # so this broker does not keep the order: only silence tells
            self._since_s = max(self._since_s, message.received_s)
        return False

    def _remember(self, topic: str, digest: int) -> None:
        if topic not in self._seen:
            if len(self._seen) >= MAX_TOPICS_REMEMBERED or self._chars + len(topic) > MAX_CHARS_REMEMBERED:
                return
            self._chars += len(topic)
        self._seen[topic] = digest
