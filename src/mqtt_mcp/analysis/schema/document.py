"""A profile as a JSON Schema 2020-12 document.

What was observed is not what is allowed: ranges and value lists are annotations under ``x-mqtt`` unless ``strict`` asks
for keywords. Either way every profiled message validates. Values of private fields are never shown. Does not profile
(``profile.py``), group topics (``listening.py``) or list fields for people (``fields.py``).
"""

import math
from typing import Any

import msgspec

from mqtt_mcp.analysis.schema.profile import Node, Profile
from mqtt_mcp.analysis.schema.values import MAX_VALUE_CHARS, Numbers, Strings, epoch_unit
from mqtt_mcp.analysis.statistics import percentile
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.words import STANDARD_FORMATS, best_format, is_private, looks_like_id, unit_of

_ENUM_MAX = 12
_ENUM_MIN_SEEN = 10
_ENUM_MAX_SHARE = 0.2
_PAIRS = frozenset(
    frozenset(pair.split("/"))
    for pair in (
        "on/off",
        "true/false",
        "online/offline",
        "open/closed",
        "open/close",
        "yes/no",
        "enabled/disabled",
        "locked/unlocked",
        "lock/unlock",
    )
)
_KEY_CHARS = 120
_DYNAMIC_MIN_KEYS = 3
_OUTLIER_SHARE = 0.02
_REQUIRED_MIN = 5


class Style(msgspec.Struct, frozen=True):
    """How much a document says.

    Attributes:
        strict: Observed ranges and value lists become ``minimum``, ``maximum`` and ``enum``.
        detail: 2 everything, 1 no examples and statistics, 0 also nothing below ``max_depth``.
        max_depth: Levels of nesting shown at detail 0.
    """

    strict: bool = False
    detail: int = 2
    max_depth: int = 3


def schema_of(profile: Profile, style: Style, *, private: bool = False) -> dict[str, Any]:
    """The JSON Schema of a profile, without ``$schema`` and title; ``private`` shows types only."""
    document = _schema(profile.root, style, private=private, depth=0)
    found = profile.variants.discriminator()
    if found is not None and not profile.root.partial and not is_private(found[0]):
        name, values = found
        if all(clean(value, MAX_VALUE_CHARS) == value for value in values):
            document["oneOf"] = [
                {
                    "properties": {name: {"const": value}},
                    "required": sorted(
                        key
                        for key, count in variant.keys.items()
                        if count == variant.count and (count >= _REQUIRED_MIN or key == name) and _plain(key)
                    ),
                    "x-mqtt": {"count": variant.count},
                }
                for value, variant in sorted(values.items())
            ]
    return document


def _plain(key: str) -> bool:
    return clean(key, _KEY_CHARS) == key


def _schema(node: Node, style: Style, *, private: bool, depth: int, parents: int = 0, name: str = "") -> dict[str, Any]:
    notes: dict[str, Any] = {}
    schema: dict[str, Any] = {}
    types = types_of(node)
    if types:
        schema["type"] = types[0] if len(types) == 1 else types
    if parents:
        notes["presence"] = round(node.seen / parents, 3)
    outliers = {
        kind: count for kind, count in node.types.items() if count < _OUTLIER_SHARE * node.seen and len(node.types) > 1
    }
    if outliers:
        notes["outliers"] = outliers
    if private and (node.numbers or node.strings):
        notes["private"] = True
    if node.numbers:
        _describe_numbers(schema, notes, node, node.numbers, style, name=name, private=private)
    if node.strings:
        _describe_strings(schema, notes, node, node.strings, style, private=private)
    if node.types["object"]:
        _describe_object(schema, notes, node, style, private=private, depth=depth)
    if node.types["array"]:
        _describe_array(schema, notes, node, style, private=private, depth=depth)
    if notes:
        schema["x-mqtt"] = notes
    return schema


def types_of(node: Node) -> list[str]:
    """The JSON Schema types of a place, sorted; ``integer`` only where no other number was seen."""
    types = set(node.types)
    if "number" in types:
        types.discard("integer")
    return sorted(types)


def _describe_numbers(
    schema: dict[str, Any], notes: dict[str, Any], node: Node, numbers: Numbers, style: Style, *, name: str,
    private: bool,
) -> None:  # fmt: skip
    unit = unit_of(name)
    if unit:
        notes["unit"] = unit
    if private or not numbers.count:
        return
    if style.strict and not numbers.unbounded:
        schema["minimum"], schema["maximum"] = numbers.minimum, numbers.maximum
    else:
        notes["minimum"], notes["maximum"] = numbers.minimum, numbers.maximum
    kind = number_kind(numbers)
    if kind:
        notes["kind"] = kind
    if kind == "timestamp":
        notes["unit"] = epoch_unit(numbers.last)
    if style.detail < 2:
        return
    if numbers.count >= 3 and numbers.minimum < numbers.maximum and kind != "timestamp":
        notes["p50"] = tidy(percentile(sorted(numbers.ring), 0.5))
        notes["mean"] = tidy(numbers.mean)
    if not node.strings:
        schema["examples"] = _first_different([numbers.first, numbers.last, numbers.maximum])


