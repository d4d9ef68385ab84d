"""What the journal hears of one publish: what was asked for and what became of it, refusals included.

Owns when that is recorded: once, at the end, however it ends, and in the audit file before the client gets its reply.
Does not publish.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.records import PublishOutcome
from mqtt_mcp.hub.session import Session
from mqtt_mcp.mqtt.client import Publication
from mqtt_mcp.tools._base import Context


class PublishRecord:
    """The outcome of one publish, as far as it is known."""

    def __init__(self) -> None:
        self.outcome: PublishOutcome = "unknown"
        self.detail = "The call was cancelled: the message may or may not have been sent."

    def came_to(self, outcome: PublishOutcome, detail: str) -> None:
        """It ended like this."""
        self.outcome = outcome
        self.detail = detail


@asynccontextmanager
async def recording(context: Context, session: Session, publication: Publication) -> AsyncIterator[PublishRecord]:
    """Record the publish that happens in the block; ``came_to`` says how it ended.

    A ``ToolError`` is recorded as a refusal, a cancellation as an unknown outcome; both go on.

    Cancellation: the record is made all the same, and is on its way to the disk.
    """
    record = PublishRecord()
    try:
        yield record
    except ToolError as error:
        record.came_to("refused", str(error))
        raise
    except trio.Cancelled:
        raise
    except Exception as error:
        record.came_to("unknown", f"It failed inside ({type(error).__name__}).")
        raise
    finally:
        journal = context.hub.journal
        journal.published(
            publication,
            outcome=record.outcome,
            detail=record.detail,
            session_id=session.id,
            broker=session.broker.url,
            client=context.client.name,
            call_id=context.call_id,
        )
        await journal.settled()
