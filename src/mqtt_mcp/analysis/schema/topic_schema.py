"""The schema of one topic template as a value: what a result is made of."""

from typing import Any

import msgspec


class TopicSchema(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the messages of one topic template look like.

    Attributes:
        template: Topic template, variable levels in braces.
        topics: How many topics are of it.
        example_topics: At most three of them.
        messages: Messages seen; stored ones included.
        stored: How many of these were stored (retained) ones.
        encoding: The encoding of the majority, a word of ``payloads.FORMATS``.
        encoding_share: Its share of the messages, 0 to 1.
        other_encodings: Further encodings with their number of messages.
        confidence: low (fewer than 5 messages), medium (fewer than 30) or high.
        schema: JSON Schema 2020-12, when asked for.
        fields: One line per field, when asked for a summary.
        looks_like_instruction: A text on these topics seems to address a language model.
        shortened: What was left out of ``schema`` or ``fields`` to fit the result.
    """

    template: str
    topics: int
    example_topics: list[str]
    messages: int
    encoding: str
    encoding_share: float
    confidence: str
    stored: int = 0
    other_encodings: dict[str, int] = msgspec.field(default_factory=dict)
    schema: dict[str, Any] = msgspec.field(default_factory=dict)
    fields: list[str] = msgspec.field(default_factory=list)
    looks_like_instruction: bool = False
    shortened: str = ""
