"""Which message goes to whom: the taps of one session and the subscriptions they share.

Owns the reference counts of topic filters (two taps on ``a/#`` are one subscription at the broker, the last one out
unsubscribes) and the way from a topic name to the taps that want it. Does not send anything: the session does, as
``join`` and ``leave`` tell it.
"""

import itertools
import operator
from collections.abc import Callable, Sequence

from mqtt_mcp.analysis.accumulator import RefusedFilter
from mqtt_mcp.hub.own_topics import OWN_PREFIX
from mqtt_mcp.hub.policy import AccessPolicy, overlaps
from mqtt_mcp.mqtt.client import Message, Subscription
from mqtt_mcp.mqtt.reason_codes import suback_meaning
from mqtt_mcp.mqtt.topics import matches

Deliver = Callable[[Message], None]

MAX_CACHED_ROUTES = 100_000
LONG_TOPIC_CHARS = 256
"""Longer topic names are not cached here, and there is a budget for how much of them anybody has to remember."""
MAX_LONG_TOPIC_CHARS = 4 * 1024 * 1024
"""A topic name may have 65,535 bytes: a publisher that invents thousands of them must not exhaust our memory."""


class Tap:
    """One listener of a session.

    Attributes:
        granted: Topic filter → granted QoS, known once SUBACK came.
        refused: Filters the broker refused.
        private: It takes its messages away from every other tap, and no reading gate concerns it: for topics nobody
            else can know.
        aside: It listens for us and not for a collection: its filters and messages are nobody's traffic.
        hidden: Messages kept from this tap because the configuration forbids reading their topics.
        overlong: Messages kept from this tap because their long topic names would not fit the budget.
        copies_possible: Whether a broker without Subscription Identifiers may have sent it messages more than once.
        shared: Whether the broker may send it stored messages more than once: two SUBSCRIBEs bring them.
        asked_again: Whether a later SUBSCRIBE of somebody else brings them once more.
    """

    def __init__(
        self, subscriptions: Sequence[Subscription], deliver: Deliver, *, private: bool = False, aside: bool = False
    ) -> None:
        self.subscriptions = tuple(subscriptions)
        self.deliver = deliver
        self.private = private
        self.aside = aside
        self.granted: dict[str, int] = {}
        self.refused: list[RefusedFilter] = []
        self.hidden = 0
        self.overlong = 0
        self.copies_possible = False
        self.shared = len(self.subscriptions) > 1
        self.asked_again = False
        self._codes: dict[str, int] = {}
        # Until SUBACK says otherwise every filter counts: stored messages may overtake the answer to our request.
        self._filters = tuple(s.topic_filter for s in subscriptions)

    @property
    def live_filters(self) -> tuple[str, ...]:
        """Its filters, without those the broker refused."""
        return self._filters

    def filter_for(self, topic: str) -> str | None:
        """The first of this tap's filters that matches ``topic``; None when none does."""
        return next((f for f in self._filters if matches(f, topic)), None)

    def settle(self, codes: dict[str, int]) -> None:
        """Take the SUBACK codes of all or some of its filters: those of 0x80 and above match nothing any more."""
        self._codes.update(codes)
        self.granted = {f: code for f, code in self._codes.items() if code < 0x80}
        self.refused = [RefusedFilter(f, code, suback_meaning(code)) for f, code in self._codes.items() if code >= 0x80]
        self._filters = tuple(s.topic_filter for s in self.subscriptions if self._codes.get(s.topic_filter, 0) < 0x80)

    def count_hidden(self, _message: Message) -> None:
        """Deliver nothing, count one message as hidden."""
        self.hidden += 1

    def count_overlong(self, _message: Message) -> None:
        """Deliver nothing, count one message whose topic name is too long to be remembered."""
        self.overlong += 1


