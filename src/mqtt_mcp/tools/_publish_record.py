"""What the journal hears of one publish: what was asked for and what became of it, refusals included.

Owns when that is recorded: once, at the end, however it ends, and in the audit file before the client gets its reply.
Does not publish.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import trio

from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.records import PublishOutcome
from mqtt_mcp.mqtt.client import Publication
from mqtt_mcp.tools._base import Context


class _Outcome(Protocol):
    """The part of a result that is recorded."""

    @property
    def outcome(self) -> PublishOutcome:
        """What became of the message."""

    @property
    def detail(self) -> str:
        """The same in a sentence."""


R = TypeVar("R", bound=_Outcome)


class PublishRecord:
    """The outcome of one publish, as far as it is known.

    Attributes:
        broker: Address of the broker; empty until the session is known.
        outcome, detail: What became of it.
    """

    def __init__(self) -> None:
        self.broker = ""
        self.outcome: PublishOutcome = "unknown"
        self.detail = "The call was cancelled: the message may or may not have been sent."
        self._known = False

    def of(self, result: R) -> R:
        """It ended like this; returns the result."""
        self.came_to(result.outcome, result.detail)
        return result

    def came_to(self, outcome: PublishOutcome, detail: str) -> None:
        """It ended like this; the first word counts, whatever fails after the message was dealt with."""
        if not self._known:
            self._known = True
            self.outcome = outcome
            self.detail = detail


@asynccontextmanager
async def recording(context: Context, session_id: str, publication: Publication) -> AsyncIterator[PublishRecord]:
    """Record the publish that happens in the block; ``of`` says how it ended.

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
            session_id=session_id,
            broker=record.broker,
            client=context.client.name,
            call_id=context.call_id,
        )
        await journal.settled()
