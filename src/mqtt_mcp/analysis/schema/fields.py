"""A profile as one line per field, for a reader in a hurry.

Owns the paths (``a.b``, ``a[]``, ``a.{}`` for the members of a map) and the words of a line. The values of private
fields are never shown. Does not make JSON Schema (``document.py`` does).
"""

import msgspec

from mqtt_mcp.analysis.schema.document import enum_values, is_dynamic, members, number_kind, tidy, types_of
from mqtt_mcp.analysis.schema.profile import Node, Profile
from mqtt_mcp.analysis.schema.values import Numbers, Strings
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.words import best_format, is_private, unit_of

REDACTED = "(redacted)"


class Field(msgspec.Struct, frozen=True):
    """One path of a profile: ``a.b``, items of arrays as ``a[]``; presence relative to its parent object, 0 to 1."""

    path: str
    types: tuple[str, ...]
    presence: float
    node: Node
    private: bool


def fields(profile: Profile, *, maps: bool = True, include_root: bool = False, max_fields: int = 500) -> list[Field]:
    """All paths of a profile in order.

    Args:
        profile: What was seen.
        maps: Show the members of an object keyed by ids as one, ``a.{}``.
        include_root: Begin with the value itself, as ``$``.
        max_fields: Bound of the list.
    """
    found: list[Field] = []
    stack: list[tuple[str, Node, float, bool]] = [("", profile.root, 1.0, False)]
    while stack and len(found) <= max_fields:
        path, node, presence, private = stack.pop()
        if path or include_root:
            found.append(Field(path or "$", tuple(sorted(node.types)), presence, node, private))
        below: list[tuple[str, Node, float, bool]] = []
        dot = f"{path}." if path else ""
        objects = node.types["object"]
        if maps and node.properties and is_dynamic(node):
            below.append((f"{dot}{{}}", members(node), 1.0, private))
        else:
            below += [
                (f"{dot}{key}", child, child.seen / objects, private or is_private(key))
                for key, child in sorted(node.properties.items())
            ]
        if node.items is not None:
            below.append((f"{path}[]", node.items, 1.0, private))
        stack.extend(reversed(below))
    return found[:max_fields]


def field_line(field: Field) -> str:
    """One field as ``path  types  presence  range or values``, two spaces between; foreign text cleaned."""
    node = field.node
    parts = [clean(field.path, 160), "|".join(types_of(node)) or "-"]
    parts.append("always" if field.presence >= 1.0 else f"{field.presence:.0%}")
    numbers, strings = node.numbers, node.strings
    if field.private:
        parts.append("private")
    else:
        if numbers and numbers.count:
            parts.append(_range(numbers, field.path))
        if strings:
            parts.append(_text_values(strings))
    return "  ".join(part for part in parts if part)


def _range(numbers: Numbers, path: str) -> str:
    low, high = tidy(numbers.minimum), tidy(numbers.maximum)
    unit = unit_of(path.rpartition(".")[2])
    text = f"{low}" if low == high else f"{low} … {high}"
    return " ".join(part for part in (text, unit, number_kind(numbers)) if part)


def _text_values(strings: Strings) -> str:
    found = best_format(strings.formats or ())
    if strings.secret or found == "jwt":
        return REDACTED
    values = enum_values(strings)
    if values:
        return "one of " + ", ".join(clean(value, 40) for value in values)
    return f"{found} e.g. {clean(next(iter(strings.values)), 60)}".strip()