class Router:
    """The taps of one session. All methods are synchronous; the caller serialises ``join`` and ``leave``.

    MQTT 5 brokers may deliver one copy of a message per overlapping subscription (MQTT 5 §3.3.4). Each filter therefore
    has a Subscription Identifier, and a tap takes only the copy that came for the first of its filters that matches:
    every tap counts every message exactly once. Copies without identifiers (MQTT 3.1.1) go to every tap that matches.

    Args:
        policy: What may be read.
        observe: Sees each message that some tap may show, once; for the journal. Must not raise.
        uncount: Sees each copy that was sent for nobody but taps that listen ``aside``. Must not raise.
    """

    def __init__(self, policy: AccessPolicy, observe: Deliver | None = None, uncount: Deliver | None = None) -> None:
        self._policy = policy
        self._observe = observe
        self._uncount = uncount
        self._taps: list[Tap] = []
        self._holders: dict[str, int] = {}
        self._at_broker: dict[str, Subscription] = {}
        self._identifiers = itertools.count(1)
        self._routes: dict[tuple[int, ...], dict[str, tuple[Deliver, ...]]] = {}
        self._routes_size = 0
        self._long_topics: set[str] = set()
        self._long_chars = 0

    def join(self, tap: Tap) -> list[Subscription]:
        """Start routing to ``tap``, before SUBSCRIBE is sent so that no stored message is missed.

        Returns:
            What to subscribe to: all its filters, each at the highest QoS any tap asked for. A filter another tap holds
            already is sent again on purpose: the broker then repeats its stored messages, which the new tap needs.
        """
        self._taps.append(tap)
        self._forget_routes()
        # One identifier is one SUBSCRIBE packet; the filters of our own extras do not overlap.
        shared_identifier = next(self._identifiers) if tap.private or tap.aside else 0
        for wanted in tap.subscriptions:
            topic_filter = wanted.topic_filter
            self._holders[topic_filter] = self._holders.get(topic_filter, 0) + 1
            known = self._at_broker.get(topic_filter)
            self._at_broker[topic_filter] = Subscription(
                topic_filter,
                max(wanted.qos, known.qos if known else 0),
                known.identifier if known else shared_identifier or next(self._identifiers),
            )
        return [self._at_broker[s.topic_filter] for s in tap.subscriptions]

    def asking(self, tap: Tap, *, identifiers: bool) -> None:
        """``tap``'s SUBSCRIBE is about to be sent: others who listen to the same will get stored messages again.

        Args:
            tap: Who asks.
            identifiers: Whether messages come with Subscription Identifiers, so that only equal filters concern others.
        """
        # A private topic is ours alone: nothing that others listen to is stored there.
        concerns = operator.eq if identifiers or tap.private else overlaps
        asked = [s.topic_filter for s in tap.subscriptions]
        for other in self._taps:
            if other is not tap and any(concerns(s.topic_filter, f) for s in other.subscriptions for f in asked):
                other.asked_again = other.shared = tap.shared = True

    def settle(self, codes: dict[str, int]) -> None:
        """Take the SUBACK codes by topic filter, for every tap that holds one of these filters."""
        for tap in self._taps:
            own = {s.topic_filter: codes[s.topic_filter] for s in tap.subscriptions if s.topic_filter in codes}
            if own:
                tap.settle(own)
        self._forget_routes()

    def leave(self, tap: Tap) -> list[str]:
        """Stop routing to ``tap``. Returns the filters that nobody holds any more and that should be unsubscribed."""
        self._taps.remove(tap)
        self._forget_routes()
        if not self._taps:
            self._long_topics.clear()
            self._long_chars = 0
        refused = {r.topic_filter for r in tap.refused}
        free = []
        for subscription in tap.subscriptions:
            topic_filter = subscription.topic_filter
            self._holders[topic_filter] -= 1
            if self._holders[topic_filter] == 0:
                del self._holders[topic_filter], self._at_broker[topic_filter]
                if topic_filter not in refused:
                    free.append(topic_filter)
        return free

    def is_held(self, topic_filter: str) -> bool:
        """Whether some tap listens to this very filter."""
        return topic_filter in self._holders

    def all_subscriptions(self) -> list[Subscription]:
        """Everything to subscribe to again after a reconnection."""
        return list(self._at_broker.values())

    def filters(self) -> list[str]:
        """The topic filters that collections hold and the broker did not refuse, without those of our extras."""
        ours = [tap for tap in self._taps if tap.private or tap.aside]
        return list(dict.fromkeys(f for tap in self._taps if tap not in ours for f in tap.live_filters))

    def route(self, topic: str, subscription_ids: tuple[int, ...]) -> tuple[Deliver, ...]:
        """The deliver functions of all taps that want this copy of a message; cached until a tap comes or goes."""
        if len(topic) > LONG_TOPIC_CHARS or len(subscription_ids) > LONG_TOPIC_CHARS:
            return self._find(topic, subscription_ids)
        by_topic = self._routes.get(subscription_ids)
        if by_topic is None:
            by_topic = self._routes[subscription_ids] = {}
        found = by_topic.get(topic)
        if found is None:
            if self._routes_size >= MAX_CACHED_ROUTES:
                self._forget_routes()
                by_topic = self._routes[subscription_ids] = {}
            found = by_topic[topic] = self._find(topic, subscription_ids)
            self._routes_size += 1
        return found

    def _find(self, topic: str, subscription_ids: tuple[int, ...]) -> tuple[Deliver, ...]:
        wanting = [(tap, f) for tap in self._taps if (f := tap.filter_for(topic)) is not None]
        if any(tap.private for tap, _ in wanting):  # our own probe messages are nobody else's traffic
            wanting = [(tap, f) for tap, f in wanting if tap.private]
        elif topic.startswith(OWN_PREFIX):  # nor are those of another session of ours
            return (self._uncount,) if self._uncount is not None else ()
        everybody = wanting
        observed = [(tap, f) for tap, f in wanting if not tap.aside][:1] if self._observe is not None else []
        if subscription_ids:
            observed = [(tap, f) for tap, f in observed if self._at_broker[f].identifier in subscription_ids]
            wanting = [(tap, f) for tap, f in wanting if self._at_broker[f].identifier in subscription_ids]
        elif sum(matches(f, topic) for f in self._at_broker) > 1:
            # MQTT-3.3.5-1 of 3.1.1 lets a broker send one copy per subscription, and nothing tells them apart.
            for tap, _ in wanting:
                tap.copies_possible = True
        if self._uncount is not None and everybody and all(tap.aside for tap, _ in wanting or everybody):
            return (*(tap.deliver for tap, _ in wanting), self._uncount)
        if not self._policy.may_read(topic):
            return tuple(tap.deliver if tap.private else tap.count_hidden for tap, _ in wanting)
        fits = len(topic) <= LONG_TOPIC_CHARS or self._fits(topic)
        delivers = tuple(tap.deliver if fits or tap.private else tap.count_overlong for tap, _ in wanting)
        if self._observe is not None and fits and observed and not observed[0][0].private:
            return (*delivers, self._observe)
        return delivers

    def _fits(self, topic: str) -> bool:
        """Whether a long topic name is one of those that may be remembered."""
        if topic not in self._long_topics:
            if self._long_chars + len(topic) > MAX_LONG_TOPIC_CHARS:
                return False
            self._long_topics.add(topic)
            self._long_chars += len(topic)
        return True

    def _forget_routes(self) -> None:
        self._routes.clear()
        self._routes_size = 0
