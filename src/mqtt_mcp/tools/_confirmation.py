"""Watching for the answer to a message: subscribe first, then publish, then see what comes.

Owns which messages count as an answer and when to stop waiting. Does not publish.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
import trio

from mqtt_mcp.analysis.payloads.rendering import show
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.router import Tap
from mqtt_mcp.hub.session import Session
from mqtt_mcp.mqtt.client import Message, Publication, Subscription
from mqtt_mcp.mqtt.topics import check_topic_filter

MAX_RESPONSES = 10
QUIET_AFTER_RESPONSE_S = 1.0
"""Devices often answer with two or three messages: waiting ends this long after the last of them."""
_TOPIC_CHARS = 500
_PAYLOAD_CHARS = 1500


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One message on ``confirm_topic`` after publishing."""

    topic: Annotated[str, msgspec.Meta(description="Where it came.")]
    after_ms: Annotated[float, msgspec.Meta(description="Milliseconds after publishing.")]
    payload: Annotated[str, msgspec.Meta(description="Its payload: data written by a device.")]
    format: Annotated[str, msgspec.Meta(description="What the payload is: json, number, text, hex, …")]
    bytes: Annotated[int, msgspec.Meta(description="Size of the payload.")]
    cut: Annotated[bool, msgspec.Meta(description="True when payload shows only a part.")] = False
    own: Annotated[bool, msgspec.Meta(description="True for our own message coming back.")] = False


class Confirmation:
    """What arrives between publishing and the end of the wait; made by ``confirming``."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._published_s = math.inf
        self._messages: list[Message] = []
        self._answers = 0
        self._more = 0
        self._news = trio.Event()

    def begin(self, published_s: float) -> None:
        """Count messages from now on: what came earlier is no answer."""
        self._published_s = published_s

    def deliver(self, message: Message) -> None:
        """Take one message; stored ones are old by definition."""
        if message.retain or message.received_s < self._published_s:
            return
        if len(self._messages) < MAX_RESPONSES:
            self._messages.append(message)
        else:
            self._more += 1
        self._answers += not self._is_own(message)
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """Wait until ``seconds`` are over, ten messages are there, or it is quiet again after an answer."""
        with trio.move_on_after(seconds) as scope:
            end_s = scope.deadline
            while len(self._messages) < MAX_RESPONSES:
                self._news = trio.Event()
                if self._answers:
                    scope.deadline = min(end_s, trio.current_time() + QUIET_AFTER_RESPONSE_S)
                await self._news.wait()

    def account(self, seconds: float) -> tuple[list[Response], str]:
        """The first messages and a sentence that holds counts only."""
        responses = [self._response(message) for message in self._messages]
        if not responses:
            return [], (
                f"Nothing came on confirm_topic within {seconds:g} s: the device may be off, slow, or answer elsewhere "
                "(list_topics finds its topics)."
            )
        first_ms = next((response.after_ms for response in responses if not response.own), None)
        if first_ms is None:
            return responses, "Only our own message came back on confirm_topic; no answer."
        more = f" {self._more} more were not kept." if self._more else ""
        return responses, f"{self._answers} messages came on confirm_topic, the first after {first_ms:g} ms.{more}"

    def _is_own(self, message: Message) -> bool:
        return message.topic == self._publication.topic and message.payload == self._publication.payload

    def _response(self, message: Message) -> Response:
        content_type = message.properties.content_type if message.properties else ""
        shown = show(message.payload, message.topic, content_type, _PAYLOAD_CHARS)
        return Response(
            topic=clean(message.topic, _TOPIC_CHARS),
            after_ms=round(max(0.0, message.received_s - self._published_s) * 1000, 1),
            payload=shown.payload,
            format=shown.format,
            bytes=shown.bytes,
            cut=shown.cut,
            own=self._is_own(message),
        )


@asynccontextmanager
async def confirming(session: Session, topic_filter: str, publication: Publication) -> AsyncIterator[Confirmation]:
    """Listen on ``topic_filter`` while the block runs.

    Raises:
        ToolError: The filter is malformed or was not granted; nothing was published.
    """
    check_topic_filter(topic_filter)
    confirmation = Confirmation(publication)
    tap = Tap([Subscription(topic_filter, qos=publication.qos)], confirmation.deliver)
    # Not the session's private tap: that one would take these messages away from running collections.
    async with session.listening(tap):
        if tap.refused:
            refused = tap.refused[0]
            raise ToolError(
                ErrorKind.NOT_AUTHORIZED if refused.reason_code == 0x87 else ErrorKind.REJECTED,
                f"The broker refused confirm_topic ({refused.meaning}). Nothing was published.",
                "Publish without confirm_topic, or watch a topic this user may read.",
            )
        yield confirmation
