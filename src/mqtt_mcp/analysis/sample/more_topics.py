"""Topics beyond those that are known in detail: messages and bytes exactly, and how many topics there are.

Owns their names up to a bound, then an estimate. Looks at no payload.
"""

from mqtt_mcp.analysis.distinct import Distinct
from mqtt_mcp.analysis.sample.tables import OtherTopics

_NAME_BYTES = 200
_ESTIMATE_BYTES = 4_300


class MoreTopics:
    """The topics of one watch that nobody looks at closely."""

    def __init__(self) -> None:
        self._messages = self._bytes = 0
        self._names: set[str] = set()
        self._beyond: Distinct | None = None

    def add(self, name: str, size: int, *, exact: int) -> None:
        """Count one message.

        Args:
            name: Its topic.
            size: Bytes of its payload.
            exact: How many topics are told apart exactly.
        """
        self._messages += 1
        self._bytes += size
        if name in self._names:
            return
        if self._beyond is None and len(self._names) < exact:
            self._names.add(name)
            return
        if self._beyond is None:
            self._beyond = Distinct()
            for known in self._names:
                self._beyond.add(known)
        self._beyond.add(name)

    def __len__(self) -> int:
        return len(self._names) if self._beyond is None else self._beyond.estimate()

    @property
    def estimated(self) -> bool:
        """Whether the number of topics is an estimate."""
        return self._beyond is not None

    @property
    def held_bytes(self) -> int:
        """About what it takes."""
        return _NAME_BYTES * len(self._names) + (_ESTIMATE_BYTES if self._beyond is not None else 0)

    def counts(self) -> OtherTopics:
        """What was counted."""
        return OtherTopics(topics=len(self), messages=self._messages, bytes=self._bytes)
