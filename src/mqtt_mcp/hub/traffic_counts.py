"""What a connection, a session or the whole hub carried, as numbers.

Owns the counts and their sum. Does not count: the link does.
"""

import msgspec


class TrafficCounts(msgspec.Struct):
    """Messages and the bytes of their payloads.

    Attributes:
        messages_in, bytes_in: What arrived.
        messages_out, bytes_out: What was published for a caller.
        dropped: Messages that arrived and were let go because we were too slow.
    """

    messages_in: int = 0
    bytes_in: int = 0
    messages_out: int = 0
    bytes_out: int = 0
    dropped: int = 0

    def add(self, other: "TrafficCounts") -> None:
        """Add what ``other`` counted."""
        self.messages_in += other.messages_in
        self.bytes_in += other.bytes_in
        self.messages_out += other.messages_out
        self.bytes_out += other.bytes_out
        self.dropped += other.dropped
