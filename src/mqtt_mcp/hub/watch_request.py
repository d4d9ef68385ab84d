"""What a tool asks of the hub: one watch, and how a watch ends.

Values only; ``collection.py`` runs it.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from mqtt_mcp.analysis.accumulator import Accumulator, EndedBy
from mqtt_mcp.hub.records import Found
from mqtt_mcp.mqtt.client import Subscription

if TYPE_CHECKING:
    from mqtt_mcp.hub.collection import Collection

ENDS: dict[EndedBy, str] = {
    "running": "it failed",
    "duration": "its time was up",
    "limit": "it had seen enough",
    "quiet": "nothing more came",
    "cancelled": "it was cancelled",
    "disconnected": "the connection was lost",
    "closed": "its session ended",
}
"""Why a collection ended, as a sentence part."""


class WatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch.

    Attributes:
        tool: Name of the tool that asked.
        label: What is watched, for lists: the topic filter or the device.
        subscriptions: Filters to subscribe to; at least one must be granted.
        duration_s: Seconds to watch, from SUBACK on.
        accumulator: Takes the messages.
        render: Makes the tool's result of the collection, now; called at any time, again and again.
        quiet_s: End early after so many seconds without a message; 0 never does.
        limit: Messages it keeps at most, for lists; 0 when there is no such limit.
        live_retained: Told each topic whose publisher was seen to retain, once, in no order with the messages. Takes a
            second connection; None does not look.
        companion: Runs beside the watch (a probe, say) and is cancelled at its end; its failure does not end the watch.
        beside: What else ``render`` needs and other tasks change: asked for when a look begins.
        findings: What a result that ``render`` made tells is wrong, for the journal; None when it never tells any.
    """

    tool: str
    label: str
    subscriptions: tuple[Subscription, ...]
    duration_s: float
    accumulator: Accumulator
    render: Callable[["Collection"], msgspec.Struct]
    quiet_s: float = 0.0
    limit: int = 0
    live_retained: Callable[[str], None] | None = None
    companion: Callable[[], Awaitable[None]] | None = None
    beside: Callable[[], Any] | None = None
    findings: Callable[[Any], Iterable[Found]] | None = None
