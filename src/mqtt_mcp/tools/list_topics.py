"""The tool ``list_topics``: which topics there are, how busy they are, and which patterns they follow.

Owns its words and the shape of its result. Counting and paging are ``analysis.topics.topic_map``'s.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.topics.topic_map import TopicMap, TopicMapResult
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._listening import (
    Duration,
    SessionId,
    TopicFilter,
    Wait,
    WindowInfo,
    listen,
    window_info,
    window_notes,
    window_status,
)

_PATTERN_CHARS = 200
COLUMNS = (
    "topic, messages, first_s, last_s, flags; separated by tabs. Times are seconds since the start of the watch. "
    "Flags: R stored (retained) message seen, L live message seen, P live message published with the retain flag, E "
    "last payload empty (deletes the stored one), B binary payload, $ system topic. L without P: its publisher does "
    "not retain, unless a note says that this could not be seen."
)
TEMPLATE_COLUMNS = (
    "template, topics, messages, one example; separated by tabs. {} or {name} stands for a varying level."
)


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look at and for how long."""

    session_id: SessionId
    pattern: TopicFilter = "#"
    duration: Duration = 30.0
    wait_s: Wait = DEFAULTS.default_wait_s
    stop_when_quiet: Annotated[
        float,
        msgspec.Meta(
            ge=0.0,
            le=60.0,
            description=(
                "End early after so many seconds without any message: 0 to 60; 0 (default) listens for the whole "
                "duration. 3 is enough where only the stored messages matter."
            ),
        ),
    ] = 0.0
    collection_id: Annotated[
        str,
        msgspec.Meta(
            description=(
                "For further pages: the collection_id of an earlier list_topics. Nothing is listened to again; pattern "
                "and duration are ignored."
            )
        ),
    ] = ""
    after: Annotated[
        str, msgspec.Meta(description="With collection_id: the next_after of the page before. Empty: the first page.")
    ] = ""


class Observed(msgspec.Struct, frozen=True):
    """Everything that was counted, listed here or not."""

    topics: int
    topics_estimated: bool
    messages: int
    bytes: int
    stored_topics: int
    live_topics: int
    live_retained_topics: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The topics, in order of their code points; the templates cover all of them, also those that are not listed."""

    status: Annotated[
        str,
        msgspec.Meta(description="complete, running (fetch the rest with collection_result) or partial (cut short)."),
    ]
    collection_id: Annotated[str, msgspec.Meta(description="Handle of this watch, for collection_result and paging.")]
    pattern: str
    window: WindowInfo
    observed: Observed
    detail: Annotated[
        str,
        msgspec.Meta(
            description=(
                "lines: rows have all columns. names: rows are bare topic names, because lines did not fit. ends: "
                "names did not fit either; rows are the first, last_rows the last names, templates tell of all."
            )
        ),
    ]
    columns: str
    rows: list[str]
    last_rows: list[str]
    returned: int
    truncated: bool
    next_after: Annotated[
        str,
        msgspec.Meta(description="Pass it as after, with collection_id, for the next page; empty on the last page."),
    ]
    template_columns: str
    templates: list[str]
    templates_total: int
    conventions: Annotated[list[str], msgspec.Meta(description="Ecosystems whose topic layouts were recognised.")]
    notes: list[str]


def _result(collection: Collection, found: TopicMapResult, pattern: str) -> Result:
    window = collection.window()
    notes = window_notes(window, filters=[pattern], messages=found.messages)
    page = found.page
    listed = len(page.rows) + len(page.last_rows)
    if page.next_after:
        notes.append(
            f"{listed} of {found.topics} topics are listed; templates covers all. For more, call list_topics "
            "with collection_id and after=next_after, or watch a narrower pattern."
        )
    if found.topics_estimated:
        notes.append("There are more topics than are kept apart; their number is an estimate (within 2 % or so).")
    return Result(
        status=window_status(window),
        collection_id=collection.id,
        pattern=clean(pattern, _PATTERN_CHARS),
        window=window_info(window),
        observed=Observed(
            topics=found.topics,
            topics_estimated=found.topics_estimated,
            messages=found.messages,
            bytes=found.bytes,
            stored_topics=found.stored_topics,
            live_topics=found.live_topics,
            live_retained_topics=found.live_retained_topics,
        ),
        detail=page.detail,
        columns=COLUMNS if page.detail == "lines" else "topic",
        rows=page.rows,
        last_rows=page.last_rows,
        returned=listed,
        truncated=listed < found.topics,
        next_after=page.next_after,
        template_columns=TEMPLATE_COLUMNS,
        templates=found.templates,
        templates_total=found.templates_total,
        conventions=found.conventions,
        notes=notes,
    )


def _further_page(context: Context, args: Args) -> Result:
    collection = context.hub.collection(args.collection_id, context.client)
    accumulator = collection.request.accumulator
    if not isinstance(accumulator, TopicMap):
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            f"collection_id belongs to a watch of {collection.request.tool}, not of list_topics.",
            "Pass the collection_id that list_topics returned, or leave it out to listen anew.",
        )
    pattern = collection.request.subscriptions[0].topic_filter
    return _result(collection, accumulator.page_result(args.after), pattern)


async def run(context: Context, args: Args) -> msgspec.Struct:
    """Listen and list, or show a further page of an earlier watch.

    Raises:
        ToolError: Unknown or expired session or collection, or a filter that is invalid, refused or not allowed here.

    Cancellation: ends the watch; what it has stays fetchable by its id.
    """
    if args.collection_id:
        context.hub.session(args.session_id, context.client)
        return _further_page(context, args)
    accumulator = TopicMap(context.hub.settings)

    def render(collection: Collection) -> Result:
        return _result(collection, accumulator.result(collection.window()), args.pattern)

    return await listen(
        context,
        tool=TOOL.name,
        label=args.pattern,
        session_id=args.session_id,
        filters=[args.pattern],
        qos=0,
        duration_s=args.duration,
        wait_s=args.wait_s,
        accumulator=accumulator,
        render=render,
        quiet_s=args.stop_when_quiet,
        live_retained=accumulator.note_live_retained,
    )


TOOL = Tool(
    name="list_topics",
    title="List topics",
    description=(
        "Find out which topics exist: listens for duration seconds (10 to 300, default 30) and lists every topic seen, "
        "in alphabetical order, with message counts, first and last time, and flags (stored, live, retained by its "
        "publisher, binary). Start here on an unknown broker. Rare topics need a longer duration; topics with a "
        "stored message show at once. At most 1000 rows per page, fewer when they do not fit the result; "
        "templates summarise all topics. It shows no payloads: use subscribe_and_collect for these."
    ),
    args=Args,
    result=Result,
    run=run,
)
