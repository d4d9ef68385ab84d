"""The tool ``collection_result``: fetch, wait for or cancel a watch by its handle.

Owns the envelope only; what is in it is the result of the tool that started the watch.
"""

from typing import Annotated, Any

import msgspec

from mqtt_mcp.settings import DEFAULTS
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._listening import window_status


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which watch, and how patient to be."""

    collection_id: Annotated[str, msgspec.Meta(description="The collection_id a listening tool returned.")]
    wait_s: Annotated[
        float,
        msgspec.Meta(
            ge=0.0,
            le=DEFAULTS.max_wait_s,
            description="How long this call may block until the watch ends, in seconds: 0 to 300.",
        ),
    ] = DEFAULTS.default_wait_s
    cancel: Annotated[
        bool, msgspec.Meta(description="End the watch now and return what it has; its status is then partial.")
    ] = False


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The watch's state and its result so far."""

    status: Annotated[
        str, msgspec.Meta(description="complete, running (call again with the same id) or partial (cut short).")
    ]
    collection_id: Annotated[str, msgspec.Meta(description="Its id.")]
    tool: Annotated[str, msgspec.Meta(description="The tool that started it; result is what that tool returns.")]
    result: Annotated[dict[str, Any], msgspec.Meta(description="The result of that tool, as of now.")]


async def run(context: Context, args: Args) -> Result:
    """Wait for the watch and return what it has.

    Raises:
        ToolError: There is no such collection, or its analysis failed.

    Cancellation: ends the wait only; the watch goes on.
    """
    hub = context.hub
    collection = hub.collection(args.collection_id, context.client)
    if args.cancel:
        collection.cancel()
    # A cancelled watch still unsubscribes; its result is final at once.
    elif collection.running:
        await hub.wait_for(collection, wait_s=args.wait_s, report_progress=context.report_progress)
    return Result(
        status=window_status(collection.window()),
        collection_id=collection.id,
        tool=collection.tool,
        result=msgspec.to_builtins(await context.hub.render(collection)),
    )


TOOL = Tool(
    name="collection_result",
    title="Fetch a collection",
    description=(
        'Fetch the result of a watch that answered with status "running", or of one that was cancelled or lost its '
        "connection, by its collection_id. Blocks up to wait_s seconds for its end and returns what was seen so "
        "far if it "
        "still runs: call again with the same id. cancel=true ends it early and returns what it has. Results "
        "are kept for "
        "10 minutes after the end. list_active_connections shows the ids."
    ),
    args=Args,
    result=Result,
    run=run,
    idempotent=True,
    open_world=True,
)
