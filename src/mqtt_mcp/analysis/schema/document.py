"""A profile as a JSON Schema 2020-12 document.

What was observed is not what is allowed: ranges and value lists are annotations under ``x-mqtt`` unless ``strict`` asks
for keywords. Either way every profiled message validates. Values of private fields are never shown. Does not profile
(``profile.py``), judge scalars (``describe.py``), group topics (``listening.py``) or list fields (``fields.py``).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mqtt_mcp.analysis.schema.describe import (
    Scope,
    enum_values,
    examples,
    is_secret,
    number_kind,
    number_notes,
    string_format,
    string_notes,
    unit,
)
from mqtt_mcp.analysis.schema.node import Node
from mqtt_mcp.analysis.schema.profile import Profile
from mqtt_mcp.analysis.schema.structure import is_dynamic, is_tuple, key_pattern, members, types_of
from mqtt_mcp.analysis.schema.units import Path
from mqtt_mcp.analysis.schema.values import MAX_VALUE_CHARS, Numbers, Strings
from mqtt_mcp.analysis.schema.variants import NOT_NULL, NULL
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.words import STANDARD_FORMATS, is_private

_KEY_CHARS = 120
_OUTLIER_SHARE = 0.02
_REQUIRED_MIN = 5
_UNIQUE_MIN_ARRAYS = 3
_MAX_NULLS = 8
_TELLING = ("unit", "kind", "format", "private", "discriminator", "looks_like_instruction")
"""Annotations that stay when room is very short."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How much a document says, and what is known beside the profile.

    Attributes:
        strict: Observed ranges and value lists become ``minimum``, ``maximum`` and ``enum``.
        detail: 2 everything, 1 no examples and statistics, 0 also nothing below ``max_depth``, -1 also only the most
            telling annotations.
        max_depth: Levels of nesting shown at detail 0 and -1.
        columns: Rows of comma separated values: always by position.
        maps: Objects keyed by ids are maps; False where numbers are names of fields, as in protobuf.
        draft_07: Tuples as JSON Schema had them before 2020-12, which AsyncAPI's schema objects are made after.
        started_at_epoch_s: Wall clock at the start of the watch, to compare times in the messages with.
        announced: Units by path, from elsewhere.
    """

    strict: bool = False
    detail: int = 2
    max_depth: int = 3
    columns: bool = False
    maps: bool = True
    draft_07: bool = False
    started_at_epoch_s: float | None = None
    announced: Mapping[Path, str] = {}


class _Place(msgspec.Struct, frozen=True):
    """Where in the document we are: ``parents`` objects could have had this property, 0 for what is no property."""

    scope: Scope
    depth: int = 0
    parents: int = 0
    private: bool = False

    def below(self, key: str) -> "_Place":
        """The items of an array or the members of a map."""
        return _Place(self.scope.below(key), self.depth + 1, 0, self.private)

    def property(self, key: str, inside: Scope, parents: int) -> "_Place":
        """A property; ``inside`` is the scope of all of them."""
        return _Place(inside.below(key), self.depth + 1, parents, self.private or is_private(key))


def schema_of(profile: Profile, style: Style, *, name: str = "", private: bool = False) -> dict[str, Any]:
    """The JSON Schema of a profile, without ``$schema`` and title.

    Args:
        profile: What was seen.
        style: How much is said.
        name: What a value without fields is called, such as the last level of its topic.
        private: Show types only.
    """
    scope = Scope(announced=style.announced, started_at_epoch_s=style.started_at_epoch_s)
    return _Writer(style, name).schema(profile.root, _Place(scope, private=private))


class _Writer:
    """Writes the schemas of one profile."""

    def __init__(self, style: Style, root_name: str) -> None:
        self._style = style
        self._root_name = root_name

    def schema(self, node: Node, place: _Place) -> dict[str, Any]:
        notes: dict[str, Any] = {}
        schema: dict[str, Any] = {}
        types = types_of(node)
        if types:
            schema["type"] = types[0] if len(types) == 1 else types
        if place.parents:
            notes["presence"] = round(node.seen / place.parents, 3)
        if len(types) > 1:
            self._describe_types(notes, node, types, place)
        if place.private and (node.numbers or node.strings):
            notes["private"] = True
        if node.numbers:
            self._describe_numbers(schema, notes, node.numbers, place, types)
        if node.strings:
            self._describe_strings(schema, notes, node.strings, place, types)
        if types == ["boolean"]:
            notes["kind"] = "state"
        if node.types["object"]:
            self._describe_object(schema, notes, node, place)
        if node.types["array"]:
            self._describe_array(schema, notes, node, place)
        if self._style.detail < 0:
            notes = {key: notes[key] for key in _TELLING if key in notes}
        if notes:
            schema["x-mqtt"] = notes
        return schema

    def _describe_types(self, notes: dict[str, Any], node: Node, types: list[str], place: _Place) -> None:
        counts = {name: node.types[name] for name in types}
        if "number" in counts:
            counts["number"] += node.types["integer"]
        notes["types"] = {name: round(count / node.seen, 3) for name, count in counts.items()}
        rare = {name: count for name, count in counts.items() if count < _OUTLIER_SHARE * node.seen}
        if not rare:
            return
        shown = {} if place.private or (node.strings and is_secret(node.strings)) else node.odd or {}
        shown = {**node.first_examples(), **shown} if shown else shown
        notes["outliers"] = {
            name: {"count": count, **({"example": shown[name]} if name in shown and self._open(name) else {})}
            for name, count in rare.items()
        }

    def _open(self, type_name: str) -> bool:
        """Examples of whole objects and arrays may hold private members."""
        return self._style.detail >= 2 and type_name not in {"object", "array"}

    def _describe_numbers(
        self, schema: dict[str, Any], notes: dict[str, Any], numbers: Numbers, place: _Place, types: list[str]
    ) -> None:
        scope = place.scope
        found = unit(scope, numbers)
        if not scope.path and self._root_name:
            scope = scope.below(self._root_name)
            found = found or unit(scope, numbers)
        if found:
            notes["unit"] = found
        if place.private or not numbers.count:
            return
        strict = self._style.strict and not numbers.unbounded
        (schema if strict else notes).update(minimum=numbers.minimum, maximum=numbers.maximum)
        kind = number_kind(numbers, scope)
        notes.update(number_notes(numbers, scope, kind, statistics=self._style.detail >= 2))
        if strict and types == ["integer"] and "multiple_of" in notes:
            schema["multipleOf"] = notes.pop("multiple_of")
        if self._style.detail >= 2 and "string" not in types:
            schema["examples"] = list(dict.fromkeys([numbers.first, numbers.last, numbers.maximum]))

    def _describe_strings(
        self, schema: dict[str, Any], notes: dict[str, Any], strings: Strings, place: _Place, types: list[str]
    ) -> None:
        found = string_format(strings)
        if found in STANDARD_FORMATS:
            schema["format"] = found
        elif found:
            notes["format"] = found
        if place.private or is_secret(strings):
            notes["private"] = True
            return
        if strings.instructs:
            notes["looks_like_instruction"] = True
        notes.update(string_notes(strings, place.scope))
        values = enum_values(strings)
        if values and len(values) <= 12:
            notes.setdefault("kind", "constant" if len(values) == 1 else "state")
            if self._style.strict and types == ["string"] and all(clean(v, MAX_VALUE_CHARS) == v for v in values):
                schema["enum"] = values
            else:
                notes["values"] = [clean(value, MAX_VALUE_CHARS) for value in values]
        elif self._style.detail >= 2:
            schema["examples"] = examples(strings)
            if strings.max_chars > MAX_VALUE_CHARS:
                notes["max_chars"] = strings.max_chars

    def _cut(self, place: _Place) -> bool:
        return self._style.detail <= 0 and place.depth >= self._style.max_depth

    def _describe_object(self, schema: dict[str, Any], notes: dict[str, Any], node: Node, place: _Place) -> None:
        if self._cut(place):
            notes["fields_not_shown"] = len(node.properties)
            return
        prefix = "x-mqtt-" if node.partial else ""
        if node.rest is not None or (self._style.maps and is_dynamic(node)):
            notes["kind"] = "map"
            notes["distinct_keys" if node.rest is None else "distinct_keys_at_least"] = len(node.properties)
            pattern = key_pattern(node)
            if pattern:
                schema[f"{prefix}propertyNames"] = {"pattern": pattern}
            schema[f"{prefix}additionalProperties"] = self.schema(members(node), place.below("{}"))
            return
        objects = node.types["object"]
        properties: dict[str, Any] = {}
        required: list[str] = []
        inside = place.scope.inside(node)
        for key in sorted(node.properties):
            child = node.properties[key]
            shown = clean(key, _KEY_CHARS)
            if shown in properties or (shown != key and shown in node.properties):
                continue
            properties[shown] = self.schema(child, place.property(key, inside, objects))
            if child.seen == objects >= _REQUIRED_MIN and shown == key:
                required.append(key)
        if properties:
            schema[f"{prefix}properties"] = properties
        if required and not node.partial:
            schema["required"] = required
        if not node.partial and not place.private and types_of(node) == ["object"]:
            self._describe_variants(schema, notes, node, required)

    def _describe_variants(
        self, schema: dict[str, Any], notes: dict[str, Any], node: Node, required: list[str]
    ) -> None:
        found = node.variants.discriminator() if node.variants is not None else None
        if found is None or is_private(found[0]):
            return
        name, values = found
        strings = node.properties[name].strings if name in node.properties else None
        if strings is None or is_secret(strings) or any(clean(value, MAX_VALUE_CHARS) != value for value in values):
            return
        notes["discriminator"] = name
        everywhere = set(required) - {name}
        branches = []
        for value, variant in sorted(values.items()):
            always = [key for key, count in variant.keys.items() if count == variant.count >= _REQUIRED_MIN]
            own = {key for key in always if NOT_NULL not in key and clean(key, _KEY_CHARS) == key} - everywhere
            told: dict[str, Any] = {"count": variant.count}
            nulls = sorted(
                clean(key.removesuffix(NULL), _KEY_CHARS)
                for key, count in variant.keys.items()
                if count == variant.count > 1 and key.endswith(NULL)
            )
            if nulls:
                told["null"] = nulls[:_MAX_NULLS]
            branch = {"properties": {name: {"const": value}}, "required": sorted(own | {name}), "x-mqtt": told}
            branches.append(branch)
        schema["oneOf"] = branches

    def _describe_array(self, schema: dict[str, Any], notes: dict[str, Any], node: Node, place: _Place) -> None:
        notes["items"] = [node.min_items, node.max_items]
        by_position = node.positions is not None and is_tuple(node, columns=self._style.columns)
        if node.unique and node.max_items > 1 and node.types["array"] >= _UNIQUE_MIN_ARRAYS and not by_position:
            if self._style.strict:
                schema["uniqueItems"] = True
            else:
                notes["unique_items"] = True
        strict = self._style.strict and not node.partial and set(types_of(node)) == {"array"}
        if strict:
            schema["minItems"], schema["maxItems"] = node.min_items, node.max_items
        if self._cut(place):
            return
        prefix = "x-mqtt-" if node.partial else ""
        if node.positions is not None and by_position:
            cells = [self.schema(one, place.below("[]")) for one in node.positions]
            schema[f"{prefix}{'items' if self._style.draft_07 else 'prefixItems'}"] = cells
            if strict:
                schema["additionalItems" if self._style.draft_07 else "items"] = False
            return
        items = node.all_items()
        if items is not None:
            schema[f"{prefix}items"] = self.schema(items, place.below("[]"))
