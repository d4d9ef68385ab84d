"""Once a second: what changed by itself, told to those who follow.

Owns the rhythm. Counts messages per second (``rates``) whether anybody looks or not, so that a page that opens is not
empty, and tells sessions, running collections, busy topics and totals only while somebody follows.
"""

import logging

import trio

from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.hub.records import Change, Record
from mqtt_mcp.monitor.model import CollectionView, SessionClosed, SessionView, TopicBatch
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.view import View

logger = logging.getLogger(__name__)

MAX_TOPICS_TOLD = 200
PULSE_S = 1.0


class Pulse:
    """The rhythm of one monitor.

    Args:
        hub: What is looked at.
        view: Makes what is told.
        feed: Where it is told.
        rates: Is fed here.
    """

    def __init__(self, hub: Hub, view: View, feed: Feed, rates: Rates) -> None:
        self._hub = hub
        self._view = view
        self._feed = feed
        self._rates = rates
        self._sessions: dict[str, SessionView] = {}
        self._collections: dict[str, CollectionView] = {}
        self._topics_until_s = trio.current_time()
        self._failed = False
        hub.journal.listen(self._heard)

    async def run(self) -> None:
        """Beat until cancelled; a beat that is late does not make the next ones early."""
        next_s = trio.current_time() + PULSE_S
        while True:
            await trio.sleep_until(next_s)
            try:
                self.beat()
            except Exception:  # a boundary: what cannot be told must not end what it is about
                if not self._failed:
                    logger.exception("the monitor could not tell what changed; further failures are not logged")
                self._failed = True
            next_s = max(next_s + PULSE_S, trio.current_time())

    def beat(self) -> None:
        """Count the second that is over, and tell what changed."""
        received = {session.id: session.traffic.messages_in for session in self._hub.sessions()}
        self._rates.tick(self._hub.carried(), received)
        self._tell_sessions()
        self._tell_collections()
        self._tell_topics()
        # The totals keep the numbers of events growing even when nothing happens: a page sees that we live.
        self._feed.publish("status", self._view.status())

    def _heard(self, record: Record) -> None:
        """Sessions and collections that come and go are told at once, not at the next beat."""
        if isinstance(record, Change):
            self._tell_sessions()
            self._tell_collections()

    def _tell_sessions(self) -> None:
        now = {view.id: view for view in self._view.sessions()}
        gone, before, self._sessions = self._sessions.keys() - now.keys(), self._sessions, now
        for session_id in gone:
            self._feed.publish("session_closed", SessionClosed(id=session_id))
        for session_id, view in now.items():
            if _moved(before.get(session_id), view):
                self._feed.publish("session", view)

    def _tell_collections(self) -> None:
        now = {view.id: view for view in self._view.collections()}
        before, self._collections = self._collections, now
        for collection_id, view in now.items():
            if before.get(collection_id) != view:
                self._feed.publish("collection", view)

    def _tell_topics(self) -> None:
        table = self._hub.journal.topics
        if table is None:
            return
        since_s, self._topics_until_s = self._topics_until_s, trio.current_time()
        # Making 200 topics presentable costs a few milliseconds: not for nobody.
        if len(self._feed):
            items, more = table.heard_since(since_s, MAX_TOPICS_TOLD)
            if items:
                self._feed.publish("topic", TopicBatch(items=items, more=more))


def _moved(before: SessionView | None, now: SessionView) -> bool:
    """Whether a session's row has to be drawn again; its expiry alone, recomputed from two clocks, jitters."""
    if before is None:
        return True
    if abs(before.expires_at_epoch_s - now.expires_at_epoch_s) > 0.5:
        return True
    return any(
        getattr(before, name) != getattr(now, name) for name in now.__struct_fields__ if name != "expires_at_epoch_s"
    )
