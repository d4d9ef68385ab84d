"""What is said when no further session may be opened.

Owns the words only; the hub decides.
"""

from collections.abc import Collection

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.session import Session


def session_limit(sessions: Collection[Session]) -> ToolError:
    """The refusal: every open session with its broker and idle time, and the call that frees the one idle longest."""
    by_idleness = sorted(sessions, key=lambda session: session.idle_s)
    rows = "; ".join(f"{s.id} on {s.broker.url}, idle {s.idle_s:.0f} s" for s in by_idleness)
    return ToolError(
        ErrorKind.SESSION_LIMIT,
        f"{len(sessions)} sessions are open, which is the most there may be: {rows}.",
        f'Use one of these, or free one: close_connection(session_id="{by_idleness[-1].id}").',
    )
