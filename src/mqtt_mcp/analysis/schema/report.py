"""What a watch tells about payloads: one schema or summary per topic template, fitted into a budget of characters.

Owns the values that a result is made of, the choice of the majority encoding, and what is left out first. Does not
listen (``listening.py`` does) and does not write JSON Schema keywords for fields (``document.py`` does).
"""

from collections import Counter
from typing import Any

import msgspec

from mqtt_mcp.analysis.schema.document import Style, schema_of
from mqtt_mcp.analysis.schema.fields import field_line, fields
from mqtt_mcp.analysis.schema.profile import Profile
from mqtt_mcp.analysis.text import clean, quote
from mqtt_mcp.analysis.words import is_private

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JSON_ENCODINGS = frozenset({"json", "json_nonstandard"})
_EXAMPLE_TOPICS = 3
_MAJORITY = 0.95


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
    shortened: str = ""


class SchemaReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that a watch told about schemas.

    Attributes:
        messages, topics: All that were seen.
        profiled: Messages that were looked into.
        topics_not_profiled: Topics beyond the bounds: counted, not looked into, or let go when memory was short.
        messages_not_listed: Messages of those of them that are in no schema.
        schemas: One per template, most messages first.
        not_shown: Templates left out because the result was full.
    """

    messages: int
    topics: int
    profiled: int
    topics_not_profiled: int
    schemas: list[TopicSchema]
    not_shown: list[str]
    messages_not_listed: int = 0


class Group(msgspec.Struct, frozen=True):
    """All topics of one template, merged."""

    template: str
    topics: tuple[str, ...]
    messages: int
    stored: int
    encodings: Counter[str]
    profile: Profile
    texts: Profile
    sizes: tuple[int, int]
    profiled: int


def fitting(group: Group, *, output: str, strict: bool, elapsed_s: float, max_chars: int) -> TopicSchema | None:
    """A group in at most ``max_chars`` characters of JSON, with less detail where needed; None when impossible."""
    if output == "summary":
        return _summary(group, max_chars)
    for detail, depth, said in (
        (2, 0, ""),
        (1, 0, "examples and averages"),
        (0, 3, "examples, averages and levels below the third"),
        (0, 1, "examples, averages and everything below the first level"),
    ):
        schema = document(group, Style(strict=strict, detail=detail, max_depth=depth), elapsed_s)
        rendered = _rendered(group, schema=schema, shortened=said)
        if chars(rendered) <= max_chars:
            return rendered
    return None


def document(group: Group, style: Style, elapsed_s: float) -> dict[str, Any]:
    """The JSON Schema of a group, for its majority encoding, with how it came about under ``x-mqtt-sample``."""
    encoding = majority(group.encodings)[0]
    schema: dict[str, Any] = {"$schema": DIALECT, "title": clean(group.template, 160)}
    if encoding in JSON_ENCODINGS:
        schema |= schema_of(group.profile, style)
    elif group.texts.root.seen:
        schema |= schema_of(group.texts, style, private=is_private(group.template.rpartition("/")[2]))
    elif encoding == "empty":
        schema |= {"description": "Empty payloads."}
    else:
        schema |= {
            "type": "string",
            "contentEncoding": "base64",
            "description": f"Not described further: {encoding}.",
            "x-mqtt": {"bytes": list(group.sizes)},
        }
        if "/" in encoding:
            schema["contentMediaType"] = encoding
    schema["x-mqtt-sample"] = {
        "messages": group.profiled,
        "topics": len(group.topics),
        "seconds": round(elapsed_s, 1),
        "confidence": confidence(group.profiled),
    }
    return schema


def majority(encodings: Counter[str]) -> tuple[str, float]:
    """The commonest encoding and its share; empty payloads count only when there is nothing else."""
    filled = Counter({name: count for name, count in encodings.items() if name != "empty"}) or encodings
    if not filled:
        return "unknown", 0.0
    name, count = min(filled.items(), key=lambda item: (-item[1], item[0]))
    return name, round(count / encodings.total(), 3)


def confidence(messages: int) -> str:
    """How much to believe a schema made from so many messages."""
    return "low" if messages < 5 else "medium" if messages < 30 else "high"


def _rendered(
    group: Group, *, schema: dict[str, Any] | None = None, lines: list[str] | None = None, shortened: str = ""
) -> TopicSchema:
    encoding, share = majority(group.encodings)
    return TopicSchema(
        template=clean(group.template, 200),
        topics=len(group.topics),
        example_topics=[clean(topic, 200) for topic in group.topics[:_EXAMPLE_TOPICS]],
        messages=group.messages,
        stored=group.stored,
        encoding=encoding,
        encoding_share=share,
        other_encodings={name: n for name, n in sorted(group.encodings.items()) if name != encoding},
        confidence=confidence(group.profiled) if share >= _MAJORITY or group.profiled < 5 else "medium",
        schema=schema or {},
        fields=lines or [],
        shortened=shortened,
    )


def _summary(group: Group, max_chars: int) -> TopicSchema | None:
    is_json = majority(group.encodings)[0] in JSON_ENCODINGS
    profile = group.profile if is_json else group.texts
    lines = [field_line(one) for one in fields(profile, include_root=not is_json)]
    rendered = _rendered(group, lines=lines)
    total = len(lines)
    while lines and chars(rendered) > max_chars:
        lines = lines[: len(lines) * 2 // 3]
        rendered = _rendered(group, lines=lines, shortened=f"{total - len(lines)} of {total} fields")
    return rendered if chars(rendered) <= max_chars else None


def chars(value: Any) -> int:
    """Characters of a value as JSON."""
    return len(msgspec.json.encode(value).decode())


def schema_notes(report: SchemaReport) -> list[str]:
    """Sentences a reader needs to judge the schemas."""
    notes = []
    if report.topics_not_profiled:
        notes.append(
            f"{report.topics_not_profiled} topics were beyond the bound of what is profiled and only counted; "
            "narrow topic_pattern to see them."
        )
    mixed = [one for one in report.schemas if one.encoding_share < _MAJORITY and one.other_encodings]
    notes += [
        f"{quote(one.template)} is not all {one.encoding}: the schema describes {one.encoding_share:.0%} of it."
        for one in mixed[:5]
    ]
    if any(one.confidence == "low" for one in report.schemas):
        notes.append("Schemas with low confidence rest on fewer than 5 messages; a longer duration sees more.")
    notes.append("A schema tells what was observed, which is not all that is allowed.")
    return notes
