"""One message of the pool: what it says to the choice, and what may be shown of it later.

Owns how little of a message is kept. Does not keep several (``pool.py`` does) and judges nothing.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.decoding import Decoded, decode
from mqtt_mcp.analysis.payloads.rendering import Rendering, Shown
from mqtt_mcp.analysis.payloads.shape import discriminator, signature
from mqtt_mcp.analysis.sample.plans import Field, Plan
from mqtt_mcp.analysis.sample.signals import Signal
from mqtt_mcp.analysis.sample.tracking import TopicState
from mqtt_mcp.mqtt.client import Message

KEPT_PAYLOAD_BYTES = 4_096
PARSED_BYTES = 65_536
MESSAGE_BYTES = 1_500
"""About what one message of the pool takes besides its payload: itself and what it covers."""
_RENDERED_CHARS = (2_000, 400, 150, 60, 24)
OPAQUE_TEXTS = frozenset({"uuid", "hex_text", "base64", "iso_time"})
"""Texts of which every one looks different and none tells more than another."""
_PLANNED = frozenset({dict, list, float, bool})
"""Values whose structure their plan knows; that of a text depends on the text."""


def parse(message: Message, decoder: Decoder, *, again: bool = False) -> Decoded:
    """Decode a message for the analysis; a payload above 64 KiB is looked at by its beginning only.

    Args:
        message: Any message.
        decoder: That of the watch.
        again: It was decoded before: nothing is learned.
    """
    properties = message.properties
    payload = message.payload
    if len(payload) <= PARSED_BYTES:
        run = decoder.again if again else decoder.decode
        return run(payload, message.topic, properties.content_type if properties else "")
    if payload[:1] in {b"{", b"["}:
        return Decoded("json", None)
    head = decode(payload[:PARSED_BYTES], message.topic)
    return Decoded(head.format, head.value if isinstance(head.value, str) else None)


class Kept:
    """One message of the pool. Of a payload above 4 KiB only renderings are kept."""

    __slots__ = (
        "digest",
        "first",
        "first_to_show",
        "message",
        "numbers",
        "order",
        "renderings",
        "shape",
        "signals",
        "state",
        "structure",
        "t_s",
        "words",
    )

    def __init__(
        self, message: Message, decoded: Decoded, plan: Plan, state: TopicState, *, t_s: float, order: int
    ) -> None:
        self.digest = hash(message.payload)
        self.state = state
        self.t_s = t_s
        self.order = order
        self.first = False
        self.first_to_show: frozenset[tuple[str, str]] = frozenset()
        """(code, key) of the signals that no message of the topic had before."""
        value = decoded.value
        if decoded.shape or value is None or decoded.format in OPAQUE_TEXTS:
            self.structure = decoded.shape or decoded.name
        else:
            self.structure = plan.structure if value.__class__ in _PLANNED else signature(value)
        self.shape = self.structure + discriminator(value) if plan.discriminators else self.structure
        self.numbers: Sequence[tuple[Field, float]] = ()
        self.words: Sequence[tuple[str, str]] = ()
        self.signals: list[Signal] = []
        self.renderings: tuple[Shown, ...] = ()
        self.message = message

    def settle(self, decoded: Decoded) -> None:
        """Let go of a payload above 4 KiB; what may be shown of it is rendered now, in several lengths.

        Args:
            decoded: What ``parse`` made of the message.
        """
        payload = self.message.payload
        if len(payload) > KEPT_PAYLOAD_BYTES:
            if len(payload) > PARSED_BYTES:
                decoded = decode(payload, self.message.topic)
            rendering = Rendering(decoded, payload)
            self.renderings = tuple(rendering.at(chars) for chars in _RENDERED_CHARS)
            self.message = msgspec.structs.replace(self.message, payload=b"")

    def rendering(self, decoder: Decoder) -> "Rendered":
        """What shows the payload in several lengths, each at least 24 and at most as long as the one before."""
        if self.renderings:
            return _Stored(self.renderings)
        return Rendering(parse(self.message, decoder, again=True), self.message.payload)

    @property
    def held_bytes(self) -> int:
        """About what it takes."""
        properties = self.message.properties
        rendered = sum(len(one.payload) for one in self.renderings)
        return MESSAGE_BYTES + len(self.message.payload) + (properties.size if properties else 0) + rendered

    def extremes(self) -> list[tuple[Field, str]]:
        """Which fields have their lowest or highest value of the watch here."""
        found = []
        known = self.state.series
        for field, value in self.numbers:
            series = known[field.path]
            if (value == series.low or value == series.high) and series.varies:  # noqa: PLR1714 - a set would be built
                if value == series.low:
                    found.append((field, "min"))
                if value == series.high:
                    found.append((field, "max"))
        return found


class Rendered(Protocol):
    """A payload that can be shown in several lengths, in descending order."""

    def at(self, max_chars: int) -> Shown:
        """The payload in at most ``max_chars``; the same object as before when that fits as it is."""


class _Stored:
    """What is left of a payload above 4 KiB."""

    def __init__(self, renderings: tuple[Shown, ...]) -> None:
        self._renderings = renderings

    def at(self, max_chars: int) -> Shown:
        return next((one for one in self._renderings if len(one.payload) <= max_chars), self._renderings[-1])
