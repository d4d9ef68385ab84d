"""Has what results tell noted in the journal, also of a watch whose result nobody asks for.

Owns when that happens: at each look at a running watch, and once at its end. Makes results only where nobody else does,
in the same worker thread, and only of watches whose results can tell something. What becomes of it is the journal's.
"""

import math
from collections.abc import Awaitable, Callable

import msgspec
import trio

from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.findings import Origin
from mqtt_mcp.hub.journal import Journal

Render = Callable[[], msgspec.Struct]
Offload = Callable[[Render], Awaitable[msgspec.Struct]]


class FindingNotes:
    """Notes of one hub.

    Args:
        journal: Where they go; one that keeps no records costs nothing here.
        offload: Where results are made.
    """

    def __init__(self, journal: Journal, offload: Offload) -> None:
        self._journal = journal
        self._offload = offload
        self._untold: set[str] = set()  # watches whose final result nobody has begun to make

    def follow(self, collection: Collection, nursery: trio.Nursery) -> None:
        """See to it that the end of this watch is noted; a task of ``nursery`` that never raises."""
        if self._journal.kept and collection.request.findings is not None:
            self._untold.add(collection.id)
            nursery.start_soon(self._at_end, collection)

    async def result(self, collection: Collection) -> msgspec.Struct:
        """The result of a collection as of now, noted.

        Raises:
            ToolError: ``internal`` when the analysis broke.
        """
        if not collection.running:
            self._untold.discard(collection.id)
        async with collection.look():
            result = await self._offload(collection.render)
        self._note(collection, result)
        return result

    async def _at_end(self, collection: Collection) -> None:
        try:
            await collection.wait(math.inf)
            # Who waited for the end was woken together with us and asks for the result in the same step.
            await trio.lowlevel.checkpoint()
            if collection.id in self._untold and not collection.failure:
                with self._journal.boundary():
                    await self.result(collection)
        finally:
            self._untold.discard(collection.id)

    def _note(self, collection: Collection, result: msgspec.Struct) -> None:
        findings = collection.request.findings
        if findings is None or not self._journal.kept:
            return
        with self._journal.boundary():
            origin = Origin(
                tool=collection.tool,
                label=collection.label,
                session_id=collection.session_id,
                collection_id=collection.id,
                started_at_epoch_s=collection.window().started_at_epoch_s,
            )
            self._journal.found(findings(result), origin)
