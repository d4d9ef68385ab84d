"""What kind of thing an object or array is: properties or members of a map, a list or a tuple.

Owns these judgements over a profiled place. Does not write them down (``document.py`` and ``fields.py`` do).
"""

from collections import Counter

from mqtt_mcp.analysis.schema.naming import KEY_PATTERNS, is_numbered, key_patterns
from mqtt_mcp.analysis.schema.node import Node
from mqtt_mcp.analysis.words import looks_like_id

_DYNAMIC_MIN_KEYS = 3
_NUMBERED_MIN_KEYS = 6
_DYNAMIC_SHARE = 0.8
_TUPLE_MIN_ARRAYS = 3
_TELLING_PATTERNS = len(KEY_PATTERNS) - 1


def types_of(node: Node) -> list[str]:
    """The JSON Schema types of a place, sorted; ``integer`` only where no other number was seen."""
    types = {name for name, count in node.types.items() if count}
    if "number" in types:
        types.discard("integer")
    return sorted(types)


def is_dynamic(node: Node) -> bool:
    """True when an object's keys name members (ids) rather than properties.

    Words with a number behind them (``pm10``, ``pm25``) are names of fields too: they need company of their kind.
    """
    if node.rest is not None:
        return True
    count = len(node.properties)
    if count < _DYNAMIC_MIN_KEYS:
        return False
    ids = [key for key in node.properties if looks_like_id(key)]
    if len(ids) < _DYNAMIC_SHARE * count:
        return False
    numbered = Counter(key.rstrip("0123456789") for key in ids if is_numbered(key))
    return len(ids) - numbered.total() >= _DYNAMIC_MIN_KEYS or max(numbered.values(), default=0) >= _NUMBERED_MIN_KEYS


def members(node: Node) -> Node:
    """All values of a map as if they were of one field."""
    merged = Node()
    for child in node.properties.values():
        merged.merge(child)
    if node.rest is not None:
        merged.merge(node.rest)
    return merged


def key_pattern(node: Node) -> str:
    """The narrowest telling pattern that all keys of a map fit, or empty."""
    patterns = node.rest_patterns if node.rest is not None else None
    for key in node.properties:
        patterns = key_patterns(key, patterns)
        if not patterns:
            return ""
    return next((text for text, _ in KEY_PATTERNS[:_TELLING_PATTERNS] if text in (patterns or ())), "")


def is_tuple(node: Node, *, columns: bool = False) -> bool:
    """True when arrays have one length and what an item is depends on where it stands.

    Args:
        node: A place.
        columns: The arrays are rows of a table: then always, as long as the cells are scalars.
    """
    positions = node.positions
    if not positions or node.types["array"] < _TUPLE_MIN_ARRAYS:
        return False
    kinds = {_kind(one) for one in positions} - {()}
    if columns:
        return not any(one.types["array"] or one.types["object"] for one in positions)
    return len(kinds) > 1


def _kind(node: Node) -> tuple[str, ...]:
    """The types of a position; a null or a whole number among numbers makes no other type."""
    return tuple(sorted({"number" if name == "integer" else name for name, n in node.types.items() if n} - {"null"}))
