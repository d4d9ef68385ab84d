"""What the web server needs to know of the hub, as a protocol: the wall between the two.

Owns no data and no behaviour; ``view.View`` is what stands behind it in the product.
"""

from collections.abc import Callable
from typing import Protocol

from mqtt_mcp.hub.records import Call, Publish, Severity
from mqtt_mcp.monitor.model import (
    Calls,
    Changes,
    CollectionView,
    Findings,
    Logs,
    Publishes,
    SessionView,
    Snapshot,
    Status,
    Throughput,
    Topics,
)


class NotRunning(Exception):
    """A collection cannot be cancelled: it has ended.

    Args:
        state: What ended it.
    """

    def __init__(self, state: str) -> None:
        super().__init__(f"the collection has ended ({state})")
        self.state = state


class Source(Protocol):
    """Reads the hub. Every method is cheap; the synchronous ones have no checkpoint, so their answer is consistent."""

    on_call_ended: list[Callable[[Call], None]]

    @property
    def ready(self) -> bool:
        """Whether tool calls are answered."""

    @property
    def stopping(self) -> bool:
        """Whether the process is on its way out."""

    def status(self) -> Status:
        """The process and its totals."""

    def snapshot(self) -> Snapshot:
        """Everything a page shows, and the event it corresponds to."""

    def throughput(self) -> Throughput:
        """The last five minutes."""

    def sessions(self) -> list[SessionView]:
        """The open sessions, oldest first."""

    def collections(self) -> list[CollectionView]:
        """The running and recently finished collections, oldest first."""

    def topics(self) -> Topics:
        """The topics remembered."""

    def calls(self, before: int | None, limit: int) -> Calls:
        """Tool calls, newest first."""

    def publishes(self, before: int | None, limit: int) -> Publishes:
        """Publishes, newest first."""

    def exported(self) -> list[Publish]:
        """All publishes remembered, oldest first, fit to leave this machine."""

    def changes(self, before: int | None, limit: int) -> Changes:
        """Changes, newest first."""

    def logs(self, before: int | None, limit: int) -> Logs:
        """Log lines, newest first."""

    def findings(self, before: int | None, limit: int, min_severity: Severity = "info") -> Findings:
        """What results told is wrong, newest first."""

    def cancel_collection(self, collection_id: str, by: str) -> CollectionView | None:
        """End a collection; None: there is none with this id.

        Raises:
            NotRunning: It has ended.
        """

    async def close_session(self, session_id: str, by: str) -> bool:
        """End a session; False: there is none with this id."""
