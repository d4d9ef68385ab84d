"""How the collections of one session share its memory: all shrink in proportion when together they hold too much."""

from collections.abc import Sequence

from mqtt_mcp.hub.collection import Collection

ROOM = 0.75
"""Below the budget by a quarter, so that the next few messages do not shrink everything again."""


def keep_inside(budget_bytes: int, collections: Sequence[Collection]) -> None:
    """Shrink what ``collections`` hold when it exceeds ``budget_bytes``, and mark those that had to let go."""
    if any(collection.looked_at for collection in collections):
        return  # one of them is read by another thread at this moment; the next batch will do
    held_bytes = sum(c.accumulator.kept_bytes for c in collections)
    if held_bytes <= budget_bytes:
        return
    for collection in collections:
        share = collection.accumulator.kept_bytes / held_bytes
        collection.accumulator.shrink(int(share * budget_bytes * ROOM))
        collection.memory_pressure = True
