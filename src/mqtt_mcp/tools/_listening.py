"""What the five listening tools have in common: their arguments, the facts about the watch, and the one way to watch.

Owns the words and bounds of the shared arguments, the window as a result shows it, and the mapping of how a watch ended
to a status. Does not count or choose messages (``analysis`` does) and runs no collection (``hub`` does).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from mqtt_mcp.analysis.accumulator import Accumulator, Window
from mqtt_mcp.analysis.text import clean, quote
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.records import Found
from mqtt_mcp.hub.session import Session
from mqtt_mcp.hub.watch_request import WatchRequest
from mqtt_mcp.mqtt.client import Subscription
from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools._base import Context

SessionId = Annotated[str, msgspec.Meta(description="The session_id that establish_connection returned.")]
Duration = Annotated[
    float,
    msgspec.Meta(
        ge=DEFAULTS.min_duration_s,
        le=DEFAULTS.max_duration_s,
        description="How long to listen, in seconds: 10 to 300. Longer finds slower publishers.",
    ),
]
Wait = Annotated[
    float,
    msgspec.Meta(
        ge=0.0,
        le=DEFAULTS.max_wait_s,
        description=(
            "How long this call may block, in seconds: 0 to 300. If the watch is longer, the call returns what it saw "
            'so far with status "running" and a collection_id; fetch the rest with collection_result.'
        ),
    ),
]
Qos = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=2,
        description="Highest QoS to receive with: 0, 1 or 2. Messages arrive with the lower of it and the publisher's.",
    ),
]
TopicFilter = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        description=(
            "MQTT topic filter: + stands for one level, # for the rest. # does not include topics that begin with $; "
            "ask for $SYS/# by itself."
        ),
    ),
]

Status = Literal["complete", "running", "partial"]

_MAX_REFUSALS = 10
_MAX_GAPS = 10
_FILTER_CHARS = 200


class GrantedInfo(msgspec.Struct, frozen=True):
    """A topic filter the broker granted and the QoS it granted."""

    topic_filter: str
    qos: int


class RefusedInfo(msgspec.Struct, frozen=True):
    """A topic filter the broker refused: SUBACK reason code (0x80 and above) and its meaning."""

    topic_filter: str
    reason_code: int
    meaning: str


class GapInfo(msgspec.Struct, frozen=True):
    """Seconds of the watch, from and to, without a connection; messages of that time were not seen."""

    from_s: float
    to_s: float


class BrokerDroppedInfo(msgspec.Struct, frozen=True):
    """Messages the broker dropped by its own count, for all its clients, between two moments of the watch (seconds)."""

    messages: int
    from_s: float
    to_s: float


class WindowInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The circumstances of the watch; fields that are missing are zero, false or empty."""

    started_at: str
    duration_s: float
    elapsed_s: float
    ended_by: str
    protocol: str
    stored_complete: bool = False
    granted: list[GrantedInfo] = msgspec.field(default_factory=list)
    refused: list[RefusedInfo] = msgspec.field(default_factory=list)
    gaps: list[GapInfo] = msgspec.field(default_factory=list)
    observer_dropped: int = 0
    hidden: int = 0
    overlong: int = 0
    memory_pressure: bool = False
    broker_dropped: BrokerDroppedInfo | msgspec.UnsetType = msgspec.UNSET


