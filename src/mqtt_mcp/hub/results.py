"""Collections by handle: the running ones and, for ten minutes, the finished ones.

Owns the bounds on how many are kept and how much memory they hold together. Does not start or end any.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.settings import Settings


class Results:
    """All collections of a hub that can still be asked for, in the order they were started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._collections: dict[str, Collection] = {}
        self._starting = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for a collection while it starts; ``add`` it in the same step in which the block ends.

        Raises:
            ToolError: ``busy``: too many run, or start at this moment.
        """
        limit = self._settings.max_running_collections
        if self.running() + self._starting >= limit:
            raise ToolError(
                ErrorKind.BUSY,
                f"{limit} collections are running, which is the most there may be.",
                "Wait for one to end, or end one with collection_result(collection_id, cancel=true).",
            )
        self._starting += 1
        try:
            yield
        finally:
            self._starting -= 1

    def add(self, collection: Collection) -> None:
        """Make a collection fetchable by its id."""
        self._collections[collection.id] = collection
        self.sweep()

    def get(self, collection_id: str) -> Collection:
        """The collection with this id.

        Raises:
            ToolError: ``collection_unknown``: never existed, or its result was dropped.
        """
        self.sweep()
        collection = self._collections.get(collection_id)
        if collection is None:
            keep_s = self._settings.result_keep_s
            raise ToolError(
                ErrorKind.COLLECTION_UNKNOWN,
                f"There is no collection with this id; results are kept {keep_s:g} s after the end.",
                "list_active_connections shows the collections there are; or start the watch again.",
            )
        return collection

    def all(self) -> list[Collection]:
        """Every collection that can be asked for, oldest first."""
        self.sweep()
        return list(self._collections.values())

    def running(self) -> int:
        """How many are running."""
        return sum(c.running for c in self._collections.values())

    def sweep(self) -> None:
        """Forget finished collections that are too old, too many or too large together; oldest first."""
        now = trio.current_time()
        finished = [c for c in self._collections.values() if not c.running]
        for collection in finished:
            if now >= collection.finished_s + self._settings.result_keep_s:
                del self._collections[collection.id]
        kept = [c for c in finished if c.id in self._collections]
        held_bytes = sum(c.accumulator.kept_bytes for c in kept)
        while kept and (
            len(kept) > self._settings.max_finished_collections or held_bytes > self._settings.session_memory_bytes
        ):
            oldest = kept.pop(0)
            held_bytes -= oldest.accumulator.kept_bytes
            del self._collections[oldest.id]
