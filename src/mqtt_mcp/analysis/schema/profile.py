"""The profile of decoded values at one place: what was seen there, in bounded memory, mergeable.

A ``Profile`` is a tree of ``Node``s (``node.py``), one per path. ``Profile.add`` is one pass over one value; ``merge``
joins profiles of several topics. Nothing here knows JSON Schema, topics or text for people (``document.py`` renders).
"""

from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.memory import slots_bytes
from mqtt_mcp.analysis.schema.naming import key_patterns
from mqtt_mcp.analysis.schema.node import EXAMPLE_CHARS, MAX_KEYS, NODE_BYTES, Node, example
from mqtt_mcp.analysis.schema.values import Numbers, Strings
from mqtt_mcp.analysis.schema.variants import Variants, may_tell_apart

MAX_DEPTH = 12
MAX_KEY_CHARS = 500
"""Longer keys share the node of the keys that are too many."""
MAX_NODES = 2_000
"""Nodes of one profile; beyond that values are counted but not looked into."""
MAX_VISITS = 5_000
"""Values of one message looked at, which bounds the time a message can take."""


MAX_TUPLE = 6
"""Arrays of at most so many items, always as many, are profiled by position."""
_MAX_VARIANT_DEPTH = 3
_MAX_UNIQUE_ITEMS = 64


class Profile:
    """What the values of one topic, or of one template after merging, look like.

    Args:
        max_tuple: Longest array that is profiled by position.
    """

    __slots__ = ("_live", "_max_tuple", "_t_s", "_visits", "held_bytes", "nodes", "root")

    def __init__(self, max_tuple: int = MAX_TUPLE) -> None:
        self.root = Node()
        self.nodes = 1
        self.held_bytes = slots_bytes(7) + NODE_BYTES
        """What it takes, about; follows ``add`` only."""
        self._max_tuple = max_tuple
        self._visits = 0
        self._t_s = 0.0
        self._live = True

    def add(self, value: Any, t_s: float, *, live: bool = True) -> None:
        """Take one decoded value.

        Args:
            value: None, bool, int, float, str, list or dict with string keys.
            t_s: Arrival in seconds since the start of the watch.
            live: False for a stored message, whose times tell nothing about clocks.
        """
        self._visits = 0
        self._t_s = t_s
        self._live = live
        self._observe(self.root, value, 0)

    def merge(self, other: "Profile") -> None:
        """Join the profile of another topic into this one."""
        self.root.merge(other.root)
        self.nodes += other.nodes

    def _observe(self, node: Node, value: Any, depth: int) -> None:
        self._visits += 1
        node.seen += 1
        kind = json_type(value)
        node.types[kind] += 1
        if node.types[kind] == 1 and len(node.types) > 1:
            self._keep_odd(node, kind, value)
        if kind in {"integer", "number"}:
            numbers = node.numbers
            before = numbers.held_bytes if numbers else 0
            numbers = node.numbers = numbers or Numbers()
            numbers.add(value, self._t_s, live=self._live)
            self.held_bytes += numbers.held_bytes - before
        elif kind == "string":
            strings = node.strings
            before = strings.held_bytes if strings else 0
            strings = node.strings = strings or Strings()
            strings.add(value, self._t_s, live=self._live)
            self.held_bytes += strings.held_bytes - before
        elif kind == "object":
            self._tell_apart(node, value, depth)
            self._observe_object(node, value, depth)
        elif kind == "array":
            self._observe_array(node, value, depth)

    def _keep_odd(self, node: Node, kind: str, value: Any) -> None:
        node.odd = node.odd or {}
        shown = value if kind not in {"object", "array"} or len(value) <= 8 else type(value)()
        node.odd[kind] = example(shown[:EXAMPLE_CHARS] if isinstance(shown, str) else shown)
        self.held_bytes += getsizeof(node.odd) + getsizeof(node.odd[kind])

    def _tell_apart(self, node: Node, value: dict[str, Any], depth: int) -> None:
        if node.types["object"] == 1 and depth <= _MAX_VARIANT_DEPTH and may_tell_apart(value):
            node.variants = Variants()
            self.held_bytes += node.variants.held_bytes
        if node.variants is None:
            return
        before = node.variants.held_bytes
        node.variants.add(value)
        self.held_bytes += node.variants.held_bytes - before
        if node.variants.hopeless:
            self.held_bytes -= node.variants.held_bytes
            node.variants = None

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
        if node.rest_patterns is None or node.rest_patterns:
            node.rest_patterns = key_patterns(key, node.rest_patterns)
        return node.rest

    def _node(self) -> Node:
        self.nodes += 1
        self.held_bytes += NODE_BYTES
        return Node()

    def _observe_array(self, node: Node, value: list[Any], depth: int) -> None:
        size = len(value)
        node.min_items = min(node.min_items, size)
        node.max_items = max(node.max_items, size)
        node.unique = node.unique and _is_unique(value)
        if depth >= MAX_DEPTH:
            node.partial = node.partial or bool(value)
            return
        if node.types["array"] == 1 and 0 < size <= self._max_tuple and self.nodes < MAX_NODES:
            node.positions = [self._node() for _ in value]
            self.held_bytes += getsizeof(node.positions)
        elif node.positions is not None and len(node.positions) != size:
            self._forget_positions(node)
        for at, item in enumerate(value):
            if self._visits >= MAX_VISITS:
                node.partial = True
                return
            if node.positions is not None:
                self._observe(node.positions[at], item, depth + 1)
                continue
            if node.items is None:
                node.items = self._node()
            self._observe(node.items, item, depth + 1)

    def _forget_positions(self, node: Node) -> None:
        before_bytes, before = node.held_bytes(), node.count()
        node.forget_positions()
        self.held_bytes += node.held_bytes() - before_bytes
        self.nodes += node.count() - before


def _is_unique(items: list[Any]) -> bool:
    """Whether no item is there twice; cautious, so equal ones of two types (1 and true) count as the same."""
    if len(items) > _MAX_UNIQUE_ITEMS or any(isinstance(item, (list, dict)) for item in items):
        return len(items) < 2
    return len(set(items)) == len(items)


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
