"""What a collection runs: the contract between the collection engine and the analysis.

An accumulator is a pure object: it is fed messages, tells how far it is, and makes a result from what it has at any
moment. It never grows without bound, counts whatever it lets go, and knows no clock but the times it is given.
"""

from typing import Any, Literal, Protocol

import msgspec

from mqtt_mcp.mqtt.client import Message

EndedBy = Literal["running", "duration", "limit", "quiet", "cancelled", "disconnected", "closed"]
Echo = Literal["untried", "missing", "back"]
RetainSeen = Literal["unasked", "seen", "partly", "unseen"]


class LinkGap(msgspec.Struct, frozen=True):
    """A stretch of the watch without a connection; messages of that time were not seen. Seconds since the start."""

    from_s: float
    to_s: float


class RefusedFilter(msgspec.Struct, frozen=True):
    """A topic filter the broker did not grant: its SUBACK reason code and what that means."""

    topic_filter: str
    reason_code: int
    meaning: str


class BrokerDropped(msgspec.Struct, frozen=True):
    """Messages the broker dropped, for all of its clients together, between two samples of its own counter.

    Seconds since the start of the watch; a first sample that was stored may be as old as the broker's interval.
    """

    messages: int
    from_s: float
    to_s: float


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of a watch, known to the engine and needed for a true account of it.

    Attributes:
        started_at_epoch_s: Wall clock at the start.
        duration_s: The duration asked for.
        elapsed_s: How long was really watched until now or the end.
        ended_by: Why it ended; ``running`` while it has not.
        protocol: MQTT version of the connection.
        stored_complete: True when the burst of stored messages was seen to end, False when the watch ended first.
        asked_qos: Highest QoS asked for.
        granted: Filter → granted QoS.
        refused: Filters the broker refused.
        gaps: Times without a connection.
        observer_dropped: Messages lost because we were too slow.
        hidden: Messages not shown because the configuration forbids reading their topics.
        overlong: Messages that were not looked at because their long topic names would take too much memory.
        copies_possible: True when an MQTT 3.1.1 broker may have sent messages once per overlapping subscription.
        memory_pressure: True when kept messages had to be let go to stay inside the session's memory bound.
        echo: Whether a message of our own to ourselves came ``back``: the way through the broker works. ``missing``
            when it was sent and is not back, ``untried`` when nothing may be published.
        broker_dropped: What the broker dropped meanwhile by its own account; None when it does not tell.
        retain_seen: Whether the publishers' own retain flag of live messages was observed: ``seen``, ``partly`` (not
            for the whole watch), ``unseen`` (it could not be), ``unasked``.
        retain_unseen_why: A sentence part, unless ``seen`` or ``unasked``.
    """

    started_at_epoch_s: float
    duration_s: float
    elapsed_s: float
    ended_by: EndedBy
    protocol: str
    stored_complete: bool
    asked_qos: int = 0
    granted: dict[str, int] = msgspec.field(default_factory=dict)
    refused: list[RefusedFilter] = msgspec.field(default_factory=list)
    gaps: list[LinkGap] = msgspec.field(default_factory=list)
    observer_dropped: int = 0
    hidden: int = 0
    overlong: int = 0
    copies_possible: bool = False
    memory_pressure: bool = False
    echo: Echo = "untried"
    broker_dropped: BrokerDropped | None = None
    retain_seen: RetainSeen = "unasked"
    retain_unseen_why: str = ""


class Accumulator(Protocol):
    """Fed by the engine in arrival order; every method is synchronous and quick."""

    def add(self, message: Message, t_s: float) -> None:
        """Take one message.

        Args:
            message: The message; may be kept by reference.
            t_s: Seconds since the start of the collection, never decreasing.
        """

    @property
    def messages(self) -> int:
        """Messages taken so far, kept or not."""

    @property
    def done(self) -> bool:
        """True when no further message can matter: the engine ends the collection with ``ended_by: limit``."""

    @property
    def kept_bytes(self) -> int:
        """About how many bytes of foreign data are held now."""

    def shrink(self, target_bytes: int) -> None:
        """Let kept messages go until about ``target_bytes`` are held; counts stay exact."""

    def progress(self) -> str:
        """One short sentence for a progress notification; holds counts only, never foreign text."""

    def result(self, window: Window) -> Any:
        """The result as it is now; may be called at any time, again and again, and changes nothing."""
