"""The tool ``close_connection``: end a session and free its place.

Owns the words and the result. Does not disconnect anything itself: the hub does.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._listening import SessionId, iso_time


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which session."""

    session_id: SessionId


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it ended."""

    session_id: Annotated[str, msgspec.Meta(description="The session that was closed; its id is not valid any more.")]
    closed: Annotated[bool, msgspec.Meta(description="Always true: failure is an error.")]
    closed_at: Annotated[str, msgspec.Meta(description="When, in UTC.")]
    messages_received: Annotated[int, msgspec.Meta(description="Messages it received since it was opened.")]
    collections_ended: Annotated[
        int,
        msgspec.Meta(
            description="Running collections it cut short; collection_result has what they saw for 10 minutes."
        ),
    ]


async def run(context: Context, args: Args) -> Result:
    """Close the session.

    Raises:
        ToolError: The session is unknown or has ended already (then when and why).
    """
    ended = await context.hub.close_session(args.session_id, context.client)
    return Result(
        session_id=ended.session_id,
        closed=True,
        closed_at=iso_time(ended.at_epoch_s),
        messages_received=ended.messages_received,
        collections_ended=ended.collections_ended,
    )


TOOL = Tool(
    name="close_connection",
    title="Close a connection",
    description=(
        "Disconnect from the broker and free the session's place (at most 5 are open at a time). Collections "
        "still running "
        "on it end and keep what they have. Call it when the user is done with a broker; sessions also end by "
        "themselves "
        "after 1 hour without use. list_active_connections shows the session ids."
    ),
    args=Args,
    result=Result,
    run=run,
    # It ends our own connection and nothing at the broker or in a device: not destructive.
    read_only=False,
    foreign_data=False,
)