def number_kind(numbers: Numbers) -> str:
    """What a series of numbers is: ``timestamp``, ``counter``, ``constant`` or empty for an ordinary gauge."""
    if numbers.unbounded:
        return ""
    if epoch_unit(numbers.minimum) and epoch_unit(numbers.minimum) == epoch_unit(numbers.maximum):
        return "timestamp"
    if numbers.count >= 5 and not numbers.falls and numbers.rises >= max(3, numbers.count // 3):
        return "counter"
    return "constant" if numbers.count >= 10 and numbers.minimum == numbers.maximum else ""


def _describe_strings(
    schema: dict[str, Any], notes: dict[str, Any], node: Node, strings: Strings, style: Style, *, private: bool
) -> None:
    found = best_format(strings.formats or ())
    if found in STANDARD_FORMATS and len(types_of(node)) == 1:
        schema["format"] = found
    elif found:
        notes["format"] = found
    if private or strings.secret or found == "jwt":
        notes["private"] = True
        return
    values = enum_values(strings)
    if values:
        if style.strict and len(types_of(node)) == 1 and all(clean(v, MAX_VALUE_CHARS) == v for v in values):
            schema["enum"] = values
        else:
            notes["values"] = [clean(value, MAX_VALUE_CHARS) for value in values]
    elif style.detail >= 2:
        schema["examples"] = examples(strings)
        if strings.max_chars > MAX_VALUE_CHARS:
            notes["max_chars"] = strings.max_chars


def enum_values(strings: Strings) -> list[str]:
    """The values of a field that seems to be an enumeration, sorted, or nothing."""
    values = strings.values
    if strings.overflow or len(values) > _ENUM_MAX:
        return []
    pair = frozenset(value.lower() for value in values) in _PAIRS
    if pair or (strings.count >= _ENUM_MIN_SEEN and len(values) <= _ENUM_MAX_SHARE * strings.count):
        return sorted(values)
    return []


def examples(strings: Strings) -> list[str]:
    """At most three values: the first, the last new one and the rarest."""
    values = list(strings.values)
    rarest = min(values, key=lambda value: (strings.values[value], value))
    return [clean(value, MAX_VALUE_CHARS) for value in _first_different([values[0], values[-1], rarest])]


def _first_different(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _describe_object(
    schema: dict[str, Any], notes: dict[str, Any], node: Node, style: Style, *, private: bool, depth: int
) -> None:
    if style.detail == 0 and depth >= style.max_depth:
        notes["fields_not_shown"] = len(node.properties)
        return
    prefix = "x-mqtt-" if node.partial else ""
    if is_dynamic(node):
        member = members(node)
        schema[f"{prefix}additionalProperties"] = _schema(member, style, private=private, depth=depth + 1)
        notes["kind"] = "map"
        if node.rest is None:
            notes["distinct_keys"] = len(node.properties)
        else:
            notes["distinct_keys_at_least"] = len(node.properties)
        return
    objects = node.types["object"]
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key in sorted(node.properties):
        child = node.properties[key]
        shown = clean(key, _KEY_CHARS)
        if shown in properties or (shown != key and shown in node.properties):
            continue
        properties[shown] = _schema(
            child, style, private=private or is_private(key), depth=depth + 1, parents=objects, name=key
        )
        if child.seen == objects >= _REQUIRED_MIN and shown == key:
            required.append(key)
    if properties:
        schema[f"{prefix}properties"] = properties
    if required and not node.partial:
        schema["required"] = required


def is_dynamic(node: Node) -> bool:
    """True when an object's keys name members (ids) rather than properties."""
    if node.rest is not None:
        return True
    count = len(node.properties)
    return count >= _DYNAMIC_MIN_KEYS and sum(map(looks_like_id, node.properties)) >= 0.8 * count


def members(node: Node) -> Node:
    """All values of a map as if they were of one field."""
    merged = Node()
    for child in node.properties.values():
        merged.merge(child)
    if node.rest is not None:
        merged.merge(node.rest)
    return merged


def _describe_array(
    schema: dict[str, Any], notes: dict[str, Any], node: Node, style: Style, *, private: bool, depth: int
) -> None:
    notes["items"] = [node.min_items, node.max_items]
    if style.detail == 0 and depth >= style.max_depth:
        return
    if node.items is not None:
        prefix = "x-mqtt-" if node.partial else ""
        schema[f"{prefix}items"] = _schema(node.items, style, private=private, depth=depth + 1)
    if style.strict and not node.partial and set(types_of(node)) == {"array"}:
        schema["minItems"], schema["maxItems"] = node.min_items, node.max_items


def tidy(value: float) -> float | int:
    """A number with at most 6 significant digits behind what it needs; whole ones as integers."""
    if not math.isfinite(value):
        return 0
    if float(value).is_integer() and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.6g}")
