"""What a tool is: its words for the model, its argument and result types, and the function that runs it.

Owns the ``Tool`` and ``Context`` values. Does not know the wire: the wire reads a ``Tool``'s attributes and makes
schemas of its types. One tool is one file in this folder with ``Args``, ``Result``, ``run`` and ``TOOL``.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from mqtt_mcp.hub.hub import Client, Hub


class Context(msgspec.Struct, frozen=True):
    """What a running tool may use besides its arguments.

    Attributes:
        hub: The owner of sessions and collections.
        client: The door-side client that asked; sessions are counted as used by it.
        report_progress: ``report_progress(seconds_done, seconds_total, sentence)``: never blocks, never raises, does
            nothing when the client asked for no progress.
        call_id: Number of this call in the journal; 0 when it is not in it.
    """

    hub: Hub
    client: Client
    report_progress: Callable[[float, float, str], None]
    call_id: int = 0


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool as a model sees it.

    Attributes:
        name: snake_case, at most 40 characters.
        title: A few words for a person.
        description: When to use it, when another one is better, and what each limit is.
        args: A ``msgspec.Struct`` type, ``forbid_unknown_fields=True``, every field ``Annotated`` with a description.
        result: A ``msgspec.Struct`` type; no unions, tuples or optional nulls: absent means ``UNSET``.
        run: ``await run(context, args) -> result``; raises ``ToolError`` for what the caller can mend.
        read_only, destructive, idempotent, open_world: MCP tool annotations.
        foreign_data: True when the result holds text written by devices; the text block then says so first.
    """

    name: str
    title: str
    description: str
    args: type[msgspec.Struct]
    result: type[msgspec.Struct]
    run: Callable[[Context, Any], Awaitable[msgspec.Struct]]
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True
    foreign_data: bool = True
