"""The profile of JSON values at one place: what was seen there, in bounded memory, mergeable.

A ``Profile`` is a tree of ``Node``s, one per path. ``Profile.add`` is one pass over one value; ``merge`` joins profiles
of several topics. Nothing here knows JSON Schema, topics or text for people (``document.py`` renders).
"""

from collections import Counter
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.memory import slots_bytes
from mqtt_mcp.analysis.schema.values import Numbers, Strings
from mqtt_mcp.analysis.schema.variants import Variants

MAX_DEPTH = 12
MAX_KEYS = 256
"""Distinct keys of one object kept apart; further ones share one node."""
MAX_KEY_CHARS = 500
"""Longer keys share the node of the keys that are too many."""
MAX_NODES = 2_000
"""Nodes of one profile; beyond that values are counted but not looked into."""
MAX_VISITS = 5_000
"""Values of one message looked at, which bounds the time a message can take."""


_NODE_BYTES = slots_bytes(10) + getsizeof(Counter(x=1)) + getsizeof({}) + 32


class Node:
    """All values seen at one path."""

    __slots__ = ("items", "max_items", "min_items", "numbers", "partial", "properties", "rest", "seen", "strings",
                 "types")  # fmt: skip

    def __init__(self) -> None:
        self.seen = 0
        self.types: Counter[str] = Counter()
        self.numbers: Numbers | None = None
        self.strings: Strings | None = None
        self.properties: dict[str, Node] = {}
        self.rest: Node | None = None
        """Where the values of keys beyond ``MAX_KEYS`` went."""
        self.items: Node | None = None
        self.min_items = 1 << 60
        self.max_items = 0
        self.partial = False
        """True when some values below here were not looked at: children describe a part only."""

    def merge(self, other: "Node") -> None:
        """Join another place's values into this one."""
        self.seen += other.seen
        self.types += other.types
        self.partial = self.partial or other.partial
        self.min_items = min(self.min_items, other.min_items)
        self.max_items = max(self.max_items, other.max_items)
        if other.numbers:
            self.numbers = self.numbers or Numbers()
            self.numbers.merge(other.numbers)
        if other.strings:
            self.strings = self.strings or Strings()
            self.strings.merge(other.strings)
        if other.items:
            self.items = self.items or Node()
            self.items.merge(other.items)
        if other.rest:
            self.rest = self.rest or Node()
            self.rest.merge(other.rest)
        for key, child in other.properties.items():
            mine = self.properties.get(key)
            if mine is None and len(self.properties) < MAX_KEYS:
                mine = self.properties[key] = Node()
            if mine is None:
                mine = self.rest = self.rest or Node()
            mine.merge(child)


class Profile:
    """What the values of one topic, or of one template after merging, look like."""

    __slots__ = ("_t_s", "_visits", "held_bytes", "nodes", "root", "variants")

    def __init__(self) -> None:
        self.root = Node()
        self.variants = Variants()
        self.nodes = 1
        self.held_bytes = slots_bytes(6) + _NODE_BYTES + self.variants.held_bytes
        """What it takes, about; follows ``add`` only."""
        self._visits = 0
        self._t_s = 0.0

    def add(self, value: Any, t_s: float) -> None:
        """Take one parsed value.

        Args:
            value: As decoded from JSON: None, bool, int, float, str, list or dict with string keys.
            t_s: Arrival in seconds since the start of the watch.
        """
        self._visits = 0
        self._t_s = t_s
        self._observe(self.root, value, 0)
        if isinstance(value, dict):
            before = self.variants.held_bytes
            self.variants.add(value)
            self.held_bytes += self.variants.held_bytes - before

    def merge(self, other: "Profile") -> None:
        """Join the profile of another topic into this one."""
        self.root.merge(other.root)
        self.variants.merge(other.variants)
        self.nodes += other.nodes

    def _observe(self, node: Node, value: Any, depth: int) -> None:
        self._visits += 1
        node.seen += 1
        kind = json_type(value)
        node.types[kind] += 1
        if kind in {"integer", "number"}:
            numbers = node.numbers
            before = numbers.held_bytes if numbers else 0
            numbers = node.numbers = numbers or Numbers()
            numbers.add(value, self._t_s)
            self.held_bytes += numbers.held_bytes - before
        elif kind == "string":
            strings = node.strings
            before = strings.held_bytes if strings else 0
            strings = node.strings = strings or Strings()
            strings.add(value)
            self.held_bytes += strings.held_bytes - before
        elif kind == "object":
            self._observe_object(node, value, depth)
        elif kind == "array":
            self._observe_array(node, value, depth)

    def _observe_object(self, node: Node, value: dict[str, Any], depth: int) -> None:
        if depth >= MAX_DEPTH:
            node.partial = node.partial or bool(value)
            return
        for key, item in value.items():
            if self._visits >= MAX_VISITS:
                node.partial = True
                return
            child = self._property(node, key)
            if child is not None:
                self._observe(child, item, depth + 1)

    def _property(self, node: Node, key: str) -> Node | None:
        child = node.properties.get(key)
        if child is not None:
            return child
        if len(node.properties) < MAX_KEYS and self.nodes < MAX_NODES and len(key) <= MAX_KEY_CHARS:
            table = getsizeof(node.properties)
            child = node.properties[key] = self._node()
            self.held_bytes += getsizeof(key) + getsizeof(node.properties) - table
            return child
        if node.rest is None:
            if self.nodes >= MAX_NODES + MAX_KEYS:
                node.partial = True
                return None
            node.rest = self._node()
        return node.rest

    def _node(self) -> Node:
        self.nodes += 1
        self.held_bytes += _NODE_BYTES
        return Node()

    def _observe_array(self, node: Node, value: list[Any], depth: int) -> None:
        node.min_items = min(node.min_items, len(value))
        node.max_items = max(node.max_items, len(value))
        if depth >= MAX_DEPTH:
            node.partial = node.partial or bool(value)
            return
        for item in value:
            if self._visits >= MAX_VISITS:
                node.partial = True
                return
            if node.items is None:
                node.items = self._node()
            self._observe(node.items, item, depth + 1)


_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def json_type(value: Any) -> str:
    """The JSON Schema type name of a decoded value; a float is ``number`` even when it is whole."""
    return _TYPES[type(value)]