def iso_time(epoch_s: float) -> str:
    """Wall-clock time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window_info(window: Window) -> WindowInfo:
    """The window as a result shows it, bounded: at most 10 filters, refusals and gaps each."""
    dropped = window.broker_dropped
    return WindowInfo(
        started_at=iso_time(window.started_at_epoch_s),
        duration_s=round(window.duration_s, 3),
        elapsed_s=round(window.elapsed_s, 3),
        ended_by=window.ended_by,
        protocol=window.protocol,
        stored_complete=window.stored_complete,
        granted=[
            GrantedInfo(clean(topic_filter, _FILTER_CHARS), qos)
            for topic_filter, qos in list(window.granted.items())[:_MAX_REFUSALS]
        ],
        refused=[
            RefusedInfo(clean(one.topic_filter, _FILTER_CHARS), one.reason_code, clean(one.meaning, _FILTER_CHARS))
            for one in window.refused[:_MAX_REFUSALS]
        ],
        gaps=[GapInfo(round(gap.from_s, 3), round(gap.to_s, 3)) for gap in window.gaps[:_MAX_GAPS]],
        observer_dropped=window.observer_dropped,
        hidden=window.hidden,
        overlong=window.overlong,
        memory_pressure=window.memory_pressure,
        broker_dropped=BrokerDroppedInfo(dropped.messages, dropped.from_s, dropped.to_s) if dropped else msgspec.UNSET,
    )


def window_status(window: Window) -> Status:
    """``complete`` when the watch ended as asked, ``partial`` when cut short, ``running`` before its end."""
    if window.ended_by == "running":
        return "running"
    return "complete" if window.ended_by in {"duration", "limit", "quiet"} else "partial"


def window_notes(window: Window, *, filters: Sequence[str], messages: int) -> list[str]:
    """Sentences that a reader needs to judge a result: what was not seen, and why.

    Args:
        window: The circumstances.
        filters: The topic filters that were asked for.
        messages: How many messages were seen.
    """
    notes = [*_refused(window), *_cut_short(window), *_unseen(window)]
    if not messages and window.granted and window.ended_by != "running":
        notes.append(_silence(window))
    if wild := next((one for one in filters if one.partition("/")[0] in {"#", "+"}), ""):
        notes.append(
            f"{quote(wild)} begins with a wildcard, which does not match topics that begin with $ (MQTT 4.7.2); ask "
            "for $SYS/# separately."
        )
    return notes


def _refused(window: Window) -> Iterator[str]:
    """What the broker did not grant, or not as asked."""
    for one in window.refused[:_MAX_REFUSALS]:
        yield (
            f"The broker refused the filter {quote(one.topic_filter)} (0x{one.reason_code:02X}, "
            f"{clean(one.meaning, 80)}): nothing of it could be seen."
        )
    lowered = {topic_filter: qos for topic_filter, qos in window.granted.items() if qos < window.asked_qos}
    if lowered:
        topic_filter, qos = min(lowered.items(), key=lambda one: one[1])
        yield (
            f"The broker granted {quote(topic_filter)} with QoS {qos} instead of {window.asked_qos}: messages arrive "
            f"with QoS {qos} at most, whatever they were published with."
        )
    if window.retain_seen in {"unseen", "partly"}:
        share = "not be seen" if window.retain_seen == "unseen" else "be seen for a part of the watch only"
        yield f"Which publishers retain their live messages could {share}: {clean(window.retain_unseen_why, 160)}."


def _cut_short(window: Window) -> Iterator[str]:
    """Times that were not watched."""
    if window.ended_by == "disconnected":
        yield "The connection was lost for good during the watch; this is what had been seen until then."
    elif window.ended_by in {"cancelled", "closed"}:
        yield "The watch was stopped before its end; this is what had been seen until then."
    if window.granted and not window.stored_complete and window.ended_by != "running":
        yield "It ended while stored messages were still arriving: what is stored may be more than is told here."
    if window.gaps:
        seconds = sum(gap.to_s - gap.from_s for gap in window.gaps)
        yield (
            f"The connection was away {len(window.gaps)} times for {seconds:.1f} s; messages of that time are missing."
        )


def _unseen(window: Window) -> Iterator[str]:
    """Messages that were lost, kept back or perhaps counted twice."""
    if window.broker_dropped and window.broker_dropped.messages:
        slow = any(window.granted.values())
        yield (
            f"The broker dropped {window.broker_dropped.messages} messages meanwhile, because queues were full. It "
            "counts all its clients together, so whether any of them are missing here it does not say"
            + ("; this watch takes acknowledged messages and may itself be a slow reader." if slow else ".")
        )
    if window.observer_dropped:
        yield f"{window.observer_dropped} messages arrived faster than they could be taken and were lost here."
    if window.hidden:
        yield f"{window.hidden} messages are not shown because the configuration forbids reading their topics."
    if window.overlong:
        yield (
            f"{window.overlong} messages are not counted here: their topic names are so long, and so many, that "
            "remembering them would exhaust memory. Take a narrower filter."
        )
    if window.copies_possible:
        yield (
            "Another watch of this session overlaps with this one, and an MQTT 3.1.1 broker may send a copy for each: "
            "counts may be too high. Run one watch at a time on this broker to be sure."
        )


def _silence(window: Window) -> str:
    """Why nothing arrived, as far as that can be told."""
    if window.gaps:
        return "Nothing arrived while the connection was up."
    told = "Nothing arrived: nobody published on this filter during the watch and nothing is stored there, or the "
    told += "broker's access rules hide it silently, which looks the same."
    if window.echo == "back":
        told += " A message of our own to ourselves did come back, so the connection works."
    elif window.echo == "missing":
        told += " A message of our own to ourselves did not come back either, so this user may be allowed very little."
    return told


async def listen(
    context: Context,
    *,
    tool: str,
    label: str,
    session_id: str,
    filters: Sequence[str],
    qos: int,
    duration_s: float,
    wait_s: float,
    accumulator: Accumulator,
    render: Callable[[Collection], msgspec.Struct],
    quiet_s: float = 0.0,
    limit: int = 0,
    live_retained: Callable[[str], None] | None = None,
    companion: Callable[[Session], Awaitable[None]] | None = None,
    beside: Callable[[], Any] | None = None,
    findings: Callable[[Any], Iterable[Found]] | None = None,
) -> msgspec.Struct:
    """Run a watch and return the tool's result: the final one, or the one so far after ``wait_s``.

    Args:
        context: The running tool's context.
        tool: Name of the tool.
        label: What is watched, for lists of collections; foreign text in it is cleaned and cut to 200 characters.
        session_id: From the caller.
        filters: Topic filters, at least one.
        qos: QoS to subscribe with, 0 to 2.
        duration_s: Length of the watch in seconds.
        wait_s: How long to block, in seconds.
        accumulator: Takes the messages.
        render: Makes the tool's result from the collection, at any time.
        quiet_s: End after so many seconds without a message; 0 never does.
        limit: Messages it keeps at most, for lists; 0 when there is no such limit.
        live_retained: Told each topic once whose publisher was seen to set the retain flag on a live message. Takes a
            second connection on MQTT 5; where that cannot be had, the window says why.
        companion: Runs beside the watch, for example a probe.
        beside: What else ``render`` needs of it, as ``collection.beside``: asked for when a result is about to be made.
        findings: What a result of ``render`` tells is wrong, for a person who watches; None when it never tells any.

    Raises:
        ToolError: The session is unknown or expired, the configuration forbids a filter, or the broker granted none.

    Cancellation: ends the collection; what it has stays fetchable by its id.
    """
    session = context.hub.session(session_id, context.client)
    request = WatchRequest(
        tool=tool,
        label=clean(label, 200),
        subscriptions=tuple(Subscription(topic_filter, qos) for topic_filter in filters),
        duration_s=duration_s,
        accumulator=accumulator,
        render=render,
        quiet_s=quiet_s,
        limit=limit,
        live_retained=live_retained,
        companion=partial(companion, session) if companion is not None else None,
        beside=beside,
        findings=findings,
    )
    collection = await context.hub.watch(
        session, request, wait_s=wait_s, client=context.client, report_progress=context.report_progress
    )
    return await context.hub.render(collection)
